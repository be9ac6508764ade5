//! What YAML readers take a plain scalar for.

/// What a plain scalar means to a reader of YAML 1.1 or 1.2, whichever sees more in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalarType {
    /// A string to every reader.
    Text,
    /// `true`, `no`, `On`…
    Bool,
    /// An integer or a float in any notation, sexagesimal included.
    Number,
    /// Empty, `~`, `null`.
    Null,
    /// A date, with or without a time; in YAML 1.1.
    Timestamp,
    /// `<<` and `=`, which have a meaning of their own in YAML 1.1.
    Special,
}

/// What a plain scalar of this text means: the union of the YAML 1.2 core schema (10.3.2), the YAML
/// 1.1 type repository and what go-yaml and `PyYAML` accept beyond them. Case is ignored, which only
/// makes more words special.
pub fn scalar_type(text: &str) -> ScalarType {
    let word = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if word(&["", "~", "null"]) {
        ScalarType::Null
    } else if word(&["true", "false", "yes", "no", "on", "off", "y", "n"]) {
        ScalarType::Bool
    } else if matches!(text, "<<" | "=") {
        ScalarType::Special
    } else if is_number(text) {
        ScalarType::Number
    } else if is_timestamp(text) {
        ScalarType::Timestamp
    } else {
        ScalarType::Text
    }
}

/// Whether a number survives being read as one and written again: `12` and `1.5`, but not `1.10`,
/// `012`, `1e3` or more digits than a float holds.
pub(super) fn is_canonical_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    all(whole, |byte| byte.is_ascii_digit())
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(|fraction| {
            all(fraction, |byte| byte.is_ascii_digit()) && !fraction.ends_with('0')
        })
        && digits.len() <= 15
        && text != "-0"
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if [".inf", ".nan"]
        .iter()
        .any(|word| unsigned.eq_ignore_ascii_case(word))
    {
        return true;
    }
    let radix = |prefix: [&str; 2], digit: fn(u8) -> bool| {
        let digits = prefix
            .iter()
            .find_map(|prefix| unsigned.strip_prefix(prefix));
        digits.is_some_and(|digits| all(digits, |byte| byte == b'_' || digit(byte)))
    };
    radix(["0x", "0X"], |byte| byte.is_ascii_hexdigit())
        || radix(["0o", "0O"], |byte| (b'0'..=b'7').contains(&byte))
        || radix(["0b", "0B"], |byte| matches!(byte, b'0' | b'1'))
        || is_decimal(unsigned)
        || is_sexagesimal(unsigned)
}

/// `12`, `1_000`, `.5`, `1.`, `1e5`, `1.5E-3`.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| {
        part.bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_digit())
    };
    digits(whole)
        && digits(fraction)
        && !whole.starts_with('_')
        && mantissa.bytes().any(|byte| byte.is_ascii_digit())
        && exponent.is_none_or(|exponent| {
            let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            all(exponent, |byte| byte.is_ascii_digit())
        })
}

/// `190:20:30`, `1:30.5`: YAML 1.1 counts in sixties.
fn is_sexagesimal(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let sixty = |part: &&str| match part.as_bytes() {
        [one] => one.is_ascii_digit(),
        [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
        _ => false,
    };
    first.starts_with(|first: char| first.is_ascii_digit())
        && all(first, |byte| byte == b'_' || byte.is_ascii_digit())
        && !rest.is_empty()
        && rest.iter().all(sixty)
        && fraction
            .bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_digit())
}

