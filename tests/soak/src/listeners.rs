//! The gateway's listeners, and how they change.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use e2e::{
    envoy::{
        Envoy,
        config::{Config, DynamicListeners, change_filter, socket_address, wasm_mut},
    },
    eventually::within,
    fault,
};
use serde_json::{Value, json};

/// How long Envoy may take for a new configuration: it compiles the module, and lets the old listener drain.
const PATIENCE: Duration = Duration::from_secs(90);

/// What the listeners' file is made of.
#[derive(Debug)]
pub(crate) struct Listeners {
    file: DynamicListeners,
    fixed: Config,
    second_address: SocketAddr,
    original: PathBuf,
    module: PathBuf,
    round: usize,
    has_second: bool,
}

impl Listeners {
    /// With the first listener alone.
    pub(crate) fn new(
        file: DynamicListeners,
        fixed: Config,
        second_address: SocketAddr,
        module: PathBuf,
    ) -> Self {
        Self {
            file,
            fixed,
            second_address,
            original: module.clone(),
            module,
            round: 0,
            has_second: false,
        }
    }

    /// Gives the first listener rules that mean the same and read otherwise.
    pub(crate) fn update(&mut self) {
        self.round += 1;
        self.put();
    }

    /// Adds the second listener or removes it. True when it is there afterwards.
    pub(crate) fn toggle_second(&mut self) -> bool {
        self.has_second = !self.has_second;
        self.put();
        self.has_second
    }

    /// Removes all listeners.
    pub(crate) fn remove_all(&mut self) {
        self.file.replace(&[]);
    }

    /// Gives every listener another module that means the same.
    pub(crate) fn replace_module(&mut self, folder: &Path) {
        self.round += 1;
        let bytes = fs::read(&self.original).expect("the module");
        let path = folder.join(format!("module-{}.wasm", self.round));
        let renamed = fault::renamed(bytes, &format!("round {}", self.round));
        fs::write(&path, renamed).expect("a module file");
        self.module = path;
        self.put();
    }

    /// Writes the listeners as they are to be.
    pub(crate) fn put(&mut self) {
        let mut all = vec![self.fixed.listener()];
        if self.has_second {
            let mut second = self.fixed.listener_like("second", |_| {});
            second["address"] = socket_address(self.second_address);
            all.push(second);
        }
        for listener in &mut all {
            self.complete(listener);
        }
        self.file.replace(&all);
    }

    fn complete(&self, listener: &mut Value) {
        wasm_mut(listener)["vm_config"]["code"]["local"]["filename"] = json!(self.module);
        let name = format!("round {}", self.round);
        change_filter(listener, |filter| filter["rules"][0]["name"] = json!(name));
    }

    /// Waits until Envoy has taken what was written, and nothing of before is left.
    pub(crate) async fn settle(&self, envoy: &Envoy) {
        let version = format!(
            "listener_manager.lds.version_text: \"{}\"",
            self.file.version()
        );
        within(PATIENCE, "Envoy has taken the listeners", || async {
            let path = "/stats?filter=^listener_manager";
            let stats = envoy.admin().get(path).try_send().await?.text();
            let quiet = [
                version.as_str(),
                "listener_manager.total_listeners_warming: 0",
                "listener_manager.total_listeners_draining: 0",
            ];
            if quiet
                .iter()
                .all(|wanted| stats.lines().any(|line| line == *wanted))
            {
                Ok(())
            } else {
                Err(stats)
            }
        })
        .await;
    }
}
