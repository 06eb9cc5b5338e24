//! What the metadata of a resource cost, and what they cost everybody else.

use counting_host::{
    entry::Tally,
    gateway::{Gateway, KEY_AUTH},
    registry::Registry,
    secrets::api_key,
};

use crate::callers::{key, with};

const WORKER: usize = 1;
const RULES: &str = r#"[{"paths": [{"prefix": "/tokens"}], "bearer": {"resource": "https://api/orders"}},
    {"key_auth": {"hide_credentials": true}}]"#;

fn gateway(rules: &str) -> Gateway {
    let mut gateway = Gateway::ready(Registry::with_api_keys(1000), 1, rules);
    gateway.request(WORKER, key(&api_key(7)));
    gateway
}

#[test]
fn a_document_costs_one_local_reply() {
    let mut gateway = gateway(RULES);
    let mut request = with(&[]);
    request[1].1 = b"/.well-known/oauth-protected-resource/orders".to_vec();
    let outcome = gateway.request(WORKER, request);
    assert_eq!(outcome.reply(), (200, "keysmith_resource_metadata"));
    assert_eq!(
        outcome.decision().tally(),
        Tally::from([
            ("proxy_get_header_map_pairs", 1),
            ("proxy_get_current_time_nanoseconds", 1),
            ("proxy_send_local_response", 1),
        ])
    );
}

/// Of a key under a second rule, whose path was looked at for the first one.
const INSTRUCTIONS_MORE: u64 = 4000;

#[test]
fn a_key_costs_hardly_more_where_a_resource_is_described() {
    let taken = |rules| {
        let mut gateway = gateway(rules);
        let outcome = gateway.request(WORKER, key(&api_key(7)));
        assert!(outcome.passes);
        outcome.decision().instructions
    };
    let (alone, beside) = (taken(KEY_AUTH), taken(RULES));
    assert!(beside <= alone + INSTRUCTIONS_MORE, "{alone} and {beside}");
}
