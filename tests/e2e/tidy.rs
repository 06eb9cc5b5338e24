//! The repository itself: what it says of itself is true.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use e2e::built;

/// Lines that a source file may have, tests excluded.
const LONGEST_FILE: usize = 400;

/// Files that are longer, each with the reason.
const LONG_FILES: [(&str, &str); 1] = [(
    "filter/src/abi.rs",
    "the host's whole interface, because it is the only file with unsafe code",
)];

/// Every file that belongs to the project: tracked, or new and not ignored.
fn files() -> Vec<PathBuf> {
    let root = built::root();
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output();
    let listed = match listed {
        Ok(output) if output.status.success() => output.stdout,
        // Not a clone: nothing to look through but what is here.
        _ => return walk(&root),
    };
    let listed = String::from_utf8(listed).expect("names in UTF-8");
    listed
        .lines()
        .map(|name| root.join(name))
        .filter(|path| path.is_file())
        .collect()
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && name != "target" && name != ".git" && name != ".keysmith" {
            found.extend(walk(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

fn text_files() -> Vec<(String, String)> {
    let root = built::root();
    files()
        .into_iter()
        .filter_map(|path| {
            let name = path.strip_prefix(&root).expect("inside the project");
            let name = name.to_string_lossy().into_owned();
            Some((name, fs::read_to_string(path).ok()?))
        })
        .collect()
}

#[test]
fn source_files_stay_short() {
    let long: Vec<(String, usize)> = text_files()
        .into_iter()
        .filter(|(name, _)| name.ends_with(".rs") && !name.contains("tests"))
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .filter(|(name, _)| !LONG_FILES.iter().any(|(known, _)| known == name))
        .collect();
    assert!(long.is_empty(), "divide these: {long:?}");
}

#[test]
fn no_module_is_called_mod_rs() {
    let found: Vec<PathBuf> = files()
        .into_iter()
        .filter(|path| path.ends_with("mod.rs"))
        .collect();
    assert!(found.is_empty(), "name them after their module: {found:?}");
}

#[test]
fn paths_that_the_documents_name_exist() {
    let root = built::root();
    let mut missing = Vec::new();
    for (document, text) in text_files() {
        if !document.ends_with(".md") || document == "CHANGELOG.md" {
            continue;
        }
        let folder = root
            .join(&document)
            .parent()
            .expect("a folder")
            .to_path_buf();
        for path in named_paths(&text) {
            let built_later = path.starts_with("target/") || path.starts_with(".keysmith");
            if !built_later && !root.join(&path).exists() && !folder.join(&path).exists() {
                missing.push(format!("{document}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Links, and words in backquotes that are paths of this project: with a slash, beginning with one of its folders.
fn named_paths(text: &str) -> Vec<String> {
    const FOLDERS: [&str; 8] = [
        "filter/",
        "registry/",
        "envoy/",
        "tests/",
        ".github/",
        ".ci/",
        ".cargo/",
        "target/",
    ];
    let mut prose = String::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    let quoted = prose.split('`').skip(1).step_by(2).filter(|word| {
        let plain = !word.contains([' ', '*', '{', '<', '…', '\n']);
        plain && FOLDERS.iter().any(|folder| word.starts_with(folder))
    });
    let linked = prose.split("](").skip(1).filter_map(|rest| {
        let target = rest.split_once(')')?.0;
        let target = target.split('#').next().unwrap_or_default();
        (!target.is_empty() && !target.contains("://")).then_some(target)
    });
    quoted.chain(linked).map(ToOwned::to_owned).collect()
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    // Put together here, so that this file does not hold them.
    let homes = [
        ["/ro", "ot/"],
        ["/wo", "rk/"],
        ["/hom", "e/"],
        ["/Use", "rs/"],
    ]
    .map(|parts| parts.concat());
    let mut found = Vec::new();
    for (name, text) in text_files() {
        if name == "Cargo.lock" || name.ends_with("apisix-cases.json") {
            continue;
        }
        for (number, line) in (1..).zip(text.lines()) {
            if homes.iter().any(|home| line.contains(home.as_str())) {
                found.push(format!("{name}:{number}: {line}"));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
