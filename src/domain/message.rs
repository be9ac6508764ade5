//! What a commit of ours says: subject, body and trailers.

use std::{collections::BTreeSet, fmt::Write};

use super::{
    hash,
    ids::CellKey,
    plan::{Intent, PlannedChange},
    policy::veto::{VetoAction, VetoChange},
    version::Version,
};

/// What a message says beside the changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Why, in the operator's words; a body paragraph and a `Reason` trailer.
    pub reason: Option<String>,
    /// Gates that held and were overridden: (cell, gate, reason).
    pub overrides: Vec<(CellKey, String, String)>,
    /// The plan's digest, for the `Plan` trailer: what was confirmed is told from what is there by it.
    pub plan: Option<String>,
}

/// The whole message of a commit that makes `changes`, ending in a line break.
///
/// One change: `promote checkout 1.41.3 → 1.42.0 to prod`. Several: a subject that counts them, and
/// one line each in the body. Trailers come once per change, in order, so that tools can read them.
pub fn compose(changes: &[PlannedChange], vetoes: &[VetoChange], details: &Details) -> String {
    let mut text = match changes {
        [] => veto_subject(vetoes),
        _ => subject(changes),
    };
    text.push_str("\n\n");
    if changes.len() > 1 {
        for change in changes {
            let _ = writeln!(text, "- {}", one(change));
        }
        text.push('\n');
    }
    if let Some(reason) = details.reason.as_deref().filter(|r| r.contains('\n')) {
        let _ = writeln!(text, "{}\n", reason.trim());
    }
    for change in changes {
        trailer(&mut text, "Service", change.cell.service.as_str());
        trailer(&mut text, "Environment", change.cell.environment.as_str());
        if let Intent::Promote { from } = &change.intent {
            trailer(&mut text, "Promoted-From", from.as_str());
        }
        trailer(&mut text, "Previous-Version", before(change));
    }
    for veto in vetoes {
        let name = match veto.action {
            VetoAction::Add { .. } => "Vetoed",
            VetoAction::Lift => "Veto-Lifted",
        };
        trailer(
            &mut text,
            name,
            &format!("{} {}", veto.service, veto.version),
        );
    }
    for (cell, gate, reason) in &details.overrides {
        trailer(
            &mut text,
            "Gate-Override",
            &format!("{gate} on {}/{}: {reason}", cell.service, cell.environment),
        );
    }
    if let Some(reason) = &details.reason {
        trailer(&mut text, "Reason", reason);
    }
    if let Some(plan) = &details.plan {
        trailer(&mut text, "Plan", plan);
    }
    text
}

/// The first line of a commit that changes vetoes alone: `veto checkout 1.42.0`.
fn veto_subject(vetoes: &[VetoChange]) -> String {
    match vetoes {
        [] => "no change".to_owned(),
        [only] => only.line(),
        [first, rest @ ..] => format!("{} and {} more", first.line(), rest.len()),
    }
}

