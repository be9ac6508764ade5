//! Who merges a pull request of ours, and whether that may be done now.

use serde::{Deserialize, Serialize};

use super::{CheckState, ITS_MERGE, PullRequest, PullState};

/// `merge` of `[environments.pull-request]`: who merges its pull requests. The most careful comes first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum MergeBy {
    /// Somebody does, on the forge.
    #[default]
    Hand,
    /// Tidegate does, once everything required is there, as long as it follows the delivery.
    WhenReady,
    /// The forge does, which is asked as soon as what environments ask for beyond its own rules is there; where it has no
    /// such thing, Tidegate does.
    Auto,
}

impl MergeBy {
    /// Every way, as it is written.
    pub const NAMED: [(&str, Self); 3] = [
        ("by-hand", Self::Hand),
        ("when-ready", Self::WhenReady),
        ("auto", Self::Auto),
    ];
}

/// What the operator does on the forge to a pull request that is open there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestDeed {
    /// Approves it, as the owner of the token.
    Approve,
    /// Merges it.
    Merge,
}

impl RequestDeed {
    /// `approve`, `merge`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Merge => "merge",
        }
    }
}

/// What is to be done for the merge of an open pull request now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForMerge {
    /// Nothing: somebody merges it, or something has to come first.
    Nothing,
    /// The forge is asked to merge it once it has what it requires.
    AskForge,
    /// It is merged.
    Merge,
}

impl PullRequest {
    /// What its branch and the environments require is there, as far as that is told: nothing that is not known passes for it.
    pub fn is_ready(&self) -> bool {
        let known = self.approvals.need.is_some() || self.clean == Some(true);
        let passed = matches!(self.checks.state(), CheckState::Pass | CheckState::None);
        known
            && passed
            && self.clean != Some(false)
            && !self.conflicts
            && self.is_approved()
            && self.has_what_is_asked()
    }

    /// What environments ask for beyond the forge's own rules is there, and nobody is against it.
    fn has_what_is_asked(&self) -> bool {
        let checks = &self.checks;
        let mut asked = self.asked.iter();
        self.approvals.against.is_empty()
            && !self.draft
            && asked.all(|one| one.missing() == 0 && checks.not_passed(&one.asks.checks).is_empty())
    }

    /// Why somebody who is known as `who` may not merge it from here; `None`: the forge is asked. What somebody's own lacks, or
    /// whether it lacks something, has to be known.
    pub fn keeps_from_merging(&self, who: Option<&str>) -> Option<String> {
        let number = self.number;
        let waits = self.waits().unwrap_or_default();
        let lacks = self.clean == Some(false) || !self.has_what_is_asked() || waits != ITS_MERGE;
        if lacks {
            return Some(match waits.as_str() {
                ITS_MERGE => format!("#{number} lacks something that its branch requires"),
                waits => format!("#{number} waits for {waits}"),
            });
        }
        let own = who.is_none_or(|who| who == self.author);
        (own && !self.is_ready()).then(|| {
            format!("whether #{number} has all that its branch requires is not known, and it may be your own")
        })
    }

    /// What is to be done for its merge. `forge_may`: the forge knows everything that stands in the way of it.
    pub fn for_merge(&self, by: MergeBy, forge_may: bool) -> ForMerge {
        match by {
            _ if self.state != PullState::Open => ForMerge::Nothing,
            MergeBy::Hand => ForMerge::Nothing,
            _ if self.auto == Some(true) => ForMerge::Nothing,
            _ if self.is_ready() => ForMerge::Merge,
            MergeBy::Auto if forge_may && self.has_what_is_asked() => ForMerge::AskForge,
            MergeBy::Auto | MergeBy::WhenReady => ForMerge::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Approvals, Asked, Asks, Checks, Members},
        *,
    };

