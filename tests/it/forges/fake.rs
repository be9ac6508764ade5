//! A forge on a loopback socket: Git's own server program, and beside it the part of an API that Tidegate uses, in three
//! dialects. What is asked is kept, and one request can be made to go wrong.

use std::{
    io::{self, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use super::{dialects, openapi::Document};
use crate::support::{
    http::{self, Request},
    repo::Repository,
    terminal::isolated,
};

/// What it is given by whoever may ask.
pub const TOKEN: &str = "s3same-of-the-forge";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Github,
    Gitlab,
    Gitea,
}

/// A pull request.
#[derive(Clone, Debug, Default)]
pub struct Pull {
    pub number: u64,
    pub branch: String,
    pub base: String,
    pub title: String,
    pub body: String,
    pub author: String,
    pub draft: bool,
    /// `open`, `closed`, `merged`.
    pub state: String,
    pub merged: Option<String>,
    /// Who said what of which commit.
    pub reviews: Vec<(String, String, String)>,
    pub labels: Vec<String>,
    pub reviewers: Vec<String>,
    /// It is merged once it has what is required.
    pub auto: bool,
    /// What is said below it.
    pub comments: Vec<String>,
}

/// What becomes of a request that begins so.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is carried out, and the connection ends without an answer.
    Unanswered,
    /// Nothing is said for ever; nothing is carried out.
    Silent,
    /// Another status, with more headers.
    Status(u16, String),
}

#[derive(Default)]
pub struct State {
    pub pulls: Vec<Pull>,
    /// How many approvals the branch asks for.
    pub need: u64,
    /// Checks by name: `success`, `pending`, `failure`.
    pub checks: Vec<(String, String)>,
    /// What stands beside these as a status of the commit, on GitHub.
    pub statuses: Vec<(String, String)>,
    /// Who is of the teams of `acme`, by their names; `None`: nobody may see that.
    pub teams: Vec<(String, Option<Vec<String>>)>,
    /// `METHOD path?query` of every request to the API.
    pub asked: Vec<String>,
    /// Requests without the token.
    pub strangers: usize,
    /// No token is taken any more.
    pub revoked: bool,
    /// Nothing is merged by itself.
    pub no_auto: bool,
    /// How often it was asked to merge something, and did.
    pub merges: usize,
    /// So long is a page of a list; 0: it has one.
    pub page: usize,
    /// What environments ask for, on GitHub; `None`: there are none.
    pub guard: Option<Value>,
    faults: Vec<(String, Fault)>,
    /// What the fake found wrong itself.
    pub wrong: Vec<String>,
}

pub struct Fake {
    pub port: u16,
    pub dialect: Dialect,
    state: Arc<Mutex<State>>,
    remote: PathBuf,
}

