//! Columns and times.

use jiff::{Timestamp, tz::TimeZone};

pub use crate::domain::age::clock;
pub use crate::domain::text::{clip, column, count, tail, width, wrap, wrap_most};

/// A time as near as it needs to be told: `14:02` today, `Nov 19` this year, `2025-11-19` else. In UTC.
pub fn when(time: Timestamp, today: Timestamp) -> String {
    let time = time.to_zoned(TimeZone::UTC);
    let today = today.to_zoned(TimeZone::UTC);
    let format = if time.date() == today.date() {
        "%H:%M"
    } else if time.year() == today.year() {
        "%b %d"
    } else {
        "%Y-%m-%d"
    };
    time.strftime(format).to_string()
}

/// `2026-11-21 14:02`, in UTC.
pub fn full(time: Timestamp) -> String {
    let time = time.to_zoned(TimeZone::UTC);
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

/// The part of a list to show: as much as fits, the selected one in the middle where it can be.
pub fn window(selected: usize, count: usize, height: usize) -> std::ops::Range<usize> {
    let last_start = count.saturating_sub(height);
    let start = selected.saturating_sub(height / 2).min(last_start);
    start..(start + height).min(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_windows() {
        let today: Timestamp = "2026-11-21T14:02:11Z".parse().unwrap();
        let cases = [
            ("2026-11-21T09:05:00Z", "09:05"),
            ("2026-11-19T09:05:00Z", "Nov 19"),
            ("2025-11-21T09:05:00Z", "2025-11-21"),
        ];
        for (time, expected) in cases {
            assert_eq!(when(time.parse().unwrap(), today), expected);
        }
        assert_eq!(window(0, 10, 4), 0..4);
        assert_eq!(window(5, 10, 4), 3..7);
        assert_eq!(window(9, 10, 4), 6..10);
        assert_eq!(window(1, 2, 4), 0..2);
    }
}
