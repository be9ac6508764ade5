//! A plan that was written to a file, planned anew where everything is now: it goes on, is applied already, or differs.

use jiff::Timestamp;

use super::{
    AskRunning, Project, Reading,
    deliver::{differences, moved_since},
    prepare,
};
use crate::domain::{
    failure::Failure,
    ids::CellKey,
    plan::{Plan, PlanFile, SkipCause},
    text::count,
};

/// What a plan of a file is now.
#[derive(Clone, Debug)]
pub enum Applied {
    /// The same bytes and verdicts; where other things moved, a sentence about that.
    Holds(Plan, Option<String>),
    /// It was applied: where its digest stands.
    Already(Plan, String),
    /// It is another, and this is what differs, a line each.
    Differs(Plan, Vec<String>),
}

/// Plans what a file asks for on the refs as they are now, and compares. `running` says what runs. A file that `waits` may be
/// let go by the gates that held it. Blocking.
///
/// # Errors
/// `Usage` where the file is of another repository; else when something cannot be read.
pub fn apply(
    project: &Project,
    reading: &Reading,
    running: AskRunning<'_>,
    (file, waits): (&PlanFile, bool),
    now: Timestamp,
) -> Result<Applied, Failure> {
    of_this_repository(project, &file.plan)?;
    let again = prepare(project, reading, running, &file.plan.request, now)?;
    let mut lines = Vec::new();
    match applied(project, reading, &file.plan, &again)? {
        Before::Never => {}
        Before::Stands(said) => return Ok(Applied::Already(again, said)),
        Before::NotAll(said) => lines.push(said),
    }
    let before = !lines.is_empty();
    let policy = project.config.policy_hash();
    if policy != file.policy {
        let hashes = [&file.policy, &policy].map(|hash| hash.get(..12).unwrap_or(hash));
        lines.push(format!(
            "the policy is another one than it was judged by: {} then, {} now ({})",
            hashes[0],
            hashes[1],
            project.config.sources.join(", ")
        ));
    }
    let let_go = || waits && file.plan.is_let_go_by(&again);
    if again.digest != file.plan.digest && !let_go() {
        lines.extend(all_differences(project, &file.plan, &again, before));
    }
    if !lines.is_empty() {
        // Who looks for what moved is to know first that it may be this program.
        lines.splice(0..0, file.other_release());
        return Ok(Applied::Differs(again, lines));
    }
    let moved = moved_since(project, &file.plan, &again);
    Ok(Applied::Holds(again, moved))
}

/// Refuses a plan whose commits are of another repository. What a shallow clone lacks is not known, and what matters of it is
/// compared.
fn of_this_repository(project: &Project, plan: &Plan) -> Result<(), Failure> {
    let mut known = plan.base.is_empty();
    for tip in &plan.base {
        let repo = project.repository(&tip.name).map_err(|error| {
            Failure::usage(format!("the plan is of another repository: {error}"))
                .hint("Name the one that it was planned in with --repo")
        })?;
        known |= repo.is_shallow() || repo.commit_info(tip.commit).is_ok();
    }
    if known {
        return Ok(());
    }
    let tip = plan.base.first();
    let at = tip.map_or(String::new(), |tip| {
        format!("{} {}", tip.shown, tip.commit.short())
    });
    Err(Failure::usage(format!(
        "the plan is of another repository: {at}, which it stands on, is not in {}",
        project.repo.place().display()
    ))
    .hint("Name the one that it was planned in with --repo"))
}

/// Whether a plan was applied before.
enum Before {
    /// Nowhere does its digest stand.
    Never,
    /// Nothing of it is left to be written, and every ref that it writes has it: where.
    Stands(String),
    /// A part of it was not written, or is not there any more: in a sentence.
    NotAll(String),
}

