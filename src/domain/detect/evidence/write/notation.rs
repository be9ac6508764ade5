//! A layout in the configuration's notation.

use std::{collections::BTreeSet, fmt::Write, rc::Rc};

use super::{
    super::{
        Place,
        axes::Axis,
        classify::{Class, Part, SEGMENT},
        lexicon,
        scan::{self, Form, Step},
    },
    Name,
    layout::{Layout, Where},
};
use crate::domain::layout::{FallbackSpec, LayoutSpec};

/// Most alternatives that are written out.
const ALTERNATIVES: usize = 40;
impl Layout<'_> {
    fn open(&self, place: Where, written: &str) -> String {
        match self.captured(place) {
            Some(capture) => format!("{{{}}}", capture.name),
            None => written.to_owned(),
        }
    }

    fn path(&self) -> String {
        let Some((first, claim)) = self.own().next() else {
            return String::new();
        };
        let axis = self.shape.axis;
        let nested = self.nested();
        let mut segments: Vec<String> = Vec::new();
        let env = match &self.shape.declared {
            Some(declaration) => {
                let known: Vec<&str> = declaration.names.iter().map(|name| &**name).collect();
                format!("{{env:{}}}", known.join("|"))
            }
            None => "{env:$envs}".to_owned(),
        };
        let env = env.as_str();
        let beside = |tail: bool| {
            let rest = match self.captured(Where::Beside) {
                Some(capture) => {
                    // The mark is written out where it is always the same.
                    let mark = |it: &Rc<str>| {
                        if tail {
                            it.chars().last()
                        } else {
                            it.chars().next()
                        }
                    };
                    let own = capture.values.first().and_then(mark).unwrap_or('-');
                    if tail {
                        format!("{{{}}}{own}", capture.name)
                    } else {
                        format!("{own}{{{}}}", capture.name)
                    }
                }
                None => claim.environment.rest.to_string(),
            };
            if tail {
                format!("{rest}{env}")
            } else {
                format!("{env}{rest}")
            }
        };
        for (at, folder) in first.path.folders.iter().enumerate() {
            segments.push(match axis {
                _ if nested == Some(at) => continue,
                Axis::Folder(own) if own == at => env.to_owned(),
                Axis::FolderTail(own) if own == at => beside(true),
                Axis::FolderHead(own) if own == at => beside(false),
                // Others without a word beside them are of no environment.
                Axis::Bare(own) if own == at => match self.captured(Where::Folder(at)) {
                    Some(capture) => {
                        let known: BTreeSet<&str> = capture.values.iter().map(|it| &**it).collect();
                        let known: Vec<&str> = known.into_iter().collect();
                        format!("{{{}:{}}}", capture.name, known.join("|"))
                    }
                    None => folder.to_string(),
                },
                _ => {
                    let written = self.bare(first, claim, at);
                    self.echoed(at, self.open(Where::Folder(at), &written), env)
                }
            });
        }
        let stem = match axis {
            Axis::Stem => env.to_owned(),
            Axis::StemTail => beside(true),
            Axis::StemHead => beside(false),
            _ => match self.captured(Where::Stem) {
                Some(capture) => {
                    let known: BTreeSet<&str> = capture.values.iter().map(|it| &**it).collect();
                    let plain = known.iter().all(|it| {
                        it.bytes()
                            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
                    });
                    let written = known.len() <= 4
                        && plain
                        && capture.name != "service"
                        && capture.values.len() >= 3 * known.len();
                    let known: Vec<&str> = known.into_iter().collect();
                    if written {
                        format!("{{{}:{}}}", capture.name, known.join("|"))
                    } else {
                        format!("{{{}}}", capture.name)
                    }
                }
                None => self.bare(first, claim, self.shape.depth).to_string(),
            },
        };
        let stem = self.echoed(self.shape.depth, stem, env);
        segments.push(format!("{stem}{}", self.shape.ending));
        segments.join("/")
    }

    /// With the environment that a folder, or behind them the file's name, says again.
    fn echoed(&self, at: usize, rest: String, env: &str) -> String {
        let Some(echo) = self.echo(at) else {
            return rest;
        };
        let said = if echo.exact {
            env.to_owned()
        } else {
            let known: BTreeSet<&str> = self
                .own()
                .filter_map(|(place, claim)| {
                    let name = place.path.folders.get(at).unwrap_or(&place.path.stem);
                    Some(lexicon::echo(name, &claim.environment.token)?.2)
                })
                .collect();
            let known: Vec<&str> = known.into_iter().collect();
            format!("{{also:{}}}", known.join("|"))
        };
        let mark = echo.mark;
        if echo.tail {
            format!("{rest}{mark}{said}")
        } else {
            format!("{said}{mark}{rest}")
        }
    }

    fn locator(&self) -> String {
        let mut text = String::new();
        let Some((first, claim)) = self.own().next() else {
            return text;
        };
        let env = "{env:$envs}";
        let last = self.shape.keys.len().saturating_sub(1);
        for (at, name) in self.shape.keys.iter().enumerate() {
            if let Some(list) = self.shape.listed.as_deref().filter(|_| at == last) {
                let _ = write!(text, "{{{list}={env}}}");
            }
            // A list inside of a text begins right behind that.
            let dot = if text.is_empty() { "" } else { "." };
            match name {
                Name::Written(_) | Name::Open if self.shape.literal && at == last => {}
                Name::Written(key) => {
                    text.push_str(dot);
                    text.push_str(&quoted(key));
                }
                Name::Deep => {
                    text.push_str(dot);
                    text.push_str("**");
                }
                Name::Open => {
                    text.push_str(dot);
                    text.push_str(&self.alternatives(at));
                }
                Name::Inside => {
                    text.push_str(dot);
                    text.push_str("(yaml)");
                }
                Name::Environment => {
                    text.push_str(dot);
                    let rest = match self.captured(Where::Beside) {
                        Some(capture) => format!("{{{}}}", capture.name),
                        None => claim.environment.rest.to_string(),
                    };
                    let own = match self.shape.axis {
                        Axis::KeyTail(_) if rest.ends_with('}') => format!("{rest}_{env}"),
                        Axis::KeyTail(_) => format!("{rest}{env}"),
                        Axis::KeyHead(_) => format!("{env}{rest}"),
                        _ => env.to_owned(),
                    };
                    text.push_str(&own);
                }
                Name::Item => text.push_str(&self.item(at, first)),
            }
        }
        text
    }

    /// The part of a generator's literal that is the version.
    fn literal(&self) -> String {
        let last = self.shape.keys.len().saturating_sub(1);
        let key = match (self.captured(Where::Key(last)), self.shape.keys.last()) {
            (Some(capture), _) => {
                let known: BTreeSet<&Rc<str>> = capture.values.iter().collect();
                let known: Vec<String> = known.into_iter().map(|key| regex_escaped(key)).collect();
                format!("(?<{}>{})", capture.name, known.join("|"))
            }
            (None, Some(Name::Written(key))) => regex_escaped(key),
            _ => r"[\w.-]+".to_owned(),
        };
        let rest = match self.shape.part {
            Part::Tag => r"(?:[^\s]*/)?(?<image>[^\s:@/]+)[:@](?<v>.+)$".to_owned(),
            Part::Reference => {
                r"[^\s?]*?(?<repo>[^\s/?]+?)(?:\.git)?/*\?(?:[^\s]*&)?ref=(?<v>[^&\s]+)".to_owned()
            }
            Part::Segment => format!("[^\\s/]*{}", segment()),
            Part::Whole => "(?<v>.+)$".to_owned(),
        };
        format!("/^{key}={rest}/")
    }

    /// The item at this step: by what it is called, or by its place where it is always the same.
    fn item(&self, at: usize, first: &Place) -> String {
        if self.shape.axis == Axis::Item(at) {
            return "[*]{name={env:$envs}}".to_owned();
        }
        if self.is_literal(at) {
            return "[*]".to_owned();
        }
        let of_list = self.shape.listed.is_some() && at + 2 == self.shape.keys.len();
        if let Some(capture) = self.captured(Where::Item(at)) {
            return format!("[*]{{name=**/{{{}}}}}", capture.name);
        }
        let index = |place: &Place| match &place.scalar.steps[at] {
            Step::Item(_, index) => Some(*index),
            _ => None,
        };
        let same = self.own().all(|(place, _)| index(place) == index(first));
        let same = same && !of_list && at + 1 < self.shape.keys.len();
        match index(first).filter(|_| same) {
            Some(scan::LAST) => "[-1]".to_owned(),
            Some(index) => format!("[{index}]"),
            None => "[*]".to_owned(),
        }
    }

    /// What an open key takes: anything where it is the parent of what says that it is a version, else those that are known.
    fn alternatives(&self, at: usize) -> String {
        let Some(capture) = self.captured(Where::Key(at)) else {
            return "*".to_owned();
        };
        let last = at + 1 == self.shape.keys.len();
        let images = self
            .own()
            .all(|(place, _)| place.scalar.sign.class == Class::Image);
        let known: BTreeSet<&Rc<str>> = capture.values.iter().collect();
        let plain = known.iter().all(|key| {
            key.bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b':'))
        });
        if (last || !images) && known.len() <= ALTERNATIVES && plain {
            // What all of them end in is no part of a name.
            let known: Vec<&str> = known.into_iter().map(|key| &**key).collect();
            let end = common_end(&known);
            let known: Vec<&str> = known
                .iter()
                .map(|key| &key[..key.len() - end.len()])
                .collect();
            return format!("{{{}:{}}}{end}", capture.name, known.join("|"));
        }
        format!("{{{}}}", capture.name)
    }

    pub(super) fn spec(&self) -> LayoutSpec {
        let path = self.path();
        let mut spec = LayoutSpec {
            path: Some(path),
            row: Some(self.row()).filter(|row| row != "{service}"),
            first: self.shape.keys.contains(&Name::Deep),
            env_name: match self.shape.axis {
                Axis::Bare(_) => self
                    .own()
                    .next()
                    .map(|(_, claim)| claim.environment.token.to_string()),
                _ => None,
            },
            kind: self
                .shape
                .kind
                .as_deref()
                .filter(|kind| kind.bytes().all(|b| b.is_ascii_alphanumeric()))
                .map(str::to_owned),
            ..LayoutSpec::default()
        };
        match self.shape.form {
            Form::Yaml => spec.yaml = Some(self.locator()),
            Form::Json => spec.json = Some(self.locator()),
            Form::Lines => {
                let Some((place, _)) = self.own().next() else {
                    return spec;
                };
                let key = match (self.shape.keys.first(), self.captured(Where::Key(0))) {
                    (_, Some(capture)) => {
                        let known: BTreeSet<&Rc<str>> = capture.values.iter().collect();
                        let known: Vec<&str> = known.into_iter().map(|key| &**key).collect();
                        let end = common_end(&known);
                        let known: Vec<String> = known
                            .iter()
                            .map(|key| regex_escaped(&key[..key.len() - end.len()]))
                            .collect();
                        let end = regex_escaped(end);
                        format!("(?<{}>{}){end}", capture.name, known.join("|"))
                    }
                    (Some(Name::Written(key)), _) => regex_escaped(key),
                    _ => match &place.scalar.steps[..] {
                        [Step::Key(key)] => regex_escaped(key),
                        _ => String::new(),
                    },
                };
                let name = match self.shape.part {
                    Part::Tag => r#"(?:[^"'\s#,;]*/)?(?<image>[^"'\s#,;:@/]+)[:@]"#,
                    Part::Reference => {
                        r#"[^"'\s?]*?(?<repo>[^"'\s/?]+?)(?:\.git)?/*\?(?:[^"'\s]*&)?ref="#
                    }
                    Part::Segment => r#"[^"'\s,;?]*://[^"'\s,;?]*/"#,
                    Part::Whole => "",
                };
                if self.shape.part == Part::Segment {
                    spec.regex = Some(format!(
                        r#"(?m)^[ \t]*(?:export[ \t]+)?["']?{key}["']?[ \t]*[:=][ \t]*["']?{name}(?<v>{SEGMENT})(?:[/"'\s,;]|$)"#
                    ));
                    return spec;
                }
                spec.regex = Some(format!(
                    r#"(?m)^[ \t]*(?:export[ \t]+)?["']?{key}["']?[ \t]*[:=][ \t]*["']?{name}(?<v>[^"'\s#,;&]+)"#
                ));
                return spec;
            }
        }
        match self.shape.part {
            Part::Whole => {}
            Part::Tag => spec.part = Some("tag".into()),
            Part::Reference => spec.part = Some("query:ref".into()),
            Part::Segment => spec.part = Some(format!("/{}/", segment())),
        }
        if self.shape.literal {
            spec.part = Some(self.literal());
        }
        // Another version is another item: what stands in the last one is not to be lost.
        let grows = |step: &Step| matches!(step, Step::Item(_, scan::LAST));
        spec.read_only = self
            .own()
            .any(|(place, _)| place.scalar.steps.iter().any(grows));
        spec.fallbacks.extend(self.fallback(&spec));
        if let (Some(declaration), [base]) = (&self.shape.declared, &spec.fallbacks[..]) {
            let folder = base.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let slash = if folder.is_empty() { "" } else { "/" };
            spec.service = Some(format!("{folder}{slash}{}", declaration.file));
        }
        spec
    }

    /// The file that environments inherit from, which most folders have.
    fn fallback(&self, spec: &LayoutSpec) -> Option<FallbackSpec> {
        let bases: Vec<&Rc<str>> = self
            .own()
            .filter(|(_, claim)| claim.inherited)
            .map(|(place, _)| &place.path.stem)
            .collect();
        let first = bases.first()?;
        let path = spec.path.as_deref()?;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let stem = if bases.iter().all(|stem| stem == first) {
            first.to_string()
        } else {
            // Called like its folder.
            folder.rsplit('/').next()?.to_owned()
        };
        let slash = if folder.is_empty() { "" } else { "/" };
        Some(FallbackSpec {
            path: format!("{folder}{slash}{stem}{}", self.shape.ending),
            yaml: spec.yaml.clone(),
            json: spec.json.clone(),
            kind: spec.kind.clone(),
            part: spec.part.clone(),
            ..FallbackSpec::default()
        })
    }
}

