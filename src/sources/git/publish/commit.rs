//! Commits and tags, built in the object database: no ref moves, no work tree or index is looked at.

use super::{
    super::{
        Child, Repo,
        objects::Objects,
        transport::{in_a_line, reported},
    },
    Merged,
    tree::write_tree,
};
use crate::domain::{
    failure::{Failure, FailureKind},
    ids::ObjectId,
    plan::FileEdit,
};

/// Builds a commit on `base` that changes exactly the files of `edits` (modes kept), in the object
/// database only; no ref moves. Author, committer and signature follow the user's Git configuration.
/// Blocking.
///
/// # Errors
/// `Refused` without an identity, `Moved` when an edit does not fit the base, `Program` when signing
/// fails.
pub fn build_commit(
    repo: &Repo,
    base: ObjectId,
    edits: &[FileEdit],
    message: &str,
) -> Result<ObjectId, Failure> {
    // What the commit is built on must be what its name says.
    let objects = Objects::for_commit(repo)?.verified();
    let tree = write_tree(&objects, base, edits)?;
    commit_tree(repo, tree, &[base], message)
}

/// Builds the commit of a merge of `other` into `branch`; see [`build_commit`].
///
/// # Errors
/// As [`build_commit`].
pub fn build_merge(
    repo: &Repo,
    branch: ObjectId,
    other: ObjectId,
    merged: &Merged,
    message: &str,
) -> Result<ObjectId, Failure> {
    commit_tree(repo, merged.tree, &[branch, other], message)
}

/// Builds an annotated tag object called `name` of `commit`; no ref is made here.
///
/// # Errors
/// `Refused` without an identity, and where the user's Git wants tags signed: that is left to `git tag -s`.
pub fn build_tag(
    repo: &Repo,
    name: &str,
    commit: ObjectId,
    message: &str,
) -> Result<ObjectId, Failure> {
    Objects::open(repo)?.verified().header(commit)?;
    unsigned(repo, name, commit)?;
    let tagger = identity(repo, COMMITTER)?;
    let text = format!(
        "object {commit}\ntype commit\ntag {name}\ntagger {}\n\n{message}",
        tagger.trim()
    );
    let output = Child::new(repo, ["mktag"]).input(text).run_blocking()?;
    match (output.status.success(), output.stdout.trim().parse()) {
        (true, Ok(id)) => Ok(id),
        _ => Err(Failure::new(
            FailureKind::Program,
            format!(
                "cannot make the tag {name}: {}",
                in_a_line(&reported(&output.stderr))
            ),
        )),
    }
}

/// Whether [`build_commit`] finds who commits. Blocking; asks `git`.
///
/// # Errors
/// `Refused` without an identity.
pub fn may_commit(repo: &Repo) -> Result<(), Failure> {
    identity(repo, "GIT_AUTHOR_IDENT")?;
    identity(repo, COMMITTER).map(|_| ())
}

/// Whether [`build_tag`] can make a tag of `commit` called `name`. Blocking; asks `git`.
///
/// # Errors
/// As [`build_tag`].
pub fn may_tag(repo: &Repo, name: &str, commit: ObjectId) -> Result<(), Failure> {
    unsigned(repo, name, commit)?;
    identity(repo, COMMITTER).map(|_| ())
}

/// The name by which Git is asked who commits and tags.
const COMMITTER: &str = "GIT_COMMITTER_IDENT";

/// Who writes, by name and address: `Name <address>`. Blocking.
///
/// # Errors
/// `Refused` without an identity.
pub fn author(repo: &Repo) -> Result<String, Failure> {
    let line = identity(repo, "GIT_AUTHOR_IDENT")?;
    let end = line.rfind('>').map_or(line.len(), |at| at + 1);
    Ok(line[..end].to_owned())
}

