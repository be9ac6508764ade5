//! Who owns files by a CODEOWNERS file, read as the forge does that has it: GitHub and GitLab by patterns like gitignore's, each
//! in its own way, Gitea by regular expressions.

use std::collections::BTreeSet;

use regex::{Regex, RegexBuilder};

use self::pattern::Pattern;
use super::forge::ForgeKind;

mod pattern;
#[cfg(test)]
mod tests;

/// No regular expression of a file grows larger than that.
const LARGEST: usize = 1 << 20;

/// Whose rules a file is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The last rule that matches wins.
    Github,
    /// The last one of each section; sections stand beside each other.
    Gitlab,
    /// All that match.
    Gitea,
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct CodeOwners {
    reader: Reader,
    sections: Vec<Section>,
    rules: Vec<Rule>,
}

/// A section of GitLab's; what stands before the first is one without a name.
#[derive(Clone, Debug, Default)]
struct Section {
    name: String,
    /// Nobody has to approve.
    optional: bool,
    /// So many have to.
    need: u32,
}

#[derive(Clone, Debug)]
struct Rule {
    text: String,
    matcher: Matcher,
    section: usize,
    owners: Vec<String>,
}

#[derive(Clone, Debug)]
enum Matcher {
    Pattern(Pattern),
    /// What it matches is nobody's in its section.
    Exclusion(Pattern),
    Regex(Regex),
    /// All that it does not match.
    Not(Regex),
}

/// Whose a file is by one rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owned {
    /// The rule's pattern, as it is written.
    pub pattern: String,
    /// Its owners: `@alice`, `@org/team`, an address.
    pub owners: Vec<String>,
    /// So many of them have to approve, where the branch asks for its owners; 0: nobody.
    pub need: u32,
}

impl Reader {
    /// Who reads a file on this kind of forge; `None`: nobody does.
    pub fn of(kind: ForgeKind) -> Option<Self> {
        match kind {
            ForgeKind::Github => Some(Self::Github),
            ForgeKind::Gitlab => Some(Self::Gitlab),
            ForgeKind::Gitea => Some(Self::Gitea),
            ForgeKind::Azure | ForgeKind::Bitbucket => None,
        }
    }

    /// Where it looks; the first file that is there counts alone.
    pub fn places(self) -> [&'static str; 3] {
        match self {
            Self::Github => [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"],
            Self::Gitlab => ["CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"],
            Self::Gitea => ["CODEOWNERS", "docs/CODEOWNERS", ".gitea/CODEOWNERS"],
        }
    }

    /// A file that is larger is not read.
    pub fn largest(self) -> usize {
        match self {
            Self::Github => 3 << 20,
            Self::Gitlab | Self::Gitea => usize::MAX,
        }
    }
}

impl CodeOwners {
    /// Reads a file. Lines that its forge does not take are left out.
    pub fn parse(reader: Reader, text: &str) -> Self {
        let mut file = Self {
            reader,
            sections: vec![Section {
                need: 1,
                ..Section::default()
            }],
            rules: Vec::new(),
        };
        let (mut section, mut defaults) = (0, Vec::new());
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let rule = match reader {
                Reader::Github => github(line),
                Reader::Gitea => gitea(line),
                Reader::Gitlab => {
                    if let Some((heading, owners)) = heading(line) {
                        (section, defaults) = (file.open(heading), owners);
                        continue;
                    }
                    gitlab(line)
                }
            };
            file.rules.extend(rule.map(|mut rule| {
                rule.section = section;
                if rule.owners.is_empty() {
                    rule.owners.clone_from(&defaults);
                }
                rule
            }));
        }
        file
    }

    /// Sections of one name are one.
    fn open(&mut self, heading: Section) -> usize {
        let same = |known: &Section| known.name.eq_ignore_ascii_case(&heading.name);
        if let Some(at) = self.sections.iter().position(same) {
            let known = &mut self.sections[at];
            known.optional &= heading.optional;
            known.need = known.need.max(heading.need);
            return at;
        }
        self.sections.push(heading);
        self.sections.len() - 1
    }

    /// Whose a file is; nothing where it is nobody's.
    pub fn of(&self, path: &str) -> Vec<Owned> {
        let by: Vec<&Rule> = match self.reader {
            Reader::Gitea => self.rules.iter().filter(|it| it.matches(path)).collect(),
            Reader::Github | Reader::Gitlab => {
                let sections = 0..self.sections.len();
                sections.filter_map(|at| self.last(at, path)).collect()
            }
        };
        let owned = by.into_iter().map(|rule| {
            let section = &self.sections[rule.section];
            Owned {
                pattern: rule.text.clone(),
                owners: rule.owners.clone(),
                need: if section.optional { 0 } else { section.need },
            }
        });
        owned.filter(|owned| !owned.owners.is_empty()).collect()
    }

    /// The last rule of a section that a file matches, where it is not excluded there.
    fn last(&self, section: usize, path: &str) -> Option<&Rule> {
        let own = || self.rules.iter().filter(|rule| rule.section == section);
        let excludes =
            |rule: &Rule| matches!(&rule.matcher, Matcher::Exclusion(it) if it.matches(path));
        if own().any(excludes) {
            return None;
        }
        own().rfind(|rule| rule.matches(path))
    }

