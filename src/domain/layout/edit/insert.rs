//! Writing an override where none stands: into the cell's own file, beside what is there.

use super::{
    Changes, Editor, Files, Refusal, Spot, append, companions::is_of, digests, not_parseable, place,
};
use crate::domain::{
    desired::{Desired, DesiredCell},
    ids::{CellKey, RepoPath},
    layout::{
        LayoutSet,
        bindings::Bindings,
        extract::{Place, documents},
        level::{Finder, Level},
        locator::{Locator, Step},
        lookalikes::lookalikes,
        pair::Pair,
        part::{Part, is_digest},
    },
    manifest::{self, Edit, NodeRef, ScalarType, scalar_type},
    plan::SkipCause,
    version::Version,
};

/// A cell that is not there yet, of the same shape as one of its row that declares `version`: in the file that this
/// environment has for it. `None` where there is no such file, or one file holds all environments.
pub(super) fn cell_like(
    layouts: &LayoutSet,
    desired: &Desired,
    key: &CellKey,
    version: &Version,
    files: Files<'_>,
) -> Option<DesiredCell> {
    let mut row = desired.row(&key.service);
    row.find_map(|(_, donor)| {
        let fits = is_of(donor.version.as_ref(), version) && donor.origin == layouts.origin();
        let mut readings = layouts
            .layouts
            .iter()
            .filter(|layout| layout.spec == donor.layout);
        let layout = readings.next().filter(|_| fits)?;
        let mut captures = donor.captures.clone();
        captures.set("env", layout.spelling(&key.environment));
        let path = RepoPath::from(layout.levels.first()?.path.as_ref()?.fill(&captures)?);
        if donor.files.contains(&path) || layout.cell(&captures).is_none_or(|cell| cell != *key) {
            return None;
        }
        files(&donor.origin, &path)?;
        Some(DesiredCell {
            subject: donor.subject,
            grammar: donor.grammar,
            captures,
            layout: donor.layout,
            files: vec![path],
            origin: donor.origin.clone(),
            ..DesiredCell::default()
        })
    })
}

impl Editor<'_> {
    /// Inserts the version into the first own file that has a place for it.
    pub(super) fn insert(&self, version: &Version, changes: &mut Changes) -> Result<(), Refusal> {
        let fallback = self.fallback()?;
        let mut row = self.desired.row(&self.key.service);
        if fallback.is_none() && !row.any(|(_, cell)| cell.version.is_some()) {
            self.refuse_beside_lookalike()?;
        }
        let siblings = self.donor_siblings(version);
        let pair = self.pair_for(None, version);
        let mut refusal = None;
        let mut missing = None;
        for (layout, path, own) in self.presences() {
            let Some(bytes) = self.file(&path) else {
                missing.get_or_insert(path);
                continue;
            };
            let mut bound = fallback
                .as_ref()
                .and_then(|spot| own.join(&spot.found.bindings))
                .unwrap_or(own);
            if !self.desired.cells.contains_key(self.key) {
                // A row that the file does not name yet: what names it is known from where the version comes from.
                for (name, text) in self.cell.captures.iter() {
                    let _ = bound.bind(name, text);
                }
            }
            let addition = Addition {
                level: &layout.levels[0],
                path: &path,
                bytes: &bytes,
                bound: &bound,
                fallback: fallback.as_ref(),
                siblings: &siblings,
                pair: pair.as_ref(),
                version,
            };
            match addition.make(changes) {
                Ok(()) => return Ok(()),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.unwrap_or_else(|| {
            let place = missing
                .as_ref()
                .or(self.cell.files.first())
                .map_or("its file", RepoPath::as_str);
            let reason = format!(
                "{} has no file of its own to hold a version: {place} is not there; add it first",
                self.key
            );
            (SkipCause::NotDeclared, reason)
        }))
    }
}

impl Editor<'_> {
    /// Refuses to make up a place that nothing of the row has, where the file has something that looks like the version.
    fn refuse_beside_lookalike(&self) -> Result<(), Refusal> {
        for (layout, path, _) in self.presences() {
            let Finder::Tree(locator) = &layout.levels[0].finder else {
                continue;
            };
            let bytes = self.file(&path).unwrap_or_default();
            if let Some(found) = lookalikes(&bytes).into_iter().next() {
                let reason = format!(
                    "{path}:{}: `{}` says {} and looks like the version, and `{}`, which the layout reads, stands nowhere in this \
                     row: nothing is added beside it. Write a layout with the keys of the one that is, or add the key by hand",
                    found.line,
                    found.keys,
                    found.text,
                    locator.source()
                );
                return Err((SkipCause::NotDeclared, reason));
            }
        }
        Ok(())
    }
}

