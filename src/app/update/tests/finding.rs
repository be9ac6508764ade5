//! Finding one's way: help, the palette, and what is copied.

use super::*;
use crate::{
    actions::Mode,
    app::{
        palette::{self, SUGGESTIONS},
        screen::help::{self, HelpRow},
    },
};

fn titles(driver: &Driver) -> Vec<String> {
    let Some(Screen::Help(screen)) = driver.model.screens.last() else {
        panic!("help is open");
    };
    let rows = help::entries(&driver.model, screen).into_iter();
    rows.filter_map(|row| match row {
        HelpRow::Title(title) => Some(title),
        _ => None,
    })
    .collect()
}

fn typed(driver: &Driver) -> &str {
    match &driver.model.prompt {
        Some(Prompt::Palette { input, .. }) => input.text(),
        other => panic!("the palette is open, not {other:?}"),
    }
}

#[test]
fn help_begins_with_the_keys_of_the_screen_and_is_searched() {
    for (keys, first) in [
        ("?", "Matrix, here"),
        ("enter ?", "Cell, here"),
        ("A ?", "Activity, here"),
    ] {
        let mut driver = Driver::settled(SIZE);
        driver.keys(keys);
        let titles = titles(&driver);
        assert_eq!(titles[0], first);
        assert_eq!(titles.len(), Mode::ALL.len() + 2, "nothing is left out");
    }
    let mut driver = Driver::settled(SIZE);
    driver.keys("? / \"lift_commit");
    assert_eq!(titles(&driver), ["Staged plan"], "both words, in any order");
    driver.keys("enter");
    assert_eq!(driver.model.mode(), Mode::Help);
    assert_eq!(titles(&driver), ["Staged plan"]);
    driver.keys("/ \"zzz");
    assert!(titles(&driver).is_empty());
    driver.keys("esc");
    assert_eq!(titles(&driver), ["Staged plan"], "what was in force before");
    driver.keys("esc");
    assert_eq!(titles(&driver).len(), Mode::ALL.len() + 2);
    driver.keys("esc");
    assert_eq!(driver.model.mode(), Mode::Matrix);
    // A heading finds all that is below it.
    driver.keys("? / \"glyphs enter");
    assert_eq!(titles(&driver), ["Glyphs"]);
}

#[test]
fn the_palette_completes_what_fits_and_nothing_else() {
    let driver = Driver::settled(SIZE);
    let cases: [(&str, &[&str]); 10] = [
        ("acal", &["accept-along"]),
        ("wr", &["write"]),
        ("goto chk", &["goto checkout"]),
        ("goto checkout", &[]),
        ("goto checkout ", &[]),
        ("goto checkout pay", &[]),
        ("deliver br", &["deliver branch"]),
        ("login peu", &["login prod-eu"]),
        ("write now", &[]),
        (
            "filter is:degraded env:stag",
            &["filter is:degraded env:staging"],
        ),
    ];
    for (line, expected) in cases {
        let found = palette::suggestions(&driver.model, line);
        let found: Vec<&str> = found.iter().map(|it| it.line.as_str()).collect();
        assert_eq!(found, expected, "{line}");
    }
    let revert = palette::suggestions(&driver.model, "earlier");
    assert_eq!(revert[0].line, "revert", "by what it does");
    // A gap is made where something follows, and only there.
    for (keys, line) in [
        (": \"wri tab", "write"),
        (": \"got tab", "goto "),
        (": \"got tab \"chk tab", "goto checkout"),
        (": \"got tab \"chk tab tab", "goto checkout"),
    ] {
        let mut driver = Driver::settled(SIZE);
        driver.keys(keys);
        assert_eq!(typed(&driver), line, "{keys}");
    }
}

#[test]
fn nothing_runs_that_was_not_read_before() {
    let mut driver = Driver::settled(SIZE);
    driver.model.select(&cell("checkout", "prod-us"));
    driver.keys(": \"wri enter");
    assert_eq!(typed(&driver), "write");
    assert_eq!(driver.model.setup.write, WriteMode::ReadOnly);
    driver.keys("enter");
    assert_eq!(driver.model.setup.write, WriteMode::Write);
    driver.keys(": \"xyzzy enter");
    assert_eq!(driver.word(), "no command `xyzzy`");
    driver.keys(": \"goto_idt enter");
    assert_eq!(
        driver.model.selected().unwrap().service.as_str(),
        "identity"
    );
}

