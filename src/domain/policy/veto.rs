//! Vetoes: versions that must not go anywhere, marked in a file of the repository.
//!
//! ```toml
//! [[veto]]
//! service = "checkout"          # a name, or a pattern: * and ? stand for any
//! version = "1.42.0"
//! reason = "loses carts"
//! by = "Ada Example <ada@example.com>"
//! at = 2026-03-01T09:00:00Z
//! ```

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{
    age, glob,
    ids::{RepoPath, ServiceName},
    problem::Problem,
    text::sanitise,
    version::Version,
};

/// Where vetoes are, unless the configuration says otherwise.
pub const FILE: &str = "vetoes.toml";

/// A version that must not go anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Veto {
    /// Of which services: a name, or a pattern.
    pub service: String,
    /// The version, its tag or its digest.
    pub version: Version,
    /// Why, in one line that is safe to print.
    pub reason: String,
    /// Who said so, likewise.
    pub by: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
    /// The file.
    pub path: RepoPath,
    /// Where it begins there, from 1.
    pub line: u32,
}

/// All of them, and what of them could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vetoes {
    /// Those that were read.
    pub list: Vec<Veto>,
    /// Files that could not be: they may veto anything.
    pub unread: Vec<Arc<Problem>>,
}

/// A veto to write, or to lift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VetoChange {
    /// Of which service: a name, or a pattern.
    pub service: String,
    /// The version.
    pub version: Version,
    /// What is done.
    pub action: VetoAction,
}

/// What is done with a veto.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VetoAction {
    /// It is written.
    Add {
        /// Why.
        reason: String,
        /// Who says so.
        by: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// It is taken out.
    Lift,
}

impl Vetoes {
    /// What a file says; what cannot be read of it is told with its line, and may veto anything.
    pub fn read(path: &RepoPath, bytes: &[u8]) -> Self {
        match parse(path, bytes) {
            Ok(list) => Self {
                list,
                unread: Vec::new(),
            },
            Err(problem) => Self {
                list: Vec::new(),
                unread: vec![Arc::new(problem)],
            },
        }
    }

    /// Takes what another ref has. One that stands in both is one.
    pub fn join(&mut self, other: Self) {
        for veto in other.list {
            let is_same = |known: &Veto| known.is_of_same(&veto.service, &veto.version);
            if !self.list.iter().any(is_same) {
                self.list.push(veto);
            }
        }
        for problem in other.unread {
            if !self.unread.contains(&problem) {
                self.unread.push(problem);
            }
        }
    }

    /// Whether the very veto that is to be written or lifted is there.
    pub fn has(&self, change: &VetoChange) -> bool {
        let mut list = self.list.iter();
        list.any(|veto| veto.is_of_same(&change.service, &change.version))
    }

    /// The veto that a version of a service is under.
    pub fn of(&self, service: &ServiceName, version: &Version) -> Option<&Veto> {
        let mut list = self.list.iter();
        list.find(|veto| {
            glob::is_match(&veto.service, service.as_str()) && veto.is_of_version(version)
        })
    }
}

impl Veto {
    /// A tag stands for the build that it names with or without its digest, and so does a digest.
    fn is_of_version(&self, version: &Version) -> bool {
        let (own, other) = (self.version.as_str(), version.as_str());
        let parts = other.split_once('@');
        own == other || parts.is_some_and(|(tag, digest)| own == tag || own == digest)
    }

    fn is_of_same(&self, service: &str, version: &Version) -> bool {
        self.service == service && self.version == *version
    }

