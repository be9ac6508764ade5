//! Files that many edits of one plan are compared in. One may hold the versions of thousands of services: it is read once, and
//! what it says is kept by cell.

use std::{
    cell::{OnceCell, RefCell},
    collections::{HashMap, HashSet},
    rc::Rc,
};

use super::{Files, automation::Automation};
use crate::domain::{
    desired::DesiredCell,
    ids::{CellKey, RepoPath},
    layout::{
        Origin,
        bindings::Bindings,
        compile::Layout,
        extract::{File, Findings, Found, Place},
        level::Level,
        pair::held::{self, Held, Known},
    },
    manifest::{ManifestError, NodePath},
};

/// What cells' files say, without the bytes; no answer of a file that is none of theirs.
pub(super) trait Looks {
    /// What a level finds in a file.
    fn look(
        &self,
        at: (&Origin, &RepoPath),
        level: &Level,
        bound: &Bindings,
    ) -> Option<Result<Findings, ManifestError>>;

    /// What the first level of a layout finds in a file, by cell.
    fn cells(
        &self,
        at: (&Origin, &RepoPath),
        layout: &Layout,
        bound: &Bindings,
    ) -> Option<Result<Rc<ByCell>, ManifestError>>;

    /// The digests near a place that was found by cell.
    fn held(&self, at: (&Origin, &RepoPath), place: &Place) -> Option<Vec<Held>>;

    /// Whether a file may hold digests beside its versions.
    fn may_hold(&self, at: (&Origin, &RepoPath)) -> bool;

    /// Who writes versions of a file by itself.
    fn automation(&self, at: (&Origin, &RepoPath)) -> Option<&Automation>;
}

/// Places by the cell that they are of: those that count, and those that count where nothing else is there.
pub(super) type ByCell = HashMap<CellKey, (Vec<Found>, Vec<Found>)>;

/// The bytes of the files of some cells.
pub(super) struct Texts<'c>(HashMap<&'c Origin, HashMap<&'c RepoPath, Vec<u8>>>);

impl<'c> Texts<'c> {
    pub(super) fn of(cells: impl IntoIterator<Item = &'c DesiredCell>, files: Files<'_>) -> Self {
        let mut texts: HashMap<&Origin, HashMap<&RepoPath, Vec<u8>>> = HashMap::new();
        let mut seen = HashSet::new();
        for cell in cells {
            let known = texts.entry(&cell.origin).or_default();
            for path in &cell.files {
                if seen.insert((&cell.origin, path)) {
                    known.extend(files(&cell.origin, path).map(|bytes| (path, bytes)));
                }
            }
        }
        Self(texts)
    }
}

/// What the files say, as it is asked for.
pub(super) struct Pages<'t>(HashMap<&'t Origin, HashMap<&'t RepoPath, Page<'t>>>);

struct Page<'t> {
    path: &'t RepoPath,
    bytes: &'t [u8],
    file: RefCell<File<'t>>,
    cells: RefCell<HashMap<(Index, Bindings), Rc<ByCell>>>,
    /// By document and path of a version.
    held: RefCell<HashMap<(usize, NodePath), Vec<Held>>>,
    may_hold: OnceCell<bool>,
    automation: OnceCell<Automation>,
}

/// Which layout of all, and which of its readings.
type Index = (usize, usize);

impl<'t> Pages<'t> {
    pub(super) fn of(texts: &'t Texts<'_>) -> Self {
        let page = |(path, bytes): (&&'t RepoPath, &'t Vec<u8>)| {
            let page = Page {
                path,
                bytes,
                file: RefCell::new(File::new(bytes)),
                cells: RefCell::default(),
                held: RefCell::default(),
                may_hold: OnceCell::new(),
                automation: OnceCell::new(),
            };
            (*path, page)
        };
        let refs = texts.0.iter();
        let refs = refs.map(|(origin, files)| (*origin, files.iter().map(page).collect()));
        Self(refs.collect())
    }

    fn page(&self, (origin, path): (&Origin, &RepoPath)) -> Option<&Page<'t>> {
        self.0.get(origin)?.get(path)
    }
}

impl Looks for Pages<'_> {
    fn look(
        &self,
        at: (&Origin, &RepoPath),
        level: &Level,
        bound: &Bindings,
    ) -> Option<Result<Findings, ManifestError>> {
        let page = self.page(at)?;
        Some(page.file.borrow_mut().look(level, bound))
    }

    fn cells(
        &self,
        at: (&Origin, &RepoPath),
        layout: &Layout,
        bound: &Bindings,
    ) -> Option<Result<Rc<ByCell>, ManifestError>> {
        Some(self.page(at)?.cells(layout, bound))
    }

    fn held(&self, at: (&Origin, &RepoPath), place: &Place) -> Option<Vec<Held>> {
        let (document, path) = own_place(place)?;
        let held = self.page(at)?.held.borrow();
        held.get(&(document, path.clone())).cloned()
    }

    fn may_hold(&self, at: (&Origin, &RepoPath)) -> bool {
        self.page(at).is_some_and(Page::may_hold)
    }

    fn automation(&self, at: (&Origin, &RepoPath)) -> Option<&Automation> {
        let page = self.page(at)?;
        let found = || Automation::of(page.path.as_str(), page.bytes);
        Some(page.automation.get_or_init(found))
    }
}

impl Page<'_> {
    fn cells(&self, layout: &Layout, bound: &Bindings) -> Result<Rc<ByCell>, ManifestError> {
        let key = ((layout.spec, layout.variant), bound.clone());
        if let Some(known) = self.cells.borrow().get(&key) {
            return Ok(Rc::clone(known));
        }
        let mut cells = ByCell::new();
        if let Some(level) = layout.levels.first() {
            let findings = self.file.borrow_mut().look(level, bound)?;
            self.note_held(findings.found.iter().chain(&findings.aside));
            let found = findings.found.into_iter().map(|found| (found, false));
            let aside = findings.aside.into_iter().map(|found| (found, true));
            for (found, is_aside) in found.chain(aside) {
                let Some(cell) = layout.cell(&found.bindings) else {
                    continue;
                };
                let (own, others) = cells.entry(cell).or_default();
                let all = if is_aside { others } else { own };
                all.push(found);
            }
        }
        let cells = Rc::new(cells);
        self.cells.borrow_mut().insert(key, Rc::clone(&cells));
        Ok(cells)
    }

    /// Looks for the digests near all these at once.
    fn note_held<'f>(&self, found: impl Iterator<Item = &'f Found>) {
        if !self.may_hold() {
            return;
        }
        let file = self.file.borrow();
        let Some(yaml) = file.tree() else {
            return;
        };
        let mut known: HashMap<usize, Known<'_>> = HashMap::new();
        let mut all = self.held.borrow_mut();
        for (document, path) in found.filter_map(|found| own_place(&found.place)) {
            let mut near = || {
                let root = yaml.documents.get(document)?.root();
                let parent = root.find(path.get(..path.len().checked_sub(1)?)?)?;
                let known = known.entry(document).or_default();
                Some(held::near(root, parent, path, known))
            };
            let held = all.entry((document, path.clone()));
            held.or_insert_with(|| near().unwrap_or_default());
        }
    }

    fn may_hold(&self) -> bool {
        let look = || std::str::from_utf8(self.bytes).is_ok_and(held::may_hold);
        *self.may_hold.get_or_init(look)
    }
}

/// The document and the path of a scalar that stands in the file itself.
fn own_place(place: &Place) -> Option<(usize, &NodePath)> {
    match place {
        Place::Scalar {
            document,
            path,
            within: None,
            ..
        } => Some((*document, path)),
        _ => None,
    }
}
