//! What is tried, in order.

use axum::http::StatusCode;
use serde_json::Value;

use super::{
    Check, CheckStep,
    judge::{self, INFORMATION, KONNECT, OURS, Told, Wrong, success, wrong},
    refusals::is_about,
    talk::Talk,
    wire::{Payload, Reply},
};
use crate::{
    oauth_client::metadata::ClientMetadata,
    provider::{
        answers,
        bridge::{Bridge, lines::Wish},
        exchange::Answered,
        registrar::{Known, Listed, Marker},
    },
    secrets::SecretText,
};

#[derive(Debug)]
pub(super) struct Trial<'a> {
    bridge: Bridge,
    pub(super) talk: Talk,
    pub(super) metadata: &'a ClientMetadata,
    marks: [Marker; 2],
}

/// A client that was registered.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: String,
    secret: SecretText,
}

impl<'a> Trial<'a> {
    pub(super) fn new(check: Check, metadata: &'a ClientMetadata, marks: [Marker; 2]) -> Self {
        Self {
            bridge: check.bridge,
            talk: Talk::new(check.wire, check.secrets),
            metadata,
            marks,
        }
    }

    pub(super) async fn run(mut self) -> Vec<CheckStep> {
        self.strangers().await;
        let client = match self.register(0).await {
            Ok((client, said)) => {
                self.talk.note("register", Ok(said));
                client
            }
            Err(wrong) => {
                self.talk.note("register", Err(wrong));
                return self.run_without_client().await;
            }
        };
        let came = self.register_another(&client).await;
        self.talk.note("register another", came);
        self.listed(&client).await;
        let came = self.update(&client).await;
        self.talk.note("update", came);
        let came = self.rotate(&client).await;
        self.talk.note("rotate secret", came);
        self.refusals().await;
        self.removal(&client).await;
        self.talk.tidy().await
    }

    async fn run_without_client(mut self) -> Vec<CheckStep> {
        for step in [
            "register another",
            "mark",
            "update",
            "rotate secret",
            "delete",
            "delete again",
            "is gone",
        ] {
            self.talk.skip(step, "there is no client to try it with");
        }
        self.refusals().await;
        self.talk.tidy().await
    }

    /// Whoever cannot prove to be the registry must not register anything.
    async fn strangers(&mut self) {
        const STEP: &str = "authentication";
        let names: Vec<String> = self
            .talk
            .credentials()
            .iter()
            .map(ToString::to_string)
            .collect();
        if names.is_empty() {
            let why = "no headers were given: whoever reaches the bridge can use it";
            return self.talk.skip(STEP, why);
        }
        let came = self.try_as_a_stranger(&names.join(", ")).await;
        self.talk.note(STEP, came);
    }

    async fn try_as_a_stranger(&mut self, names: &str) -> Result<String, Wrong> {
        let body = self.registration(0)?;
        let reply = self.talk.ask_as_a_stranger(Wish::Register, body).await?;
        if !matches!(
            reply.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        ) {
            let words = self.talk.words(&reply);
            let what = format!("without {names} {words}, where 401 is due");
            return Err(wrong(what, KONNECT));
        }
        judge::reason(&reply, KONNECT).map(|said| format!("without {names} {said}"))
    }

    fn registration(&self, which: usize) -> Result<Payload, Wrong> {
        let mark = self.marks.get(which).copied().unwrap_or(self.marks[0]);
        let body = self.bridge.registration(self.metadata, mark);
        body.map(Payload::Json)
            .map_err(|error| wrong(error.description, OURS))
    }

    /// The client, and what is to be said.
    async fn register(&mut self, which: usize) -> Result<(Client, String), Wrong> {
        let body = self.registration(which)?;
        let reply = self.talk.ask(Wish::Register, body).await?;
        let status = success(&reply, &self.talk.words(&reply))?;
        let told = judge::client(&reply)?;
        let id = told.client_id.clone();
        let id = id.ok_or_else(|| wrong("its answer holds no client_id", INFORMATION))?;
        let secret = told.client_secret.as_ref().map(|it| it.expose().to_owned());
        let secret = secret.map(SecretText::new).ok_or_else(|| {
            let what = "its answer holds no client_secret, and nobody can ask for it later";
            wrong(what, INFORMATION)
        })?;
        self.talk.hide(&secret);
        self.keeps_the_mark(&told, which)?;
        if which == 0 {
            if status != 201 {
                let what = format!("it answers {status}; 201 says that there is something new");
                self.talk.advise("register", &what, INFORMATION);
            }
            if !reply.is_kept_by_nobody() {
                let what = "an answer with a secret had better say Cache-Control: no-store";
                self.talk.advise("register", what, INFORMATION);
            }
        }
        let said = format!("it answers {status} with a client_id and a client_secret");
        Ok((Client { id, secret }, said))
    }