impl Fake {
    /// Serves a repository's remote as `acme/deploy`. With a document, all that is said is held against it.
    pub fn serve(repository: &Repository, dialect: Dialect, document: Option<Document>) -> Self {
        let root = repository.home().join("forge");
        std::fs::create_dir_all(root.join("acme")).unwrap();
        symlink(repository.remote(), root.join("acme/deploy")).unwrap();
        repository.git_in(
            &repository.remote(),
            &["config", "http.receivepack", "true"],
        );
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let remote = repository.remote();
        let (shared, at) = (Arc::clone(&state), remote.clone());
        let document = Arc::new(document);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, root, remote) = (Arc::clone(&shared), root.clone(), at.clone());
                let document = Arc::clone(&document);
                thread::spawn(move || {
                    let server = Server {
                        port,
                        dialect,
                        state: &state,
                        remote: &remote,
                        document: document.as_ref().as_ref(),
                    };
                    server.answer(stream, &root).ok()
                });
            }
        });
        let fake = Self {
            port,
            dialect,
            state,
            remote,
        };
        let clone = repository.clone_path();
        let address = format!("{}/acme/deploy", fake.url());
        repository.git_in(&clone, &["remote", "set-url", "origin", &address]);
        fake.configure(repository, "{ env = \"FORGE_TOKEN\" }");
        fake
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The user's own file names it.
    pub fn configure(&self, repository: &Repository, token: &str) {
        let kind = format!("{:?}", self.dialect).to_lowercase();
        let text = format!(
            "[[forges]]\nurl = \"{}/\"\nkind = \"{kind}\"\ntoken = {token}\n",
            self.url()
        );
        let file = repository.home().join("config/tidegate/config.toml");
        crate::support::repo::write(&file, text.as_bytes());
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next request that begins so goes wrong.
    pub fn fault(&self, request: &str, fault: Fault) {
        self.state().faults.push((request.to_owned(), fault));
    }

    /// A colleague opens one from a branch that is there.
    pub fn open(&self, branch: &str, author: &str) -> u64 {
        let pull = Pull {
            branch: branch.to_owned(),
            base: "main".to_owned(),
            title: format!("Merge {branch}"),
            author: author.to_owned(),
            ..Pull::default()
        };
        opened(&mut self.state(), &self.remote, self.dialect, pull)
    }

    /// Somebody reviews its newest commit.
    pub fn review(&self, number: u64, who: &str, says: &str) {
        let mut state = self.state();
        let pull = state
            .pulls
            .iter_mut()
            .find(|it| it.number == number)
            .unwrap();
        let head = head(&self.remote, &pull.branch);
        pull.reviews.push((who.to_owned(), says.to_owned(), head));
    }

    /// Somebody merges it, by a merge commit.
    pub fn merge(&self, repository: &Repository, number: u64) -> String {
        let branch = self.pull(number).branch;
        let at = repository.colleague();
        repository.git_in(&at, &["fetch", "-q", "origin"]);
        repository.git_in(&at, &["reset", "-q", "--hard", "origin/main"]);
        let theirs = format!("origin/{branch}");
        repository.git_in(&at, &["merge", "-q", "--no-ff", "-m", "Merge it", &theirs]);
        repository.git_in(&at, &["push", "-q", "origin", "HEAD:main"]);
        let merged = repository.git_in(&at, &["rev-parse", "HEAD"]);
        self.change(number, |pull| {
            "merged".clone_into(&mut pull.state);
            pull.merged = Some(merged.clone());
        });
        merged
    }

    /// Somebody pushes another commit to its branch.
    pub fn push_to(&self, repository: &Repository, number: u64) {
        let branch = self.pull(number).branch;
        let at = repository.colleague();
        repository.git_in(&at, &["fetch", "-q", "origin"]);
        let theirs = format!("origin/{branch}");
        repository.git_in(&at, &["checkout", "-q", "--detach", &theirs]);
        repository.git_in(&at, &["commit", "-q", "--allow-empty", "-m", "More"]);
        let to = format!("HEAD:refs/heads/{branch}");
        repository.git_in(&at, &["push", "-q", "origin", &to]);
        repository.git_in(&at, &["checkout", "-q", "--detach", "origin/main"]);
    }

    pub fn change(&self, number: u64, change: impl FnOnce(&mut Pull)) {
        let mut state = self.state();
        change(
            state
                .pulls
                .iter_mut()
                .find(|it| it.number == number)
                .unwrap(),
        );
    }

    pub fn pull(&self, number: u64) -> Pull {
        let state = self.state();
        let found = state.pulls.iter().find(|it| it.number == number);
        found.cloned().unwrap()
    }

    /// How often a pull request was opened by Tidegate.
    pub fn openings(&self) -> usize {
        let state = self.state();
        let opens = |line: &&String| {
            line.starts_with("POST ")
                && (line.ends_with("/pulls") || line.ends_with("/merge_requests"))
        };
        state.asked.iter().filter(opens).count()
    }

    /// Nothing went wrong that the fake saw.
    #[track_caller]
    pub fn is_content(&self) {
        let state = self.state();
        assert!(state.wrong.is_empty(), "{}", state.wrong.join("\n"));
        assert_eq!(state.strangers, 0, "every request has the token");
    }
}

