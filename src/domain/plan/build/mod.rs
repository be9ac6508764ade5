//! From what is asked for to exact bytes with verdicts: pure, composed change by change.

mod company;
mod in_step;
mod left;
mod refs;
mod together;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use jiff::Timestamp;

use self::{
    left::{tell_left_beside, tell_passed_over, tell_stale_locks},
    together::Groups,
};
use super::{
    Action, ChangeRequest, FileEdit, Intent, Merge, NewTag, Plan, PlanRequest, PlannedChange, Skip,
    SkipCause, Wave, Write,
    along::{Edited, MatrixOf},
    eligible::{already_there, declares, declares_or_pins, incoming},
    footprints::{Footprints, Place},
    judging::{JudgedAs, Judging},
    pin::Pins,
};
use crate::domain::{
    desired::{Desired, RefName, Tip},
    gate::{Facts, Question},
    grammar::Grammar,
    ids::{CellKey, ObjectId, RepoPath},
    layout::{Beside, Left, Origin, Together},
    policy::veto::{VetoAction, VetoChange},
    topology::{Deliver, Topology},
    unread::writable,
    version::Version,
};

/// Reads a file of a ref: its bytes at the base, or with the earlier changes of the same plan.
pub type ReadFile<'a> = &'a dyn Fn(&Origin, &RepoPath) -> Option<Vec<u8>>;

/// Writes a version into a cell: the files that change, or why none can.
///
/// `None` restores "inherited". The function given reads files as the plan has them so far. The commit is one that declared
/// the version, where it is restored.
pub type EditCell<'a> = &'a dyn Fn(
    &CellKey,
    Option<&Version>,
    Option<ObjectId>,
    ReadFile<'_>,
) -> Result<Vec<FileEdit>, (SkipCause, String)>;

/// The edits of cells that can be edited together, of the files at the base: file by file, each as its cells one after the
/// other would come to. What is in no answer is edited by itself.
pub type EditTogether<'a> = &'a dyn Fn(&[(CellKey, Version)], ReadFile<'_>) -> Vec<Together>;

/// What merging the first ref into the second brings, or why it cannot be merged; `None` where versions are promoted one
/// by one.
pub type MergeRefs<'a> = &'a dyn Fn(&Tip, &Tip) -> Option<Result<Merge, String>>;

/// The tag that gives a cell its version, or why there can be none; `None` where the cell is no tag's.
pub type TagCell<'a> =
    &'a dyn Fn(&CellKey, &Intent, Option<&Version>) -> Option<Result<NewTag, (SkipCause, String)>>;

/// Finds out what gates ask, as far as that can be; called with all that is not known yet.
pub type Ask<'a> = &'a dyn Fn(&BTreeSet<Question>) -> Facts;

/// What is wrong with the file that would give a cell.
pub type WhyAbsent<'a> = &'a dyn Fn(&CellKey) -> Option<(SkipCause, String)>;

/// What the edits of cells leave as it was beside each one's version; the files are those with the plan's edits.
pub type LeftBeside<'a> =
    &'a dyn Fn(&[CellKey], &dyn Fn(&Origin, &RepoPath) -> Option<Vec<u8>>) -> Vec<Vec<Left>>;

/// Beside which versions edits of a ref change what is said.
pub type MovedBeside<'a> = &'a dyn Fn(&Origin, &[&FileEdit]) -> Vec<Beside>;

/// Everything a plan depends on.
#[derive(Clone, Copy)]
pub struct PlanInput<'a> {
    /// The matrix, with the refs that it was read from.
    pub desired: &'a Desired,
    /// Environments and their policy.
    pub topology: &'a Topology,
    /// What gates ask.
    pub ask: Ask<'a>,
    /// What is asked for.
    pub request: &'a PlanRequest,
    /// Bytes of files at the base.
    pub files: ReadFile<'a>,
    /// Writes a version into a cell.
    pub edit: EditCell<'a>,
    /// Writes versions into many cells at once, where that can be.
    pub together: EditTogether<'a>,
    /// The matrix of a ref, to see what else an edit moves.
    pub matrix: MatrixOf<'a>,
    /// Why a cell that is not there cannot be read; `None` where there is no file of it.
    pub absent: WhyAbsent<'a>,
    /// What goes with a version and stays as it is.
    pub beside: LeftBeside<'a>,
    /// What goes with versions and moves, of every cell that it is of.
    pub moved_beside: MovedBeside<'a>,
    /// Merges branches, where that is how they are promoted.
    pub merge: MergeRefs<'a>,
    /// Tags, where cells are tags.
    pub tag: TagCell<'a>,
    /// The moment that ages are counted to.
    pub now: Timestamp,
}

