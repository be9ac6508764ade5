//! What is kept of a large matrix, against reading it anew.

use std::{fmt::Write as _, path::Path, sync::Arc};

use super::MANY_FILES;
use crate::{
    domain::{
        desired::Desired,
        ids::{EnvironmentName, ObjectId},
        layout::{LayoutSet, LayoutSpec},
    },
    sources::git::{
        Repo,
        tests::support::{Scratch, commit, git, open, rev},
    },
};

fn layouts(locator: &str) -> (Arc<LayoutSet>, Vec<EnvironmentName>) {
    let spec = LayoutSpec {
        path: Some("apps/{service}/{env}.yaml".to_owned()),
        yaml: Some(locator.to_owned()),
        ..LayoutSpec::default()
    };
    let environments = vec!["dev".into(), "prod".into()];
    let layouts = LayoutSet::compile(&[spec], &environments).unwrap();
    (Arc::new(layouts), environments)
}

/// More files than are read without being kept.
fn large(scratch: &Scratch) -> std::path::PathBuf {
    let path = scratch.init("r");
    let files: Vec<(String, String)> = (0..=MANY_FILES)
        .map(|n| {
            let mut text = String::new();
            write!(text, "tag: 1.{n}\nother: {n}\n").unwrap();
            (format!("apps/s{n:03}/prod.yaml"), text)
        })
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    commit(&path, &files, "many", 1_700_000_000);
    path
}

/// As a new process reads it.
fn read(path: &Path, cache: Option<&Path>, locator: &str) -> Desired {
    let mut repo = open(path);
    if let Some(folder) = cache {
        repo = repo.with_cache(folder);
    }
    let (layouts, environments) = layouts(locator);
    repo.desired(rev(path, "main"), &layouts, &environments)
        .unwrap()
}

fn kept(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn what_is_kept_reads_as_it_would_be_read() {
    let scratch = Scratch::new();
    let path = large(&scratch);
    let folder = scratch.path("cache");
    let cached = |locator| read(&path, Some(&folder), locator);
    let anew = |locator| read(&path, None, locator);
    for round in ["the first time", "again"] {
        assert_eq!(cached("tag"), anew("tag"), "{round}");
        assert_eq!(kept(&folder).len(), 1, "{round}");
    }
    // Another configuration has another file.
    assert_eq!(cached("other"), anew("other"));
    assert_eq!(kept(&folder).len(), 2);
    // What changed is read; what is broken is told each time.
    let changes = [
        ("apps/s000/prod.yaml", "tag: 2\n"),
        ("apps/s001/prod.yaml", "tag: [\n"),
        ("apps/new/dev.yaml", "tag: 3\n"),
    ];
    commit(&path, &changes, "changes", 1_700_000_100);
    git(&path, &["rm", "-q", "apps/s002/prod.yaml"]);
    commit(&path, &[], "one is gone", 1_700_000_200);
    for _ in 0..2 {
        let desired = cached("tag");
        assert_eq!(desired, anew("tag"));
        assert_eq!(desired.problems.len(), 1);
        assert_eq!(desired.services.len(), MANY_FILES);
    }
}

#[test]
fn a_matrix_with_a_broken_file_is_kept_and_told_with_it() {
    let scratch = Scratch::new();
    let path = large(&scratch);
    let folder = scratch.path("cache");
    let lfs = "version https://git-lfs.github.com/spec/v1\n";
    let files = [("apps/a/prod.yaml", "tag: [\n"), ("apps/b/prod.yaml", lfs)];
    commit(&path, &files, "broken", 1_700_000_100);
    for round in ["the first time", "again"] {
        let desired = read(&path, Some(&folder), "tag");
        assert_eq!(desired, read(&path, None, "tag"), "{round}");
        assert_eq!(desired.problems.len(), 2, "{round}");
    }
    assert_eq!(kept(&folder).len(), 1);
}

#[test]
fn a_damaged_file_is_as_none() {
    let scratch = Scratch::new();
    let path = large(&scratch);
    let folder = scratch.path("cache");
    let right = read(&path, Some(&folder), "tag");
    let [file] = &kept(&folder)[..] else {
        panic!("one file is kept");
    };
    let bytes = std::fs::read(file).unwrap();
    let damaged = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        bytes
    };
    let cases = [
        ("magic", damaged(0)),
        ("fingerprint", damaged(10)),
        ("sum", damaged(49)),
        ("files", damaged(bytes.len() / 2)),
        ("cut short", bytes[..bytes.len() - 1].to_vec()),
        ("empty", Vec::new()),
    ];
    for (what, bytes) in cases {
        std::fs::write(file, bytes).unwrap();
        assert_eq!(read(&path, Some(&folder), "tag"), right, "{what}");
        assert!(
            std::fs::read(file).unwrap().starts_with(b"TGFACT"),
            "{what}"
        );
    }
    // A folder in which nothing can be written costs nothing but time.
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "").unwrap();
    assert_eq!(read(&path, Some(&folder), "tag"), right);
}

#[test]
fn refs_share_what_their_files_say() {
    let scratch = Scratch::new();
    let path = large(&scratch);
    git(&path, &["branch", "dev"]);
    let spec = LayoutSpec {
        refs: Some("refs/heads/{env}".to_owned()),
        path: Some("apps/{service}/prod.yaml".to_owned()),
        yaml: Some("tag".to_owned()),
        ..LayoutSpec::default()
    };
    let environments: Vec<EnvironmentName> = vec!["main".into(), "dev".into()];
    let layouts = LayoutSet::compile(&[spec], &environments).unwrap();
    let repo: Repo = open(&path);
    let tip: ObjectId = rev(&path, "main");
    let of = |environment: &str| {
        let reference = format!("refs/heads/{environment}");
        let captures = layouts.ref_templates()[0].matches(&reference).unwrap();
        let view = layouts.view(&crate::domain::layout::Origin {
            repository: None,
            refs: Some(0),
            captures,
        });
        repo.desired(tip, &Arc::new(view), &environments).unwrap()
    };
    let (main, dev) = (of("main"), of("dev"));
    assert_eq!(main.cells.len(), dev.cells.len());
    assert!(
        main.cells
            .keys()
            .all(|key| key.environment.as_str() == "main")
    );
    assert!(
        dev.cells
            .keys()
            .all(|key| key.environment.as_str() == "dev")
    );
    let cache = repo.facts();
    let [one, other] = &cache.readings[..] else {
        panic!("one reading of each ref");
    };
    let same = one.files.iter().zip(&other.files);
    assert!(same.into_iter().all(|(a, b)| Arc::ptr_eq(&a.2, &b.2)));
}
