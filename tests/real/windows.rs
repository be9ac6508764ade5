//! Sync windows that lie around now: what is said of them here is what Argo CD's own API says.

use std::{cell::RefCell, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{rig::until, world::World};

/// A window's words as of now: `M` is this minute, `H` this hour, `D` this day of the week, in UTC.
fn around(schedule: &str, now: Timestamp) -> String {
    let now = now.to_zoned(jiff::tz::TimeZone::UTC);
    let weekday = now.weekday().to_sunday_zero_offset();
    schedule
        .replace('M', &now.minute().to_string())
        .replace('H', &now.hour().to_string())
        .replace('D', &weekday.to_string())
}

/// What tells a window from the one that was laid before.
fn words(window: &Value) -> [String; 4] {
    let keys = ["kind", "schedule", "duration", "manualSync"];
    keys.map(|key| match &window[key] {
        Value::Null => "false".to_owned(),
        value => value.to_string(),
    })
}

#[test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
fn windows_are_what_argo_cd_says_of_them() {
    let world = World::start_alone("windows");
    let (service, environment) = ("shop", "prod");
    let application = world.namespace(service, environment);
    let of = |kind: &str, schedule: &str, duration: &str, more: Value| {
        let mut window = json!({"kind": kind, "schedule": schedule, "duration": duration,
            "applications": [application]});
        for (key, value) in more.as_object().into_iter().flatten() {
            window[key] = value.clone();
        }
        window
    };
    let none = || json!({});
    let cases: Vec<(&str, Vec<Value>)> = vec![
        (
            "an active deny",
            vec![of("deny", "* * * * *", "1h", none())],
        ),
        (
            "an active deny that lets hands",
            vec![of("deny", "* * * * *", "1h", json!({"manualSync": true}))],
        ),
        (
            "an active allow",
            vec![of("allow", "* * * * *", "1h", none())],
        ),
        (
            "begun with this hour",
            vec![of("deny", "0 H * * *", "1h", none())],
        ),
        (
            "over since this hour",
            vec![of("deny", "0 H * * *", "1ms", none())],
        ),
        (
            "an allow on this day",
            vec![of("allow", "0 0 * * D", "24h", none())],
        ),
        (
            "an allow on a day that never comes",
            vec![of("allow", "0 0 30 2 *", "1m", none())],
        ),
        (
            "an allow that is over",
            vec![of("allow", "0 H * * *", "1ms", none())],
        ),
        (
            "an allow that is over, by hand",
            vec![of("allow", "0 H * * *", "1ms", json!({"manualSync": true}))],
        ),
        (
            "a deny and an allow",
            vec![
                of("allow", "* * * * *", "1h", none()),
                of("deny", "* * * * *", "1h", none()),
            ],
        ),
        (
            "two denies of which one lets hands",
            vec![
                of("deny", "* * * * *", "1h", json!({"manualSync": true})),
                of("deny", "* * * * *", "1h", none()),
            ],
        ),
        (
            "in another zone",
            vec![of(
                "deny",
                "0 H * * *",
                "1h",
                json!({"timeZone": "Asia/Tokyo"}),
            )],
        ),
        (
            "in a zone with half an hour",
            vec![of(
                "deny",
                "30 * * * *",
                "30m",
                json!({"timeZone": "Asia/Kolkata"}),
            )],
        ),
        (
            "of others",
            vec![of(
                "deny",
                "* * * * *",
                "1h",
                json!({"applications": ["nobody-*"]}),
            )],
        ),
        (
            "of others: its namespace and not its name",
            vec![of(
                "deny",
                "* * * * *",
                "1h",
                json!({"applications": ["nobody"], "namespaces": [application], "andOperator": true}),
            )],
        ),
        (
            "of its namespace or its name",
            vec![of(
                "deny",
                "* * * * *",
                "1h",
                json!({"applications": ["nobody"], "namespaces": [application]}),
            )],
        ),
    ];
    // All Applications are in the default project: no window here is about those of another journey.
    let lay = |windows: &[Value]| {
        world.apply_in_hub(&json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
            "metadata": {"name": "default", "namespace": "argocd"},
            "spec": {"syncWindows": windows},
        }));
    };
    for (name, windows) in cases {
        let now = Timestamp::now();
        let windows: Vec<Value> = windows
            .into_iter()
            .map(|mut window| {
                let schedule = window["schedule"].as_str().unwrap_or_default();
                window["schedule"] = around(schedule, now).into();
                window
            })
            .collect();
        lay(&windows);
        let last = RefCell::new(Value::Null);
        let told = until(Duration::from_mins(1), || {
            let theirs = world.argo_cd(&format!("applications/{application}/syncwindows"));
            let assigned = theirs["assignedWindows"].as_array();
            let assigned: Vec<_> = assigned.into_iter().flatten().map(words).collect();
            let expected = windows.iter().filter(|_| !name.starts_with("of others"));
            let is_laid = theirs["canSync"].is_boolean()
                && assigned == expected.map(words).collect::<Vec<_>>();
            last.replace(theirs);
            is_laid
        });
        let theirs = last.into_inner();
        assert!(told, "{name}: {theirs:#}");
        let can = theirs["canSync"] == true;
        let ours = world.tidegate(&["sync", service, environment, "--dry-run"]);
        let code = if can { 0 } else { 3 };
        ours.exits(code);
        world.note(&format!("{name}: {}", if can { "open" } else { "closed" }));
    }
    lay(&[]);
}
