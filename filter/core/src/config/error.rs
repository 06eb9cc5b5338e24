use alloc::{
    format,
    string::{String, ToString},
};

/// What is wrong with a configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct ConfigError {
    path: String,
    message: String,
}

impl ConfigError {
    /// A value that is wrong by itself; [`Self::within`] adds where it is.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            message: message.into(),
        }
    }

    /// From the JSON reader, whose messages may repeat a value.
    pub(super) fn unreadable(path: &str, error: &serde_json::Error) -> Self {
        let message = error.to_string();
        let may_hold_token = |text: &str| text.contains("_gt_");
        // A token put in the wrong place must not reach the log.
        let message =
            if path.starts_with("registry.token") && error.is_data() || may_hold_token(&message) {
                String::from("bad value (not shown, because it may be a token)")
            } else {
                message
            };
        let path = match path {
            "." | "?" => "configuration",
            path if may_hold_token(path) => "registry",
            path => path,
        };
        Self::new(message).within(path)
    }

    /// Puts `field` before the path.
    #[must_use]
    pub(super) fn within(mut self, field: &str) -> Self {
        self.path = if self.path.is_empty() || self.path.starts_with('[') {
            format!("{field}{}", self.path)
        } else {
            format!("{field}.{}", self.path)
        };
        self
    }

    /// Puts a list's index before the path.
    #[must_use]
    pub(super) fn at(self, index: usize) -> Self {
        self.within(&format!("[{index}]"))
    }
}
