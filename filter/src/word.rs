//! What the registry answers to questions for which requests wait.

use filter_core::{
    decide::{PasswordQuestion, Question, TokenQuestion},
    denial::Reason,
    gateway::{
        Verified,
        access_tokens::{IntrospectionAnswer, IssuerKeysAnswer, IssuerKeysQuestion, decode},
    },
    snapshot::Snapshot,
};

use crate::{abi, feed::answer::Answer};

/// Lets the VM remember the answer, of which there may be none; returns why nothing can be decided by it.
pub(crate) fn take(
    question: &Question,
    answer: Option<&Answer>,
    snapshot: &mut Snapshot,
    now_ms: u64,
) -> Option<Reason> {
    let word = match question {
        Question::Password(password) => about_password(password, answer, snapshot, now_ms),
        Question::IssuerKeys(keys) => {
            about_keys(keys, answer, snapshot);
            return None;
        }
        Question::Introspection(token) => about_token(token, answer, snapshot, now_ms),
    };
    match (word, answer.map(|answer| answer.status)) {
        (Some(()), _) => None,
        (None, Some(429)) => Some(question.overloaded()),
        (None, Some(503)) if matches!(question, Question::Password(_)) => {
            Some(question.overloaded())
        }
        (None, _) => Some(question.unanswered()),
    }
}

fn about_password(
    question: &PasswordQuestion,
    answer: Option<&Answer>,
    snapshot: &mut Snapshot,
    now_ms: u64,
) -> Option<()> {
    let verified = Verified::decode(success(answer)?)?;
    let answer = verified.answer(question, abi::wall_clock_ms())?;
    snapshot.verdicts.answer(&question.hash, &answer, now_ms);
    Some(())
}

/// What came of it the decision finds in the snapshot: the keys, or that there are none, or that nobody knows.
fn about_keys(question: &IssuerKeysQuestion, answer: Option<&Answer>, snapshot: &mut Snapshot) {
    let known: Option<IssuerKeysAnswer> = success(answer).and_then(decode);
    let is_nobody = answer.is_some_and(|answer| answer.status == 404);
    if known.is_some() || is_nobody {
        snapshot.take_issuer_keys(question, known);
    } else {
        snapshot.note_unanswered(question);
    }
}

fn about_token(
    question: &TokenQuestion,
    answer: Option<&Answer>,
    snapshot: &mut Snapshot,
    now_ms: u64,
) -> Option<()> {
    let answer: IntrospectionAnswer = decode(success(answer)?)?;
    snapshot.introspections.take(question.id, answer, now_ms);
    Some(())
}

fn success(answer: Option<&Answer>) -> Option<&[u8]> {
    let answer = answer.filter(|answer| answer.status == 200);
    answer.map(|answer| answer.body.as_slice())
}
