//! Which places are the versions of services that have several, decided once for where every ref is now.
//!
//! Every command, the screen and `--at` read by the same decision: it is made of what the tips declare and of the landed
//! history below them ([`Past`]), whatever moment is looked at. Where no layout has more than one place, nothing is asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use super::{At, Project};
use crate::{
    domain::{
        desired::{Refs, Tip},
        failure::Failure,
        ids::{EnvironmentName, ObjectId},
        layout::{Assembler, Choices, LayoutSet, Past, Row, Standing, Takes, Unknown},
    },
    sources::{git::Repo, waiting},
};

/// The last decision, shared by all copies of a session.
#[derive(Clone, Debug, Default)]
pub struct Decided(Arc<Mutex<Option<Known>>>);

/// Where everything was, and what was decided then.
type Known = (Now, Arc<LayoutSet>);

/// What a decision is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Now {
    /// Where refs are. One that was missing and came is another of these.
    refs: Refs,
    /// Where shallow clones are cut off: no ref moves where one gets deeper.
    cut_off_at: Vec<BTreeSet<ObjectId>>,
}

impl Decided {
    fn last(&self) -> Option<Known> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }

    fn keep(&self, known: Option<Known>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

/// What a table reads: a repository, and the template of its refs.
type Reads = (Option<Arc<str>>, Option<usize>);

/// A ref whose services have several places each.
struct Contested<'a> {
    line: &'a Tip,
    repo: &'a Repo,
    view: LayoutSet,
    /// Nothing of it is decided.
    matrix: Assembler,
    rows: BTreeSet<Row>,
}

impl Project {
    /// The layouts, with what was decided at the tips of now, which `now` gives where they are known. Blocking; reads history
    /// where several places are possible and these tips are new.
    ///
    /// # Errors
    /// When no ref can be looked at.
    pub(super) fn decided(&self, now: Option<Vec<Tip>>) -> Result<Arc<LayoutSet>, Failure> {
        let layouts = &self.config.layouts;
        let contests = layouts.contests();
        if contests.is_empty() {
            return Ok(Arc::clone(layouts));
        }
        let lines = match now {
            Some(lines) => lines,
            None => match self.lines_at(&At::default()) {
                Ok((lines, _)) => lines,
                // What is there no more may have been there then.
                Err(_) => self.lines()?.0,
            },
        };
        let others = self
            .others
            .iter()
            .filter_map(|other| other.repo.as_ref().ok());
        let repositories = std::iter::once(&self.repo).chain(others);
        let now = Now {
            refs: lines.iter().collect(),
            cut_off_at: repositories.map(Repo::cut_off_at).collect(),
        };
        if let Some((_, decided)) = self.decided.last().filter(|(then, _)| *then == now) {
            return Ok(decided);
        }
        // Nobody is held up by it: two that come at once both decide, and the same.
        let (choices, takes) = self.decide(&contests, &lines, &lines);
        let decided = Arc::new(layouts.decided(choices));
        // Objects that were not here may be there the next time, and nothing else tells of it.
        let is_kept = !takes.contains(&Takes::Objects);
        self.decided
            .keep(is_kept.then(|| (now, Arc::clone(&decided))));
        Ok(decided)
    }

    /// These layouts with what is decided by one ref alone, where it was then. Where others were then is not asked, and so
    /// they are not missed: only those are that are not here today.
    pub(super) fn decided_by(&self, line: &Tip) -> Arc<LayoutSet> {
        let layouts = &self.config.layouts;
        let contests = layouts.contests();
        if contests.is_empty() {
            return Arc::clone(layouts);
        }
        let mut here = self.lines_at(&At::default()).unwrap_or_default().0;
        here.push(line.clone());
        let (choices, _) = self.decide(&contests, std::slice::from_ref(line), &here);
        Arc::new(layouts.decided(choices))
    }

