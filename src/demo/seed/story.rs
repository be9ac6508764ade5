//! What happened in the demo's company: months of releases from a fixed seed, then a last chapter told in full.

use super::services::{ENVIRONMENTS, SERVICES, Scheme};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// How long ago the repository began.
const BEGINNING: i64 = 168 * DAY;
/// Releases of each service before the last chapter.
const RELEASES: usize = 12;
/// How long ago the team began to promote with Tidegate.
const TIDEGATE: i64 = 60 * DAY;

/// One commit to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Seconds since 1970.
    pub time: i64,
    /// How it reaches the branch.
    pub how: How,
    /// What it does.
    pub act: Act,
    /// Random bits for the choice of author and words.
    pub dice: u64,
}

/// How a change reaches the branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Pushed by the build bot.
    Bot,
    /// A pull request, squashed.
    Squash,
    /// A pull request, merged.
    Merge,
    /// Pushed by a person.
    Direct,
    /// Pushed by Tidegate.
    Tidegate,
}

/// What a commit does. Services and environments are indices into their tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Sets a cell's version.
    Set {
        /// The service.
        service: usize,
        /// The environment.
        environment: usize,
        /// The version.
        version: String,
        /// What its commit says of the reason.
        why: Why,
    },
    /// Puts a cell back to the version before.
    Revert {
        /// The service.
        service: usize,
        /// The environment.
        environment: usize,
    },
    /// Changes the replicas of a cell: its file changes, its version does not.
    Scale {
        /// The service.
        service: usize,
        /// The environment.
        environment: usize,
        /// How many.
        replicas: u32,
    },
    /// Marks a version bad.
    Veto {
        /// The service.
        service: usize,
        /// The version.
        version: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// Changes something that no cell reads.
    Note(&'static str),
}

/// Why a version is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A new build.
    Bump,
    /// The upstream has it.
    Promote,
    /// It repairs something, in a few words.
    Fix(&'static str),
}

use How::{Bot, Direct, Merge, Squash, Tidegate};

/// The last chapter: service, environment, version, minutes before the end, how. A version that starts with `=` is a
/// revert to the version before.
#[rustfmt::skip]
const LAST_CHAPTER: &[(&str, &str, &str, i64, How)] = &[
    // Fine in staging, now broken in one prod region: the incident.
    ("checkout", "dev", "1.42.0", 27 * 60, Bot),
    ("checkout", "staging", "1.42.0", 21 * 60 + 12, Squash),
    ("checkout", "prod-us", "1.42.0", 4, Tidegate),
    // On its way to staging as the demo begins.
    ("payments", "dev", "3.9.0", 3 * 24 * 60, Bot),
    ("payments", "dev", "3.9.1", 30 * 60, Bot),
    // An emergency fix went straight to prod: staging does not have it.
    ("identity", "dev", "5.2.0", 6 * 24 * 60, Bot),
    ("identity", "prod-eu", "5.1.1", 51 * 60, Direct),
    ("identity", "prod-us", "5.1.1", 51 * 60 - 24, Direct),
    // Forgotten in staging for weeks.
    ("invoices", "dev", "2.7.0", 44 * 24 * 60, Bot),
    ("invoices", "staging", "2.7.0", 43 * 24 * 60, Squash),
    ("invoices", "dev", "2.8.0", 30 * 24 * 60, Bot),
    ("invoices", "dev", "2.8.1", 22 * 24 * 60, Bot),
    ("invoices", "dev", "2.9.0", 12 * 24 * 60, Bot),
    ("invoices", "dev", "2.9.1", 4 * 24 * 60, Bot),
    // Half way.
    ("cart", "dev", "1.18.0", 2 * 24 * 60, Bot),
    ("cart", "staging", "1.18.0", 26 * 60, Tidegate),
    ("cart", "prod-eu", "1.18.0", 5 * 60 + 8, Tidegate),
    // Reverted in prod-eu, mended in dev.
    ("catalog", "dev", "4.4.0", 5 * 24 * 60, Bot),
    ("catalog", "staging", "4.4.0", 4 * 24 * 60, Merge),
    ("catalog", "prod-eu", "4.4.0", 3 * 24 * 60, Tidegate),
    ("catalog", "prod-eu", "=", 3 * 24 * 60 - 35, Tidegate),
    ("catalog", "dev", "4.4.1", 23 * 60, Bot),
    // Arrived.
    ("search", "dev", "8.3.0", 6 * 24 * 60, Bot),
    ("search", "staging", "8.3.0", 5 * 24 * 60, Squash),
    ("search", "prod-eu", "8.3.0", 3 * 24 * 60 + 40, Merge),
    ("search", "prod-us", "8.3.0", 2 * 24 * 60 + 55, Merge),
    ("mailer", "dev", "2.0.4", 5 * 24 * 60, Bot),
    ("mailer", "staging", "2.0.4", 2 * 24 * 60 + 11, Squash),
    ("inventory", "dev", "0.32.0", 7 * 60, Bot),
    // It needs a Secret that nobody has put into the vault of dev.
    ("shipping", "dev", "2.14.1", 18, Bot),
    ("recommendations", "dev", "e07f5aa-391", 3 * 24 * 60, Bot),
    ("recommendations", "staging", "e07f5aa-391", 2 * 24 * 60, Squash),
    ("recommendations", "dev", "4d1c88e-395", 3 * 60, Bot),
    ("storefront", "dev", "2026.11.5", 4 * 24 * 60, Bot),
    ("storefront", "staging", "2026.11.5", 3 * 24 * 60, Tidegate),
    // Its canary waits for somebody.
    ("storefront", "prod-us", "2026.11.5", 36, Tidegate),
    ("storefront", "dev", "2026.11.6", 5 * 60, Bot),
    ("ledger", "dev", "1.10.0", 7 * 24 * 60, Bot),
    ("ledger", "staging", "1.10.0", 6 * 24 * 60, Merge),
    ("log-agent", "dev", "3.2.0", 8 * 24 * 60, Bot),
    ("log-agent", "staging", "3.2.0", 7 * 24 * 60, Squash),
    ("log-agent", "prod-eu", "3.2.0", 5 * 24 * 60, Squash),
];

/// Seconds before the end at which the last commit promotes payments to staging: its rollout runs as the demo begins.
const LAST: i64 = 20;

/// Small changes that no cell reads.
const NOTES: [&str; 6] = [
    "docs: on-call runbook for payments",
    "docs: how to ask for a new service",
    "ci: validate overlays with kubeconform",
    "docs: who approves prod",
    "chore: codeowners for the data team",
    "docs: link the dashboards",
];

/// Everything that happens, oldest first. The first version of every cell is [`beginnings`].
pub fn steps(now: i64, seed: u64) -> Vec<Step> {
    let mut random = Random(seed);
    let mut steps = Vec::new();
    for (index, service) in SERVICES.iter().enumerate() {
        let versions = versions(index);
        let end = now - service.settled_days * DAY;
        releases(
            index,
            &versions,
            now - BEGINNING,
            end,
            &mut random,
            &mut steps,
        );
    }
    for (i, note) in NOTES.iter().cycle().take(24).enumerate() {
        let at =
            now - BEGINNING + DAY + (BEGINNING - 12 * DAY) / 24 * i64::try_from(i).unwrap_or(0);
        push(
            &mut steps,
            working_hours(at, &mut random),
            Squash,
            Act::Note(note),
            &mut random,
        );
    }
    for (index, service) in SERVICES.iter().enumerate() {
        let at = now - random.between(20 * DAY, 120 * DAY);
        let (environment, replicas) = (2, service.replicas[2]);
        for (at, replicas) in [
            (at, replicas + 2),
            (at + random.between(2 * HOUR, 9 * DAY), replicas),
        ] {
            let act = Act::Scale {
                service: index,
                environment,
                replicas,
            };
            push(
                &mut steps,
                working_hours(at, &mut random),
                Direct,
                act,
                &mut random,
            );
        }
    }
    last_chapter(now, &mut random, &mut steps);
    steps.sort_by_key(|step| step.time);
    steps
}

/// The version that every cell of a service begins with.
pub fn beginnings(service: usize) -> String {
    versions(service).remove(0)
}

/// When the repository began, in seconds since 1970.
pub fn beginning(now: i64) -> i64 {
    now - BEGINNING
}

fn push(steps: &mut Vec<Step>, time: i64, how: How, act: Act, random: &mut Random) {
    let dice = random.next();
    steps.push(Step {
        time,
        how,
        act,
        dice,
    });
}

/// The ordinary life of one service: a bot bumps dev, people promote, some releases are left out, few are reverted.
fn releases(
    service: usize,
    versions: &[String],
    start: i64,
    end: i64,
    random: &mut Random,
    steps: &mut Vec<Step>,
) {
    let count = i64::try_from(versions.len()).unwrap_or(1);
    let spacing = (end - 8 * DAY - start) / count;
    // When each environment last moved: a later release never arrives before an earlier one.
    let mut moved = [start; 4];
    for (release, version) in versions.iter().enumerate().skip(1) {
        let last = release + 1 == versions.len();
        let age = i64::try_from(release).unwrap_or(0);
        let mut at = start + spacing * age + random.between(0, spacing / 2);
        for environment in 0..ENVIRONMENTS.len() {
            let (chance, soonest, latest) = [
                (100, 0, 1),
                (78, 2 * HOUR, 20 * HOUR),
                (85, 18 * HOUR, 52 * HOUR),
                (93, HOUR, 16 * HOUR),
            ][environment];
            if environment > 0 {
                if !last && random.between(0, 100) >= chance {
                    break;
                }
                at = working_hours(at + random.between(soonest, latest), random);
            }
            at = at.max(moved[environment] + 10 * MINUTE);
            moved[environment] = at;
            let why = if environment == 0 {
                Why::Bump
            } else {
                Why::Promote
            };
            let how = how(environment, at, end, random);
            let act = Act::Set {
                service,
                environment,
                version: version.clone(),
                why,
            };
            push(steps, at, how, act, random);
            if environment == 2 && !last && random.between(0, 100) < 7 {
                let back = at + random.between(15 * MINUTE, 2 * HOUR);
                moved[environment] = back;
                push(
                    steps,
                    back,
                    how,
                    Act::Revert {
                        service,
                        environment,
                    },
                    random,
                );
                break;
            }
        }
    }
}

fn how(environment: usize, at: i64, end: i64, random: &mut Random) -> How {
    if environment == 0 {
        return Bot;
    }
    match random.between(0, 100) {
        0..25 => Merge,
        25..60 if at > end - TIDEGATE => Tidegate,
        95.. => Direct,
        _ => Squash,
    }
}

fn last_chapter(now: i64, random: &mut Random, steps: &mut Vec<Step>) {
    let index = |name: &str| SERVICES.iter().position(|s| s.name == name).unwrap_or(0);
    let column = |name: &str| ENVIRONMENTS.iter().position(|e| *e == name).unwrap_or(0);
    for (service, environment, version, minutes, how) in LAST_CHAPTER {
        let (service, environment) = (index(service), column(environment));
        let act = if *version == "=" {
            Act::Revert {
                service,
                environment,
            }
        } else {
            let why = match (environment, how) {
                (0, _) => Why::Bump,
                (_, Direct) => Why::Fix("session cookies survive logout"),
                _ => Why::Promote,
            };
            Act::Set {
                service,
                environment,
                version: (*version).to_owned(),
                why,
            }
        };
        let at = now - minutes * MINUTE - random.between(0, 50);
        push(steps, at, *how, act, random);
    }
    let act = Act::Set {
        service: index("payments"),
        environment: 1,
        version: "3.9.1".to_owned(),
        why: Why::Promote,
    };
    push(steps, now - LAST, Tidegate, act, random);
    // Soon after it was taken back in prod-eu.
    let act = Act::Veto {
        service: index("catalog"),
        version: "4.4.0",
        reason: "search forgets its filters on the second page",
    };
    push(steps, now - 3 * DAY + 50 * MINUTE, Tidegate, act, random);
}

/// The versions of a service up to its settled one, oldest first; the same in every demo.
fn versions(service: usize) -> Vec<String> {
    let service = &SERVICES[service];
    let salt = service.name.bytes().fold(0, |sum: u64, b| {
        sum.wrapping_mul(31).wrapping_add(u64::from(b))
    });
    let mut random = Random(salt);
    let mut versions = vec![service.settled.to_owned()];
    let mut numbers: Vec<i64> = match service.scheme {
        Scheme::ShaBuild => vec![387],
        _ => service
            .settled
            .split('.')
            .filter_map(|n| n.parse().ok())
            .collect(),
    };
    while versions.len() < RELEASES + 1 {
        let version = match service.scheme {
            Scheme::ShaBuild => {
                numbers[0] -= random.between(1, 6);
                let sha = random.next() & 0x0fff_ffff;
                // The tag must look like a commit: at least one letter beside the digits.
                format!("{:07x}-{}", (sha & !0xf) | 0xc, numbers[0])
            }
            Scheme::SemVer => {
                before(&mut numbers, random.between(1, 5), random.between(3, 9));
                dotted(&numbers)
            }
            Scheme::CalVer => {
                if numbers[2] > 1 {
                    numbers[2] -= 1;
                } else {
                    numbers[2] = random.between(2, 5);
                    numbers[1] -= 1;
                }
                dotted(&numbers)
            }
        };
        versions.push(version);
    }
    versions.reverse();
    versions
}

/// Steps a `SemVer` back: the patch, or the minor with a patch, or the major with a minor.
fn before(numbers: &mut [i64], patch: i64, minor: i64) {
    if numbers[2] > 0 {
        numbers[2] -= 1;
    } else if numbers[1] > 0 {
        numbers[1] -= 1;
        numbers[2] = patch - 1;
    } else {
        numbers[0] -= 1;
        numbers[1] = minor;
        numbers[2] = patch - 1;
    }
}

fn dotted(numbers: &[i64]) -> String {
    let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    texts.join(".")
}

/// The next moment, from `at` on, when people work: weekdays from 8 to 18.
fn working_hours(at: i64, random: &mut Random) -> i64 {
    let mut day = at.div_euclid(DAY);
    let mut second = at.rem_euclid(DAY);
    if second >= 18 * HOUR {
        day += 1;
        second = 0;
    }
    // 1970-01-01 was a Thursday; Monday is 0.
    let weekday = (day + 3).rem_euclid(7);
    if weekday >= 5 {
        day += 7 - weekday;
        second = 0;
    }
    if second < 8 * HOUR {
        second = 8 * HOUR + random.between(0, 4 * HOUR);
    }
    day * DAY + second
}

/// `SplitMix64`: small, and the same everywhere.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` (included) to `high` (excluded).
    fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low).unwrap_or(1).max(1);
        low + i64::try_from(self.next() % span).unwrap_or(0)
    }
}
