//! Who signed commits, by the user's own Git and the programs that it is configured with.

use std::collections::BTreeMap;

use super::{
    Child, Repo,
    objects::Objects,
    transport::{in_a_line, reported},
};
use crate::domain::{
    failure::{Failure, FailureKind},
    ids::ObjectId,
    signature::Signature,
};

/// Between the fields of a commit, and behind each: no program says these.
const FIELD: char = '\u{1f}';
const END: char = '\u{1e}';

/// The signatures of commits that are there, each looked at by its key's program. A commit without one starts no program.
/// Blocking: a program each, tens of milliseconds.
///
/// # Errors
/// `Program` without `git`; what reading the commits meets.
pub fn signatures(
    repo: &Repo,
    commits: &[ObjectId],
) -> Result<BTreeMap<ObjectId, Signature>, Failure> {
    let objects = Objects::open(repo)?;
    let mut found = BTreeMap::new();
    let mut signed = Vec::new();
    for commit in commits {
        // Git is handed those alone whose bytes are what their name says.
        let (_, text) = objects.commit(*commit)?;
        if is_signed(&text) {
            signed.push(*commit);
        } else {
            let unsigned = Signature::told('N', ["", ""], false, "");
            found.insert(*commit, unsigned);
        }
    }
    for commit in signed {
        found.insert(commit, look(repo, commit)?);
    }
    Ok(found)
}

fn look(repo: &Repo, commit: ObjectId) -> Result<Signature, Failure> {
    // Not `%GT`: where nobody is named who may sign, some versions of Git end with a mistake of their own at it.
    let format = format!("--format=%G?{FIELD}%GS{FIELD}%GK{FIELD}%GG{END}");
    let arguments = [
        "-c",
        "log.showSignature=false",
        "log",
        "--no-walk",
        "--no-color",
        "--no-notes",
        &format,
        &commit.to_string(),
        "--",
    ];
    let output = Child::new(repo, arguments).looking().run_blocking()?;
    let told = output.stdout.split(END).next().unwrap_or_default();
    let fields: Vec<&str> = told.split(FIELD).collect();
    let [status, by, key, words] = fields.as_slice() else {
        return Err(Failure::new(
            FailureKind::Program,
            format!(
                "Git does not say who signed {}: {}",
                commit.short(),
                in_a_line(&output.stderr)
            ),
        ));
    };
    let status = status.trim().chars().next().unwrap_or('N');
    // What Git says itself, or the program that it asked.
    let said = match reported(&output.stderr) {
        said if said.trim().is_empty() => reported(words),
        said => said,
    };
    let said = said.replace('\n', "; ");
    Ok(Signature::told(status, [by, key], true, &said))
}

/// Whether a commit's text has a signature among its headers.
pub(super) fn is_signed(text: &[u8]) -> bool {
    let lines = text.split(|byte| *byte == b'\n');
    lines
        .take_while(|line| !line.is_empty())
        .any(|line| line.starts_with(b"gpgsig ") || line.starts_with(b"gpgsig-sha256 "))
}
