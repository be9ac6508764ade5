//! Windows: when nothing may go (`deny`), and when alone something may (`allow`).
//!
//! They open and close as Argo CD's sync windows do: one begins whenever its five fields of cron match in its zone, and
//! lasts as long as it says. An active `deny` closes; where there are `allow` windows, one of them has to be active; else it
//! is open. The zone's offset is that of the instant asked about.
//! (<https://argo-cd.readthedocs.io/en/stable/user-guide/sync_windows/>)

use std::{fmt, time::Duration};

use cronexpr::{Crontab, MakeTimestamp};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::domain::{
    glob,
    ids::{CellKey, EnvironmentName},
};

/// Windows that follow each other are looked through no farther than this.
const MOST_STEPS: usize = 500;

/// One `[[windows]]` table.
#[derive(Clone, Debug)]
pub struct Window {
    /// What people call it.
    pub name: String,
    /// What it does.
    pub kind: Kind,
    /// When it begins, as written: five fields.
    pub cron: String,
    /// How long it lasts.
    pub duration: Duration,
    /// Where `cron` is read, as written: a name of the IANA database.
    pub zone: String,
    /// Names of environments, with `*` and `?`.
    pub environments: Vec<String>,
    /// Names of services, with `*` and `?`.
    pub services: Vec<String>,
    schedule: Crontab,
}

/// What a window does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Nothing goes while it is active.
    #[default]
    Deny,
    /// Something goes only while one of these is.
    Allow,
}

/// What is wrong with a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowError {
    /// The key: `cron`, `zone`.
    pub key: &'static str,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

/// Whether something may go, by the windows of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Open<'a> {
    /// No window says anything.
    Unsaid,
    /// It may, until `until`; `by` is the `allow` window that is active, where there are some.
    Yes {
        /// That window.
        by: Option<&'a Window>,
        /// When the next window closes it, or the `allow` window ends; `None`: not within four years.
        until: Option<Timestamp>,
    },
    /// It may not.
    No {
        /// The `deny` that is active, or the `allow` that opens next.
        by: &'a Window,
        /// When it may again; `None`: not as far as can be seen.
        until: Option<Timestamp>,
    },
}

impl Window {
    /// A window that begins whenever `cron` matches in `zone`.
    ///
    /// # Errors
    /// What is wrong with `cron`, `zone` or `duration`.
    pub fn new(
        name: &str,
        kind: Kind,
        cron: &str,
        duration: Duration,
        zone: &str,
    ) -> Result<Self, WindowError> {
        let wrong = |key, message| Err(WindowError { key, message });
        if TimeZone::get(zone).is_err() {
            return wrong(
                "zone",
                format!(
                    "`{zone}` is no time zone; it is named as in the IANA database: `Europe/Berlin`, `UTC`"
                ),
            );
        }
        if cron.split_whitespace().count() != 5 {
            return wrong(
                "cron",
                format!(
                    "`{cron}` has not five fields: minute, hour, day of the month, month, day of the week, as in `0 16 * * FRI`"
                ),
            );
        }
        let schedule = match cronexpr::parse_crontab(&format!("{cron} {zone}")) {
            Ok(schedule) => schedule,
            Err(error) => {
                let error = error.to_string();
                // Its last line has the words, behind a mark below what is meant.
                let why = error.lines().last().unwrap_or_default();
                let why = why.trim_start_matches([' ', '^']).trim();
                return wrong("cron", format!("`{cron}` is no schedule: {why}"));
            }
        };
        if SignedDuration::try_from(duration).is_err() {
            return wrong("duration", "is longer than time can be counted".to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            kind,
            cron: cron.to_owned(),
            duration,
            zone: zone.to_owned(),
            environments: vec!["*".to_owned()],
            services: vec!["*".to_owned()],
            schedule,
        })
    }

    /// Whether it is about a cell.
    pub fn is_about(&self, cell: &CellKey) -> bool {
        any(&self.environments, cell.environment.as_str())
            && any(&self.services, cell.service.as_str())
    }

    /// When it begins next after `at`.
    fn begins(&self, at: Timestamp) -> Option<Timestamp> {
        let next = self.schedule.find_next(MakeTimestamp(at));
        next.ok().map(|zoned| zoned.timestamp())
    }

