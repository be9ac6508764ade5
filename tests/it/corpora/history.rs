//! The history of values, and who changed them last, against facts measured with `git log` and a lot of patience.

use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc, time::Instant};

use tidegate::{
    domain::{
        history::{Changes, ValueChange},
        ids::{CellKey, ObjectId},
    },
    sources::git::{HistoryEvent, Repo, Want},
};

use super::Corpus;

/// Where the facts and the design disagree, and why.
struct Otherwise {
    corpus: &'static str,
    cell: &'static str,
    /// Entries of the facts that are none by the design, by the beginning of their commits.
    without: &'static [&'static str],
    /// The oldest entry by the design: the facts' commit of the same value, and ours.
    begins: Option<(&'static str, &'static str)>,
    why: &'static str,
}

const OTHERWISE: [Otherwise; 5] = [
    Otherwise {
        corpus: "datacite+mastino",
        cell: "mds/_poodle / stage",
        without: &["282f2466b55a"],
        begins: None,
        why: "`<no value>` is what a template writes where it has none: no version, and nobody took the old one out",
    },
    Otherwise {
        corpus: "hmcts+sds-flux-config",
        cell: "met/themis-fe / prod",
        without: &[],
        begins: Some(("fe4344730c50", "d1a672d69dca")),
        why: "the environment has no file of its own before; what others inherited then was not in prod",
    },
    Otherwise {
        corpus: "hmcts+sds-flux-config",
        cell: "opal/opal-logging-service / prod",
        without: &[],
        begins: Some(("fa0976e5d755", "466eee1c234a")),
        why: "the environment has no file of its own before; what others inherited then was not in prod",
    },
    Otherwise {
        corpus: "uc-cdis+cdis-manifest",
        cell: "arborist / brh.data-commons.org",
        without: &["0d0496134913", "8ac9c4288547"],
        begins: None,
        why: "the file was no JSON for a day: what it declares is unknown then, not taken out and put back",
    },
    Otherwise {
        corpus: "uc-cdis+cdis-manifest",
        cell: "ssjdispatcher / chicagoland.pandemicresponsecommons.org",
        without: &["de264946b63d", "8b1cbf30eba7"],
        begins: None,
        why: "the folder was renamed twice: history follows the value to where it came from, not the empty place",
    },
];

/// A commit with the value that it brought.
type Entry = (String, Option<String>);

impl Otherwise {
    fn of(corpus: &str, cell: &CellKey) -> Option<&'static Self> {
        let mut all = OTHERWISE.iter();
        all.find(|it| it.corpus == corpus && it.cell == cell.to_string())
    }

    /// The facts by the design.
    fn mend(&self, facts: &mut Vec<Entry>) {
        let is = |entry: &Entry, commit: &str| entry.0.starts_with(commit);
        facts.retain(|entry| !self.without.iter().any(|commit| is(entry, commit)));
        if let Some((theirs, ours)) = self.begins {
            let at = facts.iter().position(|entry| is(entry, theirs));
            let at = at.expect("the facts have the commit");
            facts.truncate(at + 1);
            ours.clone_into(&mut facts[at].0);
        }
    }
}

/// Whether a history is the facts' as far as these go: of all that there is, where they begin later by the design.
fn agrees(found: &[Entry], facts: &[Entry], whole: bool) -> bool {
    let same = |(own, other): (&Entry, &Entry)| own.0.starts_with(&other.0) && own.1 == other.1;
    let long = found.len() >= facts.len() && (!whole || found.len() == facts.len());
    long && found.iter().zip(facts).all(same)
}

/// Each ref by itself, with the cells of its environment.
fn history(corpus: &Corpus, repo: &Repo, want: &Want) -> Changes {
    let mut all: BTreeMap<CellKey, Vec<ValueChange>> = BTreeMap::new();
    let mut sink = |event| {
        if let HistoryEvent::Changes(batch) = event {
            for (cell, change) in batch {
                all.entry(cell).or_default().push(change);
            }
        }
        ControlFlow::Continue(())
    };
    for (origin, tip) in corpus.tips() {
        let view = Arc::new(corpus.layouts.view(&origin));
        let column = view.environment_of(&origin);
        let mut want = want.clone();
        if let (Some(column), Some(cells)) = (column, &mut want.cells) {
            cells.retain(|cell| cell.environment == column);
        }
        let tip = tip.to_string().parse::<ObjectId>().unwrap();
        repo.history(tip, &view, &corpus.environments, &want, &mut sink)
            .unwrap();
    }
    all
}

