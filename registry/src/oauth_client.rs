//! OAuth clients: registrations at identity providers, by which gateways know whose an access token is.

pub mod metadata;
mod redirect;

use crate::{
    clock::Timestamp,
    ids::{CredentialId, ProviderId, SecretId},
};

mod builtin;
mod create;
mod cut_off;
pub(crate) mod intent;
mod link;
mod proofs;
mod register;
mod release;
mod rotate;
mod sealed;
mod update;

#[cfg(test)]
mod tests;

pub(crate) use builtin::{finish, register_in};
pub(crate) use release::{end, release, release_application};
pub(crate) use rotate::rotate;
pub(crate) use sealed::{Management, Payload};
pub(crate) use update::{begin_reading, keep_management, send_again, settle as settle_update};

pub use create::{NewClient, Wanted, create};
pub use cut_off::revoke_tokens;
pub use proofs::Proofs;
pub use update::update;

/// A registration at a provider. To gateways it is one of its credential's secrets: the pair of issuer and client id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthClient {
    /// Which of the credential's secrets it is.
    pub secret: SecretId,
    /// The credential.
    pub credential: CredentialId,
    /// Where it is registered.
    pub provider: ProviderId,
    /// What its tokens say in `iss`.
    pub issuer: String,
    /// Its name there.
    pub client_id: String,
    /// Who looks after the registration.
    pub registration: Registration,
    /// As the provider says that it is registered (RFC 7591 section 2), in JSON without anything secret.
    pub metadata: String,
    /// What manages it at the provider (RFC 7592), sealed.
    pub sealed: Option<Vec<u8>>,
    /// When it was registered, or linked.
    pub created_at: Timestamp,
    /// When this was last written.
    pub updated_at: Timestamp,
    /// Since when another credential may have the client.
    pub ended_at: Option<Timestamp>,
}

/// Who looks after a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The registry has made it, and removes it.
    Managed,
    /// Somebody else: the registry only knows of it.
    External,
}
