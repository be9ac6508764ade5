//! Repositories with objects and refs that are not what they should be: a sentence for each, and the rest goes on.

use std::{collections::BTreeSet, fs, ops::ControlFlow, path::Path, process::Command, sync::Arc};

use super::{
    publishing::edit,
    support::{Scratch, commit, git, git_at, open, rev},
};
use crate::{
    domain::{
        diff::FileDiff,
        failure::{Failure, FailureKind},
        ids::{CellKey, EnvironmentName, ObjectId},
        layout::{LayoutSet, LayoutSpec},
        problem::Problem,
        version::Version,
    },
    sources::git::{
        HistoryEvent, LinesOf, Repo, Want, build_commit,
        objects::{Objects, name_of},
        store::{
            Type,
            fuzzing::{Pack, deflated, write_loose},
        },
    },
};

fn environments() -> Vec<EnvironmentName> {
    vec!["dev".into(), "prod".into()]
}

fn layouts(path: &str) -> Arc<LayoutSet> {
    let spec = LayoutSpec {
        path: Some(path.into()),
        yaml: Some("tag".into()),
        ..LayoutSpec::default()
    };
    Arc::new(LayoutSet::compile(&[spec], &environments()).unwrap())
}

const PATH: &str = "apps/{service}/{env}.yaml";

/// Two services in two environments on `main`, without a remote.
fn two_services(scratch: &Scratch) -> (std::path::PathBuf, ObjectId) {
    let path = scratch.init("r");
    let files = [
        ("apps/api/dev.yaml", "tag: 2\n"),
        ("apps/api/prod.yaml", "tag: 1\n"),
        ("apps/web/dev.yaml", "tag: 20\n"),
        ("apps/web/prod.yaml", "tag: 10\n"),
    ];
    let tip = commit(&path, &files, "one", 1_700_000_000);
    (path, tip)
}

/// Stores bytes under whatever name.
fn put(repository: &Path, id: ObjectId, kind: &str, content: &[u8]) {
    let object = [format!("{kind} {}\0", content.len()).as_bytes(), content].concat();
    write_loose(&repository.join(".git"), id, &deflated(&object));
}

fn id(digit: char) -> ObjectId {
    digit.to_string().repeat(40).parse().unwrap()
}

fn of(path: &Path, spec: &str) -> ObjectId {
    git(path, &["rev-parse", spec]).parse().unwrap()
}

/// A commit's text.
fn text(tree: ObjectId, parents: &[ObjectId]) -> String {
    let parents = parents.iter().map(|id| format!("parent {id}\n"));
    let parents = parents.collect::<Vec<_>>().concat();
    let who = "a <a> 1700000000 +0000";
    format!("tree {tree}\n{parents}author {who}\ncommitter {who}\n\nx\n")
}

fn history(
    repo: &Repo,
    tip: ObjectId,
    layouts: &Arc<LayoutSet>,
    last_only: bool,
) -> Result<usize, Failure> {
    let mut told = 0;
    let want = Want {
        cells: None,
        last_only,
        newest: None,
    };
    repo.history(tip, layouts, &environments(), &want, &mut |event| {
        if let HistoryEvent::Changes(changes) = event {
            told += changes.len();
        }
        ControlFlow::Continue(())
    })?;
    Ok(told)
}

fn says(error: &Failure, message: &[&str]) {
    let said = error.to_string();
    for message in message {
        assert!(said.contains(message), "{message}: {said}");
    }
    assert!(!error.next.is_empty(), "{said}");
}

#[test]
fn a_broken_file_or_folder_is_a_problem_of_its_own() {
    for (spec, gone, message) in [
        (
            "HEAD:apps/api/prod.yaml",
            vec!["api/prod"],
            "apps/api/prod.yaml cannot be read",
        ),
        (
            "HEAD:apps/api",
            vec!["api/dev", "api/prod"],
            "the folder apps/api cannot be read",
        ),
    ] {
        for (how, why) in [
            ("cut", "is cut short"),
            ("empty", "is empty"),
            ("gone", "is missing"),
            ("other", "content that is not its own"),
        ] {
            let scratch = Scratch::new();
            let (path, tip) = two_services(&scratch);
            let broken = of(&path, spec);
            let whole = git(&path, &["cat-file", "-t", spec]);
            match how {
                "cut" => {
                    let name = broken.to_string();
                    let file = path.join(".git/objects").join(&name[..2]).join(&name[2..]);
                    let bytes = fs::read(&file).unwrap();
                    write_loose(&path.join(".git"), broken, &bytes[..bytes.len() - 4]);
                }
                "empty" => write_loose(&path.join(".git"), broken, b""),
                "other" if whole == "blob" => put(&path, broken, "blob", b"tag: 666\n"),
                "other" => put(&path, broken, "tree", b""),
                _ => {
                    let name = broken.to_string();
                    fs::remove_file(path.join(".git/objects").join(&name[..2]).join(&name[2..]))
                        .unwrap();
                }
            }
            let desired = open(&path)
                .desired(tip, &layouts(PATH), &environments())
                .unwrap();
            for (cell, version) in [
                ("api/dev", "2"),
                ("api/prod", "1"),
                ("web/dev", "20"),
                ("web/prod", "10"),
            ] {
                let (service, environment) = cell.split_once('/').unwrap();
                let found = desired.version(&CellKey::new(service, environment));
                let expected = (!gone.contains(&cell)).then_some(version);
                assert_eq!(found.map(Version::as_str), expected, "{spec} {how} {cell}");
            }
            let problems: Vec<_> = desired
                .problems
                .iter()
                .map(|it| it.message.clone())
                .collect();
            let said = problems
                .iter()
                .any(|it| it.contains(message) && it.contains(why) && it.contains("git f"));
            assert!(said && problems.len() == 1, "{spec} {how}: {problems:?}");
        }
    }
}

