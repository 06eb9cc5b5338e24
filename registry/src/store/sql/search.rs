//! Credentials that are looked for. Every statement walks along one index in the order that is asked for, and looks at
//! each credential on its way; those for one application sort its credentials.

use super::{
    connection::{Connection, Query, Sql, sql, texts},
    credential::decode,
    value::{json, limit, optional_duration, optional_time, time},
};
use crate::{
    credential::{
        Credential, CredentialFilter, CredentialStatus, LabelFilter, Order, OrderBy, OrderKey,
        PlaceInOrder, RotationFilter,
    },
    ids::CredentialId,
    secret::Secret,
    store::StoreError,
};

/// After every key there is.
const LAST: i64 = i64::MAX;
/// After every text that names something.
const LAST_TEXT: &str = "\u{10ffff}";

/// `$1` the organization, `$2` the application, `$3` and `$4` where the page before ended, `$5` how many, then the filters,
/// which are null where nothing is asked for.
macro_rules! search {
    ($index:literal, $whose:literal, $key:tt, $compare:literal, $order:tt) => {
        texts!(
            "select c.* from credentials c"
            { " indexed by " | "" }
            { $index | "" }
            " where "
            $whose
            // Where the index is entered: by itself, the pair below is not enough for a key that is computed.
            " and "
            $key
            " "
            $compare
            "= $3 and ("
            $key
            ", c.id) "
            $compare
            " ($3, $4)
         and ($7 is null or "
            { "instr" | "strpos" }
            "(lower(c.name), $7) > 0)
         and ($8 is null or not exists (
             select 1 from "
            { "json_each($8)" | "jsonb_array_elements($8::jsonb)" }
            " w
             where not exists (
                 select 1 from "
            { "json_each(c.labels)" | "jsonb_each_text(c.labels::jsonb)" }
            " l
                 where l.key = w.value ->> 0 and (w.value ->> 1 is null or l.value = w.value ->> 1)
             )
         ))
         and ($9 is null and $10 is null or exists (
             select 1 from secrets s
             where s.credential_id = c.id and s.state <> 'revoked'
                 and ($9 is null or substr(s.prefix, 1, length($9)) = $9)
                 and ($10 is null or s.last_four = $10)
         ))
         and ($11 is null or c.kind = $11)
         and case $12
             when 'disabled' then not c.enabled
             when 'expired' then c.expires_at <= $6
             when 'not_yet_valid' then c.not_before > $6
             when 'application_disabled' then
                 not (select a.enabled from applications a where a.id = c.application_id)
             when 'enabled' then c.enabled and coalesce(c.expires_at > $6, true) and coalesce(c.not_before <= $6, true)
                 and (select a.enabled from applications a where a.id = c.application_id)
             else true
         end
         and ($13 is null or c.expires_at > $6 and c.expires_at <= $13)
         and ($14 is null or coalesce(c.last_used_at, c.created_at) <= $14)
         and ($15 is null or exists (
             select 1 from deployed_secrets d where d.credential_id = c.id and d.group_id = $15
         ))
         and case $16
             when 'due' then coalesce(c.expires_at > $6, true) and c.rotated_at + coalesce(c.rotate_every, $17) <= $6
             when 'due_soon' then coalesce(c.expires_at > $6, true) and c.rotated_at + coalesce(c.rotate_every, $17) > $6
                 and c.rotated_at + coalesce(c.rotate_every, $17) - "
            { "min" | "least" }
            "($18, coalesce(c.rotate_every, $17) / 2) <= $6
             else true
         end
         and ($19 is null or exists (
             select 1 from applications a where a.id = c.application_id and a.owner = $19
         ))
     order by "
            $order
            " limit $5"
        )
    };
}

macro_rules! both_ways {
    ($index:literal, $whose:literal, $key:tt, $ascending:tt, $descending:tt) => {
        [
            search!($index, $whose, $key, ">", $ascending),
            search!($index, $whose, $key, "<", $descending),
        ]
    };
}

/// In every order, first ascending, then descending.
macro_rules! every_order {
    ($whose:literal, $created:literal, $name:literal, $updated:literal, $expires:literal, $used:literal) => {
        [
            both_ways!($created, $whose, "c.id", "c.id", "c.id desc"),
            both_ways!(
                $name,
                $whose,
                "c.name",
                "c.name, c.id",
                "c.name desc, c.id desc"
            ),
            both_ways!(
                $updated,
                $whose,
                "c.updated_at",
                "c.updated_at, c.id",
                "c.updated_at desc, c.id desc"
            ),
            both_ways!(
                $expires,
                $whose,
                {
                    "ifnull(c.expires_at, 9223372036854775807)"
                        | "coalesce(c.expires_at, 9223372036854775807)"
                },
                {
                    "ifnull(c.expires_at, 9223372036854775807), c.id"
                        | "coalesce(c.expires_at, 9223372036854775807), c.id"
                },
                {
                    "ifnull(c.expires_at, 9223372036854775807) desc, c.id desc"
                        | "coalesce(c.expires_at, 9223372036854775807) desc, c.id desc"
                }
            ),
            both_ways!(
                $used,
                $whose,
                { "ifnull(c.last_used_at, 0)" | "coalesce(c.last_used_at, 0)" },
                { "ifnull(c.last_used_at, 0), c.id" | "coalesce(c.last_used_at, 0), c.id" },
                {
                    "ifnull(c.last_used_at, 0) desc, c.id desc"
                        | "coalesce(c.last_used_at, 0) desc, c.id desc"
                }
            ),
        ]
    };
}

#[expect(
    clippy::large_types_passed_by_value,
    reason = "nothing is passed: it is worked out when this is compiled"
)]
const fn flat(orders: [[Sql; 2]; 5]) -> [Sql; 10] {
    let [
        [created_up, created_down],
        [name_up, name_down],
        [updated_up, updated_down],
        [expires_up, expires_down],
        [used_up, used_down],
    ] = orders;
    [
        created_up,
        created_down,
        name_up,
        name_down,
        updated_up,
        updated_down,
        expires_up,
        expires_down,
        used_up,
        used_down,
    ]
}

