//! Named cases: what is declared × what the cluster says × how well it is known × a delivery on its way.

use std::sync::Arc;

use super::*;
use crate::domain::{problem::Problem, rollout::Pulled, subject::Subject};

mod running;

const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

fn declared(version: Option<&str>) -> DesiredCell {
    DesiredCell {
        version: version.map(Version::from),
        ..DesiredCell::default()
    }
}

fn of_subject(subject: Subject) -> DesiredCell {
    DesiredCell {
        subject,
        ..declared(Some("1"))
    }
}

/// Encrypted, a template, a link: they are one state, told by a word each.
fn unread() -> DesiredCell {
    DesiredCell {
        unread: Some(Arc::new(Problem::file("a.yaml", Some(3), "is a template"))),
        ..declared(None)
    }
}

fn live(health: Health, runs: &str) -> LiveCell {
    LiveCell {
        health,
        reason: None,
        versions: Few::from_iter([(runs.into(), 2)]),
        ready: 2,
        desired: 3,
        ..LiveCell::unknown("", NOW)
    }
}

fn because(health: Health, reason: &str) -> LiveCell {
    LiveCell {
        reason: Some(reason.to_owned()),
        since: Some(NOW),
        ..live(health, "1")
    }
}

fn stale(live: LiveCell) -> LiveCell {
    LiveCell {
        stale: true,
        ..live
    }
}

fn hidden(live: LiveCell) -> LiveCell {
    LiveCell {
        hidden: true,
        ..live
    }
}

fn lost() -> Connection {
    Connection::Lost {
        reason: "no route".to_owned(),
        since: NOW,
        next_try: None,
    }
}

fn denied() -> Connection {
    Connection::Denied {
        what: "403: pods".to_owned(),
    }
}

struct Case {
    name: &'static str,
    declared: Option<DesiredCell>,
    live: Option<LiveCell>,
    connection: Connection,
    delivering: Delivering,
    /// The state, and what it was where that differs.
    state: (State, State),
    why: Option<Why<'static>>,
    trouble: u8,
}

fn case(
    name: &'static str,
    declared: impl Into<Option<DesiredCell>>,
    live: impl Into<Option<LiveCell>>,
    connection: Connection,
    state: State,
) -> Case {
    Case {
        name,
        declared: declared.into(),
        live: live.into(),
        connection,
        delivering: Delivering::No,
        state: (state, state),
        why: None,
        trouble: state.trouble(),
    }
}

impl Case {
    fn why(self, why: Why<'static>) -> Self {
        Self {
            why: Some(why),
            ..self
        }
    }

    fn was(self, was: State) -> Self {
        Self {
            state: (self.state.0, was),
            trouble: was.trouble().saturating_sub(5),
            ..self
        }
    }

    fn delivering(self) -> Self {
        Self {
            delivering: Delivering::Underway,
            ..self
        }
    }

    fn assert(&self) {
        let (declared, live) = (self.declared.as_ref(), self.live.as_ref());
        let status = assess(declared, live, &self.connection, self.delivering);
        assert_eq!((status.state, status.was), self.state, "{}", self.name);
        assert_eq!(status.trouble, self.trouble, "{}: trouble", self.name);
        assert_eq!(status.why, self.why, "{}: why", self.name);
        let told = matches!(self.why, Some(Why::Reason(_)));
        assert_eq!(status.since.is_some(), told, "{}: since when", self.name);
    }
}

const READY: Why<'static> = Why::Ready {
    ready: 2,
    desired: 3,
};

#[test]
fn what_git_declares_comes_first() {
    use Connection::{Connecting, Live, Unconfigured};
    use State::{Absent, GitOnly, Healthy, NotSet, Unread};
    let one = || declared(Some("1"));
    let healthy = || live(Health::Healthy, "1");
    let crash = || because(Health::Degraded, "OOMKilled");
    let cases = [
        case("no such cell", None, None, Live, Absent),
        case("no such cell, whatever runs", None, crash(), Live, Absent),
        case("no such cell, lost", None, None, lost(), Absent),
        case("no version", declared(None), None, Live, NotSet),
        case(
            "no version, but it ran once",
            declared(None),
            crash(),
            Live,
            NotSet,
        ),
        case(
            "no version, no cluster",
            declared(None),
            None,
            Unconfigured,
            NotSet,
        ),
        case("unread", unread(), None, Live, Unread),
        case(
            "unread, beside what runs",
            unread(),
            healthy(),
            Live,
            Unread,
        ),
        case(
            "unread, beside what crashes",
            unread(),
            crash(),
            Live,
            Unread,
        ),
        case("unread, no cluster", unread(), None, Unconfigured, Unread),
        case("unread, lost", unread(), None, lost(), Unread),
        case("unread, connecting", unread(), None, Connecting, Unread),
        case("declared", one(), healthy(), Live, Healthy),
        case("declared, no cluster", one(), None, Unconfigured, GitOnly),
        case(
            "declared, cluster removed",
            one(),
            crash(),
            Unconfigured,
            GitOnly,
        ),
    ];
    cases.iter().for_each(Case::assert);
}

