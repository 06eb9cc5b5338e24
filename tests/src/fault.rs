//! The filter's module, made fragile: it traps where a test wants it to; or made another, which means the same.
//!
//! The module under test is the one that was built, with two functions put before two of its callbacks. Each looks at
//! the number of headers that the host announces, traps when there are very many, and calls the original otherwise. So
//! a test traps a worker with a request of many headers, and whoever follows the feed with an answer of many headers.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::built;
use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

/// From how many headers on a fragile module traps. More than any ordinary request or answer has.
pub const MANY: u32 = 60;

const ON_REQUEST: &str = "proxy_on_request_headers";
const ON_ANSWER: &str = "proxy_on_http_call_response";

/// Which parameter of each callback is the number of headers, and how many parameters it has.
const CALLBACKS: [(&str, u32, u32); 2] = [(ON_REQUEST, 1, 3), (ON_ANSWER, 2, 5)];

const FUNCTION_SECTION: u8 = 3;
const EXPORT_SECTION: u8 = 7;
const CODE_SECTION: u8 = 10;

/// Writes the fragile module into `folder`.
pub fn fragile(folder: &Path) -> PathBuf {
    let module = fs::read(built::filter()).expect("the filter's module");
    let path = folder.join("fragile.wasm");
    fs::write(&path, with_traps(&module)).expect("a module file");
    path
}

/// The module with a few bytes more that mean nothing: for Envoy another module, and so another VM.
///
/// # Panics
/// When the name is longer than a hundred bytes.
pub fn renamed(mut module: Vec<u8>, name: &str) -> Vec<u8> {
    assert!(name.len() <= 100, "{name} is a short name");
    let mut section = sized(name.as_bytes());
    section.splice(0..0, leb(u32::try_from(section.len()).expect("short")));
    module.push(0); // a custom section of this name, with no content
    module.extend(section);
    module
}

/// What must be known of a module to put a function before another.
#[derive(Default)]
struct Facts {
    imported_functions: u32,
    /// The type of each function of the module itself.
    types: Vec<u32>,
    /// Name, kind and index of each export.
    exports: Vec<(String, ExternalKind, u32)>,
    bodies: Vec<Vec<u8>>,
}

fn with_traps(module: &[u8]) -> Vec<u8> {
    let facts = facts(module);
    let first_new =
        facts.imported_functions + u32::try_from(facts.types.len()).expect("few functions");
    let mut types = facts.types.clone();
    let mut bodies = facts.bodies;
    let mut exports = facts.exports;
    for (offset, (name, counted, parameters)) in (0..).zip(CALLBACKS) {
        let export = exports.iter_mut().find(|(known, ..)| known == name);
        let (_, _, function) = export.unwrap_or_else(|| panic!("the module exports no {name}"));
        let own = usize::try_from(*function - facts.imported_functions).expect("a function");
        types.push(facts.types[own]);
        bodies.push(trap_or_call(counted, parameters, *function));
        *function = first_new + offset;
    }

    let mut out = module[..8].to_vec();
    for payload in Parser::new(0).parse_all(module) {
        let Some((id, range)) = payload.expect("a valid module").as_section() else {
            continue;
        };
        let content = match id {
            FUNCTION_SECTION => vector(types.iter().map(|index| leb(*index))),
            EXPORT_SECTION => vector(exports.iter().map(export)),
            CODE_SECTION => vector(bodies.iter().map(|body| sized(body))),
            _ => {
                let place = |at: u64| usize::try_from(at).expect("a module in memory");
                module[place(range.start)..place(range.end)].to_vec()
            }
        };
        out.push(id);
        out.extend(sized(&content));
    }
    out
}

fn facts(module: &[u8]) -> Facts {
    let mut facts = Facts::default();
    for payload in Parser::new(0).parse_all(module) {
        match payload.expect("a valid module") {
            Payload::ImportSection(imports) => {
                let functions = imports.into_imports().filter(|import| {
                    matches!(import.as_ref().expect("an import").ty, TypeRef::Func(_))
                });
                facts.imported_functions = u32::try_from(functions.count()).expect("few imports");
            }
            Payload::FunctionSection(functions) => {
                facts.types = functions
                    .into_iter()
                    .map(|index| index.expect("a type"))
                    .collect();
            }
            Payload::ExportSection(exports) => {
                let exports = exports.into_iter().map(|export| export.expect("an export"));
                facts.exports = exports
                    .map(|export| (export.name.to_owned(), export.kind, export.index))
                    .collect();
            }
            Payload::CodeSectionEntry(body) => facts.bodies.push(body.as_bytes().to_vec()),
            _ => {}
        }
    }
    facts
}

/// `if counted >= MANY { trap } else { function(parameters) }`
fn trap_or_call(counted: u32, parameters: u32, function: u32) -> Vec<u8> {
    let mut body = vec![0]; // no locals
    body.push(0x20); // local.get
    body.extend(leb(counted));
    body.push(0x41); // i32.const, signed
    let low = u8::try_from(MANY & 0x7f).expect("seven bits");
    body.extend([low | 0x80, u8::try_from(MANY >> 7).expect("six bits")]);
    body.extend([0x4f, 0x04, 0x40, 0x00, 0x0b]); // i32.ge_u, if, unreachable, end
    for parameter in 0..parameters {
        body.push(0x20);
        body.extend(leb(parameter));
    }
    body.push(0x10); // call
    body.extend(leb(function));
    body.push(0x0b);
    body
}

fn export((name, kind, index): &(String, ExternalKind, u32)) -> Vec<u8> {
    let kind = match kind {
        ExternalKind::Func => 0,
        ExternalKind::Table => 1,
        ExternalKind::Memory => 2,
        ExternalKind::Global => 3,
        other => panic!("an export of kind {other:?}"),
    };
    let mut bytes = sized(name.as_bytes());
    bytes.push(kind);
    bytes.extend(leb(*index));
    bytes
}

fn vector(items: impl ExactSizeIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut bytes = leb(u32::try_from(items.len()).expect("few items"));
    items.for_each(|item| bytes.extend(item));
    bytes
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    let mut sized = leb(u32::try_from(bytes.len()).expect("a small part"));
    sized.extend(bytes);
    sized
}

/// An unsigned number as WebAssembly writes it.
fn leb(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits");
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
