//! The report for programs.

use serde_json::{Value, json};

use super::{Figure, Verdict, machine::Facts};

/// The whole report.
pub fn document(figures: &[Figure], facts: &Facts) -> Value {
    let facts = facts
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)));
    json!({
        "run": Value::Object(facts.collect()),
        "figures": figures.iter().map(figure).collect::<Vec<_>>(),
    })
}

fn figure(figure: &Figure) -> Value {
    let target = figure.target.map(|target| {
        json!({"bound": target.bound.to_string(), "value": target.value, "row": target.source})
    });
    let verdict = match figure.verdict() {
        Verdict::Met => "met",
        Verdict::Missed => "missed",
        Verdict::NotDecidable => "not decidable",
        Verdict::Published => "published",
    };
    json!({
        "section": figure.section.title(),
        "what": figure.what,
        "unit": figure.unit,
        "value": figure.value.middle,
        "low": figure.value.low,
        "high": figure.value.high,
        "target": target,
        "verdict": verdict,
        "note": figure.note,
    })
}
