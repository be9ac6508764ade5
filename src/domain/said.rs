//! What a commit's message says that it does: promote a cell, or go back.
//!
//! Promotions are said by trailers as our own commits carry them (`Service`, `Environment`, `Promoted-From`). Going back is
//! said as `git revert`, forges and conventional commits say it, and as our own subjects do.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::ids::{CellKey, EnvironmentName, ServiceName};

/// What a message says beside its words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// It undoes an earlier commit, or restores an earlier version.
    pub reverts: bool,
    /// The promotions that its trailers name, in order.
    pub promotions: Vec<SaidPromotion>,
    /// Who approved it, by its trailers `Approved-by` and `Reviewed-by`, as they are named there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_by: Vec<String>,
}

/// One `Promoted-From`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidPromotion {
    /// Of this row; `None`: of every row that the commit changes.
    pub service: Option<ServiceName>,
    /// Into this column; `None`: into every one.
    pub environment: Option<EnvironmentName>,
    /// Out of this one.
    pub from: EnvironmentName,
}

/// Trailers that name who approved a change.
const APPROVED: [&str; 2] = ["approved-by", "reviewed-by"];
/// What stands before who approved it in the kept form: a line of two parts, where a promotion has three.
const BY: &str = "by\t";

impl Said {
    /// Reads a whole message.
    pub fn of(message: &str) -> Self {
        let mut said = Self {
            reverts: reverts(message),
            promotions: Vec::new(),
            approved_by: Vec::new(),
        };
        let (mut service, mut environment) = (None, None);
        let body = message.split_once('\n').map_or("", |(_, body)| body);
        for line in body.lines() {
            let Some((key, value)) = line.split_once(": ") else {
                continue;
            };
            let value = value.trim();
            // A name holds no tab, and the kept form separates by it.
            if value.is_empty() || value.contains('\t') {
                continue;
            }
            // Trailers of several changes stand one group behind the other, each beginning with its service.
            if key.eq_ignore_ascii_case("service") {
                (service, environment) = (Some(ServiceName::from(value)), None);
            } else if key.eq_ignore_ascii_case("environment") {
                environment = Some(EnvironmentName::from(value));
            } else if APPROVED.iter().any(|known| key.eq_ignore_ascii_case(known)) {
                let who = value.split_once('<').map_or(value, |(name, _)| name).trim();
                let who = if who.is_empty() { value } else { who };
                if !said.approved_by.iter().any(|known| known == who) {
                    said.approved_by.push(who.to_owned());
                }
            } else if key.eq_ignore_ascii_case("promoted-from") {
                said.promotions.push(SaidPromotion {
                    service: service.clone(),
                    environment: environment.clone(),
                    from: value.into(),
                });
            }
        }
        said
    }

    /// Where `cell` was promoted from, as it is said.
    pub fn promoted_from(&self, cell: &CellKey) -> Option<&EnvironmentName> {
        let mut promotions = self.promotions.iter();
        let of_cell = |said: &&SaidPromotion| {
            said.service.as_ref().is_none_or(|it| *it == cell.service)
                && said
                    .environment
                    .as_ref()
                    .is_none_or(|it| *it == cell.environment)
        };
        Some(&promotions.find(of_cell)?.from)
    }

    /// Nothing of all this.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// As text that [`Said::from_text`] reads: a line for a revert, one per promotion, and one for each who approved it.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        if self.reverts {
            text.push_str("revert\n");
        }
        for said in &self.promotions {
            let service = said.service.as_ref().map_or("", ServiceName::as_str);
            let environment = said.environment.as_ref();
            let environment = environment.map_or("", EnvironmentName::as_str);
            let _ = writeln!(text, "{service}\t{environment}\t{}", said.from);
        }
        for who in &self.approved_by {
            let _ = writeln!(text, "{BY}{who}");
        }
        text
    }

    /// What [`Said::to_text`] wrote.
    pub fn from_text(text: &str) -> Self {
        let mut said = Self::default();
        for line in text.lines() {
            let mut parts = line.splitn(3, '\t');
            match (parts.next(), parts.next(), parts.next()) {
                (Some(service), Some(environment), Some(from)) => {
                    said.promotions.push(SaidPromotion {
                        service: (!service.is_empty()).then(|| service.into()),
                        environment: (!environment.is_empty()).then(|| environment.into()),
                        from: from.into(),
                    });
                }
                (Some("by"), Some(who), None) => said.approved_by.push(who.to_owned()),
                _ => said.reverts |= line == "revert",
            }
        }
        said
    }
}

