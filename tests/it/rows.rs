//! Which rows the console shows, and in which order: chosen by keys, kept for the next start.

use std::{fs, path::Path};

use crate::support::{
    operator::Operator,
    repo::Repository,
    terminal::{SOON, Setup, View, key},
};

const CONFIG: &str = r#"
[[environments]]
name = "dev"
[[environments]]
name = "prod"
from = ["dev"]

[[layouts]]
path = "{env}.yaml"
yaml = "{service}"
"#;

fn repository() -> Repository {
    let repository = Repository::empty();
    repository.write("tidegate.toml", CONFIG);
    repository.write("dev.yaml", "api: 1.0.0\nweb: 2.0.0\nworker: 3.0.0\n");
    repository.write("prod.yaml", "api: 1.0.0\nweb: 2.0.0\nworker: 2.9.0\n");
    repository.publish("seed");
    // The last change of prod is that of `web`, and of dev that of `worker`.
    repository.write("prod.yaml", "api: 1.0.0\nweb: 1.9.0\nworker: 2.9.0\n");
    repository.publish("web goes back in prod");
    repository.write("dev.yaml", "api: 1.0.0\nweb: 2.0.0\nworker: 3.1.0\n");
    repository.publish("worker goes on in dev");
    repository.pull();
    repository
}

fn console(repository: &Repository, home: &Path) -> Operator {
    Operator::sit_down(setup(repository, home))
}

fn setup(repository: &Repository, home: &Path) -> Setup {
    let setup = Setup::tidegate(&[]).folder(repository.clone_path());
    setup.home(home)
}

/// The services that are shown, from the top.
fn services(view: &View) -> Vec<String> {
    let lines = view.lines();
    let head = lines.iter().position(|line| line.contains("SERVICE"));
    let rows = lines.iter().skip(head.map_or(lines.len(), |at| at + 1));
    let rows = rows.take_while(|line| !line.starts_with('├'));
    let names = rows.filter_map(|line| line.trim_start_matches('│').split_whitespace().next());
    names
        .filter(|name| ["api", "web", "worker"].contains(name))
        .map(str::to_owned)
        .collect()
}

fn shows(operator: &Operator, head: &str, expected: &[&str]) {
    let what = format!("{head}: {expected:?}");
    operator.terminal.until(&what, SOON, |view| {
        view.has(head) && services(view) == expected
    });
}

#[test]
fn rows_are_ordered_and_filters_are_there_again_at_the_next_start() {
    let repository = repository();
    let home = repository.home();
    let mut operator = console(&repository, &home);
    operator.command("order prod");
    shows(&operator, "prod ▾", &["web", "api", "worker"]);
    operator.command("order -prod");
    shows(&operator, "prod ▴", &["worker", "api", "web"]);
    operator.command("order dev");
    shows(&operator, "dev ▾", &["worker", "api", "web"]);
    operator.terminal.press("oo");
    shows(&operator, "by trouble", &["api", "web", "worker"]);
    operator.terminal.press("o");
    shows(&operator, "SERVICE ▴", &["api", "web", "worker"]);

    operator.terminal.press("/is:behind");
    operator.terminal.press(key::ENTER);
    shows(&operator, "is:behind", &["web", "worker"]);
    operator.command("save late");
    operator.terminal.until("it is kept", SOON, |view| {
        view.has("kept: @late in a filter is `is:behind`")
    });
    operator.leave();

    let mut operator = console(&repository, &home);
    shows(&operator, "SERVICE", &["api", "web", "worker"]);
    operator.terminal.press("/@late w");
    operator.terminal.press(key::ENTER);
    shows(&operator, "is:behind w", &["web", "worker"]);
    operator.leave();

    // The user's file names what the console starts with.
    let file = home.join("config/tidegate/config.toml");
    fs::create_dir_all(file.parent().expect("its folder")).expect("a folder");
    fs::write(&file, "filter = \"@late work\"\n").expect("a file");
    let mut operator = console(&repository, &home);
    shows(&operator, "is:behind work", &["worker"]);
    operator.command("forget late");
    operator.terminal.until("it is forgotten", SOON, |view| {
        view.has("forgotten: @late was `is:behind`")
    });
    operator.leave();
    // No row is left to stand on, and it is said why.
    let mut terminal = setup(&repository, &home).start();
    terminal.until("what is wrong", SOON, |view| {
        view.has("the filter to start with: no filter `late`: none is kept")
    });
    terminal.press(key::ESC);
    terminal.until("all rows", SOON, |view| services(view).len() == 3);
    terminal.press("q");
    terminal.ended(SOON).assert_restored();
}
