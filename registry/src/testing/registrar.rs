//! An identity provider that does as it is told.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::{
    environment::Environment,
    error::Error,
    oauth_client::metadata::ClientMetadata,
    provider::{
        Provider,
        registrar::{
            Known, Listed, Marker, ProviderError, ProviderErrorKind, Registered, Registrar,
        },
        registrars::Registrars,
    },
    secrets::SecretText,
};

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is done and answered.
    Done,
    /// It does not arrive.
    Unsent,
    /// It is done, and the answer does not arrive.
    Unanswered,
    /// It arrives, and is not done; nobody hears of that.
    Swallowed,
    /// It is refused, with what is at fault.
    Refused,
    /// It is not done, because the provider is not well.
    Unwell,
    /// It is done, and the answer makes no sense.
    Garbled,
    /// The provider does not let the registry in.
    Forbidden,
    /// The registry dies before the provider is called.
    DiesBefore,
    /// The registry dies before it gets the answer.
    DiesAfter,
    /// It is done, and answered once the test says so.
    Stalls,
}

/// What a provider knows of a client.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) secret: String,
    pub(crate) token: String,
    pub(crate) metadata: ClientMetadata,
}

#[derive(Debug, Default)]
struct State {
    clients: BTreeMap<String, Client>,
    fates: VecDeque<Fate>,
    calls: Vec<&'static str>,
    made: u32,
    lists: bool,
    renews: bool,
}

/// The provider; clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scripted {
    state: Arc<Mutex<State>>,
    /// Told when the registry is to die.
    pub(crate) dying: Arc<Notify>,
    /// Told when what has stalled may go on.
    pub(crate) resume: Arc<Notify>,
}

impl Scripted {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What becomes of the next calls. All others are done.
    pub(crate) fn next(&self, fates: &[Fate]) {
        self.state().fates = fates.iter().copied().collect();
    }

    /// From now on it lists its clients.
    pub(crate) fn list_clients(&self) {
        self.state().lists = true;
    }

    /// From now on it gives clients other secrets.
    pub(crate) fn renew_secrets(&self) {
        self.state().renews = true;
    }

    pub(crate) fn clients(&self) -> BTreeMap<String, Client> {
        self.state().clients.clone()
    }

    /// Has a client that the registry knows nothing of.
    pub(crate) fn adopt(&self, client_id: &str, secret: &str) {
        let client = Client {
            secret: secret.to_owned(),
            token: String::new(),
            metadata: ClientMetadata::default(),
        };
        self.state().clients.insert(client_id.to_owned(), client);
    }

    /// Forgets a client, as its administrator may.
    pub(crate) fn lose(&self, client_id: &str) {
        self.state().clients.remove(client_id);
    }

    /// Changes what is registered, as its administrator may.
    pub(crate) fn meddle(&self, client_id: &str, with: impl FnOnce(&mut ClientMetadata)) {
        with(&mut self.state().clients.get_mut(client_id).unwrap().metadata);
    }

    /// What it was asked since this was asked.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.state().calls)
    }

    async fn call<T>(
        &self,
        what: &'static str,
        act: impl FnOnce(&mut State) -> Result<T, ProviderError>,
    ) -> Result<T, ProviderError> {
        let fate = {
            let mut state = self.state();
            state.calls.push(what);
            state.fates.pop_front().unwrap_or(Fate::Done)
        };
        if matches!(fate, Fate::DiesBefore) {
            self.die().await;
        }
        let error = match fate {
            Fate::Done | Fate::DiesBefore => return act(&mut self.state()),
            Fate::DiesAfter => {
                let _ = act(&mut self.state());
                self.die().await;
                return Err(failure(ProviderErrorKind::Unavailable, None, true));
            }
            Fate::Stalls => {
                let answer = act(&mut self.state());
                self.dying.notify_one();
                self.resume.notified().await;
                return answer;
            }
            Fate::Unanswered => {
                act(&mut self.state())?;
                failure(ProviderErrorKind::Unavailable, None, true)
            }
            Fate::Garbled => {
                act(&mut self.state())?;
                failure(ProviderErrorKind::Garbage, Some(200), true)
            }
            Fate::Swallowed => failure(ProviderErrorKind::Unavailable, None, true),
            Fate::Unwell => failure(ProviderErrorKind::Unavailable, Some(503), true),
            Fate::Unsent => failure(ProviderErrorKind::Unavailable, None, false),
            Fate::Forbidden => failure(ProviderErrorKind::Forbidden, Some(401), false),
            Fate::Refused => ProviderError {
                code: Some("invalid_client_metadata".to_owned()),
                ..failure(ProviderErrorKind::Refused, Some(400), false)
            },
        };
        Err(error)
    }

    async fn die(&self) {
        self.dying.notify_one();
        std::future::pending::<()>().await;
    }
}

