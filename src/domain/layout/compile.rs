//! From a layout as it is written to one that can be matched; every mistake is said with its key.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use super::{
    AlsoSpec, LayoutError, LayoutSpec,
    bindings::Bindings,
    level::{Level, also_level, levels, pattern},
    pattern::Pattern,
};
use crate::domain::{
    ids::{CellKey, EnvironmentName},
    subject::Subject,
    template::Template,
};

/// One layout, compiled. A preset may make several of one `[[layouts]]` table.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Index of the table.
    pub(crate) spec: usize,
    /// The preset's reading, in order of preference.
    pub(crate) variant: usize,
    /// Its own place, then the fall-backs. Empty where the ref alone says the version.
    pub(crate) levels: Vec<Level>,
    /// A path that proves the service: it then exists in every declared environment that `{env}` of its path takes.
    pub(crate) proof: Option<Pattern>,
    /// A path that must be there for a place to count.
    pub(crate) only_if: Option<Condition>,
    /// Places that move with the version, then those that are carried along where the version comes from has them.
    pub(crate) also: Vec<Level>,
    /// How many of these move with the version.
    pub(crate) moved: usize,
    /// Whether its places are shown and never edited.
    pub(crate) read_only: bool,
    /// Whether a comment behind the version moves with it.
    pub(crate) carry: bool,
    /// What its versions are of, where the layout says so.
    pub(crate) subject: Option<Subject>,
    /// Index of the ref template; `None` is the ref that holds every environment.
    pub(crate) refs: Option<usize>,
    /// The repository it reads from.
    pub(crate) repository: Option<Arc<str>>,
    /// Its table has readings of which one alone is a service's version; see [`choice`](super::choice).
    pub(crate) contested: bool,
    /// A promotion merges the upstream's branch, rather than copying the version alone.
    pub(crate) merges: bool,
    row: Template,
    env_name: Template,
    /// Columns by other spellings.
    aliases: BTreeMap<String, String>,
    lowercase: Vec<String>,
}

/// A path that must be there for a place to count.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) path: Pattern,
    /// What it captures that is known of a file of the layout's own path, and of a proven service.
    pub(crate) shared: [Vec<Arc<str>>; 2],
}

/// What compiling needs to know of the configuration around the layout.
pub(crate) struct Context<'a> {
    /// The declared environments.
    pub(crate) environments: &'a [EnvironmentName],
    /// Index of the `[[layouts]]` table.
    pub(crate) spec: usize,
    /// Which of its readings.
    pub(crate) variant: usize,
    /// Whether one of the readings alone is a service's version.
    pub(crate) contested: bool,
    /// The ref template's index and captures.
    pub(crate) refs: Option<(usize, Vec<Arc<str>>)>,
}

impl Layout {
    /// Compiles one spec whose preset is expanded already.
    pub(crate) fn compile(spec: &LayoutSpec, context: &Context<'_>) -> Result<Self, LayoutError> {
        let aliases = aliases(&spec.alias, context.environments);
        let spellings = spellings(context.environments, &aliases);
        let spellings: Vec<&str> = spellings.iter().map(String::as_str).collect();
        let refs = context.refs.as_ref();
        let tagged = refs.is_some_and(|(_, names)| names.iter().any(|name| &**name == "version"));
        let mut levels = levels(spec, &spellings, tagged)?;
        let told = spec.version_of.as_deref().map(subject).transpose()?;
        for level in &mut levels {
            level.told = told;
        }
        let proof = spec
            .service
            .as_deref()
            .map(|text| pattern("service", text, &spellings))
            .transpose()?;
        if spec.env.is_some() && proof.is_some() {
            return Err(LayoutError::new(
                "env",
                "stands beside `service`, which proves it in every environment; keep one of the two",
            ));
        }
        let only_if = condition(spec, &levels, proof.as_ref(), refs, &spellings)?;
        let also = spec
            .also
            .iter()
            .enumerate()
            .map(|(index, also)| also_level(&format!("also[{index}]."), also, &spellings));
        let mut also: Vec<Level> = also.collect::<Result<_, _>>()?;
        let moved = also.len();
        let comment = |text: &&String| *text == TRAILING_COMMENT;
        for text in spec.carry.iter().filter(|text| !comment(text)) {
            also.push(carried(text, &spellings)?);
        }
        let mut known: Vec<Arc<str>> = refs.map(|(_, names)| names.clone()).unwrap_or_default();
        known.extend(levels.iter().flat_map(Level::names));
        if let Some(proof) = &proof {
            known.extend(proof.names());
            known.push("env".into());
        }
        let layout = Self {
            spec: context.spec,
            variant: context.variant,
            contested: context.contested,
            proof,
            only_if,
            also,
            moved,
            read_only: spec.read_only,
            carry: spec.carry.iter().any(|text| comment(&text)),
            subject: told,
            refs: refs.map(|(index, _)| *index),
            repository: spec.repository.as_deref().map(Into::into),
            merges: merges(spec)?,
            row: name_template("row", spec.row.as_deref(), "service", &known)?,
            env_name: name_template("env_name", spec.env_name.as_deref(), "env", &known)?,
            aliases,
            lowercase: spec.lowercase.clone(),
            levels,
        };
        for name in &layout.lowercase {
            if !known.iter().any(|known| &**known == name) {
                return Err(missing("lowercase", name, &known));
            }
        }
        Ok(layout)
    }