struct Addition<'a> {
    level: &'a Level,
    path: &'a RepoPath,
    bytes: &'a [u8],
    bound: &'a Bindings,
    fallback: Option<&'a Spot<'a>>,
    /// The fields of the item that holds the version in another environment.
    siblings: &'a [(String, String)],
    /// The tag and digest that the place has to have.
    pair: Option<&'a Pair>,
    version: &'a Version,
}

impl Addition<'_> {
    fn make(&self, changes: &mut Changes) -> Result<(), Refusal> {
        let Finder::Tree(locator) = &self.level.finder else {
            return Err(self.nowhere(
                "a version that is found by `regex` cannot be added; write the line by hand",
            ));
        };
        let is_json = self.path.as_str().to_ascii_lowercase().ends_with(".json");
        if is_json && self.bytes.trim_ascii().is_empty() {
            let reason = format!(
                "{} is empty, which is no JSON: write `{{}}` into it first",
                self.path
            );
            return Err((SkipCause::NotParseable, reason));
        }
        let yaml = manifest::parse(self.bytes).map_err(|error| not_parseable(self.path, &error))?;
        let documents = documents(&yaml, self.level, self.bound);
        let (document, root, bound) = match documents.into_iter().next() {
            Some((object, _)) if object.is_listed() => {
                return Err(self.nowhere(
                    "it would be added to an item of a list of objects; write it by hand",
                ));
            }
            Some((object, bound)) => (object.document, Some(object.root), bound),
            None if yaml.documents.is_empty() && self.level.kinds.is_empty() => {
                (0, None, self.bound.clone())
            }
            None => return Err(self.nowhere("no document in it is of the layout's `kind`")),
        };
        let found = root.map(|root| locator.find(root, &bound));
        let mut found = found.into_iter().flatten();
        if let Some(template) = found.find(|found| found.node.is_template()) {
            let reason = format!(
                "{}:{}: a template's expression stands here, there is no version to set; change the value that it is filled from",
                self.path,
                template.node.line()
            );
            return Err((SkipCause::NotParseable, reason));
        }
        if let Some(inside) = locator.inside() {
            return self.inside(locator, inside, (document, root), &bound, changes);
        }
        if let Some(path) = locator.concrete(&bound) {
            let value = self.value()?;
            let typed = self.typed();
            let Some(Edit::Insert { parent, key, .. }) =
                place::own_key(document, &path, String::new())
            else {
                return Err(
                    self.nowhere("the locator ends with an item, and items are not made up")
                );
            };
            let pair = self.pair.filter(|_| matches!(self.level.part, Part::Whole));
            if let Some(pair) = pair {
                for edit in digests::insertions(document, root, &path, pair, self.version) {
                    changes.add(self.path, edit);
                }
                return Ok(());
            }
            changes.add(
                self.path,
                Edit::Insert {
                    document,
                    parent,
                    key,
                    value,
                    typed,
                },
            );
            return Ok(());
        }
        let (Some(Step::Key(key)), Some(parent)) = (locator.steps().last(), locator.parent())
        else {
            return Err(self.nowhere("the locator does not say under which key; write it by hand"));
        };
        let pairs = self.pairs(key);
        let item = root.and_then(|root| {
            let found = parent.find(root, &bound).into_iter();
            found
                .into_iter()
                .find(|item| !item.borrowed && item.node.is_mapping())
        });
        if let Some(item) = item {
            for (key, value) in pairs {
                changes.add(
                    self.path,
                    Edit::Insert {
                        document,
                        parent: item.path.clone(),
                        key,
                        value,
                        typed: false,
                    },
                );
            }
            return Ok(());
        }
        self.append(&parent, document, &bound, pairs, changes)
    }

    /// Adds the version inside the text that `locator` leads to, where `inside` means.
    fn inside(
        &self,
        locator: &Locator,
        inside: &Locator,
        (document, root): (usize, Option<NodeRef<'_>>),
        bound: &Bindings,
        changes: &mut Changes,
    ) -> Result<(), Refusal> {
        let texts = root.map(|root| locator.find(root, bound));
        let mut texts = texts.into_iter().flatten();
        let (text, another) = (texts.next(), texts.next());
        let Some(text) = text.filter(|text| text.node.text().is_some()) else {
            return Err(self.nowhere(&format!(
                "the text that the version would stand in (`{}`) is not there; add it as a literal block (`|`) by hand first",
                locator.source()
            )));
        };
        if let Some(another) = another {
            return Err(self.nowhere(&format!(
                "the version could be added to the text on line {} or on line {}; write it by hand",
                text.node.line(),
                another.node.line()
            )));
        }
        let Some(path) = inside.concrete(&text.bindings) else {
            return Err(self.nowhere("the locator does not say under which key; write it by hand"));
        };
        let pair = self.pair.filter(|_| matches!(self.level.part, Part::Whole));
        let edits = match pair {
            Some(pair) => {
                let parsed = manifest::parse(text.node.text().unwrap_or_default().as_bytes());
                let inner = parsed.as_ref().ok().and_then(|yaml| yaml.documents.first());
                let inner = inner.map(|document| document.root());
                digests::insertions(0, inner, &path, pair, self.version)
            }
            None => place::own_key(0, &path, self.value()?)
                .into_iter()
                .collect(),
        };
        for edit in edits {
            changes.add(
                self.path,
                Edit::Within {
                    document,
                    path: text.path.clone(),
                    edit: Box::new(edit),
                },
            );
        }
        Ok(())
    }

    /// Adds an item to the sequence: `- name: …` with the version.
    fn append(
        &self,
        parent: &Locator,
        document: usize,
        bound: &Bindings,
        pairs: Vec<(String, String)>,
        changes: &mut Changes,
    ) -> Result<(), Refusal> {
        let [keys @ .., Step::Each, Step::Where(field, pattern)] = parent.steps() else {
            return Err(self.nowhere("nothing in it matches the locator; write the place by hand"));
        };
        let keys: Option<Vec<&str>> = keys
            .iter()
            .map(|step| match step {
                Step::Key(key) => Some(key.as_str()),
                _ => None,
            })
            .collect();
        let (Some(keys), [field]) = (keys, field.as_slice()) else {
            return Err(self.nowhere("nothing in it matches the locator; write the place by hand"));
        };
        // The item that is inherited has the full name; without it only a name that needs none can be written.
        let name = self.inherited_field(field).or_else(|| pattern.fill(bound));
        let Some(name) = name else {
            return Err(self.nowhere(&format!(
                "no item of `{}` has the `{field}` that the layout looks for; add the item by hand",
                keys.join(".")
            )));
        };
        let mut item = vec![(field.clone(), name)];
        item.extend(pairs);
        let fields: Vec<&str> = item.iter().map(|(key, _)| key.as_str()).collect();
        let (text, place) = append::item(self.bytes, document, &keys, &fields)
            .map_err(|error| not_parseable(self.path, &error))?;
        changes.texts.insert(self.path.clone(), text);
        for (key, value) in item {
            let mut path = place.clone();
            path.push(manifest::Step::Key(key));
            changes.add(
                self.path,
                Edit::Set {
                    document,
                    path,
                    value,
                },
            );
        }
        Ok(())
    }

    /// The same field of the item that is inherited.
    fn inherited_field(&self, field: &str) -> Option<String> {
        let inherited = match self.fallback.map(|spot| &spot.found.place) {
            Some(Place::Scalar { siblings, .. }) => siblings.as_slice(),
            _ => &[],
        };
        // An image is patched by the name that the base gives it, which is the same in every overlay.
        let given = self.siblings.iter().filter(|(key, _)| key == "name");
        let mut all = inherited.iter().chain(given);
        all.find(|(key, _)| key == field)
            .map(|(_, text)| text.clone())
    }

    /// What the version becomes where it stands under `key`: a tag and a digest of Kustomize each have their own.
    fn pairs(&self, key: &str) -> Vec<(String, String)> {
        let text = self.version.as_str();
        let pairs = match text.split_once('@') {
            _ if !matches!(key, "newTag" | "digest") => vec![(key, text)],
            Some((tag, digest)) if is_digest(digest) => vec![("newTag", tag), ("digest", digest)],
            _ if is_digest(text) => vec![("digest", text)],
            _ => vec![("newTag", text)],
        };
        pairs
            .into_iter()
            .map(|(key, text)| (key.to_owned(), text.to_owned()))
            .collect()
    }

    /// The text of the new scalar: of an image string the inherited name, with the version.
    fn value(&self) -> Result<String, Refusal> {
        let version = self.version.as_str();
        if matches!(self.level.part, Part::Whole) {
            return Ok(version.to_owned());
        }
        let inherited = self.fallback.map(|spot| match &spot.found.place {
            Place::Scalar { text, .. } | Place::Text { text, .. } => text.as_str(),
        });
        inherited
            .and_then(|text| self.level.part.write(text, version))
            .ok_or_else(|| {
                self.nowhere("the version is a part of a text of which the rest is not known; write it by hand")
            })
    }

    /// Whether a flag or a count stays one: the inherited value is, and so is the new one.
    fn typed(&self) -> bool {
        let text = self.version.as_str();
        let number = !text.is_empty()
            && text.len() < 16
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'));
        let new = match scalar_type(text) {
            ScalarType::Bool => Some(ScalarType::Bool),
            ScalarType::Number if number => Some(ScalarType::Number),
            _ => None,
        };
        let inherited = self.fallback.and_then(|spot| spot.found.scalar);
        new.is_some() && new == inherited
    }

    fn nowhere(&self, why: &str) -> Refusal {
        (SkipCause::NotDeclared, format!("{}: {why}", self.path))
    }
}
