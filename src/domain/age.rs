//! How long ago, as people say it on one glance: `45s`, `3m`, `2h`, `6d`.

use jiff::{Timestamp, tz::TimeZone};

/// A time of day: `14:02:11`, in UTC.
pub fn clock(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC)
        .strftime("%H:%M:%S")
        .to_string()
}

/// The time from `then` to `now`, in its largest whole unit; never negative.
pub fn between(then: Timestamp, now: Timestamp) -> String {
    seconds(now.as_second().saturating_sub(then.as_second()))
}

/// A number of seconds in its largest whole unit, up to days.
pub fn seconds(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A number of seconds in its two largest units, to compare lengths of time: `1d 3h`, `5h 48m`, `2h`.
pub fn precise(all: i64) -> String {
    let all = all.max(0);
    let (unit, below) = match all {
        0..3_600 => return seconds(all),
        3_600..86_400 => (3_600, 60),
        _ => (86_400, 3_600),
    };
    match all % unit {
        rest if rest >= below => format!("{} {}", seconds(all), seconds(rest)),
        _ => seconds(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn largest_unit_only() {
        let cases = [
            (-5, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3_599, "59m"),
            (7_300, "2h"),
            (86_400 * 400, "400d"),
        ];
        for (given, expected) in cases {
            assert_eq!(seconds(given), expected, "{given}");
        }
    }

    #[test]
    fn two_units_where_lengths_are_compared() {
        let cases = [
            (-5, "0s"),
            (59, "59s"),
            (3_599, "59m"),
            (7_200, "2h"),
            (7_230, "2h"),
            (7_260, "2h 1m"),
            (86_400 + 3_599, "1d"),
            (86_400 * 12 + 7_300, "12d 2h"),
        ];
        for (given, expected) in cases {
            assert_eq!(precise(given), expected, "{given}");
        }
    }
}
