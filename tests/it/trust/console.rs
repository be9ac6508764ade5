//! A configuration that changes while the console runs: what it names is asked about once, and the old one works until then.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::fs;

use crate::support::{
    operator::Operator,
    repo::{Repository, write},
    terminal::{SOON, Setup, View},
    two::{Two, configuration, file, image, without_other},
};

const QUESTION: &str = "May these be reached?";

/// Both, where the main one's file names nothing yet and has a prod of its own.
fn alone() -> Two {
    let two = Two::new(&["dev"]);
    two.main.write(&file("prod"), &image("0.9.0"));
    let text = without_other(&configuration("", &["dev"]));
    two.main.write("tidegate.toml", &text);
    two.main.publish("Alone");
    two.main.pull();
    fs::create_dir_all(two.main.home()).expect("a home");
    two
}

fn says(operator: &Operator, what: &str) -> View {
    operator.terminal.until(what, SOON, |view| view.has(what))
}

fn refuses(operator: &mut Operator) {
    let words = "the old configuration stays in force";
    operator
        .terminal
        .press_until("n", words, SOON, |view| view.has(words));
}

#[test]
fn a_running_console_asks_once_and_goes_on_with_the_old_one_until_it_is_allowed() {
    let two = alone();
    let setup = Setup::tidegate(&[])
        .home(two.main.home())
        .folder(two.main.clone_path());
    let mut operator = Operator::sit_down(setup);
    says(&operator, "0.9.0");
    two.says(&two.path());
    let view = says(&operator, QUESTION);
    let place = two.other.clone_path().display().to_string();
    let end = &place[place.len() - 20..];
    assert!(
        view.has("production") && view.has("tidegate.toml:3") && view.has(end),
        "{view}"
    );
    assert!(view.has("origin fetches from and pushes to"), "{view}");
    // No: it says so, goes on, and does not ask again by itself.
    refuses(&mut operator);
    let view = operator.go_to("shop", "prod");
    assert!(view.has("0.9.0"), "{view}");
    two.main.tidegate(&["status", "--no-live"]).exits(2);
    operator.command("reload");
    says(&operator, "the configuration asks what was refused");
    // Until it is asked for.
    operator.command("trust");
    says(&operator, QUESTION);
    operator
        .terminal
        .press_until("y", "the new configuration", SOON, |view| {
            !view.has(QUESTION) && !view.has("0.9.0") && view.has("SERVICE")
        });
    operator.leave();
    two.main.tidegate(&["status", "--no-live"]).exits(0);
}

#[test]
fn a_file_that_changes_at_the_tip_is_asked_about_too() {
    let two = alone();
    let bare = two.main.clone_path().with_file_name("bare.git");
    let (from, to) = (two.main.remote(), bare.display().to_string());
    two.main.git_in(&from, &["clone", "-q", "--bare", ".", &to]);
    let setup = Setup::tidegate(&[]).home(two.main.home()).folder(&bare);
    let mut operator = Operator::sit_down(setup);
    says(&operator, "0.9.0");
    two.publishes(&format!(
        "url = \"file://{}\"",
        two.other.remote().display()
    ));
    operator.command("refresh");
    says(&operator, QUESTION);
    // It is cloned, and shown.
    operator
        .terminal
        .press_until("y", "the new configuration", SOON, |view| {
            !view.has(QUESTION) && !view.has("0.9.0") && view.has("SERVICE")
        });
    operator.leave();
}

#[test]
fn what_trust_allowed_once_stays_allowed_and_nothing_more() {
    let two = alone();
    two.says(&two.path());
    let setup = Setup::tidegate(&["--trust"])
        .home(two.main.home())
        .folder(two.main.clone_path());
    let mut operator = Operator::sit_down(setup);
    let toml = two.main.clone_path().join("tidegate.toml");
    let text = fs::read_to_string(&toml).expect("a file");
    write(&toml, format!("# more\n{text}").as_bytes());
    says(&operator, "the configuration was read again");
    let another = Repository::empty();
    two.says(&format!(
        "{}\n[[repositories]]\nname = \"more\"\npath = \"{}\"",
        two.path(),
        another.clone_path().display()
    ));
    says(&operator, QUESTION);
    refuses(&mut operator);
    operator.leave();
}
