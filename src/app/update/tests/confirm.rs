//! The last question: who may, what answers it, what never does.

use super::*;
use crate::domain::{
    ids::RepoPath,
    plan::{FileEdit, Skip, SkipCause, Standing, Wave, Write},
};

fn published(driver: &mut Driver) -> bool {
    let commands = driver.taken();
    commands
        .iter()
        .any(|c| matches!(c, Command::Publish { .. }))
}

#[test]
fn nothing_is_confirmed_before_writing_is_unlocked() {
    let mut driver = planned("identity", "staging");
    driver.model.setup.write = WriteMode::ReadOnly;
    driver.keys("enter");
    let expected = "read-only: type :write to unlock writing for this session";
    assert_eq!(driver.word(), expected);
    assert!(matches!(driver.model.screens.last(), Some(Screen::Plan(_))));
    driver.keys(": \"write enter enter y");
    assert!(published(&mut driver));
}

#[test]
fn read_only_from_the_command_line_is_never_unlocked() {
    let mut driver = planned("identity", "staging");
    driver.model.setup.write = WriteMode::Locked;
    driver.keys(": \"write enter");
    assert_eq!(driver.model.setup.write, WriteMode::Locked);
    driver.keys("enter y enter");
    assert!(!published(&mut driver));
}

#[test]
fn an_unprotected_environment_takes_y_and_never_enter() {
    let mut driver = planned("identity", "staging");
    driver.keys("enter enter enter");
    assert!(!published(&mut driver));
    driver.keys("y");
    assert!(published(&mut driver));
    assert!(matches!(
        driver.model.screens.last(),
        Some(Screen::Delivery(_))
    ));
}

#[test]
fn keys_that_come_too_soon_or_are_held_answer_nothing() {
    let mut driver = planned("identity", "staging");
    driver.keys("enter");
    driver.key("y", 299);
    assert!(!published(&mut driver), "too soon");
    driver.key("y", 40);
    driver.key("y", 40);
    assert!(!published(&mut driver), "held");
    driver.key("y", 300);
    assert!(published(&mut driver));
}

#[test]
fn a_protected_environment_is_typed_by_name() {
    let mut driver = planned("identity", "prod-us");
    driver.keys("enter enter y enter");
    assert!(!published(&mut driver), "neither enter nor y");
    driver.keys("^u \"prod-eu enter");
    assert!(!published(&mut driver), "another name");
    driver.keys("^u \"prod-us enter");
    assert!(published(&mut driver));
}

#[test]
fn each_protected_environment_is_typed() {
    let mut driver = planned("identity", "prod-us");
    let both = [cell("identity", "prod-us"), cell("identity", "prod-eu")];
    driver.model.build_plan(&mut Vec::new());
    driver.planned(plan(&both, false));
    driver.keys("enter \"prod-us enter");
    assert!(!published(&mut driver), "one of two");
    driver.keys("\"prod-eu enter");
    assert!(published(&mut driver));
}

#[test]
fn a_name_is_not_pasted_and_letters_too_soon_are_not_typed() {
    let mut driver = planned("identity", "prod-us");
    driver.keys("enter");
    driver.key("p", 100);
    driver.send(Event::Input {
        at: driver.model.now + 1.seconds(),
        input: Input::Paste("prod-us".to_owned()),
    });
    let Some(Screen::Confirm(screen)) = driver.model.screens.last() else {
        panic!("still asking");
    };
    assert_eq!(screen.input.text(), "");
    assert_eq!(driver.word(), "the name is typed, not pasted");
}

#[test]
fn a_held_change_is_not_applied_until_lifted_with_a_reason() {
    let mut driver = planned_with("identity", "staging", true);
    driver.keys("enter y");
    assert!(!published(&mut driver));
    driver.keys("o enter");
    assert_eq!(driver.word(), "a hold is lifted with a written reason only");
    driver.keys("\"outage_4711 enter");
    let build = Command::BuildPlan {
        epoch: driver.epoch(Operation::Plan),
        request: PlanRequest {
            changes: driver.model.staging.requests().to_vec(),
            deliver: None,
            overrides: vec![Override {
                gate: "upstream".to_owned(),
                reason: "outage 4711".to_owned(),
            }],
            accepted: Vec::new(),
            leave_out: false,
            reason: None,
            ..PlanRequest::default()
        },
    };
    assert_eq!(driver.taken(), [build]);
}

