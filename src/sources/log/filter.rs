//! What is logged: as many `-v` as were given, or what `TIDEGATE_LOG` says.

use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::domain::suggest;

/// Environment variable that says what is logged, in place of `-v`.
pub const FILTER_VARIABLE: &str = "TIDEGATE_LOG";

/// The levels, by the names that are typed.
const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

/// This program's own modules; others are those of libraries.
const OURS: &str = "tidegate";

/// What is logged.
pub(super) struct Filter {
    pub(super) targets: Targets,
    /// As it is typed.
    pub(super) shown: String,
    /// Nothing is.
    pub(super) off: bool,
}

/// What `asked` (the variable's value) says, or without it `verbosity`; and a sentence where it says nothing that is known.
pub(super) fn of(asked: Option<&str>, verbosity: u8) -> (Filter, Option<String>) {
    let usual = match verbosity {
        0 => "info",
        1 => "debug",
        _ => "trace",
    };
    let asked = asked.map(str::trim).filter(|text| !text.is_empty());
    match parse(asked.unwrap_or(usual)) {
        Ok(filter) => (filter, None),
        Err(why) => {
            let words = format!("{FILTER_VARIABLE}: {why}; until then it is {usual}");
            // The usual ones are levels.
            let filter = parse(usual).unwrap_or_else(|_| Filter {
                targets: Targets::new(),
                shown: String::new(),
                off: true,
            });
            (filter, Some(words))
        }
    }
}

/// `LEVEL`, or `MODULE=LEVEL`, several with commas between. A level alone is that of this program's own modules; libraries
/// tell of their failures only, unless they are named.
fn parse(text: &str) -> Result<Filter, String> {
    let mut targets = Targets::new().with_target(OURS, LevelFilter::INFO);
    let mut general = LevelFilter::WARN;
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    for part in &parts {
        let (module, word) = match part.split_once('=') {
            Some((module, word)) => (module.trim(), word.trim()),
            None if part.contains("::") || *part == OURS => (*part, "trace"),
            None => ("", *part),
        };
        let level = level(word).ok_or_else(|| refused(part, word))?;
        if !module
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_:".contains(c))
        {
            return Err(format!(
                "`{part}` names no module; write LEVEL or MODULE=LEVEL, such as `debug` or `tidegate::sources::git=trace`"
            ));
        }
        let alone = !part.contains('=') && module.is_empty();
        if module.is_empty() && !alone {
            return Err(format!("`{part}` has no module before its `=`"));
        }
        let module = if alone { OURS } else { module };
        targets = targets.with_target(module, level);
        if alone && level == LevelFilter::OFF {
            general = LevelFilter::OFF;
        }
    }
    let off = parts.iter().all(|part| *part == "off");
    Ok(Filter {
        targets: targets.with_default(general),
        shown: text.to_owned(),
        off,
    })
}

fn level(word: &str) -> Option<LevelFilter> {
    let same = |(name, _): &&(&str, LevelFilter)| word.eq_ignore_ascii_case(name);
    LEVELS.iter().find(same).map(|(_, level)| *level)
}

fn refused(part: &str, word: &str) -> String {
    let names = LEVELS.map(|(name, _)| name);
    let hint = suggest::hint(word, names);
    let within = if part == word {
        String::new()
    } else {
        format!(" in `{part}`")
    };
    format!(
        "`{word}`{within} is no level{hint} (there are: {})",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn filters_and_what_they_let_pass() {
        let git = "tidegate::sources::git::child";
        // asked, -v, what of ours passes, what of Git's, what of a library's
        let cases = [
            (None, 0, "info", "info", "warn"),
            (None, 1, "debug", "debug", "warn"),
            (None, 2, "trace", "trace", "warn"),
            (None, 9, "trace", "trace", "warn"),
            (Some(""), 1, "debug", "debug", "warn"),
            (Some(" warn "), 2, "warn", "warn", "warn"),
            (Some("ERROR"), 0, "error", "error", "warn"),
            (Some("off"), 2, "off", "off", "off"),
            (
                Some("tidegate::sources::git=debug"),
                0,
                "info",
                "debug",
                "warn",
            ),
            (
                Some("warn, tidegate::sources::git"),
                0,
                "warn",
                "trace",
                "warn",
            ),
            (
                Some("off,tidegate::sources::git=info"),
                0,
                "off",
                "info",
                "off",
            ),
            (Some("kube_client=debug"), 0, "info", "info", "debug"),
        ];
        for (asked, verbosity, ours, of_git, library) in cases {
            let (filter, complaint) = of(asked, verbosity);
            assert_eq!(complaint, None, "{asked:?}");
            assert_eq!(filter.off, asked == Some("off"), "{asked:?}");
            for (target, most) in [
                ("tidegate::cli", ours),
                (git, of_git),
                ("kube_client::client", library),
            ] {
                for at in [
                    Level::ERROR,
                    Level::WARN,
                    Level::INFO,
                    Level::DEBUG,
                    Level::TRACE,
                ] {
                    let passes = filter.targets.would_enable(target, &at);
                    let most = level(most).unwrap();
                    assert_eq!(
                        passes,
                        at <= most,
                        "{asked:?} -v {verbosity}: {target} {at}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_bad_filter_is_a_sentence() {
        for (asked, words) in [
            (
                "debgu",
                "`debgu` is no level; did you mean `debug`? (there are: off, error",
            ),
            ("kube", "`kube` is no level"),
            ("7", "`7` is no level"),
            ("tidegate=loud", "`loud` in `tidegate=loud` is no level"),
            ("tidegate=", "`` in `tidegate=` is no level"),
            ("info,,warn", "`` is no level"),
            ("=info", "has no module before its `=`"),
            ("a b=info", "`a b=info` names no module"),
            ("[span{field=x}]=info", "is no level"),
        ] {
            let (filter, complaint) = of(Some(asked), 1);
            let said = complaint.unwrap();
            assert!(said.starts_with("TIDEGATE_LOG: "), "{said}");
            assert!(said.contains(words), "{asked}: {said}");
            assert!(said.ends_with("; until then it is debug"), "{said}");
            assert_eq!((filter.shown.as_str(), filter.off), ("debug", false));
        }
    }
}