/// Everything that is asked for, with what cannot change skipped, and what the rest is judged as: no gate was asked yet.
///
/// What an edit moves beside the cells that were asked for is in it too: no cell moves that it does not list.
pub(super) fn draft(
    requests: &[ChangeRequest],
    pins: &Rc<Pins>,
    input: &PlanInput<'_>,
) -> (Plan, Judging, Footprints) {
    let mut left: Vec<&ChangeRequest> = requests.iter().collect();
    let mut overruled: Vec<Skip> = Vec::new();
    loop {
        let mut draft = Draft {
            pins: Rc::clone(pins),
            ..Draft::default()
        };
        let mut plan = draft.plan(&left, input);
        let again = draft.overruled(&plan, &left, input);
        if again.is_empty() {
            plan.skipped.extend(overruled);
            tell_stale_locks(&mut plan, input);
            tell_left_beside(&mut plan, input);
            tell_passed_over(&mut plan, input);
            let footprints = draft.footprints(input);
            return (plan, draft.judging, footprints);
        }
        // Its bytes are in the draft; one without it is made.
        left.retain(|request| again.iter().all(|skip| skip.cell != request.cell));
        overruled.extend(again);
    }
}

/// What is written so far.
#[derive(Default)]
struct Draft {
    writes: Vec<Drafted>,
    /// What all edits so far come to.
    edited: Edited,
    /// What the cells that were edited declared right after that.
    written: Vec<(CellKey, Option<Version>)>,
    /// What each pair of branches, (from, into), comes to: many cells ask for the same.
    merges: BTreeMap<(RefName, RefName), Merging>,
    /// What the changes are judged as.
    judging: Judging,
    /// What is written in place of tags.
    pins: Rc<Pins>,
    /// What the edits read and wrote.
    footprints: Footprints,
    /// Cells that are edited together.
    groups: Groups,
}

/// A merge that was tried; `None` where versions are copied one by one.
type Merging = Option<Rc<Result<Merge, String>>>;

/// One ref's part of it.
struct Drafted {
    tip: Tip,
    action: Action,
    edits: BTreeMap<RepoPath, FileEdit>,
    cells: Vec<CellKey>,
    /// What a merge or a tag changes, those asked for among them.
    all: Vec<(CellKey, Option<Version>, Option<Version>)>,
    /// Why those of a merge that declare no version afterwards cannot be read.
    unread: BTreeMap<CellKey, String>,
    /// Vetoes that it writes or lifts.
    vetoes: Vec<VetoChange>,
    /// The file of versions that it keeps in step.
    in_step: Option<RepoPath>,
}

type Refused = (SkipCause, String);

impl Draft {
    /// The plan of `requests`, each of them in it or skipped.
    fn plan(&mut self, requests: &[&ChangeRequest], input: &PlanInput<'_>) -> Plan {
        self.group(requests, input);
        let drafted: Vec<_> = requests
            .iter()
            .map(|request| self.add(request, input))
            .collect();
        let mut plan = Plan {
            request: input.request.clone(),
            base: base(input.desired),
            deliver: Deliver::default(),
            changes: Vec::new(),
            waves: Vec::new(),
            skipped: Vec::new(),
            held_back: Vec::new(),
            notes: Vec::new(),
            digest: String::new(),
        };
        for (request, drafted) in requests.iter().zip(drafted) {
            // What cannot be edited, or was there already, may move with the edit of another.
            let drafted = drafted.or_else(|refused| self.by_another(request, refused, input));
            match drafted {
                Ok(change) => plan.changes.extend(change),
                Err(refusal) => {
                    let cell = request.cell.clone();
                    plan.skipped.push(Skip::new(cell, request.came, refusal));
                }
            }
        }
        self.come_along(requests, input, &mut plan);
        self.move_along(requests, input, &mut plan);
        self.move_beside(input, &mut plan);
        self.veto(input);
        self.drop_unchanged(requests, &mut plan);
        for change in &mut plan.changes {
            let now = self.edited.version(&change.cell, input);
            if change.is_restored() {
                change.inherits = now.cloned();
            } else if let (Some(to), Some(now)) = (&change.to, now) {
                // Of a tag@digest in two keys some are known by the digest alone: what the matrix will say is named.
                let digest = to.as_str().rsplit_once('@').map(|(_, digest)| digest);
                if digest == Some(now.as_str()) {
                    change.to = Some(now.clone());
                }
            }
        }
        self.keep_in_step(input, &mut plan);
        plan.waves = self.finish();
        plan
    }

