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
        assert_eq!(word(&driver), expected);
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
    assert_eq!(word(&driver), expected);
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
    assert!(word(&driver).starts_with("nothing to undo"));
    driver.model.word = None;
    driver.keys("x");
    assert_eq!(word(&driver), "nothing is staged here");
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
            deliver: None,
            overrides: Vec::new(),
            accepted: Vec::new(),
            leave_out: false,
            refused: Vec::new(),
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
    driver.keys("z");
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
        assert!(word(&driver).starts_with(expected), "{}", word(&driver));
        assert_eq!(
            driver.model.staging.requests().len(),
            usize::from(version.is_some())
        );
    }
}
