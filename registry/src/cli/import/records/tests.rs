//! Files come apart into records as their format says.

use super::*;

fn records(text: &str, format: Format) -> Vec<(u64, Result<String, &'static str>)> {
    let owner = (format == Format::Htpasswd).then(|| Owner {
        application: "billing".to_owned(),
        create: false,
    });
    let source = Box::new(io::Cursor::new(text.as_bytes().to_vec()));
    let mut records = Records::new(source, format, owner);
    let mut found = Vec::new();
    while let Some(record) = records.next().unwrap() {
        let text = record.text.map(|text| String::from_utf8(text).unwrap());
        found.push((record.line, text));
    }
    assert_eq!(records.taken, text.len() as u64);
    found
}

fn ok(line: u64, text: &str) -> (u64, Result<String, &'static str>) {
    (line, Ok(text.to_owned()))
}

#[test]
fn lines_are_records_and_empty_lines_are_none() {
    assert_eq!(
        records("{\"a\":1}\n\n  \r\n{\"a\":2}\r\n{\"a\":3}", Format::Ndjson),
        [ok(1, "{\"a\":1}"), ok(4, "{\"a\":2}"), ok(5, "{\"a\":3}")]
    );
    assert_eq!(records("", Format::Ndjson), []);
}

#[test]
fn a_quoted_field_may_go_over_lines() {
    assert_eq!(
        records(
            "name,description\na,\"one\ntwo \"\"x\"\"\"\nb,\"\n",
            Format::Csv
        ),
        [
            ok(1, "name,description"),
            ok(2, "a,\"one\ntwo \"\"x\"\"\""),
            ok(4, "b,\""),
        ]
    );
}

#[test]
fn users_of_htpasswd_become_credentials() {
    let found = records(
        "# old users\nbob:$2y$05$abc\n\nnobody\n:x\n",
        Format::Htpasswd,
    );
    let bob = r#"{"application":"billing","name":"bob","password_hash":"$2y$05$abc","type":"basic","username":"bob"}"#;
    let wrong = Err("not a user name, a colon and a hash");
    assert_eq!(found, [ok(2, bob), (4, wrong.clone()), (5, wrong)]);
}

#[test]
fn an_endless_line_takes_no_memory_and_does_not_stop_the_rest() {
    let text = format!("{}\n{{}}\n", "x".repeat(10 * LONGEST));
    assert_eq!(
        records(&text, Format::Ndjson),
        [(1, Err("the record is longer than 64 KiB")), ok(2, "{}")]
    );
}

#[test]
fn what_stands_in_an_endless_quoted_field_is_never_taken_for_records() {
    let endless = format!("a,\"{}\nb,1\n\"\nc,2\n", "x".repeat(LONGEST));
    let never_closed = format!("a,\"\n{}", "b,1\n".repeat(LONGEST));
    for text in [endless, never_closed] {
        let source = Box::new(io::Cursor::new(format!("name,value\n{text}").into_bytes()));
        let mut records = Records::new(source, Format::Csv, None);
        assert_eq!(records.heading().unwrap(), b"name,value");
        let stopped = records.next().unwrap_err().to_string();
        assert!(stopped.contains("the record in line 2"), "{stopped}");
    }
}

#[test]
fn the_name_of_a_file_tells_its_format() {
    for (name, format) in [
        ("keys.ndjson", Some(Format::Ndjson)),
        ("keys.JSONL", Some(Format::Ndjson)),
        ("a.b/keys.csv", Some(Format::Csv)),
        (".htpasswd", Some(Format::Htpasswd)),
        ("old.htpasswd", Some(Format::Htpasswd)),
        ("keys.txt", None),
        ("-", None),
    ] {
        assert_eq!(Format::of(name), format, "{name}");
    }
}