/// Where the plan's digest stands.
fn applied(
    project: &Project,
    reading: &Reading,
    pinned: &Plan,
    again: &Plan,
) -> Result<Before, Failure> {
    let there = |cell: &CellKey| {
        let mut skipped = again.skipped.iter();
        skipped.any(|skip| skip.cell == *cell && skip.cause == SkipCause::AlreadyThere)
    };
    let all_there = |within: &dyn Fn(&CellKey) -> bool| {
        let asked = pinned.changes.iter().filter(|it| it.along.is_none());
        asked.map(|it| &it.cell).filter(|it| within(it)).all(there)
    };
    // What a gate kept out of it, and lets go by now, was no part of it.
    let own = |cell: &CellKey| pinned.changes.iter().any(|it| it.cell == *cell);
    let left = again.changes.iter().any(|it| own(&it.cell))
        || again.writes().any(|write| !write.vetoes.is_empty());
    let stands = !left && all_there(&|_| true);
    let (mut places, mut missing, mut whole) = (Vec::new(), false, true);
    for write in pinned.writes() {
        let tip = reading.line(&write.tip.name);
        let tip = tip.or_else(|| again.base.iter().find(|tip| tip.name == write.tip.name));
        let found = match tip {
            Some(tip) => {
                let repo = project.repository(&tip.name)?;
                let found = repo.planned(tip, write.tip.commit, &pinned.digest)?;
                found.map(|commit| (tip, commit))
            }
            None => None,
        };
        let Some((tip, commit)) = found else {
            missing = true;
            continue;
        };
        // What it wrote may have been changed again since.
        whole &= stands || commit == tip.commit && pinned.waves.len() == 1;
        let place = format!("{} on {}", commit.short(), tip.shown);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let at = places.join(", ");
    let waves = pinned.waves.len();
    let done = pinned.waves.iter().take_while(|wave| {
        let has = |cell: &CellKey| wave.cells().any(|own| own == cell);
        all_there(&has)
    });
    Ok(match (places.is_empty(), done.count()) {
        (true, _) => Before::Never,
        _ if whole && !missing => Before::Stands(at),
        (_, done) if waves > 1 && (1..waves).contains(&done) => {
            let which = match done {
                1 => "wave 1 of it is applied".to_owned(),
                _ => format!("waves 1 to {done} of it are applied"),
            };
            Before::NotAll(format!(
                "{which} ({at}), and the rest is not there: plan the rest again"
            ))
        }
        _ if missing => Before::NotAll(format!(
            "a part of it was written ({at}), and the rest was not: plan it again, what is there already is skipped"
        )),
        _ if waves > 1 => Before::NotAll(format!(
            "it, or a part of it, was written ({at}), and is not all there: plan it again"
        )),
        _ => Before::NotAll(format!(
            "it was applied ({at}), and what it wrote was changed again since"
        )),
    })
}

/// Everything in which two plans of one request differ. `before`: it is said already that a part of it was applied.
fn all_differences(project: &Project, pinned: &Plan, again: &Plan, before: bool) -> Vec<String> {
    let mut lines = differences(project, pinned, pinned, again);
    if pinned.deliver != again.deliver {
        lines.push("it leaves the clone another way now (`deliver`)".to_owned());
    }
    let there = again.skipped.iter();
    let there = there.filter(|skip| skip.cause == SkipCause::AlreadyThere);
    let there = there.filter(|skip| pinned.changes.iter().any(|old| old.cell == skip.cell));
    let there = there.count();
    if there > 0 && !before {
        lines.push(format!(
            "{} of it came there by another way: no commit since then has `Plan: {}`",
            count(there, "cell"),
            pinned.digest.get(..12).unwrap_or(&pinned.digest)
        ));
    }
    for skip in &again.skipped {
        let known = pinned.skipped.iter().find(|old| old.cell == skip.cell);
        if known.is_some_and(|old| old.cause != skip.cause) {
            lines.push(format!("{}: {}", skip.cell, skip.detail));
        }
    }
    for old in &pinned.skipped {
        let left = again.skipped.iter().any(|skip| skip.cell == old.cell);
        let changes = again.changes.iter().any(|change| change.cell == old.cell);
        if !left && changes {
            lines.push(format!(
                "{}: was skipped ({}), and would change now",
                old.cell, old.detail
            ));
        }
    }
    lines
}
