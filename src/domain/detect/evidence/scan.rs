//! What stands in a file, read by lines and indentation, so that templates and half-valid files are read too: each scalar
//! that may be a version, with the keys above it.

mod flow;
mod lines;
mod lists;

use std::{ops::Range, rc::Rc};

use super::classify::{self, Part, Sign};
use flow::Flow;
use lines::lines;
use lists::listed;

/// One step on the way to a scalar.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Step {
    /// A key of a mapping.
    Key(Rc<str>),
    /// An item of a list; what it is called (`name`, `id`), and its index.
    Item(Option<Rc<str>>, u32),
    /// The text found so far is YAML of its own.
    Inside,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Form {
    /// YAML, or what looks like it.
    Yaml,
    /// JSON.
    Json,
    /// Anything with `key = value` or `key: value` on a line.
    Lines,
}

/// A list's key, and its items.
type Listed = (Rc<str>, Rc<[Rc<str>]>);

/// A scalar that may be a version.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    /// Counted from one.
    pub(super) line: u32,
    pub(super) steps: Vec<Step>,
    /// The kind of its document, where it has one.
    pub(super) kind: Option<Rc<str>>,
    /// `metadata.name` of its document.
    pub(super) name: Option<Rc<str>>,
    pub(super) form: Form,
    /// Whether it stands behind `KEY=` in an item of a generator's literals; the key is its last step.
    pub(super) literal: bool,
    /// The list beside it whose items are called like environments: its key, and those.
    pub(super) listed: Option<Listed>,
    pub(super) sign: Sign,
}

/// Kinds of objects that run no service: what describes, builds, or runs once.
const OTHER_KINDS: [&str; 9] = [
    "CustomResourceDefinition",
    "BuildConfig",
    "Pipeline",
    "PipelineRun",
    "Task",
    "TaskRun",
    "Job",
    "ConfigMap",
    "MachineConfig",
];
/// In place of an index: the last item of a list that grows.
pub(super) const LAST: u32 = u32::MAX;
/// Longest line that is looked at, in bytes.
const WIDEST: usize = 4000;
/// Most scalars that one file gives.
const MOST: usize = 4000;

/// The scalars of a file that may be versions, in order.
pub(super) fn scan(path: &str, text: &str) -> Vec<Scalar> {
    scan_within(path, text, 0..u32::MAX)
}

/// Those on some lines alone; the others only say what is above them.
pub(super) fn scan_within(path: &str, text: &str, within: Range<u32>) -> Vec<Scalar> {
    let file = path.rsplit('/').next().unwrap_or_default();
    match form(file, text) {
        Some(Form::Json) => {
            let mut scan = Scan::new(Form::Json, file, within);
            scan.flow(text, 1);
            scan.finished()
        }
        Some(Form::Yaml) => yaml(file, text, within),
        Some(Form::Lines) => lines(file, text, within),
        None => Vec::new(),
    }
}

fn form(file: &str, text: &str) -> Option<Form> {
    let kind = file.rsplit_once('.').map_or("", |(_, kind)| kind);
    match kind {
        "yaml" | "yml" | "gotmpl" | "tpl" | "j2" => Some(Form::Yaml),
        "json" => Some(Form::Json),
        _ if classify::is_lines(kind) => Some(Form::Lines),
        // Without an ending, what it is is told by its first line.
        _ => {
            let first = text
                .lines()
                .find(|line| !line.trim().is_empty() && !line.starts_with('#'))?;
            let yaml = first.contains(": ") || first.ends_with(':') || first == "---";
            match yaml {
                true => Some(Form::Yaml),
                false if kind.is_empty() => Some(Form::Lines),
                false => None,
            }
        }
    }
}

/// A document's `kind` and `metadata.name`.
type Object = (Option<Rc<str>>, Option<Rc<str>>);

/// A scan on its way.
struct Scan<'f> {
    form: Form,
    file: &'f str,
    found: Vec<Scalar>,
    /// Open keys and items, with their indentation.
    stack: Vec<(usize, Open)>,
    /// What items are called, and how many each list has.
    labels: Vec<Option<Rc<str>>>,
    items: Vec<(usize, Vec<Raw>)>,
    /// Texts of lists that are called like environments: the document, the way to the list, and the text.
    lists: Vec<(usize, Vec<Raw>, Rc<str>)>,
    document: usize,
    within: Range<u32>,
    kinds: Vec<Object>,
}

#[derive(Clone, Debug)]
enum Open {
    Key(Rc<str>),
    /// The item's number among all of the file, and its index in its list.
    Item(usize, u32),
    Inside,
}

