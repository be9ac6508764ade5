//! `http`, `promql`, `command`: what is asked outside, before a change and, but for `command`, after its rollout.
//!
//! Each check is judged by its own level, by what it says of unknown, and by whether it judges reverts; the gate says the
//! worst of them. What is slow, garbled or not allowed is not known, and that is not good.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::{
    Answer, Change, CommandQuestion, Facts, Finding, Gate, HttpQuestion, HttpReply, NOT_KNOWN,
    PromqlQuestion, Question, Ran, Sample,
};
use crate::domain::{
    address, age,
    desired::Desired,
    ids::{CellKey, RepoPath},
    plan::{FileEdit, Level, Outcome},
    policy::check::{About, Ask, Check, Http, Promql},
    text::{clip, sanitise},
};

pub(super) const HTTP: Gate = Gate {
    id: "http",
    about: "an address answers as it should",
    acts: |change| own(change, "http").next().is_some(),
    questions: |change| questions(change, "http"),
    judge: |change, facts, now| judge(change, (facts, now), "http"),
    ..COMMAND
};

pub(super) const PROMQL: Gate = Gate {
    id: "promql",
    about: "every sample of a query is where it should be",
    acts: |change| own(change, "promql").next().is_some(),
    questions: |change| questions(change, "promql"),
    judge: |change, facts, now| judge(change, (facts, now), "promql"),
    ..COMMAND
};

pub(super) const COMMAND: Gate = Gate {
    id: "command",
    about: "a program that reads the changed files ends well",
    promotions_only: false,
    // Each check says by itself whether it judges reverts.
    reverts: true,
    acts: |change| own(change, "command").next().is_some(),
    questions: |change| questions(change, "command"),
    judge: |change, facts, now| judge(change, (facts, now), "command"),
};

/// So much of what was said stands in a verdict.
const WORDS: usize = 200;

/// What a check's answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Checked {
    /// As it should be.
    Good,
    /// Nobody can say.
    NotKnown,
    /// Not as it should be.
    Bad,
}

/// What one check says, in a sentence.
type Said = (Checked, String);

fn own<'a>(change: &Change<'a>, gate: &'static str) -> impl Iterator<Item = &'a Check> {
    let checks = change.gates().map_or(&[][..], |gates| &gates.checks);
    checks.iter().filter(move |check| check.ask.gate() == gate)
}

fn about<'a>(change: &Change<'a>) -> About<'a> {
    About {
        cell: change.cell,
        version: change.to,
        before: change.desired.version(change.cell),
        from: change.upstream(),
        topology: change.topology,
    }
}

fn questions(change: &Change<'_>, gate: &'static str) -> Vec<Question> {
    let asked = own(change, gate).map(|check| question_of(change, check));
    asked.filter_map(Result::ok).collect()
}

fn question_of(change: &Change<'_>, check: &Check) -> Result<Question, String> {
    let about = about(change);
    match &check.ask {
        Ask::Command(command) => Ok(Question::Command(CommandQuestion {
            run: command.run.clone(),
            variables: variables(&about),
            input: input(change.desired, change.cell, change.edits),
            timeout: command.timeout,
            consent: check.consent.clone(),
        })),
        _ => question(&about, check),
    }
}

/// What a check asks that runs nothing.
fn question(about: &About<'_>, check: &Check) -> Result<Question, String> {
    match &check.ask {
        Ask::Http(http) => Ok(Question::Http(HttpQuestion {
            url: about.address(&http.url)?,
            // Whoever waits for a redirect does not want it followed.
            follow: !http
                .status
                .is_some_and(|status| (300..400).contains(&status)),
            timeout: http.timeout,
            consent: check.consent.clone(),
        })),
        Ask::Promql(promql) => Ok(Question::Promql(PromqlQuestion {
            server: promql.server.clone(),
            query: about.query(&promql.query)?,
            timeout: promql.timeout,
        })),
        Ask::Command(_) => Err("a program judges what is written, before it is".to_owned()),
    }
}