    /// `loses carts (Ada Example, 2h ago; vetoes.toml:3)`
    pub fn told(&self, now: Timestamp) -> String {
        let by = self.by.as_deref().map(|by| {
            let name = by.split_once('<').map_or(by, |(name, _)| name);
            name.trim().to_owned()
        });
        let at = self.at.map(|at| format!("{} ago", age::between(at, now)));
        let said: Vec<String> = by.into_iter().chain(at).collect();
        let said = if said.is_empty() {
            String::new()
        } else {
            format!("{}; ", said.join(", "))
        };
        format!("{} ({said}{}:{})", self.reason, self.path, self.line)
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    veto: Vec<toml::Spanned<WrittenVeto>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenVeto {
    service: String,
    version: toml::Spanned<String>,
    reason: String,
    by: Option<String>,
    at: Option<toml::Spanned<toml::Value>>,
}

fn parse(path: &RepoPath, bytes: &[u8]) -> Result<Vec<Veto>, Problem> {
    let problem = |line: Option<u32>, why: String| Problem {
        path: Some(path.clone()),
        line,
        message: format!(
            "{why}; mend it: until then it is not known which versions are vetoed (each [[veto]] has service, version and reason)"
        ),
        context: None,
        hides: None,
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|_| problem(None, "the vetoes are not UTF-8".to_owned()))?;
    let line_of = |at: usize| {
        let before = text.get(..at).unwrap_or(text);
        u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX)
    };
    let written: Written = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| line_of(span.start));
        problem(
            line,
            format!("the vetoes cannot be read: {}", error.message()),
        )
    })?;
    let lines = starts(text);
    let vetoes = written.veto.into_iter().enumerate().map(|(index, veto)| {
        let line = lines.get(index).map(|at| line_of(*at));
        let line = line.unwrap_or_else(|| line_of(veto.span().start));
        let veto = veto.into_inner();
        let version = veto.version.into_inner();
        let empty = [
            ("service", &veto.service),
            ("version", &version),
            ("reason", &veto.reason),
        ];
        if let Some((key, _)) = empty.iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(problem(
                Some(line),
                format!("this veto has an empty `{key}`"),
            ));
        }
        let at = veto.at.map(|at| {
            let text = match at.get_ref() {
                toml::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            text.parse().map_err(|_| {
                let why = format!("`at = {text}` is no point in time such as 2026-03-01T09:00:00Z");
                problem(Some(line_of(at.span().start)), why)
            })
        });
        Ok(Veto {
            service: veto.service,
            version: version.into(),
            reason: sanitise(&veto.reason).into_owned(),
            by: veto.by.map(|by| sanitise(&by).into_owned()),
            at: at.transpose()?,
            path: path.clone(),
            line,
        })
    });
    vetoes.collect()
}

/// Where each `[[veto]]` begins.
fn starts(text: &str) -> Vec<usize> {
    let mut at = 0;
    let mut starts = Vec::new();
    for line in text.split_inclusive('\n') {
        if is_head(line) {
            starts.push(at);
        }
        at += line.len();
    }
    starts
}

fn is_head(line: &str) -> bool {
    let line = line.trim_start();
    let inner = line.strip_prefix("[[").map(str::trim_start);
    let after = inner.and_then(|inner| inner.strip_prefix("veto"));
    after.is_some_and(|after| after.trim_start().starts_with("]]"))
}

impl VetoChange {
    /// What it does, in one line: `veto checkout 1.42.0`.
    pub fn line(&self) -> String {
        let verb = match self.action {
            VetoAction::Add { .. } => "veto",
            VetoAction::Lift => "lift the veto of",
        };
        format!("{verb} {} {}", self.service, self.version)
    }

    /// The file after it: bytes that were there stay as they are. `None` where it is so already.
    ///
    /// # Errors
    /// Why it cannot be written: the file cannot be read, or there is nothing to lift.
    pub fn apply(&self, path: &RepoPath, before: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let vetoes = parse(path, before).map_err(|problem| problem.sentence())?;
        let is_same = |veto: &Veto| veto.is_of_same(&self.service, &self.version);
        let known = vetoes.iter().position(is_same);
        let text = std::str::from_utf8(before).map_err(|_| format!("{path} is not UTF-8"))?;
        let (after, expected) = match (&self.action, known) {
            (VetoAction::Add { .. }, Some(_)) => return Ok(None),
            (VetoAction::Add { reason, by, at }, None) => {
                let after = self.appended(text, reason, by.as_deref(), *at);
                (after, vetoes.len() + 1)
            }
            (VetoAction::Lift, None) => {
                let list: Vec<String> = vetoes
                    .iter()
                    .map(|veto| format!("{} {}", veto.service, veto.version))
                    .collect();
                let there = if list.is_empty() {
                    "no version is vetoed".to_owned()
                } else {
                    format!("vetoed are: {}", list.join(", "))
                };
                return Err(format!(
                    "{} {} is not vetoed in {path}; {there}",
                    self.service, self.version
                ));
            }
            (VetoAction::Lift, Some(index)) => {
                let after = without(text, index).ok_or_else(|| {
                    format!("{path} writes its vetoes in a form that cannot be taken out here; take it out by hand")
                })?;
                (after, vetoes.len() - 1)
            }
        };
        // What was written is read again: this one veto is different, and nothing else.
        let again = parse(path, after.as_bytes()).map_err(|problem| problem.sentence())?;
        let rest = |list: &[Veto]| -> Vec<Veto> {
            let others = list.iter().filter(|veto| !is_same(veto)).cloned();
            others.map(|veto| Veto { line: 0, ..veto }).collect()
        };
        if again.len() != expected || rest(&again) != rest(&vetoes) {
            return Err(format!(
                "{path} writes its vetoes in a form that cannot be edited here; edit it by hand"
            ));
        }
        Ok(Some(after.into_bytes()))
    }

