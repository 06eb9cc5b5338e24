-- Clients of the built-in authorization server. One goes with its credential.
create table authorization_clients (
    client_id text collate "C" primary key not null,
    credential_id text collate "C" not null,
    access_token_format text not null check (access_token_format in ('jwt', 'opaque')),
    -- As it is registered (RFC 7591), in JSON.
    metadata text not null,
    -- Of the token that manages it (RFC 7592); null where the registry's API does that alone.
    registration_digest bytea unique,
    created_at bigint not null,
    updated_at bigint not null
);
create index authorization_clients_by_credential on authorization_clients (credential_id, client_id);

-- By what their secrets are recognised.
create table authorization_secrets (
    digest bytea primary key not null,
    client_id text collate "C" not null,
    created_at bigint not null,
    -- Null: until there is another.
    ends_at bigint
);
create index authorization_secrets_by_client on authorization_secrets (client_id, created_at);
create index authorization_secrets_ending on authorization_secrets (ends_at) where ends_at is not null;

-- What access tokens are signed with: published from the beginning, in use from a moment on, and published on after that
-- until no token is left that it signed.
create table signing_keys (
    id text collate "C" primary key not null,
    -- A key in JWK, without its private part.
    public_key text not null,
    sealed bytea not null,
    created_at bigint not null,
    current_from bigint not null,
    -- Null: no other follows it yet.
    retired_from bigint
);

-- Assertions by which clients have proven themselves (RFC 7523), until they end: none does so twice.
create table used_assertions (
    client_id text collate "C" not null,
    digest bytea not null,
    ends_at bigint not null,
    primary key (client_id, digest)
);
create index used_assertions_ending on used_assertions (ends_at);

-- Access tokens in the form of a JWT that were revoked, until they end.
create table revoked_access_tokens (
    digest bytea primary key not null,
    ends_at bigint not null
);
create index revoked_access_tokens_ending on revoked_access_tokens (ends_at);

-- Access tokens that say nothing: gateways look them up. Gone once they have ended, or were revoked.
create table access_tokens (
    id text collate "C" primary key not null,
    -- By what it is recognised when it is shown to the registry.
    digest bytea not null unique,
    credential_id text collate "C" not null,
    client_id text collate "C" not null,
    -- What it was given for, in JSON; the credential's scopes are a bound on it.
    scopes text not null,
    -- By what gateways find it, sealed.
    sealed bytea not null,
    issued_at bigint not null,
    ends_at bigint not null
);
create index access_tokens_by_credential on access_tokens (credential_id, ends_at);
create index access_tokens_ending on access_tokens (ends_at, credential_id);

-- The access token that is found there, of the client whose name is the secret.
alter table deployed_secrets add column access_token_id text collate "C";
