//! From a layout as it is written to one that can be matched; every mistake is said with its key.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use regex::Regex;

use super::{
    AlsoSpec, LayoutError, LayoutSpec, bindings::Bindings, locator::Locator, part::Part,
    pattern::Pattern, subject::Rule,
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
    /// A path that proves the service: it then exists in every declared environment.
    pub(crate) proof: Option<Pattern>,
    /// Places that move with the version.
    pub(crate) also: Vec<Level>,
    /// Whether a comment behind the version moves with it.
    pub(crate) carry: bool,
    /// What its versions are of, where the layout says so.
    pub(crate) subject: Option<Subject>,
    /// Index of the ref template; `None` is the ref that holds every environment.
    pub(crate) refs: Option<usize>,
    /// The repository it reads from.
    pub(crate) repository: Option<Arc<str>>,
    /// A promotion merges the upstream's branch, rather than copying the version alone.
    pub(crate) merges: bool,
    row: Template,
    env_name: Template,
    /// Columns by other spellings.
    aliases: BTreeMap<String, String>,
    lowercase: Vec<String>,
}

/// One place: files, and where in them.
#[derive(Debug)]
pub(crate) struct Level {
    /// Which files. `None` only for `also`: the file of the version itself.
    pub(crate) path: Option<Pattern>,
    /// Where in a file.
    pub(crate) finder: Finder,
    /// Which part of the scalar.
    pub(crate) part: Part,
    /// Kinds of documents; empty: all.
    pub(crate) kinds: Vec<String>,
    /// Where `{name}` stands.
    pub(crate) name: Option<Locator>,
    /// The first match only.
    pub(crate) first: bool,
    /// Values that are versions.
    pub(crate) matching: Option<Regex>,
    /// What its versions are versions of.
    pub(crate) subject: Rule,
}

/// How a version is found in a file.
#[derive(Debug)]
pub(crate) enum Finder {
    /// In the tree of a YAML or JSON file.
    Tree(Locator),
    /// In its text, as the group `v`.
    Text(Regex),
}

/// What compiling needs to know of the configuration around the layout.
pub(crate) struct Context<'a> {
    /// The declared environments.
    pub(crate) environments: &'a [EnvironmentName],
    /// Index of the `[[layouts]]` table.
    pub(crate) spec: usize,
    /// Which of its readings.
    pub(crate) variant: usize,
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
        let levels = levels(spec, &spellings, tagged)?;
        let proof = spec
            .service
            .as_deref()
            .map(|text| pattern("service", text, &spellings))
            .transpose()?;
        let also = spec
            .also
            .iter()
            .enumerate()
            .map(|(index, also)| also_level(index, also, &spellings))
            .collect::<Result<_, _>>()?;
        let mut known: Vec<Arc<str>> = refs.map(|(_, names)| names.clone()).unwrap_or_default();
        known.extend(levels.iter().flat_map(Level::names));
        if let Some(proof) = &proof {
            known.extend(proof.names());
            known.push("env".into());
        }
        let layout = Self {
            spec: context.spec,
            variant: context.variant,
            proof,
            also,
            carry: carry(spec.carry.as_deref())?,
            subject: spec.version_of.as_deref().map(subject).transpose()?,
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

impl Level {
    /// Every name it can capture.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.path.as_ref().map(Pattern::names).unwrap_or_default();
        match &self.finder {
            Finder::Tree(locator) => names.extend(locator.names()),
            Finder::Text(regex) => names.extend(
                regex
                    .capture_names()
                    .flatten()
                    .filter(|name| *name != "v")
                    .map(Into::into),
            ),
        }
        names.extend(self.part.names());
        if let Some(name) = &self.name {
            names.push("name".into());
            names.extend(name.names());
        }
        names
    }
}

/// The own place and the fall-backs of a layout.
fn levels(spec: &LayoutSpec, spellings: &[&str], tagged: bool) -> Result<Vec<Level>, LayoutError> {
    let matching = spec
        .matching
        .as_deref()
        .map(|text| regex("match", text))
        .transpose()?;
    let texts = [&spec.yaml, &spec.json, &spec.regex];
    let Some(path) = spec.path.as_deref() else {
        if tagged && texts.iter().all(|text| text.is_none()) {
            return Ok(Vec::new());
        }
        return Err(LayoutError::new(
            "path",
            "`path` is missing: the template of the files that hold versions, such as \
             `apps/{service}/overlays/{env}/kustomization.yaml`",
        ));
    };
    let own = Keys {
        at: "",
        yaml: spec.yaml.as_deref(),
        json: spec.json.as_deref(),
        regex: spec.regex.as_deref(),
        part: spec.part.as_deref(),
        kind: spec.kind.as_deref(),
    };
    if texts.iter().all(|text| text.is_none()) {
        return Err(LayoutError::new(
            "yaml",
            "the layout does not say where in the file the version stands: add `yaml = \"image.tag\"`, `json`, `regex` or a \
             `preset`",
        ));
    }
    let name = spec
        .name
        .as_deref()
        .map(|text| locator("name", text, spellings))
        .transpose()?;
    let mut levels = vec![Level {
        path: Some(pattern("path", path, spellings)?),
        name: name.clone(),
        first: spec.first,
        matching: matching.clone(),
        ..own.level(spellings)?
    }];
    for (index, fallback) in spec.fallbacks.iter().enumerate() {
        let at = format!("else[{index}].");
        let repeated =
            fallback.yaml.is_none() && fallback.json.is_none() && fallback.regex.is_none();
        let keys = Keys {
            at: &at,
            yaml: fallback.yaml.as_deref(),
            json: fallback.json.as_deref(),
            regex: fallback.regex.as_deref(),
            part: fallback.part.as_deref(),
            kind: fallback.kind.as_deref(),
        };
        let keys = if repeated {
            Keys {
                part: keys.part.or(own.part),
                kind: keys.kind.or(own.kind),
                at: &at,
                ..own
            }
        } else {
            keys
        };
        levels.push(Level {
            path: Some(pattern(&format!("{at}path"), &fallback.path, spellings)?),
            name: name.clone().filter(|_| repeated),
            first: spec.first,
            matching: matching.clone(),
            ..keys.level(spellings)?
        });
    }
    for level in &mut levels {
        level.subject = Rule::of(level);
    }
    Ok(levels)
}

