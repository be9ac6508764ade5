//! Everything the screen shows and the state machine knows.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

use super::{
    activity::Activity,
    areas::Drawn,
    behind::BehindSteps,
    brought::Brought,
    copy::Choice,
    deliveries::Deliveries,
    diff::DiffView,
    event::ReadFrom,
    filters::Filters,
    forge::OnForge,
    freezes::Freezes,
    judged::{Judged, Told},
    keymap::LastKey,
    layouts::LayoutsBy,
    line::LineInput,
    op_queue::OpQueue,
    screen::{Refusal, Screen, matrix::Matrix},
    skews::Skews,
    snapshot::Snapshot,
    staging::Staging,
    story::Story,
    trust::TrustQuestion,
    waiting::Waiting,
};
use crate::{
    actions::{Action, Keymap, Mode, OwnCommand, OwnRun},
    domain::{
        agent::AgentState,
        desired::{Desired, Refs},
        failure::Failure,
        history::{HistoryEntry, ends_early},
        ids::{CellKey, EnvironmentName, ObjectId},
        past_health::PastHealth,
        plan::{ChangeRequest, Plan},
        pull_request::Proposal,
        rollout::{Connection, LiveCell},
        signature::Signature,
        source_code::SourceCode,
        topology::Topology,
        version::Version,
    },
    look::{Look, bell::Bell, colour::Rgb},
};

/// What does not change while the screen runs, unless the configuration is read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The repository's name, as the header shows it.
    pub repository: String,
    /// The columns.
    pub topology: Topology,
    /// Where the source code of services is.
    pub sources: Vec<SourceCode>,
    /// What says how the repository is read.
    pub layouts: LayoutsBy,
    /// Whether this session may write.
    pub write: WriteMode,
    /// Colours and characters.
    pub look: Look,
    /// Which key does what, with the user's own.
    pub keymap: Keymap,
    /// The user's own commands.
    pub commands: Vec<OwnCommand>,
    /// The filter that the screen starts with; empty: none.
    pub filter: String,
    /// How the terminal says that a delivery has ended.
    pub bell: Bell,
    /// How often the remote is asked by itself; `None`: only when told to.
    pub fetch_every: Option<Duration>,
    /// The simulated repository and clusters of `demo`.
    pub demo: bool,
    /// What the demo begins with.
    pub story: Option<Story>,
}

/// Whether this session may write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteMode {
    /// Not before `:write`.
    #[default]
    ReadOnly,
    /// It may.
    Write,
    /// `--read-only`: it may not, and nothing unlocks it.
    Locked,
}

/// The state of the screen. Everything is readable for rendering; only `update` changes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// What the configuration and the options of the start say.
    pub setup: Setup,
    /// What a better guess of the layouts says otherwise than the one in use.
    pub offer: Option<String>,
    /// The time of the last event.
    pub now: Timestamp,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// What drawing the last frame found out.
    pub drawn: Drawn,
    /// The terminal's background, as it said itself.
    pub ground: Option<Rgb>,
    /// The terminal has the focus.
    pub focused: bool,
    /// What Git says.
    pub git: Git,
    /// What was found in the history so far.
    pub history: History,
    /// What the clusters say.
    pub live: Live,
    /// How cells stand to their upstreams.
    pub skews: Skews,
    /// What stands behind changes of versions, in the source code.
    pub behind: BehindSteps,
    /// When the cell that was selected last was healthy.
    pub past_health: Option<(CellKey, Box<PastHealth>)>,
    /// Which columns a freeze closes.
    pub freezes: Freezes,
    /// What rows are arranged by.
    pub judged: Judged,
    /// What is asked for.
    pub staging: Staging,
    /// The root screen.
    pub matrix: Matrix,
    /// Screens above the matrix, the visible one last.
    pub screens: Vec<Screen>,
    /// A line being typed, or a question, above all screens.
    pub prompt: Option<Prompt>,
    /// Lines that were run in the palette, the last one first.
    pub recent: Vec<String>,
    /// Filters that are kept under a name.
    pub filters: Filters,
    /// How diffs are read.
    pub diff: DiffView,
    /// Who signed the commits that were looked at.
    pub signatures: BTreeMap<ObjectId, Signature>,
    /// Deliveries, under way or ended.
    pub deliveries: Deliveries,
    /// The log.
    pub activity: Activity,
    /// What the server refused last, until it is dismissed: its plan says so whenever it is opened.
    pub refusal: Option<Refusal>,
    /// The last program that was run, as typed, and how it ended.
    pub ran: Option<Ran>,
    /// A passing word, and when it was said.
    pub word: Option<(Timestamp, String)>,
    /// What has been waited for long, and since when.
    pub waits: Option<(String, Timestamp)>,
    /// A confirmed plan that waits for its gates.
    pub waiting: Option<Waiting>,
    /// The changed configuration asks, or asked, for a consent.
    pub trust: Option<TrustQuestion>,
    /// The demo's story that has not begun yet.
    pub story: Option<Story>,
    /// What is in flight.
    pub operations: OpQueue,
    /// The key before this one, and when.
    pub last_key: Option<LastKey>,
}

