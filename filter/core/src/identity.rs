//! Who a request is from, as the upstream is told.

use alloc::string::String;

use crate::{
    ids::{CREDENTIAL_PREFIX, TEXT_LENGTH},
    snapshot::{ApplicationView, CredentialView, Identifier},
    usage::{UseOutcome, Used},
};

/// A header that tells the upstream who a request is from. What clients send under these names never gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityHeader {
    /// `x-consumer-username`: the application's name.
    ConsumerUsername,
    /// `x-credential-identifier`: the credential's identifier.
    CredentialIdentifier,
    /// `x-consumer-custom-id`: the application's custom id.
    ConsumerCustomId,
    /// `x-authenticated-scope`: the credential's scopes.
    AuthenticatedScope,
}

impl IdentityHeader {
    /// Every one.
    pub const ALL: [Self; 4] = [
        Self::ConsumerUsername,
        Self::CredentialIdentifier,
        Self::ConsumerCustomId,
        Self::AuthenticatedScope,
    ];

    /// The length of the shortest name.
    pub(crate) const SHORTEST: usize = Self::ConsumerUsername.name().len();

    /// The name as it is set.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConsumerUsername => "x-consumer-username",
            Self::CredentialIdentifier => "x-credential-identifier",
            Self::ConsumerCustomId => "x-consumer-custom-id",
            Self::AuthenticatedScope => "x-authenticated-scope",
        }
    }

    /// Which of them an upstream could take `name` for: case does not matter, and many gateways between HTTP and a program
    /// (CGI, WSGI, Rack) turn whatever is not a letter or digit into `_`.
    #[must_use]
    pub fn spelled(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|header| {
            let known = header.name().as_bytes();
            known.len() == name.len()
                && known.iter().zip(name).all(|(known, sent)| match known {
                    b'-' => !sent.is_ascii_alphanumeric(),
                    letter => sent.eq_ignore_ascii_case(letter),
                })
        })
    }
}

/// Who a request is from. Every value is visible ASCII: the snapshot holds no other.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    application: ApplicationView<'a>,
    credential: Option<CredentialView<'a>>,
    /// Which of the credential's secrets was presented, where the record is not of one alone.
    secret_version: Option<u32>,
    /// The scopes of the token that stands for the credential, where one does: it is good for no others.
    token_scopes: Option<&'a [String]>,
}

impl<'a> Identity<'a> {
    /// The application that a credential proved itself for.
    pub(crate) const fn proven(
        application: ApplicationView<'a>,
        credential: CredentialView<'a>,
    ) -> Self {
        Self {
            application,
            credential: Some(credential),
            secret_version: None,
            token_scopes: None,
        }
    }

    /// The application that stands in for callers without one.
    pub(crate) const fn anonymous(application: ApplicationView<'a>) -> Self {
        Self {
            application,
            credential: None,
            secret_version: None,
            token_scopes: None,
        }
    }

    /// The same, proven by the secret with this version.
    pub(crate) const fn by_secret(self, version: u32) -> Self {
        Self {
            secret_version: Some(version),
            ..self
        }
    }

    /// The same, by a token that was issued for these scopes.
    pub(crate) const fn by_token(self, scopes: &'a [String]) -> Self {
        Self {
            token_scopes: Some(scopes),
            ..self
        }
    }

    /// The use of the credential that this request makes; `None` without one.
    pub(crate) fn used(&self, outcome: UseOutcome) -> Option<Used> {
        let credential = self.credential?;
        Some(Used {
            credential: credential.id(),
            version: self.secret_version.unwrap_or(credential.version()),
            outcome,
        })
    }

    /// The application.
    #[must_use]
    pub const fn application(&self) -> &ApplicationView<'a> {
        &self.application
    }

    /// Its credential's scopes; where a token stands for it, those of them that the token was issued for.
    pub fn scopes(&self) -> impl Iterator<Item = &'a str> {
        let own = self.credential.map_or("", |credential| credential.scopes());
        let of_token = self.token_scopes;
        own.split(' ').filter(move |scope| {
            let is_issued = |of_token: &[String]| of_token.iter().any(|issued| issued == scope);
            !scope.is_empty() && of_token.is_none_or(is_issued)
        })
    }

    /// Whether one of its scopes is this.
    pub(crate) fn has_scope(&self, wanted: &str) -> bool {
        self.scopes().any(|scope| scope == wanted)
    }

    fn scope_header(&self) -> Option<Value<'a>> {
        let own = self.credential.map_or("", |credential| credential.scopes());
        if self.token_scopes.is_none() {
            return Some(own).filter(|own| !own.is_empty()).map(Value::Text);
        }
        let mut joined = String::new();
        for scope in self.scopes() {
            if !joined.is_empty() {
                joined.push(' ');
            }
            joined.push_str(scope);
        }
        Some(joined)
            .filter(|joined| !joined.is_empty())
            .map(Value::Joined)
    }

    /// What the header must say; `None` when there is nothing to say, and the header must not be there.
    #[must_use]
    pub fn value(&self, header: IdentityHeader) -> Option<Value<'a>> {
        match header {
            IdentityHeader::ConsumerUsername => Some(Value::Text(self.application.name())),
            IdentityHeader::CredentialIdentifier => {
                self.credential
                    .map(|credential| match credential.identifier() {
                        Identifier::Chosen(text) => Value::Text(text),
                        Identifier::Generated(id) => Value::Id(prefixed(id.text())),
                    })
            }
            IdentityHeader::ConsumerCustomId => self.application.custom_id().map(Value::Text),
            IdentityHeader::AuthenticatedScope => self.scope_header(),
        }
    }
}

const ID_LENGTH: usize = CREDENTIAL_PREFIX.len() + TEXT_LENGTH;

/// An identity header's value; without a copy on the heap, but for the scopes of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// From the snapshot.
    Text(&'a str),
    /// Scopes that credential and token have in common.
    Joined(String),
    /// A credential's id with its prefix.
    Id([u8; ID_LENGTH]),
}

impl Value<'_> {
    /// The bytes, as they go upstream.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Joined(text) => text.as_bytes(),
            Self::Id(id) => id,
        }
    }
}

fn prefixed(text: [u8; TEXT_LENGTH]) -> [u8; ID_LENGTH] {
    let mut id = [b'0'; ID_LENGTH];
    for (place, byte) in id.iter_mut().zip(CREDENTIAL_PREFIX.bytes().chain(text)) {
        *place = byte;
    }
    id
}
