//! Ranges of versions, such as `>=1.0.0-rc.0`, `^1.2`, `~1.4 || >=2, <3`.
//!
//! The notation is that of the tools people write ranges for (Flux, Helm, npm): a space or comma means "and", `||` means
//! "or", missing parts stand for any, `x` and `*` too. Pre-releases count only where the range names one, and then
//! everywhere in that part of it: `>=1.0.0-rc.0` takes `1.2.0-rc.1`, `>=1.0.0` does not.

use semver::{Prerelease, Version};

/// A parsed range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRange {
    source: String,
    /// One of these must match.
    any: Vec<Vec<Bounds>>,
}

/// From, to, and whether each end belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Bounds {
    from: Option<(Version, bool)>,
    to: Option<(Version, bool)>,
    names_prerelease: bool,
}

impl VersionRange {
    /// Parses `source`.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what would be right.
    pub fn parse(source: &str) -> Result<Self, String> {
        let any = source
            .split("||")
            .map(|part| all(part).ok_or_else(|| wrong(source)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            source: source.to_owned(),
            any,
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether `version` is between its ends, pre-releases like every other version.
    pub fn spans(&self, version: &Version) -> bool {
        let mut any = self.any.iter();
        any.any(|all| all.iter().all(|bounds| bounds.contain(version)))
    }

    /// Whether `version` is in it.
    pub fn contains(&self, version: &Version) -> bool {
        self.any.iter().any(|all| {
            let named = all.iter().any(|bounds| bounds.names_prerelease);
            (version.pre.is_empty() || named) && all.iter().all(|bounds| bounds.contain(version))
        })
    }
}

impl Bounds {
    fn contain(&self, version: &Version) -> bool {
        // Build metadata does not order versions.
        let order = |end: &Version| version.cmp_precedence(end);
        let from = self
            .from
            .as_ref()
            .is_none_or(|(end, closed)| order(end).is_gt() || *closed && order(end).is_eq());
        let to = self
            .to
            .as_ref()
            .is_none_or(|(end, closed)| order(end).is_lt() || *closed && order(end).is_eq());
        from && to
    }
}

/// The comparators of one alternative.
fn all(text: &str) -> Option<Vec<Bounds>> {
    if let Some((from, to)) = text.split_once(" - ") {
        let lower = comparator(">=", from.trim())?;
        let upper = comparator("<=", to.trim())?;
        return Some(vec![lower, upper]);
    }
    let mut comparators = Vec::new();
    let mut pending = String::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        pending.push_str(word);
        // An operator may stand apart from its version: `>= 1.0`.
        let operator: String = pending
            .chars()
            .take_while(|c| "<>=~^!".contains(*c))
            .collect();
        if operator.len() == pending.len() {
            continue;
        }
        comparators.push(comparator(&operator, &pending[operator.len()..])?);
        pending.clear();
    }
    (!comparators.is_empty() && pending.is_empty()).then_some(comparators)
}

fn comparator(operator: &str, text: &str) -> Option<Bounds> {
    let (version, parts) = partial(text)?;
    let names_prerelease = !version.pre.is_empty();
    // Of `1.2` everything up to, but not including, the first pre-release of `1.3.0`.
    let above = |part: usize| {
        let mut next = match part {
            0 => return None,
            1 => Version::new(version.major.checked_add(1)?, 0, 0),
            2 => Version::new(version.major, version.minor.checked_add(1)?, 0),
            _ => Version::new(version.major, version.minor, version.patch.checked_add(1)?),
        };
        next.pre = Prerelease::new("0").ok()?;
        Some((next, false))
    };
    let whole = parts == 3;
    let start = Some((version.clone(), true));
    let (from, to) = match operator {
        _ if parts == 0 && matches!(operator, "" | "=" | "==" | ">=" | "<=" | "^" | "~") => {
            (None, None)
        }
        "" | "=" | "==" if whole => (start.clone(), start),
        "" | "=" | "==" => (start, above(parts)),
        ">" if whole => (Some((version.clone(), false)), None),
        ">" => (Some((above(parts)?.0, true)), None),
        ">=" => (start, None),
        "<" => (None, Some((version.clone(), false))),
        "<=" if whole => (None, start),
        "<=" => (None, above(parts)),
        "~" | "~>" => (start, above(parts.min(2))),
        "^" => {
            let breaking = if version.major > 0 || parts == 1 {
                1
            } else if version.minor > 0 || parts == 2 {
                2
            } else {
                3
            };
            (start, above(breaking))
        }
        _ => return None,
    };
    Some(Bounds {
        from,
        to,
        names_prerelease,
    })
}

/// A version with parts missing, and how many are there.
fn partial(text: &str) -> Option<(Version, usize)> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let core_end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(core_end);
    let mut numbers = [0_u64; 3];
    if core.split('.').count() > numbers.len() {
        return None;
    }
    let mut parts = 0;
    for (at, part) in core.split('.').enumerate() {
        if matches!(part, "x" | "X" | "*") {
            break;
        }
        *numbers.get_mut(at)? = part.parse().ok()?;
        parts = at + 1;
    }
    let mut version = Version::new(numbers[0], numbers[1], numbers[2]);
    let before_build = rest.split('+').next().unwrap_or_default();
    if let Some(pre) = before_build.strip_prefix('-') {
        version.pre = Prerelease::new(pre).ok()?;
        parts = 3;
    }
    Some((version, parts))
}

fn wrong(source: &str) -> String {
    format!(
        "`{source}` is not a range of versions; write `>=1.0.0`, `^1.2`, `~1.4.0`, `>=1.0 <2.0` or `1.x || 2.x`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_what_people_expect() {
        let cases = [
            (
                ">=1.0.0",
                "1.0.0 1.2.3 2.0.0",
                "0.9.9 1.0.0-rc.1 1.2.0-rc.1",
            ),
            (
                ">=1.0.0-rc.0",
                "1.0.0-rc.0 1.0.0 1.2.0-rc.1",
                "1.0.0-beta.1 0.9.0",
            ),
            (">= 1.0, < 2", "1.0.0 1.9.9", "2.0.0 0.9.0"),
            ("^1.2", "1.2.0 1.9.0", "1.1.9 2.0.0"),
            ("^0.2.3", "0.2.3 0.2.9", "0.3.0 0.2.2"),
            ("^0.0.3", "0.0.3", "0.0.4"),
            (
                "^1.2.3-rc.1",
                "1.2.3-rc.2 1.3.0-alpha.1",
                "2.0.0-rc.1 1.2.3-beta",
            ),
            ("~1.2.3", "1.2.3 1.2.9", "1.3.0"),
            ("~1", "1.0.0 1.9.0", "2.0.0"),
            ("1.x", "1.0.0 1.9.9", "2.0.0 0.9.0"),
            ("*", "0.0.1 9.9.9", "1.0.0-rc.1"),
            (">1.2", "1.3.0", "1.2.9"),
            ("<=1.2", "1.2.9", "1.3.0 1.3.0-rc.1"),
            ("=1.2.3", "1.2.3 1.2.3+build", "1.2.4"),
            ("1.0.0 - 1.4", "1.0.0 1.4.9", "1.5.0 0.9.0"),
            ("<1.0 || >=2.0.0", "0.9.0 2.1.0", "1.5.0"),
        ];
        for (range, inside, outside) in cases {
            let parsed = VersionRange::parse(range).unwrap();
            for (versions, expected) in [(inside, true), (outside, false)] {
                for version in versions.split(' ') {
                    let found = parsed.contains(&version.parse().unwrap());
                    assert_eq!(found, expected, "{range} {version}");
                }
            }
        }
        for range in [
            "", "latest", ">=", "1.2.3.4", "1.2.x.y", "!1.0", ">=1.0 ||", "1.a",
        ] {
            assert!(VersionRange::parse(range).is_err(), "{range}");
        }
    }
}