/// What Git says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Git {
    /// The commit everything is relative to.
    pub base: Option<ReadFrom>,
    /// Every cell that the layouts find there.
    pub desired: Option<Arc<Desired>>,
    /// The matrix is remembered from an earlier run and not yet read again; when it was kept.
    pub remembered: Option<Timestamp>,
    /// Why the matrix could not be read.
    pub failure: Option<Failure>,
    /// Why the remote did not answer, the last time.
    pub fetch_failure: Option<Failure>,
    /// When the remote was last asked by itself.
    pub asked_at: Option<Timestamp>,
    /// What open pull requests would bring, as the forges were last asked.
    pub proposed: BTreeMap<CellKey, Vec<Proposal>>,
}

impl Git {
    /// What open pull requests would bring into a cell that it does not declare already.
    pub fn proposals(&self, cell: &CellKey) -> impl Iterator<Item = &Proposal> {
        let declared = self.desired.as_ref().and_then(|it| it.version(cell));
        let all = self.proposed.get(cell).into_iter().flatten();
        all.filter(move |proposal| Some(&proposal.version) != declared)
    }

    /// All that one pull request would bring.
    pub fn brought_by(&self, one: &Proposal) -> Vec<(CellKey, Version)> {
        let is_it = |it: &&Proposal| it.number == one.number && it.into == one.into;
        let all = self.proposed.iter();
        let all = all.filter_map(|(cell, of)| Some((cell, of.iter().find(is_it)?)));
        all.map(|(cell, it)| (cell.clone(), it.version.clone()))
            .collect()
    }
}

/// What was found in the history so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The refs it was walked from.
    pub refs: Option<Refs>,
    /// Cells with their values, newest first.
    pub cells: HashMap<CellKey, Arc<[HistoryEntry]>>,
    /// The rows that it told of since they were judged.
    pub told: Told,
    /// Commits walked.
    pub walked: u64,
    /// Everything is there.
    pub done: bool,
    /// The clone's history is cut: the oldest values are older than they look.
    pub shallow: bool,
    /// Why what was before a cell's oldest value is not known, by cell; known with the last of it.
    pub unknown_before: BTreeMap<CellKey, String>,
    /// Why there is no more.
    pub failure: Option<Failure>,
}

/// What the clusters say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// How well each environment is known.
    pub connections: BTreeMap<EnvironmentName, Connection>,
    /// What each cell was last said to be doing.
    cells: HashMap<CellKey, Arc<LiveCell>>,
    /// Which of them each agent's object brings.
    brought: Brought,
    /// The rows that were told of since they were judged.
    told: Told,
}

impl Live {
    /// What each cell was last said to be doing.
    pub fn cells(&self) -> &HashMap<CellKey, Arc<LiveCell>> {
        &self.cells
    }

    /// To be changed: anything may be otherwise then.
    #[cfg(test)]
    pub(crate) fn cells_mut(&mut self) -> &mut HashMap<CellKey, Arc<LiveCell>> {
        self.told = Told::All;
        &mut self.cells
    }

