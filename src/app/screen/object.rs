//! An object of a cluster, looked at: as YAML, or described with its events. And which one is selected on a cell's screen.

use super::Screen;
use crate::{
    actions::{Action, CellValue, OwnRun},
    app::{
        command::Command,
        event::Epoch,
        line::LineInput,
        model::{Model, Prompt},
        op_queue::Operation,
    },
    domain::{
        ids::CellKey,
        rollout::{LiveCell, Look, ObjectAt, ObjectKind},
    },
};

/// An object, looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectScreen {
    /// The cell that it is of.
    pub cell: CellKey,
    /// The object.
    pub at: ObjectAt,
    /// How it is looked at.
    pub look: Look,
    /// What there is to read, or why there is nothing; `None`: waited for.
    pub lines: Option<Result<Vec<String>, String>>,
    /// Only lines with this text are shown; empty: all.
    pub filter: String,
    /// The first line in view.
    pub first: usize,
}

/// Something on a cell's screen that can be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellObject {
    /// `Deployment/web`.
    Workload(String),
    /// What brings it.
    Agent,
    /// What stands beside, by its place in the list.
    Beside(usize),
    /// A pod, by its place in the list.
    Pod(usize),
}

/// What can be selected on a cell's screen, in the order in which it is drawn.
pub fn objects(live: &LiveCell) -> Vec<CellObject> {
    let workloads = live.workloads.iter().cloned().map(CellObject::Workload);
    let agent = live.agent.iter().map(|_| CellObject::Agent);
    let beside = live.beside.iter().enumerate();
    // A Secret's content is not to be looked at.
    let beside = beside.filter(|(_, it)| it.companion().is_some());
    let beside = beside.map(|(index, _)| CellObject::Beside(index));
    let pods = (0..live.pods.len()).map(CellObject::Pod);
    workloads.chain(agent).chain(beside).chain(pods).collect()
}

/// The selected one: what was chosen, else the first pod, which is the worst, else the first of all.
pub fn selected(live: &LiveCell, chosen: Option<usize>) -> Option<usize> {
    let all = objects(live);
    let last = all.len().checked_sub(1)?;
    let first_pod = || all.iter().position(|it| *it == CellObject::Pod(0));
    Some(chosen.or_else(first_pod).unwrap_or(0).min(last))
}

pub(super) fn act(model: &mut Model, action: Action, _: bool, out: &mut Vec<Command>) -> bool {
    let reach = model.drawn.keys;
    let Some(Screen::Object(screen)) = model.screens.last_mut() else {
        return false;
    };
    match action {
        Action::Back if !screen.filter.is_empty() => screen.filter.clear(),
        Action::Back => model.close(out),
        Action::Move(motion) => screen.first = reach.scrolled(screen.first, motion),
        Action::Filter => {
            let before = screen.filter.clone();
            model.prompt = Some(Prompt::Find {
                input: LineInput::with(before.clone()),
                before,
            });
        }
        Action::Copy => {
            out.push(Command::copy_command(screen.at.command(screen.look)));
        }
        _ => return false,
    }
    true
}

impl Model {
    /// What is selected on the cell's screen, and where that is; says why there is nothing.
    fn selected_object(&mut self) -> Option<(CellKey, CellObject, ObjectAt)> {
        let Some(Screen::Cell(screen)) = self.screens.last() else {
            return None;
        };
        let (cell, chosen) = (screen.cell.clone(), screen.object);
        match self.object_of(&cell, chosen) {
            Ok((object, at)) => Some((cell, object, at)),
            Err(why) => {
                self.say(why);
                None
            }
        }
    }

