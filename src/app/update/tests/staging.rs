//! Asking for changes.

use super::*;

#[test]
fn p_promotes_into_the_cell_from_its_upstream() {
    let cases = [
        (
            "identity",
            "staging",
            Some("dev"),
            "identity / staging gets 5.1.0: s opens the plan",
        ),
        (
            "payments",
            "prod-eu",
            Some("staging"),
            "payments / prod-eu gets 3.9.1: s opens the plan",
        ),
        (
            "checkout",
            "staging",
            None,
            "checkout / staging: staging declares 1.42.0 already",
        ),
        (
            "checkout",
            "dev",
            None,
            "checkout / dev: dev has no upstream (`from`) to promote from; set a version by hand",
        ),
    ];
    for (service, environment, from, expected) in cases {
        let mut driver = Driver::settled(SIZE);
        driver.model.select(&cell(service, environment));
        driver.keys("p");
        assert_eq!(driver.word(), expected);
        let requests = from.map(|from| promote(service, environment, from));
        let requests: Vec<_> = requests.into_iter().collect();
        assert_eq!(driver.model.staging.requests(), requests);
        let saved = (!requests.is_empty()).then_some(Command::SaveStaged(requests));
        assert_eq!(driver.taken(), Vec::from_iter(saved));
    }
}

#[test]
fn a_version_newer_than_upstream_is_not_overwritten_by_a_promotion() {
    let mut driver = Driver::settled(SIZE);
    let mut desired = fixture::desired(&fixture::rows());
    let ahead = desired.cells.get_mut(&cell("orders", "prod-us")).unwrap();
    ahead.version = Some("2.5.0".into());
    driver.model.git.desired = Some(Arc::new(desired));
    driver.model.select(&cell("orders", "prod-us"));
    driver.keys("p");
    let expected = "orders / prod-us: 2.5.0 is newer than 2.4.0 in staging";
    assert_eq!(driver.word(), expected);
}

#[test]
fn a_column_is_marked_folded_rows_too_and_what_has_nothing_to_do_is_set_aside() {
    let mut driver = Driver::settled(SIZE);
    driver.keys("l l V");
    assert_eq!(driver.model.matrix.marks.len(), 17);
    driver.keys("p");
    assert_eq!(driver.model.staging.requests().len(), 14);
    let aside = &driver.model.staging.set_aside;
    let aside: Vec<&str> = aside
        .iter()
        .map(|skip| skip.cell.service.as_str())
        .collect();
    assert_eq!(aside, ["checkout", "identity", "mailer"]);
    assert!(driver.model.matrix.marks.is_empty());
    driver.keys("z");
    assert_eq!(driver.model.staging.requests(), [], "one step");
}

#[test]
fn x_takes_back_and_z_brings_back() {
    let mut driver = Driver::settled(SIZE);
    driver.model.select(&cell("identity", "staging"));
    driver.keys("p x");
    assert_eq!(driver.model.staging.requests(), []);
    driver.keys("z");
    assert_eq!(driver.model.staging.requests().len(), 1);
    driver.keys("z z");
    assert!(driver.word().starts_with("nothing to undo"));
    driver.model.word = None;
    driver.keys("x");
    assert_eq!(driver.word(), "nothing is staged here");
}

#[test]
fn a_range_is_marked_between_two_corners() {
    let mut driver = Driver::settled(SIZE);
    driver.keys("l v j l space");
    let marks: Vec<String> = driver
        .model
        .matrix
        .marks
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = [
        "checkout / prod-us",
        "checkout / staging",
        "payments / prod-us",
        "payments / staging",
    ];
    assert_eq!(marks, expected);
}

