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
fn every_row_has_a_readable_key_a_sentence_and_its_own_name() {
    let mut names = std::collections::BTreeSet::new();
    for row in TABLE {
        assert!(names.insert(row.name), "{} twice", row.name);
        assert!(!row.help.is_empty(), "{}", row.name);
        assert!(!row.keys.is_empty(), "{}", row.name);
        for key in row.keys {
            let press = Press::parse(key).unwrap_or_else(|| panic!("{key}"));
            assert_eq!(press.to_string(), *key, "shown as it is written");
            assert_eq!(Press::of(&press.event()), press);
        }
    }
}

#[test]
fn no_control_key_changes_anything() {
    let harmless = [
        Action::Refresh,
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
        let meaning = keymap.meaning(mode, Press::parse("^c").unwrap());
        assert_eq!(meaning, Some(Meaning::Action(Action::QuitNow)), "{mode:?}");
        let esc = keymap.meaning(mode, Press::parse("esc").unwrap());
        assert_eq!(esc, Some(Meaning::Action(Action::Back)), "{mode:?}");
    }
}

#[test]
fn remapping() {
    let keymap = Keymap::remapped(&change("promote", &["P", "f5"])).unwrap();
    let meaning = |key: &str| keymap.meaning(Mode::Matrix, Press::parse(key).unwrap());
    assert_eq!(meaning("P"), Some(Meaning::Action(Action::Promote)));
    assert_eq!(meaning("p"), None);
    assert_eq!(keymap.key_for(Mode::Matrix, Action::Promote).unwrap(), "P");

    let cases = [
        ("no-such", vec!["x"], "`no-such` is no action"),
        ("promote", vec!["hyper"], "`hyper` is no key"),
        (
            "promote",
            vec!["s"],
            "`s` means both `promote` and `plan` in Matrix",
        ),
        ("quit-now", vec!["Q"], "`quit-now` is no action"),
    ];
    for (name, keys, message) in cases {
        let error = Keymap::remapped(&change(name, &keys)).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
    }
}

#[test]
fn text_modes_type_letters() {
    let keymap = Keymap::default();
    let press = |key: &str| Press::parse(key).unwrap();
    let typed = keymap.meaning(Mode::Filter, press("q"));
    assert_eq!(typed, Some(Meaning::Text(TextKey::Insert('q'))));
    let word = keymap.meaning(Mode::Palette, press("^w"));
    assert_eq!(word, Some(Meaning::Text(TextKey::DeleteWord)));
}
