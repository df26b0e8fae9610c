//! The modules use each other in one direction only, in the order that src/lib.rs lists them.

use std::fs;
use std::path::{Path, PathBuf};

/// Each module uses only modules to its right. `main.rs` and `lib.rs` stand on their left.
const ORDER: [&str; 12] =
    ["function", "answer", "check", "decide", "event", "address", "config", "aws", "target", "cluster", "error", "log"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The top-level modules that a source names: `use crate::a`, `use crate::{a, b}`, and `crate::a` in the text.
fn used(source: &str) -> Vec<String> {
    let word = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let after = source.split("crate::").skip(1).flat_map(|rest| match rest.strip_prefix('{') {
        Some(group) => group.split('}').next().unwrap().split(',').map(word).collect(),
        None => vec![word(rest)],
    });
    after.collect()
}

#[test]
fn each_module_uses_only_modules_to_its_right() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let place = |module: &str| ORDER.iter().position(|known| *known == module);
    let (mut arrows, mut backwards) = (0, vec![]);
    for path in sources(&src) {
        let file = path.strip_prefix(&src).unwrap().display().to_string();
        let owner = file.split(['/', '.']).next().unwrap();
        if ["main", "lib"].contains(&owner) {
            continue;
        }
        let here = place(owner).unwrap_or_else(|| panic!("src/{file} has no place in ORDER"));
        let source = fs::read_to_string(&path).unwrap();
        for module in used(&source).into_iter().filter(|module| module != owner) {
            let there = place(&module).unwrap_or_else(|| panic!("src/{file} uses crate::{module}, which has no place in ORDER"));
            arrows += 1;
            backwards.extend((there < here).then(|| format!("src/{file} uses crate::{module}")));
        }
    }
    assert!(arrows > 50, "only {arrows} uses were found: has their form changed?");
    assert_eq!(backwards, Vec::<String>::new());
}
