//! The reader and the editor, as tables of named cases.

mod insert;
mod property;
mod read;
mod refuse;
mod set;

use super::{Edit, ManifestError, NodePath, Step, apply};

/// `images.0.newTag`; keys with dots are written with `~` for the dot.
fn path(text: &str) -> NodePath {
    let steps = text.split('.').filter(|step| !step.is_empty());
    steps
        .map(|step| {
            step.parse()
                .map_or_else(|_| Step::Key(step.replace('~', ".")), Step::Index)
        })
        .collect()
}

fn set(steps: &str, value: &str) -> Edit {
    Edit::Set {
        document: 0,
        path: path(steps),
        value: value.to_owned(),
    }
}

fn insert(steps: &str, value: &str) -> Edit {
    let mut parent = path(steps);
    let Some(Step::Key(key)) = parent.pop() else {
        panic!("{steps} does not end with a key")
    };
    Edit::Insert {
        document: 0,
        parent,
        key,
        value: value.to_owned(),
        typed: false,
    }
}

fn remove(steps: &str, prune: bool) -> Edit {
    Edit::Remove {
        document: 0,
        path: path(steps),
        prune,
    }
}

fn applied(text: &str, edits: &[Edit]) -> Result<String, ManifestError> {
    apply(text.as_bytes(), edits).map(|bytes| String::from_utf8(bytes).unwrap())
}

fn refused(name: &str, text: &str, edit: Edit, line: Option<u32>, words: &str) {
    let error = applied(text, &[edit]).expect_err(name);
    assert!(error.message.contains(words), "{name}: {error}");
    assert_eq!(error.line, line, "{name}: {error}");
}
