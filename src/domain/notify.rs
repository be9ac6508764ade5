//! Notifications: who is told what of a delivery, and in which words. Nobody is told who is not asked for, and a delivery waits
//! for no answer.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    age,
    credential::Credential,
    delivery::{Delivery, Outcome, Step},
    glob,
    ids::{CellKey, ServiceName},
    plan::{self, Intent, Plan},
    policy::{check::Consent, veto::VetoAction},
    version::Version,
};

/// Something that people are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A plan is confirmed.
    Planned,
    /// It left the clone: it is pushed, or its pull request is open.
    Delivered,
    /// All of it is healthy.
    Healthy,
    /// It does not become healthy, or did not arrive.
    Failed,
    /// Of what was delivered something goes back.
    Reverted,
    /// A hold was lifted.
    Overridden,
    /// A version was marked bad.
    Vetoed,
    /// A version went to where its upstream does not have it.
    SkippedUpstream,
    /// What goes back waits for somebody to let it through: when its pull request is open, and again as long as it waits.
    Urgent,
}

/// `[[notify]]`: whom to tell what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// Of what.
    pub on: Vec<Event>,
    /// In which environments: names and patterns; none: in all.
    pub environments: Vec<String>,
    /// Whom.
    pub to: Target,
    /// What the user has to have allowed before; `None`: nothing, the user's own file says it.
    pub consent: Option<Consent>,
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A channel of Slack by its API, one thread for each delivery; the secret of this name is its token.
    Slack {
        /// `#releases`, or the channel's id.
        channel: String,
        /// The name of the secret.
        secret: String,
    },
    /// A channel of Slack by a webhook, whose address is the secret of this name.
    SlackWebhook(String),
    /// A channel of Microsoft Teams, by a webhook whose address is the secret of this name.
    Teams(String),
    /// Whoever takes JSON at an address.
    Webhook {
        /// Where.
        address: Address,
        /// The body, with [`PLACES`]; `None`: [`Notification::json`].
        template: Option<String>,
    },
    /// Annotations of Grafana: each delivery is one, from the first that is told of it to the last.
    Grafana {
        /// Grafana's address, without a `/` at the end.
        url: String,
        /// The name of the secret that is its token.
        secret: String,
        /// Tags beside the event, services and environments.
        tags: Vec<String>,
        /// The dashboard that it is of, by its uid; `None`: of all that ask for its tags.
        dashboard: Option<String>,
    },
    /// A program, which reads [`Notification::json`] on its standard input.
    Command(Vec<String>),
}

/// Where a webhook is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// There.
    Plain(String),
    /// The secret of this name says it.
    Secret(String),
}

/// One `[[secrets]]` entry of the user's own file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// What `[[notify]]` calls it.
    pub name: String,
    /// Where it comes from.
    pub value: Credential,
    /// The API that it opens, in place of the usual one.
    pub url: Option<String>,
}

/// The places that can stand in a template.
pub const PLACES: [&str; 9] = [
    "event",
    "text",
    "subject",
    "target",
    "services",
    "environments",
    "commit",
    "url",
    "detail",
];

/// What a delivery is about, for those who are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Every cell, with its version before and after where that is known.
    cells: Vec<(CellKey, Option<Version>, Option<Version>)>,
    reverts: bool,
    /// Holds that were lifted: (gate, reason).
    lifted: Vec<(String, String)>,
    /// Vetoes that it writes: (service, version, reason).
    vetoes: Vec<(String, String, String)>,
    /// Cells that go where their upstream is not yet.
    skips: Vec<CellKey>,
    /// Who may let its pull requests through, where the configuration names them.
    approvers: Vec<String>,
}

/// What goes back and waits still is told of again after so many minutes.
const CLOCK: [i64; 5] = [5, 15, 30, 60, 120];

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Of what.
    pub event: Event,
    /// Names the delivery.
    pub delivery: String,
    /// What it does: `promote web 1.42.0 → 1.43.0 to prod`.
    pub subject: String,
    /// Where it goes: `origin/main`.
    pub target: String,
    /// Its cells.
    cells: Vec<(CellKey, Option<Version>, Option<Version>)>,
    /// The commit that left the clone.
    commit: Option<String>,
    /// The pull request: its number and its page.
    request: Option<(u64, String)>,
    /// Why, where there is something to say.
    pub detail: String,
}

