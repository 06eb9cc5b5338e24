//! `django-oauth-toolkit`, an independent implementation for Python.

use std::{fs, process::Command};

use tempfile::TempDir;

use crate::{options::Options, process::Server, tools};

/// A running provider, which ends with this value. Its access tokens are opaque.
///
/// Its quirks: endpoints end with a slash (`/register/`, `/register/{id}/`, `/token/`, `/introspect/`,
/// `/revoke_token/`; metadata at `/.well-known/oauth-authorization-server`); an answer to a registration has neither
/// `client_secret_expires_at` nor `scope`; reading a registration never shows the secret; an introspection says neither
/// `token_type` nor `iss` nor `aud`. Registering needs no token. Whoever introspects asks for the scope `introspection`
/// or is the [introspector](Options::introspector).
#[derive(Debug)]
pub struct DjangoToolkit {
    server: Server,
    issuer: String,
    options: Options,
    /// Goes with the server.
    _folder: TempDir,
}

impl DjangoToolkit {
    /// Starts one that knows nothing yet, and waits until it is ready.
    pub fn start(options: Options) -> Self {
        let folder = TempDir::new().expect("a folder");
        let program = include_str!("../django/provider.py");
        fs::write(folder.path().join("provider.py"), program).expect("the program");
        let mut command = Command::new(tools::python());
        command.args(["provider.py", &written(&options)]);
        command.env("PYTHONPATH", tools::python_modules());
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        let (server, issuer) = Server::start(command, folder.path());
        Self {
            server,
            issuer,
            options,
            _folder: folder,
        }
    }

    /// Its address, which is what its metadata call the issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What it was started with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// How many requests it got that begin like this, such as `POST /introspect/`.
    pub fn requests(&self, beginning: &str) -> usize {
        self.server.requests(beginning)
    }

    /// Takes it away.
    pub fn stop(&mut self) {
        self.server.stop();
    }
}

/// The options as the program reads them. What is in them has nothing to escape.
fn written(options: &Options) -> String {
    let (id, secret) = &options.introspector;
    let known = options
        .clients
        .iter()
        .map(|client| (&client.id, &client.secret));
    let clients = known.chain([(id, secret)]);
    let clients: Vec<String> = clients
        .map(|(id, secret)| format!(r#"{{"client_id":"{id}","client_secret":"{secret}"}}"#))
        .collect();
    format!(
        r#"{{"port":{},"token_lifetime":{},"scopes":{:?},"clients":[{}]}}"#,
        options.port,
        options.token_lifetime,
        options.scopes,
        clients.join(",")
    )
}
