//! What a bridge must refuse, and what must be gone once it was removed.

use serde_json::json;

use super::{
    judge::{self, OURS, Told, Wrong, success, wrong},
    steps::{Client, Trial},
    wire::Payload,
};
use crate::provider::{bridge::lines::Wish, configuration::Dialect};

/// A client that no bridge has.
const NOBODY: &str = "keysmith-bridge-check-no-such-client";

impl Trial<'_> {
    /// What nobody can do is refused, and not by failing.
    pub(super) async fn refusals(&mut self) {
        let came = self.bad(Payload::Broken).await;
        self.talk.note("refuse what is not JSON", came);
        let wrong_types = match self.talk.wire.dialect {
            Dialect::Api7 => json!({"redirect_uris": "none", "grant_types": 7}),
            Dialect::Konnect => json!({"client_name": 7, "redirect_uris": "none"}),
        };
        let came = self.bad(Payload::Json(wrong_types)).await;
        self.talk.note("refuse wrong types", came);
        let came = self.update_of_nobody().await;
        self.talk.note("update a client that is not there", came);
        let came = self.nobody(Wish::Rotate(NOBODY), Payload::Nothing).await;
        self.talk.note("rotate a client that is not there", came);
    }

    async fn bad(&mut self, payload: Payload) -> Result<String, Wrong> {
        let reply = self.talk.ask(Wish::Register, payload).await?;
        judge::refusal(&reply, self.talk.wire.dialect, &self.talk.words(&reply))
    }

    async fn update_of_nobody(&mut self) -> Result<String, Wrong> {
        let body = self.replacement(NOBODY, self.metadata)?;
        self.nobody(Wish::Update(NOBODY), body).await
    }

    async fn nobody(&mut self, wish: Wish<'_>, payload: Payload) -> Result<String, Wrong> {
        let reply = self.talk.ask(wish, payload).await?;
        judge::missing(&reply, &self.talk.words(&reply))
    }

    /// Removes the client, and finds out whether it is gone.
    pub(super) async fn removal(&mut self, client: &Client) {
        let came = self.delete(client).await;
        if !self.talk.note("delete", came) {
            for step in ["delete again", "is gone"] {
                self.talk.skip(step, "the client could not be removed");
            }
            return;
        }
        let came = self.delete_again(client).await;
        self.talk.note("delete again", came);
        let came = self.gone(client).await;
        self.talk.note("is gone", came);
    }

    async fn delete(&mut self, client: &Client) -> Result<String, Wrong> {
        let wish = Wish::Delete(&client.id);
        let reply = self.talk.ask(wish, Payload::Nothing).await?;
        let status = success(&reply, &self.talk.words(&reply))?;
        self.talk.is_gone(&client.id);
        Ok(format!("it answers {status}"))
    }

    /// The registry removes once more what it does not know to be removed: the answer may have been lost.
    async fn delete_again(&mut self, client: &Client) -> Result<String, Wrong> {
        let wish = Wish::Delete(&client.id);
        let reply = self.talk.ask(wish, Payload::Nothing).await?;
        let status = reply.status.as_u16();
        if reply.status.is_success() || matches!(status, 404 | 410) {
            return Ok(format!("it answers {status}"));
        }
        let what = format!(
            "{}, where 404 or 204 is due: the registry would go on trying for ever",
            self.talk.words(&reply)
        );
        Err(wrong(what, OURS))
    }

    async fn gone(&mut self, client: &Client) -> Result<String, Wrong> {
        let wish = Wish::Rotate(&client.id);
        let reply = self.talk.ask(wish, Payload::Nothing).await?;
        if reply.status.is_success() {
            let what = "a client that was removed still gets another secret";
            return Err(wrong(what, OURS));
        }
        let said = judge::missing(&reply, &self.talk.words(&reply))?;
        let Some((listed, _)) = self.list().await.transpose()? else {
            return Ok(said);
        };
        if listed.iter().any(|one| one.known.client_id == client.id) {
            return Err(wrong(
                "the list still has the client that was removed",
                OURS,
            ));
        }
        Ok(said)
    }
}

/// What is said is said of this client.
pub(super) fn is_about(told: &Told, client: &Client) -> Result<(), Wrong> {
    match &told.client_id {
        Some(id) if *id != client.id => {
            let what = "its answer is about another client than it was asked for";
            Err(wrong(what, judge::INFORMATION))
        }
        _ => Ok(()),
    }
}