    /// One change; `None` where another one brought it along already.
    fn add(
        &mut self,
        request: &ChangeRequest,
        input: &PlanInput<'_>,
    ) -> Result<Option<PlannedChange>, Refused> {
        let key = &request.cell;
        let from = input.desired.version(key).cloned();
        let mut to = wanted(request, input)?;
        let cell = input.desired.cells.get(key);
        if let Some(tag) = (input.tag)(key, &request.intent, to.as_ref()) {
            return self.add_tag(request, from, tag?, input).map(Some);
        }
        match &to {
            Some(version) if cell.is_some_and(|cell| declares(cell, version)) => {
                return Err(there(key, to.as_ref()));
            }
            None if cell.is_some_and(|cell| cell.inherited) => return Err(there(key, None)),
            _ => {}
        }
        let merge = match &request.intent {
            Intent::Promote { from: upstream } => {
                let upstream = CellKey::new(key.service.clone(), upstream.clone());
                let tips = input.desired.tip(&upstream).zip(input.desired.tip(key));
                tips.and_then(|(theirs, ours)| {
                    Some((theirs, ours, self.merge(theirs, ours, input)?))
                })
            }
            _ => None,
        };
        let pin = self.pins.of(key).cloned();
        if let Some((theirs, ours, merge)) = merge {
            self.add_merge(key, to.as_ref(), (theirs, ours), &merge)?;
        } else {
            if let Some(pin) = &pin {
                if let Some(cell) = cell.filter(|cell| pin.is_in(cell)) {
                    return Err(there(key, cell.version.as_ref()));
                }
                to = Some(pin.written().clone());
            } else if let (Intent::Promote { .. }, Some(version)) = (&request.intent, &to)
                && let Some(cell) = cell.filter(|cell| declares_or_pins(cell, version))
            {
                return Err(there(key, cell.version.as_ref()));
            }
            if !self.has_come(key, input) {
                self.add_edit(request, to.as_ref(), input)?;
            }
        }
        let judged_as = to.clone();
        Ok(Some(PlannedChange {
            pins: pin.map(|pin| pin.tag),
            ..self.judged(request, from, to, judged_as)
        }))
    }

    fn add_edit(
        &mut self,
        request: &ChangeRequest,
        to: Option<&Version>,
        input: &PlanInput<'_>,
    ) -> Result<(), Refused> {
        let key = &request.cell;
        let at = match &request.intent {
            Intent::Revert { at, .. } => *at,
            Intent::Promote { .. } | Intent::Set { .. } => None,
        };
        let reads: RefCell<BTreeSet<Place>> = RefCell::default();
        let read = |origin: &Origin, path: &RepoPath| {
            let mut tips = input.desired.tips.iter();
            let place = tips.find(|tip| tip.origin == *origin).map(|tip| &tip.name);
            let name = place.cloned().unwrap_or_default();
            reads.borrow_mut().insert((name, path.clone()));
            let write = self.writes.iter().find(|write| match place {
                Some(place) => write.tip.name == *place,
                None => write.tip.origin == *origin,
            });
            match write.and_then(|write| write.edits.get(path)) {
                Some(edit) => Some(edit.after.clone()),
                None => (input.files)(origin, path),
            }
        };
        let edits = (input.edit)(key, to, at, &read)?;
        // What is shown of a cell may be less than what is written of it.
        if edits.iter().all(is_nothing) {
            return Err(there(key, to));
        }
        // A cell that is not there yet goes to the one ref there is.
        let only = match &input.desired.tips[..] {
            [only] => Some(only),
            _ => None,
        };
        let tip = input.desired.tip(key).or(only);
        let tip = tip.cloned().unwrap_or_else(|| nameless(input.desired));
        let at = self.write_on(tip);
        let write = &mut self.writes[at];
        if write.action != Action::Edit {
            return Err((
                SkipCause::Conflict,
                format!(
                    "{} gets a merge in the same plan; make this change in a plan of its own, after it",
                    write.tip.name
                ),
            ));
        }
        let wrote = edits
            .iter()
            .map(|edit| (write.tip.name.clone(), edit.path.clone()));
        self.footprints
            .add(key, reads.into_inner(), wrote.collect());
        self.edited.take(key, &write.tip.name, &edits, input);
        let after = self.edited.version(key, input).cloned();
        self.written.push((key.clone(), after));
        for edit in edits {
            match write.edits.get_mut(&edit.path) {
                Some(earlier) => earlier.after = edit.after,
                None => {
                    write.edits.insert(edit.path.clone(), edit);
                }
            }
        }
        write.cells.push(key.clone());
        Ok(())
    }

