//! What stands behind changes of versions: asked for when somebody looks at one, kept for the session.

use std::{collections::BTreeMap, sync::Arc};

use super::{command::Command, model::Model};
use crate::domain::source_code::{Behind, SourceCode, VersionStep};

/// So many steps of a plan are asked about.
const MOST: usize = 40;

/// What is known, step by step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BehindSteps(BTreeMap<VersionStep, Option<Arc<Behind>>>);

impl BehindSteps {
    /// What is known of a step: `None` where nobody asked, `Some(None)` where it is waited for.
    pub fn get(&self, step: &VersionStep) -> Option<Option<&Arc<Behind>>> {
        self.0.get(step).map(Option::as_ref)
    }

    /// Forgets all: it may be said to be elsewhere.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Whether a step has to be asked about; it is waited for from then on.
    fn asks(&mut self, step: &VersionStep) -> bool {
        let known = match self.0.get(step) {
            Some(Some(behind)) => behind.is_known(),
            Some(None) => true,
            None => false,
        };
        if !known {
            self.0.insert(step.clone(), None);
        }
        !known
    }
}

impl Model {
    /// Asks what stands behind these steps, as far as somebody says where their source code is.
    pub(super) fn ask_behind(
        &mut self,
        steps: impl IntoIterator<Item = VersionStep>,
        out: &mut Vec<Command>,
    ) {
        let mut wanted = Vec::new();
        for step in steps.into_iter().take(MOST) {
            let has_source = SourceCode::of(&self.setup.sources, &step.cell.service).is_some();
            if has_source && step.from.as_ref() != Some(&step.to) && self.behind.asks(&step) {
                wanted.push(step);
            }
        }
        if !wanted.is_empty() {
            out.push(Command::LookBehind(wanted));
        }
    }

    /// Takes what became known of a step.
    pub(super) fn on_behind(&mut self, step: VersionStep, behind: Arc<Behind>) {
        self.behind.0.insert(step, Some(behind));
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
            model.ask_behind([step.clone()], &mut out);
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
        }];
        let asked = [Command::LookBehind(vec![step.clone()])];
        assert_eq!(ask(&mut model), asked);
        assert_eq!(ask(&mut model), [], "it is waited for");
        assert_eq!(model.behind.get(&step), Some(None));
        let away = Behind {
            changelog: None,
            evidence: Some(Err("the forge is away".to_owned())),
        };
        model.on_behind(step.clone(), Arc::new(away));
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
        model.on_behind(step.clone(), Arc::new(known));
        assert_eq!(ask(&mut model), []);
    }
}
