//! The registry over HTTP, as those who call it see it. One binary, so that it links once.

mod access;
mod applications;
mod credentials;
mod document;
mod errors;
mod feed;
mod garbage;
mod gateways;
mod idempotency;
mod lifecycle;
mod limits;
mod listing;
mod logs;
mod operations;
mod passwords;
mod rotation;
mod support;
mod tls;
mod tokens;
