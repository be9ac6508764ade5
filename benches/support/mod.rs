//! What the benchmarks run on: a generated repository, or a real clone that the environment names.
//!
//! ```text
//! TIDEGATE_BENCH_CLONE=~/govuk-helm-charts TIDEGATE_BENCH_CONFIG=govuk.toml cargo bench --bench history
//! ```
//!
//! Nothing is ever written into a clone: what runs is a repository beside it that borrows its objects. Nothing leaves
//! the machine.
#![allow(dead_code)] // no benchmark uses all of it
#![allow(clippy::expect_used, clippy::print_stderr)] // a harness fails by panicking, and says what it skips

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// A repository with its configuration, and the state folder of a user who has no other.
pub struct Bench {
    folder: TempDir,
    /// The newest commit.
    pub tip: String,
    /// A cell, for commands that ask for one.
    pub service: String,
    /// Its environment.
    pub environment: String,
}

/// What is generated.
pub struct Size {
    /// Rows.
    pub services: usize,
    /// Columns.
    pub environments: usize,
    /// Merges after the first commit, each of a branch that changes one cell.
    pub merges: usize,
}

/// What is generated of one file.
pub struct OneFile {
    /// Versions in the file.
    pub services: usize,
    /// Environments.
    pub branches: usize,
    /// Commits of the first branch, each of which changes one version; the others have fewer.
    pub commits: usize,
}

impl Bench {
    /// All services in `install.json`, on a branch for each environment.
    pub fn one_file(size: &OneFile) -> Self {
        let mut configuration = String::new();
        for number in 0..size.branches {
            let _ = writeln!(configuration, "[[environments]]\nname = \"env-{number}\"");
        }
        configuration.push_str(
            "[[layouts]]\nrefs = \"refs/heads/{env}\"\npath = \"install.json\"\njson = \"services.{service}.version\"\n",
        );
        let bench = Self::empty(&configuration);
        let mut builds = vec![0; size.services];
        let mut stream = String::new();
        for commit in 0..size.commits {
            let service = commit.wrapping_mul(7919) % size.services;
            if commit > 0 {
                builds[service] += 1;
            }
            let text = install(&builds, commit);
            let who = format!(
                "Bench <bench@example.com> {} +0000",
                1_700_000_000 + 60 * commit
            );
            let subject = format!("Update service-{service:04} to 1.{}.0", builds[service]);
            let _ = writeln!(
                stream,
                "commit refs/heads/main\nmark :{}\nauthor {who}\ncommitter {who}\ndata {}\n{subject}\nM 100644 inline install.json\ndata {}\n{text}",
                commit + 1,
                subject.len(),
                text.len()
            );
        }
        for branch in 0..size.branches {
            let last = size.commits - size.commits * branch / size.branches;
            let _ = writeln!(stream, "reset refs/heads/env-{branch}\nfrom :{last}\n");
        }
        bench.import(stream.as_bytes());
        bench.finish("service-0000", "env-0")
    }

    /// Every service in every environment in a file of its own, `apps/SERVICE/overlays/ENV/kustomization.yaml`.
    pub fn generated(size: &Size) -> Self {
        let bench = Self::empty(&configuration(size.environments));
        bench.import(&stream(size));
        bench.finish("service-0000", "env-0")
    }

    /// Every service of an environment in one file, `ENV.yaml`.
    pub fn shared_files(size: &Size) -> Self {
        let mut configuration = String::new();
        let mut files = String::new();
        for number in 0..size.environments {
            let _ = writeln!(configuration, "[[environments]]\nname = \"env-{number}\"");
            if let Some(upstream) = number.checked_sub(1) {
                let _ = writeln!(configuration, "from = [\"env-{upstream}\"]");
            }
            let mut text = String::from("# All of it.\nservices:\n");
            for service in 0..size.services {
                let _ = write!(
                    text,
                    "  service-{service:04}:\n    replicas: 3\n    image:\n      repository: registry.example.com/team/service-{service:04}\n      tag: 1.0.{}\n",
                    size.environments - number
                );
            }
            let _ = write!(
                files,
                "M 100644 inline env-{number}.yaml\ndata {}\n{text}\n",
                text.len()
            );
        }
        configuration.push_str(
            "[[layouts]]\npath = \"{env}.yaml\"\nyaml = \"services.{service}.image.tag\"\n",
        );
        let bench = Self::empty(&configuration);
        let who = "Bench <bench@example.com> 1700000000 +0000";
        let commit =
            format!("commit refs/heads/main\nauthor {who}\ncommitter {who}\ndata 7\nInitial\n");
        bench.import(format!("{commit}{files}").as_bytes());
        bench.finish("service-0000", "env-0")
    }

