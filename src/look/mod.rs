//! How things look: plain choices for the screen, and one table of what each state of a cell looks like, for the screen and
//! the commands alike.

use std::sync::Arc;

use jiff::Timestamp;

pub mod bell;
pub mod colour;
pub mod theme;

use colour::{Depth, Rgb};
use theme::{Choice, MONOCHROME, Theme, Themes};

use crate::domain::{
    age,
    cell::{CellStatus, State, Why},
    delivery::CellProgress,
    drift::Skew,
    rollout::LiveCell,
    text::width,
    version::Version,
};

mod asked;

pub use asked::{Qualities, Quality};

/// What the terminal and its owner allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// What there is to choose from.
    pub themes: Arc<Themes>,
    /// What is chosen.
    pub choice: Choice,
    /// Whether the background is light, as far as it was guessed before the terminal said it.
    pub guessed_light: bool,
    /// The theme's own background is painted over the terminal's.
    pub background: bool,
    /// How many colours there are.
    pub depth: Depth,
    /// Letters and ASCII borders only.
    pub ascii: bool,
    /// `NO_COLOR`: no colours whatever the theme says; reverse and bold stay.
    pub no_colour: bool,
}

impl Look {
    /// The theme that is shown where the terminal said that its background is `ground`; `None`: it has not, or never will.
    pub fn theme(&self, ground: Option<Rgb>) -> Arc<Theme> {
        let light = ground.map_or(self.guessed_light, Rgb::is_light);
        let name = match &self.choice {
            _ if self.no_colour => MONOCHROME,
            Choice {
                fixed: Some(name), ..
            } => name,
            Choice { light: name, .. } if light => name,
            Choice { dark: name, .. } => name,
        };
        let theme = self.themes.get(name).cloned();
        theme.unwrap_or_else(|_| Arc::new(Theme::plain()))
    }
}

/// What a state looks like. `live.health` of `status -o json` has the words of
/// [`Health`](crate::domain::rollout::Health) instead, which name what the cluster says and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its word: in the summary, in sentences, behind `is:` (there with `-` for a space).
    pub word: &'static str,
    /// Its glyph, one column wide, never of ambiguous width, and never without text beside it.
    glyph: &'static str,
    /// The same where only ASCII is shown.
    ascii: &'static str,
    /// How it stands out.
    pub tone: Tone,
    /// How what the cell declares stands out beside it; `None`: by its age and where it comes from.
    pub version: Option<Tone>,
}

/// How something stands out. Colours never carry a meaning alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// On its way.
    Moving,
    /// Worth a look.
    Warn,
    /// Broken.
    Bad,
    /// Not known.
    Unknown,
    /// Old, or not there.
    Faint,
}

/// The table.
pub fn of(state: State) -> Shown {
    let (word, glyph, ascii, tone) = match state {
        State::Degraded => ("degraded", "✗", "x", Tone::Bad),
        State::Missing => ("missing", "!", "!", Tone::Bad),
        State::Unknown => ("unknown", "?", "?", Tone::Unknown),
        State::Rolling => ("rolling", "▸", ">", Tone::Moving),
        State::Drift => ("drift", "~", "~", Tone::Warn),
        State::Paused => ("paused", "=", "=", Tone::Warn),
        State::Suspended => ("suspended", "⊘", "o", Tone::Warn),
        State::NoAccess => ("no access", "?", "?", Tone::Unknown),
        State::Stale => ("stale", "∅", "z", Tone::Faint),
        State::Loading => ("loading", "◌", ".", Tone::Faint),
        State::Healthy => ("healthy", "✓", "v", Tone::Good),
        State::GitOnly => ("git only", " ", " ", Tone::Faint),
        State::Unread => ("unread", "?", "?", Tone::Unknown),
        State::NotSet => ("not set", "-", "-", Tone::Faint),
        State::Absent => ("absent", "-", "-", Tone::Faint),
    };
    let version = match state {
        // There is none to show, or it is not what runs.
        State::Degraded | State::Missing | State::Unread | State::NotSet | State::Absent => {
            Some(tone)
        }
        _ => None,
    };
    Shown {
        word,
        glyph,
        ascii,
        tone,
        version,
    }
}

impl Shown {
    /// Its glyph; a space where there is none.
    pub fn glyph(self, ascii: bool) -> &'static str {
        if ascii { self.ascii } else { self.glyph }
    }

    /// Whether it goes before everything else that a place could show.
    pub fn is_urgent(self) -> bool {
        self.tone == Tone::Bad
    }
}

/// How a cell stands to its upstream, behind its version: `↑2`, `↑` where the count is not known, `↓`, `≠`; `^2`, `^`, `v`, `#`.
pub fn skew(skew: Skew, ascii: bool) -> String {
    let glyph = skew_glyph(skew, ascii);
    match skew {
        Skew::Behind { by: Some(by) } => format!("{glyph}{by}"),
        _ => glyph.to_owned(),
    }
}