    /// Whose files are, each rule once, in the order of its first file.
    pub fn of_all<'p>(&self, paths: impl IntoIterator<Item = &'p str>) -> Vec<Owned> {
        let mut seen = BTreeSet::new();
        let all = paths.into_iter().flat_map(|path| self.of(path));
        all.filter(|owned| seen.insert(owned.clone())).collect()
    }
}

impl Rule {
    fn new(text: &str, matcher: Matcher, owners: Vec<String>) -> Self {
        Self {
            text: text.to_owned(),
            matcher,
            section: 0,
            owners,
        }
    }

    fn matches(&self, path: &str) -> bool {
        match &self.matcher {
            Matcher::Pattern(pattern) => pattern.matches(path),
            Matcher::Exclusion(_) => false,
            Matcher::Regex(regex) => regex.is_match(path),
            Matcher::Not(regex) => !regex.is_match(path),
        }
    }
}

impl Owned {
    /// Who has to approve, in a sentence: `apps/** is owned by @org/web: one of @org/web has to approve`.
    pub fn sentence(&self) -> String {
        let names: Vec<&str> = self.owners.iter().map(String::as_str).collect();
        let all = names.join(", ");
        let either = match names.as_slice() {
            [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
            _ => all.clone(),
        };
        let who = match self.need {
            0 => format!("{either} may approve"),
            1 => format!("{either} has to approve"),
            need => format!("{need} of {either} have to approve"),
        };
        format!("{} is owned by {all}: {who}", self.pattern)
    }
}

/// The pattern of a line, with what stands behind it; a space in it stands behind a backslash.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        if c.is_whitespace() && !escaped {
            return (&line[..at], &line[at..]);
        }
        escaped = c == '\\' && !escaped;
    }
    (line, "")
}

fn is_owner(word: &str) -> bool {
    let name = word.strip_prefix('@');
    match name {
        Some(name) => !name.is_empty(),
        None => word
            .split_once('@')
            .is_some_and(|(a, b)| !a.is_empty() && !b.is_empty()),
    }
}

/// A rule of GitHub's; a comment may stand behind it. A line with what GitHub does not take is none.
fn github(line: &str) -> Option<Rule> {
    let (text, rest) = split(line);
    let words = rest.split_whitespace();
    let owners: Vec<String> = words
        .take_while(|word| !word.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let refused = text.starts_with(['!', '\\']) || text.contains(['[', ']']);
    if refused || !owners.iter().all(|it| is_owner(it)) {
        return None;
    }
    let pattern = Pattern::github(text)?;
    Some(Rule::new(text, Matcher::Pattern(pattern), owners))
}

/// A rule of GitLab's. There are no comments behind it: whoever is named there is an owner too.
fn gitlab(line: &str) -> Option<Rule> {
    let (text, rest) = split(line);
    let owners = names(rest);
    let (bare, excludes) = match text.strip_prefix('!') {
        Some(bare) => (bare, true),
        None => (text, false),
    };
    let pattern = Pattern::gitlab(bare)?;
    let matcher = if excludes {
        Matcher::Exclusion(pattern)
    } else {
        Matcher::Pattern(pattern)
    };
    Some(Rule::new(text, matcher, owners))
}

fn names(words: &str) -> Vec<String> {
    let words = words.split_whitespace().filter(|word| is_owner(word));
    words.map(str::to_owned).collect()
}

/// `^[Name][2] @owner`: a section, and who owns what a rule of it names nobody for.
fn heading(line: &str) -> Option<(Section, Vec<String>)> {
    let (rest, optional) = match line.strip_prefix('^') {
        Some(rest) => (rest, true),
        None => (line, false),
    };
    let (name, rest) = rest.strip_prefix('[')?.split_once(']')?;
    let number = rest.strip_prefix('[').and_then(|it| it.split_once(']'));
    let (need, rest) = match number {
        Some((number, rest)) => (number.trim().parse().ok()?, rest),
        None => (1, rest),
    };
    // Behind it stand owners alone; else it is a pattern that begins with a set.
    let apart = rest.is_empty() || rest.starts_with(char::is_whitespace);
    let section = Section {
        name: name.trim().to_owned(),
        optional,
        need,
    };
    (apart && !section.name.is_empty()).then(|| (section, names(rest)))
}

/// A rule of Gitea's.
fn gitea(line: &str) -> Option<Rule> {
    let mut words = words(line).into_iter();
    let text = words.next()?;
    let (bare, negative) = match text.strip_prefix('!') {
        Some(bare) => (bare, true),
        None => (text.as_str(), false),
    };
    let owners: Vec<String> = words.filter(|word| is_owner(word)).collect();
    let mut regex = RegexBuilder::new(&format!("^(?:{bare})$"));
    let regex = regex.size_limit(LARGEST).build().ok()?;
    let matcher = if negative {
        Matcher::Not(regex)
    } else {
        Matcher::Regex(regex)
    };
    Some(Rule::new(&text, matcher, owners))
}

/// Words as Gitea tells them apart: `\` stands before a space, a `#` or itself that is meant, and `#` begins a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let next = chars.next_if(|next| matches!(next, '\\' | '#' | ' '));
                word.push(next.unwrap_or('\\'));
            }
            '#' => break,
            c if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}
