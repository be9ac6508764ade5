//! Histories of environments that follow tags.

use std::cell::Cell;

use super::*;
use crate::{
    domain::{
        desired::{Desired, Tip},
        failure::Failure,
        history::ValueChange,
    },
    sources::git::{LinesOf, TagReading},
};

const TIME: i64 = 1_700_000_000;

fn layouts() -> Arc<LayoutSet> {
    let spec = LayoutSpec {
        refs: Some("refs/tags/{env}-{version:semver}".into()),
        path: Some("{service}.yaml".into()),
        yaml: Some("tag".into()),
        ..LayoutSpec::default()
    };
    Arc::new(LayoutSet::compile(&[spec], &environments()).unwrap())
}

struct Tags {
    scratch: Scratch,
    path: std::path::PathBuf,
    layouts: Arc<LayoutSet>,
}

impl Tags {
    fn new() -> Self {
        let scratch = Scratch::new();
        let path = scratch.init("r");
        Self {
            scratch,
            path,
            layouts: layouts(),
        }
    }

    /// A commit with this file, and a tag of it.
    fn tag(&self, name: &str, file: (&str, &str), minute: i64) {
        let time = TIME + 60 * minute;
        commit(&self.path, &[file], name, time);
        git_at(&self.path, &["tag", "-a", "-m", name, name], time);
    }

    /// The same, of a tag without an object of its own.
    fn lightweight(&self, name: &str, file: (&str, &str), minute: i64) {
        let time = TIME + 60 * minute;
        commit(&self.path, &[file], name, time);
        git_at(&self.path, &["tag", name], time);
    }

    /// What is told, `service version tag` newest first, and how many tags were read for it.
    fn told(&self, want: &Want) -> (Vec<String>, u32) {
        let repo = open(&self.path).with_cache(&self.scratch.path("cache"));
        let of = LinesOf {
            repository: None,
            branch: None,
            until: None,
        };
        let lines = repo.lines(&self.layouts, &of).unwrap();
        let line: &Tip = lines.iter().find(|line| line.name.is_tag()).unwrap();
        let times = Cell::new(0);
        let read = |line: &Tip| -> Result<Desired, Failure> {
            times.set(times.get() + 1);
            let view = Arc::new(self.layouts.view(&line.origin));
            repo.desired(line.commit, &view, &environments())
        };
        let mut all: Vec<(CellKey, ValueChange)> = Vec::new();
        let mut sink = |event| {
            if let HistoryEvent::Changes(batch) = event {
                all.extend(batch);
            }
            ControlFlow::Continue(())
        };
        // As whoever asks for a history has read the newest.
        let view = Arc::new(self.layouts.view(&line.origin));
        let today = repo.desired(line.commit, &view, &environments()).unwrap();
        let unread = today.cells.iter().filter(|(_, cell)| cell.unread.is_some());
        let reading = TagReading {
            unread: &unread.map(|(key, _)| key.clone()).collect(),
            read: &read,
        };
        repo.tag_history(&self.layouts, line, want, &reading, &mut sink)
            .unwrap();
        let told = all.iter().map(|(key, change)| {
            let version = change.version.as_ref().map_or("-", |v| v.as_str());
            format!(
                "{} {version} {} {}",
                key.service, change.landed.subject, change.depth
            )
        });
        (told.collect(), times.get())
    }
}

#[test]
fn tags_are_read_once() {
    let tags = Tags::new();
    tags.tag("prod-1.0.0", ("api.yaml", "tag: 1\n"), 1);
    tags.tag("prod-1.1.0", ("web.yaml", "tag: 7\n"), 2);
    tags.tag("prod-1.2.0", ("api.yaml", "tag: 2\n"), 3);
    let all = Want::default();
    let first = [
        "api 2 prod-1.2.0 0",
        "web 7 prod-1.1.0 1",
        "api 1 prod-1.0.0 2",
    ];
    let strings =
        |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
    assert_eq!(tags.told(&all), (strings(&first), 3), "cold");
    assert_eq!(tags.told(&all), (strings(&first), 0), "warm");
    let last = Want {
        cells: None,
        last_only: true,
        newest: None,
    };
    assert_eq!(tags.told(&last), (strings(&first[..2]), 0), "last");
    let web = Want {
        cells: Some([CellKey::new("web", "prod")].into()),
        last_only: false,
        newest: None,
    };
    assert_eq!(tags.told(&web), (strings(&first[1..2]), 0), "one cell");
    // A new tag is read, and nothing else.
    tags.tag("prod-1.3.0", ("web.yaml", "tag: 8\n"), 4);
    let more = [
        "web 8 prod-1.3.0 0",
        "api 2 prod-1.2.0 1",
        "web 7 prod-1.1.0 2",
        "api 1 prod-1.0.0 3",
    ];
    assert_eq!(tags.told(&web), (strings(&[more[0], more[2]]), 1), "a tag");
    assert_eq!(tags.told(&all), (strings(&more), 0));
    // A file that broke is told since when, as long as it is; one that is gone is removed.
    tags.tag("prod-1.4.0", ("web.yaml", "tag: [\n"), 5);
    let (told, read) = tags.told(&all);
    assert_eq!(told[0], "web - prod-1.4.0 0");
    assert_eq!((told.len(), read), (5, 2));
    tags.tag("prod-1.4.1", ("api.yaml", "tag: 2 # still\n"), 5);
    for want in [&all, &last, &web] {
        assert_eq!(tags.told(want).0[0], "web - prod-1.4.0 1");
    }
    assert_eq!(tags.told(&last).0.len(), 2);
    std::fs::remove_file(tags.path.join("web.yaml")).unwrap();
    tags.tag("prod-1.5.0", ("api.yaml", "tag: 3\n"), 6);
    let (told, read) = tags.told(&all);
    assert_eq!(told[..2], ["web - prod-1.5.0 0", "api 3 prod-1.5.0 0"]);
    assert_eq!(read, 1);
    // A tag that was made anew elsewhere is another history from there on.
    git(&tags.path, &["tag", "-d", "prod-1.5.0"]);
    git_at(
        &tags.path,
        &["tag", "-a", "-m", "again", "prod-1.5.0", "HEAD~4"],
        TIME + 600,
    );
    let (told, read) = tags.told(&all);
    assert!(read > 1 && told[0].ends_with("again 0"), "{told:?}");
}