    /// The clone that `TIDEGATE_BENCH_CLONE` names, with the configuration of `TIDEGATE_BENCH_CONFIG`; else generated.
    pub fn real_or(size: &Size) -> Self {
        let Some(clone) = std::env::var_os("TIDEGATE_BENCH_CLONE") else {
            return Self::generated(size);
        };
        let clone = PathBuf::from(clone);
        let config = std::env::var_os("TIDEGATE_BENCH_CONFIG").map(PathBuf::from);
        let config = config.unwrap_or_else(|| clone.join("tidegate.toml"));
        let bench = Self::empty(&std::fs::read_to_string(config).expect("the configuration"));
        let ask =
            |arguments: &[&str]| output(Command::new("git").arg("-C").arg(&clone).args(arguments));
        let common = clone.join(ask(&["rev-parse", "--git-common-dir"]));
        let objects = common.canonicalize().expect("the clone").join("objects");
        let alternates = bench.repo().join("objects/info/alternates");
        std::fs::write(alternates, format!("{}\n", objects.display())).expect("alternates");
        let head = ask(&["rev-parse", "HEAD"]);
        bench.git(&["update-ref", "refs/heads/main", &head]);
        bench.finish("", "")
    }

    fn empty(configuration: &str) -> Self {
        let bench = Self {
            folder: TempDir::new().expect("a temporary folder"),
            tip: String::new(),
            service: String::new(),
            environment: String::new(),
        };
        bench.git_anywhere(&["init", "-q", "--bare", "-b", "main", "repo.git"]);
        std::fs::write(bench.config(), configuration).expect("the configuration");
        bench
    }

    /// The clone's objects are packed, as those of any clone are.
    fn import(&self, stream: &[u8]) {
        let mut child = self
            .command("git")
            .args(["fast-import", "--quiet"])
            .current_dir(self.repo())
            .stdin(Stdio::piped())
            .spawn()
            .expect("git fast-import");
        let mut input = child.stdin.take().expect("its input");
        input.write_all(stream).expect("its input");
        drop(input);
        assert!(child.wait().expect("git fast-import").success());
        self.git(&["repack", "-adfq", "--depth=50"]);
    }

    fn finish(mut self, service: &str, environment: &str) -> Self {
        self.tip = self.git(&["rev-parse", "main"]);
        (self.service, self.environment) = (service.to_owned(), environment.to_owned());
        if service.is_empty() {
            let status = output(self.tidegate().args(["status", "-o", "json", "--no-live"]));
            let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
            let service = &status["services"][0];
            let cells = service["cells"].as_object().expect("cells");
            let environment = cells.keys().next().expect("a cell");
            let service = service["name"].as_str().expect("a name");
            (self.service, self.environment) = (service.to_owned(), environment.to_owned());
        }
        self
    }

    /// The bare repository.
    pub fn repo(&self) -> PathBuf {
        self.folder.path().join("repo.git")
    }

    /// The configuration.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("bench.toml")
    }

    /// A work tree of the tip, checked out on first use.
    pub fn work_tree(&self) -> PathBuf {
        let place = self.folder.path().join("work");
        if !place.exists() {
            self.git_anywhere(&["clone", "-q", "--shared", "repo.git", "work"]);
        }
        place
    }

    /// Forgets what Tidegate has learned.
    pub fn forget(&self) {
        let _ = std::fs::remove_dir_all(self.folder.path().join("state"));
    }

    /// Every file that holds objects.
    pub fn objects(&self) -> BTreeSet<PathBuf> {
        let below = |folder: PathBuf| {
            let entries = std::fs::read_dir(folder).into_iter().flatten();
            entries.map(|entry| entry.expect("an entry").path())
        };
        let folders = below(self.repo().join("objects"));
        folders.flat_map(below).collect()
    }

    /// Takes away the objects that were written since.
    pub fn forget_objects(&self, before: &BTreeSet<PathBuf>) {
        for file in self.objects().difference(before) {
            std::fs::remove_file(file).expect("to remove an object");
        }
    }

    /// Another version in env-0 of so many services, in one commit on the branch.
    pub fn change(&self, services: usize) {
        let who = "Bench <bench@example.com> 1800000000 +0000";
        let mut stream = format!(
            "commit refs/heads/main\nauthor {who}\ncommitter {who}\ndata 0\nfrom refs/heads/main^0\n"
        );
        for service in 0..services {
            let text = file(service, 99);
            let path = path(service, 0);
            let _ = write!(
                stream,
                "M 100644 inline {path}\ndata {}\n{text}\n",
                text.len()
            );
        }
        self.import(stream.as_bytes());
    }

    /// Moves the branch, as a fetch would.
    pub fn move_to(&self, commit: &str) {
        self.git(&["update-ref", "refs/heads/main", commit]);
    }

    /// `tidegate` on this repository.
    pub fn tidegate(&self) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_tidegate"));
        command.arg("--repo").arg(self.repo());
        command.arg("--config").arg(self.config());
        command
    }

    /// The history of one cell, which reads that of all where nothing is known yet.
    pub fn history(&self) -> Command {
        let mut command = self.tidegate();
        command.args(["history", &self.service, &self.environment, "-o", "json"]);
        command
    }

    /// `git ARGUMENTS` in the repository: its output.
    pub fn git(&self, arguments: &[&str]) -> String {
        output(self.in_repo("git").args(arguments))
    }

    /// A program in the repository.
    pub fn in_repo(&self, program: &str) -> Command {
        let mut command = self.command(program);
        command.current_dir(self.repo());
        command
    }

    fn git_anywhere(&self, arguments: &[&str]) {
        output(
            self.command("git")
                .args(arguments)
                .current_dir(self.folder.path()),
        );
    }

    /// A program that sees nothing of the user.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let folder = self.folder.path();
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            .env("XDG_STATE_HOME", folder.join("state"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LANG", "C.UTF-8");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Bench");
            command.env(format!("GIT_{role}_EMAIL"), "bench@example.com");
        }
        command
    }
}

