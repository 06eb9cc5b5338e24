//! What one writer knows of what it wrote: what must be there, and what must never work again.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::write::Write;

/// A living secret. The value is unknown when the answer with it was lost.
#[derive(Clone, Debug)]
pub(crate) struct Secret {
    pub(crate) value: Option<String>,
    pub(crate) retiring: bool,
}

impl Secret {
    fn current(value: Option<&str>) -> Self {
        Self {
            value: value.map(str::to_owned),
            retiring: false,
        }
    }
}

/// A living credential.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) enabled: bool,
    /// Deployed to the on-demand group.
    pub(crate) on_edge: bool,
    /// The current one first.
    pub(crate) secrets: Vec<Secret>,
}

impl Key {
    pub(crate) fn is_rotating(&self) -> bool {
        self.secrets.len() > 1
    }
}

/// Everything that one writer wrote. Nobody else touches it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) application: String,
    pub(crate) application_name: String,
    pub(crate) disabled: bool,
    pub(crate) keys: BTreeMap<String, Key>,
    /// Values that were revoked.
    pub(crate) dead: Vec<String>,
    /// Tokens for the registry, by id; the value unless its answer was lost.
    pub(crate) tokens: BTreeMap<String, Option<String>>,
    pub(crate) dead_tokens: Vec<String>,
}

/// What the registry says there is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    pub(crate) disabled: bool,
    /// As the API lists them.
    pub(crate) keys: Vec<Value>,
    /// Which of them are deployed to the on-demand group.
    pub(crate) on_edge: Vec<String>,
    /// Id and description of this writer's tokens.
    pub(crate) tokens: Vec<(String, String)>,
}

impl Truth {
    fn key_named(&self, name: &str) -> Option<&str> {
        let found = self.keys.iter().find(|key| key["name"] == name)?;
        found["id"].as_str()
    }
}

impl Model {
    /// The write was answered with this.
    pub(crate) fn answered(&mut self, write: &Write, answer: &Value) {
        let id = answer["id"].as_str().unwrap_or_default();
        let value = answer["secret"]["value"].as_str();
        match write {
            Write::Create { name } => self.create(id, name, value),
            Write::Rotate { id, grace } => self.rotate(id, value, *grace),
            Write::MakeToken { .. } => {
                let value = answer["token"].as_str().map(str::to_owned);
                self.tokens.insert(id.to_owned(), value);
            }
            Write::Import { lines } => {
                for (number, (name, value)) in lines.iter().enumerate() {
                    let id = answer[number]["credential"].as_str().expect("an id");
                    self.create(id, name, Some(value));
                }
            }
            other => self.done(other),
        }
    }

    /// The write was not answered, but is there: what its answer would have said is looked up. `None` when what is there
    /// cannot be what it made.
    pub(crate) fn found(&self, write: &Write, truth: &Truth) -> Option<Self> {
        let mut after = self.clone();
        match write {
            Write::Create { name } => after.create(truth.key_named(name)?, name, None),
            Write::Rotate { id, grace } => after.rotate(id, None, *grace),
            Write::MakeToken { name } => {
                let (id, _) = truth.tokens.iter().find(|(_, about)| about == name)?;
                after.tokens.insert(id.clone(), None);
            }
            // Each line is a write of its own: those that are there are the first ones.
            Write::Import { lines } => {
                for (name, value) in lines {
                    let Some(id) = truth.key_named(name) else {
                        break;
                    };
                    after.create(id, name, Some(value));
                }
            }
            other => after.done(other),
        }
        Some(after)
    }

    fn create(&mut self, id: &str, name: &str, value: Option<&str>) {
        let key = Key {
            name: name.to_owned(),
            enabled: true,
            on_edge: false,
            secrets: vec![Secret::current(value)],
        };
        self.keys.insert(id.to_owned(), key);
    }

