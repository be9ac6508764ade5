//! Files of environments beside each other that are no YAML: variables of Terraform, `.env` files, Jsonnet, lists of
//! versions. Where the versions in them differ from environment to environment, a person takes them for versions.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use regex::Regex;

use super::{shapes, words};
use crate::domain::layout::LayoutSet;

/// Files looked at, and the largest of them in bytes.
const FILES: usize = 400;
const LARGEST: usize = 64 << 10;

/// What the files are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    Terraform,
    Settings,
    Jsonnet,
    Text,
}

impl Sort {
    fn of(file: &str) -> Option<Self> {
        let kind = file.rsplit_once('.').map_or("", |(_, kind)| kind);
        Some(match kind {
            "tf" | "tfvars" | "hcl" => Self::Terraform,
            "env" | "properties" | "ini" | "cfg" | "conf" | "toml" => Self::Settings,
            "jsonnet" | "libsonnet" | "cue" => Self::Jsonnet,
            "txt" | "version" | "versions" => Self::Text,
            _ => return None,
        })
    }
}

/// The same file of several environments, in which versions differ.
pub(super) struct Siblings {
    pub(super) sort: Sort,
    /// How many files.
    pub(super) files: usize,
    /// The first of them, `path:line`.
    pub(super) first: String,
}

/// Anything of three numbers, and digests.
static VERSION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:^|[^\w.])(v?\d+\.\d+\.\d+[\w.+-]*|sha256:[0-9a-f]{64})").ok());

/// A file with the line of the first version in it, and all of them.
type Read<'p> = (&'p str, usize, BTreeSet<String>);

/// What `layouts` leave unread of such files.
pub(super) fn siblings<B: AsRef<[u8]>>(
    paths: &[&str],
    read: &dyn Fn(&str) -> Option<B>,
    layouts: &LayoutSet,
) -> Vec<Siblings> {
    let mut groups: BTreeMap<(Sort, String), Vec<Read<'_>>> = BTreeMap::new();
    let mut looked = 0;
    for path in paths {
        let Some((sort, shape)) = shape(path) else {
            continue;
        };
        if looked == FILES || layouts.wants(path) {
            continue;
        }
        looked += 1;
        let Some(bytes) = read(path).filter(|bytes| bytes.as_ref().len() <= LARGEST) else {
            continue;
        };
        if let Some((line, versions)) = versions(&String::from_utf8_lossy(bytes.as_ref())) {
            let group = groups.entry((sort, shape)).or_default();
            group.push((path, line, versions));
        }
    }
    let told = groups.into_iter().filter_map(|((sort, _), files)| {
        let (path, line, versions) = files.first()?;
        let differ = files.iter().any(|(_, _, others)| others != versions);
        differ.then(|| Siblings {
            sort,
            files: files.len(),
            first: format!("{path}:{line}"),
        })
    });
    told.collect()
}

/// The path with `{env}` for an environment's usual name in it, of a file that could hold versions.
fn shape(path: &str) -> Option<(Sort, String)> {
    let mut parts: Vec<&str> = path.split('/').collect();
    let file = parts.pop()?;
    let sort = Sort::of(file)?;
    if parts.iter().any(|folder| shapes::is_passed_over(folder)) {
        return None;
    }
    let is_one = |name: &str| words::known(name).is_some();
    if let Some(at) = parts.iter().rposition(|folder| is_one(folder)) {
        parts[at] = "{env}";
        parts.push(file);
        return Some((sort, parts.join("/")));
    }
    let (stem, kind) = file.rsplit_once('.')?;
    let shape = format!("{}/{{env}}.{kind}", parts.join("/"));
    is_one(stem).then_some((sort, shape))
}

fn versions(text: &str) -> Option<(usize, BTreeSet<String>)> {
    let regex = VERSION.as_ref()?;
    let mut first = None;
    let mut all = BTreeSet::new();
    for (at, line) in text.lines().enumerate() {
        for found in regex.captures_iter(line).filter_map(|it| it.get(1)) {
            first.get_or_insert(at + 1);
            all.insert(found.as_str().to_owned());
        }
    }
    Some((first?, all))
}