#[test]
fn a_broken_commit_or_first_folder_is_named() {
    for (spec, message) in [
        ("HEAD", "cannot read commit"),
        ("HEAD^{tree}", "cannot read folder"),
    ] {
        let scratch = Scratch::new();
        let (path, tip) = two_services(&scratch);
        let broken = of(&path, spec);
        write_loose(&path.join(".git"), broken, b"");
        let error = open(&path)
            .desired(tip, &layouts(PATH), &environments())
            .unwrap_err();
        assert_eq!(error.kind, FailureKind::Damaged, "{error}");
        says(
            &error,
            &[
                message,
                &broken.to_string(),
                "is empty",
                "git fetch --refetch",
                "git fsck --full",
            ],
        );
    }
}

#[test]
fn commits_in_their_own_past_end_every_walk() {
    let scratch = Scratch::new();
    let (path, tip) = two_services(&scratch);
    let tree = of(&path, "HEAD^{tree}");
    let other = git(&path, &["mktree"]).parse().unwrap_or(tree);
    let cases: [(&str, Vec<(ObjectId, String)>); 3] = [
        ("itself", vec![(id('2'), text(tree, &[id('2')]))]),
        (
            "two",
            vec![
                (id('2'), text(tree, &[id('3')])),
                (id('3'), text(other, &[id('2')])),
            ],
        ),
        (
            "farther down",
            vec![
                (id('2'), text(tree, &[id('3'), tip])),
                (id('3'), text(tree, &[id('4')])),
                (id('4'), text(tree, &[id('3')])),
            ],
        ),
    ];
    for (case, commits) in cases {
        for (id, text) in &commits {
            put(&path, *id, "commit", text.as_bytes());
        }
        let repo = open(&path);
        let layouts = layouts(PATH);
        let error = history(&repo, id('2'), &layouts, false).unwrap_err();
        says(&error, &["in its own past", "another's name", "git fsck"]);
        let error = history(&repo, id('2'), &layouts, true).unwrap_err();
        says(&error, &["in its own past"]);
        let mut base = repo.base(None).unwrap();
        base.commit = id('2');
        let now: jiff::Zoned = "2026-11-21T10:00:00+00:00[UTC]".parse().unwrap();
        says(
            &repo.resolve("2001-01-01", &base, &now).unwrap_err(),
            &["in its own past"],
        );
        let deep = format!("{}~9999999999", id('2'));
        says(
            &repo.revision(&deep, &base).unwrap_err(),
            &["in its own past"],
        );
        let objects = Objects::open(&repo).unwrap();
        assert!(
            !objects.is_ancestor(id('9'), tip).unwrap_or(false),
            "{case}"
        );
        assert!(!objects.is_ancestor(id('2'), tip).unwrap(), "{case}");
        let _ = objects.merge_bases(id('2'), id('3'));
        let _ = objects.merge_bases(id('2'), tip);
        // Nothing is built on what is not what its name says.
        let error = build_commit(
            &repo,
            id('2'),
            &[edit("apps/api/prod.yaml", "tag: 1\n", "tag: 2\n")],
            "x\n",
        );
        says(&error.unwrap_err(), &["content that is not its own"]);
    }
}

fn tree_entry(name: &str, id: ObjectId) -> Vec<u8> {
    [b"40000 ", name.as_bytes(), b"\0", id.as_bytes()].concat()
}

