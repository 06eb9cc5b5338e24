-- Who may do what, and data that survives: organizations, owners, a chained audit log, keys that are rotated.

-- How many of each the organization may have; null: as configured.
alter table organizations add column description text not null default '';
alter table organizations add column max_applications bigint;
alter table organizations add column max_credentials bigint;
alter table organizations add column max_tokens bigint;
alter table organizations add column updated_at bigint not null default 0;
alter table organizations add column version bigint not null default 1;
update organizations set updated_at = created_at;

-- Whose application it is: tokens of developers with the same owner see it, and no other developer does.
alter table applications add column owner text;
create index applications_by_owner on applications (organization_id, owner, id) where owner is not null;

-- Of a developer's token: whose applications it may see.
alter table tokens add column owner text;

-- How far each journal of revocations outside the database was found to be true in it: all up to this line.
create table journal_marks (
    journal blob primary key not null,
    number bigint not null
);

create index secrets_by_revocation on secrets (revoked_at, id) where revoked_at is not null;
create index tokens_by_revocation on tokens (revoked_at, id) where revoked_at is not null;
