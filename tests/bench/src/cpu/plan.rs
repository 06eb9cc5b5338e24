//! What is compared with what, and the targets.

use crate::{
    cpu::{
        group::{Comparison, Group, Planned, Sent},
        slice::Generator,
    },
    report::Target,
    seed,
    variant::{Check, Variant},
};

const THOUSAND: usize = 1000;
/// The number of credentials at which everything is compared.
pub const COMPARED: usize = 100_000;
const MILLION: usize = 1_000_000;

const DIRECT: &str = "CPU per authenticated request, 100,000 credentials, direct response";
const PROXIED: &str = "the same with a proxied upstream";
const SIZES: &str = "the same at 1,000 and at 1,000,000 credentials";
const EXT_AUTHZ: &str = "ext_authz (HTTP) to a minimal check service";
const METHODS: &str = "basic auth (warm) and opaque bearer";
const JWTS: &str =
    "JWT bearer, warm: at most 1.4 × native jwt_authn with a cache, at 1, 1,000 and 10,000 tokens";
const REFUSALS: &str = "refusals: an attacker's traffic must be no dearer than a customer's";

/// Enough to keep Envoy's one worker busy without a queue in front of it.
const CONNECTIONS: Generator = Generator::Wrk(8);
/// The kernel spreads connections over workers by chance, so there are more.
const MANY_CONNECTIONS: Generator = Generator::Wrk(32);
const STREAMS: Generator = Generator::H2load(16);
/// Far below what any of them can do: a worker that sleeps between requests pays for waking up, too.
const STEADY: Generator = Generator::Fixed {
    rate: 2000,
    connections: 8,
};

const NONE: Variant = Variant::new(Check::None, COMPARED);
const NATIVE: Variant = Variant::new(Check::NativeKey, COMPARED);
/// Keysmith at [`COMPARED`].
pub const KEYSMITH: Variant = Variant::new(Check::Key, COMPARED);
/// The check that asks, at [`COMPARED`].
pub const ASKING: Variant = Variant::new(Check::ExtAuthz, COMPARED);

/// The variants that everything beyond the first group compares.
pub const TRIO: [Variant; 3] = [NONE, NATIVE, KEYSMITH];

/// Everything that is measured; a quick run leaves the million out.
pub fn groups(quick: bool) -> Vec<Group> {
    vec![
        direct(quick),
        methods(),
        tokens(),
        refusals(),
        trio(
            "proxied upstream",
            "/proxied/",
            CONNECTIONS,
            TRIO,
            Some(Target::at_most(1.2, PROXIED)),
        ),
        trio("HTTP/2", "/", STREAMS, TRIO, None),
        trio("2,000 requests/s", "/", STEADY, TRIO, None),
        trio(
            "2 workers",
            "/",
            MANY_CONNECTIONS,
            TRIO.map(with_two_workers),
            None,
        ),
    ]
}

fn with_two_workers(variant: Variant) -> Variant {
    Variant {
        workers: 2,
        ..variant
    }
}

fn direct(quick: bool) -> Group {
    let mut variants = vec![
        NONE,
        Variant::new(Check::Empty, COMPARED),
        Variant::new(Check::Probe, COMPARED),
        NATIVE,
        KEYSMITH,
        ASKING,
        Variant::new(Check::NativeKey, THOUSAND),
        Variant::new(Check::Key, THOUSAND),
    ];
    let mut comparisons = vec![
        ratio(
            "Keysmith / native, 100,000",
            4,
            3,
            Some(Target::at_most(1.5, DIRECT)),
        ),
        ratio(
            "Keysmith / probe, 100,000",
            4,
            2,
            Some(Target::at_most(1.15, DIRECT)),
        ),
        ratio("Keysmith / native, 1,000", 7, 6, None),
        ratio(
            "ext_authz / Keysmith, Envoy alone",
            5,
            4,
            Some(Target::at_least(2.0, EXT_AUTHZ)),
        ),
        Comparison {
            together: true,
            ..ratio(
                "ext_authz / Keysmith, with the checker",
                5,
                4,
                Some(Target::at_least(3.0, EXT_AUTHZ)),
            )
        },
    ];
    if quick {
        comparisons.push(ratio("Keysmith, 100,000 / 1,000", 4, 7, None));
    } else {
        variants.push(Variant::new(Check::NativeKey, MILLION));
        variants.push(Variant::new(Check::Key, MILLION));
        comparisons.push(ratio("Keysmith / native, 1,000,000", 9, 8, None));
        comparisons.push(ratio(
            "Keysmith, 1,000,000 / 1,000",
            9,
            7,
            Some(Target::at_most(1.1, SIZES)),
        ));
    }
    Group {
        name: "direct response",
        path: "/",
        generator: CONNECTIONS,
        lanes: variants.into_iter().map(Planned::of).collect(),
        comparisons,
    }
}

