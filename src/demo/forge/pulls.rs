//! Pull requests of the demo's repository, and what people make of them.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use git2::{FileMode, Oid, Repository, Signature, build::TreeUpdateBuilder};

use super::OPERATOR;

/// The branch that everything is merged into.
pub(super) const MAIN: &str = "main";
/// Who approves what the operator opens, with their mail address.
const APPROVER: (&str, &str, &str) = ("aiko", "Aiko Mori", "aiko@shop.example");
/// Who refuses what changes this service, and why.
const REFUSER: (&str, &str, &str) = (
    "tomasz",
    "ledger",
    "Not before the books of the month are closed.",
);
/// The bot, and what it brings: service, environment, from, to.
const BOT: &str = "shop-bot";
const BROUGHT: (&str, &str, &str, &str) = ("catalog", "staging", "4.4.0", "4.4.1");
/// The check of each, and after how many seconds it has passed.
pub(super) const CHECK: (&str, u64) = ("kubeconform", 3);
/// After how many seconds people have looked at one.
const LOOKED: u64 = 7;

/// What becomes of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Closed,
    Merged(Oid),
}

/// One pull request.
#[derive(Clone, Debug)]
pub(super) struct Pull {
    pub(super) number: u64,
    pub(super) branch: String,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) author: String,
    pub(super) state: State,
    /// It is merged as soon as it may be.
    pub(super) auto: bool,
    /// Its newest commit, and since when it has that.
    pub(super) head: Oid,
    since: Instant,
    /// Who said what of which commit.
    pub(super) reviews: Vec<Review>,
    pub(super) comments: Vec<String>,
}

/// What somebody said of a commit.
#[derive(Clone, Debug)]
pub(super) struct Review {
    pub(super) who: String,
    pub(super) approves: bool,
    pub(super) commit: Oid,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Pulls {
    pub(super) url: String,
    remote: PathBuf,
    speed: f64,
    pub(super) all: Vec<Pull>,
}

impl Pulls {
    /// With the bot's.
    pub(super) fn begin(url: String, remote: PathBuf, speed: f64) -> Result<Self, git2::Error> {
        let mut pulls = Self {
            url,
            remote,
            speed,
            all: Vec::new(),
        };
        let (service, environment, from, to) = BROUGHT;
        let branch = format!("bot/{service}-{to}");
        let title = format!("{environment}: {service} {to}");
        bring(&pulls.open_remote()?, &branch, &title)?;
        let body = format!("{from} to {to}, as dev runs it.");
        pulls.open(BOT, &branch, &title, &body)?;
        Ok(pulls)
    }

    fn open_remote(&self) -> Result<Repository, git2::Error> {
        Repository::open_bare(&self.remote)
    }

    /// The next number is open; `None`: there is no such branch.
    pub(super) fn open(
        &mut self,
        author: &str,
        branch: &str,
        title: &str,
        body: &str,
    ) -> Result<Option<&Pull>, git2::Error> {
        let Some(head) = self.head(branch)? else {
            return Ok(None);
        };
        let number = 401 + u64::try_from(self.all.len()).unwrap_or_default();
        self.all.push(Pull {
            number,
            branch: branch.to_owned(),
            title: title.to_owned(),
            body: body.to_owned(),
            author: author.to_owned(),
            state: State::Open,
            auto: false,
            head,
            since: Instant::now(),
            reviews: Vec::new(),
            comments: Vec::new(),
        });
        self.name(number, head)?;
        Ok(self.all.last())
    }

    pub(super) fn find(&mut self, number: u64) -> Option<&mut Pull> {
        self.all.iter_mut().find(|it| it.number == number)
    }

    fn head(&self, branch: &str) -> Result<Option<Oid>, git2::Error> {
        let repository = self.open_remote()?;
        Ok(repository
            .refname_to_id(&format!("refs/heads/{branch}"))
            .ok())
    }

    /// Its commit is found by its number.
    fn name(&self, number: u64, head: Oid) -> Result<(), git2::Error> {
        let repository = self.open_remote()?;
        let name = format!("refs/pull/{number}/head");
        repository.reference(&name, head, true, "pull request")?;
        Ok(())
    }

    /// So long its newest commit is there, in the seconds of the demo.
    fn age(&self, pull: &Pull) -> u64 {
        pull.since.elapsed().mul_f64(self.speed).as_secs()
    }

    /// Whether its check has passed.
    pub(super) fn is_checked(&self, head: Oid) -> bool {
        let mut all = self.all.iter();
        all.find(|it| it.head == head)
            .is_none_or(|pull| self.age(pull) >= CHECK.1)
    }

    /// What happened since somebody asked last: branches moved, people looked, what may be merged is.
    pub(super) fn pass(&mut self) -> Result<(), git2::Error> {
        for at in 0..self.all.len() {
            if self.all[at].state != State::Open {
                continue;
            }
            match self.head(&self.all[at].branch)? {
                Some(head) if head != self.all[at].head => {
                    self.all[at].head = head;
                    self.all[at].since = Instant::now();
                    self.name(self.all[at].number, head)?;
                }
                Some(_) => {}
                None => self.all[at].state = State::Closed,
            }
            self.look_at(at)?;
            if self.all[at].auto && self.lacks(at).is_none() {
                self.merge(at)?;
            }
        }
        Ok(())
    }

