//! The built-in authorization server: it gives access tokens to clients that are credentials of this registry.
//!
//! It is an identity provider like others, except that registering a client is a part of the transaction that makes the
//! credential. Its clients are found by their client id, its access tokens are JWTs that gateways verify by themselves, or
//! values that they look up.

pub mod access_token;
mod assertion;
pub mod authenticate;
pub mod client;
pub mod desk;
pub mod error;
pub mod inspect;
mod opaque;
pub mod resources;
pub mod signing;
pub mod token;
pub mod upkeep;

pub(crate) use opaque::{revoke_all, revoke_everything};

pub use opaque::OpaqueToken;

use crate::{
    clock::Timestamp,
    ids::{CredentialId, SigningKeyId},
    oauth_client::metadata::ClientMetadata,
};

/// A client of the built-in authorization server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationClient {
    /// Its name.
    pub client_id: String,
    /// The credential that it is.
    pub credential: CredentialId,
    /// What its access tokens are like.
    pub format: TokenFormat,
    /// As it is registered.
    pub metadata: ClientMetadata,
    /// Of the token that manages it by `/oauth2/register/{client_id}`; `None` where only the registry's API does.
    pub registration_digest: Option<[u8; 32]>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When that was last changed.
    pub updated_at: Timestamp,
}

/// What access tokens are like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenFormat {
    /// A JWT (RFC 9068), which gateways verify by themselves.
    #[default]
    Jwt,
    /// A value that says nothing, and that gateways look up.
    Opaque,
}

/// A key that access tokens are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Its id, which is its `kid` as well.
    pub id: SigningKeyId,
    /// In JWK (RFC 7517), without its private part.
    pub public_key: String,
    /// In PKCS#8, sealed.
    pub sealed: Vec<u8>,
    /// When it was made, and published.
    pub created_at: Timestamp,
    /// From when on tokens are signed with it: not before everybody could have heard of it.
    pub current_from: Timestamp,
    /// From when on another is used; `None` while that is not known.
    pub retired_from: Option<Timestamp>,
}

#[cfg(test)]
mod tests;
