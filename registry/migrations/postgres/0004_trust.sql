-- Who may do what, and data that survives: organizations, owners, a chained audit log, keys that are rotated.

-- How many of each the organization may have; null: as configured.
alter table organizations add column description text collate "C" not null default '';
alter table organizations add column max_applications bigint;
alter table organizations add column max_credentials bigint;
alter table organizations add column max_tokens bigint;
alter table organizations add column updated_at bigint not null default 0;
alter table organizations add column version bigint not null default 1;
update organizations set updated_at = created_at;
-- Null: it exists. The row stays, because names stay reserved for it.
alter table organizations add column deleted_at bigint;
-- How many it has: counted along, so that a limit costs nothing to check.
alter table organizations add column application_count bigint not null default 0;
alter table organizations add column credential_count bigint not null default 0;
update organizations set
    application_count = (select count(*) from applications where organization_id = organizations.id),
    credential_count = (select count(*) from credentials where organization_id = organizations.id);

-- Whose application it is: tokens of developers with the same owner see it, and no other developer does.
alter table applications add column owner text collate "C";
create index applications_by_owner on applications (organization_id, owner, id) where owner is not null;

-- Of a developer's token: whose applications it may see.
alter table tokens add column owner text collate "C";
-- The token that made it; null: configuration did.
alter table tokens add column created_by text collate "C";

-- How far each journal of revocations outside the database was found to be true in it: all up to this line.
create table journal_marks (
    journal bytea primary key not null,
    number bigint not null
);

-- How often it was switched off or on, and when last: by that, journals can say which came last.
alter table applications add column switches bigint not null default 0;
alter table applications add column switched_at bigint;
alter table credentials add column switches bigint not null default 0;
alter table credentials add column switched_at bigint;
-- The same of a secret that began to retire, or is the current one again.
alter table secrets add column turns bigint not null default 0;
alter table secrets add column turned_at bigint;
create index secrets_by_turn on secrets (turned_at, id) where turned_at is not null;
create index applications_by_switch on applications (switched_at, id) where switched_at is not null;
create index credentials_by_switch on credentials (switched_at, id) where switched_at is not null;

create index secrets_by_revocation on secrets (revoked_at, id) where revoked_at is not null;
create index tokens_by_revocation on tokens (revoked_at, id) where revoked_at is not null;

-- Each entry of the audit log is MACed together with the one before it. Null: written before entries were chained.
alter table audit add column key_version bigint;
alter table audit add column mac bytea;
create index audit_by_token on audit (organization_id, token_id, at, sequence) where token_id is not null;

-- Where the chain begins and ends, signed. No row: its entries are not chained yet.
create table audit_state (
    singleton bigint primary key check (singleton = 1),
    -- The last entry; 0: there is none.
    last_sequence bigint not null,
    last_key_version bigint not null,
    last_mac bytea not null,
    -- The last entry that was pruned, which the first that is kept follows; 0: none was.
    base_sequence bigint not null,
    base_key_version bigint not null,
    base_mac bytea not null,
    key_version bigint not null,
    signature bytea not null
);

-- Under which of its group's digest keys a secret is found.
alter table deployed_secrets add column key_version bigint not null default 1;

-- To which digest key the group goes over, of a change that says so.
alter table changes add column key_version bigint;

-- Groups whose digest key is being replaced, and how far that has come.
create table digest_rotations (
    group_id text collate "C" primary key not null references gateway_groups (id),
    from_version bigint not null,
    to_version bigint not null,
    phase text collate "C" not null check (phase in ('adding', 'switched', 'removing')),
    -- Up to which digest the phase is done; null at its beginning.
    done_to bytea,
    -- How many records there were to begin with, and how many are added and removed by now.
    records bigint not null,
    added bigint not null,
    removed bigint not null,
    -- The position in the log at which gateways are told of the new key.
    switched_at bigint,
    begun_at bigint not null
);

-- Keys that stay the same whatever the master key is: what was made with them cannot be made again.
create table data_keys (
    purpose text collate "C" not null,
    version bigint not null,
    sealed bytea not null,
    created_at bigint not null,
    primary key (purpose, version)
);

-- The master keys that everything here is or was sealed under, by their ids, which say nothing of them.
create table master_keys (
    id text collate "C" primary key not null,
    -- Since when what is new is sealed under it, and since when nothing is any more.
    since bigint not null,
    until bigint
);

-- While everything sealed is sealed anew under another master key: from where, and how far that has come.
create table master_rotation (
    singleton bigint primary key check (singleton = 1),
    -- Opens only under the master key that is being left.
    retiring_key_check bytea not null,
    began_at bigint not null,
    values_total bigint not null,
    values_done bigint not null
);

-- The registries that serve this database, and the ids of the master keys that each was given.
create table registries (
    instance bytea primary key not null,
    name text collate "C" not null,
    master_keys text collate "C" not null,
    seen_at bigint not null
);

-- Where several registries share the database: when a gateway last polled one, and until when an answer may have reached it.
create table gateway_polls (
    group_id text collate "C" not null references gateway_groups (id),
    instance bytea not null,
    gateway text collate "C" not null,
    polled_at bigint not null,
    answered_by bigint not null,
    primary key (group_id, instance)
);

-- Registries that hear gateways, and when each had last written down all that it had heard.
create table witnesses (
    registry bytea primary key not null,
    told_at bigint not null
);
