//! Envoy's configuration for a test: the reference configuration with other addresses, another filter, other listeners.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::built;

/// The listener of the reference configuration.
pub const LISTENER: &str = "api";

/// A bootstrap configuration, begun from `envoy/envoy.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config(Value);

impl Config {
    /// `envoy/envoy.yaml` itself.
    pub fn reference() -> Self {
        let path = built::root().join("envoy/envoy.yaml");
        let text = fs::read_to_string(&path).expect("envoy/envoy.yaml");
        Self(serde_yaml_ng::from_str(&text).expect("envoy/envoy.yaml is YAML"))
    }

    /// The reference configuration with the filter that was built, on free ports.
    pub fn on_free_ports(registry: SocketAddr, upstream: SocketAddr) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::reference()
            .admin(free)
            .listen(free)
            .cluster("upstream", upstream)
            .cluster("keysmith_feed", registry)
            .cluster("keysmith_verify", registry)
            .module(&built::filter())
    }

    /// The admin interface at this address.
    #[must_use]
    pub fn admin(mut self, address: SocketAddr) -> Self {
        self.0["admin"]["address"] = socket_address(address);
        self
    }

    /// The listener at this address.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listener_mut()["address"] = socket_address(address);
        self
    }

    /// Where a cluster's only endpoint is.
    #[must_use]
    pub fn cluster(mut self, name: &str, address: SocketAddr) -> Self {
        self.cluster_mut(name)["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
            ["address"] = socket_address(address);
        self
    }

    /// Changes a cluster in place.
    #[must_use]
    pub fn with_cluster(mut self, name: &str, change: impl FnOnce(&mut Value)) -> Self {
        change(self.cluster_mut(name));
        self
    }

    /// The filter's module.
    #[must_use]
    pub fn module(mut self, path: &Path) -> Self {
        let path = path.to_str().expect("a path in UTF-8");
        self.wasm_mut()["vm_config"]["code"]["local"]["filename"] = json!(path);
        self
    }

    /// Changes the Wasm plugin's settings in place: `vm_config`, `failure_policy`, and so on.
    #[must_use]
    pub fn with_wasm(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(self.wasm_mut());
        self
    }

    /// Changes the filter's own configuration in place.
    #[must_use]
    pub fn with_filter(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change_filter(self.listener_mut(), change);
        self
    }

    /// The filter with these rules instead.
    #[must_use]
    pub fn rules(self, rules: Value) -> Self {
        self.with_filter(|filter| filter["rules"] = rules)
    }

    /// The filter's own configuration.
    pub fn filter(&self) -> Value {
        let mut found = Value::Null;
        let _ = self.clone().with_filter(|filter| found = filter.clone());
        found
    }

    /// Changes the connection manager in place.
    #[must_use]
    pub fn with_connection_manager(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(connection_manager_mut(self.listener_mut()));
        self
    }

    /// Requests reach the filter as they were sent, as with Envoy's defaults: paths are not normalised, and underscores
    /// are allowed.
    #[must_use]
    pub fn with_envoys_defaults(self) -> Self {
        self.with_connection_manager(|manager| {
            let settings = manager.as_object_mut().expect("an object");
            settings.remove("normalize_path");
            settings.remove("merge_slashes");
            settings.remove("path_with_escaped_slashes_action");
            settings.remove("common_http_protocol_options");
        })
    }

    /// A second listener like the first, with another name and filter configuration, on a free port.
    #[must_use]
    pub fn second_listener(mut self, name: &str, change: impl FnOnce(&mut Value)) -> Self {
        let listener = self.listener_like(name, change);
        let listeners = self.0["static_resources"]["listeners"].as_array_mut();
        listeners.expect("listeners").push(listener);
        self
    }

    /// A listener like the first, with another name and filter configuration, on a free port.
    pub fn listener_like(&self, name: &str, change: impl FnOnce(&mut Value)) -> Value {
        let mut listener = self.0["static_resources"]["listeners"][0].clone();
        listener["name"] = json!(name);
        listener["address"] = socket_address(SocketAddr::from(([127, 0, 0, 1], 0)));
        change_filter(&mut listener, change);
        listener
    }

    /// Takes the listeners from a file that can change (LDS) instead.
    #[must_use]
    pub fn dynamic_listeners(mut self, listeners: &DynamicListeners) -> Self {
        self.0["static_resources"]["listeners"] = json!([]);
        self.0["dynamic_resources"] = json!({
            "lds_config": {
                "path_config_source": {"path": listeners.path},
                "resource_api_version": "V3",
            },
        });
        self
    }

    /// The only static listener.
    pub fn listener(&self) -> Value {
        self.0["static_resources"]["listeners"][0].clone()
    }

    /// The bootstrap configuration as JSON.
    pub fn json(&self) -> &Value {
        &self.0
    }

    /// Writes it as JSON, which Envoy reads as it does YAML.
    pub fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(format!("{name}.json"));
        fs::write(&path, format!("{:#}", self.0)).expect("a configuration file");
        path
    }

    fn listener_mut(&mut self) -> &mut Value {
        &mut self.0["static_resources"]["listeners"][0]
    }

    fn cluster_mut(&mut self, name: &str) -> &mut Value {
        self.0["static_resources"]["clusters"]
            .as_array_mut()
            .expect("clusters")
            .iter_mut()
            .find(|cluster| cluster["name"] == name)
            .unwrap_or_else(|| panic!("no cluster {name}"))
    }

    fn wasm_mut(&mut self) -> &mut Value {
        wasm_mut(self.listener_mut())
    }
}

/// A file of listeners that Envoy follows.
#[derive(Debug)]
pub struct DynamicListeners {
    path: PathBuf,
    version: u64,
}

impl DynamicListeners {
    /// A file in `folder` with these listeners.
    pub fn new(folder: &Path, listeners: &[Value]) -> Self {
        let mut file = Self {
            path: folder.join("listeners.json"),
            version: 0,
        };
        file.replace(listeners);
        file
    }

    /// The version of what is in the file; Envoy names the one that it has taken.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Replaces the listeners: written aside and moved into place, which is what Envoy watches for.
    pub fn replace(&mut self, listeners: &[Value]) {
        self.version += 1;
        let resources: Vec<Value> = listeners
            .iter()
            .map(|listener| {
                let mut resource = listener.clone();
                resource["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
                resource
            })
            .collect();
        let answer = json!({"version_info": self.version.to_string(), "resources": resources});
        let aside = self.path.with_extension("part");
        fs::write(&aside, answer.to_string()).expect("a listeners file");
        fs::rename(&aside, &self.path).expect("a listeners file in place");
    }
}

/// Changes the filter's own configuration in a listener.
pub fn change_filter(listener: &mut Value, change: impl FnOnce(&mut Value)) {
    let configuration = &mut wasm_mut(listener)["configuration"]["value"];
    let text = configuration.as_str().expect("the filter's configuration");
    let mut filter = serde_json::from_str(text).expect("the filter's configuration is JSON");
    change(&mut filter);
    *configuration = json!(filter.to_string());
}

/// The Wasm plugin's settings in a listener.
pub fn wasm_mut(listener: &mut Value) -> &mut Value {
    connection_manager_mut(listener)["http_filters"]
        .as_array_mut()
        .expect("filters")
        .iter_mut()
        .find(|filter| filter["name"] == "keysmith")
        .map(|filter| &mut filter["typed_config"]["config"])
        .expect("the filter")
}

fn connection_manager_mut(listener: &mut Value) -> &mut Value {
    &mut listener["filter_chains"][0]["filters"][0]["typed_config"]
}

/// An address as Envoy's configuration writes it.
pub fn socket_address(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}
