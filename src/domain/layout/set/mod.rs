//! All layouts of a configuration, compiled.

mod building;
mod facts;
mod read;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

pub use facts::FileFacts;
pub(super) use facts::{Fact, LayoutFacts, Placed, Role};

use super::{
    LayoutError, LayoutSpec, Origin, RefTemplate,
    assemble::Assembler,
    bindings::Bindings,
    choice::{Choice, Choices, Standing},
    compile::{Context, Layout, aliases, spellings},
    level::Level,
    preset,
};
use crate::domain::{
    desired::Tip,
    ids::{EnvironmentName, ServiceName},
};

/// All layouts of a configuration, compiled; or a [`view`](LayoutSet::view) of those that read one ref.
#[derive(Debug)]
pub struct LayoutSet {
    pub(in crate::domain::layout) layouts: Arc<Vec<Layout>>,
    refs: Arc<Vec<RefTemplate>>,
    fingerprint: String,
    /// The ref that it is limited to.
    view: Option<Origin>,
    /// Whether it tries layouts, as [`tried`](LayoutSet::tried) says.
    tried: bool,
    /// Which place is a service's version where there are several; the same for all views.
    choices: Arc<OnceLock<Choices>>,
    /// Only files in which several places may be a service's version are listed; they are read as ever.
    contested_only: bool,
}

impl LayoutSet {
    /// Compiles `specs`, in their order. An error names the layout's index and what is wrong with it.
    pub fn compile(
        specs: &[LayoutSpec],
        environments: &[EnvironmentName],
    ) -> Result<Self, (usize, LayoutError)> {
        let mut compiler = Compiler::default();
        for (index, spec) in specs.iter().enumerate() {
            compiler
                .add(index, spec, environments)
                .map_err(|error| (index, error))?;
        }
        Ok(Self {
            layouts: Arc::new(compiler.layouts),
            refs: Arc::new(compiler.refs),
            fingerprint: format!("{specs:?}{environments:?}"),
            view: None,
            tried: false,
            choices: Arc::default(),
            contested_only: false,
        })
    }

    /// The same layouts while it is not decided yet which of them are meant: each place is the first one's that reads it,
    /// so that a second name for what is explained already explains nothing.
    #[must_use]
    pub(in crate::domain) fn tried(mut self) -> Self {
        self.fingerprint.push_str("tried");
        self.tried = true;
        self
    }

    /// The layouts that read the ref `origin`, with what its name captured filled in: one ref is then read, and its
    /// history walked, as if it were the only one. Layouts keep their indices.
    #[must_use]
    pub fn view(&self, origin: &Origin) -> Self {
        Self {
            layouts: Arc::clone(&self.layouts),
            refs: Arc::clone(&self.refs),
            fingerprint: format!("{}{origin:?}", self.fingerprint),
            view: Some(origin.clone()),
            tried: self.tried,
            choices: Arc::clone(&self.choices),
            contested_only: self.contested_only,
        }
    }

    /// The same layouts with nothing decided.
    #[must_use]
    pub fn undecided(&self) -> Self {
        Self {
            layouts: Arc::clone(&self.layouts),
            refs: Arc::clone(&self.refs),
            fingerprint: self.fingerprint.clone(),
            view: self.view.clone(),
            tried: self.tried,
            choices: Arc::default(),
            contested_only: false,
        }
    }

    /// The same; of files, those alone are listed in which several places may be a service's version. For walks: what was
    /// read of a tree would not be all of it.
    #[must_use]
    pub fn contested(&self) -> Self {
        Self {
            contested_only: true,
            ..self.undecided()
        }
    }

    /// The same layouts with this decided.
    #[must_use]
    pub fn decided(&self, choices: Choices) -> Self {
        Self {
            choices: Arc::new(OnceLock::from(choices)),
            ..self.undecided()
        }
    }

    /// The tables of which several places may be a service's version, with what they read: the repository, and the template
    /// of its refs.
    pub fn contests(&self) -> BTreeMap<usize, (Option<Arc<str>>, Option<usize>)> {
        let contested = self.layouts.iter().filter(|layout| layout.contested);
        contested
            .map(|layout| (layout.spec, (layout.repository.clone(), layout.refs)))
            .collect()
    }

    /// What files are read as: the ref of a view, the one that holds every environment otherwise.
    pub fn origin(&self) -> Origin {
        self.view.clone().unwrap_or_default()
    }