#[test]
#[ignore = "needs facts (TIDEGATE_CORPORA) and clones (TIDEGATE_CLONES) of nineteen public repositories; .ci/run has them"]
fn last_changes_and_values_are_those_of_the_corpora() {
    let mut failures = Vec::new();
    for corpus in Corpus::all() {
        if !corpus.has(".cells.json") {
            continue;
        }
        let started = Instant::now();
        let repo = Repo::discover(corpus.repository.path()).unwrap();
        let facts = corpus.facts(".cells.json");
        let facts = facts.as_array().unwrap();
        let key = |fact: &serde_json::Value| {
            let text = |name: &str| fact[name].as_str().unwrap().to_owned();
            CellKey::new(text("service"), text("env"))
        };
        let cells = facts.iter().map(key).collect();
        let want = Want {
            cells: Some(cells),
            last_only: false,
            newest: None,
        };
        let all = history(&corpus, &repo, &want);
        let mut wrong = Vec::new();
        for fact in facts {
            let key = key(fact);
            let Some(changes) = all.get(&key) else {
                wrong.push(format!("{key}: no history"));
                continue;
            };
            // The facts know no place but today's: there a value that moved landed with the move, and is the oldest.
            let moved = changes.iter().position(|c| c.moved.is_some());
            let until = moved.map_or(changes.len(), |at| at + 1);
            let at_home = changes[..until].iter().cloned();
            let changes: Vec<ValueChange> = at_home.map(ValueChange::at_todays_place).collect();
            let found: Vec<Entry> = changes
                .iter()
                .map(|c| {
                    (
                        c.landed.commit.to_string(),
                        c.version.as_ref().map(ToString::to_string),
                    )
                })
                .collect();
            let mut expected: Vec<Entry> = serde_json::from_value(fact["history"].clone()).unwrap();
            let otherwise = Otherwise::of(&corpus.name, &key);
            if let Some(otherwise) = otherwise {
                if agrees(&found, &expected, false) {
                    wrong.push(format!(
                        "{key}: the facts hold after all: {}",
                        otherwise.why
                    ));
                }
                otherwise.mend(&mut expected);
            }
            let begins = otherwise.is_some_and(|it| it.begins.is_some());
            let authored = changes[0].authored.commit.to_string();
            if authored != fact["last_change"].as_str().unwrap() {
                wrong.push(format!(
                    "{key}: authored {authored}, wanted {}",
                    fact["last_change"]
                ));
            }
            // The facts' subjects are cut at 150 characters.
            let subject = fact["subject"].as_str().unwrap().trim();
            if !changes[0].authored.subject.starts_with(subject) {
                wrong.push(format!("{key}: subject {}", changes[0].authored.subject));
            }
            if found[0].0 != fact["landed"].as_str().unwrap() {
                wrong.push(format!(
                    "{key}: landed {}, wanted {}",
                    found[0].0, fact["landed"]
                ));
            }
            if !agrees(&found, &expected, begins) {
                let at = found.iter().zip(&expected).position(|(a, b)| a != b);
                wrong.push(format!(
                    "{key}: {} values for {}, first difference at {at:?}: {:?} for {:?}",
                    found.len(),
                    fact["n_changes"],
                    at.map(|at| &found[at]),
                    at.map(|at| &expected[at])
                ));
            }
        }
        eprintln!(
            "{}: {} cells, {} differences, {:.1} s",
            corpus.name,
            facts.len(),
            wrong.len(),
            started.elapsed().as_secs_f64()
        );
        failures.extend(wrong.iter().map(|w| format!("{}: {w}", corpus.name)));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