#[test]
fn the_palette_remembers() {
    let mut driver = Driver::settled(SIZE);
    driver.keys(": \"goto_identity enter : \"order_name enter : \"goto_identity enter");
    assert_eq!(driver.model.recent, ["goto identity", "order name"]);
    assert_eq!(
        driver.commands.last(),
        Some(&Command::KeepRecent(driver.model.recent.clone()))
    );
    driver.keys(": tab");
    assert_eq!(typed(&driver), "goto identity");
    driver.keys("esc : down tab");
    assert_eq!(typed(&driver), "order name");
    driver.keys("esc : \"ord tab");
    assert_eq!(typed(&driver), "order name", "before a new one is begun");
    let found = palette::suggestions(&driver.model, "");
    assert_eq!(
        (found[0].help.as_str(), found[2].help.as_str()),
        ("again", "unlock writing for this session")
    );
    for index in 0..80 {
        driver.keys(&format!("esc : \"filter_{index} enter"));
    }
    assert_eq!(driver.model.recent.len(), 50);
    assert!(palette::suggestions(&driver.model, "").len() > SUGGESTIONS);
}

#[test]
fn what_is_copied_is_chosen_and_told() {
    let copied = |keys: &str| {
        let mut driver = Driver::settled(SIZE);
        driver.model.select(&cell("checkout", "prod-us"));
        driver.keys(keys);
        let told = driver.word().to_owned();
        driver
            .commands
            .into_iter()
            .rev()
            .find_map(|command| match command {
                Command::Copy { what, text } => Some((what, text)),
                _ => None,
            })
            .ok_or(told)
    };
    let short = |what: &str, text: &str| Ok((format!("{what} {text}"), text.to_owned()));
    let newest = fixture::values()[0].change.landed.commit.to_string();
    let second = fixture::values()[1].change.landed.commit.to_string();
    let page = format!("https://git.example.com/shop/platform-deploy/commit/{newest}");
    let cases = [
        ("y y", short("version", "1.42.0")),
        ("y enter", short("version", "1.42.0")),
        (
            "y j j enter",
            short("address of prod-us", "https://prod-us.shop.example.com"),
        ),
        ("y c", short("commit", &newest)),
        (
            "y u",
            short("address of prod-us", "https://prod-us.shop.example.com"),
        ),
        ("y p", Ok(("page of the commit".to_owned(), page))),
        // In the history, of the selected value: its commit comes first.
        ("enter j y y", short("commit", &second)),
        ("enter j y v", short("version", "1.41.3")),
        ("enter y esc", Err(String::new())),
        ("r y y", short("commit", &second)),
    ];
    for (keys, expected) in cases {
        assert_eq!(copied(keys), expected, "{keys}");
    }
    let (what, why) = copied("y w").unwrap();
    assert!(
        what.starts_with("why") && why.starts_with("checkout / prod-us: CrashLoop"),
        "{what} {why}"
    );
    let (what, row) = copied("y r").unwrap();
    assert_eq!(what, "row as Markdown");
    assert!(
        row.starts_with("| service | dev | staging | prod-us | prod-eu |\n| --- | --- | --- | --- | --- |\n| checkout | 1.42.0 | 1.42.0 | 1.42.0 (degraded) | 1.41.3"),
        "{row}"
    );
    // What is not known has no line, and its key says so.
    let mut driver = Driver::settled(SIZE);
    driver.model.select(&cell("accounts", "dev"));
    driver.keys("y w");
    assert_eq!(driver.word(), "that is not known here");
    assert_eq!(driver.model.mode(), Mode::Copy);
}

