//! HTTP/1.1 with as little of its own as can be: what asks must not cost what is measured.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Longer than any answer takes, the wait of a poll included.
const TIMEOUT: Duration = Duration::from_mins(2);

/// A `GET`, as it goes over the wire.
pub(crate) fn get(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    request("GET", path, headers, "")
}

/// Any request, as it goes over the wire.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let host = [("host", "api.example.com")];
    let length = body.len().to_string();
    let content = [
        ("content-type", "application/json"),
        ("content-length", length.as_str()),
    ];
    let content = if body.is_empty() { &[] } else { &content[..] };
    let mut text = format!("{method} {path} HTTP/1.1\r\n");
    for (name, value) in host.iter().chain(headers).chain(content) {
        for part in [name, ": ", value, "\r\n"] {
            text.push_str(part);
        }
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Its body as JSON.
    pub(crate) fn json(&self) -> io::Result<serde_json::Value> {
        serde_json::from_slice(&self.body).map_err(io::Error::other)
    }
}

/// A connection that is kept, for one request at a time.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Sends a request, and gives the answer's status.
    pub(crate) fn status(&mut self, request: &[u8]) -> io::Result<u16> {
        Ok(self.send(request)?.status)
    }

    /// Sends a request, and reads the whole answer.
    pub(crate) fn send(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request)?;
        self.buffer.clear();
        let mut chunk = [0; 16 * 1024];
        loop {
            if let Some(answer) = take(&self.buffer)? {
                return Ok(answer);
            }
            match self.stream.read(&mut chunk)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => self.buffer.extend_from_slice(&chunk[..read]),
            }
        }
    }
}

/// The answer that has come, when it has come whole.
pub(crate) fn take(buffer: &[u8]) -> io::Result<Option<Answer>> {
    let Some(head) = buffer.windows(4).position(|end| end == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&buffer[..head]).map_err(io::Error::other)?;
    let status = text
        .get(9..12)
        .and_then(|digits| digits.parse().ok())
        .ok_or(io::ErrorKind::InvalidData)?;
    let headers = text.lines().filter_map(|line| line.split_once(':'));
    let mut framed = Framed::Length(0);
    for (name, value) in headers {
        if name.eq_ignore_ascii_case("content-length") {
            framed = Framed::Length(value.trim().parse().map_err(io::Error::other)?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            framed = Framed::Chunks;
        }
    }
    let begin = head + 4;
    let body = match framed {
        Framed::Length(length) => buffer.get(begin..begin + length).map(<[u8]>::to_vec),
        Framed::Chunks => unchunked(&buffer[begin..])?,
    };
    Ok(body.map(|body| Answer { status, body }))
}

enum Framed {
    Length(usize),
    Chunks,
}

/// The body out of its chunks, when the last one is there.
fn unchunked(mut rest: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let Some(line) = rest.windows(2).position(|end| end == b"\r\n") else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&rest[..line]).map_err(io::Error::other)?;
        let length = usize::from_str_radix(text.trim(), 16).map_err(io::Error::other)?;
        if rest.len() < line + 2 + length + 2 {
            return Ok(None);
        }
        if length == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(&rest[line + 2..line + 2 + length]);
        rest = &rest[line + 2 + length + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> Option<(u16, Vec<u8>)> {
        let answer = take(text.as_bytes()).unwrap()?;
        Some((answer.status, answer.body))
    }

    #[test]
    fn answer_is_taken_when_it_has_come_whole() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        assert_eq!(taken(text), Some((200, b"ok".to_vec())));
        for end in 0..text.len() {
            assert_eq!(taken(&text[..end]), None, "{end}");
        }
    }

    #[test]
    fn answer_without_a_length_has_no_body() {
        let text = "HTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(taken(text), Some((204, Vec::new())));
    }

    #[test]
    fn answer_in_chunks_is_taken_when_the_last_chunk_has_come() {
        let text =
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\n\r\n";
        assert_eq!(taken(text), Some((200, b"ok!".to_vec())));
        for end in 0..text.len() {
            assert_eq!(taken(&text[..end]), None, "{end}");
        }
    }
}
