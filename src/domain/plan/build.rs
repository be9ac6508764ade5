//! From what is asked for to exact bytes with verdicts: pure, composed change by change.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
};

use jiff::Timestamp;

use super::{
    Action, Along, Came, ChangeRequest, FileEdit, Intent, Merge, NewTag, Outcome, Plan,
    PlanRequest, PlannedChange, Skip, SkipCause, Verdict, Wave, Write,
    along::{self, Edited, MatrixOf, Moved},
    eligible::{already_there, declares, incoming},
    judging::{JudgedAs, Judging},
};
use crate::domain::{
    desired::{Desired, RefName, Tip},
    gate::{Facts, Question},
    grammar::Grammar,
    ids::{CellKey, ObjectId, RepoPath},
    layout::{Beside, Left, Origin, stale_locks},
    topology::{Deliver, Topology},
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

/// What an edit of a cell leaves as it was beside its version; the files are those with the plan's edits.
pub type LeftBeside<'a> =
    &'a dyn Fn(&CellKey, &dyn Fn(&Origin, &RepoPath) -> Option<Vec<u8>>) -> Vec<Left>;

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
pub(super) fn draft(requests: &[ChangeRequest], input: &PlanInput<'_>) -> (Plan, Judging) {
    let mut left: Vec<&ChangeRequest> = requests.iter().collect();
    let mut overruled: Vec<Skip> = Vec::new();
    loop {
        let mut draft = Draft::default();
        let mut plan = draft.plan(&left, input);
        let again = draft.overruled(&plan, &left, input);
        if again.is_empty() {
            plan.skipped.extend(overruled);
            tell_stale_locks(&mut plan, input);
            tell_left_beside(&mut plan, input);
            return (plan, draft.judging);
        }
        // Its bytes are in the draft; one without it is made.
        left.retain(|request| again.iter().all(|skip| skip.cell != request.cell));
        overruled.extend(again);
    }
}

/// A chart whose dependencies move without their lock renders as before, or not at all: said with the cells that do it.
fn tell_stale_locks(plan: &mut Plan, input: &PlanInput<'_>) {
    let waves = plan.waves.iter().flat_map(|wave| &wave.writes);
    for write in waves.filter(|write| write.action == Action::Edit) {
        let file = |path: &RepoPath| (input.files)(&write.tip.origin, path);
        for (chart, words) in stale_locks(&write.edits, &file) {
            let moves = |change: &&mut PlannedChange| {
                let cell = input.desired.cells.get(&change.cell);
                write.cells.contains(&change.cell)
                    && cell.is_some_and(|cell| cell.files.contains(&chart))
            };
            for change in plan.changes.iter_mut().filter(moves) {
                change
                    .verdicts
                    .push(Verdict::beside(LOCK, Outcome::Warn, words.clone()));
            }
        }
    }
}

/// What goes with a version (`also`, a digest) and stays as it is, because nothing says what it should be: said with the cell.
fn tell_left_beside(plan: &mut Plan, input: &PlanInput<'_>) {
    let writes: Vec<&Write> = plan.waves.iter().flat_map(|wave| &wave.writes).collect();
    let mut refs: HashMap<&Origin, Option<&Write>> = HashMap::new();
    for tip in &input.desired.tips {
        let write = writes.iter().find(|write| write.tip.name == tip.name);
        refs.insert(&tip.origin, write.copied());
    }
    for write in writes.iter().filter(|write| write.action == Action::Edit) {
        let after = |origin: &Origin, path: &RepoPath| {
            // Paths are the same on every branch: what is edited is one ref's.
            let here = || (write.tip.origin == *origin).then_some(*write);
            let edited = refs.get(origin).copied().unwrap_or_else(here);
            let edited = edited.and_then(|write| {
                let at = write.edits.binary_search_by(|edit| edit.path.cmp(path));
                at.ok().map(|at| &write.edits[at])
            });
            match edited {
                Some(edit) => Some(edit.after.clone()),
                None => (input.files)(origin, path),
            }
        };
        let mut changes = plan.changes.iter_mut();
        let changes = changes.by_ref().filter(|it| write.cells.contains(&it.cell));
        for change in changes {
            for left in (input.beside)(&change.cell, &after) {
                change
                    .verdicts
                    .push(Verdict::beside(left.what, Outcome::Warn, left.words));
            }
        }
    }
}

/// What a plan says of a lock file, beside its gates.
const LOCK: &str = "lock";

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
}

