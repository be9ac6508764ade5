//! Patterns of paths, as GitHub and GitLab read those of CODEOWNERS.

/// A pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    parts: Vec<Part>,
    /// What is below a folder that it matches is matched too.
    below: bool,
}

#[derive(Clone, Debug)]
enum Part {
    /// `**`: any folders, or none.
    Folders,
    /// `**` at the end: everything below.
    Rest,
    /// One part of a path.
    One(Vec<Piece>),
}

#[derive(Clone, Debug)]
enum Piece {
    /// `*`
    Any,
    /// `?`
    One,
    /// `[a-z]`, or all but these.
    Set(Vec<(char, char)>, bool),
    Char(char),
}

impl Pattern {
    /// As gitignore has it, but `folder/*` is not about what is deeper. `None`: it says nothing.
    pub(super) fn github(text: &str) -> Option<Self> {
        let bare = text.trim_matches('/');
        let anchored = text.trim_end_matches('/').contains('/');
        let folder = text.ends_with('/');
        let mut parts = parts(bare, !anchored, folder, false)?;
        if let Some(last @ Part::Folders) = parts.last_mut() {
            *last = Part::Rest;
        }
        let below = !bare.ends_with("/*") && bare != "*";
        Some(Self { parts, below })
    }

    /// Without a `/` at its beginning it is about any folder, and about a folder's files only with one at its end.
    pub(super) fn gitlab(text: &str) -> Option<Self> {
        let bare = text.trim_matches('/');
        let mut parts = parts(bare, !text.starts_with('/'), text.ends_with('/'), true)?;
        // Without anything behind it, it is a star.
        if let Some(last @ Part::Folders) = parts.last_mut() {
            *last = Part::One(vec![Piece::Any]);
        }
        Some(Self {
            parts,
            below: false,
        })
    }

    /// Whether a path matches.
    pub(super) fn matches(&self, path: &str) -> bool {
        let path: Vec<&str> = path.split('/').collect();
        let end = path.len();
        // How many parts of the path may be behind what was matched.
        let mut at = vec![false; end + 1];
        at[0] = true;
        for part in &self.parts {
            let mut next = vec![false; end + 1];
            let first = at.iter().position(|it| *it);
            let Some(first) = first else {
                return false;
            };
            match part {
                Part::Folders => next[first..].fill(true),
                Part::Rest => next[(first + 1).min(end + 1)..].fill(true),
                Part::One(pieces) => {
                    for from in (0..end).filter(|from| at[*from]) {
                        next[from + 1] = fits(pieces, path[from]);
                    }
                }
            }
            at = next;
        }
        at[end] || self.below && at.contains(&true)
    }
}

/// The parts of a pattern; `deep`: in any folder, `folder`: what is in it, `sets`: it may have some.
fn parts(bare: &str, deep: bool, folder: bool, sets: bool) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    if deep {
        parts.push(Part::Folders);
    }
    for text in bare.split('/') {
        match text {
            "" => return None,
            "**" => {
                if !matches!(parts.last(), Some(Part::Folders)) {
                    parts.push(Part::Folders);
                }
            }
            text => parts.push(Part::One(pieces(text, sets)?)),
        }
    }
    if folder {
        if matches!(parts.last(), Some(Part::Folders)) {
            parts.pop();
        }
        parts.push(Part::Rest);
    }
    Some(parts)
}

fn pieces(text: &str, sets: bool) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' if matches!(pieces.last(), Some(Piece::Any)) => {}
            '*' => pieces.push(Piece::Any),
            '?' => pieces.push(Piece::One),
            '\\' => pieces.push(Piece::Char(chars.next()?)),
            '[' if sets => {
                let rest = chars.as_str();
                let (inside, behind) = rest.split_once(']')?;
                let but = inside.starts_with(['!', '^']);
                pieces.push(Piece::Set(
                    ranges(inside.trim_start_matches(['!', '^'])),
                    but,
                ));
                chars = behind.chars();
            }
            c => pieces.push(Piece::Char(c)),
        }
    }
    Some(pieces)
}

/// `a-z0` as ranges.
fn ranges(inside: &str) -> Vec<(char, char)> {
    let chars: Vec<char> = inside.chars().collect();
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        match chars[at..] {
            [first, '-', last, ..] => {
                ranges.push((first, last));
                at += 3;
            }
            [first, ..] => {
                ranges.push((first, first));
                at += 1;
            }
            [] => break,
        }
    }
    ranges
}

/// Whether one part of a path fits.
fn fits(pieces: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut from) = (0, 0);
    // The last star, and where what it stands for ends.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        let fits = match pieces.get(at) {
            Some(Piece::Any) => {
                star = Some((at, from));
                at += 1;
                continue;
            }
            Some(Piece::One) => true,
            Some(Piece::Char(c)) => *c == text[from],
            Some(Piece::Set(ranges, but)) => {
                let c = text[from];
                ranges.iter().any(|(a, b)| (*a..=*b).contains(&c)) != *but
            }
            None => false,
        };
        match (fits, star) {
            (true, _) => (at, from) = (at + 1, from + 1),
            (false, Some((back, until))) => {
                star = Some((back, until + 1));
                (at, from) = (back + 1, until + 1);
            }
            (false, None) => return false,
        }
    }
    pieces[at.min(pieces.len())..]
        .iter()
        .all(|piece| matches!(piece, Piece::Any))
}
