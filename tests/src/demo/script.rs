//! What the demo prints: commands to try, each under the result to expect.

use std::fmt::Write as _;

use super::{Options, credentials::Credentials};
use crate::registry::ADMIN_TOKEN;

/// A title, and what is tried under it.
pub(super) type Section = (&'static str, Vec<Step>);

/// Where the commands go.
#[derive(Debug)]
pub(super) struct Gate {
    /// The API behind Envoy.
    pub(super) api: String,
    /// The registry's API.
    pub(super) registry: String,
    /// The option that brings the admin's token.
    pub(super) admin: String,
}

impl Gate {
    pub(super) fn of(options: &Options) -> Self {
        let token_file = options.folder.join("data").join(ADMIN_TOKEN);
        Self {
            api: format!("http://{}", options.gateway),
            registry: format!("http://{}/v1", options.registry),
            admin: format!(
                "-H \"Authorization: Bearer $(cat '{}')\"",
                token_file.display()
            ),
        }
    }
}

/// The commands. A line `# <status>: <what>` stands before each `curl`; a test runs them in this order.
pub(super) fn text(sections: Vec<Section>) -> String {
    let mut text = String::new();
    for (title, steps) in sections {
        let _ = writeln!(text, "{title}\n");
        for Step(status, what, command) in steps {
            let _ = writeln!(text, "# {status}: {what}\ncurl -i {command}\n");
        }
    }
    text
}

/// What to try of the demo.
pub(super) fn sections(gate: &Gate, credentials: &Credentials) -> Vec<Section> {
    let script = Script { gate, credentials };
    vec![
        (
            "Call the API. The upstream answers with the request that it received: see the X-Consumer-… headers.",
            script.calls(),
        ),
        (
            "Rotate the key. The answer holds the new one; the old one stops working.",
            script.rotation(),
        ),
        ("Delete the bearer token.", script.deletion()),
        (
            "Get an access token as an OAuth client, from the registry's own authorization server, and call the API.",
            credentials.client.calls(gate),
        ),
        (
            "Delete the client. Its tokens stop working with it.",
            credentials.client.deletion(gate),
        ),
        ("See what is there.", script.looking()),
    ]
}

/// The expected status, what is tried, and the rest of the command.
pub(super) struct Step(pub(super) u16, pub(super) &'static str, pub(super) String);

struct Script<'a> {
    gate: &'a Gate,
    credentials: &'a Credentials,
}

impl Script<'_> {
    fn calls(&self) -> Vec<Step> {
        let Gate { api, .. } = self.gate;
        let (key, token) = (self.key(), self.token());
        let basic = &self.credentials.basic;
        let (username, password) = (&basic.username, &basic.secret);
        vec![
            Step(401, "no credential", format!("{api}/hello")),
            Step(
                401,
                "a wrong key",
                format!("-H 'apikey: wrong' {api}/hello"),
            ),
            Step(
                200,
                "no credential, on a public path",
                format!("{api}/public/hello"),
            ),
            Step(200, "the key in the header", format!("{key} {api}/hello")),
            Step(
                200,
                "the key in the query",
                format!("'{api}/hello?apikey={}'", self.credentials.key.secret),
            ),
            Step(
                200,
                "the key where its scope is asked for; hidden from the upstream",
                format!("{key} {api}/reports/1"),
            ),
            Step(
                200,
                "user name and password",
                format!("-u '{username}:{password}' {api}/hello"),
            ),
            Step(200, "the bearer token", format!("{token} {api}/hello")),
            Step(
                403,
                "the bearer token, which lacks the scope",
                format!("{token} {api}/reports/1"),
            ),
        ]
    }

    fn rotation(&self) -> Vec<Step> {
        let Gate {
            api,
            registry,
            admin,
        } = self.gate;
        let (key, id) = (self.key(), &self.credentials.key.id);
        vec![
            Step(
                200,
                "rotate",
                format!("-X POST {admin} {registry}/credentials/{id}/rotate"),
            ),
            Step(401, "the old key", format!("{key} {api}/hello")),
        ]
    }

    fn deletion(&self) -> Vec<Step> {
        let Gate {
            api,
            registry,
            admin,
        } = self.gate;
        let (token, id) = (self.token(), &self.credentials.bearer.id);
        vec![
            Step(
                204,
                "delete",
                format!("-X DELETE {admin} {registry}/credentials/{id}"),
            ),
            Step(401, "the deleted token", format!("{token} {api}/hello")),
        ]
    }

    fn looking(&self) -> Vec<Step> {
        let Gate {
            registry, admin, ..
        } = self.gate;
        let application = &self.credentials.application;
        vec![
            Step(
                200,
                "the credentials",
                format!("{admin} {registry}/applications/{application}/credentials"),
            ),
            Step(
                200,
                "which gateway has applied which revision",
                format!("{admin} {registry}/gateways"),
            ),
        ]
    }

    fn key(&self) -> String {
        format!("-H 'apikey: {}'", self.credentials.key.secret)
    }

    fn token(&self) -> String {
        format!(
            "-H 'Authorization: Bearer {}'",
            self.credentials.bearer.secret
        )
    }
}
