//! Argo CD's sync windows (`AppProject.spec.syncWindows`), evaluated as Argo CD does.
//!
//! It shifts the instant that is asked about by the zone's offset and reads the schedule on a clock without jumps: a window
//! of a night in which clocks are set lasts as long as it says, and begins by the offset of the instant, not by the one that
//! held when it began. What it cannot read it does not let pass. What Argo CD does by the offset of now, whatever instant it is asked
//! about, is done here by the offset of that instant.
//! (<https://argo-cd.readthedocs.io/en/stable/user-guide/sync_windows/>)

mod cron;

use cron::Schedule;
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Kind;
use crate::domain::{
    agent::{
        Destination,
        read::{clean, list, text},
    },
    glob,
};

/// Edges are looked for no farther ahead than this.
const FARTHEST: SignedDuration = SignedDuration::from_hours(24 * 366);
/// So many edges are looked at.
const MOST_EDGES: usize = 500;

/// One sync window of a project, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncWindow {
    /// `allow` or `deny`; anything else does nothing.
    pub kind: String,
    /// Five fields of cron.
    pub schedule: String,
    /// As Go writes it: `1h30m`.
    pub duration: String,
    /// A name of the IANA database; empty or unknown: UTC.
    #[serde(default)]
    pub zone: String,
    /// Somebody who syncs by hand may.
    #[serde(default)]
    pub manual: bool,
    /// What it is for, where somebody wrote that.
    #[serde(default)]
    pub description: String,
    /// The project that it stands in.
    #[serde(default)]
    pub project: String,
    /// Of which Applications: patterns of their names.
    #[serde(default)]
    pub applications: Vec<String>,
    /// Of Applications that go to these namespaces.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// Of Applications that go to these clusters, by name or address.
    #[serde(default)]
    pub clusters: Vec<String>,
    /// All three have to match, rather than any.
    #[serde(default)]
    pub and: bool,
}

/// The sync windows about one Application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncWindows {
    /// The windows, in the order of the project.
    pub windows: Vec<SyncWindow>,
    /// It is synced by hand alone: no sync of it is automated.
    pub manual: bool,
    /// Why its windows are not known.
    #[serde(default)]
    pub unknown: Option<String>,
}

impl SyncWindows {
    /// Whether Argo CD syncs what Git gets: by itself where it does so, else when somebody tells it to.
    pub fn delivers(&self, at: Timestamp) -> Syncs<'_> {
        syncs(&self.windows, self.manual, at)
    }

    /// Whether somebody may sync.
    pub fn lets(&self, at: Timestamp) -> Syncs<'_> {
        syncs(&self.windows, true, at)
    }
}

/// Whether Argo CD syncs, by its windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Syncs<'a> {
    /// No window is about the Application.
    Unsaid,
    /// It does.
    Open {
        /// The window that allows it.
        by: Option<&'a SyncWindow>,
        /// When it does no more, as far as can be seen.
        until: Option<Timestamp>,
    },
    /// It does not.
    Closed {
        /// The window that keeps it.
        by: &'a SyncWindow,
        /// When it does again; `None`: not as far as can be seen.
        until: Option<Timestamp>,
        /// Why, where that window cannot be read.
        wrong: Option<String>,
    },
}

/// ``a closed sync window (`no weekends`) until Mon 2026-11-30 05:00 UTC``
pub fn shut(by: &SyncWindow, until: Option<Timestamp>, wrong: Option<&str>) -> String {
    let name = by.name();
    match (wrong, until) {
        (Some(wrong), _) => format!(
            "a sync window of project {} (`{name}`): {wrong}",
            by.project
        ),
        (None, Some(until)) => format!(
            "a closed sync window (`{name}`) until {}",
            until.strftime("%a %Y-%m-%d %H:%M UTC")
        ),
        (None, None) => {
            format!("a closed sync window (`{name}`), which does not open as far as can be seen")
        }
    }
}