    /// Takes what is said of cells; `all_of`: nothing else is left of this environment's.
    pub(super) fn take(
        &mut self,
        all_of: Option<&EnvironmentName>,
        cells: impl IntoIterator<Item = (CellKey, Arc<LiveCell>)>,
    ) {
        if let Some(environment) = all_of {
            self.cells.retain(|key, _| key.environment != *environment);
            self.told = Told::All;
        }
        for (cell, live) in cells {
            self.told.tell(&cell.service);
            let before = self.cells.get(&cell).map(|live| &**live);
            self.brought.tell(&cell, before, &live);
            self.cells.insert(cell, live);
        }
        if all_of.is_some() {
            self.brought = Brought::of(&self.cells);
        }
    }

    /// The cells that an agent's object brings.
    pub fn brought_by(&self, agent: &AgentState) -> impl Iterator<Item = &CellKey> {
        self.brought.by(agent)
    }

    /// The rows that were told of since this was asked last.
    pub(super) fn told(&mut self) -> Told {
        self.told.take()
    }

    /// Keeps what is known of clusters that stay what they were: what was said of an environment that is gone, or by a
    /// cluster that is not its own any more, goes. Those that are new are connecting.
    pub(super) fn follow(&mut self, before: &Topology, now: &Topology) {
        let stays = |name: &EnvironmentName| {
            let cluster = now.cluster(name);
            cluster.is_some() && cluster == before.cluster(name)
        };
        self.connections.retain(|name, _| stays(name));
        self.cells.retain(|key, _| stays(&key.environment));
        self.brought = Brought::of(&self.cells);
        self.told = Told::All;
        for environment in &now.environments {
            let connection = match environment.cluster {
                Some(_) => Connection::Connecting,
                None => Connection::Unconfigured,
            };
            let connections = &mut self.connections;
            connections
                .entry(environment.name.clone())
                .or_insert(connection);
        }
    }
}

/// A program that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// As it would be typed.
    pub line: String,
    /// It ended well.
    pub ok: bool,
    /// How it ended.
    pub outcome: String,
    /// How long it took.
    pub took: Duration,
    /// When it ended.
    pub at: Timestamp,
}

/// A line being typed, or a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A filter; what was in force before comes back with Esc.
    Filter {
        /// What is typed so far; in force already.
        input: LineInput,
        /// What was in force before.
        before: String,
    },
    /// A command of the palette.
    Palette {
        /// What is typed so far.
        input: LineInput,
        /// Which suggestion is selected.
        selected: usize,
    },
    /// What the help, a log or an object is searched for; what was in force before comes back with Esc.
    Find {
        /// What is typed so far; in force already.
        input: LineInput,
        /// What was in force before.
        before: String,
    },
    /// What is to be copied of what is selected?
    Copy {
        /// What there is.
        choices: Vec<Choice>,
        /// Which of them is selected.
        selected: usize,
    },
    /// The reason for lifting a hold.
    Reason {
        /// The gate whose hold is lifted, by its id.
        gate: String,
        /// What is typed so far.
        input: LineInput,
    },
    /// Leave, though something is staged or under way?
    Quit,
    /// May what the changed configuration names be reached? With the time when it was put: keys that come too soon after are
    /// dropped.
    Trust(Timestamp),
    /// May this run? With the time when it was put.
    Own(OwnRun, Timestamp),
    /// May this be done on the forge? With the time when it was put.
    Forge(OnForge, Timestamp),
    /// The same, where the names of protected environments are typed.
    ForgeName {
        /// What.
        what: OnForge,
        /// The names that are still to be typed, in order.
        names: Vec<EnvironmentName>,
        /// What is typed of the first.
        input: LineInput,
    },
}