/// Whether the message says that it goes back. The revert of a revert (Git: `Reapply`) brings something again.
fn reverts(message: &str) -> bool {
    let message = message.trim_start();
    let subject = message.lines().next().unwrap_or_default();
    if word(subject, "reapply").is_some() {
        return false;
    }
    let mut rest = subject;
    let mut times = 0;
    while let Some(after) = word(rest, "revert").or_else(|| word(rest, "reverts")) {
        times += 1;
        // `revert(web): …`, `Revert "…`
        let after = after.trim_start();
        let scoped = after.strip_prefix('(').and_then(|it| it.split_once(')'));
        let after = scoped.map_or(after, |(_, after)| after);
        rest = after.trim_start_matches(['"', ':', '!', ' ', '\u{201c}', '\'']);
    }
    if times > 0 {
        return times % 2 == 1;
    }
    message
        .lines()
        .any(|line| line.starts_with("This reverts commit ") || revert_inside(line))
}

/// A merge's body that is the subject of the commit it brings: `Revert "…"`.
fn revert_inside(line: &str) -> bool {
    line.starts_with("Revert \"") && !line.starts_with("Revert \"Revert \"")
}

/// What comes behind `wanted`, where `text` begins with that word in any case.
fn word<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(wanted.len())?;
    let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_');
    (head.eq_ignore_ascii_case(wanted) && ends).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_back() {
        let cases = [
            ("Revert \"promote web 1 → 2 to prod\"", true),
            (
                "Revert \"promote (#77)\" (#78)\n\nThis reverts commit 1234.",
                true,
            ),
            (
                "revert checkout 1.3.0 → 1.1.0 in prod\n\nService: checkout",
                true,
            ),
            ("revert: web to 1", true),
            ("revert(web): back to 1", true),
            ("Reverts acme/deploy#12", true),
            ("Back to 1.0\n\nThis reverts commit abc.", true),
            (
                "Merge pull request #9 from acme/revert-8-x\n\nRevert \"promote web\"",
                true,
            ),
            ("Revert \"Revert \"promote web\"\"", false),
            (
                "Revert \"Revert \"promote\"\"\n\nThis reverts commit abc.",
                false,
            ),
            ("Reapply \"promote web\"\n\nThis reverts commit abc.", false),
            ("promote web 1 → 2 to prod", false),
            ("reverted-proxy to 1.2", false),
            ("revert-tool: 1.2 to prod", false),
            ("Upgrade the reverter", false),
            ("", false),
        ];
        for (message, expected) in cases {
            assert_eq!(Said::of(message).reverts, expected, "{message}");
        }
    }

    #[test]
    fn who_approved_it_is_named_in_trailers() {
        const MESSAGE: &str = "Merge branch 'x' into 'main'\n\nService: web\nPromoted-From: staging\n\nApproved-by: Alice A. <alice@example.com>\n\
                               reviewed-by: bob\nReviewed-by: Alice A. <alice@example.com>\nApproved-by: <carol@example.com>\nApproved-by: \n";
        let said = Said::of(MESSAGE);
        assert_eq!(said.approved_by, ["Alice A.", "bob", "<carol@example.com>"]);
        assert_eq!(said.promotions.len(), 1);
        assert_eq!(Said::from_text(&said.to_text()), said);
        assert!(Said::of("Approved-by: a subject").approved_by.is_empty());
    }

    #[test]
    fn promotions_belong_to_their_cells() {
        let batch = "promote web, api from staging to prod\n\n- a\n\nService: web\nEnvironment: prod\nPromoted-From: staging\n\
                     Previous-Version: 1\nService: api\nEnvironment: prod\nPrevious-Version: 1\nService: shop\nEnvironment: eu\n\
                     promoted-from:  canary \n";
        let cases = [
            (batch, "web", "prod", Some("staging")),
            (batch, "web", "eu", None),
            (batch, "api", "prod", None),
            (batch, "shop", "eu", Some("canary")),
            ("x\n\nPromoted-From: dev", "any", "where", Some("dev")),
            ("Promoted-From: dev", "a", "b", None),
            ("x\n\nPromoted-From:\nPromoted-From: ", "a", "b", None),
        ];
        for (message, service, environment, expected) in cases {
            let said = Said::of(message);
            let cell = CellKey::new(service, environment);
            let from = said.promoted_from(&cell).map(EnvironmentName::as_str);
            assert_eq!(from, expected, "{message} {cell}");
            assert_eq!(Said::from_text(&said.to_text()), said, "{message}");
        }
        let both = Said::of("Revert \"x\"\n\nPromoted-From: a");
        assert_eq!(Said::from_text(&both.to_text()), both);
        assert!(Said::of("x").is_nothing() && Said::of("x").to_text().is_empty());
    }
}