impl Event {
    /// All of them, with their names in the configuration.
    pub const ALL: [(&'static str, Self); 9] = [
        ("planned", Self::Planned),
        ("delivered", Self::Delivered),
        ("healthy", Self::Healthy),
        ("failed", Self::Failed),
        ("reverted", Self::Reverted),
        ("overridden", Self::Overridden),
        ("vetoed", Self::Vetoed),
        ("skipped-upstream", Self::SkippedUpstream),
        ("urgent", Self::Urgent),
    ];

    /// Whether a delivery ends with it.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Healthy | Self::Failed)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }
}

impl Notify {
    /// Whether it asks for this.
    pub fn wants(&self, told: &Notification) -> bool {
        let is_of = |cell: &CellKey| {
            let mut patterns = self.environments.iter();
            patterns.any(|pattern| glob::is_match(pattern, cell.environment.as_str()))
        };
        self.on.contains(&told.event)
            && (self.environments.is_empty() || told.cells.iter().any(|(cell, _, _)| is_of(cell)))
    }
}

impl Target {
    /// Who it is, in words without secrets.
    pub fn words(&self) -> String {
        match self {
            Self::Slack { channel, .. } => format!("{channel} of Slack"),
            Self::SlackWebhook(name) => format!("Slack's webhook `{name}`"),
            Self::Teams(name) => format!("Teams' webhook `{name}`"),
            Self::Webhook {
                address: Address::Secret(name),
                ..
            } => format!("the webhook `{name}`"),
            Self::Webhook {
                address: Address::Plain(url),
                ..
            } => url.clone(),
            Self::Grafana { url, .. } => format!("Grafana at {url}"),
            Self::Command(run) => format!("`{}`", run.join(" ")),
        }
    }

    /// The name of the secret that it needs.
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::Slack { secret, .. } | Self::Grafana { secret, .. } => Some(secret),
            Self::SlackWebhook(name)
            | Self::Teams(name)
            | Self::Webhook {
                address: Address::Secret(name),
                ..
            } => Some(name),
            Self::Webhook { .. } | Self::Command(_) => None,
        }
    }
}

impl About {
    /// A plan that is delivered.
    pub fn plan(plan: &Plan) -> Self {
        let changes = &plan.changes;
        let verdicts = || {
            let all = changes.iter();
            all.flat_map(|change| change.verdicts.iter().map(move |it| (&change.cell, it)))
        };
        let mut lifted: Vec<(String, String)> = Vec::new();
        for (_, verdict) in verdicts() {
            if let Some(reason) = &verdict.overridden {
                let one = (verdict.gate.clone(), reason.clone());
                if !lifted.contains(&one) {
                    lifted.push(one);
                }
            }
        }
        let vetoes = plan.writes().flat_map(|write| &write.vetoes);
        let vetoes = vetoes.filter_map(|veto| match &veto.action {
            VetoAction::Add { reason, .. } => {
                let version = veto.version.as_str().to_owned();
                Some((veto.service.clone(), version, reason.clone()))
            }
            VetoAction::Lift => None,
        });
        let is_revert = |cell: &CellKey| {
            let mut all = changes.iter();
            let change = all.find(|it| it.cell == *cell);
            change.is_some_and(|it| matches!(it.intent, Intent::Revert { .. }))
        };
        let skips = verdicts().filter(|(cell, it)| {
            let is_no = matches!(it.outcome, plan::Outcome::Hold | plan::Outcome::Warn);
            it.gate == "upstream" && is_no && !is_revert(cell)
        });
        Self {
            cells: changes
                .iter()
                .map(|it| (it.cell.clone(), it.from.clone(), it.to.clone()))
                .collect(),
            reverts: changes
                .iter()
                .any(|it| matches!(it.intent, Intent::Revert { .. })),
            lifted,
            vetoes: vetoes.collect(),
            skips: skips.map(|(cell, _)| cell.clone()).collect(),
            approvers: Vec::new(),
        }
    }

