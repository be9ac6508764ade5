//! Reads objects on one thread.

use std::{io, sync::Arc};

use flate2::Decompress;

use super::{
    Broken, Budget, Found, LONGEST_CHAIN, MOST_OPEN, Store, Type, Why, delta,
    file::{Base, PackFile},
    loose,
    memory::Memory,
};
use crate::domain::ids::ObjectId;

/// Reads objects on one thread.
pub(in crate::sources::git) struct Reader {
    store: Arc<Store>,
    files: Vec<Option<PackFile>>,
    open: usize,
    inflater: Decompress,
    /// What was inflated last, and room behind it.
    inflated: Vec<u8>,
    memory: Memory,
    /// Where the last object was found; the next is probably there, too.
    last: usize,
}

/// Why a pack does not give an object.
enum Refusal {
    /// The pack went away: its objects are in another by now.
    Gone,
    Broken(Why),
}

impl Reader {
    pub(in crate::sources::git) fn new(store: &Arc<Store>) -> Self {
        Self {
            store: Arc::clone(store),
            files: Vec::new(),
            open: 0,
            inflater: Decompress::new(true),
            inflated: Vec::new(),
            memory: Memory::default(),
            last: 0,
        }
    }

    /// What it reads from, with what came since.
    pub(in crate::sources::git) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Looks for packs that came since.
    pub(in crate::sources::git) fn renew(&mut self) -> bool {
        let renewed = self.store.renewed();
        let is_new = renewed.is_some();
        self.store = renewed.unwrap_or_else(|| Arc::clone(&self.store));
        is_new
    }

    /// The object, from the first place that has it whole; `None` where it is nowhere.
    ///
    /// # Errors
    /// Where it is somewhere, and broken wherever it is.
    pub(in crate::sources::git) fn read(
        &mut self,
        id: &ObjectId,
        limit: usize,
    ) -> Result<Option<Found>, Broken> {
        let mut budget = Budget::of(limit);
        self.read_within(id, limit, &mut budget)
    }

    pub(super) fn read_within(
        &mut self,
        id: &ObjectId,
        limit: usize,
        budget: &mut Budget,
    ) -> Result<Option<Found>, Broken> {
        let mut broken = None;
        if let Some(found) = self.look(id, limit, budget, &mut broken) {
            return Ok(Some(found));
        }
        if self.renew()
            && let Some(found) = self.look(id, limit, budget, &mut broken)
        {
            return Ok(Some(found));
        }
        broken.map_or(Ok(None), Err)
    }

    fn look(
        &mut self,
        id: &ObjectId,
        limit: usize,
        budget: &mut Budget,
        broken: &mut Option<Broken>,
    ) -> Option<Found> {
        let (last, count) = (self.last, self.store.packs.len());
        let order = std::iter::once(last).chain((0..count).filter(|number| *number != last));
        for number in order {
            let index = self.store.packs.get(number).and_then(|pack| pack.index());
            let Some(at) = index.and_then(|index| index.find(id)) else {
                continue;
            };
            match self.at(number, at, limit, budget) {
                Ok(found) => {
                    self.last = number;
                    return Some(found);
                }
                Err(Refusal::Gone) => {}
                Err(Refusal::Broken(why)) => {
                    broken.get_or_insert_with(|| Broken {
                        file: self.store.packs[number].file.clone(),
                        why,
                    });
                }
            }
        }
        let store = Arc::clone(&self.store);
        for file in store.loose(id) {
            match loose::read(&file, limit, &mut self.inflater, budget) {
                Ok(None) => {}
                Ok(found) => return found,
                Err(why) => *broken = Some(Broken { file, why }),
            }
        }
        None
    }

    fn at(
        &mut self,
        pack: usize,
        at: u64,
        limit: usize,
        budget: &mut Budget,
    ) -> Result<Found, Refusal> {
        const DAMAGED: Refusal = Refusal::Broken("is damaged where the object stands");
        let mut deltas = Vec::new();
        let mut next = at;
        let (kind, mut data) = loop {
            if let Some(known) = self.memory.get(pack, next) {
                break known;
            }
            budget.take(64).ok_or(DAMAGED)?;
            let header = self.file(pack)?.header(next).ok_or(DAMAGED)?;
            if header.size > limit {
                return Ok(Found::TooLarge(header.size));
            }
            match header.base {
                None => {
                    let kind = Type::numbered(header.kind).ok_or(DAMAGED)?;
                    let inflated = self.inflate(pack, header.data, header.size, budget);
                    inflated.ok_or(DAMAGED)?;
                    let inflated = self.inflated.get(..header.size).ok_or(DAMAGED)?;
                    if kind == Type::Commit {
                        break (kind, Arc::new(inflated.to_vec()));
                    }
                    let mut data = self.memory.room(header.size);
                    data.extend_from_slice(inflated);
                    let data = Arc::new(data);
                    self.memory.put(pack, next, kind, &data);
                    break (kind, data);
                }
                Some(_) if deltas.len() >= LONGEST_CHAIN => {
                    return Err(Refusal::Broken(
                        "is damaged: its deltas go round, or their chain is longer than Git makes any",
                    ));
                }
                Some(base) => {
                    deltas.push((next, header));
                    next = match base {
                        Base::At(at) => at,
                        Base::Named(name) => {
                            let index = self.store.packs.get(pack).and_then(|pack| pack.index());
                            let base = index.and_then(|index| index.find(&ObjectId::new(name)));
                            base.ok_or(Refusal::Broken(
                                "is damaged: the base of a delta is not in it",
                            ))?
                        }
                    };
                }
            }
        };
        for (at, header) in deltas.into_iter().rev() {
            let inflated = self.inflate(pack, header.data, header.size, budget);
            inflated.ok_or(DAMAGED)?;
            let inflated = self.inflated.get(..header.size).ok_or(DAMAGED)?;
            let size = delta::size(inflated).ok_or(DAMAGED)?;
            if size > limit {
                return Ok(Found::TooLarge(size));
            }
            budget.take(size).ok_or(Refusal::Broken(
                "is damaged: its deltas make more than any file is worth",
            ))?;
            let mut made = self.memory.room(size);
            delta::apply(&data, inflated, &mut made).ok_or(DAMAGED)?;
            data = Arc::new(made);
            self.memory.put(pack, at, kind, &data);
        }
        Ok(Found::Object(kind, data))
    }

    /// Into `inflated`.
    fn inflate(&mut self, pack: usize, at: u64, size: usize, budget: &mut Budget) -> Option<()> {
        self.file(pack).ok()?;
        let file = self.files.get_mut(pack)?.as_mut()?;
        file.inflate(&mut self.inflater, at, size, &mut self.inflated, budget)
    }

    fn file(&mut self, pack: usize) -> Result<&mut PackFile, Refusal> {
        if self.files.len() <= pack {
            self.files.resize_with(pack + 1, || None);
        }
        if self.files[pack].is_none() {
            if self.open >= MOST_OPEN {
                self.files.fill_with(|| None);
                self.open = 0;
            }
            let path = self.store.packs.get(pack).map(|pack| pack.file.as_path());
            let opened = path.map(PackFile::open).ok_or(Refusal::Gone)?;
            let opened = opened.map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => Refusal::Gone,
                io::ErrorKind::PermissionDenied => Refusal::Broken("may not be read by this user"),
                _ => Refusal::Broken("is no file that can be read"),
            })?;
            self.files[pack] = Some(opened);
            self.open += 1;
        }
        self.files[pack].as_mut().ok_or(Refusal::Gone)
    }
}