fn methods() -> Group {
    let tenth_more = |what, above| ratio(what, above, 0, Some(Target::at_most(1.1, METHODS)));
    let variants = [
        Variant::new(Check::Key, THOUSAND),
        Variant::new(Check::NativeBasic, seed::OTHERS),
        Variant::new(Check::Basic, seed::OTHERS),
        Variant::new(Check::ChosenBasic, seed::CHOSEN),
        Variant::new(Check::NativeJwt, THOUSAND),
        Variant::new(Check::Bearer, seed::OTHERS),
    ];
    Group {
        name: "methods",
        path: "/",
        generator: CONNECTIONS,
        lanes: variants.into_iter().map(Planned::of).collect(),
        comparisons: vec![
            tenth_more("Keysmith basic, generated / API key", 2),
            tenth_more("Keysmith basic, chosen and warm / API key", 3),
            tenth_more("Keysmith bearer / API key", 5),
            ratio("Keysmith basic, generated / native basic_auth", 2, 1, None),
            ratio("Keysmith bearer / native jwt_authn", 5, 4, None),
        ],
    }
}

fn tokens() -> Group {
    let counts = [1, THOUSAND, seed::JWTS];
    let pairs =
        counts.map(|count| [Check::NativeJwt, Check::Jwt].map(|check| Variant::new(check, count)));
    let compared = |what, above, below| ratio(what, above, below, Some(Target::at_most(1.4, JWTS)));
    Group {
        name: "tokens",
        path: "/",
        generator: CONNECTIONS,
        lanes: pairs.into_iter().flatten().map(Planned::of).collect(),
        comparisons: vec![
            compared("Keysmith JWT / native jwt_authn, 1 token", 1, 0),
            compared("Keysmith JWT / native jwt_authn, 1,000 tokens", 3, 2),
            compared("Keysmith JWT / native jwt_authn, 10,000 tokens", 5, 4),
        ],
    }
}

fn refusals() -> Group {
    let no_dearer = |what, above| ratio(what, above, 0, Some(Target::at_most(1.0, REFUSALS)));
    let lane = |name, sent| Planned {
        name: Some(name),
        variant: KEYSMITH,
        sent,
    };
    Group {
        name: "refusals",
        path: "/",
        generator: CONNECTIONS,
        lanes: vec![
            lane("admitted", Sent::Known),
            lane("unknown key", Sent::Unknown),
            lane("malformed key", Sent::Malformed),
            lane("no key", Sent::Nothing),
        ],
        comparisons: vec![
            no_dearer("unknown key / admitted", 1),
            no_dearer("malformed key / admitted", 2),
            no_dearer("no key / admitted", 3),
        ],
    }
}

fn trio(
    name: &'static str,
    path: &'static str,
    generator: Generator,
    variants: [Variant; 3],
    target: Option<Target>,
) -> Group {
    Group {
        name,
        path,
        generator,
        lanes: variants.into_iter().map(Planned::of).collect(),
        comparisons: vec![ratio("Keysmith / native, 100,000", 2, 1, target)],
    }
}

const fn ratio(
    what: &'static str,
    above: usize,
    below: usize,
    target: Option<Target>,
) -> Comparison {
    Comparison {
        what,
        above,
        below,
        together: false,
        target,
    }
}
