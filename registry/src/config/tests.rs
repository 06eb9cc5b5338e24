use std::{ffi::OsString, fs, path::PathBuf};

use super::{Config, ConfigError, OPTIONS};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = Folder::new();
    let path = folder.file("keysmith.toml", file);
    let environment = environment
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Config::load(Some(&path), environment)
}

#[track_caller]
fn refuses(file: &str, environment: &[(&str, &str)], message: &str) {
    let error = load(file, environment).unwrap_err().to_string();
    assert!(
        error.contains(message),
        "{error}\ndoes not contain\n{message}"
    );
}

#[test]
fn nothing_needs_to_be_configured() {
    let config = Config::load(None, []).unwrap();
    assert_eq!(config.listeners.api.to_string(), "127.0.0.1:8080");
    assert_eq!(config.listeners.operations.to_string(), "127.0.0.1:8081");
    assert_eq!(config.policy.brand, "ks");
    assert!(config.secrets.master_key.is_none());
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = load(
        "listen = '127.0.0.1:1'",
        &[("KEYSMITH_LISTEN", "127.0.0.1:2")],
    )
    .unwrap();
    assert_eq!(config.listeners.api.port(), 2);
}

#[test]
fn a_secret_of_the_environment_hides_both_forms_of_the_file() {
    let config = load(
        "admin_token_file = '/nowhere'",
        &[("KEYSMITH_ADMIN_TOKEN", "a")],
    )
    .unwrap();
    assert_eq!(config.secrets.admin_token.unwrap().expose(), "a");
}

#[test]
fn a_secret_file_loses_its_line_end() {
    let folder = Folder::new();
    let path = folder.file("token", "secret\n");
    let config = load(
        "",
        &[("KEYSMITH_GATEWAY_TOKEN_FILE", path.to_str().unwrap())],
    )
    .unwrap();
    assert_eq!(config.secrets.gateway_token.unwrap().expose(), "secret");
}

#[test]
fn mistakes_name_the_key_as_it_was_written() {
    refuses("listem = 'x'", &[], "listem is not a setting");
    refuses(
        "",
        &[("KEYSMITH_LISTEM", "x")],
        "KEYSMITH_LISTEM is not a setting",
    );
    refuses("listen = 'x'", &[], "listen must be an address and port");
    refuses(
        "",
        &[("KEYSMITH_LISTEN", "x")],
        "KEYSMITH_LISTEN must be an address and port",
    );
    refuses(
        "max_connections = 0",
        &[],
        "max_connections must be a whole number from 1 to",
    );
    refuses(
        "max_connections = -1",
        &[],
        "max_connections must be a whole number from 1 to",
    );
    refuses(
        "log_format = 'xml'",
        &[],
        "log_format must be one of: text, json",
    );
    refuses(
        "log_level = 'registry=loud'",
        &[],
        "log_level is not a log filter",
    );
    refuses(
        "brand = 'Key_Smith'",
        &[],
        "brand must be 1 to 16 of a-z and 0-9",
    );
    refuses(
        "allow_plaintext = 'maybe'",
        &[],
        "allow_plaintext must be true or false",
    );
    for setting in ["api_key", "basic", "bearer_token", "token"] {
        let setting = format!("max_lifetime_{setting}_seconds");
        let message = format!("{setting} must be 0, or at least 60");
        refuses(&format!("{setting} = 59"), &[], &message);
    }
    refuses("[listen]\na = 1", &[], "listen must be a text");
    refuses("tls_key_file = 'k'", &[], "tls_certificate_file is missing");
    refuses(
        "master_key_file = '/nowhere'",
        &[],
        "master_key_file names /nowhere",
    );
    refuses(
        "master_key = 'a'\nmaster_key_file = 'b'",
        &[],
        "master_key and master_key_file",
    );
    refuses(
        "listen = '127.0.0.1:1'\noperations_listen = '127.0.0.1:1'",
        &[],
        "operations_listen must differ",
    );
}

#[test]
fn every_mistake_is_reported_at_once() {
    let error = load("listen = 'x'\nbrand = 'X'", &[("KEYSMITH_FOO", "1")]).unwrap_err();
    let ConfigError::Mistakes(mistakes) = error else {
        panic!("{error}");
    };
    assert_eq!(mistakes.len(), 3);
}

