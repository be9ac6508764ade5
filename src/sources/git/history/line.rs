//! One landed line, told from its tip: from the index where there is one, from the objects else.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    super::{
        Repo,
        kept::CacheFile,
        objects::{Objects, read_info},
    },
    Want,
    authored::Authors,
    index::{Builder, Index},
    moves::Places,
    pipeline::Steps,
    telling::{Batch, Landing, Tale, Touched},
    today::{Left, Passed, Today},
    walk::Walk,
};
use crate::domain::{
    failure::Failure,
    history::{Moved, ValueChange},
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    layout::LayoutSet,
};

/// An index whose tip is farther back than this is no help.
const FARTHEST: u32 = 4000;
/// One that is nearer than this is used as it is: walking is cheaper than writing anew.
const NEAR: u32 = 400;

/// What to walk, and what for.
pub(super) struct Line<'a> {
    pub(super) repo: &'a Repo,
    pub(super) tip: ObjectId,
    pub(super) layouts: &'a Arc<LayoutSet>,
    pub(super) environments: &'a [EnvironmentName],
    pub(super) want: &'a Want,
}

/// How a walk ended.
enum Ended {
    /// Told to the end, or stopped by the listener.
    Done,
    /// What the index says does not go on from here: the walk must begin again without it.
    DoesNotFit,
}