    fn request() -> PullRequest {
        PullRequest {
            number: 12,
            approvals: Approvals {
                need: Some(1),
                by: vec!["alice".to_owned()],
                ..Approvals::default()
            },
            ..PullRequest::default()
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn nobody_merges_what_lacks_something_nor_their_own_without_the_forges_word() {
        let unknown = |it: &mut PullRequest| it.approvals.need = None;
        type Case<'a> = (
            &'a dyn Fn(&mut PullRequest),
            Option<&'a str>,
            Option<&'a str>,
        );
        let cases: [Case<'_>; 7] = [
            (&|_| (), Some("ola"), None),
            (&|it| it.author = "ola".to_owned(), Some("ola"), None),
            (
                &|it| it.approvals.by.clear(),
                Some("ola"),
                Some("#12 waits for 1 approval"),
            ),
            (
                &|it| it.clean = Some(false),
                Some("ola"),
                Some("#12 lacks something that its branch requires"),
            ),
            (&unknown, Some("ola"), None),
            (
                &|it| {
                    unknown(it);
                    it.author = "ola".to_owned();
                },
                Some("ola"),
                Some(
                    "whether #12 has all that its branch requires is not known, and it may be your own",
                ),
            ),
            (
                &unknown,
                None,
                Some(
                    "whether #12 has all that its branch requires is not known, and it may be your own",
                ),
            ),
        ];
        for (change, who, expected) in cases {
            let mut request = request();
            change(&mut request);
            let kept = request.keeps_from_merging(who);
            assert_eq!(kept.as_deref(), expected, "{request:?}");
        }
    }

    #[test]
    fn only_what_has_everything_that_is_required_is_merged() {
        use ForMerge::{AskForge, Merge, Nothing};
        use MergeBy::{Auto, Hand, WhenReady};
        let asks = |need, checks: &[&str]| {
            let asks = Asks {
                need,
                from: Vec::new(),
                checks: names(checks),
            };
            vec![Asked::new("prod".into(), asks, true)]
        };
        type Case<'a> = (
            &'a str,
            &'a dyn Fn(&mut PullRequest),
            [(MergeBy, ForMerge); 2],
        );
        let cases: [Case<'_>; 14] = [
            ("all is there", &|_| (), [(WhenReady, Merge), (Auto, Merge)]),
            (
                "an approval is missing",
                &|it| it.approvals.by.clear(),
                [(WhenReady, Nothing), (Auto, AskForge)],
            ),
            (
                "a check has not ended",
                &|it| it.checks.pending = names(&["smoke"]),
                [(WhenReady, Nothing), (Auto, AskForge)],
            ),
            (
                "a check failed",
                &|it| it.checks.failed = names(&["smoke"]),
                [(WhenReady, Nothing), (Auto, AskForge)],
            ),
            (
                "checks are not known",
                &|it| it.checks.unknown = true,
                [(WhenReady, Nothing), (Auto, AskForge)],
            ),
            (
                "what the branch asks for is not known",
                &|it| it.approvals.need = None,
                [(WhenReady, Nothing), (Auto, AskForge)],
            ),
            (
                "that is not known, and the forge says that nothing is missing",
                &|it| {
                    it.approvals.need = None;
                    it.clean = Some(true);
                },
                [(WhenReady, Merge), (Auto, Merge)],
            ),
            (
                "the forge says that something is missing",
                &|it| it.clean = Some(false),
                [(WhenReady, Nothing), (Auto, AskForge)],
            ),
            (
                "it conflicts",
                &|it| it.conflicts = true,
                [(WhenReady, Nothing), (Auto, AskForge)],
            ),
            (
                "somebody is against it",
                &|it| it.approvals.against = names(&["bob"]),
                [(WhenReady, Nothing), (Auto, Nothing)],
            ),
            (
                "the environment asks for more than the branch does",
                &|it| it.weigh(&asks(2, &[]), &Members::new()),
                [(WhenReady, Nothing), (Auto, Nothing)],
            ),
            (
                "an approval that the environment asks for is of an earlier commit",
                &|it| {
                    it.approvals.stale = names(&["alice"]);
                    it.weigh(&asks(1, &[]), &Members::new());
                },
                [(WhenReady, Nothing), (Auto, Nothing)],
            ),
            (
                "a check that the environment asks for was not seen",
                &|it| it.weigh(&asks(0, &["smoke"]), &Members::new()),
                [(WhenReady, Nothing), (Auto, Nothing)],
            ),
            (
                "the forge merges it by itself",
                &|it| it.auto = Some(true),
                [(WhenReady, Nothing), (Auto, Nothing)],
            ),
        ];
        for (name, change, expected) in cases {
            let mut request = request();
            change(&mut request);
            for (by, expected) in expected {
                assert_eq!(request.for_merge(by, true), expected, "{name}: {by:?}");
            }
            assert_eq!(request.for_merge(Hand, true), Nothing, "{name}");
            // What the forge does not know may stand in the way: it is never left to it.
            assert_ne!(request.for_merge(Auto, false), AskForge, "{name}");
        }
        let merged = PullRequest {
            state: PullState::Merged,
            ..request()
        };
        assert_eq!(merged.for_merge(WhenReady, true), Nothing);
        assert_eq!([Auto, Hand, WhenReady].into_iter().min(), Some(Hand));
        let draft = PullRequest {
            draft: true,
            ..request()
        };
        assert_eq!(draft.for_merge(WhenReady, true), Nothing);
        assert_eq!(draft.checks, Checks::default());
    }
}
