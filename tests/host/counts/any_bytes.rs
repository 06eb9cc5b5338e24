//! Any bytes in any header: a decision, never a trap, and the VM goes on.

use counting_host::{
    gateway::{Gateway, Outcome},
    pairs::{Pair, serialize},
    registry::Registry,
    secrets::api_key,
    vm::Stream,
};

use crate::callers::key;

const WORKER: usize = 1;
const CASES: u32 = 4000;

/// Rules that look at everything a request has.
const RULES: &str = r#"[
    {"paths": [{"prefix": "/public"}], "public": true},
    {"paths": [{"prefix": "/basic"}], "basic_auth": {"hide_credentials": true}},
    {"paths": [{"prefix": "/token"}], "bearer": {"accept": ["bearer_token", "api_key"]}},
    {"hosts": ["*.example.com"], "key_auth": {"query": "k", "cookie": "k", "hide_credentials": true}},
    {"key_auth": {"hide_credentials": true}, "basic_auth": {}, "bearer": {}, "anonymous": "application-1"}
]"#;

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).expect("64 bits") % sides
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.roll(choices.len())]
    }

    fn bytes(&mut self, longest: usize) -> Vec<u8> {
        let length = self.roll(longest + 1);
        (0..length)
            .map(|_| u8::try_from(self.roll(256)).expect("a byte"))
            .collect()
    }

    fn name(&mut self) -> Vec<u8> {
        const NAMES: [&str; 18] = [
            ":method",
            ":path",
            ":authority",
            ":scheme",
            "host",
            "apikey",
            "ApiKey",
            "api_key",
            "authorization",
            "cookie",
            "content-type",
            "origin",
            "access-control-request-method",
            "x-consumer-username",
            "X_Credential_Identifier",
            "x.consumer.custom.id",
            "",
            "accept",
        ];
        if self.roll(8) == 0 {
            return self.bytes(40);
        }
        self.pick(&NAMES).as_bytes().to_vec()
    }

    fn value(&mut self) -> Vec<u8> {
        const VALUES: [&str; 25] = [
            "",
            "GET",
            "OPTIONS",
            "CONNECT",
            "/",
            "*",
            "/public/../admin",
            "/basic/%2e%2e/x",
            "/token",
            "/%61%ZZ?k=1&k=2",
            "//a//b?k=ks_ak_x&",
            "/..%2f?k=%00",
            "api",
            "www.example.com:80",
            "Basic",
            "Basic !!!",
            "Basic dXNlcjpwYXNz",
            "Bearer",
            "bearer  x",
            "Bearer ks_bt_x",
            "k=1; k=2",
            "k=ks_ak_; ;;=",
            "application/grpc+proto",
            "ks_ak_",
            "\u{e9}\u{0}\r\n",
        ];
        match self.roll(8) {
            0 => self.bytes(300),
            1 => api_key(7).into_bytes(),
            2 => [self.pick(&VALUES).as_bytes(), &self.bytes(20)].concat(),
            _ => self.pick(&VALUES).as_bytes().to_vec(),
        }
    }

    fn headers(&mut self) -> Vec<Pair> {
        let count = self.roll(16);
        (0..count).map(|_| (self.name(), self.value())).collect()
    }
}

fn gateway() -> Gateway {
    Gateway::ready(Registry::with_api_keys(1000), 1, RULES)
}

/// A request goes on, is answered once, or waits for the registry; and the next one is served as ever.
fn check(gateway: &mut Gateway, case: &str, stream: Stream) -> Outcome {
    let outcome = gateway.send(WORKER, stream);
    let asks = outcome.decision().count("proxy_http_call");
    let ends = usize::from(outcome.passes) + outcome.stream.replies.len() + asks;
    assert_eq!(ends, 1, "{case}: {outcome:?}");
    gateway.vms[WORKER].end_stream(outcome.context);
    outcome
}

fn is_still_serving(gateway: &mut Gateway) {
    assert!(gateway.request(WORKER, key(&api_key(7))).passes);
}

fn stream(headers: Vec<Pair>) -> Stream {
    Stream {
        headers,
        ..Stream::default()
    }
}

fn pairs(headers: &[(&str, &[u8])]) -> Vec<Pair> {
    let owned = headers.iter();
    owned
        .map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()))
        .collect()
}

#[test]
fn random_headers_get_a_decision() {
    let mut gateway = gateway();
    let mut dice = Dice(0x5EED);
    for case in 0..CASES {
        let headers = dice.headers();
        check(&mut gateway, &format!("case {case}"), stream(headers));
    }
    is_still_serving(&mut gateway);
}

#[test]
fn requests_without_the_usual_headers_get_a_decision() {
    let mut gateway = gateway();
    let cases: [&[(&str, &[u8])]; 6] = [
        &[],
        &[(":method", b"GET"), (":authority", b"api")],
        &[(":method", b"CONNECT"), (":authority", b"api:443")],
        &[(":path", b"/")],
        &[("", b"")],
        &[(":method", b""), (":path", b""), (":authority", b"")],
    ];
    for headers in cases {
        let outcome = check(&mut gateway, "unusual", stream(pairs(headers)));
        assert!(!outcome.passes || !headers.is_empty(), "no headers at all");
    }
    is_still_serving(&mut gateway);
}

#[test]
fn a_hundred_kilobytes_of_headers_get_a_decision() {
    let mut gateway = gateway();
    let long = vec![b'a'; 100 * 1024];
    for name in [
        ":path",
        ":authority",
        "apikey",
        "authorization",
        "cookie",
        "x-any",
    ] {
        let headers = pairs(&[(":method", b"GET"), (":authority", b"api"), (name, &long)]);
        check(&mut gateway, name, stream(headers));
    }
    for (scheme, path) in [("Basic ", "/basic"), ("Bearer ", "/token")] {
        let value = [scheme.as_bytes(), &long].concat();
        let headers = [
            (":path", path.as_bytes()),
            ("authorization", value.as_slice()),
        ];
        check(&mut gateway, scheme, stream(pairs(&headers)));
    }
    let many: Vec<Pair> = (0..10_000)
        .map(|number| (format!("x-{number}").into_bytes(), b"y".to_vec()))
        .collect();
    check(&mut gateway, "many", stream(many));
    let cookies = "k=1; ".repeat(20_000);
    let headers = pairs(&[
        (":authority", b"a.example.com"),
        (":path", b"/"),
        ("cookie", cookies.as_bytes()),
    ]);
    check(&mut gateway, "cookies", stream(headers));
    is_still_serving(&mut gateway);
}

#[test]
fn pairs_that_are_none_are_refused() {
    let mut gateway = gateway();
    let mut dice = Dice(0xBAD);
    let sound = serialize(&key(&api_key(7)));
    for case in 0..CASES {
        let mut bytes = sound.clone();
        match dice.roll(3) {
            0 => bytes.truncate(dice.roll(sound.len())),
            1 => {
                // Somewhere in the count or the lengths.
                let at = dice.roll(68);
                bytes[at] ^= u8::try_from(1 + dice.roll(255)).expect("a byte");
            }
            _ => bytes = dice.bytes(200),
        }
        let unreadable = Stream {
            unreadable: Some(bytes),
            ..Stream::default()
        };
        check(&mut gateway, &format!("case {case}"), unreadable);
    }
    is_still_serving(&mut gateway);
}