    fn look_at(&mut self, at: usize) -> Result<(), git2::Error> {
        let pull = &self.all[at];
        let is_known = |who: &str| {
            let mut reviews = pull.reviews.iter();
            reviews.any(|it| it.who == who && it.commit == pull.head)
        };
        if pull.author != OPERATOR.0 || self.age(pull) < LOOKED {
            return Ok(());
        }
        let (who, service, why) = REFUSER;
        let approves = !self.changes(pull, service)?;
        let who = if approves { APPROVER.0 } else { who };
        if is_known(who) {
            return Ok(());
        }
        let commit = pull.head;
        let pull = &mut self.all[at];
        pull.reviews.push(Review {
            who: who.to_owned(),
            approves,
            commit,
        });
        if !approves {
            pull.comments.push(why.to_owned());
        }
        Ok(())
    }

    /// Whether it changes files of a service.
    fn changes(&self, pull: &Pull, service: &str) -> Result<bool, git2::Error> {
        let repository = self.open_remote()?;
        let main = repository.refname_to_id("refs/heads/main")?;
        let base = repository.merge_base(main, pull.head)?;
        let tree = |commit| repository.find_commit(commit)?.tree();
        let diff =
            repository.diff_tree_to_tree(Some(&tree(base)?), Some(&tree(pull.head)?), None)?;
        let folder = format!("apps/{service}/");
        Ok(diff.deltas().any(|delta| {
            let path = delta.new_file().path();
            path.is_some_and(|path| path.starts_with(&folder))
        }))
    }

    /// What keeps one from being merged.
    pub(super) fn lacks(&self, at: usize) -> Option<&'static str> {
        let pull = &self.all[at];
        let mut now = pull.reviews.iter().filter(|it| it.commit == pull.head);
        if now.clone().any(|it| !it.approves) {
            return Some("Changes are requested.");
        }
        if !now.any(|it| it.approves && it.who != pull.author) {
            return Some("At least 1 approving review is required.");
        }
        (!self.is_checked(pull.head)).then_some("Not all required checks passed.")
    }

    /// Merges it, by a merge commit that says who approved it.
    pub(super) fn merge(&mut self, at: usize) -> Result<(), git2::Error> {
        let repository = self.open_remote()?;
        let pull = &self.all[at];
        let main = repository.find_commit(repository.refname_to_id("refs/heads/main")?)?;
        let head = repository.find_commit(pull.head)?;
        let mut merged = repository.merge_commits(&main, &head, None)?;
        let tree = repository.find_tree(merged.write_tree_to(&repository)?)?;
        let who = Signature::now("Forge", "forge@shop.example")?;
        let mut message = format!(
            "Merge pull request '{}' (#{}) from {} into {MAIN}\n\n",
            pull.title, pull.number, pull.branch
        );
        for review in pull.reviews.iter().filter(|it| it.approves) {
            let (login, name, mail) = APPROVER;
            let by = if review.who == login {
                format!("{name} <{mail}>")
            } else {
                format!("{} <{}@shop.example>", review.who, review.who)
            };
            message.extend(["Reviewed-by: ", &by, "\n"]);
        }
        let made = repository.commit(None, &who, &who, &message, &tree, &[&main, &head])?;
        repository.reference_matching("refs/heads/main", made, true, main.id(), "merge")?;
        self.all[at].state = State::Merged(made);
        Ok(())
    }

    /// Somebody reviews its newest commit.
    pub(super) fn approve(pull: &mut Pull) {
        let review = Review {
            who: OPERATOR.0.to_owned(),
            approves: true,
            commit: pull.head,
        };
        pull.reviews.push(review);
    }
}

/// The bot pushes its branch.
fn bring(repository: &Repository, branch: &str, message: &str) -> Result<(), git2::Error> {
    let (service, environment, from, to) = BROUGHT;
    let path = format!("apps/{service}/overlays/{environment}/kustomization.yaml");
    let main = repository.find_commit(repository.refname_to_id("refs/heads/main")?)?;
    let tree = main.tree()?;
    let file = tree.get_path(Path::new(&path))?;
    let text = repository.find_blob(file.id())?;
    let text = String::from_utf8_lossy(text.content()).replace(from, to);
    let blob = repository.blob(text.as_bytes())?;
    let tree = TreeUpdateBuilder::new()
        .upsert(path, blob, FileMode::Blob)
        .create_updated(repository, &tree)?;
    let tree = repository.find_tree(tree)?;
    let bot = Signature::now(BOT, "bot@shop.example")?;
    let made = repository.commit(None, &bot, &bot, message, &tree, &[&main])?;
    let name = format!("refs/heads/{branch}");
    repository.reference(&name, made, true, "push")?;
    Ok(())
}
