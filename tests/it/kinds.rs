//! Repositories as they are: each kind is read, walked and promoted in, and nothing of the user's in it moves.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::support::repo::{Repository, Said, kustomization, overlay, write};

/// How a kind is made: from the remote's address, in a folder of its own. The place to run in.
type Make = fn(&Kinds<'_>, &Path) -> PathBuf;

struct Kinds<'a> {
    repository: &'a Repository,
    address: String,
}

impl<'a> Kinds<'a> {
    fn of(repository: &'a Repository) -> Self {
        Self {
            repository,
            address: format!("file://{}", repository.remote().display()),
        }
    }

    fn git(&self, at: &Path, arguments: &[&str]) -> String {
        self.repository.git_in(at, arguments)
    }

    /// `git clone ARGUMENTS… ADDRESS clone` in `folder`.
    fn clone(&self, folder: &Path, arguments: &[&str]) -> PathBuf {
        let mut all = vec!["clone", "-q"];
        all.extend(arguments);
        all.extend([self.address.as_str(), "clone"]);
        self.git(folder, &all);
        folder.join("clone")
    }

    fn run(&self, at: &Path, arguments: &[&str]) -> Said {
        self.repository.run(at, arguments, "", &[])
    }
}

/// Everything of the user's: files of the work tree, the index, HEAD, local branches.
fn belongings(kinds: &Kinds<'_>, at: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let place = |what: &str| at.join(kinds.git(at, &["rev-parse", what]));
    let (own, common) = (place("--git-dir"), place("--git-common-dir"));
    // The branches of a mirror are the remote's, whoever fetches.
    let mirror = kinds.git(at, &["config", "--default=false", "remote.origin.mirror"]);
    let branches = ["for-each-ref", "refs/stash", "refs/heads"];
    let branches = &branches[..if mirror == "true" { 2 } else { 3 }];
    all.insert("branches".to_owned(), kinds.git(at, branches).into_bytes());
    for file in fs::read_dir(&own).expect("a git directory").flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if name == "HEAD" || name.contains("index") || name == "config.worktree" {
            all.insert(
                format!(".git/{name}"),
                fs::read(file.path()).expect("a file"),
            );
        }
    }
    all.insert(
        "config".into(),
        fs::read(common.join("config")).unwrap_or_default(),
    );
    if kinds.git(at, &["rev-parse", "--is-bare-repository"]) == "false" {
        files(
            Path::new(&kinds.git(at, &["rev-parse", "--show-toplevel"])),
            &mut all,
        );
    }
    all
}

fn files(folder: &Path, all: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != ".git") {
            files(&path, all);
        } else if path.is_file() {
            let bytes = fs::read(&path).expect("a file");
            all.insert(path.display().to_string(), bytes);
        }
    }
}