/// Who writes, as Git has it: `Name <address> seconds zone`.
fn identity(repo: &Repo, who: &str) -> Result<String, Failure> {
    let output = Child::new(repo, ["var", who]).run_blocking()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(no_commit(&reported(&output.stderr), false))
    }
}

/// Tags are made without a signature: refused where the user wants one.
fn unsigned(repo: &Repo, name: &str, commit: ObjectId) -> Result<(), Failure> {
    let repository = repo.open()?;
    let config = repository
        .config()
        .map_err(|error| repo.error(&error, "cannot read the configuration"))?;
    if config.get_bool("tag.gpgsign").unwrap_or(false) {
        return Err(Failure::new(
            FailureKind::Refused,
            "tag.gpgSign is on, and Tidegate does not sign tags",
        )
        .hint(format!(
            "Tag it by hand: git tag -s {name} {commit} && git push REMOTE refs/tags/{name}"
        )));
    }
    Ok(())
}

fn commit_tree(
    repo: &Repo,
    tree: ObjectId,
    parents: &[ObjectId],
    message: &str,
) -> Result<ObjectId, Failure> {
    let objects = Objects::open(repo)?.verified();
    objects.tree(tree)?;
    for parent in parents {
        objects.header(*parent)?;
    }
    let repository = repo.open()?;
    let config = repository
        .config()
        .map_err(|error| repo.error(&error, "cannot read the configuration"))?;
    let is_set = |key: &str| config.get_bool(key).unwrap_or(false);
    let mut message = message.to_owned();
    if is_set("format.signoff") {
        sign_off(repo, &mut message)?;
    }
    let mut arguments = vec!["-c", "i18n.commitEncoding=UTF-8", "commit-tree"];
    let signed = is_set("commit.gpgsign");
    if signed {
        arguments.push("-S");
    }
    let (tree, parents): (_, Vec<String>) = (
        tree.to_string(),
        parents.iter().map(ToString::to_string).collect(),
    );
    arguments.push(&tree);
    for parent in &parents {
        arguments.extend(["-p", parent]);
    }
    // The program, not the library: it knows every way to name and sign that the user's Git knows.
    let output = Child::new(repo, arguments).input(message).run_blocking()?;
    let id = output.stdout.trim().parse();
    match (output.status.success(), id) {
        (true, Ok(id)) => Ok(id),
        _ => Err(no_commit(&reported(&output.stderr), signed)),
    }
}

fn sign_off(repo: &Repo, message: &mut String) -> Result<(), Failure> {
    let committer = identity(repo, COMMITTER)?;
    if let Some(end) = committer.rfind('>') {
        let line = format!("Signed-off-by: {}\n", &committer[..=end]);
        if !message.contains(&line) {
            message.push_str(&line);
        }
    }
    Ok(())
}

fn no_commit(message: &str, signed: bool) -> Failure {
    let line = in_a_line(message);
    if message.contains("empty ident") || message.contains("tell me who you are") {
        return Failure::new(
            FailureKind::Refused,
            "Git does not know who you are, so no commit can be made",
        )
        .hint("git config --global user.name \"Your Name\"; git config --global user.email you@example.com");
    }
    if signed {
        return Failure::new(
            FailureKind::Program,
            format!("cannot sign the commit: {line}"),
        )
        .hint(
            "commit.gpgsign is on. Unlock the key so that `git commit -S` works without asking \
                 (gpg-agent, ssh-agent), and try again",
        );
    }
    let error = Failure::new(
        FailureKind::Program,
        format!("cannot build the commit: {line}"),
    );
    // Git itself gives up on them, and makes them anew.
    for (file, anew) in [
        ("multi-pack-index", "git multi-pack-index write"),
        ("commit-graph", "git commit-graph write"),
    ] {
        if message.contains(file) {
            return error.hint(format!(
                "A file that Git keeps beside objects is damaged: .git/objects/pack/multi-pack-index or \
                 .git/objects/info/commit-graph. Remove that file; {anew} makes it anew"
            ));
        }
    }
    error
}