    /// Whether it is active at `at`, and until when; inner `None`: without end, as far as can be seen.
    pub fn active(&self, at: Timestamp) -> Option<Option<Timestamp>> {
        let mut begins = self.begins(at.checked_sub(self.duration).ok()?)?;
        if begins > at {
            return None;
        }
        // What begins again before it ends goes on.
        for _ in 0..MOST_STEPS {
            let Ok(ends) = begins.checked_add(self.duration) else {
                return Some(None);
            };
            match self.begins(begins) {
                Some(again) if again <= ends => begins = again,
                _ => return Some(Some(ends)),
            }
        }
        Some(None)
    }
}

/// Whether a change of `cell` may go at `at`.
pub fn state<'a>(windows: &'a [Window], cell: &CellKey, at: Timestamp) -> Open<'a> {
    let own = windows.iter().filter(|window| window.is_about(cell));
    state_of(own.collect(), at)
}

/// Whether anything may go into `environment` at `at`, by the windows that are about every service.
pub fn state_of_all<'a>(
    windows: &'a [Window],
    environment: &EnvironmentName,
    at: Timestamp,
) -> Open<'a> {
    let own = windows.iter().filter(|window| {
        let all = window.services.iter().any(|pattern| pattern == "*");
        all && any(&window.environments, environment.as_str())
    });
    state_of(own.collect(), at)
}

fn any(patterns: &[String], name: &str) -> bool {
    let mut patterns = patterns.iter();
    patterns.any(|pattern| glob::is_match(pattern, name))
}

fn state_of(own: Vec<&Window>, at: Timestamp) -> Open<'_> {
    if own.is_empty() {
        return Open::Unsaid;
    }
    match closed(&own, at) {
        None => Open::Yes {
            by: own
                .iter()
                .copied()
                .find(|window| window.kind == Kind::Allow && window.active(at).is_some()),
            until: closes(&own, at),
        },
        Some((by, _)) => Open::No {
            by,
            until: opens(&own, at),
        },
    }
}

/// The window that closes at `at`, and when it does no more.
fn closed<'a>(windows: &[&'a Window], at: Timestamp) -> Option<(&'a Window, Option<Timestamp>)> {
    let kind = |kind| {
        windows
            .iter()
            .copied()
            .filter(move |window| window.kind == kind)
    };
    let active = kind(Kind::Deny).filter_map(|window| Some((window, window.active(at)?)));
    // The one that lasts longest; without end is longest of all.
    let deny = active.max_by_key(|(_, until)| (until.is_none(), *until));
    if deny.is_some() {
        return deny;
    }
    if kind(Kind::Allow).any(|window| window.active(at).is_some()) {
        return None;
    }
    let next = kind(Kind::Allow).map(|window| (window, window.begins(at)));
    next.min_by_key(|(_, begins)| (begins.is_none(), *begins))
}

/// When it is open again after `at`, at which it is closed.
fn opens(windows: &[&Window], at: Timestamp) -> Option<Timestamp> {
    let mut at = at;
    for _ in 0..MOST_STEPS {
        match closed(windows, at) {
            None => return Some(at),
            Some((_, until)) => at = until?,
        }
    }
    None
}

/// When it is closed next after `at`, at which it is open.
fn closes(windows: &[&Window], at: Timestamp) -> Option<Timestamp> {
    let mut at = at;
    for _ in 0..MOST_STEPS {
        // Only a beginning `deny` or the end of an `allow` closes.
        let next = windows.iter().filter_map(|window| match window.kind {
            Kind::Deny => window.begins(at),
            Kind::Allow => window.active(at).flatten(),
        });
        at = next.min()?;
        if closed(windows, at).is_some() {
            return Some(at);
        }
    }
    None
}

impl PartialEq for Window {
    fn eq(&self, other: &Self) -> bool {
        // The schedule is what `cron` and `zone` say.
        (&self.name, self.kind, &self.cron, self.duration, &self.zone)
            == (
                &other.name,
                other.kind,
                &other.cron,
                other.duration,
                &other.zone,
            )
            && (&self.environments, &self.services) == (&other.environments, &other.services)
    }
}

impl Eq for Window {}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
        })
    }
}

#[cfg(test)]
mod tests;