#[test]
fn folders_without_end_end() {
    let scratch = Scratch::new();
    let (path, tip) = two_services(&scratch);
    let apps = of(&path, "HEAD:apps");
    let mut pack = Pack::default();
    let mut real_tree = |content: &[u8]| {
        let id = name_of(Type::Tree, content).unwrap();
        pack.put_plain(id, 2, content);
        id
    };
    // In itself, twice.
    let round = id('1');
    put(
        &path,
        round,
        "tree",
        &[tree_entry("a", round), tree_entry("b", round)].concat(),
    );
    // Each ten times in the next: valid, and ten thousand million folders.
    let mut bomb = of(&path, "HEAD:apps/api");
    for _ in 0..10 {
        let entries: Vec<u8> = (0..10)
            .flat_map(|n| tree_entry(&format!("f{n}"), bomb))
            .collect();
        bomb = real_tree(&entries);
    }
    // One in the next, 20,000 levels.
    let mut deep = of(&path, "HEAD:apps/api");
    for _ in 0..20_000 {
        deep = real_tree(&tree_entry("d", deep));
    }
    let cases = [
        (
            "round",
            round,
            ["another's name", "content that is not its own"],
        ),
        ("bomb", bomb, ["goes on for more than"; 2]),
        ("deep", deep, ["goes on for more than"; 2]),
    ];
    let roots = cases.map(|(_, tree, _)| {
        real_tree(&[tree_entry("apps", apps), tree_entry("loop", tree)].concat())
    });
    pack.write(&path.join(".git"), "pack-a");
    for ((case, _, message), root) in cases.into_iter().zip(roots) {
        let says = |error: &Failure| {
            let said = error.to_string();
            assert!(
                message.iter().any(|message| said.contains(message)),
                "{case}: {said}"
            );
        };
        let commit = text(root, &[tip]);
        let commit_id = name_of(Type::Commit, commit.as_bytes()).unwrap();
        put(&path, commit_id, "commit", commit.as_bytes());
        let repo = open(&path);
        let everywhere = layouts("{folder*}/{service}/{env}.yaml");
        match repo.desired(commit_id, &everywhere, &environments()) {
            // The rest goes on, where the walk comes back.
            Ok(desired) => {
                let said =
                    |it: &Problem| message.iter().any(|message| it.message.contains(message));
                let said = desired.problems.iter().any(said);
                assert!(said, "{case}: {:?}", desired.problems);
                assert_eq!(
                    desired
                        .version(&CellKey::new("api", "dev"))
                        .unwrap()
                        .as_str(),
                    "2"
                );
            }
            Err(error) => says(&error),
        }
        let mut base = repo.base(None).unwrap();
        base.commit = commit_id;
        says(&repo.survey(&base).err().unwrap());
        // Where no layout looks, nothing is lost.
        let desired = repo
            .desired(commit_id, &layouts(PATH), &environments())
            .unwrap();
        assert_eq!(desired.cells.len(), 4, "{case}");
        assert!(desired.problems.is_empty(), "{case}");
        let found = history(&repo, commit_id, &everywhere, false);
        assert!(found.is_err() || case != "bomb", "{case}");
        let diff = repo.file_diff(commit_id, &[]);
        // Cut after two thousand files.
        let cut = diff.as_ref().is_ok_and(|it| it.goes_on);
        assert!(diff.is_err() || cut, "{case}");
        assert!(
            repo.file_diff(commit_id, &["apps/api/dev.yaml".into()])
                .is_ok(),
            "{case}"
        );
        let merged = repo.merge(tip, commit_id);
        assert!(merged.is_err(), "{case}");
    }
}

#[test]
fn tags_of_tags_end() {
    let scratch = Scratch::new();
    let (path, tip) = two_services(&scratch);
    let tag = |of: ObjectId, kind: &str| {
        format!("object {of}\ntype {kind}\ntag v\ntagger a <a> 1700000000 +0000\n\nx\n")
    };
    let round = id('5');
    put(&path, round, "tag", tag(round, "tag").as_bytes());
    let mut pack = Pack::default();
    let (mut deep, mut four) = (tip, tip);
    for level in 0..20_000 {
        let text = tag(deep, if level == 0 { "commit" } else { "tag" });
        deep = name_of(Type::Tag, text.as_bytes()).unwrap();
        pack.put_plain(deep, 4, text.as_bytes());
        if level == 3 {
            four = deep;
        }
    }
    pack.write(&path.join(".git"), "pack-a");
    for (name, id) in [("round", round), ("deep", deep), ("four", four)] {
        fs::write(path.join(".git/refs/tags").join(name), format!("{id}\n")).unwrap();
    }
    let repo = open(&path);
    let base = repo.base(None).unwrap();
    assert_eq!(repo.revision("four", &base).unwrap(), Some(tip));
    for name in ["round", "deep"] {
        says(
            &repo.revision(name, &base).unwrap_err(),
            &["is a tag of a tag", "git fsck"],
        );
    }
    let spec = LayoutSpec {
        refs: Some("refs/tags/{env}".into()),
        path: Some("apps/{service}/dev.yaml".into()),
        yaml: Some("tag".into()),
        ..LayoutSpec::default()
    };
    let environments = vec!["four".into(), "deep".into()];
    let set = LayoutSet::compile(&[spec], &environments).unwrap();
    says(
        &repo.lines(&set, &LinesOf::default()).unwrap_err(),
        &["is a tag of a tag"],
    );
}