#[test]
fn how_well_the_cluster_is_known() {
    use Connection::{Connecting, Live};
    use State::{Degraded, Healthy, Loading, Missing, NoAccess, Stale, Unknown};
    let one = || declared(Some("1"));
    let healthy = || live(Health::Healthy, "1");
    let crash = || because(Health::Degraded, "OOMKilled");
    let waits = || LiveCell::unknown("no answer from the cluster yet", NOW);
    let refused = || LiveCell::unknown("403: deployments", NOW);
    let oom = Why::Reason("OOMKilled");
    let cases = [
        case("first answer to come", one(), None, Connecting, Loading),
        case(
            "first answer to come, told so",
            one(),
            waits(),
            Connecting,
            Loading,
        ),
        case(
            "connecting again",
            one(),
            stale(healthy()),
            Connecting,
            Stale,
        )
        .was(Healthy),
        case(
            "connecting again, in trouble",
            one(),
            stale(crash()),
            Connecting,
            Stale,
        )
        .was(Degraded)
        .why(oom),
        case("never reached", one(), None, lost(), Unknown).why(Why::NeverReached("no route")),
        case(
            "never reached, told so",
            one(),
            stale(waits()),
            lost(),
            Unknown,
        )
        .why(Why::NeverReached("no route")),
        case("lost while healthy", one(), stale(healthy()), lost(), Stale).was(Healthy),
        case("lost, and not told yet", one(), healthy(), lost(), Stale).was(Healthy),
        case("lost while degraded", one(), stale(crash()), lost(), Stale)
            .was(Degraded)
            .why(oom),
        case(
            "lost while missing",
            one(),
            stale(live(Health::Missing, "1")),
            lost(),
            Stale,
        )
        .was(Missing)
        .why(Why::NoWorkload),
        case(
            "kept from the last run",
            one(),
            stale(healthy()),
            Live,
            Stale,
        )
        .was(Healthy),
        case("silence", one(), None, Live, Unknown).why(Why::NothingSaid),
        case(
            "no health in it",
            one(),
            live(Health::Unknown, "1"),
            Live,
            Unknown,
        )
        .why(Why::NoHealth),
        case("refused", one(), None, denied(), NoAccess).why(Why::Denied("403: pods")),
        case(
            "refused, the cell's own words",
            one(),
            refused(),
            denied(),
            NoAccess,
        )
        .why(Why::Denied("403: deployments")),
        case(
            "another kind is refused",
            one(),
            healthy(),
            denied(),
            Healthy,
        ),
        case(
            "fails, and its pods are refused",
            one(),
            crash(),
            denied(),
            Degraded,
        )
        .why(oom),
    ];
    cases.iter().for_each(Case::assert);
}

#[test]
fn only_what_moves_or_fails_shows_how_many_are_ready() {
    let one = declared(Some("1"));
    for (health, shown) in [
        (Health::Healthy, false),
        (Health::Progressing, true),
        (Health::Paused, true),
        (Health::Suspended, false),
        (Health::Degraded, true),
        (Health::Missing, false),
        (Health::Unknown, false),
    ] {
        let live = live(health, "1");
        let live_status =
            |connection| assess(Some(&one), Some(&live), connection, Delivering::No).ready();
        let expected = shown.then_some((2, 3));
        assert_eq!(live_status(&Connection::Live), expected, "{health}");
        assert_eq!(live_status(&lost()), None, "{health}: lost");
    }
}

#[test]
fn what_wants_no_pods_says_so_and_is_compared_by_its_template() {
    let at_zero = |batch, serving: &str| LiveCell {
        batch,
        desired: 0,
        ready: 0,
        reason: Some("scaled to zero".to_owned()),
        versions: Few::default(),
        serving: Some(serving.into()),
        ..live(Health::Healthy, "1")
    };
    let old = Version::from("0.9");
    let reason = Why::Reason("scaled to zero");
    for (name, live, state, ready, why) in [
        (
            "zero",
            at_zero(false, "1"),
            State::Healthy,
            Some((0, 0)),
            reason,
        ),
        ("batch", at_zero(true, "1"), State::Healthy, None, reason),
        (
            "zero, of an older one",
            at_zero(false, "0.9"),
            State::Drift,
            None,
            Why::Serves(&old),
        ),
        (
            "batch, of an older one",
            at_zero(true, "0.9"),
            State::Drift,
            None,
            Why::Serves(&old),
        ),
    ] {
        let one = declared(Some("1"));
        let status = assess(Some(&one), Some(&live), &Connection::Live, Delivering::No);
        assert_eq!(status.state, state, "{name}");
        assert_eq!(status.ready(), ready, "{name}");
        assert_eq!(status.why, Some(why), "{name}");
    }
}

