//! Which of two descriptions of a repository is the better one.

use std::collections::{BTreeMap, HashMap};

use super::{
    Evidence, Guess, along,
    evidence::{self, Proposal},
    manifests,
    quiet::{Moves, without_quiet},
};
use crate::domain::{desired::Desired, version::Version};

/// How much better evidence must be than a usual shape: what is written as everyone writes it is easier to read.
const BETTER: f64 = 1.15;
/// What a version is worth of which nothing is known but that a usual shape knows it, and that it looks like one.
const UNKNOWN: f64 = 1.0;
/// What it is worth where it does not: a region, a host, a size.
const UNLIKE: f64 = 0.2;
/// The most that a branch or `latest` is worth which never changed: it says where versions come from, and is none.
const FLOATING: f64 = 0.1;
/// What a version is worth at least that was seen to change.
const MOVED: f64 = 2.0;
/// What an environment's name is worth that the repository itself says is one.
const SAID: f64 = 0.8;
/// Changes from which on what never did says something.
const MOVES: usize = 10;
/// Places that are told though no layout reads them.
const UNREAD: usize = 6;
/// Where the names of environments in the tree are not those that people use, refs that are called so say more.
const NAMED: f64 = 0.5;
/// So do they where the tree explains less than this of what moves.
const EXPLAINED: f64 = 0.7;

/// The one that reads more of what moves and is promoted, and less beside it.
pub(super) fn better(
    by_shape: Option<(Guess, Option<Desired>)>,
    by_evidence: Option<Proposal>,
    evidence: &Evidence<'_>,
) -> Option<Guess> {
    let Some(proposal) = by_evidence else {
        return by_shape.map(|(shape, _)| shape);
    };
    let (mut guess, desired) = match by_shape {
        Some((shape, desired))
            if is_shape_better(&shape, desired.as_ref(), &proposal, evidence.branches) =>
        {
            (shape, desired)
        }
        _ => (proposal.guess, Some(proposal.desired)),
    };
    guess.candidates = proposal.candidates;
    tell(&mut guess, desired.as_ref(), &proposal.moves);
    if let Some(mut desired) = desired {
        without_floating(&mut guess, &mut desired, evidence.branches);
        without_quiet(&mut guess, &mut desired, &proposal.moves);
        along::add(&mut guess, &desired, &proposal.again);
        manifests::tell(&mut guess, &desired, evidence.read);
    }
    Some(guess)
}

fn is_shape_better(
    shape: &Guess,
    desired: Option<&Desired>,
    proposal: &Proposal,
    branches: &[&str],
) -> bool {
    // Without history a tree says little but what is written as usual.
    let silent = proposal.moves.is_empty();
    let Some(desired) = desired else {
        return silent || proposal.lexical < NAMED || proposal.explained < EXPLAINED;
    };
    if silent {
        return true;
    }
    if is_declared(&proposal.guess) {
        return false;
    }
    // Where no file could be read, shapes are all there is.
    shape.explained.iter().all(|cells| *cells == 0)
        || worth(&proposal.desired, proposal, branches)
            <= worth(desired, proposal, branches) * BETTER
}

/// Whether most of its cells are of environments that the repository itself declares for their services.
fn is_declared(guess: &Guess) -> bool {
    let each = guess.layouts.iter().zip(&guess.explained);
    let declared = each.filter(|(layout, _)| layout.service.is_some());
    let declared: usize = declared.map(|(_, cells)| cells).sum();
    declared > 0 && declared * 2 >= guess.explained.iter().sum()
}

/// Says how much of what moves is read, and what is not.
fn tell(guess: &mut Guess, desired: Option<&Desired>, moves: &Moves) {
    guess.moves = moves.values().map(Vec::len).sum();
    let Some(desired) = desired.filter(|_| guess.moves > 0) else {
        return;
    };
    let mut left: HashMap<&(String, u32), usize> =
        moves.iter().map(|(at, moves)| (at, moves.len())).collect();
    guess.moved = vec![0; guess.layouts.len()];
    for cell in desired.cells.values() {
        for source in &cell.sources {
            let moves = left.remove(&(source.path.as_str().to_owned(), source.line));
            if let (Some(moves), Some(layout)) = (moves, guess.moved.get_mut(cell.layout)) {
                *layout += moves;
            }
        }
    }
    let mut left: Vec<_> = left.into_iter().filter(|(_, moves)| *moves > 1).collect();
    left.sort_by(|(a, moves), (b, others)| others.cmp(moves).then_with(|| a.cmp(b)));
    left.truncate(UNREAD);
    guess.unread = left
        .into_iter()
        .map(|((path, line), moves)| (format!("{path}:{line}"), moves))
        .collect();
}

/// Takes out what only says `HEAD`, `latest` or `none`, or names a branch, and never changed, where other versions do: nobody promotes it.
fn without_floating(guess: &mut Guess, desired: &mut Desired, branches: &[&str]) {
    if guess.moves < MOVES || guess.moved.len() != guess.layouts.len() {
        return;
    }
    let mut counts = vec![(0, 0); guess.layouts.len()];
    for cell in desired.cells.values() {
        if let (Some(version), Some(count)) = (&cell.version, counts.get_mut(cell.layout)) {
            count.0 += 1;
            let version = version.as_str();
            let floating = evidence::is_floating(version) || branches.contains(&version);
            count.1 += usize::from(floating);
        }
    }
    let counted = counts.iter().zip(&guess.moved);
    let kept: Vec<bool> = counted
        .map(|((all, floating), moved)| *moved > 0 || floating * 5 <= all * 4)
        .collect();
    if kept.contains(&true) {
        guess.retain(&kept, desired);
    }
}

/// What the cells of a guess are worth: those of services that stand in several environments, by how much says that they are
/// versions that are promoted.
fn worth(desired: &Desired, proposal: &Proposal, branches: &[&str]) -> f64 {
    let mut rows: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let declared = desired.cells.iter();
    for (key, cell) in declared.filter(|(_, cell)| cell.version.is_some()) {
        let Some(source) = cell.sources.first() else {
            continue;
        };
        let place = (source.path.as_str().to_owned(), source.line);
        let text = cell.version.as_ref().map_or("", Version::as_str);
        let like = evidence::looks_like_one(text);
        let unknown = if like { UNKNOWN } else { UNLIKE };
        let mut weight = proposal.weights.get(&place).copied().unwrap_or(unknown);
        let floating = evidence::is_floating(text) || branches.contains(&text);
        if floating && weight < MOVED {
            weight = weight.min(FLOATING);
        }
        let environment = key.environment.as_str();
        let said = environment
            .split('/')
            .any(|part| proposal.said.contains(part));
        let named = evidence::named(environment).max(if said { SAID } else { 0.0 });
        rows.entry(key.service.as_str())
            .or_default()
            .push(weight * named);
    }
    rows.into_values()
        .map(|cells| {
            let sum: f64 = cells.iter().sum();
            if cells.len() > 1 { sum } else { sum * 0.3 }
        })
        .sum()
}
