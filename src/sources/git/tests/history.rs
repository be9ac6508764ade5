//! Histories of small hand-made repositories, graphs drawn in the tests.

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
            HistoryEvent::End { shallow, .. } => found.shallow = shallow,
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
    };
    let found = history(&repo, tip, &layouts, &last);
    assert_eq!(lines(&found, "prod"), ["39 p39 p39"]);
    assert_eq!(lines(&found, "dev"), ["1 d1 d1"]);
    assert!(found.walked < 4, "{}", found.walked);
    let one = Want {
        cells: Some([CellKey::new("api", "dev")].into()),
        last_only: false,
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
        "2 move move",
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
fn a_partial_clone_fetches_what_it_lacks() {
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
fn bad_files_are_problems_and_cost_nothing_else() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    std::fs::create_dir_all(path.join("apps/link")).unwrap();
    std::os::unix::fs::symlink("../api/prod.yaml", path.join("apps/link/prod.yaml")).unwrap();
    let huge = format!("tag: 1\n# {}\n", "x".repeat(9 << 20));
    let files = [
        ("apps/api/prod.yaml", "tag: 1\n"),
        (
            "apps/lfs/prod.yaml",
            "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n",
        ),
        ("apps/bad/prod.yaml", "tag: [1\n"),
        ("apps/huge/prod.yaml", &huge),
    ];
    let tip = commit(&path, &files, "one", 1_700_000_000);
    let sub = format!("160000,{tip},apps/sub");
    git(&path, &["update-index", "--add", "--cacheinfo", &sub]);
    git(&path, &["commit", "-qm", "submodule"]);
    let repo = open(&path);
    let desired = repo
        .desired(rev(&path, "main"), &layouts(&[PATH], &[]), &environments())
        .unwrap();
    assert_eq!(
        desired
            .version(&CellKey::new("api", "prod"))
            .unwrap()
            .as_str(),
        "1"
    );
    let problems: BTreeMap<String, String> = desired
        .problems
        .into_iter()
        .map(|p| (p.path.unwrap().to_string(), p.message))
        .collect();
    let expected = [
        ("apps/bad/prod.yaml", ""),
        ("apps/huge/prod.yaml", "too large"),
        ("apps/lfs/prod.yaml", "Git LFS"),
        ("apps/link/prod.yaml", "symbolic link"),
        ("apps/sub", "submodule"),
    ];
    assert_eq!(
        problems.keys().map(String::as_str).collect::<Vec<_>>(),
        expected.map(|e| e.0)
    );
    for (path, words) in expected {
        assert!(problems[path].contains(words), "{path}: {}", problems[path]);
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
    assert!(diff.contains("-tag: 1\n+tag: 2\n"), "{diff}");
    assert!(!diff.contains("other"), "{diff}");
    assert!(
        repo.file_diff(rev(&path, "main~1"), &[])
            .unwrap()
            .contains("+tag: 1")
    );
}

/// Everything that is told of all cells, depths and authors included.
fn all_of(repo: &Repo, tip: ObjectId, layouts: &Arc<LayoutSet>) -> (Changes, u32) {
    let found = history(repo, tip, layouts, &Want::default());
    (found.changes, found.walked)
}

fn index_file(folder: &Path) -> std::path::PathBuf {
    let mut entries = std::fs::read_dir(folder).unwrap();
    entries.next().unwrap().unwrap().path()
}

#[test]
fn an_index_tells_what_a_whole_walk_tells() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    let fallback = |version: &str| format!("tag: {version}\n");
    commit(
        &path,
        &[("apps/api/all.yaml", &fallback("0"))],
        "fall-back",
        1_699_999_999,
    );
    set(&path, "prod", "1", "one", 0);
    git(&path, &["switch", "-qc", "a"]);
    set(&path, "prod", "2", "a", 10);
    git(&path, &["switch", "-q", "main"]);
    set(&path, "dev", "1", "dev", 15);
    merge(&path, "a", "M", 20);
    commit(
        &path,
        &[("apps/gone/prod.yaml", "tag: 1\n")],
        "gone comes",
        1_700_000_025,
    );
    let first = rev(&path, "main");
    let folder = scratch.path("cache");
    let plain = open(&path);
    let cached = open(&path).with_cache(&folder);
    let layouts = layouts(
        &["apps/{service}/{env:dev|prod}.yaml"],
        &["apps/{service}/all.yaml"],
    );
    let one = Want {
        cells: Some([CellKey::new("api", "dev")].into()),
        last_only: false,
    };
    let found = history(&cached, first, &layouts, &one).changes;
    assert_eq!(
        found,
        history(&plain, first, &layouts, &one).changes,
        "one cell"
    );
    assert!(
        index_file(&folder).exists(),
        "a question about one cell keeps all"
    );
    std::fs::remove_file(index_file(&folder)).unwrap();
    assert_eq!(
        all_of(&cached, first, &layouts),
        all_of(&plain, first, &layouts),
        "cold"
    );
    assert_eq!(
        all_of(&cached, first, &layouts),
        all_of(&plain, first, &layouts),
        "warm"
    );

    // Ordinary changes, a merge that brings the same value anew, a cell that goes and one that comes.
    set(&path, "dev", "2", "two", 30);
    git(&path, &["switch", "-qc", "b"]);
    set(&path, "prod", "9", "b1", 40);
    commit(
        &path,
        &[("apps/api/prod.yaml", "tag: 2\nreplicas: 1\n")],
        "b2",
        1_700_000_050,
    );
    git(&path, &["switch", "-q", "main"]);
    commit(&path, &[("README", "x")], "meanwhile", 1_700_000_055);
    merge(&path, "b", "N", 60);
    git(&path, &["rm", "-q", "apps/gone/prod.yaml"]);
    commit(
        &path,
        &[("apps/new/prod.yaml", "tag: 7\n")],
        "new",
        1_700_000_070,
    );
    let second = rev(&path, "main");
    let expected = all_of(&plain, second, &layouts);
    let prod = &expected.0[&CellKey::new("api", "prod")];
    assert_eq!(prod[0].authored.subject, "b2");
    assert_eq!(all_of(&cached, second, &layouts), expected, "caught up");
    assert_eq!(all_of(&cached, second, &layouts), expected, "warm again");
    let last = Want {
        cells: None,
        last_only: true,
    };
    let found = history(&cached, second, &layouts, &last).changes;
    assert_eq!(
        found,
        history(&plain, second, &layouts, &last).changes,
        "last changes"
    );

    // A damaged index, one cut short, and one for a branch that was rewritten are as if they were not there.
    let file = index_file(&folder);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(all_of(&cached, second, &layouts), expected, "damaged");
    std::fs::write(&file, &bytes[..middle]).unwrap();
    assert_eq!(all_of(&cached, second, &layouts), expected, "cut short");
    git(&path, &["reset", "-q", "--hard", &first.to_string()]);
    set(&path, "dev", "8", "rewritten", 90);
    let third = rev(&path, "main");
    assert_eq!(
        all_of(&cached, third, &layouts),
        all_of(&plain, third, &layouts),
        "rewritten"
    );
}

#[test]
fn an_index_is_left_aside_where_a_file_moved_since() {
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
    let folder = scratch.path("cache");
    let (plain, cached) = (open(&path), open(&path).with_cache(&folder));
    let layouts = layouts(&[PATH, "old/{service}/{env}.yaml"], &[]);
    all_of(&cached, rev(&path, "main"), &layouts);
    std::fs::create_dir_all(path.join("apps/api")).unwrap();
    git(&path, &["mv", "old/api/prod.yaml", "apps/api/prod.yaml"]);
    commit(&path, &[], "move", 1_700_000_020);
    set(&path, "prod", "3", "three", 30);
    let tip = rev(&path, "main");
    let found = history(&cached, tip, &layouts, &Want::default());
    assert_eq!(
        lines(&found, "prod"),
        ["3 three three", "2 move move", "1 one one"]
    );
    assert_eq!(
        all_of(&cached, tip, &layouts),
        all_of(&plain, tip, &layouts)
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

#[test]
fn what_could_not_be_read_is_passed_over() {
    let cases: [(&str, &[&str], &[&str]); 8] = [
        ("mended as it was", &["1", "!", "1"], &["1<- c0 c0"]),
        (
            "mended with another",
            &["1", "!", "2"],
            &["2<1 c2 c2", "1<- c0 c0"],
        ),
        (
            "twice, and on",
            &["1", "!", "!", "1", "2", "!", "2", "3"],
            &["3<2 c7 c7", "2<1 c4 c4", "1<- c0 c0"],
        ),
        ("never before", &["!", "!", "1"], &["1<- c2 c2"]),
        (
            "removed is removed",
            &["1", "!", "", "1"],
            &["1<- c3 c3", "-<1 c2 c2", "1<- c0 c0"],
        ),
        (
            "really reverted",
            &["1", "2", "!", "1"],
            &["1<2 c3 c3", "2<1 c1 c1", "1<- c0 c0"],
        ),
        ("broken still", &["1", "!"], &["-<1 c1 c1", "1<- c0 c0"]),
        (
            "broken twice still",
            &["1", "2", "!", "!"],
            &["-<2 c2 c2", "2<1 c1 c1", "1<- c0 c0"],
        ),
    ];
    for (name, line, expected) in cases {
        assert_eq!(told_of(line).0, expected, "{name}");
    }
}

/// Longer than a worker's first stretch, so that it is looked for beyond.
#[test]
fn a_long_break_is_passed_over_too() {
    let mut line = vec!["1"];
    line.extend(["!"; 40]);
    line.push("2");
    assert_eq!(told_of(&line).0, ["2<1 c41 c41", "1<- c0 c0"]);
}

/// An index made while the file was broken says that the value is gone; it is not gone on from there.
#[test]
fn an_index_of_a_broken_tip_is_left_aside_once_it_is_mended() {
    let (_, scratch, path) = told_of(&["1", "2", "!"]);
    let layouts = layouts(&[PATH], &[]);
    let repo = || open(&path).with_cache(&scratch.path("cache"));
    let broken = all_of(&repo(), rev(&path, "HEAD"), &layouts).0;
    let key = CellKey::new("api", "prod");
    assert_eq!(broken[&key].len(), 3);
    set(&path, "prod", "2", "mended", 4_000);
    let mended = all_of(&repo(), rev(&path, "HEAD"), &layouts).0;
    let whole = all_of(&open(&path), rev(&path, "HEAD"), &layouts).0;
    assert_eq!(mended, whole);
    assert_eq!(whole[&key].len(), 2, "the value of before goes on");
}
