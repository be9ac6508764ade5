//! The picker of versions to go back to says why it is empty.

use super::*;
use crate::domain::{
    history::{ChangeKind, HistoryEntry},
    problem::{Problem, Unreadable},
};

/// The screen's words with single blanks, without the box.
fn words(driver: &Driver) -> String {
    let shown = text(&driver.model).replace(['│', '|'], " ");
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unread() -> HistoryEntry {
    let mut entry = fixture::entry("1.42.0", 1, None, ChangeKind::Unread);
    entry.change.version = None;
    entry
}

#[test]
fn there_is_nothing_to_go_back_to_and_it_says_why() {
    let initial = |version, stayed| fixture::entry(version, 9, stayed, ChangeKind::Initial);
    let only = initial("1.42.0", None);
    let earlier = initial("1.41.3", Some(8));
    type Case<'a> = (&'a str, bool, Vec<HistoryEntry>, bool, bool, &'a [&'a str]);
    let cases: [Case<'_>; 6] = [
        (
            "one value",
            false,
            vec![only.clone()],
            true,
            false,
            &["declared now: 1.42.0", "it has had one value only, 1.42.0"],
        ),
        (
            "cut",
            false,
            vec![only.clone()],
            true,
            true,
            &[
                "has no earlier value that is known: this clone is shallow",
                "(git fetch --unshallow)",
            ],
        ),
        (
            "still walked",
            false,
            vec![only],
            false,
            false,
            &["reading the history"],
        ),
        (
            "never read",
            true,
            Vec::new(),
            true,
            false,
            &[
                "declared now: template",
                "prod.yaml:7: a template stands there; no version of it that could be read is known",
            ],
        ),
        (
            "read before",
            true,
            vec![unread(), earlier],
            true,
            false,
            &["declared now: template", "1.41.3"],
        ),
        (
            "what broke it alone is known",
            true,
            vec![unread()],
            true,
            true,
            &["prod.yaml:7: a template stands there"],
        ),
    ];
    for (name, hidden, values, done, shallow, expected) in cases {
        for size in [WIDE, SMALL] {
            let mut driver = Driver::settled(size);
            driver.keys("l l");
            let key = driver.model.selected().unwrap();
            if hidden {
                let mut desired = driver.model.git.desired.as_deref().unwrap().clone();
                let cell = desired.cells.get_mut(&key).unwrap();
                let problem = Problem::file("prod.yaml", Some(7), "a template stands there");
                cell.version = None;
                cell.unread = Some(Arc::new(problem.hiding(Unreadable::Template)));
                driver.model.git.desired = Some(Arc::new(desired));
            }
            driver
                .model
                .history
                .cells
                .insert(key, values.clone().into());
            driver.model.history.done = done;
            driver.model.history.shallow = shallow;
            driver.keys("r");
            let shown = words(&driver);
            for expected in expected {
                assert!(shown.contains(expected), "{name} {size:?}: {shown}");
            }
            // Asked to go there all the same, it says the same.
            let nothing = values.len() < 2;
            driver.keys("enter");
            let said = driver.model.word.as_ref().map(|(_, text)| text.clone());
            let last = expected[expected.len() - 1];
            assert_eq!(said.is_some(), nothing, "{name}: {said:?}");
            if nothing && done {
                assert!(said.is_some_and(|said| said.contains(last)), "{name}");
            }
        }
    }
}

/// Where nothing is known of what was before a cell's oldest value, every list of its values ends with why.
#[test]
fn a_list_of_values_says_what_was_before_is_not_known() {
    let why = "0a1b2c3 is broken";
    let words_of = |driver: &Driver| words(driver).replace(why, "BECAUSE");
    let screens: [(&str, &[&str]); 3] = [
        ("the cell", &["enter"]),
        ("the picker", &["r"]),
        ("the trace", &["t"]),
    ];
    for (name, keys) in screens {
        for size in [WIDE, SMALL] {
            for (known, unknown_before, shallow) in [
                (true, false, false),
                (false, true, false),
                (false, false, true),
            ] {
                let mut driver = Driver::settled(size);
                // A healthy cell: one in trouble opens on its rollout where one pane has room.
                driver.keys("l");
                let key = driver.model.selected().unwrap();
                let history = &mut driver.model.history;
                history.shallow = shallow;
                if unknown_before {
                    history.unknown_before.insert(key, why.to_owned());
                }
                for key in keys {
                    driver.keys(key);
                }
                let shown = words_of(&driver);
                let said = shown.contains("not known: ") || shown.contains("is not known (git");
                assert_eq!(said, !known, "{name} {size:?}: {shown}");
                assert_eq!(
                    shown.contains("BECAUSE"),
                    unknown_before,
                    "{name} {size:?}: {shown}"
                );
                assert_eq!(
                    shown.contains("--unshallow"),
                    shallow,
                    "{name} {size:?}: {shown}"
                );
                // Nothing is said before all is read.
                driver.model.history.done = false;
                let shown = words_of(&driver);
                assert!(
                    !shown.contains("BECAUSE") && !shown.contains("shallow"),
                    "{name}: {shown}"
                );
            }
        }
    }
}
