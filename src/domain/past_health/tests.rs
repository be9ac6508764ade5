use std::sync::Arc;

use super::*;

/// Minutes after a day's beginning.
fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_764_288_000 + minutes * 60).unwrap()
}

fn span(from: i64, to: i64) -> Span {
    Span {
        from: at(from),
        to: at(to),
    }
}

fn stretch(version: &str, from: i64, to: i64, by: Source) -> Stretch {
    Stretch {
        version: version.into(),
        from: at(from),
        to: at(to),
        by,
        cut: false,
    }
}

fn past(stretches: &[(&str, i64, i64, Source)], broken: &[(i64, i64)]) -> PastHealth {
    let stretches = stretches.iter();
    PastHealth {
        not_told: None,
        stretches: stretches
            .map(|(version, from, to, by)| stretch(version, *from, *to, *by))
            .collect(),
        broken: broken.iter().map(|(from, to)| span(*from, *to)).collect(),
        watched_since: None,
    }
}

/// In whole minutes.
fn spans(past: &PastHealth, version: &str) -> Vec<Span> {
    let minute = |it: Timestamp| Timestamp::from_second(it.as_second() / 60 * 60).unwrap();
    let healthy = past.healthy(&version.into()).into_iter();
    healthy
        .map(|it| Span {
            from: minute(it.span.from),
            to: minute(it.span.to),
        })
        .collect()
}

#[test]
fn what_overlaps_is_one_time_and_what_was_broken_is_none() {
    use Source::{ArgoCd, Kubernetes, Tidegate};
    type Case = (
        &'static str,
        &'static [(&'static str, i64, i64, Source)],
        &'static [(i64, i64)],
        &'static [(i64, i64)],
    );
    let cases: [Case; 8] = [
        ("nothing", &[], &[], &[]),
        ("one", &[("1", 0, 9, ArgoCd)], &[], &[(0, 9)]),
        (
            "two sources",
            &[("1", 5, 20, Tidegate), ("1", 0, 9, ArgoCd)],
            &[],
            &[(0, 20)],
        ),
        (
            "a gap is a gap",
            &[("1", 0, 9, Tidegate), ("1", 10, 20, Tidegate)],
            &[],
            &[(0, 9), (10, 20)],
        ),
        (
            "another version's time is its own",
            &[("1", 0, 9, Tidegate), ("2", 5, 20, Tidegate)],
            &[],
            &[(0, 9)],
        ),
        (
            "broken in between, whoever says that it was not",
            &[("1", 0, 30, Kubernetes)],
            &[(10, 12)],
            &[(0, 10), (12, 30)],
        ),
        (
            "broken at its ends",
            &[("1", 5, 30, Kubernetes)],
            &[(0, 6), (29, 40)],
            &[(6, 29)],
        ),
        (
            "broken all the time",
            &[("1", 5, 30, Kubernetes)],
            &[(0, 40)],
            &[],
        ),
    ];
    for (name, stretches, broken, expected) in cases {
        let expected: Vec<Span> = expected.iter().map(|(a, b)| span(*a, *b)).collect();
        assert_eq!(spans(&past(stretches, broken), "1"), expected, "{name}");
    }
}

#[test]
fn the_same_build_by_another_name_is_the_same_version() {
    let past = past(&[("1.2@sha256:9f3c", 0, 9, Source::Tidegate)], &[]);
    assert_eq!(spans(&past, "1.2"), [span(0, 9)]);
    assert_eq!(spans(&past, "1.20"), []);
}

#[test]
fn who_knows_most_is_named_and_a_beginning_that_nobody_saw_is_told() {
    let mut past = past(&[("1", 10, 60, Source::ArgoCd)], &[]);
    past.learn(Stretch {
        cut: true,
        ..stretch("1", 5, 12, Source::Tidegate)
    });
    let longest = past.longest(&"1".into()).unwrap();
    assert_eq!(longest.told(), "at least 55m, seen by Argo CD");
    past.learn(stretch("1", 0, 6, Source::Kubernetes));
    let longest = past.longest(&"1".into()).unwrap();
    assert_eq!(longest.told(), "1h, seen by Argo CD");
}