#[test]
fn what_is_edited_is_what_its_name_says() {
    let scratch = Scratch::new();
    let (path, tip) = two_services(&scratch);
    let repo = open(&path);
    let change = [edit("apps/api/prod.yaml", "tag: 1\n", "tag: 2\n")];
    // Another content under the file's name, a folder's or the commit's.
    for spec in [
        "HEAD:apps/api/prod.yaml",
        "HEAD:apps/api",
        "HEAD:apps",
        "HEAD",
    ] {
        let scratch = Scratch::new();
        let (path, tip) = two_services(&scratch);
        let repo = open(&path);
        let broken = of(&path, spec);
        match spec {
            "HEAD" => put(
                &path,
                broken,
                "commit",
                text(of(&path, "HEAD^{tree}"), &[]).as_bytes(),
            ),
            "HEAD:apps/api/prod.yaml" => put(&path, broken, "blob", b"tag: 666\n"),
            _ => put(&path, broken, "tree", b""),
        }
        let read = repo.file(tip, "apps/api/prod.yaml").unwrap_err();
        says(&read, &["content that is not its own", &broken.to_string()]);
        if !spec.ends_with("yaml") {
            says(
                &build_commit(&repo, tip, &change, "x\n").unwrap_err(),
                &["content that is not its own"],
            );
        }
    }
    // Back to a version whose object is there, and empty: Git would take it for written, and the push would die of it.
    let name = name_of(Type::Blob, b"tag: 2\n").unwrap();
    assert_eq!(name, of(&path, "HEAD:apps/api/dev.yaml"));
    for content in [b"".to_vec(), deflated(b"blob 7\0tag: 3\n")] {
        write_loose(&path.join(".git"), name, &content);
        let error = build_commit(&repo, tip, &change, "x\n").unwrap_err();
        assert_eq!(error.kind, FailureKind::Damaged);
        says(&error, &[&name.to_string()]);
    }
    put(&path, name, "blob", b"tag: 2\n");
    let made = build_commit(&repo, tip, &change, "x\n").unwrap();
    git(
        &path,
        &["fsck", "--strict", "--no-dangling", &made.to_string()],
    );
}

#[test]
fn refs_that_are_no_refs_are_told_with_the_way_to_mend_them() {
    let scratch = Scratch::new();
    let (_, clone) = scratch.remote_and_clone(&[("apps/api/dev.yaml", "tag: 1\n")]);
    let file = clone.join(".git/refs/remotes/origin/main");
    git(&clone, &["fetch", "-q"]);
    let tip = rev(&clone, "origin/main");
    git(&clone, &["update-ref", "-d", "refs/remotes/origin/main"]);
    let spec = LayoutSpec {
        refs: Some("refs/heads/{env}".into()),
        path: Some("apps/{service}/dev.yaml".into()),
        yaml: Some("tag".into()),
        ..LayoutSpec::default()
    };
    let set = LayoutSet::compile(&[spec], &["main".into()]).unwrap();
    let (name, twice) = (tip.to_string(), tip.to_string().repeat(2));
    let cases: [(&str, &[u8], &str); 6] = [
        ("empty", b"", "is empty"),
        ("zeros", &[0; 41], "holds no name"),
        ("text", b"hello\n", "holds no name"),
        ("cut short", &name.as_bytes()[..39], "holds no name"),
        ("too long", twice.as_bytes(), "holds no name"),
        ("of nothing", b"ref: ", "holds no name"),
    ];
    for (case, content, message) in cases {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, content).unwrap();
        let repo = open(&clone);
        let error = repo.base(Some("main")).unwrap_err();
        assert_eq!(error.kind, FailureKind::Damaged, "{case}: {error}");
        says(
            &error,
            &[
                "refs/remotes/origin/main is damaged",
                message,
                "git fetch origin",
            ],
        );
        // Among many refs it would be passed over, and its environment gone.
        says(
            &repo.lines(&set, &LinesOf::default()).unwrap_err(),
            &["is damaged"],
        );
    }
    fs::remove_file(&file).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&file)
            .status()
            .unwrap()
            .success()
    );
    says(
        &Repo::discover(&clone).unwrap_err(),
        &["is a named pipe, not a regular file"],
    );
    fs::remove_file(&file).unwrap();
    git(&clone, &["fetch", "-q", "origin"]);
    assert_eq!(open(&clone).base(Some("main")).unwrap().commit, tip);
}