/// What a program finds in its environment.
fn variables(about: &About<'_>) -> Vec<(&'static str, String)> {
    let text = |text: Option<&dyn ToString>| text.map(ToString::to_string);
    let all = [
        ("TIDEGATE_SERVICE", Some(about.cell.service.to_string())),
        (
            "TIDEGATE_ENVIRONMENT",
            Some(about.cell.environment.to_string()),
        ),
        ("TIDEGATE_VERSION", text(about.version.map(|it| it as _))),
        (
            "TIDEGATE_FROM_VERSION",
            text(about.before.map(|it| it as _)),
        ),
        (
            "TIDEGATE_FROM_ENVIRONMENT",
            text(about.upstream().map(|it| it as _)),
        ),
        ("TIDEGATE_URL", about.url()),
        ("TIDEGATE_FROM_URL", about.from_url()),
    ];
    // What there is nothing for is empty: a program that is strict about its environment is none the worse for it.
    let all = all.into_iter();
    all.map(|(name, value)| (name, value.unwrap_or_default()))
        .collect()
}

/// The new content of the files that change for a cell: those that it is read from or, where none of these changes, all of
/// its commit. Several are documents one after the other.
fn input(desired: &Desired, cell: &CellKey, edits: &[FileEdit]) -> Arc<[u8]> {
    let cell = desired.cells.get(cell);
    let sources = cell.map_or(&[][..], |cell| &cell.sources);
    let sources: BTreeSet<&RepoPath> = sources.iter().map(|source| &source.path).collect();
    let of_it = sources.into_iter().filter_map(|path| {
        let at = edits.binary_search_by(|edit| edit.path.cmp(path));
        edits.get(at.ok()?)
    });
    let mut files: Vec<&FileEdit> = of_it.collect();
    if files.is_empty() {
        files = edits.iter().collect();
    }
    let mut content = Vec::new();
    for (at, file) in files.iter().enumerate() {
        if at > 0 {
            if !content.ends_with(b"\n") {
                content.push(b'\n');
            }
            content.extend_from_slice(b"---\n");
        }
        content.extend_from_slice(&file.after);
    }
    content.into()
}

fn judge(change: &Change<'_>, (facts, now): (&Facts, Timestamp), gate: &'static str) -> Finding {
    let about = about(change);
    let mut worst = Finding {
        level: Level::Warn,
        outcome: Outcome::Pass,
        detail: String::new(),
        earliest: None,
    };
    let mut said = Vec::new();
    for check in own(change, gate) {
        let question = question_of(change, check);
        let at = question.as_ref().ok().and_then(|asked| facts.at(asked));
        let (checked, mut words) = answered(&about, check, question, facts);
        if let Some(at) = at {
            words.extend([" (", &age::between(at, now), " ago)"]);
        }
        let level = check.rule.level.unwrap_or_default();
        let lets_back = change.is_revert() && !check.rule.reverts;
        let outcome = match checked {
            Checked::Good => Outcome::Pass,
            Checked::NotKnown => change.unknown_by(check.rule),
            Checked::Bad => Outcome::Hold,
        };
        let (outcome, level) = match (outcome, level) {
            (Outcome::Hold, _) if lets_back => (Outcome::Warn, Level::Warn),
            (Outcome::Hold, Level::Warn) => (Outcome::Warn, level),
            (outcome, level) => (outcome, level),
        };
        if (weight(outcome), rank(level)) >= (weight(worst.outcome), rank(worst.level)) {
            (worst.outcome, worst.level) = (outcome, level);
        }
        said.push((checked, words));
    }
    // What is wrong comes first.
    said.sort_by_key(|(checked, _)| std::cmp::Reverse(*checked));
    let not_known = said.iter().all(|(checked, _)| *checked != Checked::Bad)
        && said
            .iter()
            .any(|(checked, _)| *checked == Checked::NotKnown);
    let words: Vec<String> = said.into_iter().map(|(_, words)| words).collect();
    let prefix = if not_known { NOT_KNOWN } else { "" };
    worst.detail = format!("{prefix}{}", words.join("; "));
    worst
}

