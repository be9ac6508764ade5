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
        if corpus.matrix_only {
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
            let found: Vec<(String, Option<String>)> = changes
                .iter()
                .map(|c| {
                    (
                        c.landed.commit.to_string(),
                        c.version.as_ref().map(ToString::to_string),
                    )
                })
                .collect();
            let expected: Vec<(String, Option<String>)> =
                serde_json::from_value(fact["history"].clone()).unwrap();
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
            if found.iter().take(expected.len()).ne(&expected) {
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