#[test]
fn what_git_keeps_beside_objects_may_be_broken() {
    let scratch = Scratch::new();
    let (path, one) = two_services(&scratch);
    let tip = commit(
        &path,
        &[("apps/api/prod.yaml", "tag: 2\n")],
        "two",
        1_700_000_100,
    );
    git(&path, &["repack", "-adq"]);
    git(&path, &["multi-pack-index", "write"]);
    git(&path, &["commit-graph", "write", "--reachable"]);
    for file in ["objects/pack/multi-pack-index", "objects/info/commit-graph"] {
        let file = path.join(".git").join(file);
        let whole = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        for bytes in [&b""[..], &whole[..whole.len() / 2], &[0xff; 2000]] {
            fs::write(&file, bytes).unwrap();
            let repo = open(&path);
            let desired = repo.desired(tip, &layouts(PATH), &environments()).unwrap();
            assert_eq!(desired.cells.len(), 4);
            assert_eq!(history(&repo, tip, &layouts(PATH), false).unwrap(), 5);
            let objects = Objects::open(&repo).unwrap();
            assert!(objects.is_ancestor(one, tip).unwrap());
            let change = [edit("apps/web/prod.yaml", "tag: 10\n", "tag: 11\n")];
            // Git itself gives up on some of these.
            if let Err(error) = build_commit(&repo, tip, &change, "x\n") {
                says(&error, &["multi-pack-index", "Remove that file"]);
            }
        }
        fs::write(&file, &whole).unwrap();
    }
}

/// `refs/replace`, notes and grafts are somebody's own view of what is stored; what is stored is what was pushed.
#[test]
fn what_is_stored_counts() {
    let scratch = Scratch::new();
    let (path, one) = two_services(&scratch);
    let two = commit(
        &path,
        &[("apps/api/prod.yaml", "tag: 2\n")],
        "two",
        1_700_000_100,
    );
    let other = commit(
        &path,
        &[("apps/api/prod.yaml", "tag: 666\n")],
        "other",
        1_700_000_200,
    );
    git(&path, &["reset", "-q", "--hard", &two.to_string()]);
    git(&path, &["replace", &two.to_string(), &other.to_string()]);
    git(
        &path,
        &["notes", "add", "-m", "looked at", &two.to_string()],
    );
    fs::create_dir_all(path.join(".git/info")).unwrap();
    fs::write(path.join(".git/info/grafts"), format!("{two}\n")).unwrap();
    let repo = open(&path);
    let desired = repo.desired(two, &layouts(PATH), &environments()).unwrap();
    assert_eq!(
        desired
            .version(&CellKey::new("api", "prod"))
            .unwrap()
            .as_str(),
        "2"
    );
    assert_eq!(history(&repo, two, &layouts(PATH), false).unwrap(), 5);
    let made = build_commit(
        &repo,
        two,
        &[edit("apps/api/prod.yaml", "tag: 2\n", "tag: 3\n")],
        "x\n",
    )
    .unwrap();
    let objects = Objects::open(&repo).unwrap();
    assert!(objects.is_ancestor(one, made).unwrap());
    // What the remote gets is what was built; Git itself cannot push where a graft hides what belongs to it.
    fs::remove_file(path.join(".git/info/grafts")).unwrap();
    scratch.init("to");
    git(
        &path,
        &[
            "--no-replace-objects",
            "push",
            "-q",
            "../to",
            &format!("{made}:refs/heads/x"),
        ],
    );
    assert_eq!(
        git(&scratch.path("to"), &["show", "x:apps/api/prod.yaml"]),
        "tag: 3"
    );
}

/// What Git would make of files in a work tree (`text`, `working-tree-encoding`, `ident`, filters) is not what is stored:
/// files are read and written as stored.
#[test]
fn attributes_change_nothing_of_what_is_stored() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    let attributes =
        "*.yaml text=auto eol=crlf ident filter=shout\nwide.yaml working-tree-encoding=UTF-16\n";
    git(&path, &["config", "filter.shout.clean", "tr a-z A-Z"]);
    git(&path, &["config", "filter.shout.smudge", "exit 1"]);
    git(&path, &["config", "filter.shout.required", "true"]);
    let stored = "# $Id$\ntag: 1 # caf\u{e9}\n";
    let blob = scratch.path("blob");
    fs::write(&blob, stored).unwrap();
    let id = git(
        &path,
        &["hash-object", "-w", "--no-filters", blob.to_str().unwrap()],
    );
    fs::write(path.join(".gitattributes"), attributes).unwrap();
    git(&path, &["add", ".gitattributes"]);
    for service in ["api", "web"] {
        let info = format!("100644,{id},apps/{service}/prod.yaml");
        git(&path, &["update-index", "--add", "--cacheinfo", &info]);
    }
    git(&path, &["commit", "-qm", "one"]);
    let tip = rev(&path, "HEAD");
    let repo = open(&path);
    assert_eq!(
        repo.file(tip, "apps/api/prod.yaml").unwrap().unwrap(),
        stored.as_bytes()
    );
    let after = stored.replace("tag: 1", "tag: 2");
    let made = build_commit(
        &repo,
        tip,
        &[edit("apps/api/prod.yaml", stored, &after)],
        "x\n",
    )
    .unwrap();
    let shown = git(
        &path,
        &["cat-file", "blob", &format!("{made}:apps/api/prod.yaml")],
    );
    assert_eq!(shown, after.trim_end());
    let diff = repo.file_diff(made, &[]).unwrap();
    let diff: String = diff.files.iter().map(FileDiff::with_header).collect();
    assert!(diff.contains("-tag: 1 # café\n+tag: 2 # café\n"), "{diff}");
}

