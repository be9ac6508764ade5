//! The only place that moves refs, by compare and swap; what it publishes is built in `commit`, `merge` and `tag`.
//!
//! A push moves the remote's branch only from the very commit that the change was built on, and only
//! forward. Without a remote the branch itself moves, unless it is checked out somewhere: moving it
//! under a work tree would make every file of the change look reverted there.

mod apart;
mod commit;
mod hooks;
mod left;
mod merge;
mod own;
mod stopped;
mod tag;
mod tree;

use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, Write},
    path::PathBuf,
    time::Duration,
};

pub(super) use self::hooks::runs;
pub use self::{
    apart::{arrived, who},
    commit::{Making, author, build_commit, build_merge, may_ask, may_commit, settled, signs},
    left::{Became, became},
    merge::Merged,
    own::{OwnBranch, own_branch},
    tag::{build_tag, may_tag},
};
use super::{
    Child, RanCommand, Repo,
    objects::Objects,
    ours,
    report::{RefStatus, link},
    theirs,
    transport::{self, heard, look, patiently_for, reported},
};
use crate::{
    domain::{
        delivery::{Destination, Push, Rejection},
        desired::Tip,
        failure::{Failure, FailureKind},
        ids::ObjectId,
    },
    sources::files::{self, Links},
};

/// How long a push may take: the server's hooks may run tests.
const PUSH_PATIENCE: Duration = Duration::from_mins(15);

/// How publishing ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushOutcome {
    /// The branch is at the commit now.
    Pushed {
        /// What the server said, often empty.
        message: String,
    },
    /// The branch of its own is on the remote.
    BranchPushed {
        /// Its name.
        branch: String,
        /// What the forge said.
        message: String,
        /// The link in those words that opens a pull request.
        link: Option<String>,
    },
    /// It is at other addresses than the one that is fetched, which does not have it yet: a fork, or a replica that lags.
    Elsewhere {
        /// Those that have it, without credentials.
        addresses: Vec<String>,
        /// What was said, and which addresses refused it, one line each.
        message: Vec<String>,
    },
    /// The remote branch is elsewhere; nothing was written.
    Moved {
        /// Its commit, fetched; `None` when the branch is gone.
        now: Option<ObjectId>,
    },
    /// The server refused; nothing was written.
    Rejected(Rejection),
    /// The connection failed and the remote does not answer: it may or may not have the commit.
    Unclear {
        /// What failed.
        message: String,
    },
}

/// Held while publishing from a clone; released when dropped.
#[derive(Debug)]
pub struct PublishLock {
    file: File,
}

impl Drop for PublishLock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// Takes the clone's publish lock. `who` is told to others meanwhile.
///
/// # Errors
/// `Busy`, naming who holds it; `Refused` where the git directory cannot be written.
pub fn lock(repo: &Repo, who: &str) -> Result<PublishLock, Failure> {
    // All that publish from it meet at one file, those that see it through a view too.
    let common = repo
        .elsewhere()
        .map_or(repo.common_dir(), |found| &found.common);
    let folder = common.join("tidegate");
    let path = folder.join("publish.lock");
    let mut file = files::make_folder(&folder)
        .and_then(|()| files::open_lock(&path))
        .map_err(|error| {
            Failure::new(FailureKind::Refused, error.to_string())
                .hint("Publishing writes commits into this clone; use one that you own")
        })?;
    match file.try_lock() {
        Ok(()) => {
            let _ = file.set_len(0);
            let _ = file.write_all(who.as_bytes());
            Ok(PublishLock { file })
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.rewind();
            let _ = (&mut file).take(1000).read_to_string(&mut holder);
            let holder = match holder.trim() {
                "" => "another Tidegate",
                known => known,
            };
            Err(Failure::new(
                FailureKind::Busy,
                format!("{holder} is publishing from this clone"),
            )
            .hint("Wait until it is done and try again"))
        }
        Err(TryLockError::Error(error)) => Err(Failure::new(
            FailureKind::Refused,
            format!("cannot lock {}: {error}", path.display()),
        )),
    }
}