    /// With those who may let its pull requests through.
    #[must_use]
    pub fn let_through_by(self, approvers: Vec<String>) -> Self {
        Self { approvers, ..self }
    }

    /// What is told of something urgent that waits still, where it is time for that, and of how many minutes that is.
    pub fn clock(&self, delivery: &Delivery, now: Timestamp) -> Option<(Notification, i64)> {
        if !delivery.urgent || !delivery.awaits_merge() {
            return None;
        }
        let due = due(delivery.started, delivery.clocked, now)?;
        let since = age::between(delivery.started, now);
        let detail = format!("it waits for {since}; {}", self.who_may());
        Some((self.notification(delivery, Event::Urgent, detail), due))
    }

    fn who_may(&self) -> String {
        match &self.approvers[..] {
            [] => "whoever may merge it can let it through".to_owned(),
            names => format!("it can be let through by {}", names.join(", ")),
        }
    }

    /// A delivery that was kept: what its plan was is not.
    pub fn kept(delivery: &Delivery) -> Self {
        let cells = delivery.cells.iter();
        Self {
            cells: cells.map(|run| (run.cell.clone(), None, None)).collect(),
            ..Self::default()
        }
    }

    /// What is told of a step, the delivery being as it is behind it.
    pub fn told(&self, delivery: &Delivery, step: &Step) -> Vec<Notification> {
        let mut all = Vec::new();
        let mut add = |event, detail: String| all.push(self.notification(delivery, event, detail));
        match step {
            Step::Confirmed(_) => add(Event::Planned, String::new()),
            Step::Published => {
                let waits = delivery.requests().map(|(_, request)| request.describe());
                add(Event::Delivered, waits.collect::<Vec<_>>().join("; "));
                if delivery.urgent && delivery.awaits_merge() {
                    add(Event::Urgent, self.who_may());
                }
                if self.reverts {
                    add(Event::Reverted, String::new());
                }
                if !self.lifted.is_empty() {
                    let one = |(gate, reason): &(String, String)| format!("{gate}: {reason}");
                    let lifted: Vec<String> = self.lifted.iter().map(one).collect();
                    add(Event::Overridden, lifted.join("; "));
                }
                if !self.vetoes.is_empty() {
                    let one = |(service, version, reason): &(String, String, String)| {
                        format!("{service} {version}: {reason}")
                    };
                    let vetoes: Vec<String> = self.vetoes.iter().map(one).collect();
                    add(Event::Vetoed, vetoes.join("; "));
                }
                if !self.skips.is_empty() {
                    let cells: Vec<String> = self.skips.iter().map(CellKey::to_string).collect();
                    let detail = format!("{} is ahead of its upstream", cells.join(", "));
                    add(Event::SkippedUpstream, detail);
                }
            }
            Step::Ended(outcome) => match outcome {
                Outcome::Healthy(_) => add(Event::Healthy, String::new()),
                Outcome::Unwatched
                | Outcome::WaitsForMerge(_)
                | Outcome::Superseded
                | Outcome::Dropped => {}
                // Nothing of it left the clone: nothing is different.
                Outcome::NotPublished(_) if delivery.parts.is_empty() => {}
                _ => {
                    let one = |(cell, why): (&CellKey, &str)| format!("{cell}: {why}");
                    let failed: Vec<String> = delivery.failed().map(one).collect();
                    let verdict = delivery.verdict().and_then(Result::err);
                    let verdict = verdict.map(|failure| failure.to_string());
                    add(
                        Event::Failed,
                        match &failed[..] {
                            [] => verdict.unwrap_or_default(),
                            failed => failed.join("; "),
                        },
                    );
                }
            },
            _ => {}
        }
        all
    }

    fn notification(&self, delivery: &Delivery, event: Event, detail: String) -> Notification {
        let request = delivery.requests().next();
        Notification {
            event,
            delivery: delivery.id.to_string(),
            subject: delivery.subject.clone(),
            target: delivery.target.clone(),
            cells: self.cells.clone(),
            commit: delivery.parts.first().map(|part| part.commit.to_string()),
            request: request.map(|(_, request)| (request.number, request.url.clone())),
            detail,
        }
    }
}

