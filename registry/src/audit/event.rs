//! What is to be noted, before it is known by whom and when.

use serde_json::{Map, Value};

use super::{Action, Entry, Fields};
use crate::{
    application::Application,
    caller::Caller,
    clock::Timestamp,
    credential::Credential,
    ids::{ApplicationId, CredentialId},
};

/// One thing that is done.
#[derive(Clone, Debug)]
pub struct Event {
    action: Action,
    application: Option<ApplicationId>,
    credential: Option<CredentialId>,
    subject: String,
    detail: Map<String, Value>,
}

impl Event {
    /// Something done to what has neither an application nor a credential. `subject` names it.
    #[must_use]
    pub fn of(action: Action, subject: impl Into<String>) -> Self {
        Self {
            action,
            application: None,
            credential: None,
            subject: subject.into(),
            detail: Map::new(),
        }
    }

    /// Something done to an application.
    #[must_use]
    pub fn of_application(action: Action, application: &Application) -> Self {
        Self {
            application: Some(application.id),
            ..Self::of(action, application.name.clone())
        }
    }

    /// Something done to a credential.
    #[must_use]
    pub fn of_credential(action: Action, credential: &Credential) -> Self {
        Self {
            application: Some(credential.application),
            credential: Some(credential.id),
            ..Self::of(action, credential.name.clone())
        }
    }

    /// Something done to a secret whose credential is gone.
    #[must_use]
    pub fn of_former_credential(action: Action, id: CredentialId) -> Self {
        Self {
            credential: Some(id),
            ..Self::of(action, id.to_string())
        }
    }

    /// With one more fact. Never a secret, nor anything that is kept sealed.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }

    /// With everything that can be shown of something new.
    #[must_use]
    pub(crate) fn made(self, after: &dyn Fields) -> Self {
        self.with("after", Value::Object(after.fields()))
    }

    /// With the fields that differ, as they were and as they are.
    #[must_use]
    pub(crate) fn changed(self, before: &dyn Fields, after: &dyn Fields) -> Self {
        let (mut before, mut after) = (before.fields(), after.fields());
        before.retain(|name, value| {
            let same = after.get(name) == Some(value);
            if same {
                after.remove(name);
            }
            !same
        });
        self.with("before", Value::Object(before))
            .with("after", Value::Object(after))
    }

    pub(super) fn by(self, caller: Caller, at: Timestamp) -> Entry {
        Entry {
            organization: caller.organization,
            at,
            token: caller.token,
            address: caller
                .address
                .map(|address| address.to_canonical().to_string()),
            action: self.action.word().to_owned(),
            application: self.application,
            credential: self.credential,
            subject: self.subject,
            detail: self.detail,
        }
    }
}
