//! Encrypted files: those of which nothing can be read, and those of SOPS, of which every value is checked.
//!
//! SOPS keeps a MAC in the file, over the values of the whole tree in order, or, with `mac_only_encrypted`, over those it
//! encrypts. Keys and comments are not part of it. Who changes a value that it covers leaves a file that nobody can decrypt.
//! Which values SOPS encrypts is told by one of four rules over the keys on the way to a value; without any, all but those
//! below a key that ends in `_unencrypted`.

use std::collections::BTreeMap;

use regex::Regex;

use super::{ManifestError, lines::number, lookup::NodeRef, parse::parse, tree::Step};
use crate::domain::unread::is_encrypted;

/// What encrypted files begin with, and by what.
const WHOLE: [(&[u8], &str); 6] = [
    (b"\0GITCRYPT\0", "git-crypt"),
    (b"$ANSIBLE_VAULT;", "Ansible Vault"),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", "age"),
    (b"age-encryption.org/", "age"),
    (b"-----BEGIN PGP MESSAGE-----", "PGP"),
    (b"\0GITSECRET", "git-secret"),
];

/// Refuses a file of which all is encrypted.
///
/// # Errors
/// Says by what.
pub fn refuse_encrypted(bytes: &[u8]) -> Result<(), ManifestError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = bytes.len() - bytes.trim_ascii_start().len();
    let begins = |mark: &[u8]| bytes.starts_with(mark) || bytes[start..].starts_with(mark);
    match WHOLE.iter().find(|(mark, _)| begins(mark)) {
        None => Ok(()),
        Some((_, by)) => Err(sealed(
            1,
            format!(
                "this file is encrypted by {by}: nothing is read from it and nothing is written into it; unlock it \
                 there, or keep versions in a plain file"
            ),
        )),
    }
}

/// Refuses a change that the MAC of a SOPS file would not fit any more.
///
/// # Errors
/// Says the line that would change, why not, and `sops edit`.
pub fn refuse_sealed(path: &str, before: &[u8], after: &[u8]) -> Result<(), ManifestError> {
    let Some(sops) = Sops::of(before) else {
        return Ok(());
    };
    let (old, new) = (values(before), values(after));
    let (Some(old), Some(new)) = (old, new) else {
        return Err(sops.refuse(path, sops.line, "what it covers cannot be told here"));
    };
    let mut changed: Vec<(u32, Result<(), &str>)> = Vec::new();
    for (place, value) in &old {
        if new.get(place).is_none_or(|new| new.text != value.text) {
            changed.push((value.line, sops.lets_change(value)));
        }
    }
    for (place, value) in &new {
        if !old.contains_key(place) {
            changed.push((value.line, sops.lets_add(value)));
        }
    }
    changed.sort_by_key(|(line, _)| *line);
    for (line, allowed) in changed {
        allowed.map_err(|why| sops.refuse(path, line, why))?;
    }
    Ok(())
}

fn sealed(line: u32, message: String) -> ManifestError {
    ManifestError {
        encrypted: true,
        ..ManifestError::at(line, message)
    }
}

/// What a SOPS file says about itself.
#[derive(Debug, Default)]
struct Sops {
    line: u32,
    mac_only_encrypted: bool,
    rules: BTreeMap<String, String>,
}

/// A value with the keys on the way to it.
#[derive(Debug)]
struct Value {
    keys: Vec<String>,
    text: String,
    line: u32,
}

impl Value {
    /// Whether it is what SOPS says about itself.
    fn is_of_sops(&self) -> bool {
        let first = self.keys.first().map_or("", String::as_str);
        first == "sops" || (self.keys.len() == 1 && first.starts_with("sops_"))
    }
}

impl Sops {
    /// The block of a file, whatever its format; `None` where it is no file of SOPS.
    fn of(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        if !text.contains("sops") {
            return None;
        }
        let tree = parse(bytes).ok().and_then(|yaml| {
            yaml.documents.iter().find_map(|document| {
                let block = document.root().get("sops")?;
                let marked = block.value.get("mac").or(block.value.get("lastmodified"));
                marked?;
                let fields = block.value.entries();
                let fields = fields.iter().filter_map(|field| {
                    let (key, text) = (field.key.text()?, field.value.text()?);
                    Some((key.to_owned(), text.to_owned()))
                });
                Some(Self::from(block.key.line(), fields.collect()))
            })
        });
        tree.or_else(|| {
            let mut first = None;
            let mut fields = BTreeMap::new();
            for value in pairs(text) {
                let field = match &value.keys[..] {
                    [key] => key.strip_prefix("sops_"),
                    [section, key] if section == "sops" => Some(key.as_str()),
                    _ => None,
                };
                if let Some(field) = field {
                    first.get_or_insert(value.line);
                    fields.insert(field.to_owned(), value.text.clone());
                }
            }
            let marked = fields.contains_key("mac") || fields.contains_key("lastmodified");
            marked.then(|| Self::from(first.unwrap_or(1), fields))
        })
    }

