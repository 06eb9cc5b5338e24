-- What a group's gateways are told of a secret, as it goes on a page of the feed: written by the same statements that change
-- what it is made from, so that a page is read from this one table, in its order. Null until the next start renders what
-- an earlier version wrote.
alter table deployed_secrets add column record bytea;

-- The format of the feed in which the records above are written; 0 while there is none. A start that knows another one has
-- them all rendered anew.
alter table installation add column record_format bigint not null default 0;

-- Holds nothing but what still has to be rendered.
create index deployed_unrendered on deployed_secrets (group_id, digest) where record is null;

-- Finds a valid one however many tokens there are.
create index tokens_of_administrators on tokens (organization_id, expires_at)
    where role = 'portal_admin' and revoked_at is null;