/// The line after `:`, what is said, and the filters that are kept then.
#[test]
fn filters_are_kept_under_names() {
    let mut driver = Driver::settled(SIZE);
    let kept = |driver: &Driver| -> Vec<(String, String)> {
        let filters = driver.model.filters.iter();
        filters
            .map(|(name, words)| (name.clone(), words.clone()))
            .collect()
    };
    let pair = |name: &str, words: &str| (name.to_owned(), words.to_owned());
    driver.keys(": \"save_incident enter");
    assert_eq!(
        driver.word(),
        "no filter is in force: `/` types one, `:save NAME` keeps it"
    );
    driver.keys("/ \"is:degarded enter : \"save_incident enter");
    assert!(driver.word().starts_with("not kept: "), "{}", driver.word());
    driver.keys("esc / \"is:degraded enter : \"save_two_words enter");
    assert!(
        driver.word().starts_with("a filter's name is one word"),
        "{}",
        driver.word()
    );
    assert_eq!(kept(&driver), []);
    driver.taken();

    driver.keys(": \"save_incident enter");
    assert_eq!(
        driver.word(),
        "kept: @incident in a filter is `is:degraded`"
    );
    assert_eq!(kept(&driver), [pair("incident", "is:degraded")]);
    assert_eq!(
        driver.taken(),
        [Command::KeepFilters(driver.model.filters.clone())]
    );
    driver.keys("esc / \"env:prod enter : \"save_@incident enter");
    assert_eq!(
        driver.word(),
        "@incident is `env:prod` now, and was `is:degraded`"
    );
    driver.keys("esc / \"is:degraded enter : \"save_sick enter esc");
    assert_eq!(
        kept(&driver),
        [pair("incident", "env:prod"), pair("sick", "is:degraded")]
    );

    // Used: alone, with other words, by its first letters while it is typed, and after `:filter`.
    for (keys, filter) in [
        ("/ \"@sick enter", "is:degraded"),
        ("/ \"@sick_@incident enter", "is:degraded env:prod"),
        ("/ \"checkout_@in enter", "checkout env:prod"),
        ("/ \"@ enter", ""),
        (": \"filter_@sick enter", "is:degraded"),
    ] {
        driver.keys(keys);
        assert_eq!(driver.model.matrix.filter, filter, "{keys}");
        driver.keys("esc");
    }
    for (filter, said) in [
        (
            "@sik",
            "no filter `sik`; did you mean `sick`; there are: incident, sick",
        ),
        (
            "!@sick",
            "`!@sick`: what is kept cannot be turned round; `@sick` is the filter itself",
        ),
    ] {
        driver.keys(&format!("/ \"{filter} enter"));
        assert_eq!(driver.word(), said);
        driver.keys("esc");
    }
    let offered: Vec<String> = palette::suggestions(&driver.model, "forget ")
        .into_iter()
        .map(|it| it.line)
        .collect();
    assert_eq!(offered, ["forget incident", "forget sick"]);
    driver.keys("? / \"kept_filters enter");
    assert_eq!(titles(&driver), ["Kept filters"]);
    driver.keys("esc esc");

    driver.taken();
    driver.keys(": \"forget_sick enter");
    assert_eq!(driver.word(), "forgotten: @sick was `is:degraded`");
    assert_eq!(
        driver.taken(),
        [Command::KeepFilters(driver.model.filters.clone())]
    );
    driver.keys(": \"forget_sick enter");
    assert!(driver.word().starts_with("no filter `sick`"));
    driver.keys(": \"forget_incident enter / \"@x enter");
    assert_eq!(
        driver.word(),
        "no filter `x`: none is kept; `:save NAME` keeps the one in force"
    );
}

/// The filter to start with may be one that was kept.
#[test]
fn a_kept_filter_may_be_the_one_to_start_with() {
    let mut setup = fixture::setup();
    "@incident env:prod".clone_into(&mut setup.filter);
    let mut model = crate::app::model::Model::new(setup, moment(), SIZE, None, Vec::new());
    model.take_up_filters([("incident".to_owned(), "is:degraded".to_owned())].into());
    assert_eq!(model.matrix.filter, "is:degraded env:prod");
    assert_eq!(model.unknown_in_filter(), None);
}