/// The windows of a project, by its object.
pub fn read(project: &Value) -> Vec<SyncWindow> {
    let name = text(project, "/metadata/name").unwrap_or_default();
    let windows = list(project, "/spec/syncWindows");
    // A null is nobody's window.
    let windows = windows.filter(|window| window.is_object());
    windows
        .map(|window| {
            let word = |key: &str| text(window, key).map(clean).unwrap_or_default();
            let words = |key: &str| {
                let words = list(window, key).filter_map(Value::as_str);
                words.map(str::to_owned).collect()
            };
            let is = |key: &str| window.pointer(key).and_then(Value::as_bool) == Some(true);
            SyncWindow {
                kind: word("/kind"),
                schedule: word("/schedule"),
                duration: word("/duration"),
                zone: word("/timeZone"),
                manual: is("/manualSync"),
                description: word("/description"),
                project: clean(name),
                applications: words("/applications"),
                namespaces: words("/namespaces"),
                clusters: words("/clusters"),
                and: is("/andOperator"),
            }
        })
        .collect()
}

/// Those that are about an Application.
pub fn about<'a>(
    windows: &'a [SyncWindow],
    application: &'a str,
    destination: &'a Destination,
) -> impl Iterator<Item = &'a SyncWindow> {
    let windows = windows.iter();
    windows.filter(move |window| window.is_about(application, destination))
}

/// Whether Argo CD syncs at `at`: by itself, or because somebody tells it to (`manual`).
pub fn syncs(windows: &[SyncWindow], manual: bool, at: Timestamp) -> Syncs<'_> {
    if windows.is_empty() {
        return Syncs::Unsaid;
    }
    let mut all = Vec::new();
    for window in windows {
        match window.timed() {
            Ok(timed) => all.push(timed),
            Err(wrong) => {
                return Syncs::Closed {
                    by: window,
                    until: None,
                    wrong: Some(wrong),
                };
            }
        }
    }
    match closed(&all, manual, at) {
        None => Syncs::Open {
            by: all
                .iter()
                .find(|it| it.window.kind == "allow" && it.is_active(at))
                .map(|it| it.window),
            until: changes(&all, manual, at),
        },
        Some(by) => Syncs::Closed {
            by,
            until: changes(&all, manual, at),
            wrong: None,
        },
    }
}

/// A window whose words could be read.
struct Timed<'a> {
    window: &'a SyncWindow,
    schedule: Schedule,
    duration: SignedDuration,
    zone: TimeZone,
}

/// What keeps a sync at `at`, in the order of Argo CD's own rules.
fn closed<'a>(all: &[Timed<'a>], manual: bool, at: Timestamp) -> Option<&'a SyncWindow> {
    let (active, inactive): (Vec<_>, Vec<_>) = all.iter().partition(|it| it.is_active(at));
    let of = |some: &[&Timed<'a>], kind: &str| -> Vec<&'a SyncWindow> {
        let some = some.iter().map(|it| it.window);
        some.filter(|window| window.kind == kind).collect()
    };
    let lets = |some: &[&SyncWindow]| manual && some.iter().all(|window| window.manual);
    let deny = of(&active, "deny");
    let strictest = |some: Vec<&'a SyncWindow>| {
        let strict = some.iter().find(|window| !window.manual || !manual);
        strict.or(some.first()).copied()
    };
    if !deny.is_empty() {
        return if lets(&deny) { None } else { strictest(deny) };
    }
    if !of(&active, "allow").is_empty() {
        return None;
    }
    let waiting = of(&inactive, "allow");
    if waiting.is_empty() || lets(&waiting) {
        return None;
    }
    // The one that opens next.
    let next = |window: &&SyncWindow| {
        let timed = all.iter().find(|it| std::ptr::eq(it.window, *window));
        let next = timed.and_then(|it| it.edge(at));
        (next.is_none(), next)
    };
    waiting.into_iter().min_by_key(next)
}