/// What is open while labels are not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Raw {
    Key(Rc<str>),
    Item(usize, u32),
    Inside,
}

impl<'f> Scan<'f> {
    fn new(form: Form, file: &'f str, within: Range<u32>) -> Self {
        Self {
            form,
            file,
            found: Vec::new(),
            stack: Vec::new(),
            labels: Vec::new(),
            items: Vec::new(),
            lists: Vec::new(),
            document: 0,
            within,
            kinds: vec![(None, None)],
        }
    }

    fn document(&mut self) {
        self.stack.clear();
        self.document += 1;
        self.kinds.push((None, None));
    }

    fn item(&mut self, indent: usize) {
        let index = match self.stack.last() {
            Some((at, Open::Item(_, index))) if *at == indent => {
                let next = index + 1;
                self.stack.pop();
                next
            }
            _ => 0,
        };
        self.labels.push(None);
        self.stack
            .push((indent, Open::Item(self.labels.len() - 1, index)));
    }

    /// A scalar under what is open now.
    fn scalar(&mut self, value: &str, line: u32) {
        if value.is_empty() || self.found.len() >= MOST {
            return;
        }
        let key = self.stack.iter().rev().find_map(|(_, open)| match open {
            Open::Key(key) => Some(Rc::clone(key)),
            _ => None,
        });
        let key = key.unwrap_or_else(|| "".into());
        if let [.., (_, Open::Item(item, _)), (_, Open::Key(key))] = self.stack.as_slice()
            && &**key == "name"
            && value.len() < 120
        {
            self.labels[*item] = Some(value.into());
        }
        match self.stack.as_slice() {
            [(_, Open::Key(key))] if &**key == "kind" => {
                self.kinds[self.document].0 = Some(value.into());
            }
            [(_, Open::Key(above)), (_, Open::Key(key))]
                if &**above == "metadata" && &**key == "name" =>
            {
                self.kinds[self.document].1 = Some(value.into());
            }
            _ => {}
        }
        if let Some((_, Open::Item(item, _))) = self.stack.last()
            && value.len() < 120
        {
            self.labels[*item] = Some(value.into());
        }
        self.list_item(value);
        if !self.within.contains(&line) {
            return;
        }
        let above = self.stack.iter().rev().filter_map(|(_, open)| match open {
            Open::Key(key) => Some(&**key),
            _ => None,
        });
        let above: Vec<&str> = above.skip(1).take(3).collect();
        let sign = classify::sign(self.file, &above, &key, value);
        // What a patch in a text puts anywhere is a version only as an image.
        let patch = &*key == "value"
            && self
                .stack
                .iter()
                .any(|(_, open)| matches!(open, Open::Inside));
        if let Some(sign) = sign.filter(|it| !patch || it.part != Part::Whole) {
            self.items.push((self.document, raw(&self.stack)));
            self.found.push(Scalar {
                line,
                steps: Vec::new(),
                kind: None,
                name: None,
                form: self.form,
                literal: false,
                listed: None,
                sign,
            });
        }
    }

    /// A generator's literal, `KEY=value`.
    fn literal(&mut self, text: &str, line: u32) -> bool {
        let above = self.stack.iter().rev().nth(1);
        let literals = matches!(above, Some((_, Open::Key(key))) if &**key == "literals");
        let Some((key, value)) = text.split_once('=').filter(|_| literals) else {
            return false;
        };
        if !classify::is_key(key) {
            return false;
        }
        if let Some((_, Open::Item(item, _))) = self.stack.last() {
            self.labels[*item] = Some(key.into());
        }
        let known = self.found.len();
        self.stack.push((usize::MAX, Open::Key(key.into())));
        self.scalar(value, line);
        self.stack.pop();
        for scalar in &mut self.found[known..] {
            scalar.literal = true;
        }
        true
    }

    fn finished(self) -> Vec<Scalar> {
        let Self {
            mut found,
            labels,
            items,
            kinds,
            lists,
            ..
        } = self;
        for (scalar, (document, steps)) in found.iter_mut().zip(items) {
            scalar.listed = listed(&lists, document, &steps);
            scalar.steps = steps
                .into_iter()
                .map(|step| match step {
                    Raw::Key(key) => Step::Key(key),
                    Raw::Item(item, index) => Step::Item(labels[item].clone(), index),
                    Raw::Inside => Step::Inside,
                })
                .collect();
            (scalar.kind, scalar.name) = kinds[document].clone();
        }
        found.retain(|scalar| {
            !scalar
                .kind
                .as_deref()
                .is_some_and(|kind| OTHER_KINDS.contains(&kind))
        });
        found
    }

