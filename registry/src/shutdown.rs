//! The wish to end, as a value that everything long-lived watches.

use tokio::sync::watch;

/// Announces the end once; dropping it announces it too.
#[derive(Debug)]
pub struct Announcer(watch::Sender<bool>);

/// Hears the announcement, however late it starts to listen.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// A pair that belongs together.
#[must_use]
pub fn channel() -> (Announcer, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (Announcer(sender), Shutdown(receiver))
}

impl Announcer {
    /// Tells every listener to finish what it accepted.
    pub fn announce(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Whether the end was announced.
    #[must_use]
    pub fn announced(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Returns when the end is announced.
    pub async fn wait(&self) {
        // An error means that the announcer is gone, which is an announcement too.
        let _ = self.0.clone().wait_for(|announced| *announced).await;
    }
}