pub(super) const OF_ORGANIZATION: [Sql; 10] = flat(every_order!(
    "c.organization_id = $1 and $2 is null",
    "credentials_by_creation",
    "credentials_by_name",
    "credentials_by_update",
    "credentials_by_expiry",
    "credentials_by_use"
));

pub(super) const OF_APPLICATION: [Sql; 10] = flat(every_order!(
    "c.organization_id = $1 and c.application_id = $2",
    "credentials_by_application",
    "credentials_by_application",
    "credentials_by_application",
    "credentials_by_application",
    "credentials_by_application"
));

const fn position(order: Order) -> usize {
    let by = match order.by {
        OrderBy::CreatedAt => 0,
        OrderBy::Name => 2,
        OrderBy::UpdatedAt => 4,
        OrderBy::ExpiresAt => 6,
        OrderBy::LastUsedAt => 8,
    };
    if order.descending { by + 1 } else { by }
}

impl CredentialStatus {
    const fn word(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::ApplicationDisabled => "application_disabled",
        }
    }
}

impl RotationFilter {
    const fn word(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::DueSoon => "due_soon",
        }
    }
}

/// Where the walk begins: after a place, or before everything.
fn begin(statement: Query, order: Order, after: Option<&PlaceInOrder>) -> Query {
    let Some(place) = after else {
        return match (order.by, order.descending) {
            (OrderBy::CreatedAt | OrderBy::Name, false) => statement.bind("").bind(""),
            (OrderBy::CreatedAt | OrderBy::Name, true) => statement.bind(LAST_TEXT).bind(LAST_TEXT),
            (_, false) => statement.bind(-1).bind(""),
            (_, true) => statement.bind(LAST).bind(LAST_TEXT),
        };
    };
    let id = place.id.to_string();
    match &place.key {
        OrderKey::Id => statement.bind(id.clone()).bind(id),
        OrderKey::Text(text) => statement.bind(text.clone()).bind(id),
        OrderKey::Moment(moment) => {
            let never = if order.by == OrderBy::ExpiresAt {
                LAST
            } else {
                0
            };
            statement.bind(moment.map_or(never, time)).bind(id)
        }
    }
}

fn labels(wanted: &[LabelFilter]) -> Result<Option<String>, StoreError> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let pairs: Vec<_> = wanted.iter().map(|one| (&one.name, &one.value)).collect();
    json(&pairs, "credentials.labels").map(Some)
}

pub(super) async fn search(
    connection: &mut Connection,
    filter: &CredentialFilter,
    order: Order,
    after: Option<&PlaceInOrder>,
    count: usize,
) -> Result<Vec<Credential>, StoreError> {
    let statements = match filter.application {
        Some(_) => &OF_APPLICATION,
        None => &OF_ORGANIZATION,
    };
    let Some(statement) = statements.get(position(order)).copied() else {
        return Ok(Vec::new());
    };
    let every = optional_duration(filter.rotate_every, "credentials.rotate_every")?;
    let warning = optional_duration(Some(filter.rotation_warning), "credentials.rotate_every")?;
    let statement = sql(statement)
        .bind(filter.organization.to_string())
        .bind(filter.application.map(|id| id.to_string()));
    begin(statement, order, after)
        .bind(limit(count))
        .bind(time(filter.now))
        .bind(filter.name.clone())
        .bind(labels(&filter.labels)?)
        .bind(filter.prefix.clone())
        .bind(filter.last_four.clone())
        .bind(filter.kind.map(super::name::Word::word))
        .bind(filter.status.map(CredentialStatus::word))
        .bind(optional_time(filter.expiring_until))
        .bind(optional_time(filter.unused_since))
        .bind(filter.group.map(|id| id.to_string()))
        .bind(filter.rotation.map(RotationFilter::word))
        .bind(every)
        .bind(warning)
        .bind(filter.owner.map(|owner| owner.to_string()))
        .fetch_all(connection)
        .await?
        .iter()
        .map(decode)
        .collect()
}

pub(super) const SECRETS: Sql = texts!(
    "select s.* from "
    { "json_each($1) w cross" | "jsonb_array_elements_text($1::jsonb) w inner" }
    " join secrets s on s.credential_id = w.value
     where s.state <> 'revoked'"
);

/// The secrets of a page of credentials.
pub(super) async fn unrevoked_secrets(
    connection: &mut Connection,
    credentials: &[CredentialId],
) -> Result<Vec<Secret>, StoreError> {
    let texts: Vec<String> = credentials.iter().map(ToString::to_string).collect();
    sql(SECRETS)
        .bind(json(&texts, "secrets.credential_id")?)
        .fetch_all(connection)
        .await?
        .iter()
        .map(super::secret::decode)
        .collect()
}