/// The commit of a branch; that of the one it was, where it is gone.
pub fn head(remote: &Path, branch: &str) -> String {
    let full = format!("refs/heads/{branch}");
    let output = Command::new("git")
        .env_clear()
        .envs(isolated(remote))
        .args(["rev-parse", "--verify", "-q", &full])
        .current_dir(remote)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The commit of a tag, as a part of a path; `None`: there is none of that name.
pub fn tagged(remote: &Path, name: &str) -> Option<String> {
    revision(remote, &format!("refs/tags/{}", name.replace("%2F", "/")))
}

/// The commit that something names, a branch too; `None`: nothing is called so.
pub fn revision(remote: &Path, name: &str) -> Option<String> {
    let name = format!("{name}^{{commit}}");
    let found = Command::new("git")
        .args(["rev-parse", "--verify", "-q", &name])
        .envs(isolated(remote))
        .current_dir(remote)
        .output()
        .unwrap();
    let text = String::from_utf8(found.stdout).unwrap();
    found.status.success().then(|| text.trim().to_owned())
}

/// What `to` has and `from` has not, oldest first: its name, message, author and time; `None`: one of the two is not there.
pub fn between(remote: &Path, from: &str, to: &str) -> Option<Vec<[String; 4]>> {
    let tags = git(remote, &["tag", "--list"]);
    let is_tag = |name: &str| tags.lines().any(|tag| tag == name);
    if !is_tag(from) || !is_tag(to) {
        return None;
    }
    let span = format!("{from}..{to}");
    let said = git(
        remote,
        &[
            "log",
            "--reverse",
            "--format=%H%x00%B%x00%an%x00%aI%x01",
            &span,
        ],
    );
    let all = said
        .split('\u{1}')
        .map(str::trim_start)
        .filter(|it| !it.is_empty());
    let commit = |it: &str| {
        let mut parts = it.split('\0').map(|part| part.trim_end().to_owned());
        std::array::from_fn(|_| parts.next().unwrap())
    };
    Some(all.map(commit).collect())
}

/// Runs Git in the remote; its output.
fn git(remote: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .env_clear()
        .envs(isolated(remote))
        .args([
            "-c",
            "user.name=Forge",
            "-c",
            "user.email=forge@example.com",
        ])
        .args(arguments)
        .current_dir(remote)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Pull {
    /// How many approvals it has.
    fn approvals(&self) -> u64 {
        let by = self
            .reviews
            .iter()
            .filter(|(who, says, _)| says == "APPROVED" && *who != self.author);
        let by: std::collections::BTreeSet<&String> = by.map(|(who, ..)| who).collect();
        by.len() as u64
    }
}

impl State {
    /// It has the approvals that are required.
    pub fn is_approved(&self, pull: &Pull) -> bool {
        pull.approvals() >= self.need
    }

    /// Every check passed.
    pub fn is_green(&self) -> bool {
        let all = self.checks.iter().chain(&self.statuses);
        all.into_iter().all(|(_, says)| says == "success")
    }

    /// Merges one by a commit of two parents, as somebody asked.
    pub fn merge(&mut self, remote: &Path, number: u64) {
        let pull = self
            .pulls
            .iter_mut()
            .find(|it| it.number == number)
            .unwrap();
        let base = head(remote, &pull.base);
        let theirs = head(remote, &pull.branch);
        let tree = git(remote, &["merge-tree", "--write-tree", &base, &theirs]);
        let commit = git(
            remote,
            &[
                "commit-tree",
                "-p",
                &base,
                "-p",
                &theirs,
                "-m",
                "Merge it",
                &tree,
            ],
        );
        git(
            remote,
            &[
                "update-ref",
                &format!("refs/heads/{}", pull.base),
                &commit,
                &base,
            ],
        );
        "merged".clone_into(&mut pull.state);
        pull.merged = Some(commit);
        self.merges += 1;
    }

    /// Merges what is merged by itself and has what is required.
    pub fn merge_by_itself(&mut self, remote: &Path) {
        let is_ready = |it: &&Pull| it.state == "open" && it.auto && self.is_approved(it);
        let ready = self.pulls.iter().filter(is_ready).map(|it| it.number);
        let ready: Vec<u64> = if self.is_green() {
            ready.collect()
        } else {
            Vec::new()
        };
        for number in ready {
            self.merge(remote, number);
        }
    }
}

/// Takes a new one in, with the ref that has its commit.
pub fn opened(state: &mut State, remote: &Path, dialect: Dialect, mut pull: Pull) -> u64 {
    pull.number = state.pulls.len() as u64 + 1;
    "open".clone_into(&mut pull.state);
    let folder = if dialect == Dialect::Gitlab {
        "merge-requests"
    } else {
        "pull"
    };
    let name = format!("refs/{folder}/{}/head", pull.number);
    let commit = head(remote, &pull.branch);
    let made = Command::new("git")
        .env_clear()
        .envs(isolated(remote))
        .args(["update-ref", &name, &commit])
        .current_dir(remote)
        .status();
    assert!(made.unwrap().success(), "{name}");
    let number = pull.number;
    state.pulls.push(pull);
    number
}

/// One connection's view of it.
pub struct Server<'a> {
    pub port: u16,
    pub dialect: Dialect,
    pub state: &'a Mutex<State>,
    pub remote: &'a Path,
    pub document: Option<&'a Document>,
}

impl Server<'_> {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, mut stream: TcpStream, root: &Path) -> io::Result<()> {
        let request = Request::read(&stream)?;
        let Some(path) = request.path.strip_prefix("/api/") else {
            return http::git(&mut stream, root, request);
        };
        let path = path
            .split_once('/')
            .map_or(path, |(_, path)| path)
            .to_owned();
        let query = match request.query.as_str() {
            "" => String::new(),
            query => format!("?{query}"),
        };
        let line = format!("{} /{path}{query}", request.method);
        let fault = {
            let mut state = self.state();
            state.asked.push(line.clone());
            if !request.header("authorization").ends_with(TOKEN) {
                state.strangers += 1;
            }
            let at = state
                .faults
                .iter()
                .position(|(begins, _)| line.starts_with(begins));
            let revoked = state.revoked.then(|| Fault::Status(401, String::new()));
            revoked.or_else(|| at.map(|at| state.faults.remove(at).1))
        };
        match fault {
            Some(Fault::Silent) => {
                thread::sleep(Duration::from_mins(10));
                return Ok(());
            }
            Some(Fault::Status(status, headers)) => {
                let body = json!({ "message": format!("no {TOKEN} here") }).to_string();
                return write!(
                    stream,
                    "HTTP/1.1 {status} Odd\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
            _ => {}
        }
        // A mistake of the fake, or one that it found, fails the test instead of a thread.
        let answered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            dialects::answer(self, &request, &path)
        }));
        let (status, value) = answered.unwrap_or_else(|panic| {
            let words = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
            let words = format!("{line}: {}", words.unwrap_or_default());
            self.state().wrong.push(words);
            (500, Value::Null)
        });
        if let Some(Fault::Unanswered) = fault {
            return Ok(());
        }
        let (value, more) = match ["check_runs", "statuses"]
            .into_iter()
            .find(|key| value[key].is_array())
        {
            Some(key) => {
                let mut whole = value;
                let (page, more) = self.paged(&line, whole[key].take());
                whole[key] = page;
                (whole, more)
            }
            None => self.paged(&line, value),
        };
        let body = value.to_string();
        // As forges do: the same answer has the same tag.
        let tag = format!(
            "\"{:x}\"",
            body.bytes().fold(7_u64, |sum, byte| sum
                .wrapping_mul(31)
                .wrapping_add(byte.into()))
        );
        if request.header("if-none-match") == tag {
            return write!(
                stream,
                "HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\nConnection: close\r\n\r\n"
            );
        }
        write!(
            stream,
            "HTTP/1.1 {status} Said\r\n{more}ETag: {tag}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    /// The page of a list that is asked for, and the header that names the next.
    fn paged(&self, line: &str, value: Value) -> (Value, String) {
        let size = self.state().page;
        let Value::Array(items) = value else {
            return (value, String::new());
        };
        if size == 0 {
            return (Value::Array(items), String::new());
        }
        let (asked, page) = line.split_once("&page=").unwrap_or((line, "1"));
        let page: usize = page.parse().unwrap();
        let (_, path) = asked.split_once(' ').unwrap();
        let version = match self.dialect {
            Dialect::Github => "v3",
            Dialect::Gitlab => "v4",
            Dialect::Gitea => "v1",
        };
        // Gitea names no next page of statuses.
        let named = self.dialect != Dialect::Gitea || !path.contains("/status");
        let more = if named && items.len() > page * size {
            let (port, next) = (self.port, page + 1);
            format!(
                "Link: <http://127.0.0.1:{port}/api/{version}{path}&page={next}>; rel=\"next\"\r\n"
            )
        } else {
            String::new()
        };
        let items = items.into_iter().skip((page - 1) * size).take(size);
        (items.collect(), more)
    }
}