    fn from(line: u32, rules: BTreeMap<String, String>) -> Self {
        let only = rules.get("mac_only_encrypted");
        Self {
            line,
            mac_only_encrypted: only.is_some_and(|text| text.eq_ignore_ascii_case("true")),
            rules,
        }
    }

    fn refuse(&self, path: &str, line: u32, why: &str) -> ManifestError {
        sealed(
            line,
            format!(
                "this file is encrypted by SOPS (`sops` on line {}), and {why}: a change here would leave it \
                 undecryptable. Change it with `sops edit {path}`",
                self.line
            ),
        )
    }

    fn lets_change(&self, value: &Value) -> Result<(), &'static str> {
        if !self.mac_only_encrypted {
            return Err("its MAC covers every value, plain ones too");
        }
        if is_encrypted(&value.text) {
            return Err("this value is encrypted");
        }
        // By comments it is told as well what is encrypted; what stands there plain is not.
        let by_comment =
            self.has("encrypted_comment_regex") || self.has("unencrypted_comment_regex");
        if by_comment && !value.text.is_empty() && !value.is_of_sops() {
            return Ok(());
        }
        self.lets_add(value)
    }

    fn lets_add(&self, value: &Value) -> Result<(), &'static str> {
        if !self.mac_only_encrypted {
            return Err("its MAC covers every value, plain ones too");
        }
        if value.is_of_sops() {
            return Err("this is its own block");
        }
        match self.encrypts(&value.keys) {
            Some(false) => Ok(()),
            Some(true) => Err("its rule encrypts this value"),
            None => Err("it cannot be told whether its rule encrypts this value"),
        }
    }

    fn has(&self, rule: &str) -> bool {
        self.rule(rule).is_some()
    }

    fn rule(&self, rule: &str) -> Option<&str> {
        let text = self.rules.get(rule).map(String::as_str);
        text.filter(|text| !text.is_empty())
    }

    /// Whether SOPS encrypts a value below these keys; `None` where this cannot be told.
    fn encrypts(&self, keys: &[String]) -> Option<bool> {
        if self.has("encrypted_comment_regex") || self.has("unencrypted_comment_regex") {
            return None;
        }
        let ends = |suffix: &str| keys.iter().any(|key| key.ends_with(suffix));
        let matches = |rule: &str| {
            let regex = Regex::new(rule).ok()?;
            Some(keys.iter().any(|key| regex.is_match(key)))
        };
        if let Some(rule) = self.rule("encrypted_regex") {
            return matches(rule);
        }
        if let Some(rule) = self.rule("unencrypted_regex") {
            return matches(rule).map(|found| !found);
        }
        if let Some(suffix) = self.rule("encrypted_suffix") {
            return Some(ends(suffix));
        }
        Some(!ends(
            self.rule("unencrypted_suffix").unwrap_or("_unencrypted"),
        ))
    }
}

/// Every value of a file by its place, whatever the file's format; `None` where it has none that is known.
fn values(bytes: &[u8]) -> Option<BTreeMap<String, Value>> {
    let mut all = BTreeMap::new();
    if let Ok(yaml) = parse(bytes)
        && yaml
            .documents
            .iter()
            .all(|document| document.root().is_mapping() || document.root().is_null())
    {
        for (index, document) in yaml.documents.iter().enumerate() {
            gather(index, document.root(), &mut Vec::new(), &mut all);
        }
        return Some(all);
    }
    let text = std::str::from_utf8(bytes).ok()?;
    for value in pairs(text) {
        let mut place = value.keys.join("\0");
        while all.contains_key(&place) {
            place.push('\0');
        }
        all.insert(place, value);
    }
    (!all.is_empty()).then_some(all)
}

fn gather(
    document: usize,
    node: NodeRef<'_>,
    path: &mut Vec<Step>,
    all: &mut BTreeMap<String, Value>,
) {
    if node.is_mapping() && !node.is_alias() {
        for (key, value) in node.own_entries() {
            path.push(Step::Key(key.text().unwrap_or_default().to_owned()));
            gather(document, value, path, all);
            path.pop();
        }
    } else if node.is_sequence() && !node.is_alias() {
        for (index, item) in node.items().enumerate() {
            path.push(Step::Index(index));
            gather(document, item, path, all);
            path.pop();
        }
    } else {
        let keys = path.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key.clone()),
            Step::Index(_) => None,
        });
        let value = Value {
            keys: keys.collect(),
            text: node.text().unwrap_or_default().to_owned(),
            line: node.line(),
        };
        all.insert(format!("{document} {path:?}"), value);
    }
}

/// The values of an `.env` or `.ini` file: `KEY=value`, below `[section]` where there is one.
fn pairs(text: &str) -> Vec<Value> {
    let mut section: Option<String> = None;
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            section = Some(name.trim().to_owned());
            continue;
        }
        if let Some((key, value)) = line.split_once('=') {
            let key = key.trim().trim_start_matches("export ").trim();
            let keys = section.iter().cloned().chain([key.to_owned()]);
            found.push(Value {
                keys: keys.collect(),
                text: value.trim().to_owned(),
                line: number(at + 1),
            });
        }
    }
    found
}