    /// The cell that `raw` names; `None` where something is missing.
    pub(crate) fn cell(&self, raw: &Bindings) -> Option<CellKey> {
        let (mut row, mut column) = (String::new(), String::new());
        self.name(raw, &mut row, &mut column)
            .then(|| CellKey::new(row, column))
    }

    /// The name of the row that `raw` names; `None` where something is missing.
    pub(crate) fn row(&self, raw: &Bindings) -> Option<String> {
        let mut row = String::new();
        let get = |name: &str| Some(self.meant(name, raw.get(name)?));
        self.row.fill_into(&mut row, get).ok()?;
        Some(row).filter(|row| !row.is_empty())
    }

    /// Whose a place is that a level finds: a cell's, or, of a fall-back, a row's in any column (an empty name).
    pub(crate) fn owner(&self, level: usize, origin: &Bindings, raw: &Bindings) -> Option<CellKey> {
        let raw = origin.join(raw)?;
        if level == 0 {
            return self.cell(&raw);
        }
        Some(CellKey::new(self.row(&raw)?, ""))
    }

    /// Writes the names of the row and the column that `raw` names; `false` where something is missing.
    pub(crate) fn name(&self, raw: &Bindings, row: &mut String, column: &mut String) -> bool {
        row.clear();
        column.clear();
        let get = |name: &str| Some(self.meant(name, raw.get(name)?));
        if self.row.fill_into(row, get).is_err() || self.env_name.fill_into(column, get).is_err() {
            return false;
        }
        if let Some(known) = self.aliases.get(column.as_str())
            && self.env_name.as_str() != "{env}"
        {
            column.clone_from(known);
        }
        !row.is_empty() && !column.is_empty()
    }

    /// The captures that templates are filled from.
    pub(crate) fn captures(&self, mut raw: Bindings) -> Bindings {
        let changes: Vec<(Arc<str>, String)> = raw
            .iter()
            .filter_map(|(name, text)| match self.meant(name, text) {
                Cow::Borrowed(same) if same == text => None,
                other => Some((Arc::clone(name), other.into_owned())),
            })
            .collect();
        for (name, text) in changes {
            raw.set(&name, &text);
        }
        raw
    }

    /// What a capture stands for: folded where the layout says so, the column for another spelling of it.
    fn meant<'t>(&'t self, name: &str, text: &'t str) -> Cow<'t, str> {
        let folded = if self.lowercase.iter().any(|lower| lower == name) {
            Cow::Owned(text.to_lowercase())
        } else {
            Cow::Borrowed(text)
        };
        match self.aliases.get(&*folded) {
            Some(column) if name == "env" => Cow::Borrowed(column),
            _ => folded,
        }
    }

    /// Whether captures may be spelled otherwise than the cell's names.
    pub(crate) fn folds(&self) -> bool {
        !self.lowercase.is_empty()
    }

    /// The column that a spelling in the repository means.
    pub(crate) fn column(&self, spelling: &str) -> EnvironmentName {
        let column = self.aliases.get(spelling);
        column.map_or(spelling, String::as_str).into()
    }

    /// How the repository spells a declared environment.
    pub(crate) fn spelling<'a>(&'a self, environment: &'a EnvironmentName) -> &'a str {
        self.aliases
            .iter()
            .find(|(_, column)| column.as_str() == environment.as_str())
            .map_or(environment.as_str(), |(spelling, _)| spelling)
    }
}

/// `alias = { a = "b" }`: the declared one of the two is the column, the other the spelling; else the right one is.
pub(crate) fn aliases(
    written: &BTreeMap<String, String>,
    environments: &[EnvironmentName],
) -> BTreeMap<String, String> {
    let declared = |name: &str| environments.iter().any(|known| known.as_str() == name);
    written
        .iter()
        .map(|(left, right)| {
            if declared(left) && !declared(right) {
                (right.clone(), left.clone())
            } else {
                (left.clone(), right.clone())
            }
        })
        .collect()
}

/// Whether a promotion is a merge: so it is between branches, unless the layout says otherwise or they are rendered, which is
/// its program's to do.
fn merges(spec: &LayoutSpec) -> Result<bool, LayoutError> {
    let branches = spec
        .refs
        .as_deref()
        .is_some_and(|refs| refs.starts_with("refs/heads/"));
    match spec.promote.as_deref() {
        None => Ok(branches && !spec.read_only),
        Some("edit") => Ok(false),
        Some("merge") if branches => Ok(true),
        Some("merge") => Err(LayoutError::new(
            "promote",
            "`merge` is for a branch per environment: add `refs = \"refs/heads/{env}\"`, or take it out",
        )),
        Some(other) => Err(LayoutError::new(
            "promote",
            format!("`{other}` is neither `merge` nor `edit`"),
        )),
    }
}