/// Publishes by fast-forward from exactly the expected old value, never by force.
///
/// Returns what ran beside the outcome, for the activity log. An unclear network failure is resolved
/// by looking at the remote, never by pushing again.
///
/// # Errors
/// Only when nothing was tried: `Program`, or `Refused` when the commit is not on top of the base or
/// the branch is checked out.
pub async fn push(repo: &Repo, request: &Push) -> Result<(PushOutcome, Vec<RanCommand>), Failure> {
    let Push { base, commit, .. } = request;
    let is_tag = matches!(request.destination, Destination::Tag(_));
    if !is_tag && !is_ancestor(repo, base.commit, *commit)? {
        return Err(Failure::new(
            FailureKind::Refused,
            format!(
                "{} is not on top of {}",
                commit.short(),
                base.commit.short()
            ),
        ));
    }
    let Some(remote) = &base.remote else {
        return Ok((move_local(repo, request)?, Vec::new()));
    };
    let target = request.target();
    let expected = match &request.destination {
        Destination::Branch => base.commit.to_string(),
        Destination::Own(_) | Destination::Tag(_) => String::new(),
    };
    let shown = target.strip_prefix("refs/heads/").unwrap_or(&target);
    let apart = repo.addresses_apart(remote)?;
    let arguments = [
        "-c".to_owned(),
        format!("remote.{remote}.mirror=false"),
        "push".to_owned(),
        "--porcelain".to_owned(),
        "--no-follow-tags".to_owned(),
        "--recurse-submodules=no".to_owned(),
        format!("--force-with-lease={target}:{expected}"),
        "--".to_owned(),
        remote.clone(),
        format!("{commit}:{target}"),
    ];
    let child =
        Child::new(repo, arguments).shown(format!("git push {remote} {}:{shown}", commit.short()));
    let output = match patiently_for(PUSH_PATIENCE, child, remote).await {
        Ok(output) => output,
        Err(error) if error.kind == FailureKind::Interrupted => {
            return stopped::settle(repo, request, remote, apart.as_ref()).await;
        }
        Err(error) if error.kind == FailureKind::Network => {
            let (outcome, looked) = match &apart {
                Some(addresses) => apart::settle(repo, request, addresses, &[], &error.why).await,
                None => resolve(repo, request, remote, &target, &error.why).await,
            };
            return Ok((outcome, looked));
        }
        Err(error) => return Err(error),
    };
    let mut ran = vec![output.ran];
    let statuses = RefStatus::read(&output.stdout);
    let mut statuses = statuses.iter().filter(|status| status.to == target);
    if let Some(addresses) = &apart {
        let statuses: Vec<_> = statuses.collect();
        let settled = apart::settle(repo, request, addresses, &statuses, &output.stderr).await;
        ran.extend(settled.1);
        return Ok((settled.0.clone(), told(ran, &settled.0)));
    }
    let status = statuses.next();
    let outcome = match status {
        Some(status) if status.flag != '!' && output.status.success() => {
            done(request, heard(&output.stderr))
        }
        Some(status) if status.flag == '!' && !status.is_stale() && !status.is_unclear() => {
            PushOutcome::Rejected(Rejection::read(status.cause(), &output.stderr))
        }
        status => {
            let message = reported(&output.stderr);
            let (mut outcome, looked) = resolve(repo, request, remote, &target, &message).await;
            ran.extend(looked);
            if let PushOutcome::Rejected(rejection) = &mut outcome {
                let reason = match status {
                    Some(status) => status.reason.as_str(),
                    None if message.contains("fatal:") => "the connection failed",
                    None => "refused on this side (pre-push hook)",
                };
                *rejection = Rejection::read(reason, &output.stderr);
            }
            outcome
        }
    };
    if matches!(outcome, PushOutcome::Pushed { .. }) && !is_tag {
        follow(repo, remote, request);
    }
    let ran = told(ran, &outcome);
    Ok((outcome, ran))
}

/// What ran, the push first, which ended as the remote says: Git's exit code is the same whatever was refused.
fn told(mut ran: Vec<RanCommand>, outcome: &PushOutcome) -> Vec<RanCommand> {
    let word = match outcome {
        PushOutcome::Rejected(_) => "refused",
        PushOutcome::Moved { .. } => "refused: it moved",
        PushOutcome::Unclear { .. } => "unclear",
        PushOutcome::Pushed { .. }
        | PushOutcome::BranchPushed { .. }
        | PushOutcome::Elsewhere { .. } => return ran,
    };
    if !ran.is_empty() {
        let push = ran.remove(0).failed(word);
        ran.insert(0, push);
    }
    ran
}

/// Moves the remote-tracking ref to what was pushed, as Git does itself where the remote has a fetch refspec for the branch.
/// A bare clone has none, and would read the old commit until the next fetch.
fn follow(repo: &Repo, remote: &str, request: &Push) {
    let tracking = repo.tracking_ref(remote, request.base.branch());
    let (Ok(tracking), Ok(repository)) = (tracking, repo.open()) else {
        return;
    };
    if tracking.starts_with("refs/remotes/") {
        let (new, old) = (theirs(request.commit), theirs(request.base.commit));
        // Where it is not at the old commit any more, a fetch knows better.
        let _ = repository.reference_matching(&tracking, new, true, old, "tidegate");
    }
}

/// Says what became of a push by looking at the remote: there, not there, or elsewhere.
async fn resolve(
    repo: &Repo,
    request: &Push,
    remote: &str,
    target: &str,
    message: &str,
) -> (PushOutcome, Vec<RanCommand>) {
    let unclear = || PushOutcome::Unclear {
        message: message.to_owned(),
    };
    let refused = || PushOutcome::Rejected(Rejection::read("", message));
    let Ok((now, looked)) = look(repo, remote, target).await else {
        return (unclear(), Vec::new());
    };
    let mut ran = vec![looked];
    let own = !matches!(request.destination, Destination::Branch);
    let outcome = match now {
        Some(now) if now == request.commit => done(request, message.to_owned()),
        _ if own => refused(),
        Some(now) if now == request.base.commit => refused(),
        None => PushOutcome::Moved { now: None },
        Some(now) => match transport::fetch_to_look(repo, &request.base).await {
            Ok(fetched) => {
                ran.extend(fetched.ran);
                let now = fetched.base.commit;
                // Someone may have pushed on top of ours already.
                if is_ancestor(repo, request.commit, now).unwrap_or(false) {
                    done(request, message.to_owned())
                } else {
                    PushOutcome::Moved { now: Some(now) }
                }
            }
            Err(_) => PushOutcome::Moved { now: Some(now) },
        },
    };
    (outcome, ran)
}

