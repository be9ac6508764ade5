//! What an image policy of Flux marks moves together: every tag, digest and image string of one policy.
//!
//! A marker behind a value says what belongs there, so all of them are written, whatever they say now. Where a policy
//! marks a digest too, a tag alone would leave the old image pinned, and a digest alone the old tag beside it: both are
//! refused with the form that has both.

use super::{Changes, Refusal, Spot, place};
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

fn stale(spot: &Spot<'_>, why: &str) -> Refusal {
    let reason = format!("{}:{}: {why}", spot.path, spot.found.line);
    (SkipCause::Conflict, reason)
}
