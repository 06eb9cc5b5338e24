-- Tokens with which clients register themselves (RFC 7591): for which application, with which scopes, and how many.
create table registration_tokens (
    id text primary key not null,
    organization_id text not null references organizations (id),
    application_id text not null references applications (id),
    -- What a client may be given at most, in JSON.
    scopes text not null,
    description text not null,
    clients bigint not null,
    -- How many of them have registered.
    registered bigint not null,
    created_by text,
    -- By what it is recognised.
    digest blob not null unique,
    prefix text not null,
    last_four text not null,
    created_at bigint not null,
    -- Null: until it is deleted.
    expires_at bigint
);
create index registration_tokens_by_organization on registration_tokens (organization_id, id);
create index registration_tokens_by_application on registration_tokens (application_id, id);
