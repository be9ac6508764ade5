//! Histories of small hand-made repositories, graphs drawn in the tests.

mod broken;
mod index;
mod moved;
mod tags;

use std::{collections::BTreeMap, ops::ControlFlow, path::Path, sync::Arc};

use super::support::{Scratch, commit, git, git_at, open, rev, settle};
use crate::{
    domain::{
        history::Changes,
        ids::{CellKey, EnvironmentName, ObjectId},
        layout::{FallbackSpec, LayoutSet, LayoutSpec},
    },
    sources::git::{HistoryEvent, Repo, Want},
};

/// `apps/SERVICE/ENVIRONMENT.yaml` holds `tag: VERSION`; a moved layout reads `old/…`, too.
fn layouts(paths: &[&str], fallbacks: &[&str]) -> Arc<LayoutSet> {
    let specs: Vec<LayoutSpec> = paths
        .iter()
        .map(|path| LayoutSpec {
            path: Some((*path).into()),
            yaml: Some("tag".into()),
            fallbacks: fallbacks
                .iter()
                .map(|path| FallbackSpec {
                    path: (*path).into(),
                    yaml: Some("tag".into()),
                    ..FallbackSpec::default()
                })
                .collect(),
            ..LayoutSpec::default()
        })
        .collect();
    Arc::new(LayoutSet::compile(&specs, &environments()).unwrap())
}

fn environments() -> Vec<EnvironmentName> {
    vec!["dev".into(), "prod".into()]
}

const PATH: &str = "apps/{service}/{env}.yaml";

struct Found {
    changes: Changes,
    walked: u32,
    shallow: bool,
}

fn history(repo: &Repo, tip: ObjectId, layouts: &Arc<LayoutSet>, want: &Want) -> Found {
    let mut found = Found {
        changes: BTreeMap::new(),
        walked: 0,
        shallow: false,
    };
    let mut sink = |event| {
        match event {
            HistoryEvent::Changes(batch) => {
                for (cell, change) in batch {
                    found.changes.entry(cell).or_default().push(change);
                }
            }
            HistoryEvent::Progress(walked) => found.walked = walked,
            HistoryEvent::End { shallow } => found.shallow = shallow,
        }
        ControlFlow::Continue(())
    };
    repo.history(tip, layouts, &environments(), want, &mut sink)
        .unwrap();
    found
}

/// A cell's history as `version landed authored`, newest first, by subjects.
fn lines(found: &Found, environment: &str) -> Vec<String> {
    let key = CellKey::new("api", environment);
    let changes = found.changes.get(&key).map_or(&[][..], Vec::as_slice);
    changes
        .iter()
        .map(|change| {
            let version = change.version.as_ref().map_or("-", |v| v.as_str());
            format!(
                "{version} {} {}",
                change.landed.subject, change.authored.subject
            )
        })
        .collect()
}

fn set(repository: &Path, environment: &str, version: &str, subject: &str, time: i64) -> ObjectId {
    let path = format!("apps/api/{environment}.yaml");
    let text = format!("tag: {version}\n");
    commit(repository, &[(&path, &text)], subject, 1_700_000_000 + time)
}

fn merge(repository: &Path, branch: &str, subject: &str, time: i64) {
    let time = 1_700_000_000 + time;
    git_at(
        repository,
        &["merge", "-q", "--no-ff", "-m", subject, branch],
        time,
    );
}

