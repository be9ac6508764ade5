//! Annotated tags, built in the object database: no ref moves.

use super::{
    super::{
        Child, Repo,
        configured::Configured,
        objects::Objects,
        transport::{in_a_line, reported},
    },
    commit::{COMMITTER, Making, identity, not_signed, written},
};
use crate::domain::{
    failure::{Failure, FailureKind},
    ids::ObjectId,
};

/// Builds an annotated tag object called `name` of `commit`; no ref is made here. Tagger and signature follow the user's Git
/// configuration.
///
/// # Errors
/// `Refused` without an identity; `Program` when signing fails.
pub fn build_tag<'a>(
    repo: &Repo,
    name: &str,
    commit: ObjectId,
    making: impl Into<Making<'a>>,
) -> Result<ObjectId, Failure> {
    let making = making.into();
    Objects::open(repo)?.verified().header(commit)?;
    let tagger = identity(repo, COMMITTER)?;
    let configured = Configured::of(repo)?;
    if configured.signs_tags()? {
        return signed(repo, &configured, name, commit, &making);
    }
    let text = format!(
        "object {commit}\ntype commit\ntag {name}\ntagger {}\n\n{}",
        tagger.trim(),
        making.message
    );
    let output = Child::new(repo, ["mktag"]).input(text).run_blocking()?;
    match (output.status.success(), output.stdout.trim().parse()) {
        (true, Ok(id)) => Ok(id),
        _ => Err(not_made(name, &output.stderr)),
    }
}

/// `git tag` alone signs tags, and makes a ref: it does so in a git directory of our own, by this repository's configuration
/// and into its object database.
fn signed(
    repo: &Repo,
    configured: &Configured,
    name: &str,
    commit: ObjectId,
    making: &Making<'_>,
) -> Result<ObjectId, Failure> {
    let failed = |error: std::io::Error| {
        let why = format!("cannot make the tag {name}: {error}");
        Failure::new(FailureKind::Other, why)
    };
    let folder = tempfile::tempdir().map_err(failed)?;
    let place = folder.path();
    std::fs::create_dir(place.join("refs")).map_err(failed)?;
    std::fs::write(place.join("HEAD"), "ref: refs/heads/none\n").map_err(failed)?;
    let bare = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";
    std::fs::write(place.join("config"), bare).map_err(failed)?;
    let message = written(making.message)?;
    let file = message.path().to_string_lossy().into_owned();
    let arguments = [
        // The place is ours alone: no hook has any business there, whosever configuration names it.
        "-c",
        "core.hooksPath=/dev/null",
        "tag",
        "--sign",
        "--cleanup=verbatim",
        "--file",
        &file,
        "--",
        name,
        &commit.to_string(),
    ];
    let mut child = Child::new(repo, arguments)
        .apart(place, repo)
        .asking(making.at_terminal);
    for (key, value) in configured.signing() {
        child = child.config(key, value);
    }
    let output = child.run_blocking()?;
    if !output.status.success() {
        return Err(not_signed("tag", configured, &output, making));
    }
    let made = std::fs::read_to_string(place.join("refs/tags").join(name)).map_err(failed)?;
    let made: Result<ObjectId, _> = made.trim().parse();
    let made = made.map_err(|_| not_made(name, &output.stderr))?;
    let (_, text) = Objects::open(repo)?.any(made)?;
    // Some versions of Git pass over a signer that fails.
    if is_signed(&text, making.message) {
        Ok(made)
    } else {
        Err(not_signed("tag", configured, &output, making))
    }
}

/// Whether a tag's text has a signature behind what it was to say.
fn is_signed(text: &[u8], message: &str) -> bool {
    let text = String::from_utf8_lossy(text);
    let behind = text.split_once(message.trim_end());
    behind.is_some_and(|(_, behind)| behind.trim_start().starts_with("-----BEGIN "))
}

fn not_made(name: &str, said: &str) -> Failure {
    let said = in_a_line(&reported(said));
    let why = format!("cannot make the tag {name}: {said}");
    Failure::new(FailureKind::Program, why)
}

/// Whether [`build_tag`] can make a tag. Blocking; asks `git`.
///
/// # Errors
/// `Refused` without an identity.
pub fn may_tag(repo: &Repo) -> Result<(), Failure> {
    identity(repo, COMMITTER).map(|_| ())
}
