-- The whole life of a credential: default keys, pairs, deployments, rotation, usage, leaks.

-- Whether the application must always have a default API key, and which one it is.
alter table applications add column default_key text collate "C" not null default 'none';
alter table applications add column default_credential_id text collate "C";

-- Whether it goes to every automatic gateway group, or only where it is deployed explicitly.
alter table credentials add column deploy text collate "C" not null default 'automatic';
-- Whether an API key has a shared secret beside it.
alter table credentials add column paired boolean not null default false;
-- Whether its secrets can be shown again.
alter table credentials add column secret_type text collate "C" not null default 'hashed';
-- Milliseconds after which a new secret is due; null: as configured.
alter table credentials add column rotate_every bigint;
-- When the secret that it has was made.
alter table credentials add column rotated_at bigint not null default 0;
-- Of what was said of its next rotation: 0 nothing, 1 that it comes, 2 that it is due.
alter table credentials add column rotation_noted bigint not null default 0;
-- When it was last used, allowed or forbidden (403), as far as gateways have reported.
alter table credentials add column last_used_at bigint;

update credentials set rotated_at = coalesce(
    (select max(s.created_at) from secrets s where s.credential_id = credentials.id and s.state = 'current'),
    created_at);

create index credentials_by_creation on credentials (organization_id, id);
create index credentials_by_name on credentials (organization_id, name, id);
create index credentials_by_update on credentials (organization_id, updated_at, id);
-- What never ends comes last, and what was never used first.
create index credentials_by_expiry on credentials (organization_id, coalesce(expires_at, 9223372036854775807), id);
create index credentials_by_use on credentials (organization_id, coalesce(last_used_at, 0), id);
-- By when a new secret is due: as configured, or by a time of the credential's own.
create index credentials_by_rotation on credentials (rotation_noted, rotated_at) where rotate_every is null;
create index credentials_by_own_rotation on credentials (rotation_noted, (rotated_at + rotate_every))
    where rotate_every is not null;

-- Which of a pair it is: the key itself or the shared secret.
alter table secrets add column part text collate "C" not null default 'value';
-- The value, sealed, where it may be shown again.
alter table secrets add column recoverable bytea;
-- By what a chosen password is recognised that was imported as another program's hash, once it was proven.
alter table secrets add column proven_fingerprint bytea;
create unique index secrets_proven on secrets (proven_fingerprint) where proven_fingerprint is not null;
alter table secrets add column leaked_at bigint;
-- A retiring secret that nobody has used for so many milliseconds may end by itself.
alter table secrets add column end_after_silence bigint;

-- Where credentials are deployed or not deployed, whatever the mode of the group says.
create table deployments (
    credential_id text collate "C" not null references credentials (id),
    group_id text collate "C" not null references gateway_groups (id),
    wanted boolean not null,
    primary key (credential_id, group_id)
);

create index deployments_by_group on deployments (group_id, credential_id);

-- The shared secret of a pair that is deployed.
alter table deployed_secrets add column paired_secret_id text collate "C" references secrets (id);
-- The position in the log that last changed the row for gateways.
alter table deployed_secrets add column revision bigint not null default 0;
create index deployed_by_paired_secret on deployed_secrets (paired_secret_id) where paired_secret_id is not null;

alter table admitted_applications add column revision bigint not null default 0;

-- Of what was told before, nobody knows where: no gateway counts as having it that is not at the end of the log.
update deployed_secrets set revision = (select revision from installation);
update admitted_applications set revision = (select revision from installation);

-- Where credentials that exist were withdrawn from, and the position in the log.
create table withdrawals (
    credential_id text collate "C" not null references credentials (id),
    group_id text collate "C" not null references gateway_groups (id),
    revision bigint not null,
    primary key (credential_id, group_id)
);

-- Which groups were told that they know an application no more, and the position in the log.
create table dismissals (
    application_id text collate "C" not null references applications (id),
    group_id text collate "C" not null references gateway_groups (id),
    revision bigint not null,
    primary key (application_id, group_id)
);

create index dismissals_by_group on dismissals (group_id, application_id);

create index withdrawals_by_group on withdrawals (group_id, credential_id);

-- For how long a gateway serves without an answer of the registry, in milliseconds: -1 for ever, null if it did not say.
alter table gateways add column max_staleness bigint;
-- Since when it has reported without a gap.
alter table gateways add column reporting_since bigint not null default 0;
update gateways set reporting_since = seen_at;

-- What gateways reported: one counter for each credential, secret and outcome.
create table usage (
    credential_id text collate "C" not null,
    version bigint not null,
    outcome bigint not null,
    count bigint not null,
    first_at bigint not null,
    last_at bigint not null,
    -- When the registry last heard of one, by its own clock.
    received_at bigint not null,
    primary key (credential_id, version, outcome)
);

-- The same by gateway group and day (UTC), for as long as usage is kept.
create table usage_days (
    credential_id text collate "C" not null,
    day bigint not null,
    group_id text collate "C" not null,
    outcome bigint not null,
    count bigint not null,
    last_at bigint not null,
    primary key (credential_id, day, group_id, outcome)
);

create index usage_days_by_day on usage_days (day);

-- The last batch that was applied of each lane of each start of a gateway, so that each is applied once.
create table usage_batches (
    group_id text collate "C" not null,
    instance bytea not null,
    lane bigint not null,
    sequence bigint not null,
    applied_at bigint not null,
    primary key (group_id, instance, lane)
);

create index usage_batches_by_time on usage_batches (applied_at);

-- Uses that gateways could not tell apart by credential, by day (UTC) of the report. A count of 0: a gateway was forgotten
-- that had fallen silent, with what it may not have reported.
create table usage_lost (
    group_id text collate "C" not null,
    day bigint not null,
    count bigint not null,
    last_at bigint not null,
    primary key (group_id, day)
);

-- Secrets that may end by themselves.
create index secrets_ending_by_silence on secrets (credential_id)
    where state = 'retiring' and end_after_silence is not null;

-- Who reported which secret as leaked.
create table leaks (
    id text collate "C" primary key not null,
    organization_id text collate "C" not null,
    credential_id text collate "C" not null,
    secret_id text collate "C" not null references secrets (id),
    token_id text collate "C" not null,
    source text collate "C" not null,
    url text collate "C" not null,
    action text collate "C" not null,
    reported_at bigint not null
);

create index leaks_by_organization on leaks (organization_id, id);
create index leaks_by_secret on leaks (secret_id);

-- What was done, by whom.
create table audit (
    sequence bigint primary key not null,
    organization_id text collate "C" not null,
    at bigint not null,
    -- Null: the registry itself.
    token_id text collate "C",
    address text collate "C",
    action text collate "C" not null,
    application_id text collate "C",
    credential_id text collate "C",
    subject text collate "C" not null,
    detail text collate "C" not null
);

create index audit_by_organization on audit (organization_id, at, sequence);
create index audit_by_action on audit (organization_id, action, at, sequence);
create index audit_by_credential on audit (credential_id, at, sequence) where credential_id is not null;
create index audit_by_application on audit (application_id, at, sequence) where application_id is not null;

-- On-demand groups honour what is deployed there explicitly. Until now an application that listed one had everything there.
insert into deployments (credential_id, group_id, wanted)
    select c.id, a.group_id, true
    from gateway_groups g
    join admitted_applications a on a.group_id = g.id
    join credentials c on c.application_id = a.application_id
    where g.mode = 'on_demand';
