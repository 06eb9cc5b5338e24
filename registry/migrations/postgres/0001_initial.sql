-- Everything Keysmith keeps. Times are Unix milliseconds; lists and labels are JSON; sealed columns are encrypted under
-- a key derived from the master key, which never lies here, and bound to their column and row.

create table installation (
    singleton bigint primary key check (singleton = 1),
    -- Opens only under the right master key.
    key_check bytea not null,
    -- The identity of the log below, and its last revision. Counted in the transaction that makes the changes, so the
    -- order of revisions is the order of commits.
    epoch bytea not null,
    revision bigint not null,
    -- The last number given to an application; numbers are never used again.
    application_number bigint not null,
    created_at bigint not null
);

create table organizations (
    id text collate "C" primary key not null,
    name text collate "C" not null unique,
    created_at bigint not null
);

-- Names stay reserved when an application is renamed or deleted.
create table application_names (
    name text collate "C" primary key not null,
    organization_id text collate "C" not null references organizations (id)
);

create table applications (
    id text collate "C" primary key not null,
    organization_id text collate "C" not null references organizations (id),
    number bigint not null unique,
    name text collate "C" not null unique references application_names (name),
    custom_id text collate "C",
    description text collate "C" not null,
    labels text collate "C" not null,
    scopes text collate "C" not null,
    -- Null: every automatic gateway group.
    gateway_groups text collate "C",
    enabled boolean not null,
    created_at bigint not null,
    updated_at bigint not null,
    version bigint not null
);

create index applications_by_organization on applications (organization_id, id);

create table credentials (
    id text collate "C" primary key not null,
    organization_id text collate "C" not null references organizations (id),
    application_id text collate "C" not null references applications (id),
    kind text collate "C" not null,
    name text collate "C" not null,
    identifier text collate "C" not null,
    username text collate "C",
    description text collate "C" not null,
    labels text collate "C" not null,
    enabled boolean not null,
    not_before bigint,
    expires_at bigint,
    scopes text collate "C" not null,
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
    username text collate "C" primary key not null,
    credential_id text collate "C" not null references credentials (id)
);

create index usernames_by_credential on usernames (credential_id);

-- Secrets outlive their credentials: a revoked value never works again, whoever presents it.
create table secrets (
    id text collate "C" primary key not null,
    organization_id text collate "C" not null references organizations (id),
    credential_id text collate "C" not null,
    version bigint not null,
    state text collate "C" not null check (state in ('current', 'retiring', 'revoked')),
    retiring_until bigint,
    revoked_at bigint,
    origin text collate "C" not null,
    username text collate "C",
    sealed bytea not null,
    fingerprint bytea not null unique,
    prefix text collate "C" not null,
    last_four text collate "C" not null,
    created_at bigint not null,
    unique (credential_id, version)
);

create index secrets_unrevoked on secrets (credential_id, version) where state <> 'revoked';
create index secrets_retiring on secrets (retiring_until, credential_id) where state = 'retiring';
create index secrets_chosen on secrets (username) where origin = 'chosen' and state <> 'revoked';

-- Gateways belong to the installation, not to an organization.
create table gateway_groups (
    id text collate "C" primary key not null,
    name text collate "C" not null unique,
    mode text collate "C" not null,
    created_at bigint not null
);

create table digest_keys (
    group_id text collate "C" not null references gateway_groups (id),
    version bigint not null,
    sealed bytea not null,
    primary key (group_id, version)
);

-- Which applications a group's gateways know, in the order of a snapshot.
create table admitted_applications (
    group_id text collate "C" not null references gateway_groups (id),
    bucket bigint not null,
    number bigint not null,
    application_id text collate "C" not null references applications (id),
    primary key (group_id, bucket, number)
);

create index admitted_by_application on admitted_applications (application_id, group_id);

-- Which secrets a group's gateways honour, in the order of a snapshot.
create table deployed_secrets (
    group_id text collate "C" not null references gateway_groups (id),
    digest bytea not null,
    secret_id text collate "C" not null references secrets (id),
    credential_id text collate "C" not null references credentials (id),
    -- The credential's, so that one which has expired is found, and not any more once it is withdrawn.
    expires_at bigint,
    primary key (group_id, digest)
);

create index deployed_by_credential on deployed_secrets (credential_id);
create index deployed_by_secret on deployed_secrets (secret_id);
create index deployed_by_expiry on deployed_secrets (expires_at, credential_id) where expires_at is not null;

create table tokens (
    id text collate "C" primary key not null,
    organization_id text collate "C" not null references organizations (id),
    role text collate "C" not null,
    -- Not a reference: a revoked token stays known when its group is deleted.
    group_id text collate "C",
    description text collate "C" not null,
    configured boolean not null,
    digest bytea not null unique,
    prefix text collate "C" not null,
    last_four text collate "C" not null,
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint
);

create index tokens_by_organization on tokens (organization_id, id) where revoked_at is null;
create index tokens_by_group on tokens (group_id, id) where revoked_at is null;

create table gateways (
    group_id text collate "C" not null references gateway_groups (id),
    instance bytea not null,
    gateway text collate "C" not null,
    token_id text collate "C" not null,
    sequence bigint not null,
    epoch bytea not null,
    revision bigint not null,
    complete boolean not null,
    workers bigint not null,
    seen_at bigint not null,
    primary key (group_id, instance)
);

-- The log: one row for each revision that is remembered, and what it changed for each group.
create table revisions (
    revision bigint primary key not null,
    change_id bytea not null,
    committed_at bigint not null
);

create index revisions_by_time on revisions (committed_at, revision);

create table changes (
    group_id text collate "C" not null,
    revision bigint not null,
    position bigint not null,
    -- The application that changed, or the digest of the secret.
    application_number bigint,
    digest bytea,
    primary key (group_id, revision, position)
);

create index changes_by_revision on changes (revision);

create table idempotent_requests (
    id bytea primary key not null,
    token_id text collate "C" not null,
    attempt bytea not null,
    body_digest bytea not null,
    answer bytea,
    created_at bigint not null
);

create index idempotent_requests_by_time on idempotent_requests (created_at);
