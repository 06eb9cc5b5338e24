//! Somebody who sends requests over kept connections, and holds every answer against what it should be.

use std::{sync::Arc, time::Duration};

use e2e::http::{Call, Client, Session, answer::Answer};
use tokio::time::timeout;

use crate::{
    faults::Span,
    judge::{Answered, Asked, Order, judge},
    pool::Key,
    tally::{Class, Violation},
    world::World,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A caller on one connection at a time.
#[derive(Debug)]
pub(crate) struct Caller<'a> {
    world: &'a World,
    client: Client,
    session: Option<Session>,
    order: Order,
}

impl<'a> Caller<'a> {
    /// Through the listener that this client calls.
    pub(crate) fn new(world: &'a World, client: &Client) -> Self {
        Self {
            world,
            client: client.clone(),
            session: None,
            order: Order::default(),
        }
    }

    /// Goes on over another connection, and so perhaps with another worker.
    pub(crate) fn reconnect(&mut self) {
        self.session = None;
    }

    /// Presents a key that the run knows. Gives the status; `None` when there was no answer.
    pub(crate) async fn ask(&mut self, class: Class, key: &Arc<Key>) -> Option<u16> {
        let call = self.client.get("/").key(&key.secret);
        let (answered, span) = self.send(call).await;
        if key.is_left_out() {
            self.world.tally().note_left_out();
            return answered.status;
        }
        let history = key.history();
        let asked = Asked::Key {
            key: key.number,
            owner: &key.owner,
            history: &history,
        };
        let faults = self.world.faults();
        let judged = judge(asked, &answered, span, &mut self.order, &faults);
        drop(faults);
        let request = format!(
            "key {} of {} ({class:?}; {})",
            key.number,
            key.owner,
            history.describe()
        );
        drop(history);
        self.note(class, judged, request, &answered, span);
        answered.status
    }

    /// Presents what nobody has, or nothing.
    pub(crate) async fn ask_as_stranger(&mut self, presented: Option<String>) {
        let mut call = self.client.get("/");
        if let Some(presented) = &presented {
            call = call.key(presented);
        }
        let (answered, span) = self.send(call).await;
        let faults = self.world.faults();
        let judged = judge(Asked::Stranger, &answered, span, &mut self.order, &faults);
        drop(faults);
        let request = presented.map_or_else(
            || "no key".to_owned(),
            |presented| format!("a key that nobody has: {presented}"),
        );
        self.note(Class::Stranger, judged, request, &answered, span);
    }

    fn note(
        &self,
        class: Class,
        judged: Result<crate::judge::Outcome, crate::judge::Wrong>,
        request: String,
        answered: &Answered,
        span: Span,
    ) {
        let mut tally = self.world.tally();
        match judged {
            Ok(outcome) => tally.note(class, outcome, &answered.details),
            Err(wrong) => {
                let faults = self.world.faults().describe(span);
                tally.violate(Violation {
                    span,
                    request,
                    expected: wrong.expected.to_owned(),
                    got: describe(answered),
                    faults,
                });
            }
        }
    }

    async fn send(&mut self, call: Call) -> (Answered, Span) {
        if self.session.as_ref().is_some_and(Session::is_closed) {
            self.session = None;
        }
        let from = self.world.now();
        let answer = timeout(PATIENCE, self.send_over(call)).await;
        let answer = answer.unwrap_or_else(|_| Err(format!("no answer in {PATIENCE:?}")));
        let until = self.world.now();
        let closes = match &answer {
            Ok(answer) => answer.header("connection") == "close",
            Err(_) => true,
        };
        if closes {
            self.session = None;
        }
        (read(answer), Span { from, until })
    }

    async fn send_over(&mut self, call: Call) -> Result<Answer, String> {
        if self.session.is_none() {
            // Perhaps another worker, which may be less far.
            self.order = Order::default();
            self.session = Some(self.client.try_connect().await?);
        }
        let session = self.session.as_mut().expect("just made");
        session.send(call).await
    }
}

fn read(answer: Result<Answer, String>) -> Answered {
    match answer {
        Ok(answer) => Answered {
            status: Some(answer.status),
            details: answer.header("x-details").to_owned(),
            has_retry_after: answer.headers.contains_key("retry-after"),
            consumer: if answer.status == 200 {
                let names = answer.echoed();
                names.all("x-consumer-username").join(", ")
            } else {
                String::new()
            },
            text: answer.text(),
        },
        Err(error) => Answered {
            text: error,
            ..Answered::default()
        },
    }
}

fn describe(answered: &Answered) -> String {
    let status = answered
        .status
        .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    if answered.status == Some(200) {
        format!("200 as {:?}", answered.consumer)
    } else {
        format!("{status} {} {}", answered.details, answered.text.trim_end())
    }
}
