//! The five fields of a sync window's schedule, as Argo CD's parser reads them: no names of whole schedules, Sunday is 0 and
//! not 7, and where both kinds of days are given one of them is enough.

use jiff::{
    ToSpan,
    civil::{Date, DateTime},
};

/// A schedule: which minutes, hours, days and months match, a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Any day of the month; any day of the week.
    any: (bool, bool),
}

/// One field: its least and its greatest value, and names for them.
struct Field {
    bounds: (u32, u32),
    names: &'static [&'static str],
}

const MINUTE: Field = numbers(0, 59);
const HOUR: Field = numbers(0, 23);
const DAY: Field = numbers(1, 31);
const MONTH: Field = Field {
    bounds: (1, 12),
    names: &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ],
};
const WEEKDAY: Field = Field {
    bounds: (0, 6),
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

/// It looks no farther ahead than so many years.
const YEARS: i16 = 5;

const fn numbers(least: u32, greatest: u32) -> Field {
    Field {
        bounds: (least, greatest),
        names: &[],
    }
}

impl Schedule {
    /// Reads five fields; an error says what is wrong with them.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = parts.as_slice() else {
            return Err(format!("`{text}` has {} fields, not five", parts.len()));
        };
        let (days, any_day) = DAY.read(day)?;
        let (weekdays, any_weekday) = WEEKDAY.read(weekday)?;
        Ok(Self {
            minutes: MINUTE.read(minute)?.0,
            hours: HOUR.read(hour)?.0,
            days,
            months: MONTH.read(month)?.0,
            weekdays,
            any: (any_day, any_weekday),
        })
    }

    /// The first minute after `at` that matches, on a clock without jumps; `None` where none does for years.
    pub(super) fn next(&self, at: DateTime) -> Option<DateTime> {
        let last = at.year().checked_add(YEARS)?;
        let whole = at.with().second(0).subsec_nanosecond(0).build().ok()?;
        let first = whole.checked_add(1.minute()).ok()?;
        let mut date = first.date();
        let mut from = (first.hour(), first.minute());
        while date.year() <= last {
            if self.matches(date)
                && let Some((hour, minute)) = self.time(from)
            {
                return Some(date.at(hour, minute, 0, 0));
            }
            from = (0, 0);
            date = if has(self.months, date.month()) {
                date.tomorrow().ok()?
            } else {
                date.last_of_month().tomorrow().ok()?
            };
        }
        None
    }

    /// The first time of a day from this one on.
    fn time(&self, (hour, minute): (i8, i8)) -> Option<(i8, i8)> {
        (hour..24).filter(|it| has(self.hours, *it)).find_map(|it| {
            let least = if it == hour { minute } else { 0 };
            let found = (least..60).find(|minute| has(self.minutes, *minute));
            found.map(|minute| (it, minute))
        })
    }

    fn matches(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_zero_offset();
        let (day, weekday) = (has(self.days, date.day()), has(self.weekdays, weekday));
        let is_day = match self.any {
            (false, false) => day || weekday,
            _ => day && weekday,
        };
        has(self.months, date.month()) && is_day
    }
}

fn has(bits: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|value| bits & (1 << value) != 0)
}

impl Field {
    /// Its bits, and whether it stands for any value.
    fn read(&self, text: &str) -> Result<(u64, bool), String> {
        let (mut bits, mut any) = (0, false);
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (more, star) = self.range(part)?;
            (bits, any) = (bits | more, any | star);
        }
        Ok((bits, any))
    }

    /// `*`, `3`, `1-5`, each perhaps with `/2`.
    fn range(&self, text: &str) -> Result<(u64, bool), String> {
        let wrong = |why: &str| Err(format!("`{text}`: {why}"));
        let (range, step) = match text.split_once('/') {
            Some((_, step)) if step.contains('/') => return wrong("has two steps"),
            Some((range, step)) => (range, Some(step)),
            None => (text, None),
        };
        let (least, greatest) = self.bounds;
        let is_star = matches!(range, "*" | "?");
        let (from, to) = match range.split_once('-') {
            _ if is_star => (least, greatest),
            Some((_, to)) if to.contains('-') => return wrong("has two hyphens"),
            Some((from, to)) => (self.value(from)?, self.value(to)?),
            None => {
                let one = self.value(range)?;
                // `3/15` is from 3 on.
                (one, if step.is_some() { greatest } else { one })
            }
        };
        let by = step.map_or(Ok(1), number)?;
        if from < least || to > greatest {
            return wrong("is out of its bounds");
        }
        if from > to {
            return wrong("ends before it begins");
        }
        let Ok(by @ 1..) = usize::try_from(by) else {
            return wrong("has no step");
        };
        let bits = (from..=to).step_by(by).fold(0, |bits, it| bits | 1 << it);
        Ok((bits, is_star && by == 1))
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let name = text.to_lowercase();
        let named = self.names.iter().position(|it| *it == name);
        let named = named.and_then(|place| u32::try_from(place).ok());
        match named {
            Some(place) => Ok(self.bounds.0 + place),
            None => number(text),
        }
    }
}

fn number(text: &str) -> Result<u32, String> {
    // Its parser takes a sign.
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| is_number);
    number.ok_or_else(|| format!("`{text}` is no number"))
}
