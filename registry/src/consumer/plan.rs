//! What is to be done so that a credential has the secret that was sent. Decided before the transaction that does it,
//! because that may mean to hash a password, which is slow.

use std::{collections::BTreeMap, time::Duration};

use filter_core::digest::SecretHash;

use super::{Held, Method, Plugin, mask};
use crate::{
    application::Application,
    caller::Caller,
    credential::{
        self, Credential, CredentialPatch, Deployed, Draft, NewCredential, NewSecret,
        PreparedRotation, RotatedSecret, Rotation, SecretType,
    },
    deployment,
    edit::Edit,
    environment::Environment,
    error::{Error, InvalidField, Kind},
    gateway::{self, GatewayGroup},
    ids::{ApplicationId, SecretId},
    secret::{Material, Origin, Part, Secret},
    secret_policy::MAX_OWN_LENGTH,
    secrets::SecretText,
    store::WriteTransaction,
};

/// What people note about a credential.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) labels: BTreeMap<String, String>,
}

/// What is to be done.
pub(super) struct Plan {
    /// What it was decided by; everything else would be a guess.
    basis: Option<Basis>,
    step: Step,
}

#[derive(PartialEq, Eq)]
struct Basis {
    credential: Credential,
    secret: Option<SecretId>,
}

enum Step {
    /// It has the secret.
    Keep,
    /// It gets the secret, and the one before ends at once.
    Rotate(Box<PreparedRotation>),
    /// It is made; one of another type is deleted first.
    Create(Box<Draft>),
}

fn basis(found: Option<&(Held, Option<Secret>)>) -> Option<Basis> {
    found.map(|(held, secret)| Basis {
        credential: held.credential.clone(),
        secret: secret.as_ref().map(|secret| secret.id),
    })
}

impl Plan {
    /// Decides it for the credential that was found, if one was.
    pub(super) async fn of(
        env: &Environment,
        caller: Caller,
        found: Option<&(Held, Option<Secret>)>,
        (identifier, notes): (&str, &Notes),
        plugin: Plugin,
        group: Option<&GatewayGroup>,
    ) -> Result<Self, Error> {
        let same_type = found.filter(|(held, _)| held.method == plugin.method());
        let step = match same_type {
            Some((held, secret)) if is_kept(env, held, secret.as_ref(), &plugin).await? => {
                Step::Keep
            }
            Some((held, _)) => {
                let rotation = rotation(plugin);
                let prepared = PreparedRotation::of(env, &held.credential, rotation).await?;
                Step::Rotate(Box::new(prepared))
            }
            None => {
                refuse_masks(&plugin)?;
                let new = new(env, (identifier, notes), plugin, group)?;
                Step::Create(Box::new(Draft::of(env, caller.organization, new).await?))
            }
        };
        Ok(Self {
            basis: basis(found),
            step,
        })
    }

    /// Does it for the application's credential, which must be as it was when this was decided. Answers the credential.
    pub(super) async fn carry_out(
        self,
        env: &Environment,
        write: &mut dyn WriteTransaction,
        caller: Caller,
        application: &Application,
        found: Option<(Held, Option<Secret>)>,
        group: Option<&GatewayGroup>,
    ) -> Result<Credential, Error> {
        if basis(found.as_ref()) != self.basis {
            return Err(Error::VersionMismatch(Kind::Credential));
        }
        let before = found.map(|(held, _)| held.credential);
        let credential = match (self.step, before) {
            (Step::Create(draft), before) => {
                if let Some(other) = before {
                    let what = (application, &other);
                    credential::end(env, write, caller, what, Deployed::Delete).await?;
                }
                // Its draft says where it is deployed.
                let issued = draft.insert(env, write, caller, application).await?;
                return Ok(issued.detail.credential);
            }
            (Step::Rotate(prepared), Some(before)) => {
                let issued = prepared.carry_out(env, write, caller, before).await?;
                issued.detail.credential
            }
            (Step::Keep, Some(before)) => before,
            (_, None) => return Err(Error::VersionMismatch(Kind::Credential)),
        };
        if let Some(group) = group {
            // It may be gone since it was looked up.
            let group = gateway::find(write, group.id).await?;
            let what = (application, &credential, &group);
            deployment::say_of(env, write, caller, what, true).await?;
        }
        Ok(credential)
    }

    /// Whether the secret stays.
    pub(super) const fn keeps(&self) -> bool {
        matches!(self.step, Step::Keep)
    }

    /// Whether a credential is made.
    pub(super) const fn makes(&self) -> bool {
        matches!(self.step, Step::Create(_))
    }
}

