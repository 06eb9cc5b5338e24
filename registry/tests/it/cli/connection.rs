//! Where the command line connects, and as whom.

use super::Shell;
use crate::support::{Data, TestRegistry, admin_token};

#[tokio::test]
async fn the_token_comes_from_the_environment_or_a_file() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry).lacking("KEYSMITH_TOKEN");
    let missing = shell.fails(5, "apps list").await;
    assert!(missing.contains("KEYSMITH_TOKEN_FILE"), "{missing}");

    shell.file("token", admin_token() + "\n");
    shell.does("apps list --token-file token").await;
    let shell = shell.with("KEYSMITH_TOKEN_FILE", "token");
    shell.does("apps list").await;
    let both = shell.with("KEYSMITH_TOKEN", &admin_token());
    assert!(
        both.fails(2, "apps list")
            .await
            .contains("must not both be set")
    );

    let shell = Shell::at(&registry).lacking("KEYSMITH_TOKEN");
    shell.file("keysmith-data/admin-token", admin_token());
    shell.does("apps list").await;
    shell.file("keysmith-data/admin-token", "");
    shell.fails(2, "apps list").await;
}

#[tokio::test]
async fn a_token_that_a_registry_left_in_the_folder_goes_to_no_other_machine() {
    let shell = Shell::without_anything();
    shell.file("keysmith-data/admin-token", admin_token());
    for url in ["https://192.0.2.1", "http://192.0.2.1 --allow-plaintext"] {
        let missing = shell.fails(5, &format!("apps list --url {url}")).await;
        assert!(missing.contains("--token-file"), "{missing}");
    }
}

#[tokio::test]
async fn a_wrong_token_is_not_authorised() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry).with("KEYSMITH_TOKEN", "wrong");
    let refused = shell.fails(5, "apps list").await;
    assert!(refused.contains("A valid token is required"), "{refused}");
    let shell = shell.with("KEYSMITH_TOKEN", "in two words");
    shell.fails(2, "apps list").await;
}

#[tokio::test]
async fn nobody_at_the_address_is_unreachable() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    registry.stop().await;
    let refused = shell.fails(6, "apps list").await;
    assert!(
        refused.contains("cannot connect to 127.0.0.1:"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_token_does_not_cross_a_network_in_plain_text_unless_told_to() {
    let shell = Shell::without_anything().with("KEYSMITH_TOKEN", &admin_token());
    let refused = shell
        .fails(2, "apps list --url http://192.0.2.1:8080")
        .await;
    assert!(refused.contains("--allow-plaintext"), "{refused}");
    let registry = TestRegistry::start().await;
    // Another name of the loopback: of the name alone, nobody knows where it leads.
    let url = format!("http://{}", registry.address()).replace("127.0.0.1", "2130706433");
    let ran = shell.run(&format!("apps list --url {url}")).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    shell
        .does(&format!("apps list --allow-plaintext --url {url}"))
        .await;
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    let shell = Shell::without_anything().with("KEYSMITH_TOKEN", &admin_token());
    for url in [
        "127.0.0.1:8080",
        "ftp://127.0.0.1",
        "http://me:pw@127.0.0.1",
        "http://127.0.0.1?a=b",
        "http://",
    ] {
        let refused = shell.fails(2, &format!("apps list --url {url}")).await;
        assert!(
            refused.contains("https://keysmith.example.com:8443"),
            "{url}: {refused}"
        );
    }
}

#[tokio::test]
async fn a_registry_with_tls_is_reached_through_the_authority_that_signed_it() {
    let data = Data::new().await;
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = data.file("tls.pem", &key.cert.pem());
    let private = data.file("tls.key", &key.signing_key.serialize_pem());
    let registry = data
        .start(&[
            (
                "KEYSMITH_TLS_CERTIFICATE_FILE",
                certificate.to_str().unwrap(),
            ),
            ("KEYSMITH_TLS_KEY_FILE", private.to_str().unwrap()),
        ])
        .await;
    let shell = Shell::at(&registry);
    let url = format!("https://localhost:{}", registry.address().port());
    shell.file("ca.pem", key.cert.pem());
    shell.file("not-ca.pem", "nothing");
    shell
        .does(&format!("apps list --url {url} --ca-file ca.pem"))
        .await;
    let by_environment = Shell::at(&registry)
        .with("KEYSMITH_URL", &url)
        .with("KEYSMITH_CA_FILE", certificate.to_str().unwrap());
    by_environment.does("apps list").await;

    shell
        .fails(2, &format!("apps list --url {url} --ca-file not-ca.pem"))
        .await;
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    shell.file("other.pem", other.cert.pem());
    shell
        .fails(6, &format!("apps list --url {url} --ca-file other.pem"))
        .await;
    // The certificate names localhost, not the address.
    let url = url.replace("localhost", "127.0.0.1");
    shell
        .fails(6, &format!("apps list --url {url} --ca-file ca.pem"))
        .await;
}
