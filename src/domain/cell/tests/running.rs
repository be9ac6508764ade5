//! What runs, beside what is declared.

use super::*;

#[test]
fn what_runs_is_compared_with_what_is_declared() {
    use Connection::Live;
    use State::{Degraded, Drift, Healthy, Missing, Paused, Rolling, Stale, Suspended};
    let one = || declared(Some("1"));
    let both = || {
        let mut both = live(Health::Healthy, "1");
        both.versions.insert("2".into(), 1);
        both
    };
    let other = || live(Health::Healthy, "2");
    let runs = |versions: &[(&str, u32)]| {
        let versions = versions
            .iter()
            .map(|(version, pods)| (Version::from(*version), *pods));
        Why::Runs(Box::leak(Box::new(versions.collect())))
    };
    let broken = because(Health::Degraded, "CrashLoopBackOff ×4");
    let reason = Why::Reason("CrashLoopBackOff ×4");
    let cases = [
        case(
            "all of it",
            one(),
            live(Health::Healthy, "1"),
            Live,
            Healthy,
        ),
        case(
            "on its way",
            one(),
            live(Health::Progressing, "1"),
            Live,
            Rolling,
        )
        .why(READY),
        case(
            "on its way, why",
            one(),
            because(Health::Progressing, "1 of 3 updated"),
            Live,
            Rolling,
        )
        .why(Why::Reason("1 of 3 updated")),
        case(
            "a step waits",
            one(),
            live(Health::Paused, "1"),
            Live,
            Paused,
        )
        .why(READY),
        case(
            "told not to move",
            one(),
            live(Health::Suspended, "1"),
            Live,
            Suspended,
        )
        .why(READY),
        case("broken", one(), broken, Live, Degraded).why(reason),
        case(
            "no workload",
            one(),
            live(Health::Missing, "1"),
            Live,
            Missing,
        )
        .why(Why::NoWorkload),
        case(
            "no workload, where",
            one(),
            because(Health::Missing, "none called x"),
            Live,
            Missing,
        )
        .why(Why::Reason("none called x")),
        case("another version", one(), other(), Live, Drift).why(runs(&[("2", 2)])),
        case("another version beside it", one(), both(), Live, Drift)
            .why(runs(&[("1", 2), ("2", 1)])),
        case(
            "another version, lost",
            one(),
            stale(other()),
            lost(),
            Stale,
        )
        .was(Drift)
        .why(runs(&[("2", 2)])),
        case("another version, delivered", one(), other(), Live, Rolling)
            .delivering()
            .why(READY),
        case(
            "the version, delivered",
            one(),
            live(Health::Healthy, "1"),
            Live,
            Healthy,
        )
        .delivering(),
        case(
            "broken, delivered",
            one(),
            live(Health::Degraded, "1"),
            Live,
            Degraded,
        )
        .delivering()
        .why(READY),
    ];
    cases.iter().for_each(Case::assert);
}

/// A chart's version, a Git ref, a setting: never green, never drift; what ails the workload is told.
#[test]
fn what_pods_cannot_show_is_gits_alone() {
    use Connection::{Connecting, Live};
    use State::{Degraded, GitOnly, Rolling, Stale};
    let healthy = || hidden(live(Health::Healthy, "9"));
    for subject in [
        Subject::Chart,
        Subject::Git,
        Subject::Revision,
        Subject::Setting,
    ] {
        let chart = || of_subject(subject);
        let cases = [
            case("healthy", chart(), healthy(), Live, GitOnly),
            case("nothing to see yet", chart(), None, Connecting, GitOnly),
            case("nothing to see", chart(), None, Live, GitOnly),
            case("never reached", chart(), None, lost(), GitOnly),
            case(
                "lost while healthy",
                chart(),
                stale(healthy()),
                lost(),
                GitOnly,
            ),
            case(
                "no workload",
                chart(),
                hidden(live(Health::Missing, "9")),
                Live,
                GitOnly,
            ),
            case("refused", chart(), None, denied(), GitOnly),
            case(
                "broken",
                chart(),
                hidden(live(Health::Degraded, "9")),
                Live,
                Degraded,
            )
            .why(READY),
            case(
                "moving",
                chart(),
                hidden(live(Health::Progressing, "9")),
                Live,
                Rolling,
            )
            .why(READY),
            case(
                "lost while broken",
                chart(),
                stale(hidden(live(Health::Degraded, "9"))),
                lost(),
                Stale,
            )
            .was(Degraded)
            .why(READY),
        ];
        cases.iter().for_each(Case::assert);
    }
    let unsure = of_subject(Subject::Unsure);
    case(
        "no container carries it",
        unsure.clone(),
        healthy(),
        Live,
        GitOnly,
    )
    .assert();
    case(
        "a container carries it",
        unsure,
        live(Health::Healthy, "1"),
        Live,
        State::Healthy,
    )
    .assert();
}
