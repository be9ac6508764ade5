//! The rule that keeps the parts of this crate apart, held against what the sources name.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What each part may name of the others. Parts that are not listed bring the others together and may name any.
const MAY_NAME: [(&str, &[&str]); 8] = [
    ("actions", &[]),
    ("look", &["domain"]),
    ("domain", &[]),
    ("sources", &["domain", "guardian"]),
    ("config", &["domain", "actions", "look"]),
    ("app", &["domain", "actions", "look"]),
    ("ui", &["app", "domain", "actions", "look"]),
    ("workflow", &["sources", "config", "domain"]),
];

/// Parts without I/O, runtime and clock.
const PURE: [&str; 5] = ["actions", "look", "domain", "app", "ui"];

/// What would be I/O, a runtime or a clock.
const IMPURE: [&str; 7] = [
    "git2",
    "kube::",
    "reqwest",
    "tokio",
    "std::fs",
    "std::process",
    "now(",
];

/// The files of a part with what of them is compiled into the program: no comments, no tests.
fn files(part: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.join(part)];
    let file = root.join(format!("{part}.rs"));
    if file.exists() {
        found.push(file);
    }
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let for_tests = ["tests", "fixture", "testing", "fuzzing"].contains(&name.as_str());
            match path.extension() {
                _ if for_tests => {}
                None => folders.push(path),
                Some(_) => found.push(path),
            }
        }
    }
    assert!(!found.is_empty(), "{part} is nowhere");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
        (path, lines.collect::<Vec<_>>().join("\n"))
    };
    found.into_iter().map(read).collect()
}

/// The parts that `code` names: `crate::part`, and those of `crate::{part, …}`.
fn named(code: &str) -> BTreeSet<String> {
    let word = |text: &str| {
        let word = text.trim_start().chars();
        word.take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        found.insert(word(group));
        let mut depth = 1;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => drop(found.insert(word(&group[at + 1..]))),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found.remove("");
    found
}

#[test]
fn parts_are_found_in_every_way_to_name_them() {
    let code = "use crate::{\n    app::{event::Event, model},\n    ui,\n};\nfn f(_: crate::domain::Cell) {}";
    let expected = ["app", "domain", "ui"].map(str::to_owned);
    assert_eq!(named(code), BTreeSet::from(expected));
}

#[test]
fn parts_name_only_what_they_may() {
    let mut wrong = Vec::new();
    for (part, may) in MAY_NAME {
        for (path, code) in files(part) {
            for other in named(&code) {
                if other != part && !may.contains(&other.as_str()) {
                    wrong.push(format!("{}: {part} names {other}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_parts_name_no_io_no_runtime_and_no_clock() {
    let mut wrong = Vec::new();
    for part in PURE {
        for (path, code) in files(part) {
            // `know(` asks no clock.
            let is_word =
                |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let names = |name: &str| code.match_indices(name).any(|(at, _)| is_word(at));
            for name in IMPURE.iter().filter(|name| names(name)) {
                wrong.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Keys as the terminal's library knows them are turned into ours where events come in, and nowhere else.
#[test]
fn the_terminals_keys_stay_where_events_come_in() {
    let with_keys: Vec<String> = PURE
        .into_iter()
        .flat_map(files)
        .filter(|(_, code)| code.contains("crossterm"))
        .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(with_keys, ["event.rs"]);
}
