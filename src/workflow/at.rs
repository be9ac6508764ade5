//! `--at`: another moment than now, of one ref or of all.

use jiff::{Timestamp, Zoned};

use super::Project;
use crate::{
    domain::{
        desired::Tip,
        failure::Failure,
        ids::{EnvironmentName, ObjectId},
    },
    sources::git::{self, LinesOf, Repo},
};

/// Another moment than now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// The commit of the ref that holds every environment.
    pub(super) main: Option<ObjectId>,
    /// Refs of single environments, as they were.
    pub(super) refs: Vec<Tip>,
    /// Every ref as it was at this time.
    pub(super) until: Option<Timestamp>,
}

/// What `--at` means: a revision or a time, or `ENV=REV` for each environment that is a ref of its own.
///
/// # Errors
/// `Usage` where it means nothing in this configuration.
pub(super) fn at(project: &Project, texts: &[String], now: &Zoned) -> Result<At, Failure> {
    let mut at = At::default();
    let layouts = &project.config.layouts;
    let (lines, _) = project.lines()?;
    for text in texts {
        let of_column = |name: &str| -> Vec<&Tip> {
            let of = |line: &&Tip| {
                let column = layouts.environment_of(&line.origin);
                column.is_some_and(|column| column.as_str() == name)
            };
            lines.iter().filter(of).collect()
        };
        let own = text
            .split_once('=')
            .map(|(name, rev)| (rev, of_column(name)))
            .filter(|(_, lines)| !lines.is_empty());
        if let Some((rev, lines)) = own {
            let then = lines
                .into_iter()
                .map(|line| line_at(project, line, rev, now));
            let (then, mut failed): (Vec<_>, Vec<_>) = then.partition(Result::is_ok);
            // One service's tag leaves the environment's other tags where they are.
            if then.is_empty()
                && let Some(Err(error)) = failed.pop()
            {
                return Err(error);
            }
            at.refs.extend(then.into_iter().flatten());
            continue;
        }
        if texts.len() > 1 {
            return Err(Failure::usage(format!(
                "--at {text}: given more than once, each is ENV=REV of an environment that has a ref of its own"
            )));
        }
        let time = git::moment(text, now);
        if layouts.ref_templates().is_empty() && project.others.is_empty() {
            at.main = Some(project.repo.resolve(text, &project.base()?, now)?);
        } else if let Some(time) = time {
            at.until = Some(time);
        } else if layouts.reads(None, None) {
            at.main = Some(project.repo.resolve(text, &project.base()?, now)?);
        } else {
            let names = layouts.columns(&lines);
            let names: Vec<&str> = names.iter().map(EnvironmentName::as_str).collect();
            return Err(Failure::usage(format!(
                "--at {text} is no time, and each environment has a ref of its own here: give a time, or ENV=REV for ENV of {}",
                names.join(", ")
            )));
        }
    }
    Ok(at)
}
/// Whether both are the ref of the same environment (and service), whichever version it names.
pub(super) fn is_same(a: &Tip, b: &Tip) -> bool {
    let captures = |line: &Tip| {
        let mut captures = line.origin.captures.clone();
        captures.remove("version");
        captures
    };
    a.origin.refs == b.origin.refs
        && a.origin.repository == b.origin.repository
        && captures(a) == captures(b)
}

/// The ref of an environment as `rev` says.
fn line_at(project: &Project, line: &Tip, rev: &str, now: &Zoned) -> Result<Tip, Failure> {
    let repo = project.repository(&line.name)?;
    if line.name.is_tag() {
        return tag_at(project, repo, line, rev, now);
    }
    let mut then = line.clone();
    then.commit = repo.resolve(rev, line, now)?;
    Ok(then)
}

/// The tag of an environment that `rev` names, or that was followed at that time.
fn tag_at(
    project: &Project,
    repo: &Repo,
    line: &Tip,
    rev: &str,
    now: &Zoned,
) -> Result<Tip, Failure> {
    let layouts = &project.config.layouts;
    let full = format!("refs/tags/{}", rev.trim_start_matches("refs/tags/"));
    let selected = line.origin.refs.and_then(|index| {
        let template = layouts.ref_templates().get(index)?;
        let mut selected = template.select(index, [full.as_str()]).into_iter();
        selected.find(|selected| {
            let mut same = line.clone();
            same.origin.captures.clone_from(&selected.origin.captures);
            is_same(&same, line)
        })
    });
    if let (Some(selected), Some(commit)) = (selected, repo.remote_commit(&full)) {
        let mut then = line.clone();
        then.name.reference = full;
        then.origin.captures = selected.origin.captures;
        then.commit = commit;
        rev.clone_into(&mut then.shown);
        return Ok(then);
    }
    let others = git::moment(rev, now).map(|until| {
        let of = LinesOf {
            repository: line.name.repository.as_ref(),
            branch: None,
            until: Some(until),
        };
        repo.lines(layouts, &of)
    });
    let column = layouts.environment_of(&line.origin);
    let mut then = others.transpose()?.into_iter().flatten();
    let then = then.find(|then| is_same(then, line));
    then.ok_or_else(|| {
        Failure::usage(format!(
            "`{rev}` is neither a tag of {} nor a time when it had one",
            column.map_or("the environment".to_owned(), |column| column.to_string())
        ))
    })
}
