//! What environments are usually called, and in which order they are promoted.

use std::collections::BTreeSet;

/// Words by rank: earlier environments first.
const WORDS: [&[&str]; 6] = [
    &[
        "dev",
        "develop",
        "development",
        "devel",
        "sandbox",
        "playground",
        "local",
    ],
    &["test", "testing", "tst", "qa", "ci"],
    &["int", "integration"],
    &[
        "stage",
        "staging",
        "stg",
        "stag",
        "uat",
        "acc",
        "acceptance",
        "preprod",
        "preproduction",
        "demo",
    ],
    &["canary"],
    &["prod", "production", "prd", "live"],
];
/// Parts of names of regions.
const REGIONS: [&str; 22] = [
    "eu",
    "us",
    "uk",
    "ap",
    "apac",
    "emea",
    "asia",
    "europe",
    "america",
    "africa",
    "australia",
    "global",
    "east",
    "west",
    "north",
    "south",
    "central",
    "northeast",
    "southeast",
    "fra",
    "ams",
    "lon",
];
/// Rank of `staging` and the like.
pub(super) const STAGING: usize = 3;
/// Rank of `prod` and the like.
const PRODUCTION: usize = 5;
/// Rank of `ring-0`, which is before `ring-1`.
const RINGS: usize = 10;

/// An environment's name, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Earlier environments have lower ranks.
    pub(super) rank: usize,
    /// What the name says besides: a region, a site.
    pub(super) group: String,
}

/// Understands a name such as `prod`, `staging-eu`, `idfdev`, `ring-2`; `None` where no usual word is in it.
pub(super) fn known(name: &str) -> Option<Known> {
    let lower = name.to_lowercase();
    let parts: Vec<&str> = lower.split(['-', '_', '.', '/']).collect();
    if let ["ring" | "wave", number] = parts.as_slice()
        && let Ok(number) = number.parse::<usize>()
    {
        let group = parts[0].to_owned();
        return Some(Known {
            rank: RINGS + number.min(1000),
            group,
        });
    }
    for (at, part) in parts.iter().enumerate() {
        if let Some(rank) = rank(part) {
            let rest: Vec<&str> = [&parts[..at], &parts[at + 1..]].concat();
            return Some(Known {
                rank,
                group: rest.join("-"),
            });
        }
    }
    None
}

/// The same for names that are one word with a site before it: `usdfprod`. Only where the place says it is an environment.
pub(super) fn known_loosely(name: &str) -> Option<Known> {
    known(name).or_else(|| {
        let lower = name.to_lowercase();
        let words = WORDS
            .iter()
            .enumerate()
            .flat_map(|(rank, words)| words.iter().map(move |word| (rank, *word)));
        let longest = words
            .filter(|(_, word)| {
                lower
                    .split('-')
                    .next()
                    .is_some_and(|part| part.ends_with(word))
            })
            .max_by_key(|(_, word)| word.len())?;
        let group = lower.replacen(longest.1, "", 1);
        Some(Known {
            rank: longest.0,
            group,
        })
    })
}

/// Short forms and words that are an environment's only beside others, with their ranks.
const LESS_USUAL: [(&str, usize); 39] = [
    ("snd", 0),
    ("sbox", 0),
    ("sbx", 0),
    ("sdb", 0),
    ("trunk", 0),
    ("nightly", 0),
    ("alpha", 0),
    ("lab", 0),
    ("poc", 0),
    ("edge", 0),
    ("ptl", 0),
    ("ptlsbox", 0),
    ("ephemeral", 0),
    ("devnet", 0),
    ("testnet", 1),
    ("mainnet", 5),
    ("ithc", 1),
    ("perf", 1),
    ("perftest", 1),
    ("aat", 1),
    ("sit", 1),
    ("preview", 1),
    ("beta", 2),
    ("rc", 2),
    ("nonprod", 2),
    ("nprod", 2),
    ("pre", 3),
    ("prev", 3),
    ("preprd", 3),
    ("ppd", 3),
    ("candidate", 3),
    ("training", 3),
    ("pilot", 3),
    ("prelive", 3),
    ("stable", 5),
    ("dr", 5),
    ("mgmt", 5),
    ("release", 5),
    ("lts", 5),
];

/// The rank of a word that is an environment's only beside others; numbers behind it do not matter.
pub(super) fn less_usual(word: &str) -> Option<usize> {
    let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let found = LESS_USUAL.iter().find(|(known, _)| *known == bare);
    found.map(|(_, rank)| *rank)
}

