//! Which credentials to list: filters, order and page, as query parameters.

use serde::Deserialize;
use utoipa::IntoParams;

use super::body::TypeWord;
use crate::{
    api::{duration, page, problem::Problem},
    credential::{
        CredentialSearch, CredentialStatus, CredentialType, LabelFilter, Order, OrderBy,
        RotationFilter,
    },
};

/// Characters at most in a filter; nothing that is looked for is longer.
const MAX_LENGTH: usize = 512;
/// Labels at most that one list asks for.
const MAX_LABELS: usize = 16;

/// Which credentials to list. Every filter must hold.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchQuery {
    /// Of the application with this id or name.
    #[param(nullable = false)]
    pub(super) application: Option<String>,
    /// With this in the name, in upper or lower case.
    #[param(nullable = false)]
    name: Option<String>,
    /// With this label: `team`, or `team:billing` for its value. Several must all be there.
    #[serde(default)]
    label: Vec<String>,
    /// With a living secret whose visible beginning begins so: `ks_ak_`.
    #[param(nullable = false)]
    prefix: Option<String>,
    /// With a living secret that ends in these four characters.
    #[param(nullable = false)]
    last_four: Option<String>,
    /// Of this type.
    #[serde(rename = "type")]
    #[param(nullable = false)]
    kind: Option<TypeWord>,
    /// `enabled` for those that are honoured now; for the others why they are not, each for itself.
    #[param(nullable = false, inline)]
    status: Option<StatusWord>,
    /// Which expire within this time from now: `30d`, `12h`, `45m` or `90s`.
    #[param(nullable = false, example = "30d")]
    expiring_within: Option<String>,
    /// Which nobody used for this time; one that was never used, since it was made.
    #[param(nullable = false, example = "30d")]
    unused_for: Option<String>,
    /// Whose rotation is due, or comes within the time of warning.
    #[param(nullable = false, inline)]
    rotation: Option<RotationWord>,
    /// Which gateways of this group have.
    #[param(nullable = false)]
    gateway_group: Option<String>,
    /// The order; descending with `-` before it. What never expires comes after everything that does, what was never used
    /// before everything that was.
    #[param(nullable = false, default = "created_at", example = "-last_used_at")]
    sort: Option<String>,
    /// Items at most on the page.
    #[param(nullable = false, value_type = Option<usize>, minimum = 1, maximum = 500, default = 50)]
    limit: Option<String>,
    /// `next_cursor` of the page before, with the same sort and filters.
    #[param(nullable = false)]
    cursor: Option<String>,
}

/// Why a credential is honoured or not.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CredentialStatus)]
pub(super) enum StatusWord {
    /// It is honoured now.
    Enabled,
    /// It is disabled itself.
    Disabled,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// Its application is disabled.
    ApplicationDisabled,
}

/// How a rotation stands.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RotationFilter)]
pub(super) enum RotationWord {
    /// It is time.
    Due,
    /// It comes within the time of warning.
    DueSoon,
}

impl SearchQuery {
    /// Reads the parameters; `label` may come more than once.
    pub(super) fn of(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut fields = serde_json::Map::new();
        let mut labels = Vec::new();
        for (name, value) in pairs {
            if value.len() > MAX_LENGTH && name != "cursor" {
                let message = format!("must be at most {MAX_LENGTH} bytes");
                return Err(Problem::invalid(name, message));
            }
            if name == "label" {
                labels.push(serde_json::Value::String(value));
            } else if fields.contains_key(&name) {
                return Err(Problem::invalid(name, "may be given once"));
            } else {
                fields.insert(name, serde_json::Value::String(value));
            }
        }
        if labels.len() > MAX_LABELS {
            return Err(Problem::invalid(
                "label",
                format!("may be given at most {MAX_LABELS} times"),
            ));
        }
        fields.insert("label".to_owned(), labels.into());
        serde_path_to_error::deserialize(serde_json::Value::Object(fields)).map_err(|error| {
            let path = error.path().to_string();
            Problem::invalid(path, unknown(&error.into_inner().to_string()))
        })
    }

    /// Checks what the parameters say.
    pub(super) fn into_search(self) -> Result<CredentialSearch, Problem> {
        let time = |field, text: Option<String>| {
            text.map(|text| duration::parse(field, &text)).transpose()
        };
        let labels = self.label.iter().map(|text| label(text));
        Ok(CredentialSearch {
            application: self.application,
            name: self.name,
            labels: labels.collect::<Result<_, _>>()?,
            prefix: self.prefix,
            last_four: self.last_four,
            kind: self.kind.map(|word| match word {
                TypeWord::ApiKey => CredentialType::ApiKey,
                TypeWord::Basic => CredentialType::Basic,
                TypeWord::BearerToken => CredentialType::BearerToken,
                TypeWord::OauthClient => CredentialType::OauthClient,
            }),
            status: self.status.map(Into::into),
            expiring_within: time("expiring_within", self.expiring_within)?,
            unused_for: time("unused_for", self.unused_for)?,
            rotation: self.rotation.map(|word| match word {
                RotationWord::Due => RotationFilter::Due,
                RotationWord::DueSoon => RotationFilter::DueSoon,
            }),
            gateway_group: self.gateway_group,
            order: self.sort.as_deref().map_or(Ok(Order::default()), order)?,
            limit: page::limit(self.limit.as_deref())?,
            cursor: self.cursor,
        })
    }
}

/// Serde's message without the value that it quotes.
fn unknown(message: &str) -> String {
    message.rsplit_once(", expected ").map_or_else(
        || message.to_owned(),
        |(_, rest)| format!("expected {rest}"),
    )
}

fn label(text: &str) -> Result<LabelFilter, Problem> {
    let (name, value) = match text.split_once(':') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    if name.is_empty() {
        let message = "must be a label's name, or name:value";
        return Err(Problem::invalid("label", message));
    }
    Ok(LabelFilter {
        name: name.to_owned(),
        value,
    })
}

fn order(text: &str) -> Result<Order, Problem> {
    let (name, descending) = match text.strip_prefix('-') {
        Some(name) => (name, true),
        None => (text, false),
    };
    let by = match name {
        "created_at" => OrderBy::CreatedAt,
        "name" => OrderBy::Name,
        "updated_at" => OrderBy::UpdatedAt,
        "expires_at" => OrderBy::ExpiresAt,
        "last_used_at" => OrderBy::LastUsedAt,
        _ => {
            let message = "must be created_at, name, updated_at, expires_at or last_used_at, with - before it for \
                descending";
            return Err(Problem::invalid("sort", message));
        }
    };
    Ok(Order { by, descending })
}

impl From<StatusWord> for CredentialStatus {
    fn from(word: StatusWord) -> Self {
        match word {
            StatusWord::Enabled => Self::Enabled,
            StatusWord::Disabled => Self::Disabled,
            StatusWord::Expired => Self::Expired,
            StatusWord::NotYetValid => Self::NotYetValid,
            StatusWord::ApplicationDisabled => Self::ApplicationDisabled,
        }
    }
}
