//! What an answer must be like.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::wire::Reply;
use crate::{provider::configuration::Dialect, secrets::SecretText};

/// Bytes of a client's id and secret at most, as the registry reads them.
const MAX_TEXT: usize = 4096;
/// Where it says what an answer about a client is like.
pub(super) const INFORMATION: &str = "RFC 7591 section 3.2.1";
/// Where it says what a refusal is like.
pub(super) const REFUSAL: &str = "RFC 7591 section 3.2.2";
/// Kong Konnect's description of bridges.
pub(super) const KONNECT: &str = "Kong Konnect's OpenAPI document of DCR bridges";
/// What the registry needs where neither says anything.
pub(super) const OURS: &str = "README.md, \"Write a bridge\"";

/// What is wrong, and where the rule is.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) rule: &'static str,
}

pub(super) fn wrong(what: impl Into<String>, rule: &'static str) -> Wrong {
    Wrong {
        what: what.into(),
        rule,
    }
}

/// What the bridge has said of a client.
pub(super) struct Told {
    pub(super) members: Map<String, Value>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<SecretText>,
}

/// An answer of success; its status for the report.
pub(super) fn success(reply: &Reply, words: &str) -> Result<u16, Wrong> {
    let status = reply.status;
    if status.is_redirection() {
        let what = format!(
            "it answers {}, and redirects are not followed",
            status.as_u16()
        );
        return Err(wrong(what, OURS));
    }
    if !status.is_success() {
        return Err(wrong(format!("{words}, where success is due"), OURS));
    }
    Ok(status.as_u16())
}

/// An answer about a client, as an object of JSON with members of the right types.
pub(super) fn client(reply: &Reply) -> Result<Told, Wrong> {
    let media_type = reply.media_type();
    if media_type != "application/json" {
        let said = if media_type.is_empty() {
            "missing"
        } else {
            &media_type
        };
        let what = format!("its Content-Type is {said}, not application/json");
        return Err(wrong(what, INFORMATION));
    }
    let Some(Value::Object(members)) = reply.json() else {
        return Err(wrong("its body is not a JSON object", INFORMATION));
    };
    let client_id = text(&members, "client_id")?;
    let client_secret = text(&members, "client_secret")?.map(SecretText::new);
    types(&members)?;
    Ok(Told {
        members,
        client_id,
        client_secret,
    })
}

/// A text of a length that is accepted, where there is one.
fn text(members: &Map<String, Value>, name: &str) -> Result<Option<String>, Wrong> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if (1..=MAX_TEXT).contains(&text.len()) => Ok(Some(text.clone())),
        Some(_) => {
            let what = format!("{name} is not a text of 1 to {MAX_TEXT} bytes");
            Err(wrong(what, INFORMATION))
        }
    }
}

/// Members that the registry reads: what is of another type is passed over, and then nobody knows what was registered.
fn types(members: &Map<String, Value>) -> Result<(), Wrong> {
    const TEXTS: [&str; 5] = [
        "client_name",
        "scope",
        "token_endpoint_auth_method",
        "software_id",
        "software_version",
    ];
    const LISTS: [&str; 4] = ["redirect_uris", "grant_types", "response_types", "scopes"];
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let is_texts = || {
            let items = value.as_array();
            items.is_some_and(|items| items.iter().all(Value::is_string))
        };
        if TEXTS.contains(&name.as_str()) && !value.is_string() {
            return Err(wrong(format!("{name} is not a text"), INFORMATION));
        }
        if LISTS.contains(&name.as_str()) && !is_texts() {
            return Err(wrong(format!("{name} is not a list of texts"), INFORMATION));
        }
        if name.starts_with("client_") && name.ends_with("_at") && !is_time(value) {
            let what = format!("{name} is neither Unix seconds nor a time (RFC 3339)");
            return Err(wrong(what, INFORMATION));
        }
    }
    Ok(())
}

/// Seconds as RFC 7591 has them, or a text as Konnect's document has it.
fn is_time(value: &Value) -> bool {
    let text = value.as_str();
    value.is_u64()
        || text.is_some_and(|text| {
            text.parse::<u64>().is_ok() || text.parse::<jiff::Timestamp>().is_ok()
        })
}

/// A refusal of what was sent, with its reason in a form that can be told to whoever asked.
pub(super) fn refusal(reply: &Reply, dialect: Dialect, words: &str) -> Result<String, Wrong> {
    let status = reply.status;
    let rule = match dialect {
        Dialect::Api7 => REFUSAL,
        Dialect::Konnect => KONNECT,
    };
    if status.is_success() {
        let what = format!("it answers {}, as if nothing were wrong", status.as_u16());
        return Err(wrong(what, rule));
    }
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        let what =
            format!("{words}, which says that the registry's credentials are wrong: 400 is due");
        return Err(wrong(what, rule));
    }
    if !status.is_client_error() {
        return Err(wrong(format!("{words}, where 400 is due"), rule));
    }
    reason(reply, rule)
}

/// The code of a refusal, which stands in a JSON object.
pub(super) fn reason(reply: &Reply, rule: &'static str) -> Result<String, Wrong> {
    let status = reply.status.as_u16();
    let json = reply.json().unwrap_or_default();
    let code = json.get("error").and_then(Value::as_str);
    let Some(code) = code.filter(|code| !code.is_empty()) else {
        let what = format!(
            "it answers {status} without {{\"error\": \"...\", \"error_description\": \"...\"}} in JSON, so nobody learns why"
        );
        return Err(wrong(what, rule));
    };
    Ok(format!("it answers {status} {code}"))
}

/// An answer about a client that is not there.
pub(super) fn missing(reply: &Reply, words: &str) -> Result<String, Wrong> {
    let status = reply.status;
    if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) {
        return Ok(format!("it answers {}", status.as_u16()));
    }
    let what = format!("{words}, where 404 is due: there is no such client");
    Err(wrong(what, OURS))
}
