//! The reader of objects without the rest of `sources::git`, which needs libgit2 and a runtime.

use crate::domain::ids::ObjectId;

#[allow(dead_code, unused_imports)]
#[path = "../../../src/sources/git/parse.rs"]
mod parse;
#[allow(dead_code, unused_imports)]
#[path = "../../../src/sources/git/store/mod.rs"]
pub(crate) mod store;

/// As in `sources::git::error`, as far as `parse` uses it.
#[derive(Debug)]
pub(crate) enum FailureKind {
    Damaged,
}

/// As in `sources::git::error`, as far as `parse` uses it.
#[derive(Debug)]
#[allow(dead_code)]
pub(crate) struct Failure(FailureKind, String);

#[allow(dead_code)]
impl Failure {
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self(kind, message.into())
    }

    pub(crate) fn hint(self, _: impl Into<String>) -> Self {
        self
    }
}

/// Any bytes as the content of a commit, a tree and a tag; for the target `objects` alone.
#[allow(dead_code)]
pub(crate) fn check_content(bytes: &[u8]) {
    let _ = parse::parse_header(bytes);
    let _ = parse::read_info(ObjectId::new([7; 20]), bytes);
    let _ = parse::committed(bytes);
    let _ = parse::parse_tag(bytes);
    let lengths = parse::entries(bytes).map(|entry| entry.length());
    assert!(lengths.sum::<usize>() <= bytes.len());
}