    /// What the edits read and wrote; nothing is known of them where some move what others write, too.
    fn footprints(&mut self, input: &PlanInput<'_>) -> Footprints {
        let mut moved = self.edited.moved(input);
        if moved.any(|(_, moved)| !moved.by.is_empty()) {
            return Footprints::default();
        }
        std::mem::take(&mut self.footprints)
    }

    /// The index of the commit on a ref.
    fn write_on(&mut self, tip: Tip) -> usize {
        let mut writes = self.writes.iter();
        let known = writes.position(|write| write.tip.name == tip.name);
        known.unwrap_or_else(|| {
            self.writes.push(Drafted {
                tip,
                action: Action::Edit,
                edits: BTreeMap::new(),
                cells: Vec::new(),
                all: Vec::new(),
                unread: BTreeMap::new(),
                vetoes: Vec::new(),
                in_step: None,
            });
            self.writes.len() - 1
        })
    }

    /// Writes the vetoes that are asked for, in the commit of the first branch that is read, and lifts others on every branch
    /// that has them: what one of them says counts for all. Whoever asks has looked whether that can be: what cannot is not
    /// written.
    fn veto(&mut self, input: &PlanInput<'_>) {
        let path = input.topology.policy.veto_file();
        for tip in veto_places(input.desired).filter(|_| !input.request.vetoes.is_empty()) {
            let before = (input.files)(&tip.origin, &path).unwrap_or_default();
            let mut after = before.clone();
            let mut vetoes = Vec::new();
            for change in &input.request.vetoes {
                let goes = change.goes_to(tip, input.desired);
                if let (true, Ok(Some(changed))) = (goes, change.apply(&path, &after)) {
                    after = changed;
                    vetoes.push(change.clone());
                }
            }
            if vetoes.is_empty() {
                continue;
            }
            let at = self.write_on(tip.clone());
            if self.writes[at].action == Action::Edit {
                let path = path.clone();
                let edit = FileEdit {
                    path: path.clone(),
                    before,
                    after,
                };
                self.writes[at].edits.insert(path, edit);
                self.writes[at].vetoes = vetoes;
            }
        }
    }

    /// Files that the edits leave as they are, all of them together, are not written, and a commit of nothing else is not
    /// made: what was to change by it is there already.
    fn drop_unchanged(&mut self, requests: &[&ChangeRequest], plan: &mut Plan) {
        for write in &mut self.writes {
            if write.action == Action::Edit {
                write.edits.retain(|_, edit| !is_nothing(edit));
            }
        }
        let is_empty = |write: &Drafted| write.action == Action::Edit && write.edits.is_empty();
        let (empty, writes) = std::mem::take(&mut self.writes)
            .into_iter()
            .partition(is_empty);
        self.writes = writes;
        let empty: Vec<Drafted> = empty;
        for cell in empty.iter().flat_map(|write| &write.cells) {
            let Some(at) = plan.changes.iter().position(|change| change.cell == *cell) else {
                continue;
            };
            let change = plan.changes.remove(at);
            let request = requests.iter().find(|request| request.cell == *cell);
            let came = request.map(|request| request.came).unwrap_or_default();
            let refused = there(cell, change.to.as_ref());
            plan.skipped.push(Skip::new(cell.clone(), came, refused));
        }
    }

    /// The change, which is judged as this version.
    fn judged(
        &mut self,
        request: &ChangeRequest,
        from: Option<Version>,
        to: Option<Version>,
        judged_as: Option<Version>,
    ) -> PlannedChange {
        self.judging
            .add(&request.cell, JudgedAs::of(request, judged_as));
        judged(request, from, to)
    }

    /// What is written, with messages to come; nothing is no wave.
    fn finish(&mut self) -> Vec<Wave> {
        let writes = std::mem::take(&mut self.writes);
        if writes.is_empty() {
            return Vec::new();
        }
        let writes = writes.into_iter().map(|write| Write {
            tip: write.tip,
            action: write.action,
            edits: write.edits.into_values().collect(),
            message: String::new(),
            cells: write.cells,
            vetoes: write.vetoes,
            in_step: write.in_step,
        });
        vec![Wave {
            writes: writes.collect(),
            after: Vec::new(),
        }]
    }
}

