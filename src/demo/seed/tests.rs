use std::collections::BTreeSet;

use super::*;

fn planted() -> (tempfile::TempDir, Seeded) {
    let folder = tempfile::tempdir().unwrap();
    let now = "2026-11-21T14:00:00Z".parse().unwrap();
    let start = std::time::Instant::now();
    let beside = Beside {
        outside: "127.0.0.1:5000".to_owned(),
        forge: None,
    };
    let seeded = plant(folder.path(), now, 7, &beside).unwrap();
    println!("{} commits in {:?}", seeded.commits, start.elapsed());
    (folder, seeded)
}

#[test]
fn is_deterministic_and_of_a_believable_shape() {
    let (_one, first) = planted();
    let (_two, second) = planted();
    assert_eq!(first.tip, second.tip);
    assert!((600..=950).contains(&first.commits), "{}", first.commits);
    let repository = Repository::open(&first.clone).unwrap();
    let mut walk = repository.revwalk().unwrap();
    walk.push(first.tip).unwrap();
    let commits: Vec<_> = walk
        .map(|id| repository.find_commit(id.unwrap()).unwrap())
        .collect();
    assert_eq!(commits.len(), first.commits);
    let authors: BTreeSet<String> = commits
        .iter()
        .map(|c| c.author().name().unwrap().to_owned())
        .collect();
    assert_eq!(authors.len(), PEOPLE.len() + 1);
    let count = |test: &dyn Fn(&str) -> bool| {
        commits
            .iter()
            .filter(|c| test(c.message().unwrap()))
            .count()
    };
    assert!(count(&|m| m.starts_with("Merge pull request #")) > 50);
    assert!(count(&|m| m.starts_with("Revert ") || m.starts_with("revert ")) > 3);
    assert!(count(&|m| m.contains("\nPrevious-Version: ")) > 20);
    assert!(count(&|m| m.lines().next().unwrap().ends_with(')')) > 100);
    assert!(
        commits.iter().all(|c| c.time().seconds() < 1_795_269_600),
        "ends before now"
    );
    let mut last = i64::MAX;
    let mut tip = commits[0].clone();
    while let Ok(parent) = tip.parent(0) {
        assert!(
            tip.time().seconds() <= last,
            "the first parents are in order"
        );
        last = tip.time().seconds();
        tip = parent;
    }
}

#[test]
fn a_clone_is_clean_and_git_agrees() {
    let (_folder, seeded) = planted();
    let git = |folder: &Path, arguments: &[&str]| {
        let output = std::process::Command::new("git")
            .args(arguments)
            .current_dir(folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    };
    assert_eq!(git(&seeded.clone, &["status", "--porcelain"]), "");
    assert_eq!(git(&seeded.clone, &["fetch", "origin"]), "");
    git(&seeded.remote, &["fsck", "--strict"]);
    assert_eq!(
        git(&seeded.clone, &["rev-parse", "origin/HEAD"]).trim(),
        seeded.tip.to_string()
    );
}

#[test]
fn the_last_chapter_is_told() {
    let (_folder, seeded) = planted();
    let outline = outline("2026-11-21T14:00:00Z".parse().unwrap(), 7);
    assert_eq!(outline, seeded.cells, "known before there is a repository");
    let version = |service: &str, environment: &str| {
        let mut cells = seeded.cells.iter();
        let cell = cells
            .find(|c| c.service == service && c.environment == environment)
            .unwrap();
        cell.values.last().unwrap().0.clone()
    };
    let cases = [
        ("checkout", ["1.42.0", "1.42.0", "1.41.3", "1.42.0"]),
        ("payments", ["3.9.1", "3.9.1", "3.8.7", "3.8.7"]),
        ("identity", ["5.2.0", "5.1.0", "5.1.1", "5.1.1"]),
        ("catalog", ["4.4.1", "4.4.0", "4.3.1", "4.3.1"]),
        ("invoices", ["2.9.1", "2.7.0", "2.6.3", "2.6.3"]),
        ("pricing", ["6.0.2"; 4]),
    ];
    for (service, expected) in cases {
        assert_eq!(
            ENVIRONMENTS.map(|e| version(service, e)),
            expected,
            "{service}"
        );
    }
    let overlay = fs::read_to_string(
        seeded
            .clone
            .join("apps/cart/overlays/prod-us/kustomization.yaml"),
    )
    .unwrap();
    assert!(
        overlay.contains("newTag: \"1.17.2\" # us-east-1\n"),
        "{overlay}"
    );
}