#[test]
fn it_holds_as_long_as_nobody_says_otherwise() {
    let own = ("1", 0, 60, Source::Tidegate);
    let cases = [
        ("just now", past(&[own], &[]), 61, true),
        ("long ago", past(&[own], &[]), 70, false),
        ("broken since", past(&[own], &[(61, 61)]), 61, false),
        (
            "replaced since",
            past(&[own, ("2", 61, 61, Source::Tidegate)], &[]),
            61,
            false,
        ),
    ];
    for (name, past, now, expected) in cases {
        let current = past.current(&"1".into(), at(now));
        assert_eq!(current.is_some(), expected, "{name}");
    }
}

#[test]
fn side_by_side_is_when_all_are_healthy() {
    let one = |spans: &[(i64, i64)]| -> Vec<Healthy> {
        let spans = spans.iter();
        let healthy = spans.map(|(from, to)| Healthy {
            span: span(*from, *to),
            by: Source::Tidegate,
            cut: false,
        });
        healthy.collect()
    };
    type Spans = &'static [(i64, i64)];
    let cases: [(&str, &[Spans], Spans); 5] = [
        ("none", &[], &[]),
        ("one", &[&[(0, 9)]], &[(0, 9)]),
        ("two that meet", &[&[(0, 20)], &[(10, 30)]], &[(10, 20)]),
        ("two that never met", &[&[(0, 9)], &[(10, 30)]], &[]),
        (
            "three, with a break",
            &[&[(0, 60)], &[(5, 20), (25, 60)], &[(10, 50)]],
            &[(10, 20), (25, 50)],
        ),
    ];
    for (name, all, expected) in cases {
        let all: Vec<_> = all.iter().map(|it| one(it)).collect();
        let expected: Vec<Span> = expected.iter().map(|(a, b)| span(*a, *b)).collect();
        assert_eq!(together(&all), expected, "{name}");
    }
}

/// What a cell shows, by its health and what its pods run.
fn seen(health: Health, versions: &[&str]) -> Seen {
    let live = LiveCell {
        health,
        versions: versions.iter().map(|it| ((*it).into(), 1)).collect(),
        ..LiveCell::unknown("", at(0))
    };
    Seen {
        live: Some(live.into()),
        connection: Some(Connection::Live),
    }
}

#[test]
fn only_what_is_known_now_is_a_sight() {
    let mut stale = seen(Health::Healthy, &["1"]);
    stale.live.as_mut().map(Arc::make_mut).unwrap().stale = true;
    let mut hidden = seen(Health::Healthy, &["1"]);
    hidden.live.as_mut().map(Arc::make_mut).unwrap().hidden = true;
    let mut lost = seen(Health::Healthy, &["1"]);
    lost.connection = Some(Connection::Lost {
        reason: String::new(),
        since: at(0),
        next_try: None,
    });
    let cases = [
        ("healthy", seen(Health::Healthy, &["1"]), "healthy"),
        ("two versions", seen(Health::Healthy, &["1", "2"]), "moving"),
        ("scaled to none", seen(Health::Healthy, &[]), "moving"),
        ("rolling", seen(Health::Progressing, &["1"]), "moving"),
        ("degraded", seen(Health::Degraded, &["1"]), "broken"),
        ("gone", seen(Health::Missing, &[]), "broken"),
        ("unknown", seen(Health::Unknown, &[]), "nothing"),
        ("stale", stale, "nothing"),
        ("hidden", hidden, "nothing"),
        ("lost", lost, "nothing"),
        ("not asked", Seen::default(), "nothing"),
    ];
    for (name, seen, expected) in cases {
        let word = match sight(seen.connection.as_ref(), seen.cell(), at(0)) {
            Sight::Healthy { .. } => "healthy",
            Sight::Moving => "moving",
            Sight::Broken { .. } => "broken",
            Sight::Nothing => "nothing",
        };
        assert_eq!(word, expected, "{name}");
    }
}

#[test]
fn what_is_kept_of_a_time_to_come_says_nothing() {
    let kept = Kept {
        since: Some(at(0)),
        looked: Some(at(90)),
        stretches: vec![
            stretch("1", 0, 30, Source::Tidegate),
            stretch("1", 40, 90, Source::Tidegate),
        ],
        broken: vec![span(80, 80)],
    };
    let then = PastHealth::of(&kept, at(60));
    assert_eq!(spans(&then, "1"), [span(0, 30)], "the clock was set back");
    assert_eq!(then.broken, []);
    let later = PastHealth::of(&kept, at(100));
    assert_eq!(
        spans(&later, "1"),
        [span(0, 30), span(40, 80), span(80, 90)]
    );
}