fn done(request: &Push, message: String) -> PushOutcome {
    match &request.destination {
        Destination::Branch | Destination::Tag(_) => PushOutcome::Pushed { message },
        Destination::Own(branch) => PushOutcome::BranchPushed {
            branch: branch.clone(),
            link: link(&message),
            message,
        },
    }
}

/// Without a remote: the local branch moves by compare and swap, or a new one is made.
fn move_local(repo: &Repo, request: &Push) -> Result<PushOutcome, Failure> {
    let repository = repo.open()?;
    let failed = |error: &git2::Error| repo.error(error, "cannot move the branch");
    let (target, oid) = (&request.base.read, theirs(request.commit));
    if let Destination::Tag(name) = &request.destination {
        return match repository.reference(&format!("refs/tags/{name}"), oid, false, "tidegate") {
            Ok(_) => Ok(done(request, String::new())),
            Err(error) if error.code() == git2::ErrorCode::Exists => Ok(PushOutcome::Rejected(
                Rejection::read("", &format!("the tag {name} exists already")),
            )),
            Err(error) => Err(failed(&error)),
        };
    }
    if let Destination::Own(name) = &request.destination {
        let full = format!("refs/heads/{name}");
        return match repository.reference(&full, oid, false, "tidegate") {
            Ok(_) => Ok(done(
                request,
                format!("take it over with: git merge --ff-only {name}"),
            )),
            Err(error) if error.code() == git2::ErrorCode::Exists => Ok(PushOutcome::Rejected(
                Rejection::read("", &format!("the branch {name} exists already")),
            )),
            Err(error) => Err(failed(&error)),
        };
    }
    may_move(repo, &request.base)?;
    let expected = theirs(request.base.commit);
    match repository.reference_matching(target, oid, true, expected, "tidegate") {
        Ok(_) => Ok(done(request, String::new())),
        Err(error) if error.code() == git2::ErrorCode::Modified => Ok(PushOutcome::Moved {
            now: repository.refname_to_id(target).ok().map(ours),
        }),
        Err(error) => Err(failed(&error)),
    }
}

/// Whether the branch of `base` may be moved: one without a remote is the clone's own, and not where it is checked out.
///
/// # Errors
/// `Refused` with the work tree where it is.
pub fn may_move(repo: &Repo, base: &Tip) -> Result<(), Failure> {
    if base.remote.is_some() {
        return Ok(());
    }
    let Some(place) = checked_out(repo, &base.read) else {
        return Ok(());
    };
    let branch = base.branch();
    Err(Failure::new(
        FailureKind::Refused,
        format!("{branch} is checked out in {place}, and Tidegate never changes a work tree"),
    )
    .hint(format!(
        "Detach it first (git -C {place} switch --detach), or set deliver = \"branch\" and merge what comes"
    )))
}

/// The work tree in which a branch is checked out, the main one or a linked one.
fn checked_out(repo: &Repo, full: &str) -> Option<String> {
    let common = repo
        .elsewhere()
        .map_or(repo.common_dir(), |found| &found.common);
    let read = |file: PathBuf| {
        let bytes = files::read(&file, Links::Refused, files::CONFIGURATION).ok()??;
        String::from_utf8(bytes).ok()
    };
    let on_it = |head: PathBuf| {
        read(head).is_some_and(|text| text.trim().strip_prefix("ref: ") == Some(full))
    };
    let main_tree = match repo.elsewhere() {
        Some(_) => repo.open().ok()?,
        None => git2::Repository::open(common).ok()?,
    };
    if !main_tree.is_bare() && on_it(common.join("HEAD")) {
        let place = match repo.elsewhere() {
            Some(_) => common.parent().unwrap_or(common),
            None => main_tree.workdir().unwrap_or(common),
        };
        return Some(place.display().to_string());
    }
    let linked = std::fs::read_dir(common.join("worktrees")).ok()?;
    linked.flatten().find_map(|entry| {
        let folder = entry.path();
        let place = read(folder.join("gitdir"))?;
        on_it(folder.join("HEAD")).then(|| place.trim().trim_end_matches("/.git").to_owned())
    })
}

/// Whether `commit` has `ancestor` in its past, or is it.
fn is_ancestor(repo: &Repo, ancestor: ObjectId, commit: ObjectId) -> Result<bool, Failure> {
    if ancestor == commit {
        return Ok(true);
    }
    Objects::open(repo)?.is_ancestor(ancestor, commit)
}