#[test]
fn what_is_held_is_left_out_and_brought_back_and_stays_staged() {
    let mut driver = planned_with("identity", "staging", true);
    let build = |driver: &Driver, leave_out| Command::BuildPlan {
        epoch: driver.epoch(Operation::Plan),
        request: PlanRequest {
            changes: driver.model.staging.requests().to_vec(),
            leave_out,
            ..PlanRequest::default()
        },
    };
    driver.keys("l");
    assert!(
        driver
            .word()
            .starts_with("1 held left out; it stays staged")
    );
    assert_eq!(driver.taken(), [build(&driver, true)]);
    driver.planned(plan(&[], false));
    driver.keys("enter");
    assert_eq!(
        driver.word(),
        "everything is skipped: there is nothing to write"
    );
    driver.keys(": \"leave-out enter");
    assert_eq!(driver.taken(), [build(&driver, false)]);
    driver.planned(plan(&[cell("identity", "staging")], false));
    driver.keys("l");
    assert_eq!(
        driver.word(),
        "nothing is held, and everything named can change"
    );
    assert_eq!(driver.taken(), []);
    assert_eq!(driver.model.staging.requests().len(), 1);
}

/// A plan in which `identity / prod-eu` moves with the edit of `identity / staging`.
fn along(held: bool) -> Planned {
    let cells = ["staging", "prod-eu"].map(|environment| cell("identity", environment));
    let mut view = plan(&cells, false);
    let change = &mut Arc::make_mut(&mut view.plan).changes[1];
    change.along = Some(Along::Edit {
        of: vec![cells[0].clone()],
    });
    change.verdicts.push(Verdict::beside(
        ALONG,
        if held { Outcome::Hold } else { Outcome::Pass },
        String::new(),
    ));
    view
}

#[test]
fn what_comes_along_holds_until_it_is_accepted_and_then_asks_for_its_name() {
    let mut driver = planned("identity", "staging");
    driver.keys("c");
    assert_eq!(
        driver.word(),
        "nothing waits to be accepted: no cell moves that was not staged"
    );
    assert_eq!(driver.taken(), []);
    driver.model.build_plan(&mut Vec::new());
    driver.planned(along(true));
    driver.keys("enter");
    assert_eq!(
        driver.word(),
        "identity / prod-eu would move with the edit and was not staged: c accepts that, l leaves out what moves it"
    );
    driver.keys("y");
    assert!(!published(&mut driver));
    driver.keys("o");
    assert!(driver.model.prompt.is_none(), "{}", driver.word());
    driver.keys("c");
    let build = Command::BuildPlan {
        epoch: driver.epoch(Operation::Plan),
        request: PlanRequest {
            changes: driver.model.staging.requests().to_vec(),
            accepted: vec![Accept::Cell(cell("identity", "prod-eu"))],
            ..PlanRequest::default()
        },
    };
    assert_eq!(driver.taken(), [build]);
    driver.planned(along(false));
    driver.keys("enter");
    let Some(Screen::Confirm(screen)) = driver.model.screens.last() else {
        panic!("no question: {}", driver.word());
    };
    assert_eq!(screen.names, ["prod-eu".into()]);
}

#[test]
fn what_cannot_change_stops_the_plan_until_it_is_left_out() {
    let mut driver = planned_with("identity", "staging", false);
    let refusal = (
        SkipCause::NotParseable,
        "a.yaml:3: is no YAML; mend the file".to_owned(),
    );
    let skip = Skip::new(cell("accounts", "staging"), Came::Named, refusal);
    let mut view = plan(&[cell("identity", "staging")], false);
    Arc::make_mut(&mut view.plan).skipped.push(skip);
    driver.keys("b");
    driver.planned(view.clone());
    driver.commands.clear();
    driver.keys("enter");
    assert_eq!(
        driver.word(),
        "1 cannot change: l leaves it out, x takes it back"
    );
    assert_eq!(
        driver.model.selected_change(),
        Some(cell("accounts", "staging"))
    );
    driver.keys("l");
    assert!(
        driver
            .word()
            .starts_with("1 that cannot change left out; it stays staged")
    );
    Arc::make_mut(&mut view.plan).skipped[0].standing = Standing::LeftOut;
    driver.planned(view);
    driver.keys("enter");
    assert!(matches!(
        driver.model.screens.last(),
        Some(Screen::Confirm(_))
    ));
}

#[test]
fn what_a_gate_skipped_of_a_group_can_be_lifted() {
    let mut driver = planned_with("identity", "staging", false);
    let refusal = (
        SkipCause::Reverted,
        "2 was reverted here by Jane".to_owned(),
    );
    let mut skip = Skip::new(cell("accounts", "staging"), Came::Group, refusal);
    skip.gate = Some("reverted".to_owned());
    let mut view = plan(&[cell("identity", "staging")], false);
    Arc::make_mut(&mut view.plan).skipped.push(skip);
    driver.keys("b");
    driver.planned(view);
    driver.commands.clear();
    driver.keys("j o m e n d e d enter");
    let Some(Command::BuildPlan { request, .. }) = driver.taken().pop() else {
        panic!("it is planned again");
    };
    assert_eq!(request.overrides[0].gate, "reverted");
    assert_eq!(request.overrides[0].reason, "mended");
}