/// A kind that works: its name, how it is made, and which values of `checkout` in `dev` its history knows.
type Kind = (&'static str, Make, &'static [&'static str]);

/// Everything is there, in a place of its own.
const WHOLE: [Kind; 5] = [
    ("a clone", |kinds, folder| kinds.clone(folder, &[]), ALL),
    (
        "a clone with work in it",
        |kinds, folder| {
            let clone = kinds.clone(folder, &[]);
            write(&clone.join(overlay("checkout", "dev")), b"not: saved\n");
            write(&clone.join("new"), b"new\n");
            kinds.git(&clone, &["add", "new"]);
            clone
        },
        ALL,
    ),
    (
        "a folder inside",
        |kinds, folder| kinds.clone(folder, &[]).join("apps"),
        ALL,
    ),
    (
        "bare",
        |kinds, folder| kinds.clone(folder, &["--bare"]),
        ALL,
    ),
    (
        "a mirror",
        |kinds, folder| kinds.clone(folder, &["--mirror"]),
        ALL,
    ),
];

/// Something is not there.
const PARTS: [Kind; 6] = [
    (
        "shallow",
        |kinds, folder| kinds.clone(folder, &["--depth=1"]),
        &["1.1.0"],
    ),
    (
        "shallow by two",
        |kinds, folder| kinds.clone(folder, &["--depth=2"]),
        ALL,
    ),
    (
        "without blobs",
        |kinds, folder| kinds.clone(folder, &["--filter=blob:none", "--no-checkout"]),
        ALL,
    ),
    (
        "without blobs, bare",
        |kinds, folder| kinds.clone(folder, &["--filter=blob:none", "--bare"]),
        ALL,
    ),
    (
        "without trees",
        |kinds, folder| kinds.clone(folder, &["--filter=tree:0", "--no-checkout"]),
        ALL,
    ),
    (
        "shallow and without blobs",
        |kinds, folder| kinds.clone(folder, &["--filter=blob:none", "--depth=1"]),
        &["1.1.0"],
    ),
];

/// Some of it is in another place.
const ELSEWHERE: [Kind; 5] = [
    (
        "a linked worktree",
        |kinds, folder| {
            let clone = kinds.clone(folder, &[]);
            kinds.git(&clone, &["worktree", "add", "-q", "-b", "own", "../linked"]);
            folder.join("linked")
        },
        ALL,
    ),
    (
        "a linked worktree of a bare clone",
        |kinds, folder| {
            let clone = kinds.clone(folder, &["--bare"]);
            kinds.git(&clone, &["worktree", "add", "-q", "-b", "own", "../linked"]);
            folder.join("linked")
        },
        ALL,
    ),
    (
        "with objects in another",
        |kinds, folder| {
            kinds.git(folder, &["clone", "-q", "--bare", &kinds.address, "store"]);
            kinds.clone(folder, &["--reference", "store"])
        },
        ALL,
    ),
    (
        "a submodule",
        |kinds, folder| {
            kinds.git(folder, &["init", "-q", "-b", "main", "super"]);
            let parent = folder.join("super");
            kinds.git(
                &parent,
                &[
                    "-c",
                    "protocol.file.allow=always",
                    "submodule",
                    "--quiet",
                    "add",
                    &kinds.address,
                    "deploy",
                ],
            );
            kinds.git(&parent, &["commit", "-q", "-m", "with a submodule"]);
            parent.join("deploy")
        },
        ALL,
    ),
    (
        "a git directory elsewhere",
        |kinds, folder| kinds.clone(folder, &["--separate-git-dir=elsewhere"]),
        ALL,
    ),
];

/// Kept or set up otherwise.
const KEPT: [Kind; 6] = [
    (
        "sparse, with a sparse index",
        |kinds, folder| {
            let clone = kinds.clone(folder, &["--sparse"]);
            let set = ["sparse-checkout", "set", "--sparse-index", "apps/payments"];
            kinds.git(&clone, &set);
            clone
        },
        ALL,
    ),
    (
        "with a split index",
        |kinds, folder| {
            let clone = kinds.clone(folder, &[]);
            kinds.git(&clone, &["update-index", "--split-index"]);
            clone
        },
        ALL,
    ),
    (
        "with a commit-graph and a multi-pack index",
        |kinds, folder| {
            let clone = kinds.clone(folder, &[]);
            kinds.git(&clone, &["repack", "-q", "-a", "-d", "--write-midx"]);
            kinds.git(
                &clone,
                &["commit-graph", "write", "--reachable", "--changed-paths"],
            );
            kinds.git(&clone, &["pack-refs", "--all"]);
            clone
        },
        ALL,
    ),
    (
        "a detached HEAD",
        |kinds, folder| {
            let clone = kinds.clone(folder, &[]);
            kinds.git(&clone, &["switch", "-q", "--detach", "HEAD~1"]);
            clone
        },
        ALL,
    ),
    (
        "many remotes",
        |kinds, folder| {
            let clone = kinds.clone(folder, &[]);
            kinds.git(&clone, &["remote", "add", "fork", "../nowhere"]);
            kinds.git(&clone, &["remote", "add", "another", &kinds.address]);
            clone
        },
        ALL,
    ),
    (
        "a remote of another name, on a branch of one's own",
        |kinds, folder| {
            let clone = kinds.clone(folder, &["--origin", "upstream"]);
            kinds.git(&clone, &["switch", "-q", "-c", "mine", "HEAD~1"]);
            clone
        },
        ALL,
    ),
];

const ALL: &[&str] = &["1.1.0", "1.0.0"];

/// The seeded repository with `checkout` one ahead in `dev`, as a server that gives parts of itself.
fn server() -> Repository {
    let repository = Repository::seeded();
    repository.bump("checkout", "dev", "1.1.0");
    let remote = repository.remote();
    for key in ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"] {
        repository.git_in(&remote, &["config", key, "true"]);
    }
    repository
}

#[test]
fn clones_bare_repositories_and_mirrors() {
    each(&WHOLE);
}

#[test]
fn shallow_and_partial_clones() {
    each(&PARTS);
}

#[test]
fn worktrees_alternates_and_submodules() {
    each(&ELSEWHERE);
}

#[test]
fn sparse_checkouts_indexes_heads_and_remotes() {
    each(&KEPT);
}

/// Reads each kind, promotes in it, and looks whether everything of the user's is as it was.
fn each(all: &[Kind]) {
    let repository = server();
    let tip = repository.tip();
    let kinds = Kinds::of(&repository);
    for (name, make, values) in all {
        repository.git_in(
            &repository.remote(),
            &["update-ref", "refs/heads/main", &tip],
        );
        let folder = tempfile::tempdir().expect("a folder");
        let at = make(&kinds, folder.path());
        let before = belongings(&kinds, &at);

        let run = |arguments: &[&str]| {
            let asked: &[&str] = if name.contains("without") {
                &["--fetch-missing"]
            } else {
                &[]
            };
            kinds.run(&at, &[arguments, asked].concat())
        };
        let status = run(&["status", "--no-live", "-o", "json"]).exits(0).json();
        assert_eq!(status["commit"], tip, "{name}");
        assert_eq!(
            status["problems"].as_array().map(Vec::len),
            Some(0),
            "{name}: {status}"
        );
        let cells = &status["services"][0]["cells"];
        assert_eq!(
            (&cells["dev"]["version"], &cells["prod"]["version"]),
            (&"1.1.0".into(), &"1.0.0".into()),
            "{name}"
        );

        let history = run(&["history", "checkout", "dev", "-o", "json"])
            .exits(0)
            .json();
        let known: Vec<_> = history["values"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|value| value["version"].as_str().unwrap_or_default())
            .collect();
        assert_eq!(known, *values, "{name}: {history}");

        run(&[
            "promote", "checkout", "--from", "dev", "--to", "staging", "--yes",
        ])
        .exits(0);
        assert_eq!(
            repository.at_tip(&overlay("checkout", "staging")),
            kustomization("checkout", "1.1.0").trim(),
            "{name}"
        );
        let parent = repository.git_in(&repository.remote(), &["rev-parse", "main^"]);
        assert_eq!(parent, tip, "{name}");
        let status = run(&["status", "--no-live", "-o", "json"]).exits(0).json();
        assert_eq!(
            status["services"][0]["cells"]["staging"]["version"], "1.1.0",
            "{name}"
        );

        let after = belongings(&kinds, &at);
        let moved: Vec<_> = before
            .iter()
            .filter(|(what, bytes)| after.get(*what) != Some(bytes))
            .map(|(what, _)| what)
            .collect();
        assert!(
            moved.is_empty() && before.len() == after.len(),
            "{name}: {moved:?}"
        );
    }
}

/// The kinds that cannot be read: how they are made, and what is said.
const REFUSED: [(&str, Make, &[&str]); 5] = [
    (
        "with SHA-256 objects",
        |kinds, folder| {
            kinds.git(folder, &["init", "-q", "--object-format=sha256", "new"]);
            folder.join("new")
        },
        &["uses SHA-256 objects", "Point --repo at a clone"],
    ),
    (
        "with refs in a table",
        |kinds, folder| {
            let clone = kinds.clone(folder, &[]);
            for (key, value) in [
                ("core.repositoryFormatVersion", "1"),
                ("extensions.refStorage", "reftable"),
            ] {
                kinds.git(&clone, &["config", key, value]);
            }
            clone
        },
        &["keeps its refs in a reftable", "--ref-format=files"],
    ),
    (
        "of someone else",
        |kinds, folder| {
            let clone = kinds.clone(folder, &[]);
            let given = std::process::Command::new("chown")
                .args(["-R", "12345"])
                .arg(&clone)
                .status();
            if given.is_ok_and(|status| status.success()) {
                return clone;
            }
            // Only root may give files away; then there is nothing to see here.
            PathBuf::new()
        },
        &[
            "belongs to another user",
            "git config --global --add safe.directory",
        ],
    ),
    (
        "without any commit",
        |kinds, folder| {
            kinds.git(folder, &["init", "-q", "-b", "main", "new"]);
            folder.join("new")
        },
        &["has no main branch to read", "Make a first commit"],
    ),
    (
        "of remotes that are not told apart",
        |kinds, folder| {
            let clone = kinds.clone(folder, &["--origin", "one"]);
            kinds.git(&clone, &["remote", "add", "two", &kinds.address]);
            kinds.git(&clone, &["switch", "-q", "--detach"]);
            clone
        },
        &["which remote holds the deployment branch? There are one, two"],
    ),
];

#[test]
fn what_cannot_be_read_says_so_and_what_to_do() {
    let repository = server();
    let kinds = Kinds::of(&repository);
    for (name, make, words) in REFUSED {
        let folder = tempfile::tempdir().expect("a folder");
        let at = make(&kinds, folder.path());
        if at.as_os_str().is_empty() {
            continue;
        }
        for command in [
            ["status", "--no-live"].as_slice(),
            &["history", "checkout"],
            &["set", "checkout", "dev", "2", "--yes"],
        ] {
            let said = kinds.run(&at, command).exits(2);
            for words in words {
                assert!(said.err.contains(words), "{name}: {words}: {}", said.err);
            }
        }
    }
}

#[test]
fn a_partial_clone_without_its_remote_reads_what_it_has() {
    let repository = server();
    let kinds = Kinds::of(&repository);
    let folder = tempfile::tempdir().expect("a folder");
    let clone = kinds.clone(folder.path(), &["--filter=blob:none"]);
    repository.bump("payments", "dev", "1.1.0");
    kinds.git(&clone, &["fetch", "-q"]);
    let unasked = kinds.run(&clone, &["status", "--no-live", "-o", "json"]);
    let told = unasked.exits(0).json()["problems"][0]["message"].to_string();
    assert!(
        told.contains("lacks 1 object that origin has, and reading fetches nothing unasked")
            && told.contains("--fetch-missing"),
        "{told}"
    );
    let away = repository.remote().with_extension("away");
    fs::rename(repository.remote(), away).expect("the remote goes away");
    let path = overlay("payments", "dev");

    let said = kinds.run(
        &clone,
        &["status", "--fetch-missing", "--no-live", "-o", "json"],
    );
    let status = said.exits(0).json();
    let cells = &status["services"];
    assert_eq!(cells[0]["cells"]["dev"]["version"], "1.1.0");
    assert_eq!(cells[1]["cells"]["prod"]["version"], "1.0.0");
    let problems = status["problems"].as_array().cloned().unwrap_or_default();
    assert_eq!(problems.len(), 1, "{status}");
    let told = problems[0]["message"].as_str().unwrap_or_default();
    assert_eq!(problems[0]["path"], path);
    assert!(
        told.contains("this partial clone lacks 1 object, and origin did not give them"),
        "{told}"
    );
    kinds
        .run(&clone, &["history", "payments", "dev", "--fetch-missing"])
        .says("did not give them");
}

/// How many processes `git fetch` a run of `arguments` started, and what it said.
fn fetching(kinds: &Kinds<'_>, at: &Path, arguments: &[&str]) -> (usize, Said) {
    let trace = at.join("trace");
    let path = trace.display().to_string();
    let environment = [("GIT_TRACE2_EVENT", path.as_str())];
    let said = kinds.repository.run(at, arguments, "", &environment);
    let events = fs::read_to_string(&trace).unwrap_or_default();
    let started = events
        .lines()
        .filter(|line| line.contains("\"event\":\"start\""));
    let count = started.filter(|line| line.contains("\"fetch\"")).count();
    let _ = fs::remove_file(trace);
    (count, said)
}

#[test]
fn a_partial_clone_asks_for_what_it_lacks_in_batches() {
    let repository = server();
    for version in 2..14 {
        repository.bump("payments", "dev", &format!("1.{version}.0"));
    }
    let kinds = Kinds::of(&repository);
    for (filter, most) in [("blob:none", 3), ("tree:0", 5)] {
        let folder = tempfile::tempdir().expect("a folder");
        let filter = format!("--filter={filter}");
        let clone = kinds.clone(folder.path(), &[&filter, "--no-checkout"]);
        for reading in [
            &["status", "--no-live"][..],
            &["history", "payments", "dev"],
            &["trace", "payments", "1.2.0"],
            &["init", "--stdout"],
            &[
                "promote",
                "payments",
                "--from",
                "dev",
                "--to",
                "staging",
                "--dry-run",
            ],
        ] {
            let (count, said) = fetching(&kinds, &clone, reading);
            assert_eq!(count, 0, "{filter}: {reading:?} fetches nothing unasked");
            assert!(
                said.err.contains("--fetch-missing"),
                "{filter}: {reading:?}: {said:?}"
            );
        }
        let asked = |arguments: &[&str]| {
            let all = [arguments, &["--fetch-missing"]].concat();
            let (count, said) = fetching(&kinds, &clone, &all);
            said.exits(0);
            count
        };
        let status = asked(&["status", "--no-live"]);
        let history = asked(&["history", "payments", "dev"]);
        // The configuration, the files of the tip, those of the past, by which `status` counts how far a cell is behind;
        // without trees also those of the tip and of the past. What the one has fetched the other does not ask for.
        assert!(
            status + history <= most,
            "{filter}: {status} for the matrix, {history} for its history"
        );
        assert_eq!(asked(&["history", "payments"]), 0, "{filter}");
    }
}

#[test]
fn the_advice_for_a_partial_clone_works() {
    let repository = server();
    let kinds = Kinds::of(&repository);
    let folder = tempfile::tempdir().expect("a folder");
    let clone = kinds.clone(folder.path(), &["--filter=blob:none", "--no-checkout"]);
    let said = kinds.run(&clone, &["history", "checkout", "dev"]).exits(1);
    let advice = said.err.split("git fetch ").nth(1).expect("advice");
    let words: Vec<&str> = advice.split_whitespace().collect();
    kinds.git(&clone, &[&["fetch", "-q"], words.as_slice()].concat());
    kinds.run(&clone, &["history", "checkout", "dev"]).exits(0);
}
