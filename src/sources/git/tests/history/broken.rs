//! Files that cannot be read, at the tip and before.

use super::*;

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
    for (path, message) in expected {
        assert!(
            problems[path].contains(message),
            "{path}: {}",
            problems[path]
        );
    }
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
