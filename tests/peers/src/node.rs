//! Programs for Node, which find the libraries that were fetched.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::tools;

/// A program in files that lie side by side; the first is what runs.
pub type NodeScript<'a> = &'a [(&'a str, &'a str)];

/// Writes a program into `folder`, with the libraries beside it, and gives what runs it.
pub(crate) fn command(script: NodeScript<'_>, folder: &Path) -> Command {
    for (name, text) in script {
        fs::write(folder.join(name), text).expect("a file of the program");
    }
    let modules = folder.join("node_modules");
    if !modules.exists() {
        symlink(tools::node_modules(), modules).expect("a link to the libraries");
    }
    let mut command = Command::new(tools::node());
    // It warns of versions that it was not tried with.
    command.env("NODE_NO_WARNINGS", "1").current_dir(folder);
    command.arg(script.first().expect("a file").0);
    command
}

/// Runs a program to its end. It may import `oauth4webapi`, `openid-client` and `jose`.
pub fn run_node(script: NodeScript<'_>, arguments: &[&str]) -> Output {
    let folder = TempDir::new().expect("a folder");
    let mut command = command(script, folder.path());
    command.args(arguments).output().expect("node runs")
}