/// The first line of [`compose`].
pub fn subject(changes: &[PlannedChange]) -> String {
    let [first, rest @ ..] = changes else {
        return "no change".to_owned();
    };
    if rest.is_empty() {
        return one(first);
    }
    let services: BTreeSet<_> = changes.iter().map(|c| &c.cell.service).collect();
    let environments: BTreeSet<_> = changes.iter().map(|c| &c.cell.environment).collect();
    let same_verb = rest.iter().all(|c| c.verb() == first.verb());
    let same_target = rest.iter().all(|c| c.to == first.to);
    let verb = if same_verb { first.verb() } else { "change" };
    let place = match (environments.len(), &first.intent) {
        (1, Intent::Promote { from })
            if same_verb
                && rest.iter().all(
                    |c| matches!(&c.intent, Intent::Promote { from: other } if other == from),
                ) =>
        {
            format!("from {from} to {}", first.cell.environment)
        }
        (1, _) => format!("{} {}", preposition(verb), first.cell.environment),
        (2 | 3, _) => format!(
            "{} {}",
            preposition(verb),
            environments
                .iter()
                .map(|e| e.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ),
        (n, _) => format!("{} {n} environments", preposition(verb)),
    };
    match services.len() {
        1 if same_target => format!(
            "{verb} {} → {} {place}",
            first.cell.service,
            shown(first.to.as_ref())
        ),
        1 => format!("{verb} {} {place}", first.cell.service),
        2 | 3 => format!(
            "{verb} {} {place}",
            services
                .iter()
                .map(|s| s.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ),
        n => format!("{verb} {n} services {place}"),
    }
}

/// The branch that a commit goes to when the environment asks for one of its own: `tidegate/…-1a2b3c4`. It is named by what
/// changes in which ref, so that the same change asked for again, on whatever commit, finds the branch that it has.
pub fn branch_name(changes: &[PlannedChange], reference: &str) -> String {
    let mut slug = String::new();
    for c in subject(changes).chars() {
        if slug.len() >= 48 {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if c == '.' && slug.ends_with(|last: char| last.is_ascii_digit()) {
            slug.push('.');
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_matches(['-', '.']).replace("..", ".");
    let mut parts = vec![reference];
    for change in changes {
        let to = change.to.as_ref().map_or("", Version::as_str);
        let cell = &change.cell;
        parts.extend([
            cell.service.as_str(),
            cell.environment.as_str(),
            before(change),
            to,
        ]);
    }
    let key = hash::of(parts.into_iter().map(str::as_bytes));
    format!("tidegate/{slug}-{}", key.get(..7).unwrap_or(&key))
}

fn one(change: &PlannedChange) -> String {
    let verb = change.verb();
    let along = if change.along.is_some() {
        " (comes along)"
    } else {
        ""
    };
    format!(
        "{verb} {} {} → {} {} {}{along}",
        change.cell.service,
        before(change),
        change.after(),
        preposition(verb),
        change.cell.environment
    )
}

fn preposition(verb: &str) -> &'static str {
    if verb == "promote" { "to" } else { "in" }
}

fn shown(version: Option<&Version>) -> &str {
    version.map_or("inherited", Version::as_str)
}

fn before(change: &PlannedChange) -> &str {
    change.from.as_ref().map_or("none", Version::as_str)
}

/// A trailer is one line: what is longer goes on in folded lines, which begin with a space.
fn trailer(text: &mut String, key: &str, value: &str) {
    let value = value.trim().replace("\r\n", "\n").replace('\n', "\n ");
    let _ = writeln!(text, "{key}: {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(
        service: &str,
        environment: &str,
        intent: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> PlannedChange {
        let intent = match intent.split_once(':') {
            Some(("promote", from)) => Intent::Promote { from: from.into() },
            _ if intent == "revert" => Intent::Revert {
                to: to.map(Version::from),
                at: None,
            },
            _ => Intent::Set {
                version: to.unwrap_or_default().into(),
            },
        };
        PlannedChange {
            cell: CellKey::new(service, environment),
            intent,
            from: from.map(Version::from),
            to: to.map(Version::from),
            verdicts: Vec::new(),
            inherits: None,
            pins: None,
            along: None,
        }
    }

    fn promote(service: &str, environment: &str) -> PlannedChange {
        change(
            service,
            environment,
            "promote:staging",
            Some("1"),
            Some("2"),
        )
    }

    #[test]
    fn subjects() {
        let cases = [
            (
                vec![change(
                    "checkout",
                    "prod",
                    "promote:staging",
                    Some("1.41.3"),
                    Some("1.42.0"),
                )],
                "promote checkout 1.41.3 → 1.42.0 to prod",
            ),
            (
                vec![change("checkout", "prod", "set", None, Some("1"))],
                "set checkout none → 1 in prod",
            ),
            (
                vec![change("checkout", "prod", "revert", Some("2"), None)],
                "revert checkout 2 → inherited in prod",
            ),
            (
                vec![promote("a", "prod"), promote("b", "prod")],
                "promote a, b from staging to prod",
            ),
            (
                ["a", "b", "c", "d"].map(|s| promote(s, "prod")).to_vec(),
                "promote 4 services from staging to prod",
            ),
            (
                vec![promote("a", "eu"), promote("a", "us")],
                "promote a → 2 to eu, us",
            ),
            (
                ["a", "b", "c", "d"].map(|e| promote("a", e)).to_vec(),
                "promote a → 2 to 4 environments",
            ),
            (
                vec![
                    promote("a", "prod"),
                    change("b", "prod", "revert", Some("2"), Some("1")),
                ],
                "change a, b in prod",
            ),
            (vec![], "no change"),
        ];
        for (changes, expected) in cases {
            assert_eq!(subject(&changes), expected);
        }
    }

    #[test]
    fn one_change_with_everything() {
        let changes = [change(
            "checkout",
            "prod",
            "promote:staging",
            Some("1.41.3"),
            Some("1.42.0"),
        )];
        let details = Details {
            reason: Some("cards fail\nsee the incident".into()),
            overrides: vec![(
                CellKey::new("checkout", "prod"),
                "soak".into(),
                "incident 12".into(),
            )],
            plan: Some("1a2b3c4".into()),
        };
        assert_eq!(
            compose(&changes, &[], &details),
            "promote checkout 1.41.3 → 1.42.0 to prod\n\
             \n\
             cards fail\nsee the incident\n\
             \n\
             Service: checkout\n\
             Environment: prod\n\
             Promoted-From: staging\n\
             Previous-Version: 1.41.3\n\
             Gate-Override: soak on checkout/prod: incident 12\n\
             Reason: cards fail\n see the incident\n\
             Plan: 1a2b3c4\n"
        );
    }

    #[test]
    fn several_changes_are_listed() {
        let changes = [
            promote("a", "prod"),
            change("b", "prod", "revert", Some("2"), Some("1")),
        ];
        assert_eq!(
            compose(&changes, &[], &Details::default()),
            "change a, b in prod\n\
             \n\
             - promote a 1 → 2 to prod\n\
             - revert b 2 → 1 in prod\n\
             \n\
             Service: a\nEnvironment: prod\nPromoted-From: staging\nPrevious-Version: 1\n\
             Service: b\nEnvironment: prod\nPrevious-Version: 2\n"
        );
    }

    #[test]
    fn branch_names_are_valid_refs() {
        let cases = [
            (
                vec![change(
                    "checkout",
                    "prod",
                    "promote:staging",
                    Some("1.41.3"),
                    Some("1.42.0"),
                )],
                "tidegate/promote-checkout-1.41.3-1.42.0-to-prod-",
            ),
            (
                vec![change("a..b/c~^:@{x}.lock", "prod", "set", None, Some("1"))],
                "tidegate/set-a-b-c-x-lock-none-1-in-prod-",
            ),
        ];
        for (changes, expected) in cases {
            let name = branch_name(&changes, "refs/heads/main");
            let key = name.strip_prefix(expected).unwrap_or_default();
            assert!(
                key.len() == 7 && key.bytes().all(|b| b.is_ascii_hexdigit()),
                "{name}"
            );
        }
    }

    /// The subject of many changes counts them: what they are is in the key.
    #[test]
    fn a_branch_is_named_by_what_changes_where() {
        let four = |last| ["a", "b", "c", last].map(|service| promote(service, "prod"));
        let name = |changes: &[PlannedChange]| branch_name(changes, "refs/heads/main");
        assert_eq!(name(&four("d")), name(&four("d")));
        let other = [
            name(&four("e")),
            branch_name(&four("d"), "refs/heads/prod"),
            name(&four("d")[..3]),
        ];
        for other in other {
            assert_ne!(name(&four("d")), other);
        }
    }
}