/// ```text
/// one──two──M──three──N   M brings 2 from a branch, N brings 3 that was reverted to 2 and set again on its branch
///       └─a─┘    └─b─c─d─┘
/// ```
#[test]
fn finds_what_landed_and_who_wrote_it() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    set(&path, "prod", "1", "one", 0);
    commit(&path, &[("README", "x")], "two", 1_700_000_010);
    git(&path, &["switch", "-qc", "a"]);
    set(&path, "prod", "2", "a", 20);
    commit(&path, &[("README", "y")], "a2", 1_700_000_025);
    git(&path, &["switch", "-q", "main"]);
    merge(&path, "a", "M", 30);
    set(&path, "dev", "3", "three", 40);
    git(&path, &["switch", "-qc", "b"]);
    set(&path, "prod", "3", "b", 50);
    set(&path, "prod", "2", "c", 60);
    set(&path, "prod", "3", "d", 70);
    git(&path, &["switch", "-q", "main"]);
    commit(&path, &[("README", "z")], "meanwhile", 1_700_000_075);
    merge(&path, "b", "N", 80);
    let repo = open(&path);
    let found = history(
        &repo,
        rev(&path, "main"),
        &layouts(&[PATH], &[]),
        &Want::default(),
    );
    assert_eq!(lines(&found, "prod"), ["3 N d", "2 M a", "1 one one"]);
    assert_eq!(lines(&found, "dev"), ["3 three three"]);
    let prod = &found.changes[&CellKey::new("api", "prod")];
    assert_eq!(prod[0].previous.as_ref().unwrap().as_str(), "2");
    assert_eq!(prod[2].previous, None);
    assert_eq!(prod[0].landed.time.as_second(), 1_700_000_080);
    assert_eq!(prod[0].authored.time.as_second(), 1_700_000_070);
    assert!(!found.shallow);
}

#[test]
fn last_changes_end_the_walk_early_and_other_cells_are_left_out() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    for n in 0..40 {
        set(&path, "prod", &n.to_string(), &format!("p{n}"), n);
    }
    set(&path, "dev", "1", "d1", 100);
    let repo = open(&path);
    let (tip, layouts) = (rev(&path, "main"), layouts(&[PATH], &[]));
    let last = Want {
        cells: None,
        last_only: true,
        newest: None,
    };
    let found = history(&repo, tip, &layouts, &last);
    assert_eq!(lines(&found, "prod"), ["39 p39 p39"]);
    assert_eq!(lines(&found, "dev"), ["1 d1 d1"]);
    assert!(found.walked < 4, "{}", found.walked);
    let one = Want {
        cells: Some([CellKey::new("api", "dev")].into()),
        last_only: false,
        newest: None,
    };
    let found = history(&repo, tip, &layouts, &one);
    assert_eq!(found.changes.len(), 1);
    // The sink may stop it.
    let mut batches = 0;
    repo.history(
        tip,
        &layouts,
        &environments(),
        &Want::default(),
        &mut |_| {
            batches += 1;
            ControlFlow::Break(())
        },
    )
    .unwrap();
    assert_eq!(batches, 1);
}

#[test]
fn a_file_that_moved_is_judged_where_it_is_today_and_followed_where_it_was() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    commit(
        &path,
        &[("old/api/prod.yaml", "tag: 1\n")],
        "one",
        1_700_000_000,
    );
    commit(
        &path,
        &[("old/api/prod.yaml", "tag: 2\n")],
        "two",
        1_700_000_010,
    );
    std::fs::create_dir_all(path.join("apps/api")).unwrap();
    git(&path, &["mv", "old/api/prod.yaml", "apps/api/prod.yaml"]);
    commit(&path, &[], "move", 1_700_000_020);
    set(&path, "prod", "3", "three", 30);
    set(&path, "prod", "2", "back", 40);
    git(&path, &["rm", "-q", "apps/api/prod.yaml"]);
    commit(&path, &[], "gone", 1_700_000_050);
    set(&path, "prod", "4", "four", 60);
    let repo = open(&path);
    let layouts = layouts(&[PATH, "old/{service}/{env}.yaml"], &[]);
    let found = history(&repo, rev(&path, "main"), &layouts, &Want::default());
    let expected = [
        "4 four four",
        "- gone gone",
        "2 back back",
        "3 three three",
        "2 two two",
        "1 one one",
    ];
    assert_eq!(lines(&found, "prod"), expected);
    // A cell that does not exist today is followed by all layouts.
    let found = history(&repo, rev(&path, "main~1"), &layouts, &Want::default());
    let expected = [
        "- gone gone",
        "2 back back",
        "3 three three",
        "2 two two",
        "1 one one",
    ];
    assert_eq!(lines(&found, "prod"), expected);
}

