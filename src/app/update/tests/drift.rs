//! How cells stand to their upstreams, and the screen of what drifts.

use super::*;
use crate::{
    app::{fixture::entry, screen::DriftScreen, status},
    domain::{
        drift::{Kind, Skew},
        history::ChangeKind,
    },
};

fn drift(driver: &Driver) -> &DriftScreen {
    match driver.model.screens.last() {
        Some(Screen::Drift(screen)) => screen,
        other => panic!("{other:?}"),
    }
}

fn skew(driver: &Driver, service: &str, environment: &str) -> Option<Skew> {
    status::assess(&driver.model, &cell(service, environment)).skew
}

#[test]
fn skews_follow_the_matrix_and_the_history() {
    let mut driver = Driver::settled(SIZE);
    let unknown = Some(Skew::Behind { by: None });
    assert_eq!(skew(&driver, "accounts", "prod-us"), unknown);
    assert_eq!(skew(&driver, "accounts", "staging"), None);

    let came = |version| entry(version, 1, None, ChangeKind::Bump);
    let values = ["2.4.0", "2.3.2", "2.3.1"].map(came);
    let history = &mut driver.model.history;
    history
        .cells
        .insert(cell("accounts", "staging"), values.to_vec().into());
    history.told.tell(&"accounts".into());
    driver.send(Event::Tick(moment()));
    driver.keys("j");
    let known = Some(Skew::Behind { by: Some(2) });
    assert_eq!(skew(&driver, "accounts", "prod-us"), known);

    let mut desired = (**driver.model.git.desired.as_ref().unwrap()).clone();
    let moved = desired.cells.get_mut(&cell("accounts", "prod-us")).unwrap();
    moved.version = Some("2.5.0".into());
    driver.model.git.desired = Some(Arc::new(desired));
    driver.keys("k");
    assert_eq!(skew(&driver, "accounts", "prod-us"), Some(Skew::Ahead));
    assert!(driver.model.skews.counts().contains(&(Skew::Ahead, 1)));
}

#[test]
fn filters_by_how_cells_stand() {
    let mut driver = Driver::settled(SIZE);
    let rows = |driver: &Driver| driver.model.matrix.lines.len();
    // (filter, rows)
    let cases = [
        ("is:behind", 17),
        ("is:behind_env:staging", 2),
        ("is:ahead", 0),
        ("is:skew", 17),
        ("is:differs", 0),
    ];
    for (filter, expected) in cases {
        driver.keys(&format!("/ \"{filter} enter"));
        assert_eq!(rows(&driver), expected, "{filter}");
        driver.keys("esc");
    }
    driver.keys("/ \"is:behnid enter");
    assert!(
        driver
            .word()
            .starts_with("no `is:behnid`; did you mean `behind`; there are: ")
    );
}

#[test]
fn the_list_keeps_its_cursor_on_the_finding() {
    let mut driver = Driver::settled(SIZE);
    driver.keys("D");
    let first = &drift(&driver).findings[0];
    assert_eq!(*first, (Kind::Live, cell("mailer", "prod-us")));
    driver.keys("G");
    let last = drift(&driver).findings.last().unwrap().clone();
    assert_eq!(last.0, Kind::Skew);
    // The cluster runs what Git declares now: one finding less, above the cursor.
    driver.send(Event::Live {
        environment: "prod-us".into(),
        context: "prod-us".to_owned(),
        connection: crate::domain::rollout::Connection::Live,
        cells: vec![(cell("mailer", "prod-us"), fixture::healthy("2.0.3").into())],
        all: false,
    });
    let screen = drift(&driver);
    assert!(screen.findings.iter().all(|it| it.0 != Kind::Live));
    assert_eq!(screen.findings[screen.selected], last);
}

#[test]
fn enter_opens_the_cell_and_marks_are_those_of_the_matrix() {
    let mut driver = Driver::settled(SIZE);
    driver.keys("D enter");
    assert!(
        matches!(driver.model.screens.last(), Some(Screen::Cell(it)) if it.cell == cell("mailer", "prod-us"))
    );
    driver.keys("esc");
    let skew = drift(&driver)
        .findings
        .iter()
        .position(|it| it.0 == Kind::Skew);
    for _ in 0..skew.unwrap() {
        driver.keys("j");
    }
    let marked = drift(&driver).findings[skew.unwrap()].1.clone();
    driver.keys("space");
    assert!(driver.model.matrix.marks.contains(&marked));
    assert_ne!(drift(&driver).findings[drift(&driver).selected].1, marked);
    driver.keys("k space");
    assert!(driver.model.matrix.marks.is_empty());
    driver.keys("k space p");
    assert!(driver.model.staging.get(&marked).is_some());
    assert!(driver.model.matrix.marks.is_empty());
}