#[test]
fn of_several_changes_the_held_one_is_selected_and_the_bytes_follow() {
    let mut driver = planned("identity", "staging");
    let cells = ["accounts", "identity"].map(|service| cell(service, "staging"));
    let mut view = plan(&cells, false);
    Arc::make_mut(&mut view.plan).changes[1].verdicts[0].outcome = Outcome::Hold;
    view.diff.files = cells
        .iter()
        .map(|cell| {
            let path = format!("apps/{}/overlays/staging/kustomization.yaml", cell.service);
            FileDiff::between(RepoPath::from(path), b"1\n", b"2\n")
        })
        .collect();
    driver.model.build_plan(&mut Vec::new());
    driver.planned(view);
    let shown = |driver: &mut Driver| {
        let screen = driver.model.plan_screen().unwrap();
        (screen.change, screen.diff_scroll)
    };
    driver.keys("j");
    assert_eq!(
        shown(&mut driver),
        (1, 5),
        "its file: after three lines, a name and air"
    );
    driver.keys("k");
    assert_eq!(shown(&mut driver), (0, 0));
    driver.keys("enter");
    assert_eq!(shown(&mut driver), (1, 5));
    assert_eq!(
        driver.word(),
        "1 held: l leaves it out, x takes it back, o lifts the hold with a reason"
    );
}

#[test]
fn the_bytes_follow_to_the_ref_of_the_change_where_several_have_the_file() {
    let mut driver = planned("identity", "staging");
    let cells = ["staging", "prod-us"].map(|environment| cell("identity", environment));
    let path = RepoPath::from("apps/identity/overlays/staging/kustomization.yaml");
    let mut desired = fixture::desired(&fixture::rows());
    for cell in &cells {
        let cell = desired.cells.get_mut(cell).unwrap();
        cell.sources[0].path = path.clone();
    }
    driver.model.git.desired = Some(Arc::new(desired));
    let mut view = plan(&cells, false);
    view.diff.files = vec![FileDiff::between(path.clone(), b"1\n", b"2\n"); 2];
    let writes = cells.iter().map(|cell| Write {
        tip: tip("a1b2c3d"),
        action: Action::Edit,
        edits: vec![FileEdit {
            path: path.clone(),
            before: Vec::new(),
            after: Vec::new(),
        }],
        message: String::new(),
        cells: vec![cell.clone()],
        vetoes: Vec::new(),
        in_step: None,
    });
    Arc::make_mut(&mut view.plan).waves = vec![Wave {
        after: Vec::new(),
        writes: writes.collect(),
    }];
    driver.model.build_plan(&mut Vec::new());
    driver.planned(view);
    let shown = |driver: &mut Driver| {
        let screen = driver.model.plan_screen().unwrap();
        (screen.change, screen.diff_scroll)
    };
    driver.keys("j");
    assert_eq!(shown(&mut driver), (1, 5), "the second file of that name");
    driver.keys("k");
    assert_eq!(shown(&mut driver), (0, 0));
}

#[test]
fn a_plan_that_comes_again_keeps_a_selected_cell_that_was_set_aside() {
    let mut driver = planned("identity", "staging");
    driver.model.staging.set_aside = vec![Skip {
        cell: cell("mailer", "staging"),
        cause: SkipCause::AlreadyThere,
        detail: String::new(),
        standing: Standing::Aside,
        gate: None,
    }];
    driver.keys("j");
    let selected = |driver: &mut Driver| driver.model.plan_screen().unwrap().change;
    assert_eq!(selected(&mut driver), 1);
    driver.model.build_plan(&mut Vec::new());
    driver.planned(plan(&[cell("identity", "staging")], false));
    assert_eq!(selected(&mut driver), 1);
}

#[test]
fn esc_writes_nothing_and_keeps_everything() {
    let mut driver = planned("identity", "staging");
    driver.keys("enter esc");
    assert_eq!(driver.word(), "nothing is written; everything stays staged");
    assert!(matches!(driver.model.screens.last(), Some(Screen::Plan(_))));
    assert_eq!(driver.model.staging.requests().len(), 1);
}

#[test]
fn a_second_delivery_is_refused_while_one_is_written() {
    let mut driver = planned("identity", "staging");
    driver.keys("enter y");
    assert!(published(&mut driver));
    driver.keys("esc enter");
    assert_eq!(driver.word(), "another delivery is being written");
}