#[test]
fn r_selects_the_last_good_version_and_plans_the_revert_alone() {
    let mut driver = Driver::settled(SIZE);
    driver.model.select(&cell("identity", "staging"));
    driver.keys("p");
    driver.model.select(&cell("checkout", "prod-us"));
    driver.commands.clear();
    driver.keys("r enter");
    let revert = ChangeRequest {
        cell: cell("checkout", "prod-us"),
        intent: Intent::Revert {
            to: Some("1.41.3".into()),
            at: Some(fixture::values()[1].change.landed.commit),
        },
        came: Came::Named,
    };
    let staged = vec![promote("identity", "staging", "dev"), revert.clone()];
    let build = |driver: &Driver, requests| Command::BuildPlan {
        epoch: driver.epoch(Operation::Plan),
        request: PlanRequest {
            changes: requests,
            ..PlanRequest::default()
        },
    };
    let alone = build(&driver, vec![revert]);
    let expected = [Command::SaveStaged(staged.clone()), alone];
    assert_eq!(driver.taken(), expected);
    driver.keys("a");
    let all = build(&driver, staged);
    assert_eq!(driver.taken(), [all], "a plans everything staged");
}

#[test]
fn what_an_earlier_run_staged_is_there() {
    let staged = vec![promote("identity", "staging", "dev")];
    let model =
        crate::app::model::Model::new(fixture::setup(), moment(), SIZE, None, staged.clone());
    assert_eq!(model.staging.requests(), staged);
}

#[test]
fn an_older_plan_does_not_replace_a_newer_one() {
    let mut driver = planned("identity", "staging");
    driver.keys("b");
    let late = driver.epoch(Operation::Plan);
    driver.model.build_plan(&mut Vec::new());
    driver.send(Event::Planned {
        epoch: late,
        result: Ok(Arc::new(plan(&[cell("identity", "staging")], false))),
    });
    let Some(Screen::Plan(screen)) = driver.model.screens.last() else {
        panic!("the plan is open");
    };
    assert_eq!(screen.state, PlanState::Building);
}

#[test]
fn a_version_by_hand_is_cut_and_judged() {
    let cases = [
        (
            ": \"set_1.2.3 enter",
            Some("1.2.3"),
            "identity / staging gets 1.2.3: s opens the plan",
        ),
        (
            ": \"set__1.2.3_ enter",
            Some("1.2.3"),
            "identity / staging gets 1.2.3: s opens the plan (the white space around it is cut)",
        ),
        (
            ": \"set_r/web:1.2.3 enter",
            None,
            "identity / staging: `r/web:1.2.3` is no image tag: it names an image too",
        ),
        (
            ": \"set_1_2 enter",
            None,
            "identity / staging: `1 2` is no image tag: ` ` cannot stand in one",
        ),
    ];
    for (keys, version, expected) in cases {
        let mut driver = Driver::settled(SIZE);
        let target = cell("identity", "staging");
        let mut desired = fixture::desired(&fixture::rows());
        let declared = desired.cells.get_mut(&target).unwrap();
        declared.grammar = crate::domain::grammar::Grammar::Image;
        driver.model.git.desired = Some(Arc::new(desired));
        driver.model.select(&target);
        driver.keys(keys);
        assert!(driver.word().starts_with(expected), "{}", driver.word());
        assert_eq!(
            driver.model.staging.requests().len(),
            usize::from(version.is_some())
        );
    }
}

#[test]
fn every_step_of_staging_leaves_its_trace_in_the_activity() {
    // Keys, what is said, and the last entry with its details.
    let identity = "identity / staging";
    let cases: [(&str, &str, &str, usize); 6] = [
        (
            "p z",
            "undone: 0 staged",
            "undone: identity / staging is not staged any more",
            0,
        ),
        (
            "p x",
            "identity / staging taken back; z brings it back",
            "taken back: identity / staging is not staged any more",
            0,
        ),
        (
            "p x z",
            "undone: 1 staged",
            "undone: identity / staging: staged: promotion from dev",
            0,
        ),
        (
            "p : \"set_9 enter z",
            "undone: 1 staged",
            "undone: identity / staging: staged: promotion from dev",
            0,
        ),
        (
            "V p : \"drop enter",
            "2 changes taken back; z brings them back",
            "taken back: 2 changes",
            2,
        ),
        (
            "V p : \"drop enter z",
            "undone: 2 staged",
            "undone: 2 changes",
            2,
        ),
    ];
    for (keys, said, logged, details) in cases {
        let mut driver = Driver::settled(SIZE);
        driver.model.select(&cell("identity", "staging"));
        driver.keys(keys);
        assert_eq!(driver.word(), said, "{keys} on {identity}");
        let last = driver.model.activity.entries().back().unwrap();
        assert_eq!(
            (&*last.text, last.detail.len()),
            (logged, details),
            "{keys}"
        );
    }
}

