//! The one pattern language of layouts: `apps/{service}/values-{env:dev|prod}.yaml`.
//!
//! Paths, refs, keys and names of images are all matched by it. Text stands for itself and `*` for anything within one
//! segment. `{x}` captures within one segment, and may be empty only beside other text; `{x*}` captures several segments,
//! or none, as `**` skips them; `{x:a|b}` takes alternatives, `{x:\d\d}` a regular expression, `{env:$envs}` the declared
//! environments, `{version:semver}` a version number. A name used twice must stand for the same text.

use std::sync::Arc;

use regex::Regex;

use super::{backtrack, bindings::Bindings};

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    source: String,
    segments: Vec<Vec<Token>>,
    regex: Regex,
    /// Capturing groups of the expression and their names.
    groups: Vec<(usize, Arc<str>)>,
    /// Each segment on its own, for pruning.
    prune: Vec<Option<Regex>>,
}

/// One piece of a segment.
#[derive(Clone, Debug)]
pub(super) enum Token {
    /// This text and no other.
    Text(String),
    /// Something, captured where it has a name.
    Hole(Option<Arc<str>>, Hole),
}

/// What a hole takes.
#[derive(Clone, Debug)]
pub(super) enum Hole {
    /// Text without `/`; at least one character where it stands alone.
    Part { empty: bool },
    /// Whole segments, or none.
    Deep,
    /// What the anchored regular expression takes.
    Pattern(Regex),
}

/// A sentence that says what is wrong with a pattern and what would be right.
pub(crate) type PatternError = String;

impl Pattern {
    /// Compiles `source`; `environments` are the spellings that `$envs` stands for.
    pub(crate) fn compile(source: &str, environments: &[&str]) -> Result<Self, PatternError> {
        let segments: Vec<Vec<Token>> = split_segments(source)?
            .into_iter()
            .map(|segment| tokens(segment, source, environments))
            .collect::<Result<_, _>>()?;
        let mut whole = Expression::default();
        whole.segments(&segments);
        let compile = |text: &str| {
            Regex::new(&format!("^(?s-m:{text})$"))
                .map_err(|error| format!("`{source}` does not compile: {error}"))
        };
        let prune = segments
            .iter()
            .map(|segment| {
                let crosses = segment.iter().any(Token::crosses_segments);
                let mut alone = Expression::default();
                alone.segment(segment);
                (!crosses).then(|| compile(&alone.text)).transpose()
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            source: source.to_owned(),
            regex: compile(&whole.text)?,
            segments,
            groups: whole.groups,
            prune,
        })
    }

    /// As it was written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// How many characters of it stand for themselves.
    pub(crate) fn written_out(&self) -> usize {
        let tokens = self.segments.iter().flatten();
        let texts = tokens.map(|token| match token {
            Token::Text(text) => text.len(),
            Token::Hole(..) => 0,
        });
        texts.sum()
    }

    /// The names it captures, once each, in order.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        for (_, name) in &self.groups {
            if !names.contains(name) {
                names.push(Arc::clone(name));
            }
        }
        names
    }

    /// Matches all of `text`; what `bound` holds already must be found again. On success `bound` holds the captures too.
    pub(crate) fn match_into(&self, text: &str, bound: &mut Bindings) -> bool {
        let Some(found) = self.regex.captures(text) else {
            return false;
        };
        let before = bound.len();
        let agrees = self.groups.iter().all(|(group, name)| {
            let text = found.get(*group).map_or("", |found| found.as_str());
            bound.bind(name, text)
        });
        if agrees {
            return true;
        }
        // The expression took the longest text for each hole; where a name is used twice, another division may agree.
        bound.truncate(before);
        backtrack::matches(&self.segments, text, bound)
    }

    /// Matches all of `text`.
    pub(crate) fn matches(&self, text: &str) -> Option<Bindings> {
        let mut bound = Bindings::default();
        self.match_into(text, &mut bound).then_some(bound)
    }

    /// Whether `text` matches, whatever it captures.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Whether what `name` captures may be `text`, as far as its own hole says.
    pub(crate) fn takes(&self, name: &str, text: &str) -> bool {
        let mut tokens = self.segments.iter().flatten();
        tokens.all(|token| match token {
            Token::Hole(Some(own), Hole::Pattern(regex)) if **own == *name => regex.is_match(text),
            _ => true,
        })
    }

    /// Whether a path below `directory` can match.
    pub(crate) fn may_contain(&self, directory: &str) -> bool {
        if directory.is_empty() {
            return true;
        }
        let mut own = self.prune.iter();
        for part in directory.split('/') {
            match own.next() {
                Some(Some(segment)) if segment.is_match(part) => {}
                Some(None) => return true,
                _ => return false,
            }
        }
        own.next().is_some()
    }

    /// The text that the captures make of it; `None` where one is missing or a place is not captured.
    pub(crate) fn fill(&self, bound: &Bindings) -> Option<String> {
        let mut segments = Vec::new();
        for segment in &self.segments {
            let mut text = String::new();
            for token in segment {
                match token {
                    Token::Text(literal) => text.push_str(literal),
                    Token::Hole(name, _) => text.push_str(bound.get(name.as_ref()?)?),
                }
            }
            if !text.is_empty() {
                segments.push(text);
            }
        }
        Some(segments.join("/"))
    }
}

