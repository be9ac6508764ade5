use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::domain::{history::CommitInfo, ids::ObjectId, said::Said, topology::Environment};

fn topology(edges: &[(&str, &[&str])]) -> Topology {
    let environment = |(name, from): &(&str, &[&str])| Environment::plain(name, from);
    Topology {
        environments: edges.iter().map(environment).collect(),
        ..Topology::default()
    }
}

/// What `!revert` and `!from:ENVIRONMENT` among a commit's words say.
fn said(words: &str) -> Said {
    let mut message = String::from("subject\n\n");
    for word in words.split_whitespace() {
        match word.split_once(':') {
            Some(("!from", from)) => message.extend(["Promoted-From: ", from, "\n"]),
            _ if word == "!revert" => message.push_str("This reverts commit abc.\n"),
            _ => {}
        }
    }
    Said::of(&message)
}

/// Landed commits from the root up, each `environment=version environment=version…`; `-` is removed. What the commit
/// says: [`said`]. `!at:N` makes it a tag of the commit number N.
///
/// Commit n lands n hours after the epoch.
fn changes(line: &[&str]) -> Changes {
    let mut all = Changes::new();
    let mut now: BTreeMap<CellKey, Version> = BTreeMap::new();
    for (index, commit) in line.iter().enumerate() {
        let number = u8::try_from(index).unwrap();
        let tagged = commit.split_whitespace().find_map(|word| {
            let at = word.strip_prefix("!at:")?;
            Some(at.parse().unwrap())
        });
        let info = Arc::new(CommitInfo {
            commit: ObjectId::new([tagged.unwrap_or(number); 20]),
            time: Timestamp::from_second(3600 * i64::from(number)).unwrap(),
            author: "Jane".into(),
            subject: (*commit).into(),
            pull_request: None,
            said: said(commit),
        });
        for pair in commit.split_whitespace() {
            let Some((environment, version)) = pair.split_once('=') else {
                continue;
            };
            let key = CellKey::new("api", environment);
            let version = (version != "-").then(|| Version::from(version));
            let previous = match &version {
                Some(version) => now.insert(key.clone(), version.clone()),
                None => now.remove(&key),
            };
            let change = ValueChange {
                version,
                previous,
                landed: Arc::clone(&info),
                authored: Arc::clone(&info),
                depth: u32::try_from(line.len() - 1 - index).unwrap(),
                line: 0,
                moved: None,
            };
            all.entry(key).or_default().insert(0, change);
        }
    }
    all
}

