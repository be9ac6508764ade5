//! The hard cases collected from public repositories, by bytes.
// The helpers are tests too, only the linter cannot see it.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use tidegate::domain::manifest::{Edit, NodePath, NodeRef, Step, apply, parse};

#[test]
#[ignore = "needs the corpora, beside the repository or where TIDEGATE_CORPORA says; .ci/run has them"]
fn every_case_of_the_corpus_comes_out_by_bytes() {
    let folder = corpus();
    let mut cases: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    let wrong: Vec<String> = cases.iter().filter_map(|case| wrong(case)).collect();
    assert!(
        cases.len() >= 49,
        "only {} cases in {}",
        cases.len(),
        folder.display()
    );
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

fn corpus() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let corpora = env::var_os("TIDEGATE_CORPORA").map_or_else(beside, PathBuf::from);
    let folder = corpora.join("yaml-edit");
    assert!(
        folder.is_dir(),
        "no folder {}; set TIDEGATE_CORPORA",
        folder.display()
    );
    folder
}

fn wrong(case: &Path) -> Option<String> {
    let name = case.file_name().unwrap().to_string_lossy();
    let input = fs::read(case.join("in")).unwrap();
    let expected = fs::read(case.join("exp")).ok();
    let operation: serde_json::Value =
        serde_json::from_slice(&fs::read(case.join("op.json")).unwrap()).unwrap();
    let text = |key: &str| operation[key].as_str().unwrap_or_default().to_owned();
    let document = usize::try_from(operation["doc"].as_u64().unwrap()).unwrap();
    let path: NodePath = operation["path"]
        .as_array()
        .unwrap()
        .iter()
        .map(step)
        .collect();
    let insert = operation["op"] == "insert";
    let edit = if insert {
        Edit::Insert {
            document,
            parent: path.clone(),
            key: text("key"),
            value: text("value"),
            typed: false,
        }
    } else {
        Edit::Set {
            document,
            path: path.clone(),
            value: text("value"),
        }
    };
    match (apply(&input, &[edit]), expected) {
        (Err(error), None) => {
            println!("{name}: line {:?}: {error}", error.line);
            error
                .line
                .is_none()
                .then(|| format!("{name}: refused without a line: {error}"))
        }
        (Err(error), Some(_)) => Some(format!("{name}: refused: {error}")),
        (Ok(_), None) => Some(format!("{name}: not refused")),
        (Ok(found), Some(expected)) if found != expected => {
            Some(format!("{name}:\n{}", String::from_utf8_lossy(&found)))
        }
        (Ok(found), Some(_)) => {
            let mut path = path;
            path.extend(insert.then(|| Step::Key(text("key"))));
            let yaml = parse(&found).unwrap();
            let read = yaml.documents[document]
                .root()
                .find(&path)
                .and_then(NodeRef::text);
            let taken = apply(
                &found,
                &[Edit::Remove {
                    document,
                    path: path.clone(),
                    prune: false,
                }],
            );
            match read {
                Some(read) if read != text("value") => Some(format!("{name}: reads {read:?}")),
                None => Some(format!("{name}: reads nothing")),
                _ if insert && taken.as_ref() != Ok(&input) => {
                    Some(format!("{name}: not taken out again: {taken:?}"))
                }
                _ => None,
            }
        }
    }
}

fn step(step: &serde_json::Value) -> Step {
    match step.as_u64() {
        Some(index) => Step::Index(usize::try_from(index).unwrap()),
        None => Step::Key(step.as_str().unwrap().to_owned()),
    }
}
