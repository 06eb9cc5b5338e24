//! What a provider is started with.

/// What tokens are for begins with this; the rest chooses their form (see [`crate::OidcProvider`]).
pub(crate) const RESOURCES: &str = "https://api.example.test/";

/// A client that the provider has from the start.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// What it may do at the token endpoint.
    pub grant_types: Vec<String>,
    /// Where codes are sent.
    pub redirect_uris: Vec<String>,
}

impl Client {
    /// One that may ask for tokens of its own.
    pub fn new(id: &str, secret: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            grant_types: vec!["client_credentials".to_owned()],
            redirect_uris: Vec::new(),
        }
    }

    /// One that signs people in by the code flow.
    pub fn of_people(id: &str, secret: &str, redirect_uri: &str) -> Self {
        Self {
            grant_types: vec!["authorization_code".to_owned()],
            redirect_uris: vec![redirect_uri.to_owned()],
            ..Self::new(id, secret)
        }
    }
}

/// What a provider is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its port; 0 for any. It keeps the one that it got over restarts.
    pub port: u16,
    /// What registering a client needs as a bearer token.
    pub initial_access_token: String,
    /// Whether each change of a client hands out another registration access token.
    pub rotates_registration_access_tokens: bool,
    /// Seconds for which its access tokens are good.
    pub token_lifetime: u32,
    /// The scopes that it knows.
    pub scopes: Vec<String>,
    /// Clients that it has without being registered.
    pub clients: Vec<Client>,
    /// The one that may ask about every token, with its secret.
    pub introspector: (String, String),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            initial_access_token: "an-initial-access-token".to_owned(),
            rotates_registration_access_tokens: true,
            token_lifetime: 600,
            scopes: vec!["orders:read".to_owned(), "orders:write".to_owned()],
            clients: Vec::new(),
            introspector: (
                "resource-server".to_owned(),
                "the-secret-of-the-resource-server".to_owned(),
            ),
        }
    }
}
