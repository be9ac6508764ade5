//! Who lets deployments into an environment through, as its forge has it beside pull requests.

use crate::domain::text::{count, sanitise};

/// What a forge asks for before something is deployed to an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// Who may let it through, one of them: people, and teams with an `@`.
    pub reviewers: Vec<String>,
    /// Whoever began it may not.
    pub not_oneself: bool,
    /// So many minutes it waits.
    pub minutes: u64,
    /// Only branches that are protected may be deployed from.
    pub protected_branches: bool,
}

impl Guard {
    /// Whether it asks for anything.
    pub fn asks(&self) -> bool {
        !self.reviewers.is_empty() || self.minutes > 0 || self.protected_branches
    }

    /// `alice or @acme/oncall lets it through, not who began it; it waits for 30 minutes`.
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        if !self.reviewers.is_empty() {
            let names: Vec<_> = self.reviewers.iter().map(|name| sanitise(name)).collect();
            let but = if self.not_oneself {
                ", not who began it"
            } else {
                ""
            };
            words.push(format!("{} lets it through{but}", names.join(" or ")));
        }
        if self.minutes > 0 {
            let minutes = usize::try_from(self.minutes).unwrap_or(usize::MAX);
            words.push(format!("it waits for {}", count(minutes, "minute")));
        }
        if self.protected_branches {
            words.push("it comes from a protected branch".to_owned());
        }
        words.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_forge_asks_for() {
        assert!(!Guard::default().asks());
        let guard = Guard {
            reviewers: vec!["alice".to_owned(), "@acme/oncall".to_owned()],
            not_oneself: true,
            minutes: 30,
            protected_branches: true,
        };
        assert_eq!(
            guard.words(),
            "alice or @acme/oncall lets it through, not who began it; it waits for 30 minutes; it comes from a protected branch"
        );
    }
}