#[test]
fn nothing_staged_is_nothing_to_drop() {
    let mut driver = Driver::settled(SIZE);
    driver.keys(": \"drop enter");
    assert_eq!(driver.word(), "nothing is staged");
}

/// Three cells staged in this order, all of them planned.
fn three() -> (Driver, [CellKey; 3]) {
    let cells = ["orders", "quotes", "search"].map(|service| cell(service, "staging"));
    let mut driver = Driver::settled(SIZE);
    driver.model.matrix.marks.extend(cells.iter().cloned());
    driver.keys(": \"set_2 enter s");
    driver.planned(plan(&cells, false));
    (driver, cells)
}

fn shown(driver: &Driver) -> (Scope, Option<CellKey>) {
    let Some(Screen::Plan(screen)) = driver.model.screens.last() else {
        panic!("the plan is open");
    };
    (screen.scope.clone(), driver.model.selected_change())
}

#[test]
fn a_plans_the_selected_change_alone_and_stays_on_it() {
    let (mut driver, cells) = three();
    driver.keys("j a");
    let only = Scope::Only(vec![cells[1].clone()]);
    assert_eq!(shown(&driver).0, only);
    assert_eq!(driver.word(), "only quotes / staging is planned");
    driver.planned(plan(&cells[1..2], false));
    driver.keys("a");
    assert_eq!(driver.word(), "everything staged is planned: 3 changes");
    driver.planned(plan(&cells, false));
    assert_eq!(shown(&driver), (Scope::All, Some(cells[1].clone())));
    driver.keys("a");
    assert_eq!(shown(&driver).0, only, "the same one again");
}

#[test]
fn a_revert_that_is_planned_alone_is_so_again_after_all_were() {
    let mut driver = Driver::settled(SIZE);
    driver.model.select(&cell("identity", "staging"));
    driver.keys("p");
    let revert = cell("checkout", "prod-us");
    driver.model.select(&revert);
    driver.keys("r enter");
    driver.planned(plan(std::slice::from_ref(&revert), false));
    driver.keys("a");
    driver.planned(plan(&[cell("identity", "staging"), revert.clone()], false));
    driver.keys("a");
    assert_eq!(shown(&driver).0, Scope::Only(vec![revert]));
}

#[test]
fn the_cursor_of_a_plan_stays_on_its_cell_when_rows_come_and_go() {
    let (mut driver, cells) = three();
    driver.keys("j b");
    let order = [2, 1, 0].map(|at| cells[at].clone());
    driver.planned(plan(&order[1..], false));
    assert_eq!(shown(&driver).1, Some(cells[1].clone()));
    driver.keys("x");
    let left = [cells[2].clone(), cells[0].clone()];
    assert_eq!(
        driver.model.staging.get(&cells[1]),
        None,
        "what was selected"
    );
    driver.planned(plan(&left, false));
    assert_eq!(shown(&driver).1, Some(left[0].clone()));
}

#[test]
fn what_is_not_staged_itself_is_not_planned_alone() {
    let (mut driver, cells) = three();
    let along = cell("mailer", "staging");
    driver.model.build_plan(&mut Vec::new());
    driver.planned(plan(&[&cells[..], &[along]].concat(), false));
    driver.keys("G a");
    let expected = "mailer / staging is not staged itself: it cannot be planned alone";
    assert_eq!(driver.word(), expected);
    assert_eq!(shown(&driver).0, Scope::All);
}