/// What `$envs` stands for: the declared names and their other spellings, as [`aliases`] gives them.
pub(crate) fn spellings(
    environments: &[EnvironmentName],
    aliases: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut all: Vec<String> = environments
        .iter()
        .map(|name| name.as_str().to_owned())
        .collect();
    let known = |column: &String| environments.iter().any(|name| name.as_str() == column);
    all.extend(
        aliases
            .iter()
            .filter(|(_, column)| known(column))
            .map(|(spelling, _)| spelling.clone()),
    );
    all
}

/// The path that must be there. What it captures is known of a place before a file of it is read.
fn condition(
    spec: &LayoutSpec,
    levels: &[Level],
    proof: Option<&Pattern>,
    refs: Option<&(usize, Vec<Arc<str>>)>,
    spellings: &[&str],
) -> Result<Option<Condition>, LayoutError> {
    let Some(text) = spec.only_if.as_deref() else {
        return Ok(None);
    };
    if levels.first().is_none_or(|level| level.path.is_none()) && proof.is_none() {
        return Err(LayoutError::new(
            "only_if",
            "needs a `path`: the name of a ref alone has no files beside it",
        ));
    }
    let path = pattern("only_if", text, spellings)?;
    let names = path.names();
    let refs: Vec<Arc<str>> = refs.map(|(_, names)| names.clone()).unwrap_or_default();
    let place = levels.first().and_then(|level| level.path.as_ref());
    let own = place.map(Pattern::names).unwrap_or_default();
    let fixed = spec.env.is_some().then(|| "env".into());
    let own: Vec<Arc<str>> = own.into_iter().chain(fixed).collect();
    let proven = proof.map_or_else(Vec::new, |proof| {
        proof.names().into_iter().chain(["env".into()]).collect()
    });
    let inside = levels.first().map(Level::names).unwrap_or_default();
    let late = names.iter().find(|name| {
        inside.contains(name) && ![&own, &proven, &refs].iter().any(|it| it.contains(name))
    });
    if let Some(name) = late {
        return Err(LayoutError::new(
            "only_if",
            format!(
                "`{{{name}}}` is captured in a file and not of its path: what must be there is asked before a file is read"
            ),
        ));
    }
    let shared = [own, proven].map(|known| {
        let both = names
            .iter()
            .filter(|name| known.contains(name) || refs.contains(name));
        both.cloned().collect()
    });
    Ok(Some(Condition { path, shared }))
}

fn subject(text: &str) -> Result<Subject, LayoutError> {
    match text {
        "image" => Ok(Subject::Image),
        "chart" => Ok(Subject::Chart),
        "git" => Ok(Subject::Git),
        "setting" => Ok(Subject::Setting),
        other => Err(LayoutError::new(
            "version_of",
            format!("`{other}` is none of `image`, `chart`, `git`, `setting`"),
        )),
    }
}

/// What `carry` calls the comment behind a version.
const TRAILING_COMMENT: &str = "trailing-comment";

/// A text of the version's file that is carried along, by a regular expression.
fn carried(text: &str, spellings: &[&str]) -> Result<Level, LayoutError> {
    let place = AlsoSpec {
        regex: Some(text.to_owned()),
        ..AlsoSpec::default()
    };
    also_level("carry.", &place, spellings).map_err(|error| {
        LayoutError::new(
            "carry",
            format!("neither `{TRAILING_COMMENT}` nor a regular expression: {error}"),
        )
    })
}

fn name_template(
    key: &str,
    text: Option<&str>,
    default: &str,
    known: &[Arc<str>],
) -> Result<Template, LayoutError> {
    let written = text.map_or_else(|| format!("{{{default}}}"), str::to_owned);
    let template = Template::parse(&written)
        .map_err(|error| LayoutError::new(key, format!("`{written}`: {error}")))?;
    if let Some(name) = template
        .names()
        .find(|name| !known.iter().any(|known| **known == **name))
    {
        return Err(missing(key, name, known));
    }
    Ok(template)
}

fn missing(key: &str, name: &str, known: &[Arc<str>]) -> LayoutError {
    let mut names: Vec<String> = known.iter().map(|name| format!("`{{{name}}}`")).collect();
    names.sort();
    names.dedup();
    let captured = if names.is_empty() {
        "nothing is".to_owned()
    } else {
        format!("captured is {}", names.join(", "))
    };
    let advice = match key {
        "row" | "env_name" => {
            format!("put `{{{name}}}` into `path`, or write `{key}` with what is")
        }
        _ => "name one of these".to_owned(),
    };
    LayoutError::new(
        key,
        format!("`{{{name}}}` is not captured by the layout ({captured}): {advice}"),
    )
}
