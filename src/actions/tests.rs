use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn change(name: &str, keys: &[&str]) -> BTreeMap<String, Vec<String>> {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    BTreeMap::from([(name.to_owned(), keys)])
}

#[test]
fn no_key_means_two_things_in_a_mode() {
    assert_eq!(Keymap::remapped(&BTreeMap::new()), Ok(Keymap::default()));
}

#[test]
fn every_row_has_a_sentence_its_own_name_and_a_way_to_ask_for_it() {
    let (mut names, mut words) = (BTreeSet::new(), BTreeSet::new());
    for row in TABLE {
        assert!(names.insert(row.name), "{} twice", row.name);
        assert!(!row.words.is_empty(), "{}", row.name);
        assert_eq!(row.has_keys(), !row.keys.is_empty(), "{}", row.name);
        assert!(row.has_keys() || row.typed.is_some(), "{}", row.name);
        for word in row.typed.iter().flat_map(|typed| typed.words) {
            assert!(words.insert(*word), "`:{word}` twice");
        }
        for key in row.keys {
            let press = Press::parse(key).unwrap_or_else(|| panic!("{key}"));
            assert_eq!(press.to_string(), *key, "shown as it is written");
        }
    }
}

#[test]
fn no_control_key_changes_anything() {
    let harmless = [
        Action::Refresh,
        Action::Copy,
        Action::Suspend,
        Action::QuitNow,
        Action::Move(Motion::HalfUp),
        Action::Move(Motion::HalfDown),
        Action::Move(Motion::PageUp),
        Action::Move(Motion::PageDown),
    ];
    for row in TABLE {
        if row
            .keys
            .iter()
            .any(|key| key.len() > 1 && key.starts_with('^'))
        {
            assert!(harmless.contains(&row.action), "{}", row.name);
        }
    }
}

#[test]
fn leaving_works_in_every_mode() {
    let keymap = Keymap::default();
    for mode in Mode::ALL {
        let action = |key| keymap.action(mode, Press::parse(key).unwrap());
        assert_eq!(action("^c"), Some(Action::QuitNow), "{mode:?}");
        assert_eq!(action("esc"), Some(Action::Back), "{mode:?}");
    }
}

#[test]
fn remapping() {
    let keymap = Keymap::remapped(&change("promote", &["P", "f5"])).unwrap();
    let action = |key: &str| keymap.action(Mode::Matrix, Press::parse(key).unwrap());
    assert_eq!(action("P"), Some(Action::Promote));
    assert_eq!(action("p"), None);
    assert_eq!(keymap.key_for(Mode::Matrix, Action::Promote).unwrap(), "P");

    let cases = [
        ("no-such", vec!["x"], "`no-such` is no action"),
        ("promote", vec!["hyper"], "`hyper` is no key"),
        (
            "promote",
            vec!["^c"],
            "`^c` means both `promote` and `quit-now` in Matrix",
        ),
        ("quit-now", vec!["Q"], "`quit-now` is no action"),
        ("drop", vec!["X"], "`drop` is no action"),
    ];
    for (name, keys, message) in cases {
        let error = Keymap::remapped(&change(name, &keys)).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
    }
}

#[test]
fn a_key_that_the_user_gave_wins_and_two_of_them_do_not_go() {
    let keymap = Keymap::remapped(&change("promote", &["s", "D"])).unwrap();
    let action = |mode, key: &str| keymap.action(mode, Press::parse(key).unwrap());
    for (mode, key, before) in [
        (Mode::Matrix, "s", "plan"),
        (Mode::Cell, "s", "plan"),
        (Mode::Matrix, "D", "drift"),
        (Mode::Cell, "D", "describe"),
    ] {
        assert_eq!(
            action(mode, key),
            Some(Action::Promote),
            "{key} in {mode:?}"
        );
        assert_eq!(
            keymap.replaced(mode, Press::parse(key).unwrap()),
            Some(before)
        );
    }
    assert_eq!(keymap.shown(Mode::Matrix, Action::Plan), ":plan");
    assert_eq!(
        action(Mode::Agent, "s"),
        Some(Action::Tell(AgentOrder::Sync)),
        "elsewhere"
    );
    let plan = keymap
        .rows(Mode::Matrix)
        .find(|(row, _)| row.name == "plan");
    assert_eq!(plan.unwrap().1, [], "what is gone is no hint");

    let mut both = change("promote", &["f7"]);
    both.extend(change("plan", &["f7"]));
    let error = Keymap::remapped(&both).unwrap_err().to_string();
    assert_eq!(error, "`f7` means both `promote` and `plan` in Matrix");
}
