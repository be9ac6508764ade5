//! What a cell is doing, as commands and the console tell it: over the demo's repository and its clusters.

#![allow(clippy::unwrap_used)] // helpers fail by panicking

use std::fs;

use tidegate::demo::{Demo, server::Mode};

use crate::support::{
    demo::{Operated, demo},
    operator::Operator,
    terminal::{SOON, Setup, View},
};

/// Changes the team's file in the work tree, which a running console reads again by itself.
fn configure(demo: &Demo, change: &[(&str, &str)]) {
    let file = demo.clone.join("tidegate.toml");
    let mut text = fs::read_to_string(&file).unwrap();
    for (from, to) in change {
        assert!(text.contains(from), "{from} is not in {text}");
        text = text.replace(from, to);
    }
    fs::write(&file, text).unwrap();
}

fn console(demo: &Demo) -> Operator {
    let setup = Setup::tidegate(&[]).env("KUBECONFIG", &demo.kubeconfig);
    Operator::sit_down(setup.folder(&demo.clone))
}

fn until(operator: &Operator, words: &str) -> View {
    operator.terminal.until(words, SOON, |view| view.has(words))
}

/// Whether a line has these words, one behind the other.
fn in_order(line: &str, words: &[&str]) -> bool {
    let mut rest = Some(line);
    for word in words {
        rest = rest.and_then(|rest| rest.split_once(word)).map(|it| it.1);
    }
    rest.is_some()
}

/// One glyph means one thing wherever a cell is shown.
#[tokio::test(flavor = "multi_thread")]
async fn commands_and_the_console_show_a_cell_alike() {
    let operated = Operated::start(10.0).await;
    let demo = &operated.demo;
    configure(
        demo,
        &[(
            "cluster = \"staging\"\n",
            "cluster = \"staging\"\nworkload = \"{service}-gone\"\n",
        )],
    );
    let status = operated.tidegate(&["status"]).await.exits(0);
    // dev, staging, prod-eu, prod-us, and why.
    let row = [
        "search",
        "✓ ",
        "! ",
        "✓ 8.3.0",
        "✓ 8.3.0",
        "no workload called search-gone",
    ];
    let table = status.out.lines().find(|line| in_order(line, &row));
    let table = table.unwrap_or_else(|| panic!("{}", status.out));
    assert!(!table.contains(" - "), "it is not absent: {table}");

    let operator = console(demo);
    // WHY has less room there.
    let row = [&row[..5], &["staging: no workload"]].concat();
    operator.terminal.until("the same row", SOON, |view| {
        view.lines().iter().any(|line| in_order(line, &row))
    });
    operator.leave();
}

/// A cluster or an environment that goes from the configuration takes along what it said.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_configured_no_more_is_gone_after_the_reload() {
    let demo = demo(10.0).await;
    let mut operator = console(&demo);
    until(&operator, "4/4 live");
    operator.terminal.press("!");
    operator.terminal.until("live cells", SOON, |view| {
        view.line(&["search", "✓ 8.3.0  ", "✓ 8.3.0  "]).is_some()
    });
    let cell = operator.go_to("search", "prod-eu");
    assert!(cell.has("✓ healthy") && cell.has("runs 8.3.0"), "{cell}");

    // A cluster goes, then its environment.
    configure(&demo, &[("cluster = \"prod-eu\"\n", "")]);
    let alone = until(&operator, "no cluster configured: Git alone");
    assert!(alone.has("3/3 live"), "{alone}");
    assert!(!alone.has("ready ") && !alone.has("runs 8.3.0"), "{alone}");
    let environment = "[[environments]]\nname = \"prod-eu\"\nfrom = [\"staging\"]\nurl = \"https://eu.shop.example\"\nnamespace = \"shop-{service}\"\nprotected = true\n";
    configure(&demo, &[(environment, "")]);
    let gone = operator
        .terminal
        .until("no column of its own", SOON, |view| {
            view.line(&["SERVICE", "dev", "staging", "prod-us", "prod-eu"])
                .is_some()
        });
    assert!(gone.has("3/3 live"), "{gone}");

    // It comes back, and is asked anew.
    configure(
        &demo,
        &[(
            "[[layouts]]",
            &format!("{environment}cluster = \"prod-eu\"\n\n[[layouts]]"),
        )],
    );
    until(&operator, "4/4 live");
    let back = operator.go_to("search", "prod-eu");
    let back = if back.has("✓ healthy") {
        back
    } else {
        until(&operator, "✓ healthy")
    };
    assert!(back.has("runs 8.3.0"), "{back}");

    // Another cluster for an environment, one that nobody has reached: what the former one said is not its own.
    demo.server("staging")
        .unwrap()
        .set_mode(Mode::Refusing)
        .await;
    until(&operator, "3/4 live");
    configure(&demo, &[("cluster = \"prod-us\"", "cluster = \"staging\"")]);
    operator.go_to("search", "prod-us");
    let unknown = until(&operator, "unknown: never reached");
    assert!(
        unknown.has("2/4 live") && !unknown.has("runs 8.3.0"),
        "{unknown}"
    );
    let row = unknown.line(&["search", "✓ 8.3.0"]).unwrap_or_default();
    assert!(
        row.contains("? 8.3.0") && row.contains('∅'),
        "{row}\n{unknown}"
    );
    operator.leave();
}
