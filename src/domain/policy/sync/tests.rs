use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window(kind: &str, schedule: &str, duration: &str) -> SyncWindow {
    SyncWindow {
        kind: kind.to_owned(),
        schedule: schedule.to_owned(),
        duration: duration.to_owned(),
        applications: vec!["*".to_owned()],
        ..SyncWindow::default()
    }
}

fn zoned(kind: &str, schedule: &str, duration: &str, zone: &str) -> SyncWindow {
    SyncWindow {
        zone: zone.to_owned(),
        ..window(kind, schedule, duration)
    }
}

fn by_hand(window: SyncWindow) -> SyncWindow {
    SyncWindow {
        manual: true,
        ..window
    }
}

fn word(syncs: &Syncs<'_>) -> &'static str {
    match syncs {
        Syncs::Unsaid => "unsaid",
        Syncs::Open { .. } => "open",
        Syncs::Closed { .. } => "closed",
    }
}

/// The rules in Argo CD's order, each way: by itself, by hand.
#[test]
fn what_argo_cd_lets_pass() {
    // A Saturday, twelve and a half.
    let now = at("2026-11-28T12:30:00Z");
    let active = |kind| window(kind, "0 12 * * *", "1h");
    let over = |kind| window(kind, "0 8 * * *", "1h");
    let cases = [
        ("no window", vec![], "unsaid", "unsaid"),
        ("an active deny", vec![active("deny")], "closed", "closed"),
        ("a deny that is over", vec![over("deny")], "open", "open"),
        ("an active allow", vec![active("allow")], "open", "open"),
        (
            "an allow that is over",
            vec![over("allow")],
            "closed",
            "closed",
        ),
        (
            "an active deny that lets hands",
            vec![by_hand(active("deny"))],
            "closed",
            "open",
        ),
        (
            "an allow that is over and lets hands",
            vec![by_hand(over("allow"))],
            "closed",
            "open",
        ),
        (
            "two denies, and one lets hands",
            vec![by_hand(active("deny")), active("deny")],
            "closed",
            "closed",
        ),
        (
            "two allows that are over, and one lets hands",
            vec![by_hand(over("allow")), over("allow")],
            "closed",
            "closed",
        ),
        (
            "a deny goes before an allow",
            vec![active("allow"), active("deny")],
            "closed",
            "closed",
        ),
        (
            "one allow is enough",
            vec![over("allow"), active("allow")],
            "open",
            "open",
        ),
        (
            "a deny that is over beside an allow that is over",
            vec![over("deny"), over("allow")],
            "closed",
            "closed",
        ),
        (
            "an active deny that lets hands, and an allow that is over: the deny alone decides",
            vec![by_hand(active("deny")), over("allow")],
            "closed",
            "open",
        ),
        (
            "a kind that nobody knows",
            vec![active("block")],
            "open",
            "open",
        ),
        (
            "a schedule that cannot be read",
            vec![by_hand(window("deny", "0 25 * * *", "1h"))],
            "closed",
            "closed",
        ),
        (
            "a whole schedule's name",
            vec![window("allow", "@daily", "24h")],
            "closed",
            "closed",
        ),
        (
            "Sunday as 7",
            vec![window("deny", "0 12 * * 7", "1h")],
            "closed",
            "closed",
        ),
        (
            "a duration that cannot be read",
            vec![window("deny", "0 8 * * *", "1d")],
            "closed",
            "closed",
        ),
        (
            "no duration",
            vec![window("deny", "0 8 * * *", "")],
            "closed",
            "closed",
        ),
        (
            "one that cannot be read beside one that allows",
            vec![active("allow"), window("deny", "x", "1h")],
            "closed",
            "closed",
        ),
        (
            "a duration below nothing",
            vec![window("deny", "0 12 * * *", "-1h")],
            "open",
            "open",
        ),
        (
            "a duration of nothing",
            vec![window("deny", "* * * * *", "0")],
            "open",
            "open",
        ),
        (
            "a day that never comes is always",
            vec![window("deny", "0 12 30 2 *", "1h")],
            "closed",
            "closed",
        ),
        (
            "a zone that nobody knows is UTC",
            vec![zoned("deny", "0 12 * * *", "1h", "Mars/Base")],
            "closed",
            "closed",
        ),
    ];
    for (name, windows, alone, manual) in cases {
        let said = [false, true].map(|manual| word(&syncs(&windows, manual, now)));
        assert_eq!(said, [alone, manual], "{name}");
    }
}

#[test]
fn when_it_opens_and_closes() {
    let deny = window("deny", "0 12 * * *", "1h");
    let later = window("deny", "30 12 * * *", "2h");
    let allow = window("allow", "0 22 * * *", "1h30m");
    let deny = || vec![deny.clone()];
    let allow = || vec![allow.clone()];
    let cases = [
        (
            "just begun, to the second",
            deny(),
            "2026-11-28T12:00:00Z",
            "open",
            Some("2026-11-28T12:00:00Z"),
        ),
        (
            "begun",
            deny(),
            "2026-11-28T12:00:01Z",
            "closed",
            Some("2026-11-28T13:00:00Z"),
        ),
        (
            "ends, to the second",
            deny(),
            "2026-11-28T13:00:00Z",
            "open",
            Some("2026-11-29T12:00:00Z"),
        ),
        (
            "overlapping denies",
            [deny(), vec![later]].concat(),
            "2026-11-28T12:40:00Z",
            "closed",
            Some("2026-11-28T14:30:00Z"),
        ),
        (
            "an allow to come",
            allow(),
            "2026-11-28T12:00:00Z",
            "closed",
            Some("2026-11-28T22:00:00Z"),
        ),
        (
            "an allow that ends",
            allow(),
            "2026-11-28T23:00:00Z",
            "open",
            Some("2026-11-28T23:30:00Z"),
        ),
        (
            "an allow past midnight",
            vec![window("allow", "0 23 * * *", "3h")],
            "2026-11-29T01:00:00Z",
            "open",
            Some("2026-11-29T02:00:00Z"),
        ),
        (
            "a weekend",
            vec![window("deny", "0 16 * * FRI", "62h")],
            "2026-11-28T12:00:00Z",
            "closed",
            Some("2026-11-30T06:00:00Z"),
        ),
        (
            "without end",
            vec![window("deny", "* * * * *", "1h")],
            "2026-11-28T12:00:00Z",
            "closed",
            None,
        ),
    ];
    for (name, windows, now, expected, until) in cases {
        let until: Option<&str> = until;
        let said = syncs(&windows, false, at(now));
        assert_eq!(word(&said), expected, "{name}");
        let (Syncs::Open { until: edge, .. } | Syncs::Closed { until: edge, .. }) = said else {
            panic!("{name}");
        };
        assert_eq!(edge, until.map(at), "{name}");
    }
}

/// The offset is that of the instant that is asked about: a window that began before clocks were set ends by the new offset.
#[test]
fn zones_and_nights_in_which_clocks_are_set() {
    let berlin = |schedule, duration| zoned("deny", schedule, duration, "Europe/Berlin");
    let new_york = zoned("deny", "0 9 * * MON-FRI", "8h", "America/New_York");
    let cases = [
        (
            "in winter",
            berlin("0 16 * * *", "1h"),
            "2026-11-28T15:30:00Z",
            "closed",
        ),
        (
            "in winter, an hour later",
            berlin("0 16 * * *", "1h"),
            "2026-11-28T16:30:00Z",
            "open",
        ),
        (
            "in summer",
            berlin("0 16 * * *", "1h"),
            "2026-07-28T14:30:00Z",
            "closed",
        ),
        (
            "in summer, as in winter",
            berlin("0 16 * * *", "1h"),
            "2026-07-28T15:30:00Z",
            "open",
        ),
        (
            "another zone's Friday",
            new_york.clone(),
            "2026-11-27T21:59:00Z",
            "closed",
        ),
        (
            "another zone's Friday is over",
            new_york,
            "2026-11-27T22:01:00Z",
            "open",
        ),
        // On 2026-03-29 Berlin goes from 02:00 to 03:00 (01:00 UTC).
        (
            "before the hour that is not",
            berlin("30 1 * * *", "1h"),
            "2026-03-29T00:45:00Z",
            "closed",
        ),
        (
            "behind the hour that is not: by the new offset it is over",
            berlin("30 1 * * *", "1h"),
            "2026-03-29T01:15:00Z",
            "open",
        ),
        (
            "begins in the hour that is not",
            berlin("30 2 * * *", "1h"),
            "2026-03-29T01:15:00Z",
            "closed",
        ),
        // On 2026-10-25 it goes from 03:00 back to 02:00 (01:00 UTC).
        (
            "the hour that is twice, first",
            berlin("0 2 * * *", "30m"),
            "2026-10-25T00:15:00Z",
            "closed",
        ),
        (
            "the hour that is twice, in between",
            berlin("0 2 * * *", "30m"),
            "2026-10-25T00:45:00Z",
            "open",
        ),
        (
            "the hour that is twice, again",
            berlin("0 2 * * *", "30m"),
            "2026-10-25T01:15:00Z",
            "closed",
        ),
        (
            "half an hour's zone",
            zoned("deny", "0 9 * * *", "1h", "Asia/Kolkata"),
            "2026-11-28T03:45:00Z",
            "closed",
        ),
    ];
    for (name, window, now, expected) in cases {
        let windows = [window];
        assert_eq!(word(&syncs(&windows, false, at(now))), expected, "{name}");
    }
}

#[test]
fn schedules() {
    let next = |schedule: &str, from: &str| -> Option<String> {
        let schedule = Schedule::parse(schedule).unwrap();
        let next = schedule.next(from.parse().unwrap());
        next.map(|it| it.to_string())
    };
    let cases = [
        ("*/15 * * * *", "2026-11-28T12:00:00", "2026-11-28T12:15:00"),
        ("5/20 * * * *", "2026-11-28T12:26:30", "2026-11-28T12:45:00"),
        ("0 0 1 * *", "2026-11-28T12:00:00", "2026-12-01T00:00:00"),
        ("0 0 29 FEB ?", "2026-11-28T12:00:00", "2028-02-29T00:00:00"),
        // Where both kinds of days are given, one is enough.
        ("0 0 13 * FRI", "2026-11-28T12:00:00", "2026-12-04T00:00:00"),
        (
            "0 0 */2 * FRI",
            "2026-11-28T12:00:00",
            "2026-11-29T00:00:00",
        ),
        (
            "0 0 * * mon-wed,6",
            "2026-11-28T12:00:00",
            "2026-11-30T00:00:00",
        ),
        (
            "59 23 31 12 *",
            "2026-12-31T23:59:00",
            "2027-12-31T23:59:00",
        ),
    ];
    for (schedule, from, expected) in cases {
        assert_eq!(
            next(schedule, from).as_deref(),
            Some(expected),
            "{schedule}"
        );
    }
    assert_eq!(next("0 0 31 4 *", "2026-11-28T12:00:00"), None);
    let wrong = [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 7",
        "5-1 * * * *",
        "1-2-3 * * * *",
        "*/0 * * * *",
        "1/2/3 * * * *",
        "x * * * *",
        "* * * FOO *",
        "-1 * * * *",
    ];
    for schedule in wrong {
        assert!(Schedule::parse(schedule).is_err(), "{schedule}");
    }
}

#[test]
fn durations_of_go() {
    let cases = [
        ("1h", Some(3600)),
        ("1h30m", Some(5400)),
        ("1.5h", Some(5400)),
        ("90s", Some(90)),
        ("1000ms", Some(1)),
        ("-1h", Some(-3600)),
        ("+1h", Some(3600)),
        ("0", Some(0)),
        ("", None),
        ("-", None),
        ("1d", None),
        ("1", None),
        ("h", None),
        ("1 h", None),
    ];
    for (text, seconds) in cases {
        let found = go_duration(text).map(|it| it.as_secs());
        assert_eq!(found, seconds, "{text}");
    }
}

#[test]
fn which_applications_a_window_is_about() {
    let words = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let of =
        |applications: &[&str], namespaces: &[&str], clusters: &[&str], and: bool| SyncWindow {
            applications: words(applications),
            namespaces: words(namespaces),
            clusters: words(clusters),
            and,
            ..SyncWindow::default()
        };
    let to = Destination {
        server: Some("https://prod.example.com".to_owned()),
        cluster: Some("prod".to_owned()),
        namespace: Some("shop".to_owned()),
    };
    let cases = [
        ("nothing named", of(&[], &[], &[], false), false),
        ("nothing named, all of it", of(&[], &[], &[], true), false),
        ("its name", of(&["web-*"], &[], &[], false), true),
        ("another name", of(&["api-*"], &[], &[], false), false),
        (
            "another name, its namespace",
            of(&["api-*"], &["shop"], &[], false),
            true,
        ),
        (
            "another name and its namespace",
            of(&["api-*"], &["shop"], &[], true),
            false,
        ),
        (
            "its name and its namespace",
            of(&["web-*"], &["sh?p"], &[], true),
            true,
        ),
        (
            "its name and another namespace",
            of(&["web-*"], &["other"], &[], true),
            false,
        ),
        ("its cluster by name", of(&[], &[], &["prod"], false), true),
        (
            "its cluster by address",
            of(&[], &[], &["https://prod.*"], false),
            true,
        ),
        (
            "another cluster, its namespace",
            of(&[], &["shop"], &["dev"], false),
            true,
        ),
        (
            "another cluster and its namespace",
            of(&[], &["shop"], &["dev"], true),
            false,
        ),
        ("all three", of(&["*"], &["*"], &["*"], true), true),
        (
            "one of several names",
            of(&["{api,web}-eu"], &[], &[], false),
            true,
        ),
    ];
    for (name, window, expected) in cases {
        let windows = [window];
        let about = about(&windows, "web-eu", &to).count() == 1;
        assert_eq!(about, expected, "{name}");
    }
}

#[test]
fn a_project_as_the_server_sends_it() {
    let project = serde_json::json!({
        "metadata": {"name": "shop"},
        "spec": {"syncWindows": [
            {"kind": "deny", "schedule": "0 16 * * FRI", "duration": "62h", "timeZone": "Europe/Berlin",
                "applications": ["*-prod"], "manualSync": true, "description": "no\nweekends"},
            null,
            {"kind": "allow", "schedule": 5, "applications": "all", "andOperator": true},
        ]},
    });
    let windows = read(&project);
    assert_eq!(windows.len(), 2);
    assert_eq!(windows[0].name(), "no weekends");
    assert!(windows[0].manual && windows[0].does() == Some(Kind::Deny));
    assert_eq!((windows[1].schedule.as_str(), windows[1].and), ("", true));
    assert_eq!(windows[1].applications, Vec::<String>::new());
    assert_eq!(
        read(&serde_json::json!({"spec": {"syncWindows": "none"}})),
        []
    );
}