/// On a disk that takes them for the same, Git keeps them apart all the same, and so do we.
#[test]
fn paths_that_differ_by_case_or_form_only_are_two() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    let (composed, taken_apart) = ("apps/caf\u{e9}/prod.yaml", "apps/cafe\u{301}/prod.yaml");
    let files = [
        ("apps/api/prod.yaml", "tag: 1\n"),
        ("apps/API/prod.yaml", "tag: 2\n"),
        (composed, "tag: 3\n"),
        (taken_apart, "tag: 4\n"),
    ];
    let tip = commit(&path, &files, "one", 1_700_000_000);
    let repo = open(&path);
    let desired = repo.desired(tip, &layouts(PATH), &environments()).unwrap();
    let services: BTreeSet<&str> = desired
        .cells
        .keys()
        .map(|key| key.service.as_str())
        .collect();
    assert_eq!(services, ["api", "API", "caf\u{e9}", "cafe\u{301}"].into());
    let edits = [
        edit("apps/API/prod.yaml", "tag: 2\n", "tag: 5\n"),
        edit(composed, "tag: 3\n", "tag: 6\n"),
    ];
    let made = build_commit(&repo, tip, &edits, "x\n").unwrap();
    git(
        &path,
        &["fsck", "--strict", "--no-dangling", &made.to_string()],
    );
    for (name, text) in [
        ("apps/api/prod.yaml", "tag: 1"),
        ("apps/API/prod.yaml", "tag: 5"),
        (composed, "tag: 6"),
        (taken_apart, "tag: 4"),
    ] {
        assert_eq!(git(&path, &["show", &format!("{made}:{name}")]), text);
    }
}

/// A thousand folders of a hundred files: what no layout reads costs next to nothing.
#[test]
fn a_hundred_thousand_files() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    let mut stream =
        String::from("commit refs/heads/main\ncommitter J <j@x> 1700000000 +0000\ndata 1\nx\n");
    for number in 0..100_000 {
        let (folder, file) = (number / 100, number % 100);
        let name = if file == 0 {
            "prod.yaml".to_owned()
        } else {
            format!("{file}.txt")
        };
        let text = format!("tag: 1.0.{folder}\n");
        let length = text.len().to_string();
        for part in [
            "M 100644 inline apps/s",
            &folder.to_string(),
            "/",
            &name,
            "\ndata ",
            &length,
            "\n",
            &text,
            "\n",
        ] {
            stream.push_str(part);
        }
    }
    let file = scratch.path("stream");
    fs::write(&file, stream).unwrap();
    let status = Command::new("git")
        .current_dir(&path)
        .args(["fast-import", "--quiet"])
        .stdin(fs::File::open(&file).unwrap())
        .status();
    assert!(status.unwrap().success());
    let repo = open(&path);
    let tip = rev(&path, "main");
    let desired = repo.desired(tip, &layouts(PATH), &environments()).unwrap();
    let declared = desired.cells.values().filter(|cell| cell.version.is_some());
    assert_eq!(declared.count(), 1000);
    assert_eq!(
        desired
            .version(&CellKey::new("s999", "prod"))
            .unwrap()
            .as_str(),
        "1.0.999"
    );
    let edits = [edit(
        "apps/s500/prod.yaml",
        "tag: 1.0.500\n",
        "tag: 1.0.501\n",
    )];
    let made = build_commit(&repo, tip, &edits, "x\n").unwrap();
    assert_eq!(
        git(&path, &["diff", "--name-only", "main", &made.to_string()]),
        "apps/s500/prod.yaml"
    );
    assert_eq!(
        repo.survey(&repo.base(None).unwrap())
            .unwrap()
            .paths()
            .len(),
        100_000
    );
}