/// Of how many minutes of waiting is to be told, where it was told of so many: of the last ones that are over.
fn due(since: Timestamp, told: i64, now: Timestamp) -> Option<i64> {
    let minutes = now.duration_since(since).as_mins();
    let due = CLOCK.into_iter().rev().find(|at| minutes >= *at)?;
    (due > told).then_some(due)
}

impl Notification {
    /// That a cell is ahead of its upstream, whoever brought it there; `detail`: of what.
    pub fn ahead(cell: CellKey, version: Version, detail: String) -> Self {
        Self {
            event: Event::SkippedUpstream,
            delivery: format!("ahead {cell} {version}"),
            subject: format!("{} {version} in {}", cell.service, cell.environment),
            target: String::new(),
            cells: vec![(cell, None, Some(version))],
            commit: None,
            request: None,
            detail,
        }
    }

    /// The cells that it is about, with the version that each comes to.
    pub fn cells(&self) -> impl Iterator<Item = (&CellKey, Option<&Version>)> {
        self.cells.iter().map(|(cell, _, to)| (cell, to.as_ref()))
    }

    /// In one line: `delivered: promote web 1.42.0 → 1.43.0 to prod on origin/main (a1b2c3d)`.
    pub fn text(&self) -> String {
        let mut text = format!("{}: {}", self.event.as_str(), self.subject);
        if !self.target.is_empty() {
            let _ = write!(text, " on {}", self.target);
        }
        if let Some(commit) = self.commit.as_ref().and_then(|commit| commit.get(..7)) {
            let _ = write!(text, " ({commit})");
        }
        if !self.detail.is_empty() {
            let _ = write!(text, ": {}", self.detail);
        }
        if let Some((_, url)) = self.request.as_ref().filter(|(_, url)| !url.is_empty()) {
            let _ = write!(text, " {url}");
        }
        text
    }

    /// For programs: `tidegate.notification/v1`.
    pub fn json(&self) -> Value {
        let cells = self.cells.iter().map(|(cell, from, to)| {
            json!({ "service": cell.service, "environment": cell.environment, "from": from, "to": to })
        });
        let request = self.request.as_ref();
        json!({
            "schema": "tidegate.notification/v1",
            "event": self.event.as_str(),
            "delivery": self.delivery,
            "text": self.text(),
            "subject": self.subject,
            "target": self.target,
            "cells": cells.collect::<Vec<Value>>(),
            "commit": self.commit,
            "pull_request": request.map(|(number, url)| json!({ "number": number, "url": url })),
            "detail": self.detail,
        })
    }

    /// For Grafana: what an annotation says and by which tags it is found, `tags` among them.
    pub fn annotation(&self, tags: &[String]) -> Value {
        let mut all: Vec<String> = tags.to_vec();
        all.push(self.event.as_str().to_owned());
        for (cell, _, _) in &self.cells {
            all.push(cell.service.as_str().to_owned());
            all.push(cell.environment.as_str().to_owned());
        }
        let mut once: Vec<String> = Vec::new();
        for tag in all {
            if !once.contains(&tag) {
                once.push(tag);
            }
        }
        json!({ "text": self.text(), "tags": once })
    }

    /// What stands in a place of a template, as it stands within quotes of JSON.
    fn place(&self, name: &str) -> Option<String> {
        let each = |of: &dyn Fn(&CellKey) -> String| {
            let mut all: Vec<String> = self.cells.iter().map(|(cell, _, _)| of(cell)).collect();
            all.sort();
            all.dedup();
            all.join(", ")
        };
        let service = |cell: &CellKey| ServiceName::as_str(&cell.service).to_owned();
        let environment = |cell: &CellKey| cell.environment.as_str().to_owned();
        let text = match name {
            "event" => self.event.as_str().to_owned(),
            "text" => self.text(),
            "subject" => self.subject.clone(),
            "target" => self.target.clone(),
            "services" => each(&service),
            "environments" => each(&environment),
            "commit" => self.commit.clone().unwrap_or_default(),
            "url" => self.request.clone().map(|(_, url)| url).unwrap_or_default(),
            "detail" => self.detail.clone(),
            _ => return None,
        };
        let quoted = Value::from(text).to_string();
        Some(quoted[1..quoted.len() - 1].to_owned())
    }