fn weight(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Pass => 0,
        Outcome::Warn => 1,
        Outcome::Unknown => 2,
        Outcome::Hold => 3,
    }
}

fn rank(level: Level) -> u8 {
    match level {
        Level::Warn => 0,
        Level::Hold => 1,
        Level::Hard => 2,
    }
}

fn answered(
    about: &About<'_>,
    check: &Check,
    question: Result<Question, String>,
    facts: &Facts,
) -> Said {
    let question = match question {
        Ok(question) => question,
        Err(why) => return (Checked::NotKnown, why),
    };
    let not_known = |why: &str| (Checked::NotKnown, format!("{}: {why}", name(&question)));
    match (&check.ask, facts.answer(&question)) {
        (Ask::Http(http), Some(Answer::Http(Ok(reply)))) => {
            http_says(about, http, &name(&question), reply)
        }
        (Ask::Promql(promql), Some(Answer::Samples(Ok(samples)))) => {
            samples_say(promql, &name(&question), samples)
        }
        (Ask::Command(_), Some(Answer::Ran(Ok(ran)))) => program_says(&name(&question), ran),
        (_, Some(Answer::Http(Err(why)) | Answer::Samples(Err(why)) | Answer::Ran(Err(why)))) => {
            not_known(why)
        }
        _ => not_known("nobody asked"),
    }
}

/// What is asked, as the subject of a sentence.
fn name(question: &Question) -> String {
    match question {
        Question::Http(asked) => address::redact(&asked.url),
        Question::Promql(asked) => format!("`{}` on {}", asked.query, asked.server),
        Question::Command(asked) => format!("`{}`", asked.run.join(" ")),
        _ => question.to_string(),
    }
}

fn http_says(about: &About<'_>, http: &Http, name: &str, reply: &HttpReply) -> Said {
    let is_status = match http.status {
        Some(wanted) => reply.status == wanted,
        None => (200..300).contains(&reply.status),
    };
    let status = reply.status;
    if !is_status {
        let wanted = http
            .status
            .map_or("2xx".to_owned(), |status| status.to_string());
        return (
            Checked::Bad,
            format!("{name} answers {status}, not {wanted}"),
        );
    }
    let Some(contains) = &http.contains else {
        return (Checked::Good, format!("{name} answers {status}"));
    };
    let contains = match about.text(contains) {
        Ok(contains) => contains,
        Err(why) => return (Checked::NotKnown, format!("{name}: {why}")),
    };
    if reply.body.contains(&contains) {
        let words = shortened(&contains);
        (
            Checked::Good,
            format!("{name} answers {status} with `{words}`"),
        )
    } else if reply.cut {
        let words =
            format!("{name} says more than is read, and `{contains}` is not in its beginning");
        (Checked::NotKnown, words)
    } else {
        let said = match reply.body.trim() {
            "" => "nothing".to_owned(),
            body => format!("`{}`", shortened(body)),
        };
        let words = format!(
            "{name} answers {status} without `{}`: it says {said}",
            shortened(&contains)
        );
        (Checked::Bad, words)
    }
}

/// A text of others in a sentence.
fn shortened(text: &str) -> String {
    clip(&sanitise(&text.replace('\n', " ")), WORDS, "…")
}

