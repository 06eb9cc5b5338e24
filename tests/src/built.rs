//! Where the things under test lie: the project's files, and what the Makefile built.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The project's root folder.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests/ has a parent").to_path_buf()
}

/// The registry's binary, next to this one.
pub fn keysmith() -> PathBuf {
    beside_this_binary("keysmith")
}

/// The demo's binary, next to this one.
pub fn demo() -> PathBuf {
    beside_this_binary("demo")
}

/// The filter's module.
pub fn filter() -> PathBuf {
    let built = env::var_os("E2E_FILTER").map_or_else(
        || target().join("wasm32-unknown-unknown/wasm/filter.wasm"),
        PathBuf::from,
    );
    existing(built, "make wasm")
}

/// The Envoy to test against.
pub fn envoy() -> PathBuf {
    let fetched = env::var_os("ENVOY").map_or_else(|| envoy_of_version("1.40.0"), PathBuf::from);
    existing(fetched, "make envoy")
}

/// An Envoy that the Makefile fetched.
pub fn envoy_of_version(version: &str) -> PathBuf {
    target().join(format!("tools/envoy-{version}/envoy/_bin/envoy"))
}

fn beside_this_binary(name: &str) -> PathBuf {
    let profile = profile_folder();
    existing(profile.join(name), "make e2e")
}

/// The build directory.
pub fn target() -> PathBuf {
    let profile = profile_folder();
    profile.parent().expect("a build folder").to_path_buf()
}

/// `target/debug`: tests run from `target/debug/deps`, the demo from `target/debug`.
fn profile_folder() -> PathBuf {
    let this = env::current_exe().expect("the path of this binary");
    let folder = this.parent().expect("a folder of this binary");
    if folder.ends_with("deps") {
        folder.parent().expect("a build folder").to_path_buf()
    } else {
        folder.to_path_buf()
    }
}

fn existing(path: PathBuf, command: &str) -> PathBuf {
    assert!(
        path.exists(),
        "{} is missing: `{command}` makes it",
        path.display()
    );
    path
}