fn also_level(index: usize, also: &AlsoSpec, spellings: &[&str]) -> Result<Level, LayoutError> {
    let at = format!("also[{index}].");
    let keys = Keys {
        at: &at,
        yaml: also.yaml.as_deref(),
        json: also.json.as_deref(),
        regex: also.regex.as_deref(),
        part: also.part.as_deref(),
        kind: None,
    };
    let path = also
        .path
        .as_deref()
        .map(|text| pattern(&format!("{at}path"), text, spellings))
        .transpose()?;
    Ok(Level {
        path,
        ..keys.level(spellings)?
    })
}

/// The keys that say where in a file something stands.
struct Keys<'a> {
    at: &'a str,
    yaml: Option<&'a str>,
    json: Option<&'a str>,
    regex: Option<&'a str>,
    part: Option<&'a str>,
    kind: Option<&'a str>,
}

impl Keys<'_> {
    fn level(&self, spellings: &[&str]) -> Result<Level, LayoutError> {
        let key = |name: &str| format!("{}{name}", self.at);
        let finder = match (self.yaml, self.json, self.regex) {
            (Some(text), None, None) => Finder::Tree(locator(&key("yaml"), text, spellings)?),
            (None, Some(text), None) => Finder::Tree(locator(&key("json"), text, spellings)?),
            (None, None, Some(text)) => {
                let compiled = regex(&key("regex"), text)?;
                if !compiled.capture_names().flatten().any(|name| name == "v") {
                    return Err(LayoutError::new(
                        key("regex"),
                        format!("`{text}` has no group `v`; put `(?<v>…)` around the version"),
                    ));
                }
                Finder::Text(compiled)
            }
            (None, None, None) => {
                return Err(LayoutError::new(
                    key("yaml"),
                    "it does not say where in the file: add `yaml`, `json` or `regex`",
                ));
            }
            _ => {
                return Err(LayoutError::new(
                    key("yaml"),
                    "only one of `yaml`, `json` and `regex` can say where the version stands",
                ));
            }
        };
        let part = self.part.map(Part::compile).transpose();
        Ok(Level {
            path: None,
            finder,
            part: part
                .map_err(|message| LayoutError::new(key("part"), message))?
                .unwrap_or_default(),
            kinds: self
                .kind
                .map(|kinds| {
                    kinds
                        .split('|')
                        .map(|kind| kind.trim().to_owned())
                        .collect()
                })
                .unwrap_or_default(),
            name: None,
            first: false,
            matching: None,
            subject: Rule::default(),
        })
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

/// Whether a promotion is a merge: so it is between branches, unless the layout says otherwise.
fn merges(spec: &LayoutSpec) -> Result<bool, LayoutError> {
    let branches = spec
        .refs
        .as_deref()
        .is_some_and(|refs| refs.starts_with("refs/heads/"));
    match spec.promote.as_deref() {
        None => Ok(branches),
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

fn pattern(key: &str, text: &str, spellings: &[&str]) -> Result<Pattern, LayoutError> {
    if text.contains(":$envs}") && spellings.is_empty() {
        return Err(LayoutError::new(
            key,
            "`$envs` stands for the declared environments, and none are declared; add [[environments]]",
        ));
    }
    Pattern::compile(text, spellings).map_err(|message| LayoutError::new(key, message))
}

fn locator(key: &str, text: &str, spellings: &[&str]) -> Result<Locator, LayoutError> {
    Locator::compile(text, spellings).map_err(|message| LayoutError::new(key, message))
}

fn regex(key: &str, text: &str) -> Result<Regex, LayoutError> {
    Regex::new(text)
        .map_err(|error| LayoutError::new(key, format!("`{text}` does not compile: {error}")))
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

fn carry(text: Option<&str>) -> Result<bool, LayoutError> {
    match text {
        None => Ok(false),
        Some("trailing-comment") => Ok(true),
        Some(other) => Err(LayoutError::new(
            "carry",
            format!("`{other}` cannot be carried along; `trailing-comment` can"),
        )),
    }
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