/// Runs a command to its end, its output thrown away, as `> /dev/null` does.
pub fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).status().expect("a program");
    assert!(status.success(), "{command:?}: {status}");
}

/// A command's output, trimmed.
pub fn output(command: &mut Command) -> String {
    let output = command.output().expect("a program");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// How `yq` is told to write into files: there are two programs of that name. Says so where there is none.
pub fn yq_in_place() -> Option<&'static [&'static str]> {
    let version = has("yq").then(|| output(Command::new("yq").arg("--version")))?;
    let by_jq: &[&str] = &["-y", "-i"];
    Some(if version.contains("mikefarah") {
        &["-i"]
    } else {
        by_jq
    })
}

/// Whether a program that people use for this is here; says so where it is not.
pub fn has(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        eprintln!("{program} is not installed: not compared with it");
    }
    found
}

/// The path of a cell's file.
pub fn path(service: usize, environment: usize) -> String {
    format!("apps/service-{service:04}/overlays/env-{environment}/kustomization.yaml")
}

fn configuration(environments: usize) -> String {
    let mut text = String::new();
    for number in 0..environments {
        let _ = writeln!(text, "[[environments]]\nname = \"env-{number}\"");
        if number > 0 {
            let _ = writeln!(text, "from = [\"env-{}\"]", number - 1);
        }
    }
    text + "[[layouts]]\npreset = \"kustomize\"\npath = \"apps/{service}/overlays/{env}/kustomization.yaml\"\n"
}

fn file(service: usize, version: usize) -> String {
    format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - ../../base\nimages:\n  \
         - name: registry.example.com/team/service-{service:04}\n    newTag: \"1.{}.{}\"\nreplicas:\n  \
         - name: service-{service:04}\n    count: 2\n",
        version / 10,
        version % 10
    )
}

/// `install.json`: of each service its version, and much that is no version.
fn install(builds: &[usize], commit: usize) -> String {
    let services = builds.iter().enumerate().map(|(number, build)| {
        format!(
            "    \"service-{number:04}\": {{\n      \"version\": \"1.{build}.0\",\n      \"repository\": \"https://git.example.com/team/service-{number:04}\",\n      \"chart\": \"oci://registry.example.com/charts/service-{number:04}\",\n      \"replicas\": 2\n    }}"
        )
    });
    let services: Vec<String> = services.collect();
    format!(
        "{{\n  \"build\": \"{commit}\",\n  \"services\": {{\n{}\n  }}\n}}\n",
        services.join(",\n")
    )
}

/// For `git fast-import`: everything at once, then the merges. Versions are older the farther down an environment is.
fn stream(size: &Size) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut commit =
        |name: &str, time: usize, subject: &str, parents: &[String], files: &[(String, String)]| {
            let who = format!(
                "Bench <bench@example.com> {} +0000",
                1_700_000_000 + 60 * time
            );
            let mut head = format!(
                "commit {name}\nmark :{time}\nauthor {who}\ncommitter {who}\ndata {}\n{subject}\n",
                subject.len()
            );
            for (number, parent) in parents.iter().enumerate() {
                let _ = writeln!(
                    head,
                    "{} {parent}",
                    if number == 0 { "from" } else { "merge" }
                );
            }
            stream.extend_from_slice(head.as_bytes());
            for (path, text) in files {
                let change = format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len());
                stream.extend_from_slice(change.as_bytes());
            }
            stream.push(b'\n');
        };
    let cells = (0..size.services).flat_map(|s| (0..size.environments).map(move |e| (s, e)));
    let first: Vec<_> = cells
        .map(|(s, e)| (path(s, e), file(s, size.environments - e)))
        .collect();
    commit("refs/heads/main", 1, "Initial versions", &[], &first);
    let mut landed = 1;
    for merge in 0..size.merges {
        // Spread over the cells without a pattern that a pack could learn.
        let cell = merge.wrapping_mul(7919) % (size.services * size.environments);
        let (s, e) = (cell / size.environments, cell % size.environments);
        let change = [(path(s, e), file(s, 10 + merge))];
        let (branch, time) = (format!(":{landed}"), landed + 1);
        let subject = format!(
            "Update service-{s:04} to 1.{}.{} in env-{e}",
            (10 + merge) / 10,
            merge % 10
        );
        commit(
            "refs/heads/branch",
            time,
            &subject,
            std::slice::from_ref(&branch),
            &change,
        );
        let subject = format!("Merge pull request #{merge} from team/bump");
        commit(
            "refs/heads/main",
            time + 1,
            &subject,
            &[branch, format!(":{time}")],
            &change,
        );
        landed += 2;
    }
    stream
}
