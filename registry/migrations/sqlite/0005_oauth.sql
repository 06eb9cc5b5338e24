-- Who issues access tokens, as gateways are told of them. Numbers are never used again; without a record it is told that the
-- issuer is gone.
create table issuers (
    number bigint primary key not null,
    name text not null unique,
    record blob
);

alter table changes add column issuer_number bigint;

-- Of an OAuth client: its tokens must have been issued at or after this moment; null: at any time.
alter table credentials add column tokens_valid_from bigint;
create index credentials_by_cut_off on credentials (tokens_valid_from, id) where tokens_valid_from is not null;

-- Where clients are registered. They belong to the installation, not to an organization.
create table identity_providers (
    id text primary key not null,
    name text not null unique,
    kind text not null check (kind in ('builtin', 'oidc', 'http_bridge')),
    -- What its tokens say in iss; null for the built-in one while the registry has no public URL.
    issuer text unique,
    description text not null,
    enabled boolean not null,
    -- What may be shown of how it is talked to, in JSON.
    configuration text not null,
    -- What proves the registry to it, sealed.
    sealed blob,
    created_at bigint not null,
    updated_at bigint not null,
    version bigint not null
);

-- What is kept of a secret that is a registration at a provider. It stays when the secret is revoked.
create table oauth_clients (
    secret_id text primary key not null references secrets (id),
    credential_id text not null,
    provider_id text not null references identity_providers (id),
    issuer text not null,
    client_id text not null,
    registration text not null check (registration in ('managed', 'external')),
    -- As the provider says that it is registered, in JSON.
    metadata text not null,
    -- What manages it at the provider, sealed.
    sealed blob,
    created_at bigint not null,
    updated_at bigint not null,
    -- Null: nobody else may have the client.
    ended_at bigint
);
create unique index oauth_clients_living on oauth_clients (issuer, client_id) where ended_at is null;
create index oauth_clients_by_name on oauth_clients (issuer, client_id);
create index oauth_clients_by_credential on oauth_clients (credential_id, secret_id);
create index oauth_clients_by_provider on oauth_clients (provider_id, secret_id);

-- What is to be done at a provider, written down before it is called, and gone once that is done or undone.
create table provider_operations (
    id text primary key not null,
    provider_id text not null references identity_providers (id),
    organization_id text not null references organizations (id),
    application_id text not null,
    credential_id text not null,
    kind text not null check (kind in ('register', 'update', 'rotate', 'delete')),
    -- How far it has come, in a word of its kind.
    phase text not null,
    -- What is asked for, and what has come of it so far, sealed.
    sealed blob not null,
    attempts bigint not null,
    -- When it is to be tried again; null: not before somebody says so.
    next_attempt_at bigint,
    -- Whether somebody is at it, and nobody else until then.
    is_held boolean not null,
    -- Why it has not been done.
    last_error text,
    created_at bigint not null
);
create index provider_operations_due on provider_operations (next_attempt_at, id) where next_attempt_at is not null;
create index provider_operations_held on provider_operations (id) where is_held;
create index provider_operations_by_credential on provider_operations (credential_id, id);
create index provider_operations_by_provider on provider_operations (provider_id, id);