/// The glyph of a skew alone.
pub fn skew_glyph(skew: Skew, ascii: bool) -> &'static str {
    match (skew, ascii) {
        (Skew::Behind { .. }, false) => "↑",
        (Skew::Behind { .. }, true) => "^",
        (Skew::Ahead, false) => "↓",
        (Skew::Ahead, true) => "v",
        (Skew::Differs, false) => "≠",
        (Skew::Differs, true) => "#",
    }
}

/// The word of a skew where cells are counted: `3 behind`.
pub fn skew_word(skew: Skew) -> &'static str {
    match skew {
        Skew::Behind { .. } => "behind",
        Skew::Ahead => "ahead",
        Skew::Differs => "differ",
    }
}

/// Columns of the bar beside a cell's version.
const BAR: u32 = 4;

/// How much of a progressive delivery is done, beside a cell's version: a bar and the percentage, the percentage alone, or
/// nothing, as there is room. `glyphs` are the done part of a bar and the rest.
pub fn percent(percent: u32, glyphs: (&str, &str), room: usize) -> String {
    let number = format!("{percent}%");
    let bar = format!("{} {number}", bar(percent, BAR, glyphs));
    let fits = |text: &str| width(text) <= room;
    [bar, number]
        .into_iter()
        .find(|text| fits(text))
        .unwrap_or_default()
}

/// A bar of so many columns.
pub fn bar(percent: u32, columns: u32, (done, rest): (&str, &str)) -> String {
    // What has begun shows, and what is not over is not full.
    let full = match percent {
        0 => 0,
        100.. => columns,
        _ => (percent * columns / 100).clamp(1, columns.saturating_sub(1)),
    };
    done.repeat(full as usize) + &rest.repeat((columns - full) as usize)
}

/// What a cell on its way looks like in its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Its word where it is told.
    pub word: &'static str,
    /// Its word in JSON.
    pub json: &'static str,
    /// The state whose glyph it has.
    pub state: State,
    /// How it stands out; `None`: like the text around it.
    pub tone: Option<Tone>,
}

/// The table of these.
pub fn of_progress(progress: &CellProgress) -> Progress {
    let (word, json, state, tone) = match progress {
        CellProgress::Behind(hop) if hop.failing => {
            ("waiting", "waiting", State::Loading, Some(Tone::Warn))
        }
        CellProgress::Waiting(_) | CellProgress::Behind(_) => {
            ("waiting", "waiting", State::Loading, None)
        }
        CellProgress::Rolling { .. } => ("rolling", "rolling", State::Rolling, Some(Tone::Moving)),
        CellProgress::Verifying(_) => {
            ("verifying", "verifying", State::Rolling, Some(Tone::Moving))
        }
        CellProgress::Unverified(_) => (
            "not verified",
            "not-verified",
            State::Unknown,
            Some(Tone::Warn),
        ),
        CellProgress::Healthy => ("healthy", "healthy", State::Healthy, Some(Tone::Good)),
        CellProgress::Failed(_) => ("failed", "failed", State::Degraded, Some(Tone::Bad)),
        CellProgress::Superseded(_) => {
            ("superseded", "superseded", State::GitOnly, Some(Tone::Warn))
        }
        CellProgress::Unwatched(_) => ("done", "not-judged", State::GitOnly, None),
    };
    Progress {
        word,
        json,
        state,
        tone,
    }
}

/// Why a cell is as it is, in one line, at `now`; `None` where there is nothing to say.
pub fn why(status: &CellStatus<'_>, now: Timestamp) -> Option<String> {
    let why = match status.why? {
        Why::Reason(reason) => match status.since {
            Some(since) => format!("{reason}, {}", age::between(since, now)),
            None => reason.to_owned(),
        },
        Why::Ready { ready, desired } => format!("{ready}/{desired} ready"),
        Why::Runs(versions) => {
            let running: Vec<&str> = versions.keys().map(Version::as_str).collect();
            let running = running.join(", ");
            // What keeps them there, where its controller means to: a partition, pods that nobody deletes.
            match status.live.and_then(|live| live.reason.as_ref()) {
                Some(reason) => format!("live {running}; {reason}"),
                None => format!("live {running}"),
            }
        }
        Why::Torn(live) => torn(live)?,
        Why::Serves(version) => format!("would run {version}"),
        Why::Hop(hop) => {
            let words = hop.words(now);
            match status.live.and_then(|live| live.serving.as_ref()) {
                Some(serving) if status.was == State::Drift => {
                    match words.strip_prefix(&format!("{serving} was ")) {
                        Some(how) => format!("live {serving}, {how}"),
                        None => format!("live {serving}: {words}"),
                    }
                }
                _ => words,
            }
        }
        Why::NoWorkload => "not in the cluster".to_owned(),
        Why::NoHealth => "the cluster's words make no health".to_owned(),
        Why::Denied(what) => what.to_owned(),
        Why::NeverReached(reason) => format!("never seen: {reason}"),
        Why::NothingSaid => "the cluster says nothing of it".to_owned(),
        Why::Vetoed(reason) => return Some(format!("vetoed: {reason}")),
    };
    Some(match status.state {
        State::Stale => format!("was {}: {why}", of(status.was).word),
        _ => why,
    })
}

