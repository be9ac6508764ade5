//! What an image policy of Flux marks moves together: every tag, digest and image string of one policy.
//!
//! A marker behind a value says what belongs there, so all of them are written, whatever they say now. Where a policy
//! marks a digest too, a tag alone would leave the old image pinned, and a digest alone the old tag beside it: both are
//! refused with the form that has both.

use super::{Changes, Editor, Refusal, Spot, place};
use crate::domain::{
    layout::{level::Marker, part::is_digest},
    plan::SkipCause,
    version::Version,
};

/// Gives every marked place of a cell its part of `version`.
///
/// # Errors
/// Where a place would keep something that contradicts the version.
pub(super) fn set(
    spots: &[&Spot<'_>],
    version: &Version,
    changes: &mut Changes,
) -> Result<(), Refusal> {
    let of = |marker: Marker| {
        let mut found = spots.iter();
        found.find(|spot| spot.marker() == Some(marker)).copied()
    };
    let text = version.as_str();
    let (tag, digest) = match text.split_once('@') {
        Some((tag, digest)) => (Some(tag), Some(digest)),
        None if is_digest(text) => (None, Some(text)),
        None => (Some(text), None),
    };
    if let (Some(spot), None) = (of(Marker::Digest), digest) {
        return Err(stale(
            spot,
            &format!(
                "this digest belongs to the same image policy and would still pin the image that was there before; give \
                 both: {text}@sha256:…"
            ),
        ));
    }
    if let (Some(spot), None) = (of(Marker::Tag), tag) {
        return Err(stale(
            spot,
            &format!(
                "this tag belongs to the same image policy and would say something else than the digest; give both: \
                 TAG@{text}"
            ),
        ));
    }
    let splits = of(Marker::Digest).is_some();
    for spot in spots {
        let part = match spot.marker() {
            Some(Marker::Tag) if splits => tag,
            Some(Marker::Digest) => digest,
            _ => Some(text),
        };
        place::set(spot, &part.unwrap_or(text).into(), None, changes)?;
    }
    Ok(())
}

impl Editor<'_> {
    /// Refuses a marked tag with a digest beside it that no marker moves: it would still pin the image that was there before.
    pub(super) fn no_unmarked_digest(&self, spots: &[&Spot<'_>]) -> Result<(), Refusal> {
        for spot in spots
            .iter()
            .filter(|spot| spot.marker() == Some(Marker::Tag))
        {
            let Some(bytes) = self.file(&spot.path) else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes);
            if let Some(line) = digest_beside(&text, spot.found.line) {
                let reason = format!(
                    "{}:{line}: this digest stands beside the tag on line {} without a marker of the image policy, and would \
                     still pin the image that was there before; mark it (`…:digest`), or take it out",
                    spot.path, spot.found.line
                );
                return Err((SkipCause::Conflict, reason));
            }
        }
        Ok(())
    }
}

/// The line, from 1, of a digest in the same mapping as what stands on `line`, which no policy marks. By lines: what is
/// marked may stand in a template.
fn digest_beside(text: &str, line: u32) -> Option<u32> {
    let lines: Vec<&str> = text.lines().collect();
    let at = usize::try_from(line).ok()?.checked_sub(1)?;
    // A key behind a dash is as far in as those below it.
    let depth = |line: &str| line.find(|c: char| !matches!(c, ' ' | '-'));
    let own = depth(lines.get(at)?)?;
    let is_item = |line: &str| line.trim_start().starts_with('-');
    let inside = |line: &str| depth(line).is_none_or(|depth| depth >= own);
    let up = lines[..at]
        .iter()
        .rev()
        .take_while(|line| inside(line))
        .count();
    // An item of a list begins with its dash, and ends before the next one's.
    let first = (at - up..=at).rev().find(|at| is_item(lines[*at]));
    let first = first.unwrap_or(at - up);
    let below = lines[at + 1..].iter();
    let down =
        below.take_while(|line| inside(line) && !(is_item(line) && depth(line) == Some(own)));
    let last = at + down.count();
    let found = (first..=last).find(|index| {
        let line = lines[*index].trim_start_matches([' ', '-']);
        let key = line.split(':').next().unwrap_or_default();
        *index != at
            && depth(lines[*index]) == Some(own)
            && key.to_ascii_lowercase().ends_with("digest")
            && line.contains("sha256:")
            && !line.contains("$imagepolicy")
    });
    u32::try_from(found? + 1).ok()
}

fn stale(spot: &Spot<'_>, why: &str) -> Refusal {
    let reason = format!("{}:{}: {why}", spot.path, spot.found.line);
    (SkipCause::Conflict, reason)
}

#[cfg(test)]
mod tests {
    use super::digest_beside;

    #[test]
    fn a_digest_without_a_marker_is_found_in_the_tags_own_mapping() {
        let digest = "digest: sha256:aa";
        let cases = [
            (format!("image:\n  tag: v1\n  {digest}\n"), 2, Some(3)),
            (format!("image:\n  {digest}\n  tag: v1\n"), 3, Some(2)),
            (
                format!("image:\n  tag: v1\n  deep:\n    {digest}\n"),
                2,
                None,
            ),
            (format!("a:\n  {digest}\nimage:\n  tag: v1\n"), 4, None),
            (format!("- tag: v1\n  {digest}\n- tag: v2\n"), 1, Some(2)),
            (format!("- tag: v1\n- tag: v2\n  {digest}\n"), 1, None),
            (format!("- {digest}\n- tag: v2\n"), 2, None),
            (
                format!("image:\n  tag: v1\n  {digest} # {{\"$imagepolicy\": \"a:b:digest\"}}\n"),
                2,
                None,
            ),
            ("image:\n  tag: v1\n  digest: \"\"\n".to_owned(), 2, None),
        ];
        for (text, line, expected) in cases {
            assert_eq!(digest_beside(&text, line), expected, "{text}");
        }
    }
}