    /// A template with its places filled; braces that are no place are its own.
    pub fn fill(&self, template: &str) -> String {
        let mut filled = String::new();
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            let (before, from) = rest.split_at(open);
            filled.push_str(before);
            let name = from[1..].split('}').next().unwrap_or_default();
            if let Some(text) = self.place(name) {
                filled.push_str(&text);
                rest = &from[name.len() + 2..];
            } else {
                filled.push('{');
                rest = &from[1..];
            }
        }
        filled + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(event: Event, environment: &str) -> Notification {
        Notification {
            event,
            delivery: "1-abc".to_owned(),
            subject: "promote web 1.42.0 → 1.43.0 to prod".to_owned(),
            target: "origin/main".to_owned(),
            cells: vec![(
                CellKey::new("web", environment),
                Some("1.42.0".into()),
                Some("1.43.0".into()),
            )],
            commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
            request: None,
            detail: "it says \"no\"".to_owned(),
        }
    }

    #[test]
    fn what_waits_is_told_of_at_its_times_each_once() {
        let since: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        // After so many seconds, having been told of so many minutes.
        for (seconds, told, expected) in [
            (-30, 0, None),
            (0, 0, None),
            (299, 0, None),
            (300, 0, Some(5)),
            (301, 5, None),
            (899, 5, None),
            (900, 5, Some(15)),
            // Nobody was there for a while: once, of the last.
            (3_700, 5, Some(60)),
            (3_700, 60, None),
            (7_199, 60, None),
            (7_200, 60, Some(120)),
            (90_000, 120, None),
        ] {
            let now = since + jiff::SignedDuration::from_secs(seconds);
            assert_eq!(due(since, told, now), expected, "{seconds} s, {told}");
        }
    }

    #[test]
    fn an_annotation_has_each_tag_once() {
        let told = told(Event::Healthy, "prod");
        let annotation = told.annotation(&["tidegate".to_owned(), "prod".to_owned()]);
        assert_eq!(
            annotation["tags"],
            json!(["tidegate", "prod", "healthy", "web"])
        );
        assert!(
            annotation["text"]
                .as_str()
                .unwrap()
                .starts_with("healthy: promote web")
        );
    }

    #[test]
    fn who_asks_for_what() {
        let notify = |on: &[Event], environments: &[&str]| Notify {
            on: on.to_vec(),
            environments: environments.iter().map(|it| (*it).to_owned()).collect(),
            to: Target::Command(vec!["true".to_owned()]),
            consent: None,
        };
        let failed = told(Event::Failed, "prod-eu");
        for (on, environments, expected) in [
            (&[Event::Failed][..], &[][..], true),
            (&[Event::Healthy], &[], false),
            (&[Event::Healthy, Event::Failed], &["prod-*"], true),
            (&[Event::Failed], &["staging", "dev"], false),
        ] {
            let wants = notify(on, environments).wants(&failed);
            assert_eq!(wants, expected, "{on:?} {environments:?}");
        }
    }

    #[test]
    fn what_is_said() {
        let told = told(Event::Delivered, "prod");
        assert_eq!(
            told.text(),
            "delivered: promote web 1.42.0 → 1.43.0 to prod on origin/main (0123456): it says \"no\""
        );
        let json = told.json();
        assert_eq!(json["event"], "delivered");
        assert_eq!(json["cells"][0]["to"], "1.43.0");
        let filled =
            told.fill("{\"a\": {\"b\": \"{event} {services} {nothing}\"}, \"c\": \"{detail}\"} {");
        assert_eq!(
            filled,
            "{\"a\": {\"b\": \"delivered web {nothing}\"}, \"c\": \"it says \\\"no\\\"\"} {"
        );
        for name in PLACES {
            assert!(told.place(name).is_some(), "{name}");
        }
    }
}