/// Whether the notation can say it.
pub(super) fn is_writable(spec: &LayoutSpec) -> bool {
    let path = spec.path.as_deref().unwrap_or_default();
    let locator = spec
        .yaml
        .as_deref()
        .or(spec.json.as_deref())
        .unwrap_or_default();
    !path.contains("{{") && !path.contains(['*', '[', '%']) && !locator.starts_with('[')
}

/// The longest end, from an underscore or a dash on, that all of several names have.
fn common_end<'k>(names: &[&'k str]) -> &'k str {
    let Some(first) = names.first().filter(|_| names.len() > 1) else {
        return "";
    };
    let ends = first.match_indices(['_', '-']).filter(|(at, _)| *at > 0);
    let mut ends = ends.map(|(at, _)| &first[at..]);
    let all = |end: &&str| {
        names
            .iter()
            .all(|name| name.len() > end.len() && name.ends_with(*end))
    };
    ends.find(all).unwrap_or_default()
}

/// A key, as a locator names it.
pub(in super::super) fn quoted(key: &str) -> String {
    let plain = key
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if plain {
        key.to_owned()
    } else {
        format!("\"{key}\"")
    }
}

/// A version that is a segment of an address's path, behind its host: an address of numbers is no version.
fn segment() -> String {
    format!(r"://[^/]+/(?:.*/)?(?<v>{SEGMENT})(?:/|$)")
}

fn regex_escaped(text: &str) -> String {
    regex::escape(text)
}