/// Whether it is nothing but a usual word: `prod`, not `prod-eu`.
pub(super) fn is_bare(name: &str) -> bool {
    known(name).is_some_and(|known| known.group.is_empty())
}

/// Whether it is where customers are: `prod`, `live-eu`, `usdfprod`.
pub(super) fn is_production(name: &str) -> bool {
    known_loosely(name).is_some_and(|known| known.rank == PRODUCTION)
}

/// Whether it is called like a region: `eu`, `us-east-1`, `europe-west4`.
pub(super) fn is_region(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.split(['-', '_']).any(|part| {
        let bare = part.trim_end_matches(|c: char| c.is_ascii_digit());
        REGIONS.contains(&bare)
    })
}

/// Environments in promotion order: by rank, then by name; those that say nothing last.
pub(super) fn in_order(names: &BTreeSet<String>) -> Vec<String> {
    let mut ordered: Vec<String> = names.iter().cloned().collect();
    ordered.sort_by_key(|name| known_loosely(name).map_or(usize::MAX, |known| known.rank));
    ordered
}

/// Promotion edges: from the nearest earlier environments of the same site, else from those that belong to none.
pub(super) fn edges(names: &[String]) -> Vec<(String, String)> {
    let all: Vec<(&String, Known)> = names
        .iter()
        .filter_map(|name| Some((name, known_loosely(name)?)))
        .collect();
    let mut edges = Vec::new();
    for (to, own) in &all {
        let earlier = |group: &str| {
            let known: Vec<_> = all
                .iter()
                .filter(|(_, other)| other.rank < own.rank && other.group == group)
                .collect();
            let nearest = known.iter().map(|(_, other)| other.rank).max();
            known
                .into_iter()
                .filter(move |(_, other)| Some(other.rank) == nearest)
                .map(|(from, _)| ((*from).clone(), (*to).clone()))
                .collect::<Vec<_>>()
        };
        let same = earlier(&own.group);
        // Rings follow each other; the first of them follows nothing that its name would say.
        let alone = own.rank >= RINGS;
        edges.extend(if same.is_empty() && !alone {
            earlier("")
        } else {
            same
        });
    }
    edges
}

fn rank(word: &str) -> Option<usize> {
    let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
    WORDS.iter().position(|words| words.contains(&bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_understood() {
        let cases = [
            ("prod", Some((5, ""))),
            ("Production", Some((5, ""))),
            ("prod-eu", Some((5, "eu"))),
            ("us-east-staging", Some((3, "us-east"))),
            ("dev2", Some((0, ""))),
            ("ring-2", Some((12, "ring"))),
            ("product", None),
            ("base", None),
            ("device", None),
        ];
        for (name, expected) in cases {
            let found = known(name).map(|known| (known.rank, known.group));
            let found = found.as_ref().map(|(rank, group)| (*rank, group.as_str()));
            assert_eq!(found, expected, "{name}");
        }
        assert_eq!(
            known_loosely("usdfprod")
                .map(|known| known.group)
                .as_deref(),
            Some("usdf")
        );
    }

    #[test]
    fn edges_stay_within_a_site_where_there_is_one() {
        let show = |names: &[&str]| {
            let names: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let names = in_order(&names);
            let edges: Vec<String> = edges(&names)
                .into_iter()
                .map(|(from, to)| format!("{from}>{to}"))
                .collect();
            format!("{}: {}", names.join(" "), edges.join(" "))
        };
        assert_eq!(
            show(&["prod-us", "staging", "dev", "prod-eu"]),
            "dev staging prod-eu prod-us: dev>staging staging>prod-eu staging>prod-us"
        );
        assert_eq!(
            show(&[
                "idfdev", "idfprod", "usdfdev", "usdfint", "usdfprod", "summit"
            ]),
            "idfdev usdfdev usdfint idfprod usdfprod summit: usdfdev>usdfint idfdev>idfprod usdfint>usdfprod"
        );
        assert_eq!(
            show(&["ring-1", "prod", "ring-0"]),
            "prod ring-0 ring-1: ring-0>ring-1"
        );
        assert_eq!(
            show(&["staging", "prod/k1", "prod", "staging/k0"]),
            "staging staging/k0 prod prod/k1: staging>prod staging>prod/k1"
        );
        assert_eq!(show(&["a", "b"]), "a b: ");
    }
}
