//! A gateway that reports what a credential was used for: everything once, however often the registry dies over it.

use std::time::SystemTime;

use e2e::{
    admin::Admin,
    http::{Call, Client},
};
use serde_json::json;

use crate::random::Random;

/// Somebody who reports.
#[derive(Debug)]
pub(crate) struct Reporter {
    client: Client,
    token: String,
    random: Random,
    credential: String,
    /// Of the last report, which has no effect twice.
    sequence: u64,
    /// Of the last batch, likewise.
    batch: u64,
    /// Uses that were sent and not answered; they are sent again under the same number.
    pending: Option<usize>,
    /// Uses that were answered.
    counted: usize,
}

impl Reporter {
    /// Reports uses of a credential of its own.
    pub(crate) async fn new(admin: &Admin, client: Client, token: &str, random: Random) -> Self {
        let application = admin.application(json!({"name": "used"})).await;
        let path = format!("/v1/applications/{application}/credentials");
        let made = admin.post(&path, json!({"type": "api_key", "name": "used"}));
        let made = made.await.expect(201).json();
        Self {
            client,
            token: token.to_owned(),
            random,
            credential: made["id"].as_str().expect("an id").to_owned(),
            sequence: 0,
            batch: 0,
            pending: None,
            counted: 0,
        }
    }

    /// Reports until the registry is gone.
    pub(crate) async fn until_killed(mut self) -> Result<Self, String> {
        while self.report().await? {}
        Ok(self)
    }

    /// Whether the registry answered that it has the report.
    async fn report(&mut self) -> Result<bool, String> {
        self.sequence += 1;
        if self.pending.is_none() {
            self.batch += 1;
        }
        let uses = *self
            .pending
            .get_or_insert_with(|| 1 + self.random.below(1000));
        let Ok(answer) = self.call(uses).try_send().await else {
            return Ok(false);
        };
        match answer.status {
            204 => {
                self.pending = None;
                self.counted += uses;
                Ok(true)
            }
            500.. => Ok(false),
            _ => Err(format!("a report was answered {answer:?}")),
        }
    }

    fn call(&self, uses: usize) -> Call {
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("a time after 1970");
        let entries = json!([
            self.credential,
            1,
            0,
            uses,
            now.as_millis(),
            now.as_millis()
        ]);
        let body = json!({
            "gateway": "reporter", "instance": "00112233445566778899aabbccddeeff", "sequence": self.sequence,
            "epoch": "0".repeat(32), "revision": 0, "complete": true, "workers": 1, "max_staleness_seconds": 60,
            "usage": [{"lane": 0, "sequence": self.batch, "lost": 0, "uses": [entries]}],
        });
        let call = self.client.call("POST", "/v1/gateway/report");
        call.bearer(&self.token).json(&body)
    }

    /// Says again what was not answered; after that, the registry has counted each use once.
    pub(crate) async fn check(&mut self, admin: &Admin) -> Result<(), String> {
        if self.pending.is_some() && !self.report().await? {
            return Err("a report is not answered".to_owned());
        }
        let path = format!("/v1/credentials/{}", self.credential);
        let shown = admin.get(&path).await;
        let allowed = &shown["usage"]["allowed"];
        if allowed.as_u64() != u64::try_from(self.counted).ok() {
            return Err(format!("{allowed} uses are counted, not {}", self.counted));
        }
        Ok(())
    }
}
