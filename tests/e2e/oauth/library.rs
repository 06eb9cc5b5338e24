//! Client libraries that others wrote, against the registry's own authorization server and a gateway.

use peers::{NodeScript, run_node};
use serde_json::json;

use super::{
    builtin::{self, resource},
    scene::{SCOPE, blocking},
};

const SCRIPT: NodeScript<'_> = &[("library.mjs", include_str!("../../peers/node/library.mjs"))];

/// What the script says that it has done.
const STEPS: [&str; 6] = [
    "found the authorization server",
    "registered",
    "got a token",
    "called the API",
    "revoked it, and was refused",
    "left",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_the_shelf_finds_registers_calls_revokes_and_is_refused() {
    let scene = builtin::Scene::with_rules(|issuer, gateway| {
        json!([{
            "bearer": {"accept": ["jwt"], "issuers": [issuer], "resource": resource(gateway)},
            "required_scopes": [SCOPE],
        }])
    })
    .await;
    for method in [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
    ] {
        let body = json!({"application": scene.application});
        let token = scene.admin.post("/v1/registration-tokens", body).await;
        let token = token.expect(201).json()["token"].clone();
        let question = json!({
            "resource": resource(scene.gateway), "scope": SCOPE, "other_scope": "orders:write",
            "registration_token": token, "method": method,
        });
        let ran = blocking(move || run_node(SCRIPT, &[&question.to_string()])).await;
        let said = String::from_utf8_lossy(&ran.stdout);
        let told = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "after:\n{said}{told}");
        let expected = STEPS.map(|step| format!("{method}: {step}\n")).concat();
        assert_eq!(said, expected);
    }
}
