//! What the registry answers.

use filter_core::feed::Page;

use crate::abi::{self, Buffer};

/// The answer to a call.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status; 0 when there was none.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Reads the answer to the call whose callback is running.
    pub(crate) fn read(body_length: usize) -> Self {
        let status = abi::call_response_header(b":status")
            .ok()
            .and_then(|bytes| std::str::from_utf8(&bytes).ok()?.parse().ok())
            .unwrap_or(0);
        let body = abi::buffer(Buffer::CallResponse, body_length).unwrap_or_default();
        Self { status, body }
    }

    pub(crate) const fn is_success(&self) -> bool {
        self.status / 100 == 2
    }

    /// The feed page, or what is wrong.
    pub(crate) fn page(&self) -> Result<Page, String> {
        match self.status {
            200 => Page::decode(&self.body).map_err(|error| error.to_string()),
            0 => Err("the registry cannot be reached".to_owned()),
            401 | 403 => Err(format!(
                "the registry refuses the gateway token (status {})",
                self.status
            )),
            409 => Err("registry.group: the gateway token belongs to another group".to_owned()),
            status => Err(format!("the registry answers with status {status}")),
        }
    }
}