/// ```text
/// o──a──x──c    both were merged into the other, so a and b are both where they met last
///  \  ╲╱
///   b─╱╲─y──d
/// ```
#[test]
fn branches_that_were_merged_crosswise_merge_as_git_merges_them() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    let lines = |changes: &[(usize, &str)]| -> String {
        (0..30)
            .map(|line| match changes.iter().find(|it| it.0 == line) {
                Some((_, text)) => format!("{text}\n"),
                None => format!("line {line}\n"),
            })
            .collect()
    };
    let at = |branch: &str, from: &str| git(&path, &["checkout", "-q", "-B", branch, from]);
    commit(
        &path,
        &[
            ("f", &lines(&[])),
            ("g", "1\n"),
            ("old", &lines(&[(1, "old")])),
        ],
        "o",
        1_700_000_000,
    );
    let o = git(&path, &["rev-parse", "HEAD"]);
    at("prod", &o);
    commit(&path, &[("f", &lines(&[(2, "a")]))], "a", 1_700_000_100);
    at("staging", &o);
    commit(&path, &[("f", &lines(&[(20, "b")]))], "b", 1_700_000_100);
    let (a, b) = (
        git(&path, &["rev-parse", "prod"]),
        git(&path, &["rev-parse", "staging"]),
    );
    at("prod", &a);
    git_at(
        &path,
        &["merge", "-q", "--no-ff", "-m", "x", &b],
        1_700_000_200,
    );
    at("staging", &b);
    git_at(
        &path,
        &["merge", "-q", "--no-ff", "-m", "y", &a],
        1_700_000_200,
    );
    at("prod", "prod");
    commit(
        &path,
        &[
            ("f", &lines(&[(2, "a"), (10, "c"), (20, "b")])),
            ("new/c", "c\n"),
        ],
        "c",
        1_700_000_300,
    );
    at("staging", "staging");
    git(&path, &["mv", "old", "moved"]);
    commit(
        &path,
        &[("f", &lines(&[(2, "a2"), (20, "b")])), ("new/d", "d\n")],
        "d",
        1_700_000_300,
    );
    let (prod, staging) = (rev(&path, "prod"), rev(&path, "staging"));

    let repo = open(&path);
    let objects = Objects::open(&repo).unwrap();
    let mut bases: Vec<String> = objects
        .merge_bases(prod, staging)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    bases.sort();
    let mut expected = vec![a.clone(), b.clone()];
    expected.sort();
    assert_eq!(bases, expected);
    let merged = repo.merge(prod, staging).unwrap();
    assert!(!merged.fast_forward);
    let changed: Vec<&str> = merged.edits.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(changed, ["f", "moved", "new/d", "old"]);
    at("merged", "prod");
    git(&path, &["merge", "-q", "-m", "m", "staging"]);
    let tree = git(&path, &["rev-parse", "HEAD^{tree}"]);
    assert_eq!(merged.tree.to_string(), tree);
    // In the same place otherwise: a conflict for both.
    at("staging", "staging");
    commit(
        &path,
        &[("f", &lines(&[(2, "a2"), (10, "d"), (20, "b")]))],
        "e",
        1_700_000_400,
    );
    let error = repo.merge(prod, rev(&path, "staging")).unwrap_err();
    says(&error, &["both branches changed f"]);
    // A broken file that both changed, or one did: no merge.
    let broken = of(&path, "staging:new/d");
    write_loose(&path.join(".git"), broken, b"");
    says(
        &repo.merge(prod, staging).unwrap_err(),
        &[&broken.to_string(), "is empty"],
    );
}