impl Line<'_> {
    /// Tells every wanted change, newest first.
    pub(super) fn tell(&self, batch: &mut Batch<'_>) -> Result<(), Failure> {
        let all_values = CacheFile::of(self.repo, self.layouts, "history");
        if !self.want.last_only {
            return self.tell_and_keep(all_values.as_ref(), batch);
        }
        // An index of all values knows the last changes, too. Where none is near, they are kept by themselves: finding
        // them ends long before the line does.
        if let Some(place) = &all_values
            && self.tell_from(place, NEAR, batch)?
        {
            return Ok(());
        }
        let last = CacheFile::of(self.repo, self.layouts, "last");
        self.tell_and_keep(last.filter(|_| self.want.cells.is_none()).as_ref(), batch)
    }

    /// From the index at `place`, where there is one that fits; else from the objects, and the index is written anew.
    fn tell_and_keep(
        &self,
        place: Option<&CacheFile>,
        batch: &mut Batch<'_>,
    ) -> Result<(), Failure> {
        if let Some(place) = place
            && self.tell_from(place, FARTHEST, batch)?
        {
            return Ok(());
        }
        let objects = Objects::for_walks(self.repo)?;
        self.walk(&objects, None, place, batch)?;
        Ok(())
    }

    /// Whether the index at `place` is there, no farther than `farthest`, and told all.
    fn tell_from(
        &self,
        place: &CacheFile,
        farthest: u32,
        batch: &mut Batch<'_>,
    ) -> Result<bool, Failure> {
        // All cells are told as they are read, so all of it is checked before; some cells are read first.
        let all = self.want.cells.is_none();
        let Some(mut index) = Index::read(place, all) else {
            return Ok(false);
        };
        let objects = Objects::open(self.repo)?;
        let Some(distance) = self.distance(&objects, &index, farthest)? else {
            return Ok(false);
        };
        if !all && distance > NEAR {
            // It will be written anew, with every cell.
            match Index::read(place, true) {
                Some(whole) => index = whole,
                None => return Ok(false),
            }
        }
        let ended = if distance == 0 {
            self.tell_known(&index, batch)
        } else {
            let place = Some(place).filter(|_| distance > NEAR);
            self.walk(&objects, Some((&index, distance)), place, batch)?
        };
        if index.is_damaged() {
            Index::forget(place);
        }
        match ended {
            Ended::Done => Ok(true),
            Ended::DoesNotFit => {
                batch.begin_again();
                Ok(false)
            }
        }
    }

    /// Tells what an index of this very tip knows.
    fn tell_known(&self, index: &Index, batch: &mut Batch<'_>) -> Ended {
        let last_only = self.want.last_only;
        let changes = index.changes(0, last_only, &|cell| self.wants(cell));
        let changes = changes.filter(|(_, change)| self.is_near(change));
        let changes: Box<dyn Iterator<Item = _> + '_> = if self.want.cells.is_some() {
            // Read to the end before the first is told, so that a damaged block is known of.
            let read: Vec<_> = changes.collect();
            if index.is_damaged() {
                return Ended::DoesNotFit;
            }
            Box::new(read.into_iter())
        } else {
            Box::new(changes)
        };
        for (cell, change) in changes {
            batch.add(cell, change);
            if batch.is_due() && batch.send(index.walked()).is_break() {
                return Ended::Done;
            }
        }
        let _ = batch.end(index.walked(), index.is_shallow());
        Ended::Done
    }

    fn wants(&self, cell: &CellKey) -> bool {
        self.want
            .cells
            .as_ref()
            .is_none_or(|cells| cells.contains(cell))
    }

    /// Whether a change is of the commits that are asked for.
    fn is_near(&self, change: &ValueChange) -> bool {
        self.want.newest.is_none_or(|newest| change.depth < newest)
    }

    /// How far down the line the index's tip is; `None`: not on it, or farther than `farthest`.
    fn distance(
        &self,
        objects: &Objects,
        index: &Index,
        farthest: u32,
    ) -> Result<Option<u32>, Failure> {
        let mut commit = self.tip;
        for distance in 0..=farthest {
            if index.tip() == Some(commit) {
                return Ok(Some(distance));
            }
            match objects.header(commit)?.parents.first() {
                Some(parent) => commit = *parent,
                None => break,
            }
        }
        Ok(None)
    }

    fn walk<'a>(
        &self,
        objects: &'a Objects,
        older: Option<(&'a Index, u32)>,
        place: Option<&CacheFile>,
        batch: &mut Batch<'_>,
    ) -> Result<Ended, Failure> {
        // What ends early is nothing to keep.
        let place = place.filter(|_| self.want.newest.is_none());
        let tree = objects.header(self.tip)?.tree;
        let mut walk = Walk::new(objects, self.layouts, self.environments, tree)?;
        // A walk that can be kept looks at all cells: the next question costs nothing then.
        let judged = Want {
            cells: self.want.cells.clone().filter(|_| place.is_none()),
            last_only: self.want.last_only,
            newest: self.want.newest,
        };
        let mut today = Today::new(&walk, self.tip, &judged);
        let mut places = Places::new(objects, self.layouts);
        // Of values that stand elsewhere here than today: how they came, until they are told.
        let mut moves: HashMap<CellKey, Arc<Moved>> = HashMap::new();
        let mut authors = Authors::new(objects);
        let mut kept = place.map(|_| Builder::default());
        if let Some(kept) = &mut kept {
            for (key, paths) in today.cells() {
                kept.cell(key, paths);
            }
        }
        let index = older.map(|(index, _)| index);
        let old_tip = index.and_then(Index::tip);
        // Up to the index's tip, and no further.
        let most = older.map_or(usize::MAX, |(_, distance)| distance as usize + 1);
        let newest = self.want.newest.map_or(usize::MAX, |most| most as usize);
        let most = most.min(newest);
        let (mut depth, mut last) = (0, self.tip);
        std::thread::scope(|scope| {
            let authors_too = !self.want.last_only;
            for step in Steps::start(scope, objects, self.layouts, self.tip, most, authors_too) {
                let enough = self.want.newest.is_some_and(|newest| depth >= newest);
                if enough || self.want.last_only && today.is_settled() {
                    break;
                }
                let step = step?;
                if let Some(index) = index.filter(|_| old_tip == Some(step.commit)) {
                    if !fits(index, &today, &walk, &places) {
                        return Ok(Ended::DoesNotFit);
                    }
                    let older = Older {
                        index,
                        today: &today,
                        walk: &walk,
                        depth,
                    };
                    return self.go_on(&older, moves, &mut authors, batch, kept, place);
                }
                last = step.commit;
                authors.on_line(step.commit, depth);
                if let Some(kept) = &mut kept {
                    kept.on_line(step.commit);
                }
                let merge = (step.parents.len() > 1).then_some(Passed {
                    commit: step.commit,
                    depth,
                });
                let (mut files, cells) = walk.enter(step.files);
                files.extend(places.enter(step.trees.1)?);
                let left = Left {
                    merge,
                    files: &files,
                    cells,
                    trees: step.trees,
                };
                let (found, elsewhere) = today.judge(&walk, &mut places, left, &judged);
                if !found.is_empty() {
                    let landing = Landing {
                        objects,
                        walk: &walk,
                        today: &today,
                        places: &places,
                        files: Touched::new(&files),
                        commit: step.commit,
                        depth,
                    };
                    let info = read_info(step.commit, &step.text)?;
                    landing.tell(info, found, &mut authors, &mut |cell, tale| {
                        let mut change = match tale {
                            Tale::Changed(change) => change,
                            // Of several, the one to today's place is told.
                            Tale::Moved(moved) => {
                                moves.entry(cell).or_insert(moved);
                                return;
                            }
                        };
                        change.moved = moves.remove(&cell).or(change.moved);
                        if let Some(kept) = &mut kept {
                            kept.change(&cell, &change);
                        }
                        if self.wants(&cell) {
                            batch.add(cell, change);
                        }
                    })?;
                }
                for (path, found) in elsewhere {
                    places.follow(&path, found, step.trees.1)?;
                }
                today.leave(&walk);
                depth += 1;
                if batch.is_due() && batch.send(depth).is_break() {
                    return Ok(Ended::Done);
                }
            }
            let shallow = objects.is_cut(last);
            if batch.end(depth, shallow).is_continue()
                && let (Some(kept), Some(place)) = (&kept, place)
            {
                kept.write(place, self.tip, shallow);
            }
            Ok(Ended::Done)
        })
    }

    /// Tells what the index knows from its tip on down.
    fn go_on<'a>(
        &self,
        older: &Older<'a>,
        mut moves: HashMap<CellKey, Arc<Moved>>,
        authors: &mut Authors<'a>,
        batch: &mut Batch<'_>,
        mut kept: Option<Builder>,
        place: Option<&CacheFile>,
    ) -> Result<Ended, Failure> {
        let Older {
            index,
            today,
            depth,
            ..
        } = older;
        authors.goes_on(index, *depth);
        if let Some(kept) = &mut kept {
            for commit in index.line() {
                kept.on_line(commit);
            }
        }
        let mut seen = HashSet::new();
        let last_only = self.want.last_only;
        let all = kept.is_some();
        let wanted =
            |cell: &CellKey| (all || self.wants(cell)) && !(last_only && today.is_told(cell));
        let mut judge = |(cell, mut change): (CellKey, ValueChange)| {
            if seen.insert(cell.clone()) {
                older.judge_author(&cell, &mut change, authors)?;
                change.moved = moves.remove(&cell).or(change.moved);
            }
            Ok::<_, Failure>((cell, change))
        };
        let changes = index.changes(*depth, last_only, &wanted);
        let changes = changes.filter(|(_, change)| self.is_near(change));
        let changes: Box<dyn Iterator<Item = _> + '_> = if self.want.cells.is_some() && !all {
            let read: Vec<_> = changes.map(&mut judge).collect();
            if index.is_damaged() {
                return Ok(Ended::DoesNotFit);
            }
            Box::new(read.into_iter())
        } else {
            Box::new(changes.map(&mut judge))
        };
        for change in changes {
            let (cell, change) = change?;
            if let Some(kept) = &mut kept {
                kept.change(&cell, &change);
            }
            if self.wants(&cell) {
                batch.add(cell, change);
            }
            if batch.is_due() && batch.send(depth + index.walked()).is_break() {
                return Ok(Ended::Done);
            }
        }
        if batch
            .end(depth + index.walked(), index.is_shallow())
            .is_continue()
            && let (Some(kept), Some(place)) = (&kept, place)
        {
            kept.write(place, self.tip, index.is_shallow());
        }
        Ok(Ended::Done)
    }
}

