//! Pods up close: what is selected on a cell's screen, and what is opened of it.

use super::*;
use crate::{
    app::event::LogPart,
    domain::rollout::{
        Connection, Health, LiveCell, LogLine, LogRequest, Look, ObjectAt, ObjectKind,
    },
};

/// checkout in prod-us, of which four pods crash, opened on its rollout.
fn driver() -> Driver {
    let mut driver = Driver::settled(SIZE);
    driver.brought_by_agents();
    driver.model.select(&cell("checkout", "prod-us"));
    driver.keys("enter s-tab");
    driver.model.drawn.objects = (10..17).collect();
    driver.model.drawn.keys.page = 30;
    driver.taken();
    driver
}

fn asked(driver: &mut Driver) -> LogRequest {
    let commands = driver.taken().into_iter();
    let mut asked = commands.filter_map(|command| match command {
        Command::FollowLog { request, .. } => Some(request),
        _ => None,
    });
    asked.next().unwrap()
}

#[test]
fn the_selected_object_is_looked_at() {
    let cases: [(&str, ObjectKind, &str); 4] = [
        ("Y", ObjectKind::Pod, "checkout-5d9f7c6b8-x0k2p"),
        ("j Y", ObjectKind::Pod, "checkout-5d9f7c6b8-x1k2p"),
        ("k Y", ObjectKind::Deployment, "checkout"),
        ("j j k D", ObjectKind::Pod, "checkout-5d9f7c6b8-x1k2p"),
    ];
    for (keys, kind, name) in cases {
        let mut driver = driver();
        driver.keys(keys);
        let expected = ObjectAt {
            context: "prod-us".to_owned(),
            kind,
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        };
        let taken = driver.taken();
        let look = if keys.ends_with('D') {
            Look::Description
        } else {
            Look::Yaml
        };
        let is_it = |command: &Command| matches!(command, Command::ShowObject { at, look: how, .. } if *at == expected && *how == look);
        assert!(taken.iter().any(is_it), "{keys}: {taken:?}");
    }
}

#[test]
fn a_crashing_pod_opens_on_the_container_before() {
    let mut driver = driver();
    driver.keys("L");
    let request = asked(&mut driver);
    assert_eq!(request.pod, "checkout-5d9f7c6b8-x0k2p");
    assert!(request.previous && !request.follow);
    let epoch = driver.epoch(Operation::Log);
    driver.send(Event::Log {
        epoch,
        part: LogPart::Of {
            container: "app".to_owned(),
            containers: vec!["app".to_owned(), "proxy".to_owned()],
            previous: true,
        },
    });
    let line = |text: &str| LogLine {
        time: None,
        text: text.to_owned(),
    };
    driver.send(Event::Log {
        epoch,
        part: LogPart::Lines(vec![line("starting"), line("panic: no such table")]),
    });
    let shown = |driver: &Driver| {
        let Some(Screen::Log(screen)) = driver.model.screens.last() else {
            panic!("no log");
        };
        let lines = screen.shown().into_iter();
        lines.map(|line| line.text.clone()).collect::<Vec<_>>()
    };
    driver.keys("/ \"PANIC enter");
    assert_eq!(shown(&driver), ["panic: no such table"]);
    driver.keys("esc p");
    let request = asked(&mut driver);
    assert!(!request.previous && request.follow);
    assert_eq!(request.container.as_deref(), Some("app"));
    assert!(shown(&driver).is_empty(), "it is another log");
    driver.send(Event::Log {
        epoch,
        part: LogPart::Lines(vec![line("late")]),
    });
    assert!(shown(&driver).is_empty(), "a late answer");
    driver.keys("c");
    assert_eq!(asked(&mut driver).container.as_deref(), Some("proxy"));
    driver.keys("esc");
    assert!(driver.taken().contains(&Command::StopLog));
}

#[test]
fn the_terminal_is_handed_over_at_the_pod() {
    let mut driver = driver();
    driver.keys("K");
    let taken = driver.taken();
    let run = taken.iter().find_map(|command| match command {
        Command::RunOwn { run, .. } => Some(run),
        _ => None,
    });
    let run = run.unwrap();
    assert!(run.screen);
    assert_eq!(
        run.line(),
        "k9s --context prod-us -n shop -c 'pod /checkout-5d9f7c6b8-x0k2p'"
    );
    let kubectl = run.instead.as_ref().unwrap().join(" ");
    assert!(kubectl.starts_with("kubectl --context prod-us -n shop get pod "));
}

#[test]
fn what_is_not_there_is_said() {
    let mut driver = driver();
    let mut live = LiveCell::clone(&driver.model.live.cells()[&cell("mailer", "dev")]);
    live.workloads.clear();
    live.pods.clear();
    live.agent = None;
    live.health = Health::Missing;
    driver.send(Event::Live {
        environment: "dev".into(),
        context: "dev".to_owned(),
        connection: Connection::Live,
        cells: vec![(cell("mailer", "dev"), live.into())],
        all: false,
    });
    driver.keys("esc");
    driver.model.select(&cell("mailer", "dev"));
    driver.keys("enter L");
    assert_eq!(driver.word(), "mailer / dev has no pods and no workload");
}
