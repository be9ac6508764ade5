//! The folders and files of a commit, to find what a path with unknown segments may mean.

use std::collections::{BTreeSet, HashMap};

use super::super::parameters::{Means, Parameters, Piece, means, pieces};

/// Paths that one template may stand for.
const RESOLVED: usize = 500;

/// Which names stand in which folder; the root is the empty path.
pub(super) struct Tree<'p> {
    children: HashMap<&'p str, BTreeSet<&'p str>>,
}

/// A path that a template stands for, and what its parameters were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) path: String,
    pub(super) environment: Option<String>,
    pub(super) cluster: Option<String>,
}

/// One segment of a path with parameters.
#[derive(Clone, Debug, Default)]
struct Segment {
    before: String,
    /// The parameter: what it means, and its value where it is known.
    parameter: Option<(Means, Option<String>)>,
    after: String,
}

impl<'p> Tree<'p> {
    pub(super) fn of(paths: &[&'p str]) -> Self {
        let mut children: HashMap<&'p str, BTreeSet<&'p str>> = HashMap::new();
        for path in paths {
            let mut rest: &'p str = path;
            loop {
                let (folder, name) = rest.rsplit_once('/').unwrap_or(("", rest));
                let known = !children.entry(folder).or_default().insert(name);
                if known || folder.is_empty() {
                    break;
                }
                rest = folder;
            }
        }
        Self { children }
    }

    /// Every folder and file that `template` may mean.
    pub(super) fn resolve(&self, template: &str, parameters: &Parameters) -> Vec<Resolved> {
        let mut found = vec![Resolved::default()];
        for segment in segments(template, parameters) {
            let mut next = Vec::new();
            for so_far in found {
                match &segment.parameter {
                    Some((means, None)) => self.children(&so_far, &segment, *means, &mut next),
                    Some((means, Some(value))) => {
                        next.push(so_far.with(&segment.text(value), *means, value));
                    }
                    None => next.push(so_far.with(&segment.before, Means::Other, "")),
                }
            }
            next.retain(|it| self.has(&it.path));
            next.truncate(RESOLVED);
            found = next;
        }
        found.retain(|it| !it.path.is_empty());
        found
    }

    /// The folders (or files) that a generator's pattern such as `apps/*/overlays/**` matches.
    pub(super) fn glob(&self, pattern: &str, files: bool) -> Vec<String> {
        let segments: Vec<&str> = pattern.split('/').filter(|it| plain(it)).collect();
        let mut found = Vec::new();
        self.globbed("", &segments, files, &mut found);
        found.sort();
        found.dedup();
        found
    }

    fn globbed(&self, at: &str, segments: &[&str], files: bool, found: &mut Vec<String>) {
        let Some((first, rest)) = segments.split_first() else {
            if !at.is_empty() && self.children.contains_key(at) != files {
                found.push(at.to_owned());
            }
            return;
        };
        if found.len() >= RESOLVED {
            return;
        }
        if *first == "**" {
            self.globbed(at, rest, files, found);
        }
        let Some(children) = self.children.get(at) else {
            return;
        };
        for child in children {
            let path = join(at, child);
            if *first == "**" {
                self.globbed(&path, segments, files, found);
            } else if wild(first, child) {
                self.globbed(&path, rest, files, found);
            }
        }
    }

    fn children(&self, at: &Resolved, segment: &Segment, means: Means, next: &mut Vec<Resolved>) {
        let Some(children) = self.children.get(at.path.as_str()) else {
            return;
        };
        for child in children {
            let inside = child
                .strip_prefix(segment.before.as_str())
                .and_then(|rest| rest.strip_suffix(segment.after.as_str()));
            if let Some(value) = inside.filter(|value| !value.is_empty()) {
                // A file only where the template says what kind of file.
                let folder = self.children.contains_key(join(&at.path, child).as_str());
                if folder || !segment.after.is_empty() {
                    next.push(at.with(child, means, value));
                }
            }
        }
    }

    fn has(&self, path: &str) -> bool {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        path.is_empty()
            || self
                .children
                .get(folder)
                .is_some_and(|names| names.contains(name))
    }
}

impl Resolved {
    fn with(&self, name: &str, means: Means, value: &str) -> Self {
        let mut next = self.clone();
        next.path = join(&self.path, name);
        match means {
            Means::Environment => next.environment = Some(value.to_owned()),
            Means::Cluster => next.cluster = Some(value.to_owned()),
            Means::Other => {}
        }
        next
    }
}

impl Segment {
    fn text(&self, value: &str) -> String {
        format!("{}{value}{}", self.before, self.after)
    }

    fn append(&mut self, text: &str) {
        if self.parameter.is_some() {
            self.after.push_str(text);
        } else {
            self.before.push_str(text);
        }
    }
}

/// A template's segments. What is known and says nothing by its name is plain text.
fn segments(template: &str, parameters: &Parameters) -> Vec<Segment> {
    let mut segments = vec![Segment::default()];
    let last = |segments: &mut Vec<Segment>| segments.pop().unwrap_or_default();
    for piece in pieces(template, parameters) {
        let (text, parameter) = match piece {
            Piece::Text(text) => (text, None),
            Piece::Parameter { name, value } => {
                let means = means(&name);
                match value {
                    Some(value) if means == Means::Other || value.contains('/') => (value, None),
                    value => (String::new(), Some((means, value))),
                }
            }
        };
        let mut current = last(&mut segments);
        if let Some((means, value)) = parameter {
            match (&current.parameter, value) {
                (None, value) => current.parameter = Some((means, value)),
                (Some(_), Some(value)) => current.append(&value),
                (Some(_), None) => {}
            }
            segments.push(current);
            continue;
        }
        for (at, part) in text.split('/').enumerate() {
            if at > 0 {
                segments.push(std::mem::take(&mut current));
            }
            current.append(part);
        }
        segments.push(current);
    }
    let mut clean: Vec<Segment> = Vec::new();
    for segment in segments {
        let empty_value = matches!(&segment.parameter, Some((_, Some(value))) if value.is_empty());
        let text = segment.text("");
        match (&segment.parameter, text.as_str()) {
            (None, "" | ".") => {}
            (Some(_), "") if empty_value => {}
            (None, "..") => {
                clean.pop();
            }
            _ => clean.push(segment),
        }
    }
    clean
}

fn plain(segment: &str) -> bool {
    !segment.is_empty() && segment != "."
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// Whether `text` matches a pattern in which `*` stands for anything.
fn wild(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len())
                .filter(|at| rest.is_char_boundary(*at))
                .any(|at| wild(after, &rest[at..]))
        }),
    }
}
