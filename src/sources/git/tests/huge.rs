//! Commits, tags and words of a size that nobody writes: a sentence at once, or a part of them.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::support::{Scratch, commit, git, open};
use crate::{
    domain::{failure::FailureKind, ids::ObjectId},
    sources::git::{
        objects::{Objects, name_of},
        store::{
            Type,
            fuzzing::{deflated, write_loose},
        },
    },
};

/// Stores an object, and gives its name.
fn put(repository: &Path, kind: Type, content: &[u8]) -> ObjectId {
    let id = name_of(kind, content).unwrap();
    let header = format!("{} {}\0", kind.name(), content.len());
    let object = [header.as_bytes(), content].concat();
    write_loose(&repository.join(".git"), id, &deflated(&object));
    id
}

const WHO: &str = "a <a> 1700000000 +0000";

#[test]
fn an_object_of_a_size_that_nobody_writes_is_told_at_once() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    let first = commit(&path, &[("a", "1\n")], "one", 1_700_000_000);
    let tree = git(&path, &["rev-parse", "HEAD^{tree}"]);
    let parents = |count: usize| {
        let parents = format!("parent {first}\n").repeat(count);
        format!("tree {tree}\n{parents}author {WHO}\ncommitter {WHO}\n\nx\n")
    };
    let subject = |size: usize| {
        format!(
            "tree {tree}\nparent {first}\nauthor {WHO}\ncommitter {WHO}\n\n{}\n",
            "x ".repeat(size / 2)
        )
    };
    let header = format!("tree {tree}\nx{}\n\n", "y".repeat(9 << 20));
    for (case, content, message) in [
        ("many parents", parents(1_001), "more than 1000 parents"),
        ("more parents", parents(100_000), "more than 1000 parents"),
        (
            "a million parents",
            parents(1_000_000),
            "more than Tidegate reads of one object",
        ),
        ("a header", header, "more than Tidegate reads of one object"),
        (
            "a message",
            subject(9 << 20),
            "more than Tidegate reads of one object",
        ),
    ] {
        let id = put(&path, Type::Commit, content.as_bytes());
        let began = Instant::now();
        let objects = Objects::open(&open(&path)).unwrap();
        let error = objects.header(id).unwrap_err();
        let said = error.to_string();
        assert_eq!(error.kind, FailureKind::Damaged, "{case}: {said}");
        assert!(
            said.contains(message) && said.contains(&id.to_string()),
            "{case}: {said}"
        );
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{case}: {:?}",
            began.elapsed()
        );
    }
    let objects = Objects::open(&open(&path)).unwrap();
    let octopus = put(&path, Type::Commit, parents(1_000).as_bytes());
    assert_eq!(objects.header(octopus).unwrap().parents.len(), 1_000);
    // A long subject is told in part.
    let long = put(&path, Type::Commit, subject(1 << 20).as_bytes());
    let (info, _) = objects.info(long).unwrap();
    assert_eq!(info.subject.chars().count(), 1_001);
    // A tag whose header has no end, and a tree with one name that has none.
    let tag = format!(
        "object {first}\ntype commit\ntag {}\n\nx\n",
        "t".repeat(9 << 20)
    );
    let tag = put(&path, Type::Tag, tag.as_bytes());
    assert!(
        objects
            .any(tag)
            .unwrap_err()
            .to_string()
            .contains("more than Tidegate reads")
    );
    let mut entry = b"100644 ".to_vec();
    entry.extend(vec![b'n'; 9 << 20]);
    entry.push(0);
    entry.extend([7; 20]);
    let tree = put(&path, Type::Tree, &entry);
    let began = Instant::now();
    assert!(!objects.tree(tree).unwrap().is_empty());
    assert!(began.elapsed() < Duration::from_secs(10));
}