fn samples_say(promql: &Promql, name: &str, samples: &[Sample]) -> Said {
    let wanted = [
        promql.below.map(|limit| format!("below {}", limit.0)),
        promql.above.map(|limit| format!("above {}", limit.0)),
    ];
    let wanted: Vec<String> = wanted.into_iter().flatten().collect();
    let wanted = wanted.join(" and ");
    if samples.is_empty() {
        let words = format!("{name} gives nothing, where a value has to be {wanted}");
        return (Checked::NotKnown, words);
    }
    let is_good = |sample: &&Sample| {
        promql.below.is_none_or(|limit| sample.value < limit.0)
            && promql.above.is_none_or(|limit| sample.value > limit.0)
    };
    let told = |sample: &Sample| {
        let labels = match sample.labels.as_str() {
            "" => String::new(),
            labels => format!(" ({})", clip(labels, WORDS, "…")),
        };
        format!("{}{labels}", sample.value)
    };
    let numbers = || samples.iter().filter(|sample| !sample.value.is_nan());
    let bad: Vec<&Sample> = numbers().filter(|sample| !is_good(sample)).collect();
    let of = match samples.len() {
        1 => String::new(),
        all => format!("; {} of {all} series", bad.len()),
    };
    if let Some(first) = bad.first() {
        let words = format!("{name} is {}, and has to be {wanted}{of}", told(first));
        return (Checked::Bad, words);
    }
    if numbers().count() < samples.len() {
        let words = format!("{name} has a value that is no number (NaN), and has to be {wanted}");
        return (Checked::NotKnown, words);
    }
    match samples {
        [one] => (Checked::Good, format!("{name} is {}, {wanted}", told(one))),
        all => (
            Checked::Good,
            format!("{name} is {wanted} in all {} series", all.len()),
        ),
    }
}

fn program_says(name: &str, ran: &Ran) -> Said {
    let said = match ran.said.join(" ") {
        said if said.is_empty() => String::new(),
        said => format!(": {}", clip(&said, 2 * WORDS, "…")),
    };
    match ran.code {
        Some(0) => (Checked::Good, format!("{name} ends well{said}")),
        // What a shell says of a program that is not there, or cannot be run.
        Some(code @ (126 | 127)) => (
            Checked::NotKnown,
            format!("{name} could not be run (exit {code}){said}"),
        ),
        Some(code) => (Checked::Bad, format!("{name} says no (exit {code}){said}")),
        None => (
            Checked::NotKnown,
            format!("{name} was ended by a signal{said}"),
        ),
    }
}

/// What the checks of a rollout say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The worst of them.
    pub checked: Checked,
    /// All that they say, the worst first.
    pub said: String,
    /// Asking again gives nothing else: nobody has allowed it.
    pub for_good: bool,
}

/// What has to be asked to verify the rollout of a cell.
pub fn verify_questions(about: &About<'_>) -> Vec<Question> {
    let asked = after(about).iter().map(|check| question(about, check));
    asked.filter_map(Result::ok).collect()
}

/// What the checks after a rollout say; `None` where the environment asks for none.
pub fn verified(about: &About<'_>, facts: &Facts) -> Option<Verified> {
    let mut said: Vec<Said> = after(about)
        .iter()
        .map(
            |check| match answered(about, check, question(about, check), facts) {
                (Checked::Bad, words) if check.rule.level == Some(Level::Warn) => {
                    (Checked::Good, format!("{words} (only said)"))
                }
                (Checked::NotKnown, words) if check.rule.unknown_holds == Some(false) => {
                    (Checked::Good, format!("{NOT_KNOWN}{words} (only said)"))
                }
                said => said,
            },
        )
        .collect();
    said.sort_by_key(|(checked, _)| std::cmp::Reverse(*checked));
    let (checked, _) = said.first()?;
    Some(Verified {
        checked: *checked,
        said: said
            .iter()
            .map(|(_, words)| words.as_str())
            .collect::<Vec<_>>()
            .join("; "),
        for_good: false,
    })
}

fn after<'a>(about: &About<'a>) -> &'a [Check] {
    let policy = about.topology.policy.of(&about.cell.environment);
    policy.map_or(&[], |policy| &policy.verify)
}