#[test]
fn every_state_is_listed_worst_first() {
    for (index, state) in State::ALL.into_iter().enumerate() {
        assert_eq!(state as usize, index, "{state:?}");
    }
    assert_eq!(State::Absent as usize + 1, State::ALL.len());
    assert!(State::ALL.is_sorted_by_key(|state| std::cmp::Reverse(state.trouble())));
}

#[test]
fn a_pod_in_the_words_for_cells() {
    let cases = [
        ("Running", true, false, State::Healthy),
        ("Running", false, false, State::Rolling),
        ("Pending", false, false, State::Rolling),
        ("ContainerCreating", false, false, State::Rolling),
        ("CrashLoopBackOff", false, false, State::Degraded),
        ("CrashLoopBackOff", false, true, State::Suspended),
        ("Running", true, true, State::Suspended),
    ];
    for (reason, ready, terminating, expected) in cases {
        let pod = PodState {
            name: "shop-1".to_owned(),
            version: None,
            ready,
            reason: reason.to_owned(),
            message: None,
            restarts: 0,
            terminating,
            created: None,
            pulled: None,
            node: None,
        };
        assert_eq!(of_pod(&pod), expected, "{reason} {ready} {terminating}");
    }
}

#[test]
fn what_an_agent_has_not_brought_is_why() {
    let hop = |at| Hop {
        at,
        reason: "words".to_owned(),
        next: None,
        order: None,
        failing: false,
    };
    let cases = [
        (
            "not built",
            Health::Missing,
            At::Sync,
            Delivering::No,
            State::Missing,
            true,
        ),
        (
            "not there",
            Health::Missing,
            At::Serve,
            Delivering::No,
            State::Missing,
            true,
        ),
        (
            "not synced",
            Health::Healthy,
            At::Sync,
            Delivering::No,
            State::Drift,
            true,
        ),
        (
            "waits",
            Health::Healthy,
            At::Sync,
            Delivering::Underway,
            State::Rolling,
            true,
        ),
        (
            "rolls",
            Health::Progressing,
            At::Sync,
            Delivering::No,
            State::Rolling,
            false,
        ),
        (
            "crashes",
            Health::Degraded,
            At::Run,
            Delivering::No,
            State::Degraded,
            false,
        ),
        (
            "other pods",
            Health::Healthy,
            At::Run,
            Delivering::No,
            State::Drift,
            false,
        ),
    ];
    for (name, health, at, delivering, state, tells) in cases {
        let hop = hop(at);
        let live = LiveCell {
            hop: Some(hop.clone()),
            ..because(health, "CrashLoopBackOff")
        };
        let two = declared(Some("2"));
        let status = assess(Some(&two), Some(&live), &Connection::Live, delivering);
        assert_eq!(status.state, state, "{name}");
        assert_eq!(
            status.why == Some(Why::Hop(&hop)),
            tells,
            "{name}: {:?}",
            status.why
        );
    }
}

#[test]
fn a_tag_that_means_two_images_to_its_pods_is_drift() {
    let pod = |version: &str, digest: &str| PodState {
        name: "shop-1".to_owned(),
        version: Some(version.into()),
        pulled: Some(Pulled {
            image: "shop".to_owned(),
            digest: digest.to_owned(),
        }),
        ready: true,
        reason: "Running".to_owned(),
        message: None,
        restarts: 0,
        terminating: false,
        created: None,
        node: None,
    };
    let torn = |health, runs: &str| LiveCell {
        pods: vec![pod(runs, "sha256:a"), pod(runs, "sha256:b")],
        ..live(health, runs)
    };
    let cases = [
        ("healthy", torn(Health::Healthy, "1"), State::Drift, true),
        (
            "on its way",
            torn(Health::Progressing, "1"),
            State::Rolling,
            false,
        ),
        (
            "broken",
            torn(Health::Degraded, "1"),
            State::Degraded,
            false,
        ),
        (
            "another version",
            torn(Health::Healthy, "2"),
            State::Drift,
            false,
        ),
        (
            "hidden",
            hidden(torn(Health::Healthy, "1")),
            State::GitOnly,
            false,
        ),
    ];
    for (name, live, state, told) in cases {
        let cell = declared(Some("1"));
        let status = assess(Some(&cell), Some(&live), &Connection::Live, Delivering::No);
        assert_eq!(status.state, state, "{name}");
        let is_told = matches!(status.why, Some(Why::Torn(_)));
        assert_eq!(is_told, told, "{name}: {:?}", status.why);
    }
}
