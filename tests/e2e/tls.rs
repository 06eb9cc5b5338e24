//! The registry over TLS, its certificate and name checked by Envoy.

use std::fs;

use e2e::stack::{Foundation, READY, Stack};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::json;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const NAME: &str = "keysmith.example.com";

/// A registry with a certificate for [`NAME`], and an Envoy that expects `expected`.
async fn stack(expected: &str) -> Stack {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Without a name of its own it would be taken for the certificate that it signs.
    authority
        .distinguished_name
        .push(DnType::CommonName, "an authority");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key"));
    let authority = authority.expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(vec![NAME.to_owned()]).expect("parameters");
    let certificate = certificate
        .signed_by(&key, &authority)
        .expect("a certificate");
    let mut trusted = RootCertStore::empty();
    trusted.add(authority.der().clone()).expect("an authority");
    let client = ClientConfig::builder()
        .with_root_certificates(trusted)
        .with_no_client_auth();

    let files = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: String| {
        let path = files.path().join(name);
        fs::write(&path, text).expect("a file");
        path.to_str().expect("a path").to_owned()
    };
    let trusted = file("ca.pem", authority.pem());
    let certificate = file("certificate.pem", certificate.pem());
    let key = file("key.pem", key.serialize_pem());
    let foundation = Foundation::with(|settings| {
        settings
            .more
            .push(("TLS_CERTIFICATE_FILE".to_owned(), certificate));
        settings.more.push(("TLS_KEY_FILE".to_owned(), key));
        settings.tls = Some((NAME.to_owned(), client));
    })
    .await;

    // What envoy.yaml has in its comment.
    let socket = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "sni": expected,
            "common_tls_context": {"validation_context": {
                "trusted_ca": {"filename": trusted},
                "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": expected}}],
            }},
        },
    });
    let config = ["keysmith_feed", "keysmith_verify"]
        .into_iter()
        .fold(foundation.config(), |config, cluster| {
            config.with_cluster(cluster, |cluster| {
                cluster["transport_socket"] = socket.clone();
            })
        })
        .rules(json!([{"key_auth": {}, "basic_auth": {}}]));
    let stack = foundation.envoy(&config).await;
    drop(files);
    stack
}

#[tokio::test(flavor = "multi_thread")]
async fn feed_and_verification_go_over_tls() {
    let stack = stack(NAME).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let office = admin.application(json!({"name": "office"})).await;
    let key = admin
        .credential(&office, json!({"type": "api_key", "name": "k"}))
        .await;
    let password = "a chosen password";
    let body = json!({"type": "basic", "name": "ann", "username": "ann", "password": password});
    admin.credential(&office, body).await;
    client.get("/").key(&key.secret).until(200).await;
    client.get("/").basic("ann", password).until(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_is_not_trusted() {
    let stack = stack("other.example.com").await;
    let client = stack.client().await;
    e2e::eventually::eventually("Envoy has refused the certificate", || async {
        let refused = stack
            .envoy
            .stat("cluster.keysmith_feed.ssl.fail_verify_san")
            .await;
        if refused > Some(0) {
            Ok(())
        } else {
            Err(refused)
        }
    })
    .await;
    client
        .get(READY)
        .consistently(503)
        .await
        .expect("it cannot decide");
}