/// Whether the credential has what was sent: by its own mask, or by its value.
async fn is_kept(
    env: &Environment,
    held: &Held,
    current: Option<&Secret>,
    plugin: &Plugin,
) -> Result<bool, Error> {
    match plugin {
        Plugin::KeyAuth { key } if mask::is_masked_key(key.expose()) => {
            own_mask("value", held, current, key)
        }
        Plugin::BasicAuth { username, password } if mask::is_masked_password(password.expose()) => {
            let same_user = held.credential.username.as_deref() == Some(username);
            if !same_user && own_mask("password", held, current, password)? {
                let message = "is masked, and a user name can only change together with the password: send the password";
                return Err(InvalidField::new("password", message).into());
            }
            own_mask("password", held, current, password)
        }
        _ => match current {
            Some(current) => has_value(env, current, plugin).await,
            None => Ok(false),
        },
    }
}

fn own_mask(
    field: &'static str,
    held: &Held,
    current: Option<&Secret>,
    sent: &SecretText,
) -> Result<bool, Error> {
    if current.is_some() && sent.expose() == held.mask {
        return Ok(true);
    }
    let message = "is masked, and not the mask of this credential's current secret: send the secret, or the mask that GET \
                   shows";
    Err(InvalidField::new(field, message).into())
}

/// There is nothing that a mask could stand for.
fn refuse_masks(plugin: &Plugin) -> Result<(), InvalidField> {
    let field = match plugin {
        Plugin::KeyAuth { key } if mask::is_masked_key(key.expose()) => "value",
        Plugin::BasicAuth { password, .. } if mask::is_masked_password(password.expose()) => {
            "password"
        }
        _ => return Ok(()),
    };
    let message = "is masked, and no such credential has a secret yet: send the secret itself";
    Err(InvalidField::new(field, message))
}

async fn has_value(env: &Environment, current: &Secret, plugin: &Plugin) -> Result<bool, Error> {
    let hash = match plugin {
        Plugin::KeyAuth { key } => SecretHash::of_value(key.expose().as_bytes()),
        Plugin::BasicAuth { username, .. } if current.username.as_ref() != Some(username) => {
            return Ok(false);
        }
        // Too long for any password: not worth the hashing.
        Plugin::BasicAuth { password, .. } if password.expose().len() > MAX_OWN_LENGTH => {
            return Ok(false);
        }
        Plugin::BasicAuth { password, .. } if current.origin == Origin::Chosen => {
            return match current.material(&env.keys)? {
                Material::Password(kept) => env.passwords.verify(password.clone(), kept.phc).await,
                Material::Value(_) => Ok(false),
            };
        }
        Plugin::BasicAuth { username, password } => {
            SecretHash::of_basic(username.as_bytes(), password.expose().as_bytes())
        }
    };
    Ok(env.keys.fingerprint(&hash) == current.fingerprint)
}

fn rotation(plugin: Plugin) -> Rotation {
    Rotation {
        part: Part::Value,
        grace: Duration::ZERO,
        end_after_silence: None,
        expires_at: Edit::Keep,
        secret: match plugin {
            Plugin::KeyAuth { key } => RotatedSecret::Own(key),
            Plugin::BasicAuth { username, password } => RotatedSecret::Chosen {
                username: Some(username),
                password,
            },
        },
    }
}

fn new(
    env: &Environment,
    (identifier, notes): (&str, &Notes),
    plugin: Plugin,
    group: Option<&GatewayGroup>,
) -> Result<NewCredential, Error> {
    Ok(NewCredential {
        // The application may not exist yet: the one that the credential is inserted for counts.
        application: ApplicationId::generate(env.now(), env.entropy.as_ref())?,
        name: notes.name.clone(),
        identifier: Some(identifier.to_owned()),
        description: notes.description.clone(),
        labels: notes.labels.clone(),
        enabled: true,
        not_before: None,
        expires_at: None,
        scopes: Vec::new(),
        gateway_groups: group.map(|group| vec![group.name.clone()]),
        rotate_every: None,
        secret_type: SecretType::Hashed,
        is_paired: false,
        secret: match plugin {
            Plugin::KeyAuth { key } => NewSecret::OwnApiKey(key),
            Plugin::BasicAuth { username, password } => {
                NewSecret::ChosenPassword { username, password }
            }
        },
    })
}

impl Notes {
    /// What a plugin of the consumer itself is called.
    pub(super) fn of_own(method: Method) -> Self {
        Self {
            name: method.own_identifier().to_owned(),
            ..Self::default()
        }
    }

    /// What has to change so that the credential has them.
    pub(super) fn patch(self) -> CredentialPatch {
        CredentialPatch {
            name: Some(self.name),
            description: Some(self.description),
            labels: Some(self.labels),
            ..CredentialPatch::default()
        }
    }

    /// Whether the credential has them.
    pub(super) fn are_of(&self, credential: &Credential) -> bool {
        credential.name == self.name
            && credential.description == self.description
            && *credential.labels.as_map() == self.labels
    }
}
