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
    // JSON has no infinity: an end that is not known is null, and `interval` tells that from a value without one.
    let end = |end: Option<f64>| end.filter(|end| end.is_finite());
    json!({
        "section": figure.section.title(),
        "what": figure.what,
        "unit": figure.unit,
        "value": figure.value.middle,
        "interval": figure.value.low.is_some(),
        "low": end(figure.value.low),
        "high": end(figure.value.high),
        "target": target,
        "verdict": verdict,
        "note": figure.note,
    })
}
