//! A body that many responses share.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// A body of these parts, one after the other. None is copied: they may belong to other responses as well.
pub(super) fn shared<const N: usize>(parts: [Bytes; N]) -> Body {
    Body::new(Shared {
        parts: parts.into_iter(),
    })
}

struct Shared<const N: usize> {
    parts: std::array::IntoIter<Bytes, N>,
}

impl<const N: usize> HttpBody for Shared<N> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.parts.find(|part| !part.is_empty());
        Poll::Ready(next.map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.as_slice().iter().all(Bytes::is_empty)
    }

    /// Exact, so that the response has a length.
    fn size_hint(&self) -> SizeHint {
        let length: usize = self.parts.as_slice().iter().map(Bytes::len).sum();
        SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
    }
}
