//! Trees that are made from edits, as Git sees them.

use super::{
    publishing::edit,
    support::{Scratch, commit, git, open},
};
use crate::{
    domain::{failure::FailureKind, plan::FileEdit},
    sources::git::build_commit,
};

#[test]
fn new_files_stand_where_git_looks_for_them() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    let files = [
        ("a/x", "1\n"),
        ("a-b/x", "1\n"),
        ("a.b", "1\n"),
        ("z/deep/er/x", "1\n"),
        ("z/other", "1\n"),
    ];
    let base = commit(&path, &files, "one", 1_700_000_000);
    let repo = open(&path);
    let edits = [
        edit("z/deep/er/x", "1\n", "2\n"),
        edit("z/deep/new", "", "2\n"),
        edit("a/y/z", "", "2\n"),
        edit("a0", "", "2\n"),
        edit("a b/new", "", "2\n"),
        edit("zz", "", "2\n"),
    ];
    let made = build_commit(&repo, base, &edits, "x\n")
        .unwrap()
        .to_string();
    git(&path, &["fsck", "--strict", "--no-dangling", &made]);
    let mut expected: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
    expected.extend(["z/deep/new", "a/y/z", "a0", "a b/new", "zz"]);
    expected.sort_unstable();
    let names = git(&path, &["ls-tree", "-r", "--name-only", &made]);
    assert_eq!(names.lines().collect::<Vec<_>>(), expected);
    let changed = git(&path, &["diff", "--name-status", &base.to_string(), &made]);
    let expected = "A\ta b/new\nA\ta/y/z\nA\ta0\nM\tz/deep/er/x\nA\tz/deep/new\nA\tzz";
    assert_eq!(changed.trim(), expected);
    for (path, kind) in [
        ("../x", FailureKind::Refused),
        ("a//x", FailureKind::Refused),
        ("a/.git/config", FailureKind::Refused),
        ("a.b/x", FailureKind::Refused),
        ("a", FailureKind::Moved),
    ] {
        let error = build_commit(&repo, base, &[edit(path, "", "2\n")], "x\n").unwrap_err();
        assert_eq!(error.kind, kind, "{path}: {error}");
    }
}

#[test]
fn one_name_is_never_two_entries() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    let base = commit(&path, &[("x", "1\n")], "one", 1_700_000_000);
    let repo = open(&path);
    for paths in [["a", "a/b"], ["a/b", "a"], ["n/a", "n/a"]] {
        let edits = paths.map(|path| edit(path, "", "2\n"));
        let error = build_commit(&repo, base, &edits, "x\n").unwrap_err();
        assert_eq!(error.kind, FailureKind::Refused, "{paths:?}: {error}");
    }
}

#[test]
fn many_changes_are_one_pack() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    let files: Vec<(String, String)> = (0..120)
        .map(|n| (format!("apps/s{n:03}/tag"), format!("tag: {n}\n")))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let base = commit(&path, &files, "one", 1_700_000_000);
    git(&path, &["gc", "-q"]);
    let edits: Vec<FileEdit> = files
        .iter()
        .map(|(path, text)| edit(path, text, &text.replace("tag", "new")))
        .collect();
    let repo = open(&path);
    let made = build_commit(&repo, base, &edits, "x\n")
        .unwrap()
        .to_string();
    let counted = git(&path, &["count-objects", "-v"]);
    // The commit itself is made by `git`.
    assert!(counted.contains("count: 1\n"), "{counted}");
    assert!(counted.contains("packs: 2\n"), "{counted}");
    git(&path, &["fsck", "--strict", "--no-dangling", &made]);
    let text = git(&path, &["show", &format!("{made}:apps/s007/tag")]);
    assert_eq!(text.trim(), "new: 7");
}