#[test]
fn classifies_by_value_and_order() {
    let topology = topology(&[
        ("dev", &[]),
        ("stage", &["dev"]),
        ("prod", &["stage", "hot"]),
        ("hot", &[]),
    ]);
    // (name, landed line, kinds of prod from the newest)
    let cases: [(&str, &[&str], &str); 29] = [
        ("first value", &["prod=1"], "initial"),
        (
            "first value, upstream has it",
            &["stage=1", "prod=1"],
            "initial",
        ),
        (
            "copied from upstream",
            &["prod=1", "stage=2", "prod=2"],
            "promotion:stage initial",
        ),
        (
            "from the first upstream that has it",
            &["prod=1", "hot=2", "prod=2"],
            "promotion:hot initial",
        ),
        (
            "upstream moved on before",
            &["prod=1", "stage=2", "stage=3", "prod=2"],
            "bump initial",
        ),
        (
            "upstream moved on before, and the commit says where it came from",
            &["prod=1", "stage=2", "stage=3", "prod=2 !from:stage"],
            "promotion:stage initial",
        ),
        (
            "upstream got it later",
            &["prod=1", "prod=2", "stage=2"],
            "bump initial",
        ),
        (
            "both in one commit",
            &["prod=1", "stage=2 prod=2"],
            "promotion:stage initial",
        ),
        (
            "only dev has it",
            &["prod=1", "dev=2", "prod=2"],
            "bump initial",
        ),
        (
            "only dev has it, and the commit says so",
            &["prod=1", "dev=2", "prod=2 !from:dev"],
            "promotion:dev initial",
        ),
        (
            "promoted again by an upstream that went back",
            &[
                "stage=1", "prod=1", "stage=2", "prod=2", "stage=1", "prod=1",
            ],
            "promotion:stage promotion:stage initial",
        ),
        (
            "the same, by a commit that says it reverts",
            &[
                "stage=1",
                "prod=1",
                "stage=2",
                "prod=2",
                "stage=1",
                "prod=1 !revert",
            ],
            "revert promotion:stage initial",
        ),
        (
            "back, while the upstream stays",
            &["stage=1", "prod=1", "stage=2", "prod=2", "prod=1"],
            "revert promotion:stage initial",
        ),
        (
            "back to the value just before, and said to be promoted while the upstream has moved on",
            &[
                "stage=1",
                "prod=1",
                "stage=2",
                "prod=2",
                "prod=1 !from:stage",
            ],
            "revert promotion:stage initial",
        ),
        (
            "back without any upstream",
            &["prod=1", "prod=2", "prod=1"],
            "revert bump initial",
        ),
        (
            "back without any upstream value, and said to be promoted",
            &["prod=1", "prod=2", "prod=1 !from:lab"],
            "promotion:lab bump initial",
        ),
        (
            "mended outside and promoted again",
            &[
                "stage=A", "prod=A", "stage=B", "prod=B", "prod=A", "stage=C", "prod=C", "stage=B",
                "prod=B",
            ],
            "promotion:stage promotion:stage revert promotion:stage initial",
        ),
        (
            "promoted again at once: the upstream still has it",
            &["stage=1", "prod=1", "stage=2", "prod=2", "prod=1", "prod=2"],
            "promotion:stage revert promotion:stage initial",
        ),
        (
            "back by two steps, while the upstream stays",
            &[
                "stage=1", "prod=1", "stage=2", "prod=2", "stage=3", "prod=3", "prod=1",
            ],
            "revert promotion:stage promotion:stage initial",
        ),
        (
            "a new value is no revert, whatever the commit says",
            &["prod=1", "prod=2 !revert"],
            "bump initial",
        ),
        (
            "a new value from upstream, whatever the commit says",
            &["prod=1", "stage=2", "prod=2 !revert"],
            "promotion:stage initial",
        ),
        (
            "a dropped upstream says nothing",
            &["stage=1", "prod=1", "prod=2", "stage=-", "prod=1"],
            "revert bump initial",
        ),
        (
            "pinned on its way from the upstream",
            &["stage=1", "prod=1", "stage=2", "prod=2@sha256:a"],
            "promotion:stage initial",
        ),
        (
            "pinned by the upstream alone",
            &["prod=1", "stage=2@sha256:a", "prod=2"],
            "promotion:stage initial",
        ),
        (
            "a digest for what is there brings nothing back, and its end neither",
            &["prod=1", "prod=1@sha256:a", "prod=1@sha256:b"],
            "bump bump initial",
        ),
        (
            "back to what has its digest only now",
            &["stage=1", "prod=1", "stage=2", "prod=2", "prod=1@sha256:a"],
            "revert promotion:stage initial",
        ),
        (
            "back to the tag of what had its digest",
            &["prod=1@sha256:a", "prod=2", "prod=3", "prod=1"],
            "revert bump bump initial",
        ),
        (
            "another build of a tag that was there is new",
            &["prod=1@sha256:a", "prod=2", "prod=1@sha256:b"],
            "bump bump initial",
        ),
        (
            "removed and back",
            &["prod=1", "prod=-", "prod=1"],
            "revert removed initial",
        ),
    ];
    for (name, line, expected) in cases {
        assert_eq!(kinds(&changes(line), &topology), expected, "{name}");
    }
}

