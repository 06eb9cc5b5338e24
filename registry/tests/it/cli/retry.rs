//! What the command line does when the registry is busy, or the connection to it breaks.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread::JoinHandle,
};

use super::Shell;

/// What comes of one request.
enum Step {
    /// This status and this body; whoever is refused may come back at once.
    Answer(u16, &'static str),
    /// The connection ends without an answer.
    Cut,
}

/// Answers one request after the other as it was told, then is gone.
struct Scripted {
    url: String,
    requests: JoinHandle<Vec<String>>,
}

impl Scripted {
    fn start(steps: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = std::thread::spawn(move || {
            let each = steps.into_iter();
            each.map(|step| serve(listener.accept().unwrap().0, &step))
                .collect()
        });
        Self { url, requests }
    }

    fn shell(&self) -> Shell {
        Shell::without_anything()
            .with("KEYSMITH_URL", &self.url)
            .with("KEYSMITH_TOKEN", "any")
    }

    /// The heads of the requests that came.
    fn requests(self) -> Vec<String> {
        self.requests.join().unwrap()
    }
}

fn serve(mut connection: TcpStream, step: &Step) -> String {
    let head = read(&mut connection);
    if let Step::Answer(status, body) = step {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nretry-after: 0\r\nconnection: close\r\n\r\n{body}"
        );
        connection.write_all(answer.as_bytes()).unwrap();
    }
    head
}

/// Reads a request, and answers its head.
fn read(connection: &mut TcpStream) -> String {
    let mut source = BufReader::new(connection);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(source.read_line(&mut head).unwrap(), 0);
    }
    let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
    source.read_exact(&mut vec![0; length]).unwrap();
    head
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields
        .filter(|(field, _)| *field == name)
        .map(|(_, value)| value)
        .next()
}

const ITEMS: &str = r#"{"items": [], "next_cursor": null}"#;

#[tokio::test]
async fn reading_is_tried_again_when_the_registry_is_busy_or_the_connection_breaks() {
    let registry = Scripted::start(vec![
        Step::Answer(503, ""),
        Step::Cut,
        Step::Answer(200, ITEMS),
    ]);
    registry.shell().does("apps list").await;
    assert_eq!(registry.requests().len(), 3);
}

#[tokio::test]
async fn what_makes_something_is_sent_again_under_the_same_key() {
    let registry = Scripted::start(vec![Step::Cut, Step::Answer(201, r#"{"name": "billing"}"#)]);
    registry.shell().does("apps create billing").await;
    let requests = registry.requests();
    let key = |index: usize| header(&requests[index], "idempotency-key");
    assert!(key(0).is_some(), "{requests:?}");
    assert_eq!(key(0), key(1));
}

#[tokio::test]
async fn a_change_of_which_nobody_knows_whether_it_was_made_is_not_made_twice() {
    let registry = Scripted::start(vec![Step::Cut]);
    let id = "app_01kag3p5k8e4trsn0ps4fwt5ea";
    let lost = registry
        .shell()
        .fails(6, &format!("apps disable {id}"))
        .await;
    assert!(lost.contains("was lost before the answer"), "{lost}");
    assert_eq!(registry.requests().len(), 1);
}

#[tokio::test]
async fn a_registry_that_stays_busy_is_overloaded() {
    let registry = Scripted::start((0..4).map(|_| Step::Answer(503, "")).collect());
    registry.shell().fails(6, "apps list").await;
    assert_eq!(registry.requests().len(), 4);
}

#[tokio::test]
async fn an_import_that_stops_counts_no_line_as_dealt_with_that_the_registry_did_not_take() {
    const FIRST: &str = concat!(
        r#"{"status": "created"}"#,
        "\n",
        r#"{"status": "failed", "problem": {"status": 503, "title": "Busy"}}"#,
        "\n"
    );
    let mut steps = vec![Step::Answer(200, FIRST)];
    steps.extend((0..4).map(|_| Step::Answer(503, "")));
    let registry = Scripted::start(steps);
    let shell = registry.shell();
    shell.file("keys.ndjson", "{}\n{}\n");
    let ran = shell.run("import keys.ndjson --resume mark").await;
    assert_eq!(ran.code, 6, "{ran:?}");
    assert_eq!(ran.out, "1 created, 0 unchanged, 0 failed\n");
    assert!(!shell.path("mark").exists());
    assert_eq!(registry.requests().len(), 5);
}