impl Token {
    fn crosses_segments(&self) -> bool {
        match self {
            Self::Text(_) | Self::Hole(_, Hole::Part { .. }) => false,
            Self::Hole(_, Hole::Deep) => true,
            Self::Hole(_, Hole::Pattern(pattern)) => {
                let text = pattern.as_str().replace("[^/]", "").replace("\\.", "");
                text.contains(['/', '.'])
                    || ["[^", "\\W", "\\D", "\\S", "\\P"]
                        .iter()
                        .any(|wide| text.contains(wide))
            }
        }
    }
}

/// Splits at slashes outside braces.
fn split_segments(source: &str) -> Result<Vec<&str>, PatternError> {
    if source.is_empty() {
        return Err(
            "it is empty; a path such as `apps/{service}/{env}/values.yaml` is needed".into(),
        );
    }
    let (mut depth, mut start, mut segments) = (0_usize, 0, Vec::new());
    for (at, character) in source.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '/' if depth == 0 => {
                segments.push(&source[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    segments.push(&source[start..]);
    if depth > 0 {
        return Err(format!("`{source}`: a `{{` is never closed by `}}`"));
    }
    if segments.iter().any(|segment| segment.is_empty()) {
        return Err(format!(
            "`{source}` has an empty segment; write it without a leading, trailing or double `/`"
        ));
    }
    Ok(segments)
}

fn tokens(segment: &str, source: &str, environments: &[&str]) -> Result<Vec<Token>, PatternError> {
    if segment == "**" {
        return Ok(vec![Token::Hole(None, Hole::Deep)]);
    }
    let mut tokens = Vec::new();
    let mut rest = segment;
    while let Some(at) = rest.find(['{', '*', '}']) {
        if at > 0 {
            tokens.push(Token::Text(rest[..at].to_owned()));
        }
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix('*') {
            tokens.push(Token::Hole(None, Hole::Part { empty: true }));
            rest = after;
        } else if rest.starts_with('}') {
            return Err(format!("`{source}`: a `}}` has no `{{` before it"));
        } else {
            let end = closing(rest, '{', '}')
                .ok_or_else(|| format!("`{source}`: a `{{` is never closed"))?;
            tokens.push(hole(&rest[1..end], source, environments)?);
            rest = &rest[end + 1..];
        }
    }
    if !rest.is_empty() {
        tokens.push(Token::Text(rest.to_owned()));
    }
    if let [Token::Hole(_, Hole::Part { empty })] = tokens.as_mut_slice() {
        *empty = false;
    }
    let is_open = |token: &Token| matches!(token, Token::Hole(_, Hole::Part { .. } | Hole::Deep));
    if tokens.windows(2).any(|pair| pair.iter().all(is_open)) {
        return Err(format!(
            "`{source}`: two captures stand side by side, so where one ends is not known; put text between them, or say what \
             one takes: `{{env:dev|prod}}`"
        ));
    }
    Ok(tokens)
}

/// Where the bracket that opens `text` is closed.
pub(super) fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        if character == open {
            depth += 1;
        } else if character == close {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

fn hole(inside: &str, source: &str, environments: &[&str]) -> Result<Token, PatternError> {
    let (name, pattern) = match inside.split_once(':') {
        Some((name, pattern)) => (name, Some(pattern)),
        None => (inside, None),
    };
    let (name, deep) = match name.strip_suffix('*') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let valid = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !valid {
        return Err(format!(
            "`{source}`: `{{{inside}}}` does not begin with a name; write `{{name}}`, `{{name*}}` or `{{name:a|b}}`"
        ));
    }
    let name = Some(Arc::from(name));
    match (pattern, deep) {
        (None, false) => Ok(Token::Hole(name, Hole::Part { empty: true })),
        (None, true) => Ok(Token::Hole(name, Hole::Deep)),
        (Some(_), true) => Err(format!(
            "`{source}`: `{{{inside}}}` cannot be both several segments and a pattern; drop the `*`"
        )),
        (Some(pattern), false) => {
            let text = hole_regex(pattern, environments);
            let regex = Regex::new(&format!("^(?:{text})$"))
                .map_err(|error| format!("`{source}`: `{{{inside}}}` does not compile: {error}"))?;
            Ok(Token::Hole(name, Hole::Pattern(regex)))
        }
    }
}

/// The regular expression of what stands after the colon of a hole.
fn hole_regex(pattern: &str, environments: &[&str]) -> String {
    match pattern {
        "$envs" => {
            let mut spellings: Vec<String> = environments
                .iter()
                .map(|name| regex::escape(name))
                .collect();
            // The longest first, so that `prod` leaves `prod-eu` alone.
            spellings.sort_by_key(|name| std::cmp::Reverse(name.len()));
            if spellings.is_empty() {
                "[^\\s\\S]".to_owned()
            } else {
                spellings.join("|")
            }
        }
        "semver" => {
            r"v?[0-9]+(?:\.[0-9]+){1,2}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z.-]+)?"
                .to_owned()
        }
        _ if pattern.contains(['\\', '(', ')', '[', ']', '{', '}', '+', '?', '^', '$'])
            || pattern.contains(".*") =>
        {
            pattern.to_owned()
        }
        _ => shell(pattern),
    }
}

/// Alternatives in which only `*` means something else than itself.
fn shell(pattern: &str) -> String {
    regex::escape(pattern)
        .replace("\\|", "|")
        .replace("\\*", "[^/]*")
}

/// A regular expression while it is put together.
#[derive(Default)]
struct Expression {
    text: String,
    groups: Vec<(usize, Arc<str>)>,
    /// Capturing groups opened so far, those inside of patterns too.
    opened: usize,
}

impl Expression {
    fn segments(&mut self, segments: &[Vec<Token>]) {
        for (index, segment) in segments.iter().enumerate() {
            let last = index + 1 == segments.len();
            if let [Token::Hole(name, Hole::Deep)] = segment.as_slice() {
                self.text.push_str(if last { "" } else { "(?:" });
                self.open(name.as_ref());
                self.text.push_str(if last { ".*)" } else { ".+)/)?" });
            } else {
                self.segment(segment);
                self.text.push_str(if last { "" } else { "/" });
            }
        }
    }

    fn segment(&mut self, segment: &[Token]) {
        // A version number is read from its first digit on, not from its last: `prod-1.0.0-2.0`.
        let lazy = segment.iter().any(|token| {
            matches!(token, Token::Hole(_, Hole::Pattern(pattern)) if pattern.as_str().starts_with("^(?:v?[0-9]"))
        });
        for token in segment {
            let (name, hole) = match token {
                Token::Text(literal) => {
                    self.text.push_str(&regex::escape(literal));
                    continue;
                }
                Token::Hole(name, hole) => (name, hole),
            };
            self.open(name.as_ref());
            match hole {
                Hole::Part { empty } => {
                    self.text.push_str(if *empty { "[^/]*" } else { "[^/]+" });
                    self.text.push_str(if lazy { "?" } else { "" });
                }
                Hole::Deep => self.text.push_str(".*"),
                Hole::Pattern(pattern) => {
                    let own = pattern.as_str();
                    self.text
                        .push_str(own.trim_start_matches('^').trim_end_matches('$'));
                    self.opened += pattern.captures_len() - 1;
                }
            }
            self.text.push(')');
        }
    }

    fn open(&mut self, name: Option<&Arc<str>>) {
        if let Some(name) = name {
            self.opened += 1;
            self.groups.push((self.opened, Arc::clone(name)));
            self.text.push('(');
        } else {
            self.text.push_str("(?:");
        }
    }
}

#[cfg(test)]
mod tests;