    fn object_of(
        &self,
        cell: &CellKey,
        chosen: Option<usize>,
    ) -> Result<(CellObject, ObjectAt), String> {
        let live = self.live.cells().get(cell);
        let live = live.ok_or_else(|| format!("nothing of {cell} is known in a cluster"))?;
        let index = selected(live, chosen);
        let object = index.and_then(|index| objects(live).into_iter().nth(index));
        let object = object.ok_or_else(|| format!("{cell} has no pods and no workload"))?;
        let context = self.cell_value(cell, CellValue::Context)?;
        let (kind, namespace, name, context) = match &object {
            CellObject::Agent => {
                let agent = live.agent.as_ref();
                let of = agent.and_then(|it| Some((it.cluster.clone(), it.reference()?)));
                let (cluster, (kind, namespace, name)) =
                    of.ok_or_else(|| format!("{cell}: its agent names no object"))?;
                (ObjectKind::Agent(kind), namespace, name, cluster)
            }
            CellObject::Workload(workload) => {
                let namespace = self.cell_value(cell, CellValue::Namespace)?;
                let (kind, name) = workload.split_once('/').unwrap_or(("", workload));
                let kind = ObjectKind::parse(kind)
                    .ok_or_else(|| format!("a {kind} cannot be looked at here"))?;
                (kind, namespace, name.to_owned(), context)
            }
            CellObject::Beside(index) => {
                let it = live.beside.get(*index);
                let known = it.and_then(|it| Some((it, it.companion()?)));
                let (it, kind) = known.ok_or_else(|| format!("{cell} has nothing such beside"))?;
                let (namespace, name) = (it.namespace.clone(), it.name.clone());
                (ObjectKind::Companion(kind), namespace, name, context)
            }
            CellObject::Pod(index) => {
                let namespace = self.cell_value(cell, CellValue::Namespace)?;
                let pod = live.pods.get(*index);
                let pod = pod.ok_or_else(|| format!("{cell} has no such pod"))?;
                (ObjectKind::Pod, namespace, pod.name.clone(), context)
            }
        };
        let at = ObjectAt {
            context,
            kind,
            namespace,
            name,
        };
        Ok((object, at))
    }

    /// Opens the log of the selected pod; of the first one, where something else is selected.
    pub(super) fn open_selected_log(&mut self, out: &mut Vec<Command>) {
        let Some((cell, object, at)) = self.selected_object() else {
            return;
        };
        let pods = self.live.cells().get(&cell).map(|live| &live.pods);
        let pod = match object {
            CellObject::Pod(index) => pods.and_then(|pods| pods.get(index)),
            CellObject::Workload(_) | CellObject::Agent | CellObject::Beside(_) => {
                pods.and_then(|pods| pods.first())
            }
        };
        let Some(pod) = pod.cloned() else {
            return self.say(format!("{cell} has no pods"));
        };
        let namespace = match object {
            CellObject::Pod(_) => Ok(at.namespace),
            _ => self.cell_value(&cell, CellValue::Namespace),
        };
        let context = self.cell_value(&cell, CellValue::Context);
        match (context, namespace) {
            (Ok(context), Ok(namespace)) => self.open_log(cell, (context, namespace), &pod, out),
            (Err(why), _) | (_, Err(why)) => self.say(why),
        }
    }

    /// Shows the selected object.
    pub(super) fn open_object(&mut self, look: Look, out: &mut Vec<Command>) {
        let Some((cell, _, at)) = self.selected_object() else {
            return;
        };
        let epoch = self.operations.supersede(Operation::Object);
        out.push(Command::ShowObject {
            epoch,
            at: at.clone(),
            look,
        });
        self.open(Screen::Object(ObjectScreen {
            cell,
            at,
            look,
            lines: None,
            filter: String::new(),
            first: 0,
        }));
    }

    /// Gives the terminal to k9s or kubectl, at the selected object.
    pub(super) fn hand_over(&mut self, out: &mut Vec<Command>) {
        let Some((_, _, at)) = self.selected_object() else {
            return;
        };
        let [k9s, kubectl] = at.programs();
        let run = OwnRun {
            name: "k9s".to_owned(),
            arguments: k9s,
            instead: Some(kubectl),
            screen: true,
            timeout: std::time::Duration::ZERO,
        };
        self.start_own(run, out);
    }

    /// Takes what there is to read of an object to where it is looked at.
    pub(in crate::app) fn on_object(&mut self, epoch: Epoch, result: Result<Vec<String>, String>) {
        if !self.operations.finish(Operation::Object, epoch) {
            return;
        }
        for screen in &mut self.screens {
            if let Screen::Object(screen) = screen
                && screen.lines.is_none()
            {
                screen.lines = Some(result.clone());
            }
        }
    }
}