#[test]
fn what_a_fall_back_said_counts() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    commit(
        &path,
        &[("apps/api/all.yaml", "tag: 1\n")],
        "one",
        1_700_000_000,
    );
    commit(
        &path,
        &[("apps/api/prod.yaml", "replicas: 2\n")],
        "prod",
        1_700_000_010,
    );
    commit(
        &path,
        &[("apps/api/all.yaml", "tag: 2\n")],
        "two",
        1_700_000_020,
    );
    set(&path, "prod", "2", "override the same", 30);
    set(&path, "prod", "3", "override", 40);
    let repo = open(&path);
    let layouts = layouts(
        &["apps/{service}/{env:dev|prod}.yaml"],
        &["apps/{service}/all.yaml"],
    );
    let found = history(&repo, rev(&path, "main"), &layouts, &Want::default());
    assert_eq!(
        lines(&found, "prod"),
        ["3 override override", "2 two two", "1 one one"]
    );
}

#[test]
fn a_shallow_clone_says_that_history_ends_early() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    set(&path, "prod", "1", "one", 0);
    set(&path, "prod", "2", "two", 10);
    commit(&path, &[("README", "x")], "three", 1_700_000_020);
    let url = format!("file://{}", path.display());
    git(
        scratch.dir.path(),
        &["clone", "-q", "--depth", "2", &url, "shallow"],
    );
    let repo = open(&scratch.path("shallow"));
    let tip = repo.base(None).unwrap().commit;
    let found = history(&repo, tip, &layouts(&[PATH], &[]), &Want::default());
    assert!(found.shallow);
    assert_eq!(lines(&found, "prod"), ["2 two two"]);
}

#[test]
fn a_partial_clone_fetches_what_it_lacks_when_asked() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    git(&path, &["config", "uploadpack.allowFilter", "true"]);
    git(&path, &["config", "uploadpack.allowAnySHA1InWant", "true"]);
    for n in 0..5 {
        set(&path, "prod", &n.to_string(), &format!("p{n}"), n);
    }
    let url = format!("file://{}", path.display());
    for filter in ["blob:none", "tree:0"] {
        let name = filter.replace(':', "-");
        git(
            scratch.dir.path(),
            &["clone", "-q", "--bare", "--filter", filter, &url, &name],
        );
        settle(&scratch.path(&name));
        let repo = open(&scratch.path(&name));
        let tip = repo.base(None).unwrap().commit;
        let layouts = layouts(&[PATH], &[]);
        let told = match repo.desired(tip, &layouts, &environments()) {
            Ok(desired) => desired.problems[0].message.clone(),
            Err(error) => error.to_string(),
        };
        assert!(told.contains("reading fetches nothing unasked"), "{told}");
        let repo = open(&scratch.path(&name)).fetching_missing(true);
        let desired = repo.desired(tip, &layouts, &environments()).unwrap();
        assert_eq!(desired.problems, [], "{filter}");
        assert_eq!(
            desired
                .version(&CellKey::new("api", "prod"))
                .unwrap()
                .as_str(),
            "4"
        );
        let found = history(&repo, tip, &layouts, &Want::default());
        assert_eq!(lines(&found, "prod").len(), 5, "{filter}");
    }
}

#[test]
fn packed_and_loose_objects_tell_the_same() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    for n in 0..30 {
        set(&path, "prod", &n.to_string(), &format!("p{n}"), n);
    }
    let repo = open(&path);
    let (tip, layouts) = (rev(&path, "main"), layouts(&[PATH], &[]));
    let loose = lines(&history(&repo, tip, &layouts, &Want::default()), "prod");
    assert_eq!(loose.len(), 30);
    git(&path, &["gc", "-q"]);
    let packed = lines(&history(&repo, tip, &layouts, &Want::default()), "prod");
    assert_eq!(packed, loose);
    // One pack and some loose objects, borrowed by another repository.
    set(&path, "prod", "30", "p30", 30);
    git(
        scratch.dir.path(),
        &["clone", "-q", "--shared", "r", "borrower"],
    );
    let repo = open(&scratch.path("borrower"));
    let found = history(&repo, rev(&path, "main"), &layouts, &Want::default());
    assert_eq!(lines(&found, "prod").len(), 31);
}

