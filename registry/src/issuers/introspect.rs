//! A gateway asks whose a token is that says nothing itself.
//!
//! In this order: what is remembered for some seconds, the question that is under way already, the limits, the provider.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use filter_core::{
    gateway::access_tokens::IntrospectionAnswer,
    jwt,
    key::{self, Shape},
};
use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use tokio::{sync::Semaphore, time::timeout};

use super::{Issuers, introspection, lock};
use crate::{
    clock::Timestamp,
    error::Error,
    ids::{ProviderId, TokenId},
    provider::{
        self, Provider,
        configuration::Configuration,
        registrar::{ProviderError, ProviderErrorKind},
    },
    secrets::SecretText,
    verification::{limit::Limiter, memory::Memory, tag::Tag},
};

/// Answers, and names that are limited, that are remembered at most, each.
const REMEMBERED: usize = 4096;
/// For how long an answer is remembered, so that the workers of a gateway, which ask each for itself, are one question.
const KEPT: Duration = Duration::from_secs(5);
/// For how long a provider may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Questions of one gateway token about one issuer in a minute.
const PER_GATEWAY: u32 = if cfg!(test) { 20 } else { 1200 };
/// Questions about one issuer in a minute, whoever asks.
const PER_ISSUER: u32 = 6000;
/// Questions that wait for providers at a time.
const RUNNING: usize = 64;

/// A gateway's question. Nothing of the token is ever logged.
#[derive(Debug)]
pub struct Question {
    /// Which gateway token it came with.
    pub gateway: TokenId,
    /// The token as it was presented.
    pub token: SecretText,
    /// The issuers that may be asked.
    pub issuers: Vec<String>,
}

/// What a gateway is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Introspected {
    /// This is so.
    Answered(IntrospectionAnswer),
    /// Too many questions; the next may be asked after this time.
    Limited(Duration),
    /// No provider has said yes, and this one could not be asked.
    Unavailable(ProviderError),
}

/// What came of asking one provider.
type Outcome = Result<IntrospectionAnswer, ProviderError>;

/// What is remembered of questions.
pub(super) struct Asked {
    answers: Memory<Tag, (IntrospectionAnswer, Timestamp)>,
    running: HashMap<Tag, Shared<BoxFuture<'static, Outcome>>>,
    of_gateways: Limiter,
    of_issuers: Limiter,
    places: Arc<Semaphore>,
    /// Which providers could not be asked when it was last tried.
    failing: BTreeSet<ProviderId>,
}

impl Asked {
    pub(super) fn new() -> Self {
        Self {
            answers: Memory::new(REMEMBERED),
            running: HashMap::new(),
            of_gateways: Limiter::per_minute(PER_GATEWAY, REMEMBERED),
            of_issuers: Limiter::per_minute(PER_ISSUER, REMEMBERED),
            places: Arc::new(Semaphore::new(RUNNING)),
            failing: BTreeSet::new(),
        }
    }
}

/// What asking one provider comes to before it is asked.
enum Admission {
    Known(IntrospectionAnswer),
    Running(Shared<BoxFuture<'static, Outcome>>),
    Limited(Duration),
}

impl Issuers {
    /// Asks the issuers one after the other until one vouches for the token.
    pub async fn introspect(self: &Arc<Self>, question: Question) -> Result<Introspected, Error> {
        let answered = self.ask_all(question).await?;
        self.metrics.introspection(match &answered {
            Introspected::Answered(IntrospectionAnswer::Active(_)) => "active",
            Introspected::Answered(IntrospectionAnswer::Inactive) => "inactive",
            Introspected::Limited(_) => "limited",
            Introspected::Unavailable(_) => "unavailable",
        });
        Ok(answered)
    }

    async fn ask_all(self: &Arc<Self>, question: Question) -> Result<Introspected, Error> {
        let text = question.token.expose().as_bytes();
        // The registry's own values are known to it or nobody's, and are shown to no provider.
        if key::shape(text) != Shape::Foreign {
            return Ok(Introspected::Answered(IntrospectionAnswer::Inactive));
        }
        let is_jwt = jwt::has_form(text);
        let mut worst = Introspected::Answered(IntrospectionAnswer::Inactive);
        for issuer in &question.issuers {
            let Some(provider) = self.introspecting(issuer, is_jwt).await? else {
                continue;
            };
            match self.ask(&provider, issuer, &question).await {
                Introspected::Answered(IntrospectionAnswer::Inactive) => {}
                Introspected::Answered(active) => return Ok(Introspected::Answered(active)),
                other => worst = other,
            }
        }
        Ok(worst)
    }

    /// The provider, if it is asked about such tokens. A JWT of an issuer that has keys is judged by these alone.
    async fn introspecting(&self, issuer: &str, is_jwt: bool) -> Result<Option<Provider>, Error> {
        let mut read = self.env.store.read().await?;
        let known = read.issuer(issuer).await?;
        let is_asked =
            known.is_some_and(|known| known.introspects && (known.keys.is_empty() || !is_jwt));
        if !is_asked {
            return Ok(None);
        }
        let provider = read.provider_issuing(issuer).await?;
        Ok(provider.filter(|provider| provider.enabled))
    }

    async fn ask(
        self: &Arc<Self>,
        provider: &Provider,
        issuer: &str,
        question: &Question,
    ) -> Introspected {
        match self.admit(provider, issuer, question) {
            Admission::Known(answer) => Introspected::Answered(answer),
            Admission::Limited(wait) => Introspected::Limited(wait),
            Admission::Running(running) => match running.await {
                Ok(answer) => Introspected::Answered(answer),
                Err(error) => Introspected::Unavailable(error),
            },
        }
    }