/// The index, and the walk that has reached its tip.
struct Older<'a> {
    index: &'a Index,
    today: &'a Today,
    walk: &'a Walk<'a>,
    depth: u32,
}

impl Older<'_> {
    /// Merges since the index may have brought the value anew: see [`super::authored`].
    fn judge_author(
        &self,
        cell: &CellKey,
        change: &mut ValueChange,
        authors: &mut Authors<'_>,
    ) -> Result<(), Failure> {
        let Some((paths, passed)) = self.today.passed(cell).filter(|(_, p)| !p.is_empty()) else {
            return Ok(());
        };
        if let Some(author) = authors.find_again(cell, change, paths, passed, self.walk)? {
            change.authored = Arc::new(author);
        }
        Ok(())
    }
}

/// Whether the cells stand at the index's tip as the index has them, by the same files.
fn fits(index: &Index, today: &Today, walk: &Walk<'_>, places: &Places<'_>) -> bool {
    let known: HashMap<CellKey, Vec<RepoPath>> = index.cells().collect();
    today.cells().all(|(cell, paths)| {
        // What an index has of a file that was broken at its tip, it has as of a file that stayed so.
        !today.is_moved(cell)
            && !paths
                .iter()
                .any(|path| places.is_away(path) || walk.is_passed_over(path))
            && match known.get(cell) {
                Some(then) if !then.is_empty() => **then == *paths,
                _ => paths.iter().all(|path| walk.blob(path).is_none()),
            }
    })
}
