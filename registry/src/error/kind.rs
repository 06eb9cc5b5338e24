//! What a request can name that is not there, or is at another version.

use std::fmt;

/// What things there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An application.
    Application,
    /// A credential.
    Credential,
    /// A client of the built-in authorization server.
    Client,
    /// A gateway.
    Gateway,
    /// A gateway group.
    GatewayGroup,
    /// An identity provider.
    IdentityProvider,
    /// An organization.
    Organization,
    /// A registration token.
    RegistrationToken,
    /// A token.
    Token,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Application => "application",
            Self::Credential => "credential",
            Self::Client => "client",
            Self::Gateway => "gateway",
            Self::GatewayGroup => "gateway group",
            Self::IdentityProvider => "identity provider",
            Self::Organization => "organization",
            Self::RegistrationToken => "registration token",
            Self::Token => "token",
        })
    }
}