    /// What is decided by `lines`, and what it takes to know what of it is not known. `here` are the refs that are there at all.
    fn decide(
        &self,
        contests: &BTreeMap<usize, Reads>,
        lines: &[Tip],
        here: &[Tip],
    ) -> (Choices, Vec<Takes>) {
        let layouts = &self.config.layouts;
        let names = self.environments();
        let mut standing = Standing::default();
        let mut read = Vec::new();
        let mut lacking = self.lacking(contests, &names, here);
        for line in lines {
            let origin = (line.origin.repository.clone(), line.origin.refs);
            if !contests.values().any(|reads| *reads == origin) {
                continue;
            }
            match self.contested(layouts.view(&line.origin), line, &names) {
                Ok((found, there)) => {
                    read.push(found);
                    standing.join(there);
                }
                Err(error) => {
                    let why = Unknown {
                        why: format!("{} cannot be read: {}", line.name, error.why),
                        next: "look at the problem of that ref".to_owned(),
                        takes: Takes::Objects,
                    };
                    lacking.push((origin, why));
                }
            }
        }
        let open = standing.open();
        if open.is_empty() {
            let takes = lacking.iter().map(|(_, why)| why.takes);
            return (Choices::of(&standing, &[]), takes.collect());
        }
        let mut pasts = Vec::new();
        for (reads, why) in lacking {
            let rows = open
                .iter()
                .filter(|row| contests.get(&row.0) == Some(&reads));
            pasts.push(Past::unknown(rows.cloned(), why));
        }
        for Contested {
            line,
            repo,
            view,
            matrix,
            rows,
        } in read
        {
            let rows: BTreeSet<Row> = rows.intersection(&open).cloned().collect();
            if !rows.is_empty() {
                let _waiting = waiting::reading(repo.place());
                pasts.push(repo.past_of_places(line.commit, &view, matrix, &rows));
            }
        }
        let takes = pasts.iter().filter_map(Past::takes);
        (Choices::of(&standing, &pasts), takes.collect())
    }

    /// A ref before it is decided which of its places count, and what stands in them.
    fn contested<'a>(
        &'a self,
        view: LayoutSet,
        line: &'a Tip,
        names: &[EnvironmentName],
    ) -> Result<(Contested<'a>, Standing), Failure> {
        let repo = self.repository(&line.name)?;
        let _waiting = waiting::reading(repo.place());
        let matrix = repo.undecided(line.commit, &view, names)?;
        let there = Standing::of(&matrix);
        let found = Contested {
            line,
            repo,
            view,
            matrix,
            rows: there.rows(),
        };
        Ok((found, there))
    }

    /// Refs that should be there and are not: another clone may have them, and decide otherwise.
    fn lacking(
        &self,
        contests: &BTreeMap<usize, Reads>,
        names: &[EnvironmentName],
        lines: &[Tip],
    ) -> Vec<(Reads, Unknown)> {
        let layouts = &self.config.layouts;
        let reads: BTreeSet<&Reads> = contests.values().collect();
        let columns = layouts.columns(lines);
        let mut lacking = Vec::new();
        for read in reads {
            let here = |line: &&Tip| line.origin.repository == read.0 && line.origin.refs == read.1;
            let is_here = lines.iter().any(|line| here(&line));
            let place = read
                .0
                .as_deref()
                .map_or(String::new(), |name| format!(" of {name}"));
            let missing = if !is_here {
                Some(format!("no ref{place} is here"))
            } else if read.1.is_none() || layouts.reads_default_ref() {
                // One ref holds every environment, or may hold those that have none of their own.
                None
            } else {
                let missing = names.iter().find(|name| !columns.contains(name));
                missing.map(|name| format!("no ref of {name}{place} is here"))
            };
            if let Some(why) = missing {
                let next = "fetch it".to_owned();
                let takes = Takes::Ref;
                lacking.push((read.clone(), Unknown { why, next, takes }));
            }
        }
        lacking
    }
}
