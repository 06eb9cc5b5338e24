-- Everything Keysmith keeps. Times are Unix milliseconds; lists and labels are JSON; sealed columns are encrypted under
-- a key derived from the master key, which never lies here, and bound to their column and row.

create table installation (
    singleton bigint primary key check (singleton = 1),
    -- Opens only under the right master key.
    key_check blob not null,
    -- The identity of the log below, and its last revision. Counted in the transaction that makes the changes, so the
    -- order of revisions is the order of commits.
    epoch blob not null,
    revision bigint not null,
    -- The last number given to an application; numbers are never used again.
    application_number bigint not null,
    created_at bigint not null
);

create table organizations (
    id text primary key not null,
    name text not null unique,
    created_at bigint not null
);

-- Names stay reserved when an application is renamed or deleted.
create table application_names (
    name text primary key not null,
    organization_id text not null references organizations (id)
);

create table applications (
    id text primary key not null,
    organization_id text not null references organizations (id),
    number bigint not null unique,
    name text not null unique references application_names (name),
    custom_id text,
    description text not null,
    labels text not null,
    scopes text not null,
    -- Null: every automatic gateway group.
    gateway_groups text,
    enabled boolean not null,
    created_at bigint not null,
    updated_at bigint not null,
    version bigint not null
);

create index applications_by_organization on applications (organization_id, id);

create table credentials (
    id text primary key not null,
    organization_id text not null references organizations (id),
    application_id text not null references applications (id),
    kind text not null,
    name text not null,
    identifier text not null,
    username text,
    description text not null,
    labels text not null,
    enabled boolean not null,
    not_before bigint,
    expires_at bigint,
    scopes text not null,
    secret_version bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    version bigint not null,
    unique (application_id, name),
    unique (application_id, identifier)
);

create index credentials_by_application on credentials (application_id, id);

-- User names in use by a current or retiring secret.
create table usernames (
    username text primary key not null,
    credential_id text not null references credentials (id)
);

create index usernames_by_credential on usernames (credential_id);

-- Secrets outlive their credentials: a revoked value never works again, whoever presents it.
create table secrets (
    id text primary key not null,
    organization_id text not null references organizations (id),
    credential_id text not null,
    version bigint not null,
    state text not null check (state in ('current', 'retiring', 'revoked')),
    retiring_until bigint,
    revoked_at bigint,
    origin text not null,
    username text,
    sealed blob not null,
    fingerprint blob not null unique,
    prefix text not null,
    last_four text not null,
    created_at bigint not null,
    unique (credential_id, version)
);

create index secrets_unrevoked on secrets (credential_id, version) where state <> 'revoked';
create index secrets_retiring on secrets (retiring_until, credential_id) where state = 'retiring';
create index secrets_chosen on secrets (username) where origin = 'chosen' and state <> 'revoked';

-- Gateways belong to the installation, not to an organization.
create table gateway_groups (
    id text primary key not null,
    name text not null unique,
    mode text not null,
    created_at bigint not null
);

create table digest_keys (
    group_id text not null references gateway_groups (id),
    version bigint not null,
    sealed blob not null,
    primary key (group_id, version)
);

-- Which applications a group's gateways know, in the order of a snapshot.
create table admitted_applications (
    group_id text not null references gateway_groups (id),
    bucket bigint not null,
    number bigint not null,
    application_id text not null references applications (id),
    primary key (group_id, bucket, number)
) without rowid;

create index admitted_by_application on admitted_applications (application_id, group_id);

-- Which secrets a group's gateways honour, in the order of a snapshot.
create table deployed_secrets (
    group_id text not null references gateway_groups (id),
    digest blob not null,
    secret_id text not null references secrets (id),
    credential_id text not null references credentials (id),
    -- The credential's, so that one which has expired is found, and not any more once it is withdrawn.
    expires_at bigint,
    primary key (group_id, digest)
) without rowid;

create index deployed_by_credential on deployed_secrets (credential_id);
create index deployed_by_secret on deployed_secrets (secret_id);
create index deployed_by_expiry on deployed_secrets (expires_at, credential_id) where expires_at is not null;

create table tokens (
    id text primary key not null,
    organization_id text not null references organizations (id),
    role text not null,
    -- Not a reference: a revoked token stays known when its group is deleted.
    group_id text,
    description text not null,
    configured boolean not null,
    digest blob not null unique,
    prefix text not null,
    last_four text not null,
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint
);

create index tokens_by_organization on tokens (organization_id, id) where revoked_at is null;
create index tokens_by_group on tokens (group_id, id) where revoked_at is null;

create table gateways (
    group_id text not null references gateway_groups (id),
    instance blob not null,
    gateway text not null,
    token_id text not null,
    sequence bigint not null,
    epoch blob not null,
    revision bigint not null,
    complete boolean not null,
    workers bigint not null,
    seen_at bigint not null,
    primary key (group_id, instance)
);

-- The log: one row for each revision that is remembered, and what it changed for each group.
create table revisions (
    revision bigint primary key not null,
    change_id blob not null,
    committed_at bigint not null
);

create index revisions_by_time on revisions (committed_at, revision);

create table changes (
    group_id text not null,
    revision bigint not null,
    position bigint not null,
    -- The application that changed, or the digest of the secret.
    application_number bigint,
    digest blob,
    primary key (group_id, revision, position)
) without rowid;

create index changes_by_revision on changes (revision);

create table idempotent_requests (
    id blob primary key not null,
    token_id text not null,
    attempt blob not null,
    body_digest blob not null,
    answer blob,
    created_at bigint not null
);

create index idempotent_requests_by_time on idempotent_requests (created_at);