#[test]
fn what_is_kept_of_tags_and_damaged_is_read_again() {
    let tags = Tags::new();
    tags.tag("prod-1.0.0", ("api.yaml", "tag: 1\n"), 1);
    tags.tag("prod-1.1.0", ("api.yaml", "tag: 2\n"), 2);
    let all = Want::default();
    let (told, _) = tags.told(&all);
    let cache = tags.scratch.path("cache");
    let kept = std::fs::read_dir(&cache).unwrap().flatten();
    let kept = kept
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|it| it == "tags"))
        .unwrap();
    let bytes = std::fs::read(&kept).unwrap();
    for at in (0..bytes.len()).step_by(11) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x55;
        std::fs::write(&kept, &bytes).unwrap();
        assert_eq!(tags.told(&all).0, told, "{at}");
        assert_eq!(tags.told(&all), (told.clone(), 0), "kept again, {at}");
    }
}

/// A lightweight tag has its commit's time: one that takes others back came after them all the same.
#[test]
fn a_lightweight_tag_that_takes_others_back_came_after_them() {
    // (name, tags made: `version@file`, or `version=an earlier tag`, which names its commit again; what is told)
    type Case = (
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
    );
    let cases: [Case; 5] = [
        (
            "by one step",
            &["1.0.0@1", "1.1.0@2", "1.1.1=1.0.0"],
            &["1 1.0.0", "2 1.1.0", "1 1.0.0"],
        ),
        (
            "by two steps",
            &["1.0.0@1", "1.1.0@2", "1.2.0@3", "1.2.1=1.0.0"],
            &["1 1.0.0", "3 1.2.0", "2 1.1.0", "1 1.0.0"],
        ),
        (
            "back and forth, and on",
            &[
                "1.0.0@1",
                "1.1.0@2",
                "1.1.1=1.0.0",
                "1.1.2=1.1.0",
                "1.2.0@3",
            ],
            &["3 1.2.0", "2 1.1.0", "1 1.0.0", "2 1.1.0", "1 1.0.0"],
        ),
        (
            "twice to the first",
            &[
                "1.0.0@1",
                "1.1.0@2",
                "1.1.1=1.0.0",
                "1.2.0@3",
                "1.2.1=1.0.0",
            ],
            &["1 1.0.0", "3 1.2.0", "1 1.0.0", "2 1.1.0", "1 1.0.0"],
        ),
        (
            "the commit of today by another name",
            &["1.0.0@1", "1.1.0@2", "1.1.1=1.1.0"],
            &["2 1.1.0", "1 1.0.0"],
        ),
    ];
    for (name, made, expected) in cases {
        let tags = Tags::new();
        for (minute, tag) in (1..).zip(made) {
            if let Some((version, of)) = tag.split_once('=') {
                let of = format!("prod-{of}^{{commit}}");
                git(&tags.path, &["tag", &format!("prod-{version}"), &of]);
            } else if let Some((version, value)) = tag.split_once('@') {
                let text = format!("tag: {value}\n");
                tags.lightweight(&format!("prod-{version}"), ("api.yaml", &text), minute);
            }
        }
        let (told, _) = tags.told(&Want::default());
        let told: Vec<&str> = told
            .iter()
            .map(|line| line.strip_prefix("api ").unwrap())
            .map(|line| line.rsplit_once(' ').unwrap().0)
            .collect();
        let expected: Vec<String> = expected
            .iter()
            .map(|line| line.replacen(' ', " prod-", 1))
            .collect();
        assert_eq!(told, expected, "{name}");
    }
}
