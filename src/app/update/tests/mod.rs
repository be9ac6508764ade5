//! Events in, commands out: what is asked for, refused, dropped and kept.

use std::sync::Arc;

use jiff::ToSpan;

use crate::{
    app::{
        command::Command,
        event::{Epoch, Event, Input, Planned},
        fixture::{self, Driver, cell, commit, moment, tip},
        layouts::LayoutsBy,
        model::{Prompt, WriteMode},
        op_queue::Operation,
        screen::{PlanState, Scope, Screen},
        update::{start, update_all},
    },
    domain::{
        diff::{Diff, FileDiff},
        failure::Failure,
        ids::CellKey,
        plan::{
            ALONG, Accept, Action, Along, Came, ChangeRequest, Intent, Outcome, Override, Plan,
            PlanRequest, PlannedChange, Verdict, Wave, Write,
        },
        topology::Deliver,
    },
};

mod agent;
mod answers;
mod confirm;
mod diff;
mod drift;
mod finding;
mod forge;
mod layouts;
mod matrix;
mod objects;
mod own;
mod publish;
mod rows;
mod staging;
mod trace;
mod trust;
mod waiting;

const SIZE: (u16, u16) = (120, 40);

fn promote(service: &str, environment: &str, from: &str) -> ChangeRequest {
    ChangeRequest {
        cell: cell(service, environment),
        intent: Intent::Promote { from: from.into() },
        came: Came::Named,
    }
}

/// A plan that changes these cells from `1` to `2`; a hold on each where `held`.
fn plan(cells: &[CellKey], held: bool) -> Planned {
    let change = |cell: &CellKey| PlannedChange {
        inherits: None,
        pins: None,
        along: None,
        cell: cell.clone(),
        intent: Intent::Set {
            version: "2".into(),
        },
        from: Some("1".into()),
        to: Some("2".into()),
        verdicts: vec![Verdict::beside(
            "upstream",
            if held { Outcome::Hold } else { Outcome::Pass },
            String::new(),
        )],
    };
    let write = Write {
        tip: tip("a1b2c3d"),
        action: Action::Edit,
        edits: Vec::new(),
        message: "set".to_owned(),
        cells: cells.to_vec(),
        vetoes: Vec::new(),
        in_step: None,
    };
    Planned {
        plan: Arc::new(Plan {
            request: PlanRequest::default(),
            base: vec![tip("a1b2c3d")],
            deliver: Deliver::Push,
            changes: cells.iter().map(change).collect(),
            waves: vec![Wave {
                after: Vec::new(),
                writes: vec![write],
            }],
            skipped: Vec::new(),
            held_back: Vec::new(),
            notes: Vec::new(),
            digest: String::new(),
        }),
        diff: Diff {
            files: vec![FileDiff::between("apps/x".into(), b"1\n", b"2\n")],
            goes_on: false,
        },
    }
}

/// Writable, this cell staged, its plan open and made.
fn planned(service: &str, environment: &str) -> Driver {
    planned_with(service, environment, false)
}

fn planned_with(service: &str, environment: &str, held: bool) -> Driver {
    let mut driver = Driver::settled(SIZE);
    driver.model.setup.write = WriteMode::Write;
    driver.model.select(&cell(service, environment));
    driver.keys(": \"set_2 enter s");
    driver.planned(plan(&[cell(service, environment)], held));
    driver.commands.clear();
    driver
}