    fn appended(&self, text: &str, reason: &str, by: Option<&str>, at: Timestamp) -> String {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut after = text.to_owned();
        if !after.is_empty() {
            if !after.ends_with('\n') {
                after.push_str(newline);
            }
            after.push_str(newline);
        }
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut lines = vec![
            "[[veto]]".to_owned(),
            format!("service = {}", quoted(&self.service)),
            format!("version = {}", quoted(self.version.as_str())),
            format!("reason = {}", quoted(reason)),
        ];
        lines.extend(by.map(|by| format!("by = {}", quoted(by))));
        lines.push(format!("at = {}", at.strftime("%Y-%m-%dT%H:%M:%SZ")));
        for line in lines {
            after.push_str(&line);
            after.push_str(newline);
        }
        after
    }
}

/// The text without one `[[veto]]`, and the blank line before it.
fn without(text: &str, index: usize) -> Option<String> {
    let starts = starts(text);
    let start = *starts.get(index)?;
    let behind = text.get(start..)?;
    let mut end = start;
    for (count, line) in behind.split_inclusive('\n').enumerate() {
        // Comments above the next one belong to that.
        if count > 0 && line.trim_start().starts_with(['[', '#']) {
            break;
        }
        end += line.len();
    }
    let (before, after) = (text.get(..start)?, text.get(end..)?);
    // The blank line between two belongs to the one that goes.
    let is_last = after.trim().is_empty();
    let before = if is_last {
        before.trim_end_matches(['\n', '\r'])
    } else {
        before
    };
    let newline = match (is_last && !before.is_empty(), text.contains("\r\n")) {
        (true, true) => "\r\n",
        (true, false) => "\n",
        (false, _) => "",
    };
    Some(format!(
        "{before}{newline}{}",
        if is_last { "" } else { after }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> RepoPath {
        "vetoes.toml".into()
    }

    fn add(service: &str, version: &str) -> VetoChange {
        VetoChange {
            service: service.to_owned(),
            version: version.into(),
            action: VetoAction::Add {
                reason: "loses \"carts\"".to_owned(),
                by: Some("Ada <ada@example.com>".to_owned()),
                at: "2026-03-01T09:00:00Z".parse().unwrap(),
            },
        }
    }

    fn lift(service: &str, version: &str) -> VetoChange {
        VetoChange {
            action: VetoAction::Lift,
            ..add(service, version)
        }
    }

    #[test]
    fn what_is_written_is_read_and_taken_out_again() {
        let texts = [
            "",
            "# why: see the handbook\n",
            "# no line break at the end",
            "[[veto]]\r\nservice = \"web\"\r\nversion = \"1.0.0\"\r\nreason = \"old\"\r\n",
            "[[veto]]\nservice = \"web\" # the shop\nversion = \"1.0.0\"\nreason = '''\nlong\n'''\n\n# next\n[[veto]]\nservice = \"*\"\nversion = \"2\"\nreason = \"r\"\n",
        ];
        for before in texts {
            let change = add("cart", "1.42.0");
            let after = change.apply(&path(), before.as_bytes()).unwrap().unwrap();
            assert!(after.starts_with(before.as_bytes()), "{before}");
            let read = Vetoes::read(&path(), &after);
            assert!(read.unread.is_empty(), "{read:?}");
            let veto = read.of(&"cart".into(), &"1.42.0".into()).unwrap();
            assert_eq!(veto.reason, "loses \"carts\"");
            let text = String::from_utf8(after.clone()).unwrap();
            let line = text.lines().nth(veto.line as usize - 1);
            assert_eq!(line, Some("[[veto]]"), "{text}");
            assert_eq!(change.apply(&path(), &after), Ok(None), "vetoed already");
            let back = lift("cart", "1.42.0").apply(&path(), &after).unwrap();
            let back = String::from_utf8(back.unwrap()).unwrap();
            assert_eq!(back.trim_end(), before.trim_end(), "{text}");
        }
    }

    #[test]
    fn one_in_the_middle_is_taken_out_alone() {
        let mut text = Vec::new();
        for version in ["1", "2", "3"] {
            text = add("web", version).apply(&path(), &text).unwrap().unwrap();
        }
        let after = lift("web", "2").apply(&path(), &text).unwrap().unwrap();
        let read = Vetoes::read(&path(), &after);
        let left: Vec<&str> = read.list.iter().map(|veto| veto.version.as_str()).collect();
        assert_eq!(left, ["1", "3"]);
        let refused = lift("web", "2").apply(&path(), &after).unwrap_err();
        assert_eq!(
            refused,
            "web 2 is not vetoed in vetoes.toml; vetoed are: web 1, web 3"
        );
    }

    #[test]
    fn which_versions_a_veto_is_of() {
        let cases = [
            ("web", "1.2.3", "web", "1.2.3", true),
            ("web", "1.2.3", "web", "1.2.3@sha256:ab", true),
            ("web", "sha256:ab", "web", "1.2.3@sha256:ab", true),
            ("web", "1.2.3@sha256:ab", "web", "1.2.3", false),
            ("web", "1.2.3", "web", "v1.2.3", false),
            ("web", "1.2.3", "webs", "1.2.3", false),
            ("shop-*", "1.2.3", "shop-cart", "1.2.3", true),
        ];
        for (service, version, other, theirs, expected) in cases {
            let text = add(service, version).apply(&path(), b"").unwrap().unwrap();
            let found = Vetoes::read(&path(), &text);
            let found = found.of(&other.into(), &theirs.into()).is_some();
            assert_eq!(found, expected, "{service} {version}: {other} {theirs}");
        }
    }

    /// A repository's words reach no terminal as more than text in one line.
    #[test]
    fn what_a_veto_says_is_safe_to_print() {
        let text = "[[veto]]\nservice = \"a\"\nversion = \"1\"\nreason = \"\"\"\\u001b[2Jfirst\nsecond\"\"\"\nby = \"x\\u0007\"\n";
        let read = Vetoes::read(&path(), text.as_bytes());
        let [veto] = &read.list[..] else {
            panic!("{read:?}");
        };
        assert_eq!(veto.reason, "first second");
        assert_eq!(veto.by.as_deref(), Some("x"));
    }

    /// What cannot be read may veto anything, and says where.
    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        let cases = [
            ("[[veto]]\nservice = 1\n", 2, "invalid type"),
            (
                "[[veto]]\nservice = \"web\"\nversion = \"1\"\n",
                1,
                "reason",
            ),
            (
                "[[veto]]\nservice = \"web\"\nversion = \" \"\nreason = \"r\"\n",
                1,
                "empty `version`",
            ),
            (
                "\n[[veto]]\nservice = \"web\"\nversion = \"1\"\nreason = \"r\"\nat = \"soon\"\n",
                6,
                "no point in time",
            ),
            ("<<<<<<< HEAD\n", 1, "cannot be read"),
        ];
        for (text, line, expected) in cases {
            let read = Vetoes::read(&path(), text.as_bytes());
            let [problem] = &read.unread[..] else {
                panic!("{text}: {read:?}");
            };
            assert_eq!(problem.line, Some(line), "{text}: {problem:?}");
            assert!(problem.message.contains(expected), "{problem:?}");
            assert!(add("a", "1").apply(&path(), text.as_bytes()).is_err());
        }
    }
}
