//! What the demo prints: commands to try, each under the result to expect.

use std::fmt::Write as _;

use super::{Options, credentials::Credentials};
use crate::registry::ADMIN_TOKEN;

/// The commands. A line `# <status>: <what>` stands before each `curl`; a test runs them in this order.
pub(super) fn text(options: &Options, credentials: &Credentials) -> String {
    let Credentials { key, basic, bearer } = credentials;
    let api = format!("http://{}", options.gateway);
    let registry = format!("http://{}/v1", options.registry);
    let token_file = options.folder.join("data").join(ADMIN_TOKEN);
    let admin = format!(
        "-H \"Authorization: Bearer $(cat '{}')\"",
        token_file.display()
    );
    let json = "-H 'Content-Type: application/json'";

    let mut text = String::new();
    let mut section = |title: &str, steps: &[(u16, &str, String)]| {
        let _ = writeln!(text, "{title}\n");
        for (status, what, command) in steps {
            let _ = writeln!(text, "# {status}: {what}\n{command}\n");
        }
    };
    section(
        "Call the API. The upstream answers with the request it received: see the X-Consumer-… headers.",
        &[
            (401, "no credential", format!("curl -i {api}/hello")),
            (
                401,
                "a wrong key",
                format!("curl -i -H 'apikey: wrong' {api}/hello"),
            ),
            (
                200,
                "no credential, on a public path",
                format!("curl -i {api}/public/hello"),
            ),
            (
                200,
                "the key in the header",
                format!("curl -i -H 'apikey: {}' {api}/hello", key.secret),
            ),
            (
                200,
                "the key in the query",
                format!("curl -i '{api}/hello?apikey={}'", key.secret),
            ),
            (
                200,
                "the key where its scope is asked for, and hidden from the upstream",
                format!("curl -i -H 'apikey: {}' {api}/reports/1", key.secret),
            ),
            (
                200,
                "user name and password",
                format!(
                    "curl -i -u '{}:{}' {api}/hello",
                    basic.username, basic.secret
                ),
            ),
            (
                200,
                "the bearer token",
                format!(
                    "curl -i -H 'Authorization: Bearer {}' {api}/hello",
                    bearer.secret
                ),
            ),
            (
                403,
                "the bearer token, which lacks the scope",
                format!(
                    "curl -i -H 'Authorization: Bearer {}' {api}/reports/1",
                    bearer.secret
                ),
            ),
        ],
    );
    section(
        "Rotate the key. The answer holds the new one; the old one stops working.",
        &[
            (
                200,
                "rotate",
                format!(
                    "curl -i -X POST {admin} {json} -d '{{}}' {registry}/credentials/{}/rotate",
                    key.id
                ),
            ),
            (
                401,
                "the old key",
                format!("curl -i -H 'apikey: {}' {api}/hello", key.secret),
            ),
        ],
    );
    section(
        "Delete the bearer token.",
        &[
            (
                204,
                "delete",
                format!(
                    "curl -i -X DELETE {admin} {registry}/credentials/{}",
                    bearer.id
                ),
            ),
            (
                401,
                "the deleted token",
                format!(
                    "curl -i -H 'Authorization: Bearer {}' {api}/hello",
                    bearer.secret
                ),
            ),
        ],
    );
    section(
        "See what is there.",
        &[
            (
                200,
                "the credentials",
                format!("curl -i {admin} {registry}/applications"),
            ),
            (
                200,
                "which gateway has applied which revision",
                format!("curl -i {admin} {registry}/gateways"),
            ),
        ],
    );
    text
}