    /// Whether `other` is the same set, or another view of it.
    pub fn is_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.layouts, &other.layouts)
    }

    /// The repositories that layouts name, each once; `None` is the main one.
    pub fn repositories(&self) -> Vec<Option<Arc<str>>> {
        let mut names: Vec<_> = self
            .layouts
            .iter()
            .map(|layout| layout.repository.clone())
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Whether some layout reads refs of `repository` by the template `refs` (an index; `None`: the default ref).
    pub fn reads(&self, repository: Option<&str>, refs: Option<usize>) -> bool {
        self.layouts
            .iter()
            .any(|layout| layout.repository.as_deref() == repository && layout.refs == refs)
    }

    /// Whether the cell of the layout table `spec` is promoted by merging the upstream's branch.
    pub fn merges(&self, spec: usize) -> bool {
        let mut layouts = self.layouts.iter();
        layouts.any(|layout| layout.spec == spec && layout.merges)
    }

    /// The column that a ref stands for, by what its name captured; `None` where the name does not tell.
    pub fn environment_of(&self, origin: &Origin) -> Option<EnvironmentName> {
        let spelling = origin.captures.get("env")?;
        let layout = self
            .layouts
            .iter()
            .find(|layout| layout.refs == origin.refs && layout.repository == origin.repository)?;
        Some(layout.column(spelling))
    }

    /// The columns that these refs stand for, in the order of the refs.
    pub fn columns<'a>(&self, refs: impl IntoIterator<Item = &'a Tip>) -> Vec<EnvironmentName> {
        let refs = refs.into_iter();
        refs.filter_map(|line| self.environment_of(&line.origin))
            .collect()
    }

    /// What refs are called that layouts read, for a sentence.
    pub fn ref_words(&self) -> String {
        let templates: Vec<&str> = self.refs.iter().map(RefTemplate::source).collect();
        format!("`{}`", templates.join("`, `"))
    }

    /// Decides the same so far as it can be by a part of a tree, for a layout that is tried: of what may be it, the first.
    pub(in crate::domain) fn decide_at_a_glance(&self, assembler: &Assembler) {
        if self.layouts.iter().any(|layout| layout.contested) {
            self.choices
                .get_or_init(|| Choices::at_a_glance(&Standing::of(assembler)));
        }
    }

    /// Decides which place is a service's version where there are several, by the tree in `assembler` as if it had no
    /// history, unless that is decided already.
    pub(in crate::domain::layout) fn decide(&self, assembler: &Assembler) {
        if self.layouts.iter().any(|layout| layout.contested) {
            self.choices
                .get_or_init(|| Choices::of(&Standing::of(assembler), &[]));
        }
    }

    /// What was decided for a service of the layout table `spec`.
    pub(in crate::domain::layout) fn choice(
        &self,
        spec: usize,
        service: &ServiceName,
    ) -> Option<&Choice> {
        self.choices.get()?.get(spec, service)
    }

    /// Text that is the same where the same was decided: what was read by other decisions is another history.
    pub fn decisions(&self) -> String {
        let decided = self.choices.get();
        decided.map_or_else(String::new, |choices| format!("{choices:?}"))
    }

    /// Whether it is read through this set.
    fn is_seen(&self, layout: &Layout) -> bool {
        self.view.as_ref().is_none_or(|origin| {
            layout.refs == origin.refs && layout.repository == origin.repository
        })
    }
}

/// Sets that read the same in the same way.
impl PartialEq for LayoutSet {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
            && self.view == other.view
            && self.choices.get() == other.choices.get()
            && self.contested_only == other.contested_only
    }
}

impl Eq for LayoutSet {}

/// Layouts while they are compiled.
#[derive(Default)]
struct Compiler {
    layouts: Vec<Layout>,
    refs: Vec<RefTemplate>,
}

impl Compiler {
    fn add(
        &mut self,
        index: usize,
        spec: &LayoutSpec,
        environments: &[EnvironmentName],
    ) -> Result<(), LayoutError> {
        let refs = match spec.refs.as_deref() {
            None if !spec.range.is_empty() => {
                return Err(LayoutError::new(
                    "range",
                    "`range` is for tags that environments share: add `refs = \"refs/tags/{version:semver}\"`",
                ));
            }
            None => None,
            Some(source) => Some(self.add_refs(source, spec, environments)?),
        };
        let contested = preset::is_contested(spec);
        let first = self.layouts.len();
        for (variant, spec) in preset::expand(spec)?.iter().enumerate() {
            let context = Context {
                environments,
                spec: index,
                variant,
                contested,
                refs: refs.map(|at| (at, self.refs[at].names())),
            };
            self.layouts.push(Layout::compile(spec, &context)?);
        }
        tell_tags_of_digests(&mut self.layouts[first..]);
        Ok(())
    }

    fn add_refs(
        &mut self,
        source: &str,
        spec: &LayoutSpec,
        environments: &[EnvironmentName],
    ) -> Result<usize, LayoutError> {
        if let Some(known) = self
            .refs
            .iter()
            .position(|known| known.is(source, &spec.range))
        {
            return Ok(known);
        }
        let spellings = spellings(environments, &aliases(&spec.alias, environments));
        let spellings: Vec<&str> = spellings.iter().map(String::as_str).collect();
        let mut template = RefTemplate::with_ranges(source, &spellings, &spec.range)?;
        // Where the column's name is built from more than `{env}`, what is declared does not tell which refs are meant.
        if spec.env_name.is_none() {
            template = template.of_declared(&spellings);
        }
        self.refs.push(template);
        Ok(self.refs.len() - 1)
    }
}

impl Level {
    /// What its path captures of `path`.
    pub(in crate::domain::layout) fn matches(&self, path: &str) -> Option<Bindings> {
        let mut bound = self.path.as_ref()?.matches(path)?;
        let fixed = self.env.as_ref();
        let agrees = fixed.is_none_or(|env| bound.bind(&Arc::from("env"), env));
        agrees.then_some(bound)
    }
}

/// Tells the readings of one table that find a digest alone where another one of them looks for its tag.
fn tell_tags_of_digests(readings: &mut [Layout]) {
    for index in 0..readings.len() {
        for level in 0..readings[index].levels.len() {
            let digest = &readings[index].levels[level];
            let mut others = readings.iter().filter_map(|other| other.levels.get(level));
            let key = others.find_map(|tag| digest.tag_key_of(tag));
            let key = key.map(str::to_owned);
            readings[index].levels[level].tag_key = key;
        }
    }
}