/// Environments that follow tags: a tag of a commit that was there before, and was replaced since, goes back.
#[test]
fn a_tag_that_brings_a_commit_again_goes_back() {
    let topology = topology(&[("dev", &[]), ("stage", &["dev"]), ("prod", &["stage"])]);
    // (name, tags made, kinds of prod from the newest)
    let cases: [(&str, &[&str], &str); 13] = [
        (
            "the tags say the versions",
            &["prod=1.0.0", "prod=1.1.0", "prod=1.1.1 !at:0"],
            "revert bump initial",
        ),
        (
            "by two steps",
            &["prod=1.0.0", "prod=1.1.0", "prod=1.2.0", "prod=1.2.1 !at:0"],
            "revert bump bump initial",
        ),
        (
            "back and forth",
            &[
                "prod=1.0.0",
                "prod=1.1.0",
                "prod=1.1.1 !at:0",
                "prod=1.1.2 !at:1",
            ],
            "revert revert bump initial",
        ),
        (
            "the commit of today by another name is no way back",
            &["prod=1.0.0", "prod=1.1.0", "prod=1.1.1 !at:1"],
            "bump bump initial",
        ),
        (
            "a commit that was never there",
            &[
                "prod=1.0.0",
                "stage=1.1.0",
                "prod=1.1.0",
                "prod=1.1.1 !at:7",
            ],
            "bump promotion:stage initial",
        ),
        (
            "one tag moves the upstream too",
            &[
                "stage=1.0.0 prod=1.0.0",
                "stage=1.1.0 prod=1.1.0",
                "stage=1.1.1 prod=1.1.1 !at:0",
            ],
            "revert promotion:stage initial",
        ),
        (
            "the upstream has another commit under the same name",
            &[
                "stage=1.0.0",
                "prod=1.0.0 !at:0",
                "stage=1.1.0",
                "prod=1.1.0 !at:2",
                "stage=1.1.1",
                "prod=1.1.1 !at:0",
            ],
            "revert promotion:stage initial",
        ),
        (
            "the upstream went back before",
            &[
                "stage=1.0.0",
                "prod=1.0.0 !at:0",
                "stage=1.1.0",
                "prod=1.1.0 !at:2",
                "stage=1.1.1 !at:0",
                "prod=1.1.1 !at:0",
            ],
            "promotion:stage promotion:stage initial",
        ),
        (
            "the same under another name",
            &[
                "stage=1.0.0",
                "prod=1.0.0 !at:0",
                "stage=1.1.0",
                "prod=1.1.0 !at:2",
                "stage=1.1.1 !at:0",
                "prod=1.1.2 !at:0",
            ],
            "promotion:stage promotion:stage initial",
        ),
        (
            "the upstream goes back after it",
            &[
                "stage=1.0.0",
                "prod=1.0.0 !at:0",
                "stage=1.1.0",
                "prod=1.1.0 !at:2",
                "prod=1.1.1 !at:0",
                "stage=1.1.1 !at:0",
            ],
            "revert promotion:stage initial",
        ),
        (
            "the tag's own words say where from",
            &["prod=1.0.0", "prod=1.1.0", "prod=1.1.1 !at:0 !from:lab"],
            "promotion:lab bump initial",
        ),
        (
            "files say the versions, and the upstream's tag of another commit has this one",
            &[
                "stage=1",
                "prod=1 !at:0",
                "stage=2",
                "prod=2 !at:2",
                "stage=1",
                "prod=1 !at:0",
            ],
            "promotion:stage promotion:stage initial",
        ),
        (
            "files say the versions, and one tag moves both",
            &["stage=1 prod=1", "stage=2 prod=2", "stage=1 prod=1 !at:0"],
            "revert promotion:stage initial",
        ),
    ];
    for (name, line, expected) in cases {
        assert_eq!(kinds(&changes(line), &topology), expected, "{name}");
    }
}

/// The kinds of prod, from the newest.
fn kinds(all: &Changes, topology: &Topology) -> String {
    let entries = classify(all, &CellKey::new("api", "prod"), topology, false);
    let kinds = entries.into_iter().map(|entry| match entry.kind {
        ChangeKind::Promotion { from } => format!("promotion:{from}"),
        other => format!("{other:?}").to_lowercase(),
    });
    kinds.collect::<Vec<_>>().join(" ")
}

#[test]
fn says_how_long_each_value_stayed() {
    let all = changes(&["prod=1", "dev=1", "prod=2", "prod=3"]);
    let entries = classify(&all, &CellKey::new("api", "prod"), &topology(&[]), false);
    let stayed: Vec<_> = entries.iter().map(|e| e.stayed_seconds).collect();
    assert_eq!(stayed, [None, Some(3600), Some(7200)]);
    assert!(classify(&all, &CellKey::new("api", "absent"), &topology(&[]), false).is_empty());
}

#[test]
fn a_value_known_to_have_replaced_another_is_not_initial() {
    let mut all = changes(&["prod=1", "prod=2"]);
    let key = CellKey::new("api", "prod");
    all.get_mut(&key).unwrap().truncate(1);
    assert_eq!(
        classify(&all, &key, &topology(&[]), false)[0].kind,
        ChangeKind::Bump
    );
}

/// What cannot be read today was not removed; what was removed before, was.
#[test]
fn what_is_unread_today_is_not_removed() {
    let mut all = changes(&["prod=1", "prod=2", "prod=1", "prod=3"]);
    let key = CellKey::new("api", "prod");
    let lost = all.get_mut(&key).unwrap();
    (lost[0].version, lost[2].version) = (None, None);
    let kinds = |unread| -> Vec<ChangeKind> {
        let entries = classify(&all, &key, &topology(&[]), unread);
        entries.into_iter().map(|entry| entry.kind).collect()
    };
    let (unread, removed) = (kinds(true), kinds(false));
    assert_eq!(unread[0], ChangeKind::Unread);
    assert_eq!(removed[0], ChangeKind::Removed);
    assert_eq!(unread[1..], removed[1..]);
    assert_eq!(unread[2], ChangeKind::Removed);
}

#[test]
fn lines_of_their_own_are_compared_by_time() {
    let topology = topology(&[("dev", &[]), ("prod", &["dev"])]);
    let mut all = changes(&["prod=1", "dev=2", "prod=2"]);
    for change in all.get_mut(&CellKey::new("api", "dev")).unwrap() {
        change.line = 1;
        change.depth = 0;
    }
    let kinds = classify(&all, &CellKey::new("api", "prod"), &topology, false);
    assert_eq!(kinds[0].kind, ChangeKind::Promotion { from: "dev".into() });
}