fn failure(kind: ProviderErrorKind, status: Option<u16>, may_be_done: bool) -> ProviderError {
    ProviderError {
        kind,
        code: None,
        description: format!("scripted: {kind:?}"),
        status,
        may_be_done,
    }
}

impl State {
    fn secret(&mut self) -> String {
        self.made += 1;
        format!("secret-{}", self.made)
    }

    /// The client, if the call proves that it may.
    fn client(&mut self, known: &Known) -> Result<&mut Client, ProviderError> {
        let token = known.registration_access_token.as_ref();
        let unknown = failure(ProviderErrorKind::Unmanaged, Some(401), false);
        let missing = failure(ProviderErrorKind::Missing, Some(404), false);
        match (self.clients.get_mut(&known.client_id), token) {
            (None, None) => Err(missing),
            (Some(client), None) => Ok(client),
            (Some(client), Some(token)) if client.token == token.expose() => Ok(client),
            (_, Some(_)) => Err(unknown),
        }
    }

    fn answer(&mut self, client_id: &str) -> Registered {
        self.made += 1;
        let made = self.made;
        let client = self.clients.get_mut(client_id).unwrap();
        client.token = format!("token-{made}");
        Registered {
            client_id: client_id.to_owned(),
            client_secret: Some(SecretText::new(client.secret.clone())),
            client_secret_expires_at: None,
            registration_client_uri: Some(format!("https://id.example/reg/{client_id}")),
            registration_access_token: Some(SecretText::new(client.token.clone())),
            metadata: client.metadata.clone(),
        }
    }
}

#[async_trait]
impl Registrar for Scripted {
    async fn register(
        &self,
        metadata: &ClientMetadata,
        marker: Marker,
    ) -> Result<Registered, ProviderError> {
        self.call("register", |state| {
            let secret = state.secret();
            let client_id = format!("client-{}", state.made);
            let client = Client {
                secret,
                token: String::new(),
                metadata: marker.put_into(metadata),
            };
            state.clients.insert(client_id.clone(), client);
            Ok(state.answer(&client_id))
        })
        .await
    }

    async fn read(&self, known: &Known) -> Result<Registered, ProviderError> {
        self.call("read", |state| {
            state.client(known)?;
            Ok(state.answer(&known.client_id))
        })
        .await
    }

    async fn update(
        &self,
        known: &Known,
        metadata: &ClientMetadata,
    ) -> Result<Registered, ProviderError> {
        self.call("update", |state| {
            state.client(known)?.metadata = metadata.clone();
            Ok(state.answer(&known.client_id))
        })
        .await
    }

    async fn rotate_secret(
        &self,
        known: &Known,
        _: &ClientMetadata,
    ) -> Result<Registered, ProviderError> {
        if !self.state().renews {
            return Err(ProviderError::unsupported("scripted: no other secret"));
        }
        self.call("rotate_secret", |state| {
            let secret = state.secret();
            state.client(known)?.secret = secret;
            Ok(state.answer(&known.client_id))
        })
        .await
    }

    async fn delete(&self, known: &Known) -> Result<(), ProviderError> {
        self.call("delete", |state| {
            state.client(known)?;
            state.clients.remove(&known.client_id);
            Ok(())
        })
        .await
    }

    async fn list(&self) -> Result<Vec<Listed>, ProviderError> {
        if !self.state().lists {
            return Err(ProviderError::unsupported("scripted: no list"));
        }
        self.call("list", |state| {
            let clients = state.clients.iter();
            let marked = clients.filter_map(|(client_id, client)| {
                Some(Listed {
                    known: Known {
                        client_id: client_id.clone(),
                        registration_client_uri: None,
                        registration_access_token: None,
                    },
                    marker: Marker::found_in(&client.metadata)?,
                })
            });
            Ok(marked.collect())
        })
        .await
    }

    async fn proves(&self, client_id: &str, secret: &SecretText) -> Result<bool, ProviderError> {
        self.call("proves", |state| {
            let client = state.clients.get(client_id);
            Ok(client.is_some_and(|client| client.secret == secret.expose()))
        })
        .await
    }
}

#[async_trait]
impl Registrars for Scripted {
    async fn of(&self, _: &Environment, _: &Provider) -> Result<Box<dyn Registrar>, Error> {
        Ok(Box::new(self.clone()))
    }
}