/// The branches that may have vetoes, each once; those of the main repository first. A new one is written to the first of
/// them, which is the furthest upstream. None where all that is read are tags.
pub fn veto_places(desired: &Desired) -> impl Iterator<Item = &Tip> {
    let mut places: Vec<&Tip> = Vec::new();
    let branches = desired.tips.iter().filter(|tip| !tip.name.is_tag());
    for tip in branches {
        if !places.iter().any(|other| other.name == tip.name) {
            places.push(tip);
        }
    }
    places.sort_by_key(|tip| tip.name.repository.is_some());
    places.into_iter()
}

impl VetoChange {
    /// Whether a branch is one that it changes: a new veto stands on one, unless it is there already; one that is lifted goes
    /// wherever it is.
    pub fn goes_to(&self, tip: &Tip, desired: &Desired) -> bool {
        let is_first = || veto_places(desired).next().map(|first| &first.name) == Some(&tip.name);
        match self.action {
            VetoAction::Add { .. } => !desired.vetoes.has(self) && is_first(),
            VetoAction::Lift => true,
        }
    }
}

/// Where every ref is that the matrix was read from.
fn base(desired: &Desired) -> Vec<Tip> {
    match desired.tips.as_slice() {
        [] => vec![nameless(desired)],
        tips => tips.to_vec(),
    }
}

/// The one ref of a matrix that nobody gave a name.
fn nameless(desired: &Desired) -> Tip {
    Tip::new(RefName::default(), Origin::default(), desired.commit)
}

/// Whether an edit leaves its file as it is.
fn is_nothing(edit: &FileEdit) -> bool {
    edit.before == edit.after
}

/// Why nothing is to be done for a cell that is to declare `to`; `None`: to inherit.
fn there(key: &CellKey, to: Option<&Version>) -> Refused {
    match to {
        Some(version) => already_there(key, version),
        None => (
            SkipCause::AlreadyThere,
            format!("{} inherits its version already", key.environment),
        ),
    }
}

/// The change, to be judged.
fn judged(request: &ChangeRequest, from: Option<Version>, to: Option<Version>) -> PlannedChange {
    PlannedChange {
        cell: request.cell.clone(),
        intent: request.intent.clone(),
        from,
        to,
        inherits: None,
        pins: None,
        verdicts: Vec::new(),
        along: None,
    }
}

impl JudgedAs {
    /// As it was asked for, with this version.
    fn of(request: &ChangeRequest, version: Option<Version>) -> Self {
        Self {
            intent: request.intent.clone(),
            version,
            covered: true,
            only_named: false,
        }
    }
}

/// The version that the change writes, not pinned yet; `None` restores "inherited".
pub(super) fn wanted(
    request: &ChangeRequest,
    input: &PlanInput<'_>,
) -> Result<Option<Version>, (SkipCause, String)> {
    let desired = input.desired;
    let key = &request.cell;
    let cell = desired.cells.get(key);
    let grammar = |other: Option<&CellKey>| {
        let known = cell.or_else(|| desired.cells.get(other?));
        known.map_or(Grammar::Text, |cell| cell.grammar)
    };
    match &request.intent {
        Intent::Promote { from } => {
            let upstream = CellKey::new(key.service.clone(), from.clone());
            let unknown = |refusal| {
                let known = desired.cells.contains_key(&upstream);
                let why = (!known).then(|| (input.absent)(&upstream)).flatten();
                why.unwrap_or(refusal)
            };
            let version = incoming(desired, key, from).map_err(unknown)?;
            match writable(version.as_str(), grammar(Some(&upstream))) {
                Ok(()) => Ok(Some(version.clone())),
                Err(why) => Err((SkipCause::NotParseable, broken(desired, &upstream, &why))),
            }
        }
        Intent::Set { version } => match writable(version.as_str(), grammar(None)) {
            Ok(()) => Ok(Some(version.clone())),
            Err(why) => Err((SkipCause::NotParseable, why)),
        },
        // Nothing ever stops going back to what was there.
        Intent::Revert { to, .. } => Ok(to.clone()),
    }
}

/// What is wrong with an upstream's version, with its place.
fn broken(desired: &Desired, upstream: &CellKey, why: &str) -> String {
    let source = desired
        .cells
        .get(upstream)
        .and_then(|cell| cell.sources.first());
    match source {
        Some(source) => format!(
            "{}:{}: {why}; it is not copied. Mend it in {}",
            source.path, source.line, upstream.environment
        ),
        None => format!("{}: {why}; it is not copied", upstream.environment),
    }
}