type Refused = (SkipCause, String);

impl Draft {
    /// The plan of `requests`, each of them in it or skipped.
    fn plan(&mut self, requests: &[&ChangeRequest], input: &PlanInput<'_>) -> Plan {
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
        self.drop_unchanged(requests, &mut plan);
        for change in &mut plan.changes {
            if change.is_restored() {
                change.inherits = self.edited.version(&change.cell, input).cloned();
            }
        }
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
        let to = wanted(request, input)?;
        let cell = input.desired.cells.get(key);
        if let Some(tag) = (input.tag)(key, &request.intent, to.as_ref()) {
            return Ok(Some(self.add_tag(request, from, tag?, input)));
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
        match merge {
            Some((theirs, ours, merge)) => {
                self.add_merge(key, to.as_ref(), (theirs, ours), &merge)?;
            }
            None => self.add_edit(request, to.as_ref(), input)?,
        }
        let judged_as = to.clone();
        Ok(Some(self.judged(request, from, to, judged_as)))
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
        let read = |origin: &Origin, path: &RepoPath| {
            let mut tips = input.desired.tips.iter();
            let place = tips.find(|tip| tip.origin == *origin).map(|tip| &tip.name);
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
        let mut writes = self.writes.iter();
        let known = writes.position(|write| write.tip.name == tip.name);
        let at = known.unwrap_or_else(|| {
            self.writes.push(Drafted {
                tip,
                action: Action::Edit,
                edits: BTreeMap::new(),
                cells: Vec::new(),
                all: Vec::new(),
            });
            self.writes.len() - 1
        });
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

    fn merge(&mut self, theirs: &Tip, ours: &Tip, input: &PlanInput<'_>) -> Merging {
        let pair = (theirs.name.clone(), ours.name.clone());
        let known = self.merges.entry(pair);
        known
            .or_insert_with(|| (input.merge)(theirs, ours).map(Rc::new))
            .clone()
    }

    fn add_merge(
        &mut self,
        key: &CellKey,
        to: Option<&Version>,
        (theirs, ours): (&Tip, &Tip),
        merge: &Result<Merge, String>,
    ) -> Result<(), Refused> {
        let refused = |detail: String| Err((SkipCause::Conflict, detail));
        let known = self
            .writes
            .iter_mut()
            .find(|write| write.tip.name == ours.name);
        if let Some(write) = known {
            match &write.action {
                Action::Merge { from, .. } if *from == theirs.name => {}
                _ => {
                    return refused(format!(
                        "{} gets other changes in the same plan; merge {} in a plan of its own",
                        ours.name, theirs.name
                    ));
                }
            }
            if !write
                .all
                .iter()
                .any(|(cell, _, after)| cell == key && after.as_ref() == to)
            {
                return refused(left_behind(key, to, theirs, ours));
            }
            write.cells.push(key.clone());
            return Ok(());
        }
        let merge = match merge {
            Ok(merge) => merge,
            Err(detail) => return refused(detail.clone()),
        };
        if !merge
            .cells
            .iter()
            .any(|(cell, _, after)| cell == key && after.as_ref() == to)
        {
            return refused(left_behind(key, to, theirs, ours));
        }
        self.writes.push(Drafted {
            tip: ours.clone(),
            action: Action::Merge {
                from: theirs.name.clone(),
                commit: theirs.commit,
                fast_forward: merge.fast_forward,
            },
            edits: merge
                .edits
                .iter()
                .map(|edit| (edit.path.clone(), edit.clone()))
                .collect(),
            cells: vec![key.clone()],
            all: merge.cells.clone(),
        });
        Ok(())
    }

    fn add_tag(
        &mut self,
        request: &ChangeRequest,
        from: Option<Version>,
        tag: NewTag,
        input: &PlanInput<'_>,
    ) -> PlannedChange {
        let upstream = match &request.intent {
            Intent::Promote { from } => {
                let upstream = CellKey::new(request.cell.service.clone(), from.clone());
                input.desired.version(&upstream).cloned()
            }
            _ => None,
        };
        // A release is the very commit of its candidate: what runs upstream is judged by the candidate's name.
        let judged_as = upstream.or_else(|| Some(tag.version.clone()));
        let change = self.judged(request, from, Some(tag.version.clone()), judged_as);
        let known = self
            .writes
            .iter_mut()
            .find(|write| write.tip.name == tag.place);
        if let Some(write) = known {
            write.cells.push(request.cell.clone());
        } else {
            self.writes.push(Drafted {
                tip: new_tag(&tag, input.desired),
                action: Action::Tag { from: tag.from },
                edits: BTreeMap::new(),
                cells: vec![request.cell.clone()],
                all: tag.along,
            });
        }
        change
    }

    /// What a merge or a tag changes beside what was asked for, judged as if it had been asked for.
    fn come_along(&mut self, requests: &[&ChangeRequest], input: &PlanInput<'_>, plan: &mut Plan) {
        for write in &mut self.writes {
            let asked: Vec<&&ChangeRequest> = requests
                .iter()
                .filter(|request| write.cells.contains(&request.cell))
                .collect();
            let asked = asked.first().map(|request| **request);
            let is_tag = matches!(write.action, Action::Tag { .. });
            for (cell, before, after) in std::mem::take(&mut write.all) {
                if write.cells.contains(&cell) {
                    continue;
                }
                let intent = brought(&cell, after.as_ref(), asked, is_tag, input);
                let request = ChangeRequest {
                    cell: cell.clone(),
                    intent,
                    came: Came::Named,
                };
                // A release is judged by its candidate's name, which is what runs upstream.
                let candidate = match &request.intent {
                    Intent::Promote { from } if is_tag => {
                        let upstream = CellKey::new(cell.service.clone(), from.clone());
                        input.desired.version(&upstream).cloned()
                    }
                    _ => None,
                };
                let judged_as = candidate.or_else(|| after.clone());
                let has_it = is_tag
                    && input.desired.tip(&cell).map(|tip| tip.commit) == Some(write.tip.commit);
                let mut change = judged(&request, before, after);
                let judged_as = JudgedAs {
                    only_named: has_it,
                    ..JudgedAs::of(&request, judged_as)
                };
                self.judging.add(&cell, judged_as);
                change.along = Some(Along::Belongs);
                write.cells.push(cell);
                // A cell that a skipped request named is in the plan after all.
                plan.skipped.retain(|skip| skip.cell != change.cell);
                plan.changes.push(change);
            }
        }
    }

    /// A change that the edit of another cell makes, in place of a refusal; or a refusal that says what that edit does.
    fn by_another(
        &mut self,
        request: &ChangeRequest,
        refused: Refused,
        input: &PlanInput<'_>,
    ) -> Result<Option<PlannedChange>, Refused> {
        let key = &request.cell;
        let Ok(Some(to)) = wanted(request, input) else {
            return Err(refused);
        };
        let Some(moved) = self.edited.movers(key, input) else {
            return Err(refused);
        };
        if moved.now.as_ref() != Some(&to) {
            return Err((SkipCause::Conflict, clash(key, &to, moved)));
        }
        let mut writes = self.writes.iter_mut();
        if let Some(write) = writes.find(|write| write.tip.name == moved.place) {
            write.cells.push(key.clone());
        }
        let from = input.desired.version(key).cloned();
        Ok(Some(self.judged(request, from, Some(to.clone()), Some(to))))
    }

    /// Changes that a later edit of the same plan takes back.
    fn overruled(
        &self,
        plan: &Plan,
        requests: &[&ChangeRequest],
        input: &PlanInput<'_>,
    ) -> Vec<Skip> {
        let written = self.written.iter().filter_map(|(cell, after)| {
            let change = plan.changes.iter().find(|change| change.cell == *cell)?;
            let to = change.to.as_ref()?;
            if self.edited.version(cell, input) == after.as_ref() {
                return None;
            }
            let request = requests.iter().find(|request| request.cell == *cell);
            let came = request.map(|request| request.came).unwrap_or_default();
            let detail = clash(cell, to, self.edited.movers(cell, input)?);
            Some(Skip::new(cell.clone(), came, (SkipCause::Conflict, detail)))
        });
        written.collect()
    }

    /// What the edits move beside what was asked for. It is judged like what moves it, and held until it is accepted.
    fn move_along(&mut self, requests: &[&ChangeRequest], input: &PlanInput<'_>, plan: &mut Plan) {
        let named: BTreeSet<&CellKey> = plan.changes.iter().map(|change| &change.cell).collect();
        let mut changes = Vec::new();
        for (cell, moved) in self.edited.moved(input) {
            if named.contains(cell) {
                continue;
            }
            let mover = moved.by.last();
            let mover = mover.and_then(|mover| requests.iter().find(|it| it.cell == *mover));
            let (intent, judged_as) = intents(cell, moved.now.as_ref(), mover, input);
            let accepted = input
                .request
                .accepted
                .iter()
                .any(|accept| accept.covers(cell));
            let along = Along::Edit {
                of: moved.by.clone(),
            };
            let judged_as = JudgedAs {
                intent: judged_as,
                version: moved.now.clone(),
                covered: accepted,
                only_named: false,
            };
            self.judging.add(cell, judged_as);
            let verdicts = along::verdict(&along, accepted).into_iter().collect();
            let mut writes = self.writes.iter_mut();
            if let Some(write) = writes.find(|write| write.tip.name == moved.place) {
                write.cells.push(cell.clone());
            }
            changes.push(PlannedChange {
                cell: cell.clone(),
                intent,
                from: input.desired.version(cell).cloned(),
                to: moved.now.clone(),
                inherits: None,
                verdicts,
                along: Some(along),
            });
        }
        plan.changes.extend(changes);
    }

    /// Cells whose version stays while the edits move what goes with it (`also`), because they share the place. No gate has
    /// a say in a version that stays: whether this is meant, the operator says.
    fn move_beside(&mut self, input: &PlanInput<'_>, plan: &mut Plan) {
        for write in &mut self.writes {
            if write.action != Action::Edit {
                continue;
            }
            let edits: Vec<&FileEdit> = write.edits.values().collect();
            let tips = input.desired.tips.iter();
            let same =
                tips.filter(|tip| tip.name == write.tip.name && tip.origin != write.tip.origin);
            let origins = std::iter::once(&write.tip.origin).chain(same.map(|tip| &tip.origin));
            let moved: Vec<Beside> = origins
                .flat_map(|origin| (input.moved_beside)(origin, &edits))
                .collect();
            let listed = |plan: &Plan, cell: &CellKey| {
                let mut changes = plan.changes.iter();
                changes.any(|change| change.cell == *cell)
            };
            let (named, others): (Vec<Beside>, Vec<Beside>) =
                moved.into_iter().partition(|it| listed(plan, &it.cell));
            for other in others {
                let Some(version) = input.desired.version(&other.cell).cloned() else {
                    continue;
                };
                let shares = |it: &&Beside| it.places.iter().any(|at| other.places.contains(at));
                let mut of: Vec<CellKey> = named
                    .iter()
                    .filter(shares)
                    .map(|it| it.cell.clone())
                    .collect();
                if of.is_empty() {
                    of.clone_from(&write.cells);
                }
                let mut accepts = input.request.accepted.iter();
                let accepted = accepts.any(|accept| accept.covers(&other.cell));
                let along = Along::Edit { of };
                let mut verdicts: Vec<Verdict> =
                    along::verdict(&along, accepted).into_iter().collect();
                verdicts.extend(other.places.iter().take(3).map(along::beside));
                write.cells.push(other.cell.clone());
                plan.changes.push(PlannedChange {
                    intent: Intent::Set {
                        version: version.clone(),
                    },
                    cell: other.cell,
                    from: Some(version.clone()),
                    to: Some(version),
                    inherits: None,
                    verdicts,
                    along: Some(along),
                });
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
        });
        vec![Wave {
            writes: writes.collect(),
        }]
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

/// Where a tag will be: it goes where the tags beside it come from.
fn new_tag(tag: &NewTag, desired: &Desired) -> Tip {
    let mut tips = desired.tips.iter();
    let beside = tips.find(|tip| tip.name.repository == tag.place.repository);
    let (remote, origin) = beside.map_or_else(Default::default, |tip| {
        (tip.remote.clone(), tip.origin.clone())
    });
    Tip {
        remote,
        ..Tip::new(tag.place.clone(), origin, tag.commit)
    }
}

/// What a cell that moves with the edit of `mover` is said to do, and what it is judged as: a cell that moves with a
/// promotion is judged like one, but is called one only where the upstream has that version of it.
fn intents(
    cell: &CellKey,
    to: Option<&Version>,
    mover: Option<&&ChangeRequest>,
    input: &PlanInput<'_>,
) -> (Intent, Intent) {
    let revert = Intent::Revert {
        to: to.cloned(),
        at: None,
    };
    let Some(to) = to else {
        return (revert.clone(), revert);
    };
    let set = Intent::Set {
        version: to.clone(),
    };
    match mover.map(|mover| (&mover.intent, &mover.cell.environment)) {
        Some((Intent::Revert { .. }, _)) => (revert.clone(), revert),
        Some((Intent::Promote { from }, environment)) if *environment == cell.environment => {
            let promote = Intent::Promote { from: from.clone() };
            let upstream = CellKey::new(cell.service.clone(), from.clone());
            if input.desired.version(&upstream) == Some(to) {
                (promote.clone(), promote)
            } else {
                (set, promote)
            }
        }
        _ => (set.clone(), set),
    }
}

/// What a cell is said to do that a merge or a tag brings along with what was asked for: the same, where it has that
/// upstream too.
fn brought(
    cell: &CellKey,
    after: Option<&Version>,
    asked: Option<&ChangeRequest>,
    is_tag: bool,
    input: &PlanInput<'_>,
) -> Intent {
    let revert = |to: Option<&Version>| Intent::Revert {
        to: to.cloned(),
        at: None,
    };
    let set = || match after {
        Some(version) => Intent::Set {
            version: version.clone(),
        },
        None => revert(None),
    };
    match asked.map(|asked| (&asked.intent, &asked.cell.environment)) {
        Some((Intent::Promote { from }, environment)) => {
            let environments = input.topology.get(&cell.environment);
            let has = |from| environments.is_some_and(|it| it.from.contains(from));
            if !is_tag || *environment == cell.environment || has(from) {
                Intent::Promote { from: from.clone() }
            } else {
                set()
            }
        }
        Some((Intent::Revert { .. }, _)) if is_tag => revert(after),
        _ => set(),
    }
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

fn clash(cell: &CellKey, to: &Version, moved: &Moved) -> String {
    let others: Vec<String> = moved.by.iter().map(ToString::to_string).collect();
    format!(
        "{to} was asked for, but the edit of {} makes it {}: they are read from the same place (an anchor, a merge key, a \
         file that others fall back to). Ask for one version of them, or give {cell} a place of its own in the file",
        others.join(", "),
        moved.now.as_ref().map_or("nothing", Version::as_str),
    )
}

fn left_behind(key: &CellKey, to: Option<&Version>, theirs: &Tip, ours: &Tip) -> String {
    format!(
        "merging {} does not bring {} to {}: commits of {}'s own changed it since; \
         `tidegate set` writes it, or merge by hand",
        theirs.name,
        to.map_or("its version", Version::as_str),
        key.environment,
        ours.name
    )
}

/// The change, to be judged.
fn judged(request: &ChangeRequest, from: Option<Version>, to: Option<Version>) -> PlannedChange {
    PlannedChange {
        cell: request.cell.clone(),
        intent: request.intent.clone(),
        from,
        to,
        inherits: None,
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

/// The version that the change writes; `None` restores "inherited".
fn wanted(
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
            match grammar(Some(&upstream)).check(version.as_str()) {
                Ok(()) => Ok(Some(version.clone())),
                Err(why) => Err((SkipCause::NotParseable, broken(desired, &upstream, &why))),
            }
        }
        Intent::Set { version } => match grammar(None).check(version.as_str()) {
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
