use filter_core::{
    decide::Decision,
    denial::Outcome,
    identity::{IdentityHeader, Value},
    request::{Request, pairs::Pairs},
};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::world::{World, basic, forwarded, registry::secret, serialize};

const RULES: [&str; 5] = [
    r#"{"key_auth": {"header": "apikey", "query": "apikey", "cookie": "apikey", "secret_header": "x-secret", "hide_credentials": true}, "basic_auth": {"hide_credentials": true}, "bearer": {"accept": ["bearer_token", "api_key"], "hide_credentials": true}}]"#,
    r#"{"paths": [{"prefix": "/a"}], "public": true}, {"hosts": ["*.a"], "methods": ["GET"], "key_auth": {}, "anonymous": "guest"}]"#,
    r#"{"paths": [{"prefix": "/a"}], "key_auth": {}}], "unmatched": "allow", "ambiguous_paths": "match_raw""#,
    r#"{"key_auth": {"cookie": "apikey"}, "anonymous": "guest", "cors_preflight": "pass"}], "ready_path": "/a""#,
    r#"{"public": true}]"#,
];

fn name() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        ":method",
        ":path",
        ":authority",
        "host",
        "origin",
        "content-type",
        "authorization",
        "cookie",
        "apikey",
        "APIKEY",
        "x-secret",
        "access-control-request-method",
        "x-consumer-username",
        "X_Consumer-Username",
        "x-credential-identifier",
        "x_consumer_custom_id",
        "x-authenticated.scope",
    ];
    prop_oneof![
        4 => select(known.map(|name| name.as_bytes().to_vec()).to_vec()),
        1 => vec(any::<u8>(), 0..24),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        secret("$key"),
        secret("$expired"),
        secret("$paired"),
        secret("$shared"),
        format!("Bearer {}", secret("$token")),
        format!("/a?apikey={}", secret("$key")),
        format!("apikey={}", secret("$own")),
        basic("ann:$password"),
        basic("bob:x"),
    ];
    let plain = [
        "GET",
        "OPTIONS",
        "CONNECT",
        "/a/../b",
        "/a;b/%2f",
        "b.a:80",
        "application/grpc",
        "admin",
        "*",
        "",
    ];
    let known = known
        .into_iter()
        .chain(plain.map(String::from))
        .map(String::into_bytes)
        .collect::<Vec<_>>();
    prop_oneof![
        3 => select(known),
        1 => vec(any::<u8>(), 0..40),
        1 => "[ -~]{0,40}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn header_pairs_of_any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(pairs) = Pairs::parse(&bytes) {
            let _ = Request::read(pairs);
        }
    }

    #[test]
    fn header_pairs_are_read_as_they_were_written(headers in vec((name(), value()), 0..12)) {
        let bytes = serialize(&headers);
        let pairs = Pairs::parse(&bytes).expect("well-formed");
        let read: Vec<_> = pairs.into_iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        prop_assert_eq!(read, headers);
    }

    #[test]
    fn cut_header_pairs_are_refused(headers in vec((name(), value()), 1..6), cut in 1_usize..20) {
        let bytes = serialize(&headers);
        let cut = bytes.len() - cut.min(bytes.len() - 1);
        prop_assert!(Pairs::parse(&bytes[..cut]).is_err());
    }

    #[test]
    fn any_headers_get_a_decision_that_spoofs_nothing(rules in select(&RULES[..]), headers in vec((name(), value()), 0..12)) {
        World::new(rules).decide(&serialize(&headers), |decision| {
            let Decision::Allow(allow) = decision else { return Ok(()) };
            for (name, value) in forwarded(&headers, &allow) {
                if let Some(header) = IdentityHeader::spelled(&name) {
                    let own = allow.identity.and_then(|identity| identity.value(header));
                    prop_assert_eq!(own.as_ref().map(Value::as_bytes), Some(&value[..]));
                    prop_assert_eq!(&name[..], header.name().as_bytes());
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn what_is_forwarded_without_its_credentials_holds_none(headers in vec((name(), value()), 0..8)) {
        let mut world = World::new(RULES[0]);
        let left = world.decide(&serialize(&headers), |decision| match decision {
            Decision::Allow(allow) => Some(forwarded(&headers, &allow)),
            _ => None,
        });
        if let Some(left) = left {
            let again = world.decide(&serialize(&left), |decision| match decision {
                Decision::Deny(denial) => Some(denial.outcome()),
                _ => None,
            });
            prop_assert_eq!(again, Some(Outcome::Missing));
        }
    }
}
