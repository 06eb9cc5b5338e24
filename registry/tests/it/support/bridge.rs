//! An HTTP bridge that does as it should, but for the one fault that a test gives it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What opens it.
pub(crate) const KEY: &str = "let-me-in-0123456789";

/// It ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Bridge {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    fault: &'static str,
    konnect: bool,
    made: u32,
    clients: BTreeMap<String, Value>,
    secrets: Vec<String>,
}

impl Bridge {
    /// API7's protocol, with this fault; `""` for none.
    pub(crate) async fn api7(fault: &'static str) -> Self {
        Self::start(fault, false).await
    }

    /// Konnect's protocol, with this fault; `""` for none.
    pub(crate) async fn konnect(fault: &'static str) -> Self {
        Self::start(fault, true).await
    }

    async fn start(fault: &'static str, konnect: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            fault,
            konnect,
            ..State::default()
        }));
        let bridge = Self { url, state };
        let own = bridge.clone();
        let answer = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
            own.state().answer(&method, uri.path(), &headers, &body)
        };
        let router = Router::new().fallback(answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(router.clone());
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        bridge
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// How many clients it has.
    pub(crate) fn clients(&self) -> usize {
        self.state().clients.len()
    }

    /// Every secret that it has given away.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.state().secrets.clone()
    }

    /// A client that was registered by hand.
    pub(crate) fn put(&self, id: &str, metadata: Value) {
        self.state().clients.insert(id.to_owned(), metadata);
    }
}

fn refused(status: u16, code: &str) -> Response {
    answer(
        status,
        &json!({"error": code, "error_description": "for a reason"}),
    )
}

fn answer(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body.to_string()).into_response()
}

impl State {
    fn answer(
        &mut self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Response {
        if self.fault != "open" && headers.get("x-api-key").is_none_or(|key| key != KEY) {
            return refused(401, "unauthorized");
        }
        if path == "/list" {
            return self.list();
        }
        let Some(rest) = path.strip_prefix(if self.konnect { "/" } else { "/clients" }) else {
            return refused(404, "not_found");
        };
        let rest: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
        match (method.as_str(), rest.as_slice()) {
            ("POST", []) => self.register(body),
            ("PUT", [id]) if !self.konnect => self.update(id, body),
            ("POST", [id, "event-hook"]) if self.konnect => self.update(id, body),
            ("POST", [id, "rotate-secret" | "new-secret"]) => self.rotate(id),
            ("DELETE", [id]) => self.delete(id),
            _ => refused(404, "not_found"),
        }
    }

    fn list(&self) -> Response {
        let clients = self.clients.iter().map(|(id, metadata)| {
            let mut client = metadata.clone();
            client["client_id"] = json!(id);
            if self.fault == "unmarked" {
                client["software_version"] = json!(null);
                client["application_description"] = json!(null);
            }
            client
        });
        answer(200, &Value::Array(clients.collect()))
    }

    fn secret(&mut self) -> String {
        self.made += 1;
        let secret = format!("a-secret-of-a-client-{}", self.made);
        self.secrets.push(secret.clone());
        secret
    }

    fn register(&mut self, body: &[u8]) -> Response {
        let Ok(metadata) = serde_json::from_slice::<Value>(body) else {
            return match self.fault {
                "fails" => refused(500, "server_error"),
                "silent" => StatusCode::BAD_REQUEST.into_response(),
                "forbids" => refused(401, "unauthorized"),
                "echoes" => answer(
                    400,
                    &json!({"error": "invalid_request", "error_description": KEY}),
                ),
                _ => refused(400, "invalid_request"),
            };
        };
        let is_usable =
            metadata["client_name"].is_string() && !metadata["redirect_uris"].is_string();
        if !is_usable && self.fault != "takes anything" {
            return refused(400, "invalid_client_metadata");
        }
        let secret = self.secret();
        let id = if self.fault == "one client" {
            "c".to_owned()
        } else {
            format!("c {}", self.made)
        };
        self.clients.insert(id.clone(), metadata);
        let mut told =
            json!({"client_id": id, "client_secret": secret, "client_secret_expires_at": 0});
        match self.fault {
            "html" => return (StatusCode::CREATED, told.to_string()).into_response(),
            "no id" => told["client_id"] = json!(null),
            "no secret" => told["client_secret"] = json!(null),
            "odd time" => told["client_secret_expires_at"] = json!("soon"),
            "odd scope" => told["scope"] = json!(["a"]),
            "another mark" => told["software_version"] = json!("1.0"),
            "plain" => {
                return (
                    StatusCode::OK,
                    [(header::CONTENT_TYPE, "application/json")],
                    told.to_string(),
                )
                    .into_response();
            }
            _ => {}
        }
        answer(201, &told)
    }

    fn update(&mut self, id: &str, body: &[u8]) -> Response {
        let id = id.replace("%20", " ");
        if !self.clients.contains_key(&id) && self.fault != "updates nobody" {
            return refused(404, "not_found");
        }
        let mut metadata: Value = serde_json::from_slice(body).unwrap();
        if self.konnect {
            metadata["client_name"] = metadata["application_name"].clone();
        }
        self.clients.insert(id.clone(), metadata);
        match self.fault {
            "no update" => refused(405, "not_allowed"),
            "moved" => StatusCode::TEMPORARY_REDIRECT.into_response(),
            "another client" => answer(200, &json!({"client_id": "other"})),
            _ if self.konnect => StatusCode::OK.into_response(),
            _ => answer(200, &json!({"client_id": id})),
        }
    }

    fn rotate(&mut self, id: &str) -> Response {
        let id = id.replace("%20", " ");
        if !self.clients.contains_key(&id) && self.fault != "rotates nobody" {
            return refused(404, "not_found");
        }
        let secret = match self.fault {
            "same secret" => self.secrets[0].clone(),
            "tells in errors" => {
                let said = format!("cannot replace {}", self.secrets[0]);
                return answer(400, &json!({"error": "x", "error_description": said}));
            }
            _ => self.secret(),
        };
        answer(200, &json!({"client_id": id, "client_secret": secret}))
    }

    fn delete(&mut self, id: &str) -> Response {
        let id = id.replace("%20", " ");
        if self.fault == "no delete" {
            return refused(500, "server_error");
        }
        if !self.clients.contains_key(&id) {
            let status = if self.fault == "deletes once" {
                400
            } else {
                404
            };
            return refused(status, "not_found");
        }
        if self.fault != "deletes nothing" {
            self.clients.remove(&id);
        }
        StatusCode::NO_CONTENT.into_response()
    }
}
