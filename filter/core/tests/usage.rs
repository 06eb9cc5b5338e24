//! What credentials are used for: counted by VMs, gathered in lanes, told to the registry.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

#[cfg(not(target_arch = "wasm32"))]
#[path = "usage/history.rs"]
mod history;
#[path = "usage/lanes.rs"]
mod lanes;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{
    gateway::{Report, encode},
    ids::ObjectId,
    usage::{MAX_COUNT, MAX_USES, UsageBatch, Use, UseOutcome},
};

fn used(outcome: UseOutcome) -> Use {
    Use {
        credential: ObjectId([1; 16]),
        version: 65_537,
        outcome,
        count: 12,
        first_ms: 1_795_336_714_000,
        last_ms: 1_795_336_719_000,
    }
}

fn read(json: &str) -> Result<UsageBatch, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

fn refuse(json: &str, expected: &str) {
    let message = read(json).err().unwrap_or_default();
    assert!(message.starts_with(expected), "{message:?} for {json}");
}

const ID: &str = "cred_01040g2081040g2081040g2081";

#[test]
fn a_report_tells_uses_in_short() {
    let usage = UseOutcome::ALL.map(|outcome| UsageBatch {
        lane: 15,
        sequence: 7,
        lost: 3,
        uses: vec![used(outcome)],
    });
    let mut report = Report {
        gateway: "edge-1",
        instance: "00",
        sequence: 1,
        epoch: "00",
        revision: 9,
        complete: true,
        workers: 2,
        max_staleness_seconds: Some(86_400),
        usage: &usage[..1],
    };
    let json = |report: &Report<'_>| String::from_utf8(encode(report)).unwrap_or_default();
    let beginning = r#"{"gateway":"edge-1","instance":"00","sequence":1,"epoch":"00","revision":9,"complete":true,"workers":2"#;
    assert_eq!(
        json(&report),
        format!(
            r#"{beginning},"max_staleness_seconds":86400,"usage":[{{"lane":15,"sequence":7,"lost":3,"uses":[["{ID}",65537,0,12,1795336714000,1795336719000]]}}]}}"#
        )
    );
    report.max_staleness_seconds = None;
    report.usage = &[];
    assert_eq!(
        json(&report),
        format!(r#"{beginning},"max_staleness_seconds":null}}"#)
    );
    for batch in usage {
        let json = serde_json::to_string(&batch).unwrap_or_default();
        assert_eq!(read(&json), Ok(batch));
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let batch =
        |rest: &str| format!(r#"{{"lane": 0, "sequence": 1, "lost": 0, "uses": [{rest}]}}"#);
    for (rest, expected) in [
        (
            r#"["app_x", 1, 0, 1, 1, 1]"#.to_owned(),
            "must begin with a credential's id",
        ),
        (
            format!(r#"["{ID}x", 1, 0, 1, 1, 1]"#),
            "must begin with a credential's id",
        ),
        (format!(r#"["{ID}", 1, 3, 1, 1, 1]"#), "outcome must be"),
        (format!(r#"["{ID}", 1, 0, 0, 1, 1]"#), "count must be"),
        (
            format!(r#"["{ID}", 1, 0, {}, 1, 1]"#, MAX_COUNT + 1),
            "count must be",
        ),
        (format!(r#"["{ID}", 1, 0, 1, 2, 1]"#), "first_ms must not"),
        (
            format!(r#"["{ID}", 1, 0, 1, 1, {}]"#, 1_u64 << 48),
            "first_ms must not",
        ),
        (format!(r#"["{ID}", -1, 0, 1, 1, 1]"#), "invalid value"),
        (format!(r#"["{ID}", 1, 0, 1, 1]"#), "invalid length"),
        (
            format!(r#"["{ID}", 1, 0, 1, 1, 1, 1]"#),
            "trailing characters",
        ),
    ] {
        refuse(&batch(&rest), expected);
    }
    let many = vec![format!(r#"["{ID}", 1, 0, 1, 1, 1]"#); MAX_USES + 1].join(", ");
    refuse(&batch(&many), "uses must be at most 1000");
    refuse(
        r#"{"lane": 16, "sequence": 1, "lost": 0, "uses": []}"#,
        "lane must be less than 16",
    );
    refuse(
        r#"{"lane": 1, "sequence": 1, "lost": 9007199254740992, "uses": []}"#,
        "lost must be",
    );
    refuse(
        r#"{"lane": 1, "sequence": 1, "lost": 0, "uses": [], "more": 1}"#,
        "unknown field",
    );
}