impl Model {
    /// A model that has seen nothing but its set-up and what earlier runs left.
    pub fn new(
        setup: Setup,
        now: Timestamp,
        size: (u16, u16),
        snapshot: Option<Snapshot>,
        staged: Vec<ChangeRequest>,
    ) -> Self {
        let mut model = Self {
            offer: None,
            setup,
            now,
            size,
            drawn: Drawn::default(),
            ground: None,
            focused: true,
            git: Git::default(),
            history: History::default(),
            live: Live::default(),
            skews: Skews::default(),
            behind: BehindSteps::default(),
            past_health: None,
            freezes: Freezes::default(),
            judged: Judged::default(),
            staging: Staging::restore(staged),
            matrix: Matrix::default(),
            screens: Vec::new(),
            prompt: None,
            recent: Vec::new(),
            filters: Filters::default(),
            diff: DiffView::default(),
            signatures: BTreeMap::new(),
            deliveries: Deliveries::default(),
            activity: Activity::default(),
            refusal: None,
            ran: None,
            word: None,
            waits: None,
            waiting: None,
            trust: None,
            story: None,
            operations: OpQueue::default(),
            last_key: None,
        };
        model.story = model.setup.story;
        model.matrix.filter.clone_from(&model.setup.filter);
        model
            .live
            .follow(&Topology::default(), &model.setup.topology);
        if let Some(snapshot) = snapshot {
            snapshot.restore(&mut model);
        }
        model.judge_freezes();
        model.arrange();
        model
    }

    /// What the keyboard means now.
    pub fn mode(&self) -> Mode {
        match &self.prompt {
            Some(Prompt::Filter { .. } | Prompt::Find { .. }) => Mode::Filter,
            Some(Prompt::Copy { .. }) => Mode::Copy,
            Some(Prompt::Palette { .. }) => Mode::Palette,
            Some(Prompt::Reason { .. } | Prompt::ForgeName { .. }) => Mode::Reason,
            Some(Prompt::Quit | Prompt::Trust(_) | Prompt::Own(..) | Prompt::Forge(..)) => {
                Mode::Question
            }
            None => self.screens.last().map_or(Mode::Matrix, Screen::mode),
        }
    }

    /// What the server said where it refused this plan, or another one of the same cells.
    pub fn refusal_of(&self, plan: &Plan) -> Option<&Refusal> {
        let refused = |cell: &CellKey| plan.changes.iter().any(|change| change.cell == *cell);
        let refusal = self.refusal.as_ref()?;
        refusal.cells.iter().any(refused).then_some(refusal)
    }

    /// What is to be done for `action` in `mode`, for sentences: `s`, or `:plan` where no key is given to it.
    pub fn key(&self, mode: Mode, action: Action) -> String {
        self.setup.keymap.shown(mode, action)
    }

    /// The columns: of the matrix where there is one, else the declared environments.
    pub fn environments(&self) -> Vec<EnvironmentName> {
        if let Some(desired) = &self.git.desired {
            return desired.environments.clone();
        }
        let declared = self.setup.topology.environments.iter();
        declared
            .map(|environment| environment.name.clone())
            .collect()
    }

    /// The cell that keys act on.
    pub fn selected(&self) -> Option<CellKey> {
        let on_screen = self.screens.last().and_then(|top| top.about().cell);
        on_screen.or_else(|| self.matrix.selected())
    }

    /// How well an environment's cluster is known; columns that are not declared have none.
    pub fn connection(&self, environment: &EnvironmentName) -> &Connection {
        self.live
            .connections
            .get(environment)
            .unwrap_or(&Connection::Unconfigured)
    }

    /// Whether an environment asks for its name before anything is written.
    pub fn is_protected(&self, environment: &EnvironmentName) -> bool {
        self.setup
            .topology
            .get(environment)
            .is_some_and(|environment| environment.protected)
    }

    /// A cell's values, newest first.
    pub fn values(&self, cell: &CellKey) -> &[HistoryEntry] {
        self.history.cells.get(cell).map_or(&[], |values| values)
    }

    /// Why what was before the oldest of [`Model::values`] is not known; `None` where it is their beginning, or more may come.
    pub fn ends_early(&self, cell: &CellKey) -> Option<&str> {
        let history = &self.history;
        let unknown = history.unknown_before.get(cell);
        ends_early(history.shallow, unknown.map(String::as_str)).filter(|_| history.done)
    }

    /// Marked cells in the order of the matrix; none marked: the selected one.
    pub fn targets(&self) -> Vec<CellKey> {
        if self.matrix.marks.is_empty() {
            self.selected().into_iter().collect()
        } else {
            self.matrix.marks.iter().cloned().collect()
        }
    }
}
