//! `oidc-provider`, a certified implementation for Node.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::{
    node,
    options::{Options, RESOURCES},
    process::Server,
};

const SCRIPT: node::NodeScript<'_> = &[
    ("provider.mjs", include_str!("../node/provider.mjs")),
    ("adapter.mjs", include_str!("../node/adapter.mjs")),
    ("interactions.mjs", include_str!("../node/interactions.mjs")),
];
const ID_TOKEN: node::NodeScript<'_> = &[("id-token.mjs", include_str!("../node/id-token.mjs"))];

/// A running provider, which ends with this value.
///
/// Endpoints: `/.well-known/openid-configuration`, `/.well-known/oauth-authorization-server`, `/reg`, `/reg/{id}`,
/// `/token`, `/token/introspection`, `/token/revocation`, `/jwks`. What a token is for (`resource`) chooses its form:
/// [`OidcProvider::resource`] of `orders` (JWT, ES256; also when nothing is asked for), `rs256`, `ps256`, `ed25519`,
/// `azp` (a JWT whose `azp` names another client) and `opaque`.
#[derive(Debug)]
pub struct OidcProvider {
    server: Server,
    issuer: String,
    options: Options,
    folder: TempDir,
}

impl OidcProvider {
    /// Starts one that knows nothing yet, and waits until it is ready.
    pub fn start(mut options: Options) -> Self {
        let folder = TempDir::new().expect("a folder");
        let (server, issuer) = boot(&options, folder.path());
        let port = issuer.rsplit(':').next().expect("a port");
        options.port = port.parse().expect("a port");
        Self {
            server,
            issuer,
            options,
            folder,
        }
    }

    /// What its tokens say in `iss`, and its address.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What it was started with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What a token must be asked for to have a form.
    pub fn resource(form: &str) -> String {
        format!("{RESOURCES}{form}")
    }

    /// How many requests it got that begin like this, such as `GET /jwks`.
    pub fn requests(&self, beginning: &str) -> usize {
        self.server.requests(beginning)
    }

    /// Takes it away. What it knows is kept.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Brings it back where it was, with what it knew.
    pub fn start_again(&mut self) {
        self.server.stop();
        self.server = boot(&self.options, self.folder.path()).0;
    }

    /// Brings it back with other keys, and with the clients that it had.
    pub fn change_keys(&mut self) {
        self.server.stop();
        fs::remove_file(self.folder.path().join("keys.json")).expect("its keys");
        self.start_again();
    }

    /// Signs somebody in by the code flow as this client (see [`crate::Client::of_people`]); the ID token.
    pub fn id_token(&self, client: &crate::Client) -> String {
        let question = format!(
            r#"{{"issuer":"{}","client_id":"{}","client_secret":"{}","redirect_uri":"{}"}}"#,
            self.issuer, client.id, client.secret, client.redirect_uris[0]
        );
        let ran = node::run_node(ID_TOKEN, &[&question]);
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        let told = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "nobody is signed in: {told}");
        let token = said.split(r#""id_token":""#).nth(1);
        let token = token.and_then(|rest| rest.split('"').next());
        token.expect("an ID token").to_owned()
    }
}

fn boot(options: &Options, folder: &Path) -> (Server, String) {
    let mut command = node::command(SCRIPT, folder);
    command.arg(written(options));
    Server::start(command, folder)
}

/// The options as the program reads them. What is in them has nothing to escape.
fn written(options: &Options) -> String {
    let (introspector, secret) = &options.introspector;
    let clients = options.clients.iter().map(|client| {
        format!(
            r#"{{"client_id":"{}","client_secret":"{}","grant_types":{:?},"response_types":{:?},"redirect_uris":{:?}}}"#,
            client.id,
            client.secret,
            client.grant_types,
            if client.redirect_uris.is_empty() { &[][..] } else { &["code"][..] },
            client.redirect_uris,
        )
    });
    let introspecting = format!(
        r#"{{"client_id":"{introspector}","client_secret":"{secret}","grant_types":[],"response_types":[],"redirect_uris":[]}}"#
    );
    let clients: Vec<String> = clients.chain([introspecting]).collect();
    format!(
        r#"{{"port":{},"initial_access_token":"{}","rotates_registration_access_tokens":{},"token_lifetime":{},"scopes":{:?},"resources":"{RESOURCES}","introspector":"{introspector}","clients":[{}]}}"#,
        options.port,
        options.initial_access_token,
        options.rotates_registration_access_tokens,
        options.token_lifetime,
        options.scopes,
        clients.join(",")
    )
}
