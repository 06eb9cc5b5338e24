//! A gateway, without Envoy.

use std::io;

use filter_core::feed::{Body, MEDIA_TYPE, Page, Records};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::http::{get, take};
use crate::{report::Failed, seed::Running};

/// A gateway that polls over a connection of its own.
#[derive(Debug)]
pub(crate) struct Follower {
    stream: TcpStream,
    buffer: Vec<u8>,
    authorization: String,
    number: usize,
    /// Where it is; empty at the beginning.
    pub(crate) cursor: String,
}

impl Follower {
    pub(crate) async fn connect(registry: &Running, number: usize) -> io::Result<Self> {
        let stream = TcpStream::connect(registry.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            authorization: format!("Bearer {}", registry.gateway_token),
            number,
            cursor: String::new(),
        })
    }

    /// Asks for what comes next, waits so many seconds for it, and takes note of where that leads.
    pub(crate) async fn poll(&mut self, wait: u64) -> Result<Page, Failed> {
        let body = self.ask(wait).await?;
        let page = Page::decode(&body)?;
        self.cursor.clone_from(&page.next);
        Ok(page)
    }

    /// Polls until there is nothing more, and gives the cursor.
    pub(crate) async fn catch_up(&mut self) -> Result<String, Failed> {
        loop {
            let page = self.poll(0).await?;
            let is_empty =
                |body: &Body| matches!(body, Body::Changes(all) if all.changes.is_empty());
            if !page.more && is_empty(&page.body) {
                return Ok(page.next);
            }
        }
    }

    /// Loads the snapshot, and gives the number of its credentials.
    pub(crate) async fn load(&mut self) -> Result<usize, Failed> {
        let mut credentials = 0;
        loop {
            let page = self.poll(0).await?;
            match page.body {
                Body::Snapshot(part) => {
                    if let Records::Credentials(records) = part.records {
                        credentials += records.len();
                    }
                }
                Body::Changes(_) | Body::Key(_) => return Ok(credentials),
            }
        }
    }

    async fn ask(&mut self, wait: u64) -> Result<Vec<u8>, Failed> {
        let (number, cursor) = (self.number, &self.cursor);
        let mut path =
            format!("/v1/feed?wait={wait}&gateway=bench-{number}&instance={number:032x}");
        if !cursor.is_empty() {
            path.push_str("&after=");
            path.push_str(cursor);
        }
        let headers = [
            ("accept", MEDIA_TYPE),
            ("authorization", self.authorization.as_str()),
        ];
        self.stream.write_all(&get(&path, &headers)).await?;
        self.buffer.clear();
        loop {
            if let Some(answer) = take(&self.buffer)? {
                if answer.status == 200 {
                    return Ok(answer.body);
                }
                return Err(format!("the feed answered {}", answer.status).into());
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the registry closed the connection".into());
            }
        }
    }
}
