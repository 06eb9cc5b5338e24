//! The built module: what it asks of its host, and what it lets its host call.

use std::{collections::BTreeSet, fs};

use e2e::built;
use wasmparser::{Operator, Parser, Payload};

/// The WASI functions that are used on purpose. Any other means that something reached into the standard library's
/// operating system layer, or that a dependency brought JavaScript bindings, with which Envoy refuses to load.
const WASI: [&str; 4] = [
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "random_get",
];

/// What Envoy may call. Each further callback would be entered for every request.
const EXPORTS: [&str; 9] = [
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_http_call_response",
    "proxy_on_memory_allocate",
    "proxy_on_queue_ready",
    "proxy_on_request_headers",
    "proxy_on_tick",
];

/// Exports that may be there or not: they cost nothing per request.
const FREE_EXPORTS: [&str; 5] = [
    "__data_end",
    "__heap_base",
    "__indirect_function_table",
    "proxy_on_delete",
    "proxy_on_vm_start",
];

fn imports_and_exports() -> (BTreeSet<String>, BTreeSet<String>) {
    let module = fs::read(built::filter()).expect("the filter's module");
    let (mut imports, mut exports) = (BTreeSet::new(), BTreeSet::new());
    for payload in Parser::new(0).parse_all(&module) {
        match payload.expect("a valid module") {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.expect("an import");
                    imports.insert(format!("{}.{}", import.module, import.name));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    exports.insert(export.expect("an export").name.to_owned());
                }
            }
            _ => {}
        }
    }
    (imports, exports)
}

#[test]
fn imports_nothing_but_the_proxy_wasm_abi_and_four_wasi_functions() {
    let (imports, _) = imports_and_exports();
    let unexpected: Vec<&String> = imports
        .iter()
        .filter(|import| match import.split_once('.') {
            Some(("env", name)) => !name.starts_with("proxy_"),
            Some(("wasi_snapshot_preview1", name)) => !WASI.contains(&name),
            _ => true,
        })
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

#[test]
fn exports_only_the_callbacks_that_it_uses() {
    let (_, exports) = imports_and_exports();
    let missing: Vec<&&str> = EXPORTS
        .iter()
        .filter(|name| !exports.contains(**name))
        .collect();
    assert!(missing.is_empty(), "not exported: {missing:?}");
    let unexpected: Vec<&String> = exports
        .iter()
        .filter(|name| !EXPORTS.contains(&name.as_str()) && !FREE_EXPORTS.contains(&name.as_str()))
        .collect();
    assert!(unexpected.is_empty(), "exported: {unexpected:?}");
}

#[test]
fn keeps_function_names_for_the_logs_of_traps() {
    let module = fs::read(built::filter()).expect("the filter's module");
    let named = Parser::new(0).parse_all(&module).any(|payload| {
        matches!(payload.expect("a valid module"), Payload::CustomSection(section) if section.name() == "name")
    });
    assert!(named, "the module has no name section");
}

#[test]
fn it_hashes_with_vector_instructions() {
    let module = fs::read(built::filter()).expect("the filter's module");
    let mut operators = Parser::new(0)
        .parse_all(&module)
        .filter_map(|payload| match payload.expect("a valid module") {
            Payload::CodeSectionEntry(body) => Some(body),
            _ => None,
        })
        .flat_map(|body| body.get_operators_reader().expect("code").into_iter())
        .map(|operator| operator.expect("an instruction"));
    // SHA-256 turns its words round with this one; without the target feature nothing uses it.
    assert!(operators.any(|operator| matches!(operator, Operator::I8x16Shuffle { .. })));
}