#[test]
fn shows_the_diff_of_a_commit_for_the_files_asked_for() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    set(&path, "prod", "1", "one", 0);
    commit(
        &path,
        &[("apps/api/prod.yaml", "tag: 2\n"), ("other", "x\n")],
        "two",
        1_700_000_010,
    );
    let repo = open(&path);
    let diff = repo
        .file_diff(rev(&path, "main"), &["apps/api/prod.yaml".into()])
        .unwrap();
    assert_eq!(diff.files.len(), 1);
    let text = diff.files[0].with_header();
    assert!(text.ends_with("@@ -1 +1 @@\n-tag: 1\n+tag: 2\n"), "{text}");
    let first = repo.file_diff(rev(&path, "main~1"), &[]).unwrap();
    assert!(
        first
            .files
            .iter()
            .any(|file| file.with_header().contains("+tag: 1"))
    );
}

#[test]
fn a_commit_s_files_come_go_and_change_anywhere_and_what_is_no_text_is_said() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    let numbered = |other: &str| -> String {
        let line = |at: usize| match at {
            1 | 20 | 40 => format!("{other}{at}\n"),
            at => format!("{at}\n"),
        };
        (1..=40).map(line).collect()
    };
    let large = "x\n".repeat(5 << 20);
    let files = [
        ("changes", numbered("a").as_str()),
        ("goes", "tag: 1\n"),
        ("binary", "\0\u{1}"),
        ("large", "1\n"),
    ]
    .map(|(name, text)| (name, text.to_owned()));
    let refs: Vec<(&str, &str)> = files.iter().map(|(n, t)| (*n, t.as_str())).collect();
    commit(&path, &refs, "one", 1_700_000_000);
    git(&path, &["rm", "-q", "goes"]);
    let changed = format!("{}41\n", numbered("b"));
    commit(
        &path,
        &[
            ("changes", &changed),
            ("binary", "\0\u{2}"),
            ("large", &large),
            ("comes", "tag: 2"),
        ],
        "two",
        1_700_000_010,
    );
    let diff = open(&path).file_diff(rev(&path, "HEAD"), &[]).unwrap();
    let told: Vec<(&str, &str, Option<&str>)> = diff
        .files
        .iter()
        .map(|file| {
            (
                file.path.as_str(),
                file.became_shown(),
                file.unshown.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("binary", "", Some("not text")),
            ("changes", "", None),
            ("comes", "added", None),
            ("goes", "deleted", None),
            ("large", "", Some("too large to be shown")),
        ]
    );
    assert!(!diff.goes_on);
    let text = diff.files[1].with_header();
    let shown = git(&path, &["diff", "HEAD~1", "HEAD", "--", "changes"]);
    // Git guesses what a hunk is in, behind its header.
    let shown = shown.replace(" @@ a1", " @@").replace(" @@ a20", " @@");
    assert_eq!(
        text.trim_end(),
        shown[shown.find("---").unwrap()..].trim_end(),
        "as Git itself shows it"
    );
    let text = diff.files[2].with_header();
    assert!(
        text.contains("@@ -0,0 +1 @@\n+tag: 2\n\\ No newline"),
        "{text}"
    );
}

/// A value's history over commits of one file, oldest first: `version`, or `!` where the file cannot be read.
fn told_of(line: &[&str]) -> (Vec<String>, Scratch, std::path::PathBuf) {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    for (index, version) in line.iter().enumerate() {
        let text = match *version {
            "!" => format!("tag: [{index}\n<<<<<<< ours\n"),
            "" => format!("note: {index}\n"),
            version => format!("tag: {version}\nnote: {index}\n"),
        };
        let time = 1_700_000_000 + i64::try_from(index).unwrap() * 60;
        commit(
            &path,
            &[("apps/api/prod.yaml", &text)],
            &format!("c{index}"),
            time,
        );
    }
    let found = history(
        &open(&path),
        rev(&path, "HEAD"),
        &layouts(&[PATH], &[]),
        &Want::default(),
    );
    let key = CellKey::new("api", "prod");
    let told = found.changes.get(&key).map_or(&[][..], Vec::as_slice);
    let version = |version: &Option<crate::domain::version::Version>| {
        version.as_ref().map_or("-".to_owned(), ToString::to_string)
    };
    let told = told.iter().map(|change| {
        let (new, old) = (version(&change.version), version(&change.previous));
        format!(
            "{new}<{old} {} {}",
            change.landed.subject, change.authored.subject
        )
    });
    (told.collect(), scratch, path)
}
