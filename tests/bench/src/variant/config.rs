//! Envoy's configuration of a variant: everything but the filter is the same in all of them.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::filter;

const HTTP_CONNECTION_MANAGER: &str = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// The processes around an Envoy, by the names of its clusters.
pub type Clusters<'a> = [(&'a str, SocketAddr)];

/// A bootstrap: `/proxied` goes to the cluster `upstream`, every other path is answered by Envoy itself.
pub fn bootstrap(
    listen: SocketAddr,
    admin: SocketAddr,
    checked_by: Option<Value>,
    clusters: &Clusters<'_>,
) -> Value {
    let filters: Vec<Value> = checked_by.into_iter().chain([filter::router()]).collect();
    let routes = json!([
        {"match": {"prefix": "/proxied"}, "route": {"cluster": "upstream"}},
        {
            "match": {"prefix": "/"},
            "direct_response": {"status": 200, "body": {"inline_string": "ok"}},
        },
    ]);
    let manager = json!({
        "@type": HTTP_CONNECTION_MANAGER,
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": [{"name": "any", "domains": ["*"], "routes": routes}]},
        "http_filters": filters,
    });
    let network_filter = json!({"name": "http", "typed_config": manager});
    json!({
        "admin": {"address": address(admin)},
        "static_resources": {
            "listeners": [{
                "name": "bench",
                "address": address(listen),
                "filter_chains": [{"filters": [network_filter]}],
            }],
            "clusters": clusters.iter().map(|(name, at)| cluster(name, *at)).collect::<Vec<_>>(),
        },
    })
}

fn cluster(name: &str, at: SocketAddr) -> Value {
    let endpoint = json!({"endpoint": {"address": address(at)}});
    json!({
        "name": name,
        "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    })
}

fn address(at: SocketAddr) -> Value {
    json!({"socket_address": {"address": at.ip().to_string(), "port_value": at.port()}})
}