    fn admit(
        self: &Arc<Self>,
        provider: &Provider,
        issuer: &str,
        question: &Question,
    ) -> Admission {
        let now = self.env.now();
        let token = question.token.expose().as_bytes();
        let version = provider.version.to_be_bytes();
        let name = issuer.as_bytes();
        let tag = self.tagger.tag(b"token", &[name, &version, token]);
        let gateway = question.gateway.object_id().0;
        let mut asked = lock(&self.asked);
        if let Some((answer, until)) = asked.answers.get(&tag)
            && *until > now
        {
            return Admission::Known(answer.clone());
        }
        if let Some(running) = asked.running.get(&tag) {
            return Admission::Running(running.clone());
        }
        let of_gateway = self.tagger.tag(b"gateway", &[name, &gateway]);
        if let Some(wait) = asked.of_gateways.take_many(of_gateway, 1, now) {
            return Admission::Limited(wait);
        }
        let of_issuer = self.tagger.tag(b"issuer", &[name]);
        if let Some(wait) = asked.of_issuers.take_many(of_issuer, 1, now) {
            return Admission::Limited(wait);
        }
        let places = Arc::clone(&asked.places);
        let running = Arc::clone(self).begin(provider, question, tag, places);
        asked.running.insert(tag, running.clone());
        Admission::Running(running)
    }

    /// Asks in a task of its own: the answer is wanted by others too when the first who asked has left.
    fn begin(
        self: Arc<Self>,
        provider: &Provider,
        question: &Question,
        tag: Tag,
        places: Arc<Semaphore>,
    ) -> Shared<BoxFuture<'static, Outcome>> {
        let (provider, token) = (provider.clone(), question.token.clone());
        let task = tokio::spawn(async move {
            let _running = Running {
                issuers: &self,
                tag,
            };
            let Ok(_place) = places.try_acquire() else {
                return Err(unavailable("too many questions wait for providers"));
            };
            let asking = timeout(PATIENCE, self.ask_provider(&provider, &token));
            let outcome = match asking.await {
                Ok(outcome) => outcome,
                Err(_) => Err(unavailable("it takes too long to say whose a token is")),
            };
            match outcome {
                Ok(answer) => {
                    self.remember(&provider, tag, &answer);
                    Ok(answer)
                }
                Err(error) => Err(self.failed(&provider, error)),
            }
        });
        let failed = || Err(unavailable("asking it was interrupted"));
        task.map(move |done| done.unwrap_or_else(|_| failed()))
            .boxed()
            .shared()
    }

    async fn ask_provider(&self, provider: &Provider, token: &SecretText) -> Outcome {
        let configuration = Configuration::read(provider.kind, &provider.configuration);
        let tokens = configuration.as_ref().and_then(Configuration::tokens);
        let tokens = tokens.ok_or_else(|| unavailable("its configuration cannot be read"))?;
        let asks = tokens.introspection.as_ref();
        let asks = asks.ok_or_else(|| unavailable("it is not asked about tokens"))?;
        let address = self.introspection_address(provider, asks.endpoint.as_deref());
        let address = address.await?;
        let address =
            address.ok_or_else(|| unavailable("nobody has said where it answers about tokens"))?;
        let secrets = provider::open(&self.env, provider);
        let secrets = secrets.map_err(|_| unavailable("its credentials cannot be opened"))?;
        let secret = secrets.introspection_client_secret.as_deref();
        let client = (asks.client_id.as_str(), secret.unwrap_or_default());
        let call = introspection::call(address, client, token.expose())?;
        let answer = self.env.outgoing.send(call).await?;
        let issuer = provider.issuer.as_deref().unwrap_or_default();
        let now = self.env.now().as_millis() / 1000;
        let mut said = introspection::read(&answer, issuer, now)?;
        if let (IntrospectionAnswer::Active(token), Some(audience)) = (&mut said, &asks.audience)
            && token.audiences.is_empty()
        {
            token.audiences.push(audience.clone());
        }
        Ok(said)
    }

    fn remember(&self, provider: &Provider, tag: Tag, answer: &IntrospectionAnswer) {
        let now = self.env.now();
        let mut until = now.after(KEPT);
        if let IntrospectionAnswer::Active(token) = answer
            && let Some(end) = token.expires_at
        {
            until = until.min(Timestamp::from_millis(end.saturating_mul(1000)));
        }
        let mut asked = lock(&self.asked);
        asked.answers.insert(tag, (answer.clone(), until));
        asked.failing.remove(&provider.id);
    }

    /// Whatever went wrong, the provider has not said no. It is logged once, and again after it was well.
    fn failed(&self, provider: &Provider, error: ProviderError) -> ProviderError {
        if lock(&self.asked).failing.insert(provider.id) {
            tracing::warn!(provider = %provider.name, %error, "a provider cannot be asked about tokens");
        }
        ProviderError {
            kind: ProviderErrorKind::Unavailable,
            ..error
        }
    }
}

/// A question that can be joined until this is dropped, however it ends.
struct Running<'a> {
    issuers: &'a Issuers,
    tag: Tag,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        lock(&self.issuers.asked).running.remove(&self.tag);
    }
}

fn unavailable(description: &str) -> ProviderError {
    ProviderError {
        kind: ProviderErrorKind::Unavailable,
        code: None,
        description: description.to_owned(),
        status: None,
        may_be_done: false,
    }
}