    fn rotate(&mut self, id: &str, value: Option<&str>, grace: bool) {
        let key = self.keys.get_mut(id).expect("a key of this writer");
        let mut before = std::mem::replace(&mut key.secrets, vec![Secret::current(value)]);
        if grace {
            let mut retiring = before.remove(0);
            retiring.retiring = true;
            key.secrets.push(retiring);
        }
        self.bury(before);
    }

    /// A write whose answer tells nothing new.
    fn done(&mut self, write: &Write) {
        let mut dead = Vec::new();
        match write {
            Write::Finish { id } => dead = self.key(id).secrets.split_off(1),
            Write::Cancel { id } => {
                let key = self.key(id);
                dead = vec![key.secrets.remove(0)];
                key.secrets[0].retiring = false;
            }
            Write::Enable { id, enabled } => self.key(id).enabled = *enabled,
            Write::Delete { id } => {
                dead = self.keys.remove(id).expect("a key of this writer").secrets;
            }
            Write::Deploy { id, deployed } => self.key(id).on_edge = *deployed,
            Write::EnableApplication { enabled } => self.disabled = !enabled,
            Write::RevokeToken { id } => {
                let value = self.tokens.remove(id).expect("a token of this writer");
                self.dead_tokens.extend(value);
            }
            Write::Create { .. }
            | Write::Rotate { .. }
            | Write::MakeToken { .. }
            | Write::Import { .. } => unreachable!("its answer tells something"),
        }
        self.bury(dead);
    }

    fn key(&mut self, id: &str) -> &mut Key {
        self.keys.get_mut(id).expect("a key of this writer")
    }

    fn bury(&mut self, secrets: Vec<Secret>) {
        self.dead
            .extend(secrets.into_iter().filter_map(|secret| secret.value));
    }

    /// Holds it against what the registry says.
    ///
    /// # Errors
    /// The first difference.
    pub(crate) fn agrees(&self, truth: &Truth) -> Result<(), String> {
        differ("disabled", &self.disabled, &truth.disabled)?;
        let ids = |all: Vec<&str>| {
            let mut all: Vec<String> = all.into_iter().map(str::to_owned).collect();
            all.sort();
            all
        };
        let there = truth.keys.iter().filter_map(|key| key["id"].as_str());
        differ(
            "credentials",
            &ids(self.keys.keys().map(String::as_str).collect()),
            &ids(there.collect()),
        )?;
        let there = truth.tokens.iter().map(|(id, _)| id.as_str());
        differ(
            "tokens",
            &ids(self.tokens.keys().map(String::as_str).collect()),
            &ids(there.collect()),
        )?;
        for shown in &truth.keys {
            let id = shown["id"].as_str().unwrap_or_default();
            let key = &self.keys[id];
            key.agrees(shown, truth.on_edge.iter().any(|one| one == id))
                .map_err(|difference| format!("credential {id}: {difference}"))?;
        }
        Ok(())
    }
}

impl Key {
    fn agrees(&self, shown: &Value, on_edge: bool) -> Result<(), String> {
        differ("name", &Some(self.name.as_str()), &shown["name"].as_str())?;
        differ("enabled", &Some(self.enabled), &shown["enabled"].as_bool())?;
        differ("deployed", &self.on_edge, &on_edge)?;
        let secrets = shown["secrets"].as_array().map_or(&[][..], Vec::as_slice);
        differ("number of secrets", &self.secrets.len(), &secrets.len())?;
        for (known, shown) in self.secrets.iter().zip(secrets) {
            differ("retiring", &known.retiring, &(shown["state"] == "retiring"))?;
            let Some(value) = &known.value else { continue };
            let generated = value.starts_with("ks_");
            differ("generated", &generated, &(shown["origin"] == "generated"))?;
            if generated {
                let last_four = shown["last_four"].as_str().unwrap_or_default();
                differ("last four", &true, &value.ends_with(last_four))?;
            }
        }
        Ok(())
    }
}

fn differ<T: PartialEq + std::fmt::Debug>(what: &str, known: &T, shown: &T) -> Result<(), String> {
    if known == shown {
        return Ok(());
    }
    Err(format!("{what}: expected {known:?}, found {shown:?}"))
}
