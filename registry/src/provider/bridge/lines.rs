//! By which method and path a bridge is asked for what.

use axum::http::Method;

use crate::provider::{configuration::Dialect, exchange::segment};

/// What a bridge is asked to do, and to which client.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish<'a> {
    Register,
    Update(&'a str),
    Rotate(&'a str),
    Delete(&'a str),
}

/// The method, and the path below the bridge's address.
pub(super) fn line(dialect: Dialect, wish: Wish<'_>) -> (Method, String) {
    match dialect {
        Dialect::Api7 => match wish {
            Wish::Register => (Method::POST, "clients".to_owned()),
            Wish::Update(id) => (Method::PUT, format!("clients/{}", segment(id))),
            Wish::Rotate(id) => (
                Method::POST,
                format!("clients/{}/rotate-secret", segment(id)),
            ),
            Wish::Delete(id) => (Method::DELETE, format!("clients/{}", segment(id))),
        },
        Dialect::Konnect => match wish {
            Wish::Register => (Method::POST, String::new()),
            Wish::Update(id) => (Method::POST, format!("{}/event-hook", segment(id))),
            Wish::Rotate(id) => (Method::POST, format!("{}/new-secret", segment(id))),
            Wish::Delete(id) => (Method::DELETE, segment(id)),
        },
    }
}
