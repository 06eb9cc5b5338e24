//! An identity provider with dynamic client registration (RFC 7591, RFC 7592), at which the registry can be made to die.

use std::{
    collections::BTreeMap,
    future,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

/// What it lets clients be registered with.
pub(crate) const INITIAL_TOKEN: &str = "let-me-register";

/// When the registry dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The request has arrived, and nothing is done.
    Arrived,
    /// It is done, and not answered.
    Done,
    /// It is answered. What the registry still manages to do of it differs.
    Answered,
}

/// What providers differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manners {
    /// It lists its clients, and an update gives a client another secret.
    Helpful,
    /// It has no list and gives nobody another secret, and each answer about a client has another registration token.
    Strict,
}

/// A client as the provider knows it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) secret: String,
    pub(crate) metadata: Map<String, Value>,
    token: String,
}

#[derive(Debug, Default)]
struct State {
    clients: BTreeMap<String, Client>,
    made: u32,
    death: Option<(Method, Moment)>,
}

#[derive(Debug)]
struct Shared {
    url: String,
    manners: Manners,
    state: Mutex<State>,
    dying: Notify,
}

/// The provider. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Provider {
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Provider {
    pub(crate) async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            url: format!("http://{address}"),
            manners,
            state: Mutex::default(),
            dying: Notify::new(),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Self { shared, server }
    }

    pub(crate) fn url(&self) -> &str {
        &self.shared.url
    }

    pub(crate) fn manners(&self) -> Manners {
        self.shared.manners
    }

    /// From now on the next request about clients with this method is one in which the registry dies.
    pub(crate) fn die(&self, method: Method, moment: Moment) {
        self.shared.state().death = Some((method, moment));
    }

    /// Waits for the moment.
    pub(crate) async fn dying(&self) {
        self.shared.dying.notified().await;
    }

    pub(crate) fn clients(&self) -> BTreeMap<String, Client> {
        self.shared.state().clients.clone()
    }

    /// Removes a client, as its administrator may.
    pub(crate) fn remove(&self, client_id: &str) {
        self.shared.state().clients.remove(client_id);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Reply, hyper::Error> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let path = head.uri.path().to_owned();
        let token = head.headers.get("authorization");
        let token = token.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let is_about_clients = path.starts_with("/reg");
        let moment = {
            let mut state = self.state();
            let is_meant = is_about_clients
                && matches!(&state.death, Some((method, _)) if *method == head.method);
            let death = if is_meant { state.death.take() } else { None };
            death.map(|(_, moment)| moment)
        };
        if moment == Some(Moment::Arrived) {
            self.die().await;
        }
        let reply = match (head.method.as_str(), path.as_str()) {
            ("GET", "/.well-known/openid-configuration") => (200, self.metadata()),
            ("GET", "/jwks") => (200, json!({"keys": []})),
            ("GET", "/clients") if self.manners == Manners::Helpful => (200, self.list()),
            ("POST", "/reg") if token == Some(INITIAL_TOKEN) => self.register(&body),
            (method, path) => match path.strip_prefix("/reg/") {
                Some(id) => self.manage(method, id, token, &body),
                None => (404, json!({})),
            },
        };
        match moment {
            Some(Moment::Done) => self.die().await,
            // Once this is answered. The kill comes while the registry reads it, or a little later.
            Some(Moment::Answered) => self.dying.notify_one(),
            _ => {}
        }
        Ok(reply)
    }

    async fn die(&self) {
        self.dying.notify_one();
        // The connection goes with the registry.
        future::pending::<()>().await;
    }

    fn metadata(&self) -> Value {
        let url = &self.url;
        json!({
            "issuer": url, "token_endpoint": format!("{url}/token"), "jwks_uri": format!("{url}/jwks"),
            "registration_endpoint": format!("{url}/reg"), "response_types_supported": ["code"],
        })
    }

    fn list(&self) -> Value {
        let state = self.state();
        let clients = state.clients.iter();
        clients.map(|(id, client)| self.shown(id, client)).collect()
    }

    fn register(&self, body: &[u8]) -> Reply {
        let mut state = self.state();
        state.made += 1;
        let (id, made) = (format!("client-{}", state.made), state.made);
        let client = Client {
            secret: format!("secret-{made}"),
            token: format!("token-{made}"),
            metadata: serde_json::from_slice(body).expect("a JSON object"),
        };
        let shown = self.shown(&id, &client);
        state.clients.insert(id, client);
        (201, shown)
    }

    fn manage(&self, method: &str, id: &str, token: Option<&str>, body: &[u8]) -> Reply {
        let mut state = self.state();
        state.made += 1;
        let made = state.made;
        let Some(client) = state.clients.get_mut(id) else {
            return (401, json!({"error": "invalid_token"}));
        };
        // Who may register may remove, where there is a list to find a client in.
        let is_registry = token == Some(INITIAL_TOKEN) && self.manners == Manners::Helpful;
        if !is_registry && token != Some(&client.token) {
            return (401, json!({"error": "invalid_token"}));
        }
        match method {
            "DELETE" => {
                state.clients.remove(id);
                return (204, Value::Null);
            }
            "PUT" => {
                let mut next: Map<String, Value> =
                    serde_json::from_slice(body).expect("a JSON object");
                next.remove("client_id");
                // What changes nothing is meant to give the client another secret.
                if self.manners == Manners::Helpful && next == client.metadata {
                    client.secret = format!("secret-{made}");
                }
                client.metadata = next;
            }
            _ => {}
        }
        if self.manners == Manners::Strict {
            client.token = format!("token-{made}");
        }
        (200, self.shown(id, client))
    }

    fn shown(&self, id: &str, client: &Client) -> Value {
        let mut shown = client.metadata.clone();
        shown.insert("client_id".to_owned(), json!(id));
        shown.insert("client_secret".to_owned(), json!(client.secret));
        shown.insert("client_secret_expires_at".to_owned(), json!(0));
        shown.insert("registration_access_token".to_owned(), json!(client.token));
        let uri = format!("{}/reg/{id}", self.url);
        shown.insert("registration_client_uri".to_owned(), json!(uri));
        Value::Object(shown)
    }
}

/// Status and body.
type Reply = (u16, Value);

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move {
                let (status, body) = shared.answer(request).await?;
                let body = match body {
                    Value::Null => Bytes::new(),
                    body => Bytes::from(body.to_string()),
                };
                let response = Response::builder().status(status).body(Full::new(body));
                Ok::<_, hyper::Error>(response.expect("a response"))
            }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // A registry that dies ends it.
        tokio::spawn(async move {
            let _ = connection.await;
        });
    }
}