    /// What is in `{…}` or `[…]`: JSON, and YAML's flow style.
    fn flow(&mut self, text: &str, line: u32) {
        let mut flow = Flow {
            bytes: text.as_bytes(),
            text,
            at: 0,
            line,
        };
        let depth = self.stack.len();
        flow.value(self, 0);
        self.stack.truncate(depth);
    }
}

fn raw(stack: &[(usize, Open)]) -> Vec<Raw> {
    let each = stack.iter().map(|(_, open)| match open {
        Open::Key(key) => Raw::Key(Rc::clone(key)),
        Open::Item(item, index) => Raw::Item(*item, *index),
        Open::Inside => Raw::Inside,
    });
    each.collect()
}

fn yaml(file: &str, text: &str, within: Range<u32>) -> Vec<Scalar> {
    let last = within.end;
    let mut scan = Scan::new(Form::Yaml, file, within);
    // Inside a text of several lines: the indentation of its key, and whether it is read too.
    let mut block: Option<(usize, bool)> = None;
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        if number > last {
            break;
        }
        let line = line.trim_end();
        let content = line.trim_start_matches(' ');
        if content.is_empty() || line.len() > WIDEST {
            continue;
        }
        let indent = line.len() - content.len();
        if let Some((above, read)) = block {
            if indent > above {
                if !read {
                    continue;
                }
            } else {
                block = None;
            }
        }
        if content.starts_with('#') || content.starts_with("{{") || content.starts_with("{%") {
            continue;
        }
        if indent == 0 && (content == "---" || content.starts_with("--- ")) {
            scan.document();
            continue;
        }
        let (mut indent, mut content) = (indent, content);
        let mut dashed = false;
        while let Some(rest) = content.strip_prefix('-')
            && (rest.is_empty() || rest.starts_with(' '))
        {
            while let Some((at, open)) = scan.stack.last() {
                let same = *at == indent && matches!(open, Open::Item(..)) && dashed;
                if *at > indent || same {
                    scan.stack.pop();
                } else {
                    break;
                }
            }
            scan.item(indent);
            dashed = true;
            let trimmed = rest.trim_start();
            indent += 1 + rest.len() - trimmed.len();
            content = trimmed;
        }
        if content.is_empty() {
            continue;
        }
        let Some((key, value)) = key_of(content) else {
            if dashed {
                let value = bare(content);
                if content.starts_with(['{', '[']) {
                    scan.flow(content, number);
                } else if !scan.literal(&value, number) {
                    scan.scalar(&value, number);
                }
            }
            continue;
        };
        while let Some((at, open)) = scan.stack.last() {
            let inside = matches!(open, Open::Inside);
            if *at >= indent && !(inside && *at == indent) {
                scan.stack.pop();
            } else {
                break;
            }
        }
        scan.stack.push((indent, Open::Key(key.into())));
        let value = untagged(value);
        if value.is_empty() || value.starts_with('#') {
            continue;
        }
        if value.starts_with(['|', '>']) {
            let reads = matches!(key, "values" | "patch") && value.starts_with('|');
            block = Some((indent, reads));
            if reads {
                scan.stack.push((indent + 1, Open::Inside));
            }
            continue;
        }
        if value.starts_with(['{', '[']) && !value.starts_with("{{") {
            scan.flow(value, number);
            continue;
        }
        scan.scalar(&bare(value), number);
    }
    scan.finished()
}

/// A key with what stands behind its colon.
fn key_of(content: &str) -> Option<(&str, &str)> {
    if let Some(quote) = content.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let end = content[1..].find(quote)? + 1;
        let rest = content[end + 1..].trim_start().strip_prefix(':')?;
        return (rest.is_empty() || rest.starts_with(' ')).then(|| (&content[1..end], rest.trim()));
    }
    let (key, rest) = match content.split_once(": ") {
        Some(found) => found,
        None => (content.strip_suffix(':')?, ""),
    };
    let plain = !key.is_empty() && key.len() < 120 && !key.contains(['{', '#', '"', '`', '<']);
    plain.then(|| (key.trim_end(), rest.trim()))
}

/// Without anchor and tag.
fn untagged(value: &str) -> &str {
    let mut value = value.trim();
    while value.starts_with(['&', '!']) {
        value = value
            .split_once(' ')
            .map_or("", |(_, rest)| rest.trim_start());
    }
    value
}

/// A scalar's text: without quotes and comment.
fn bare(value: &str) -> String {
    let value = untagged(value);
    if let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        return value[1..]
            .split(quote)
            .next()
            .unwrap_or_default()
            .to_owned();
    }
    let end = value.find(" #").unwrap_or(value.len());
    value[..end].trim_end().to_owned()
}
