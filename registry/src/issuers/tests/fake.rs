//! A provider that answers as a test wants it, and remembers what it was asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

/// Its answers by path, and the requests it got.
#[derive(Debug)]
pub(super) struct Fake {
    pub(super) address: String,
    answers: Mutex<BTreeMap<&'static str, String>>,
    requests: Mutex<Vec<String>>,
    /// Answers that may be given before more are allowed.
    allowed: Semaphore,
}

impl Fake {
    pub(super) async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Arc::new(Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            answers: Mutex::default(),
            requests: Mutex::default(),
            allowed: Semaphore::new(1000),
        });
        let serving = Arc::clone(&fake);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = Arc::clone(&serving);
                tokio::spawn(async move { fake.serve(stream).await });
            }
        });
        fake
    }

    async fn serve(&self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        while !is_whole(&bytes) {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let request = String::from_utf8_lossy(&bytes).into_owned();
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        self.requests.lock().unwrap().push(request);
        self.allowed.acquire().await.unwrap().forget();
        let answer = self.answers.lock().unwrap().get(path.as_str()).cloned();
        let answer =
            answer.unwrap_or_else(|| "HTTP/1.1 500 Down\r\ncontent-length: 0\r\n\r\n".to_owned());
        // Whoever asked may have gone.
        let _ = stream.write_all(answer.as_bytes()).await;
    }

    /// From now on the path answers this; headers each with its line end.
    pub(super) fn answers(&self, path: &'static str, headers: &str, body: &str) {
        let length = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {length}\r\n\r\n{body}");
        self.answers.lock().unwrap().insert(path, answer);
    }

    /// From now on the path fails.
    pub(super) fn fails(&self, path: &'static str) {
        self.answers.lock().unwrap().remove(path);
    }

    /// From now on nothing is answered before [`Fake::go_on`].
    pub(super) fn hold(&self) {
        self.allowed.forget_permits(usize::MAX);
    }

    pub(super) fn go_on(&self) {
        self.allowed.add_permits(1000);
    }

    /// What it was asked.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let head = head.to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1);
    let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
    body.len() >= length.unwrap_or(0)
}