#[test]
fn where_histories_met_is_what_git_says() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    // A small graph with clocks that are wrong, and merges of all kinds.
    let mut commits: Vec<ObjectId> = Vec::new();
    let tree = git(&path, &["hash-object", "-t", "tree", "-w", "/dev/null"]);
    let mut seed = 7_usize;
    let mut random = |below: usize| {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
        (seed >> 8) % below
    };
    for number in 0..24 {
        let mut arguments = vec![
            "commit-tree".to_owned(),
            tree.clone(),
            "-m".into(),
            number.to_string(),
        ];
        let count = if number == 0 { 0 } else { 1 + random(2) };
        for _ in 0..count.min(number) {
            let back = 1 + random(number.min(6));
            arguments.extend(["-p".to_owned(), commits[number - back].to_string()]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let time = 1_700_000_000 + i64::try_from(random(40)).unwrap();
        commits.push(git_at(&path, &arguments, time).parse().unwrap());
    }
    let repo = open(&path);
    let objects = Objects::open(&repo).unwrap();
    for (number, one) in commits.iter().enumerate() {
        for other in &commits[..number] {
            let (one_name, other_name) = (one.to_string(), other.to_string());
            let said = Command::new("git")
                .current_dir(&path)
                .args(["merge-base", "--all", &one_name, &other_name])
                .output()
                .unwrap();
            let said = String::from_utf8(said.stdout).unwrap();
            let expected: BTreeSet<&str> = said.lines().collect();
            let found = objects.merge_bases(*one, *other).unwrap();
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
            assert_eq!(found, expected, "{one} {other}");
            let is_ancestor = expected.contains(other_name.as_str());
            assert_eq!(objects.is_ancestor(*other, *one).unwrap(), is_ancestor);
        }
    }
}

#[test]
fn revisions_are_what_git_says() {
    let scratch = Scratch::new();
    let (_, clone) = scratch.remote_and_clone(&[("a", "1\n")]);
    commit(&clone, &[("a", "2\n")], "two", 1_700_000_100);
    git(&clone, &["tag", "-a", "v1", "-m", "first"]);
    git(&clone, &["checkout", "-q", "-b", "env/prod"]);
    commit(&clone, &[("b", "3\n")], "three", 1_700_000_200);
    git(&clone, &["checkout", "-q", "main"]);
    git(
        &clone,
        &["merge", "-q", "--no-ff", "-m", "merged", "env/prod"],
    );
    let tip = rev(&clone, "HEAD").to_string();
    let (short, shorter) = (&tip[..12], &tip[..7]);
    let described = git(&clone, &["describe", "--tags", "--long"]);
    let repo = open(&clone);
    let base = repo.base(None).unwrap();
    for spelling in [
        "HEAD",
        "@",
        "main",
        "heads/main",
        "refs/heads/main",
        "v1",
        "tags/v1",
        "env/prod",
        "origin",
        "origin/main",
        "HEAD^",
        "HEAD^2",
        "HEAD~2",
        "HEAD^2~1",
        "main^{commit}",
        "v1^{}",
        "v1^0",
        "main@{1}",
        "main@{u}",
        "@{1}",
        "@{u}",
        &tip,
        short,
        shorter,
        &format!("{short}^2"),
        &described,
    ] {
        let expected = git(&clone, &["rev-parse", &format!("{spelling}^{{commit}}")]);
        let found = repo.revision(spelling, &base).unwrap();
        assert_eq!(found.map(|id| id.to_string()), Some(expected), "{spelling}");
    }
    for spelling in [
        "nope",
        "HEAD^3",
        "HEAD~99",
        "HEAD:a",
        "HEAD^{tree}",
        "main..v1",
        "config",
        "FETCH_HEAD",
        "",
        "abc",
        "@{99}",
        "0000000000000000000000000000000000000000",
        "-",
        "../main",
    ] {
        assert_eq!(repo.revision(spelling, &base).unwrap(), None, "{spelling}");
    }
    assert_eq!(
        repo.revision("main", &base)
            .unwrap()
            .map(|id| id.to_string()),
        Some(tip)
    );
}

/// A clock that went back, or stands in 1970, 2065 or nowhere, orders nothing wrongly: history follows parents, not times.
#[test]
fn clocks_that_jump_order_nothing() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    let mut tip = None;
    for (number, time) in (1..).zip([
        "1700000000",
        "3000000000",
        "0",
        "-5",
        "99999999999999999999999",
        "1600000000",
    ]) {
        let text = format!("tag: {number}\n");
        let tree = commit(&path, &[("apps/api/prod.yaml", &text)], "x", 1_700_000_000);
        let tree = git(&path, &["rev-parse", &format!("{tree}^{{tree}}")]);
        let parent = tip.map_or(String::new(), |tip| format!("parent {tip}\n"));
        let who = format!("a <a> {time} +0000");
        let text = format!("tree {tree}\n{parent}author {who}\ncommitter {who}\n\n{number}\n");
        let id = name_of(Type::Commit, text.as_bytes()).unwrap();
        put(&path, id, "commit", text.as_bytes());
        tip = Some(id);
    }
    let tip = tip.unwrap();
    let repo = open(&path);
    let mut told = Vec::new();
    let sink = &mut |event| {
        if let HistoryEvent::Changes(changes) = event {
            told.extend(
                changes
                    .into_iter()
                    .map(|(_, change)| change.landed.subject.clone()),
            );
        }
        ControlFlow::Continue(())
    };
    repo.history(tip, &layouts(PATH), &environments(), &Want::default(), sink)
        .unwrap();
    assert_eq!(told, ["6", "5", "4", "3", "2", "1"]);
    let objects = Objects::open(&repo).unwrap();
    let line: Vec<ObjectId> = objects.first_parents(tip).map(|it| it.unwrap().0).collect();
    assert_eq!(line.len(), 6);
    for (number, older) in line.iter().enumerate() {
        assert!(objects.is_ancestor(*older, tip).unwrap(), "{number}");
        assert_eq!(
            objects.is_ancestor(tip, *older).unwrap(),
            number == 0,
            "{number}"
        );
        assert_eq!(
            objects.merge_bases(tip, *older).unwrap(),
            [*older],
            "{number}"
        );
    }
}