    /// What the bridge repeats of the metadata is what counts, so it must not say another mark than it was sent.
    fn keeps_the_mark(&self, told: &Told, which: usize) -> Result<(), Wrong> {
        let mark = self.marks.get(which).copied().unwrap_or(self.marks[0]);
        let sent = mark.put_into(self.metadata);
        for (name, sent) in [
            ("software_id", sent.software_id),
            ("software_version", sent.software_version),
        ] {
            let said = told.members.get(name).and_then(Value::as_str);
            if said.is_some() && said != sent.as_deref() {
                let what =
                    format!("{name} is not what was sent: the registry finds its clients by it");
                return Err(wrong(what, OURS));
            }
        }
        Ok(())
    }

    async fn register_another(&mut self, first: &Client) -> Result<String, Wrong> {
        let (Client { id, secret }, _) = self.register(1).await?;
        if id == first.id {
            let what = "the same client_id once more: each registration makes a client of its own";
            return Err(wrong(what, INFORMATION));
        }
        if secret == first.secret {
            let what = "the same client_secret once more: each client has one of its own";
            return Err(wrong(what, INFORMATION));
        }
        Ok("another client, with a secret of its own".to_owned())
    }

    /// Whether the list, where there is one, says which clients are the registry's.
    async fn listed(&mut self, client: &Client) {
        const STEP: &str = "mark";
        let came = match self.list().await {
            None => {
                let why = "no list was named (--list): after a crash nobody finds a client by its mark";
                return self.talk.skip(STEP, why);
            }
            Some(listed) => listed.and_then(|(listed, text)| {
                let found = listed.iter().find(|one| one.known.client_id == client.id);
                match found {
                    Some(found) if found.marker == self.marks[0] => {
                        Ok("the list says which registration the client came of".to_owned())
                    }
                    None if !text.contains(&client.id) => {
                        Err(wrong("the list lacks the client that was registered", OURS))
                    }
                    _ => Err(wrong(
                        "the list has the client without the mark that it was registered with (software_id and software_version, or application_description)",
                        OURS,
                    )),
                }
            }),
        };
        self.talk.note(STEP, came);
    }

    /// The clients of the list that bear a mark, and the list as it came.
    pub(super) async fn list(&mut self) -> Option<Result<(Vec<Listed>, String), Wrong>> {
        let address = self.bridge.list.clone()?;
        let came = match self.talk.wire.list(&address).await {
            Err(error) => Err(wrong(format!("the list: {error}"), OURS)),
            Ok(reply) => self.read_list(&reply),
        };
        Some(came)
    }

    fn read_list(&self, reply: &Reply) -> Result<(Vec<Listed>, String), Wrong> {
        let status = success(reply, &format!("the list: {}", self.talk.words(reply)))?;
        let body = reply.json();
        let body = body.ok_or_else(|| wrong("the list is not JSON", OURS))?;
        let text = body.to_string();
        let answered = Answered {
            status,
            body,
            date: None,
        };
        match answers::listed(&answered) {
            Ok(listed) => Ok((listed, text)),
            Err(error) => Err(wrong(error.description, OURS)),
        }
    }

    async fn update(&mut self, client: &Client) -> Result<String, Wrong> {
        let mut changed = self.marks[0].put_into(self.metadata);
        changed.client_name = Some("keysmith bridge-check, changed".to_owned());
        let body = self.replacement(&client.id, &changed)?;
        let reply = self.talk.ask(Wish::Update(&client.id), body).await?;
        let status = success(&reply, &self.talk.words(&reply))?;
        if reply.is_empty() {
            return Ok(format!("it answers {status} without a body"));
        }
        let told = judge::client(&reply)?;
        is_about(&told, client)?;
        if let Some(secret) = &told.client_secret {
            self.talk.hide(secret);
        }
        Ok(format!("it answers {status}"))
    }

    pub(super) fn replacement(
        &self,
        id: &str,
        metadata: &ClientMetadata,
    ) -> Result<Payload, Wrong> {
        let known = Known {
            client_id: id.to_owned(),
            registration_client_uri: None,
            registration_access_token: None,
        };
        let body = self.bridge.replacement(&known, metadata);
        body.map(Payload::Json)
            .map_err(|error| wrong(error.description, OURS))
    }

    async fn rotate(&mut self, client: &Client) -> Result<String, Wrong> {
        let reply = self
            .talk
            .ask(Wish::Rotate(&client.id), Payload::Nothing)
            .await?;
        let status = success(&reply, &self.talk.words(&reply))?;
        let told = judge::client(&reply)?;
        is_about(&told, client)?;
        let secret = told.client_secret.as_ref();
        let secret = secret.ok_or_else(|| wrong("its answer holds no client_secret", OURS))?;
        self.talk.hide(secret);
        if *secret == client.secret {
            let what =
                "the same client_secret once more: it is asked for because another is needed";
            return Err(wrong(what, OURS));
        }
        Ok(format!("it answers {status} with another client_secret"))
    }
}
