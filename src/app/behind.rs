//! What stands behind changes of versions: asked for when somebody looks at one, kept for the session.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    command::Command,
    event::Epoch,
    model::Model,
    screen::{PlanState, Screen},
};
use crate::domain::source_code::{Behind, SourceCode, VersionStep};

/// What is known, step by step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BehindSteps {
    known: BTreeMap<VersionStep, Option<Arc<Behind>>>,
    /// Raised where all is forgotten: an answer of before comes too late.
    epoch: Epoch,
    /// What was looked at when the clock last ticked, and whether it was asked about for that.
    looked_at: Option<(VersionStep, bool)>,
}

impl BehindSteps {
    /// What is known of a step: `None` where nobody asked, `Some(None)` where it is waited for.
    pub fn get(&self, step: &VersionStep) -> Option<Option<&Arc<Behind>>> {
        self.known.get(step).map(Option::as_ref)
    }

    /// Forgets all: it may be said to be elsewhere.
    pub(super) fn forget(&mut self) {
        *self = Self {
            epoch: Epoch(self.epoch.0 + 1),
            ..Self::default()
        };
    }

    /// Whether a step has to be asked about; it is waited for from then on.
    fn asks(&mut self, step: &VersionStep) -> bool {
        let known = match self.known.get(step) {
            Some(Some(behind)) => behind.is_known(),
            Some(None) => true,
            None => false,
        };
        if !known {
            self.known.insert(step.clone(), None);
        }
        !known
    }

    /// Whether somebody stays with a step since the clock last ticked.
    fn stays(&mut self, step: Option<&VersionStep>) -> bool {
        let before = self.looked_at.take();
        let Some(step) = step else {
            return false;
        };
        let (stays, asked) = match &before {
            Some((known, asked)) => (known == step, *asked),
            None => (false, false),
        };
        self.looked_at = Some((step.clone(), stays));
        stays && !asked
    }
}

impl Model {
    /// Asks what stands behind a step, where somebody says where the source code is.
    pub(super) fn ask_behind(&mut self, step: Option<VersionStep>, out: &mut Vec<Command>) {
        let Some(step) = step else { return };
        let has_source = SourceCode::of(&self.setup.sources, &step.cell.service).is_some();
        if has_source && step.from.as_ref() != Some(&step.to) && self.behind.asks(&step) {
            let epoch = self.behind.epoch;
            out.push(Command::LookBehind { epoch, step });
        }
    }

    /// Asks about what is looked at, once somebody stays with it: whoever goes through a history or a long plan asks no forge
    /// about all that passes.
    pub(super) fn look_behind(&mut self, out: &mut Vec<Command>) {
        if self.setup.sources.is_empty() {
            return;
        }
        let step = self.selected_step();
        if self.behind.stays(step.as_ref()) {
            self.ask_behind(step, out);
        }
    }

    /// The step that is selected: the change of a plan, or the value of a cell's history.
    pub fn selected_step(&self) -> Option<VersionStep> {
        match self.screens.last()? {
            Screen::Plan(screen) => match &screen.state {
                PlanState::Ready(view) => VersionStep::of(view.plan.changes.get(screen.change)?),
                _ => None,
            },
            Screen::Cell(screen) => {
                let entry = self.values(&screen.cell).get(screen.value)?;
                Some(VersionStep {
                    cell: screen.cell.clone(),
                    from: entry.change.previous.clone(),
                    to: entry.change.version.clone()?,
                })
            }
            _ => None,
        }
    }

    /// Takes what became known of a step.
    pub(super) fn on_behind(&mut self, epoch: Epoch, step: VersionStep, behind: Arc<Behind>) {
        if epoch == self.behind.epoch {
            self.behind.known.insert(step, Some(behind));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::fixture,
        domain::{
            ids::CellKey,
            pull_request::Checks,
            source_code::{Evidence, SaidBy},
        },
    };

    #[test]
    fn what_is_not_known_yet_is_asked_once_and_what_failed_again() {
        let mut model = Model::new(
            fixture::setup(),
            fixture::moment(),
            (120, 40),
            None,
            Vec::new(),
        );
        let step = VersionStep {
            cell: CellKey::new("checkout", "prod"),
            from: Some("1.0.0".into()),
            to: "1.1.0".into(),
        };
        let ask = |model: &mut Model| {
            let mut out = Vec::new();
            model.ask_behind(Some(step.clone()), &mut out);
            out
        };
        assert_eq!(ask(&mut model), [], "nobody says where its source code is");
        model.setup.sources = vec![SourceCode {
            services: vec!["check*".to_owned()],
            repository: None,
            clone: None,
            tag: None,
            path: None,
            command: None,
            consent: None,
        }];
        let epoch = model.behind.epoch;
        let asked = [Command::LookBehind {
            epoch,
            step: step.clone(),
        }];
        assert_eq!(ask(&mut model), asked);
        assert_eq!(ask(&mut model), [], "it is waited for");
        assert_eq!(model.behind.get(&step), Some(None));
        let away = Behind {
            changelog: None,
            evidence: Some(Err("the forge is away".to_owned())),
        };
        model.on_behind(epoch, step.clone(), Arc::new(away));
        assert_eq!(ask(&mut model), asked, "it may be there again");
        let known = Behind {
            changelog: None,
            evidence: Some(Ok(Evidence {
                commit: crate::domain::ids::ObjectId::new([1; 20]),
                by: SaidBy::Label,
                checks: Ok(Checks::default()),
                url: None,
            })),
        };
        let known = Arc::new(known);
        model.on_behind(epoch, step.clone(), Arc::clone(&known));
        assert_eq!(ask(&mut model), []);
        model.behind.forget();
        model.on_behind(epoch, step.clone(), known);
        assert_eq!(model.behind.get(&step), None, "it is of before");
    }

    #[test]
    fn a_step_is_asked_about_once_somebody_stays_with_it() {
        let step = |to: &str| VersionStep {
            cell: CellKey::new("checkout", "prod"),
            from: None,
            to: to.into(),
        };
        let (one, two) = (step("1"), step("2"));
        let mut steps = BehindSteps::default();
        let looked_at = [
            (Some(&one), false),
            (Some(&two), false),
            (Some(&two), true),
            (Some(&two), false),
            (None, false),
            (Some(&two), false),
            (Some(&two), true),
        ];
        for (at, (looked_at, asks)) in looked_at.into_iter().enumerate() {
            assert_eq!(steps.stays(looked_at), asks, "{at}");
        }
    }
}