#[test]
fn plaintext_beyond_loopback_must_be_allowed_in_words() {
    refuses(
        "listen = '0.0.0.0:8080'",
        &[],
        "listen is not a loopback address and there is no TLS",
    );
    assert!(load("listen = '0.0.0.0:8080'\nallow_plaintext = true", &[]).is_ok());
    assert!(load("listen = '[::1]:8080'", &[]).is_ok());
    let tls = "listen = '0.0.0.0:8080'\ntls_certificate_file = 'c'\ntls_key_file = 'k'";
    assert!(load(tls, &[]).is_ok());
}

#[test]
fn what_is_not_toml_is_reported_without_its_text() {
    refuses("\nmaster_key = hunter2", &[], "line 2");
    let error = load("\nmaster_key = hunter2", &[]).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn service_links_of_kubernetes_are_not_settings() {
    let links = [
        ("KEYSMITH_SERVICE_HOST", "10.0.0.1"),
        ("KEYSMITH_PORT", "tcp://10.0.0.1:8080"),
        ("KEYSMITH_PORT_8080_TCP_ADDR", "10.0.0.1"),
    ];
    assert!(load("", &links).is_ok());
    let neighbour = [
        ("KEYSMITH_REGISTRY_SERVICE_HOST", "10.0.0.1"),
        ("KEYSMITH_REGISTRY_SERVICE_PORT", "8080"),
        ("KEYSMITH_REGISTRY_SERVICE_PORT_HTTPS", "8443"),
        ("KEYSMITH_REGISTRY_PORT", "tcp://10.0.0.1:8080"),
        ("KEYSMITH_REGISTRY_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("KEYSMITH_REGISTRY_PORT_8080_TCP_PROTO", "tcp"),
        ("KEYSMITH_REGISTRY_PORT_53_UDP_ADDR", "10.0.0.1"),
    ];
    for link in neighbour {
        assert!(load("", &[link]).is_ok(), "{link:?}");
    }
    for name in [
        "KEYSMITH_SERVICE_NAME",
        "KEYSMITH_PORT_TCP",
        "KEYSMITH_PORT_X_TCP",
        "KEYSMITH_REPORT",
    ] {
        refuses("", &[(name, "x")], &format!("{name} is not a setting"));
    }
    refuses("registry_port = 1", &[], "registry_port is not a setting");
}

#[test]
fn secrets_do_not_show() {
    let config = load("admin_token = 'hunter2'", &[]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn the_reference_and_the_reader_agree() {
    for option in OPTIONS {
        let name = format!("KEYSMITH_{}", option.key.to_ascii_uppercase());
        let result = load("", &[(&name, "\u{1}")]);
        let text = result
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(!text.contains("is not a setting"), "{text}");
    }
}

#[test]
fn on_loopback_the_public_url_is_where_the_registry_listens() {
    let url = |file: &str| load(file, &[]).unwrap().public_url;
    let local = url("listen = '127.0.0.1:9000'");
    assert_eq!(local.as_deref(), Some("http://127.0.0.1:9000"));
    assert_eq!(url("listen = '127.0.0.1:0'"), None);
    let beyond = "listen = '0.0.0.0:8080'\nallow_plaintext = true";
    assert_eq!(url(beyond), None);
    let said = url("public_url = 'https://keys.example.com/v1'");
    assert_eq!(said.as_deref(), Some("https://keys.example.com/v1"));
}

#[test]
fn a_public_url_that_could_not_be_an_issuer_is_refused() {
    for url in [
        "keys.example.com",
        "http://keys.example.com",
        "https://keys.example.com/",
        "https://keys.example.com?a=b",
        "https://keys.example.com#a",
        "https://user:password@keys.example.com",
    ] {
        refuses(&format!("public_url = '{url}'"), &[], "public_url must be");
    }
}

#[test]
fn networks_that_are_not_public_are_named_one_by_one() {
    let config = load(
        "outgoing_allowed_networks = '10.0.0.0/8, fd00::/8'",
        &[("KEYSMITH_OUTGOING_CA_FILE", "ca.pem")],
    )
    .unwrap();
    let allowed = config.outgoing.allowed.iter().map(ToString::to_string);
    assert_eq!(allowed.collect::<Vec<_>>(), ["10.0.0.0/8", "fd00::/8"]);
    assert_eq!(config.outgoing.ca_file, Some(PathBuf::from("ca.pem")));
    refuses(
        "outgoing_allowed_networks = '10.0.0.0/8, office'",
        &[],
        "outgoing_allowed_networks must be networks",
    );
}