/// That a version means several images to the pods of a cell, in one line; `None`: it means one.
pub fn torn(live: &LiveCell) -> Option<String> {
    let torn = live.torn()?;
    let images = torn.digests.len();
    Some(format!("{} is {images} images here: {torn}", torn.version))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::domain::rollout::Few;

    #[test]
    fn glyphs_are_one_column_wide_everywhere_and_ascii_is_ascii() {
        let mut words = BTreeSet::new();
        for state in State::ALL {
            let shown = of(state);
            let rich = shown.glyph(false);
            assert_eq!(rich.width(), 1, "{state:?}");
            assert_eq!(rich.width_cjk(), 1, "{state:?}: ambiguous");
            let ascii = shown.glyph(true);
            assert!(ascii.is_ascii() && ascii.len() == 1, "{state:?}");
            assert!(
                words.insert(shown.word),
                "{state:?}: a word means one state"
            );
        }
    }

    #[test]
    fn what_is_not_there_and_what_is_broken_never_look_alike() {
        let glyphs = |states: &[State], ascii| -> BTreeSet<&str> {
            states.iter().map(|state| of(*state).glyph(ascii)).collect()
        };
        let apart = [
            State::Degraded,
            State::Missing,
            State::Unknown,
            State::Rolling,
            State::Drift,
            State::Paused,
            State::Suspended,
            State::Stale,
            State::Loading,
            State::Healthy,
            State::Absent,
        ];
        for ascii in [false, true] {
            assert_eq!(glyphs(&apart, ascii).len(), apart.len(), "ascii: {ascii}");
        }
    }

    #[test]
    fn skews_say_how_far_where_that_is_known() {
        let cases = [
            (Skew::Behind { by: Some(2) }, "↑2", "^2"),
            (Skew::Behind { by: None }, "↑", "^"),
            (Skew::Ahead, "↓", "v"),
            (Skew::Differs, "≠", "#"),
        ];
        for (skew, rich, ascii) in cases {
            assert_eq!(super::skew(skew, false), rich);
            assert_eq!(super::skew(skew, true), ascii);
        }
    }

    #[test]
    fn a_progress_is_as_wide_as_there_is_room() {
        let rich = ("▰", "▱");
        let cases = [
            (0, 20, "▱▱▱▱ 0%"),
            (5, 20, "▰▱▱▱ 5%"),
            (60, 20, "▰▰▱▱ 60%"),
            (99, 20, "▰▰▰▱ 99%"),
            (100, 20, "▰▰▰▰ 100%"),
            (60, 7, "60%"),
            (60, 2, ""),
        ];
        for (percent, room, expected) in cases {
            assert_eq!(super::percent(percent, rich, room), expected, "{room}");
        }
        assert_eq!(percent(60, ("#", "-"), 9), "##-- 60%");
    }

    #[test]
    fn reasons_in_words() {
        let now: Timestamp = "2026-11-21T14:00:00Z".parse().unwrap();
        let versions = Few::from_iter([(Version::from("1"), 1), (Version::from("2"), 3)]);
        let cases = [
            (
                "the cluster's words",
                State::Degraded,
                Why::Reason("OOMKilled"),
                180,
                "OOMKilled, 3m",
            ),
            (
                "of no age",
                State::Degraded,
                Why::Reason("OOMKilled"),
                0,
                "OOMKilled",
            ),
            (
                "nothing but counts",
                State::Rolling,
                Why::Ready {
                    ready: 1,
                    desired: 3,
                },
                180,
                "1/3 ready",
            ),
            (
                "another version",
                State::Drift,
                Why::Runs(&versions),
                180,
                "live 1, 2",
            ),
            (
                "no workload",
                State::Missing,
                Why::NoWorkload,
                0,
                "not in the cluster",
            ),
            (
                "no words",
                State::Unknown,
                Why::NoHealth,
                0,
                "the cluster's words make no health",
            ),
            (
                "refused",
                State::NoAccess,
                Why::Denied("403: pods"),
                180,
                "403: pods",
            ),
            (
                "never reached",
                State::Unknown,
                Why::NeverReached("no route"),
                0,
                "never seen: no route",
            ),
            (
                "vetoed",
                State::Healthy,
                Why::Vetoed("loses carts"),
                180,
                "vetoed: loses carts",
            ),
            (
                "silence",
                State::Unknown,
                Why::NothingSaid,
                0,
                "the cluster says nothing of it",
            ),
            (
                "lost since",
                State::Stale,
                Why::Reason("OOMKilled"),
                180,
                "was degraded: OOMKilled, 3m",
            ),
        ];
        for (name, state, why, seconds, expected) in cases {
            let since = now - jiff::SignedDuration::from_secs(seconds);
            let status = CellStatus {
                state,
                was: if state == State::Stale {
                    State::Degraded
                } else {
                    state
                },
                why: Some(why),
                since: (seconds > 0).then_some(since),
                trouble: 0,
                live: None,
            };
            assert_eq!(
                super::why(&status, now).as_deref(),
                Some(expected),
                "{name}"
            );
        }
    }
}