/// When what is closed at `at` opens, or the other way round.
fn changes(all: &[Timed<'_>], manual: bool, at: Timestamp) -> Option<Timestamp> {
    let is_closed = closed(all, manual, at).is_some();
    let end = at.checked_add(FARTHEST).ok()?;
    let mut now = at;
    for _ in 0..MOST_EDGES {
        // A window has begun, or has not ended yet, only behind its edge.
        let behind = now.checked_add(SignedDuration::from_secs(1)).ok()?;
        if closed(all, manual, behind).is_some() != is_closed {
            return Some(now);
        }
        now = all.iter().filter_map(|it| it.edge(now)).min()?;
        if now > end {
            return None;
        }
    }
    None
}

impl Timed<'_> {
    /// Its clock at `at`, which has no jumps: by the offset of that instant.
    fn clock(&self, at: Timestamp) -> DateTime {
        self.zone.to_offset(at).to_datetime(at)
    }

    /// Whether it is active at `at`.
    fn is_active(&self, at: Timestamp) -> bool {
        let now = self.clock(at);
        let Ok(first) = now.checked_sub(self.duration) else {
            return false;
        };
        // A schedule that never matches is read as one that always does.
        self.schedule.next(first).is_none_or(|begins| begins < now)
    }

    /// When it next may begin or end after `at`: by the offset of `at`, or where the zone's offset changes before that.
    fn edge(&self, at: Timestamp) -> Option<Timestamp> {
        let now = self.clock(at);
        let since = |begins: DateTime| begins.duration_since(now);
        let begins = self.schedule.next(now).map(since);
        let first = now.checked_sub(self.duration).ok()?;
        let ends = self
            .schedule
            .next(first)
            .map(|begins| since(begins) + self.duration);
        let next = begins
            .into_iter()
            .chain(ends)
            .filter(SignedDuration::is_positive);
        let next = next.min().and_then(|until| at.checked_add(until).ok());
        let shift = self.zone.following(at).next().map(|it| it.timestamp());
        let shift = shift.filter(|shift| next.is_none_or(|next| *shift < next));
        shift.or(next)
    }
}

impl SyncWindow {
    /// What it does.
    pub fn does(&self) -> Option<Kind> {
        match self.kind.as_str() {
            "deny" => Some(Kind::Deny),
            "allow" => Some(Kind::Allow),
            _ => None,
        }
    }

    /// What people call it: its description, else what it does and when.
    pub fn name(&self) -> String {
        if self.description.is_empty() {
            format!("{} {} for {}", self.kind, self.schedule, self.duration)
        } else {
            self.description.clone()
        }
    }

    fn timed(&self) -> Result<Timed<'_>, String> {
        let schedule = Schedule::parse(&self.schedule);
        let schedule = schedule.map_err(|why| format!("its schedule cannot be read: {why}"))?;
        let duration = go_duration(&self.duration)
            .ok_or_else(|| format!("its duration cannot be read: `{}`", self.duration))?;
        let zone = TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC);
        Ok(Timed {
            window: self,
            schedule,
            duration,
            zone,
        })
    }

    /// By name, cluster and namespace, step by step as Argo CD asks.
    fn is_about(&self, application: &str, to: &Destination) -> bool {
        let any = |patterns: &[String], name: &str| {
            let mut patterns = patterns.iter();
            patterns.any(|pattern| glob::is_go_match(pattern, name))
        };
        let (mut matched, mut is_set) = (false, false);
        if !self.applications.is_empty() {
            is_set = true;
            matched = any(&self.applications, application);
        }
        if self.and && is_set && !matched {
            return false;
        }
        if !self.and && matched {
            return true;
        }
        if !self.clusters.is_empty() {
            is_set = true;
            let mut names = [&to.cluster, &to.server].into_iter().flatten();
            matched = names.any(|name| !name.is_empty() && any(&self.clusters, name));
        }
        if self.and && is_set && !matched {
            return false;
        }
        if !self.and && matched {
            return true;
        }
        if !self.namespaces.is_empty() {
            let namespace = to.namespace.as_deref().unwrap_or_default();
            matched = any(&self.namespaces, namespace);
        }
        matched
    }
}

/// A duration as Go reads it: `1h30m`, `1.5h`, `-90s`, `0`.
fn go_duration(text: &str) -> Option<SignedDuration> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut rest = rest;
    let mut seconds = 0.0_f64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = rest.split_at(end);
        let number: f64 = number.parse().ok()?;
        let length = unit.find(|c: char| c.is_ascii_digit() || c == '.');
        let (unit, more) = unit.split_at(length.unwrap_or(unit.len()));
        let scale = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number * scale;
        rest = more;
    }
    let seconds = if negative { -seconds } else { seconds };
    SignedDuration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests;
