//! The older pull requests that a plan's own takes the place of.

use std::sync::Arc;

use super::plan::PlanState;
use crate::{
    app::{command::Command, model::Model},
    domain::plan::Older,
};

impl Model {
    /// Has the plan's own pull request take the place of those that are open for the same cells, or leaves these open.
    pub(in crate::app) fn supersede(&mut self, out: &mut Vec<Command>) {
        let Some(screen) = self.plan_screen() else {
            return self.open_the_plan_first();
        };
        let PlanState::Ready(view) = &screen.state else {
            return;
        };
        let plan = Arc::clone(&view.plan);
        let had = !screen.supersedes.is_empty();
        let older = plan.older(&self.git.proposed);
        let older: Vec<Older> = older.iter().map(|(it, _)| it.as_older()).collect();
        if older.is_empty() && !had {
            return self.say("no other pull request is open for these cells");
        }
        let numbers = older.iter().map(|it| format!("#{}", it.number));
        let numbers = numbers.collect::<Vec<_>>().join(", ");
        let (word, older) = if had {
            ("they stay open".to_owned(), Vec::new())
        } else {
            let word = format!(
                "{numbers} is closed once the plan's own is open; the same key leaves it open"
            );
            (word, older)
        };
        if let Some(screen) = self.plan_screen() {
            screen.supersedes = older;
        }
        self.say(word);
        self.build_plan(out);
    }
}