/// `2026-11-21`, `2026-11-21T10:00:00Z`, `2026-1-2 10:00:00.5 +1:00`.
fn is_timestamp(text: &str) -> bool {
    let mut rest = text;
    if !(take_digits(&mut rest, 4, 4)
        && take(&mut rest, '-')
        && take_digits(&mut rest, 1, 2)
        && take(&mut rest, '-')
        && take_digits(&mut rest, 1, 2))
    {
        return false;
    }
    if rest.is_empty() {
        return true;
    }
    let time = rest.trim_start_matches([' ', '\t']);
    let separated = time.len() < rest.len();
    rest = time;
    if !separated && !take(&mut rest, 'T') && !take(&mut rest, 't') {
        return false;
    }
    let clock = take_digits(&mut rest, 1, 2)
        && take(&mut rest, ':')
        && take_digits(&mut rest, 2, 2)
        && take(&mut rest, ':')
        && take_digits(&mut rest, 2, 2);
    if take(&mut rest, '.') {
        rest = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
    }
    rest = rest.trim_start_matches([' ', '\t']);
    let zone = rest
        .strip_prefix(['-', '+'])
        .map(|zone| zone.split_once(':').unwrap_or((zone, "00")));
    let zoned = zone.is_some_and(|(hours, minutes)| {
        [hours, minutes]
            .iter()
            .all(|part| part.len() <= 4 && all(part, |byte| byte.is_ascii_digit()))
    });
    clock && (matches!(rest, "" | "Z" | "z") || zoned)
}

fn all(text: &str, accepts: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(accepts)
}

fn take(rest: &mut &str, expected: char) -> bool {
    rest.strip_prefix(expected)
        .map(|after| *rest = after)
        .is_some()
}

fn take_digits(rest: &mut &str, least: usize, most: usize) -> bool {
    let count = rest
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    *rest = rest.get(count..).unwrap_or_default();
    count >= least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_take_words_for_more_than_text() {
        let cases: &[(ScalarType, &[&str])] = &[
            (ScalarType::Null, &["", "~", "null", "Null", "NULL"]),
            (
                ScalarType::Bool,
                &["true", "False", "YES", "no", "On", "off", "y", "N"],
            ),
            (
                ScalarType::Number,
                &[
                    "0",
                    "12",
                    "-3",
                    "+3",
                    "007",
                    "0o17",
                    "0x1F",
                    "-0xff",
                    "0b101",
                    "1_000",
                    "1.10",
                    "1.",
                    ".5",
                    "+.5",
                    "1e5",
                    "1234e56",
                    "1.5E-3",
                    "1e+5",
                    "190:20:30",
                    "1:30",
                    "1:30.5",
                    ".inf",
                    "-.INF",
                    ".NaN",
                    "12e03",
                ],
            ),
            (
                ScalarType::Timestamp,
                &[
                    "2026-11-21",
                    "2026-1-2",
                    "2026-11-21T10:00:00Z",
                    "2026-11-21 10:00:00",
                    "2026-11-21t10:00:00.5+01:00",
                    "2026-11-21 10:00:00 -5",
                ],
            ),
            (ScalarType::Special, &["<<", "="]),
            (
                ScalarType::Text,
                &[
                    "v1",
                    "1.2.3",
                    "1.2.3-rc.1",
                    "abc1234",
                    "1234e",
                    "e12",
                    "0x",
                    "0xZZ",
                    "0b12",
                    "1:99",
                    "a:b",
                    "-",
                    "+",
                    ".",
                    "..",
                    "_1",
                    "1-2",
                    "2026-11",
                    "2026-11-21-1",
                    "2026-11-21T10",
                    "sha256:ab",
                    "nope",
                    "1e5x",
                    "1.2e",
                    "20260101-ab",
                    "~1.2",
                    "inf",
                    "nan",
                    "==",
                ],
            ),
        ];
        for (expected, texts) in cases {
            for text in *texts {
                assert_eq!(scalar_type(text), *expected, "{text}");
            }
        }
    }

    #[test]
    fn canonical_numbers_survive_a_reader() {
        for text in ["0", "3", "-3", "12", "1.5", "0.25", "20260101"] {
            assert!(is_canonical_number(text), "{text}");
        }
        for text in [
            "",
            "-",
            "1.10",
            "1.0",
            "012",
            "-0",
            "1e3",
            "1.",
            ".5",
            "+1",
            "1_0",
            "0x1",
            "12345678901234567",
        ] {
            assert!(!is_canonical_number(text), "{text}");
        }
    }
}
