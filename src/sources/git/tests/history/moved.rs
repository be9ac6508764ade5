//! Values whose files were elsewhere before.

use std::collections::BTreeSet;

use super::*;

const TIME: i64 = 1_700_000_000;

/// A file that is long enough to be known again after an edit.
fn long(version: &str) -> String {
    format!(
        "# who reads this\n# will know it again\nreplicas: 2\nimage: shop/api\ntag: {version}\n"
    )
}

/// A repository, and the time of its next commit.
struct Story {
    scratch: Scratch,
    path: std::path::PathBuf,
    now: std::cell::Cell<i64>,
}

impl Story {
    fn new() -> Self {
        let scratch = Scratch::new();
        let path = scratch.init("r");
        Self {
            scratch,
            path,
            now: std::cell::Cell::new(TIME),
        }
    }

    fn next(&self) -> i64 {
        self.now.set(self.now.get() + 10);
        self.now.get()
    }

    fn set(&self, file: &str, version: &str, subject: &str) {
        commit(&self.path, &[(file, &long(version))], subject, self.next());
    }

    fn rename(&self, from: &str, to: &str) {
        let folder = self.path.join(to);
        std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
        git(&self.path, &["mv", from, to]);
    }

    fn commit(&self, subject: &str) {
        commit(&self.path, &[], subject, self.next());
    }

    fn merge(&self, branch: &str, subject: &str) {
        merge(&self.path, branch, subject, self.next() - TIME);
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.path, arguments)
    }

    /// What is told of a cell, `version landed` newest first, with where it moved from and by which commit. Told the same by
    /// an index, cold and warm, and of what changed last.
    fn told(&self, layouts: &Arc<LayoutSet>, service: &str, environment: &str) -> Vec<String> {
        let tip = rev(&self.path, "HEAD");
        let folder = self
            .scratch
            .path(&format!("cache-{tip}-{service}-{environment}"));
        let (plain, cached) = (open(&self.path), open(&self.path).with_cache(&folder));
        let all = history(&plain, tip, layouts, &Want::default()).changes;
        for time in ["cold", "warm"] {
            let kept = history(&cached, tip, layouts, &Want::default()).changes;
            assert_eq!(kept, all, "{time}");
        }
        let last = Want {
            cells: None,
            last_only: true,
            newest: None,
        };
        let afresh = history(&plain, tip, layouts, &last).changes;
        let landed = |changes: &Changes| -> Vec<_> {
            let each = changes
                .iter()
                .filter(|(_, changes)| changes[0].version.is_some());
            each.map(|(cell, changes)| {
                let change = &changes[0];
                (
                    cell.clone(),
                    change.version.clone(),
                    change.landed.commit,
                    change.authored.commit,
                )
            })
            .collect()
        };
        let of_index = history(&cached, tip, layouts, &last).changes;
        assert_eq!(landed(&of_index), landed(&afresh), "what changed last");
        let changes = all.get(&CellKey::new(service, environment));
        let changes = changes.map_or(&[][..], Vec::as_slice);
        changes
            .iter()
            .map(|change| {
                let version = change.version.as_ref().map_or("-", |v| v.as_str());
                let moved = change
                    .moved
                    .as_ref()
                    .map(|moved| format!(" < {} {}", moved.from, moved.authored.subject));
                let moved = moved.unwrap_or_default();
                format!("{version} {}{moved}", change.landed.subject)
            })
            .collect()
    }

    /// The commits that are named are those of `git log --follow`.
    fn is_followed_as_git_does(&self, layouts: &Arc<LayoutSet>, file: &str) {
        let found = history(
            &open(&self.path),
            rev(&self.path, "HEAD"),
            layouts,
            &Want::default(),
        );
        let mut ours = BTreeSet::new();
        for change in &found.changes[&CellKey::new("api", "prod")] {
            ours.insert(change.authored.subject.clone());
            ours.extend(
                change
                    .moved
                    .as_ref()
                    .map(|moved| moved.authored.subject.clone()),
            );
        }
        let theirs = self.git(&["log", "--follow", "--format=%s", "--", file]);
        let theirs: BTreeSet<String> = theirs.lines().map(str::to_owned).collect();
        assert_eq!(ours, theirs);
    }
}

fn apps() -> Arc<LayoutSet> {
    layouts(&[PATH], &[])
}

#[test]
fn a_renamed_file_goes_on() {
    let story = Story::new();
    story.set("deploy/one/production.yaml", "1", "one");
    story.set("deploy/one/production.yaml", "2", "two");
    story.rename("deploy/one/production.yaml", "apps/api/prod.yaml");
    story.commit("move");
    story.set("apps/api/prod.yaml", "3", "three");
    let told = story.told(&apps(), "api", "prod");
    let expected = [
        "3 three",
        "2 two < deploy/one/production.yaml move",
        "1 one",
    ];
    assert_eq!(told, expected);
    story.is_followed_as_git_does(&apps(), "apps/api/prod.yaml");
    // The move is the last that happened, and yet no value of its own.
    story.git(&["reset", "-q", "--hard", "HEAD~1"]);
    assert_eq!(story.told(&apps(), "api", "prod"), expected[1..]);
}

/// All files of a folder, of which two hold the same bytes.
#[test]
fn a_renamed_folder_goes_on_file_by_file() {
    let story = Story::new();
    story.set("deploy/api/prod.yaml", "1", "api");
    story.set("deploy/web/prod.yaml", "9", "web");
    story.set("deploy/web/prod.yaml", "1", "web again");
    story.rename("deploy", "apps");
    story.commit("move");
    let of = |service| story.told(&apps(), service, "prod");
    assert_eq!(of("api"), ["1 api < deploy/api/prod.yaml move"]);
    assert_eq!(
        of("web"),
        ["1 web again < deploy/web/prod.yaml move", "9 web"]
    );
    story.is_followed_as_git_does(&apps(), "apps/api/prod.yaml");
}

#[test]
fn a_renamed_environment_goes_on_and_a_renamed_service_is_another_row() {
    let story = Story::new();
    story.set("apps/api/staging.yaml", "1", "one");
    story.set("apps/api/staging.yaml", "2", "two");
    story.rename("apps/api/staging.yaml", "apps/api/prod.yaml");
    story.commit("the environment");
    assert_eq!(
        story.told(&apps(), "api", "prod"),
        ["2 two < apps/api/staging.yaml the environment", "1 one"]
    );
    story.rename("apps/api", "apps/shop");
    story.commit("the service");
    assert_eq!(story.told(&apps(), "shop", "prod"), ["2 the service"]);
}

#[test]
fn moved_and_edited_at_once() {
    let story = Story::new();
    story.set("deploy/api.yaml", "1", "one");
    story.rename("deploy/api.yaml", "apps/api/prod.yaml");
    story.set("apps/api/prod.yaml", "2", "move and two");
    let expected = ["2 move and two < deploy/api.yaml move and two", "1 one"];
    assert_eq!(story.told(&apps(), "api", "prod"), expected);
    story.is_followed_as_git_does(&apps(), "apps/api/prod.yaml");
    // Something else was taken away than what came.
    let story = Story::new();
    commit(
        &story.path,
        &[("deploy/api.yaml", "tag: 1\nkind: other\n")],
        "one",
        story.next(),
    );
    story.git(&["rm", "-q", "deploy/api.yaml"]);
    story.set("apps/api/prod.yaml", "1", "new");
    assert_eq!(story.told(&apps(), "api", "prod"), ["1 new"]);
}

#[test]
fn renamed_twice_and_back() {
    let story = Story::new();
    story.set("a/api.yaml", "1", "one");
    story.rename("a/api.yaml", "b/api.yaml");
    story.commit("first");
    story.rename("b/api.yaml", "apps/api/prod.yaml");
    story.commit("second");
    let told = story.told(&apps(), "api", "prod");
    assert_eq!(told, ["1 one < b/api.yaml second"], "the newest is told");
    story.set("apps/api/prod.yaml", "2", "two");
    story.rename("apps/api/prod.yaml", "c/api.yaml");
    story.commit("away");
    story.set("c/api.yaml", "3", "three");
    story.rename("c/api.yaml", "apps/api/prod.yaml");
    story.commit("back");
    story.set("apps/api/prod.yaml", "4", "four");
    assert_eq!(
        story.told(&apps(), "api", "prod"),
        [
            "4 four",
            "3 three < c/api.yaml back",
            "2 two < apps/api/prod.yaml away",
            "1 one < b/api.yaml second"
        ]
    );
}

/// ```text
/// one──o──M──three   M merged a branch that renamed the file
///   └──r─┘
/// ```
#[test]
fn renamed_on_a_branch() {
    let story = Story::new();
    story.set("deploy/api.yaml", "1", "one");
    story.set("deploy/api.yaml", "2", "two");
    story.git(&["switch", "-qc", "b"]);
    story.rename("deploy/api.yaml", "apps/api/prod.yaml");
    story.commit("rename");
    story.git(&["switch", "-q", "main"]);
    commit(&story.path, &[("README", "x")], "meanwhile", story.next());
    story.merge("b", "M");
    story.set("apps/api/prod.yaml", "3", "three");
    assert_eq!(
        story.told(&apps(), "api", "prod"),
        ["3 three", "2 two < deploy/api.yaml rename", "1 one"]
    );
    story.is_followed_as_git_does(&apps(), "apps/api/prod.yaml");
    // A value from a branch of before the move has its author.
    let story = Story::new();
    story.set("deploy/api.yaml", "1", "one");
    story.git(&["switch", "-qc", "b"]);
    story.set("deploy/api.yaml", "2", "b");
    story.git(&["switch", "-q", "main"]);
    commit(&story.path, &[("README", "x")], "meanwhile", story.next());
    story.merge("b", "M");
    story.rename("deploy/api.yaml", "apps/api/prod.yaml");
    story.commit("move");
    let found = history(
        &open(&story.path),
        rev(&story.path, "HEAD"),
        &apps(),
        &Want::default(),
    );
    assert_eq!(lines(&found, "prod"), ["2 M b", "1 one one"]);
}

#[test]
fn a_copy_is_no_move() {
    let story = Story::new();
    story.set("deploy/api.yaml", "1", "one");
    story.set("apps/api/prod.yaml", "1", "copy");
    story.set("apps/api/prod.yaml", "2", "two");
    assert_eq!(story.told(&apps(), "api", "prod"), ["2 two", "1 copy"]);
    // Where layouts read both, both are places of today; once the old one is gone, the copy landed with itself, and what was
    // before is still known.
    let story = Story::new();
    let old = layouts(&[PATH, "old/{service}/{env}.yaml"], &[]);
    story.set("old/api/prod.yaml", "1", "one");
    story.set("old/api/prod.yaml", "2", "two");
    story.set("apps/api/prod.yaml", "2", "copy");
    assert_eq!(story.told(&old, "api", "prod"), ["2 two", "1 one"]);
    story.git(&["rm", "-q", "old/api/prod.yaml"]);
    story.commit("clean up");
    assert_eq!(story.told(&old, "api", "prod"), ["2 copy", "1 one"]);
}

/// One file with all services becomes one for each; the layouts know both.
#[test]
fn a_file_that_was_split_goes_on_by_the_layouts_other_paths() {
    let specs = [
        LayoutSpec {
            path: Some(PATH.into()),
            yaml: Some("tag".into()),
            ..LayoutSpec::default()
        },
        LayoutSpec {
            path: Some("{env}.yaml".into()),
            yaml: Some("{service}.tag".into()),
            ..LayoutSpec::default()
        },
    ];
    let layouts = Arc::new(LayoutSet::compile(&specs, &environments()).unwrap());
    let story = Story::new();
    let all = |api: &str, web: &str| format!("api:\n  tag: {api}\nweb:\n  tag: {web}\n");
    let write = |api: &str, web: &str, subject: &str| {
        commit(
            &story.path,
            &[("prod.yaml", &all(api, web))],
            subject,
            story.next(),
        );
    };
    write("1", "1", "one");
    write("2", "1", "two");
    story.git(&["rm", "-q", "prod.yaml"]);
    let files = [
        ("apps/api/prod.yaml", "tag: 2\n"),
        ("apps/web/prod.yaml", "tag: 2\n"),
    ];
    commit(&story.path, &files, "split", story.next());
    assert_eq!(
        story.told(&layouts, "api", "prod"),
        ["2 two < prod.yaml split", "1 one"]
    );
    // It moved, and changed with it.
    assert_eq!(
        story.told(&layouts, "web", "prod"),
        ["2 split < prod.yaml split", "1 one"]
    );
    // The file stays, with another service in it.
    let story = Story::new();
    let write = |text: &str, subject: &str| {
        commit(&story.path, &[("prod.yaml", text)], subject, story.next());
    };
    write(&all("1", "1"), "one");
    std::fs::create_dir_all(story.path.join("apps/api")).unwrap();
    std::fs::write(story.path.join("apps/api/prod.yaml"), "tag: 1\n").unwrap();
    write("web:\n  tag: 1\n", "out of it");
    assert_eq!(
        story.told(&layouts, "api", "prod"),
        ["1 one < prod.yaml out of it"]
    );
    assert_eq!(story.told(&layouts, "web", "prod"), ["1 one"]);
}

/// A file of other layouts that was renamed itself, before it moved to a place of today.
#[test]
fn a_rename_before_a_move_by_layouts_goes_on() {
    let layouts = layouts(&[PATH, "old/{service}/{env}.yaml"], &[]);
    let story = Story::new();
    story.set("older/api.yaml", "1", "one");
    story.rename("older/api.yaml", "old/api/prod.yaml");
    story.commit("first");
    story.set("old/api/prod.yaml", "2", "two");
    story.rename("old/api/prod.yaml", "apps/api/prod.yaml");
    story.commit("second");
    story.set("apps/api/prod.yaml", "3", "three");
    assert_eq!(
        story.told(&layouts, "api", "prod"),
        [
            "3 three",
            "2 two < old/api/prod.yaml second",
            "1 one < older/api.yaml first"
        ]
    );
    story.is_followed_as_git_does(&layouts, "apps/api/prod.yaml");
}

/// Nothing was declared when the file moved: the value before it was removed, the one since came anew.
#[test]
fn removed_before_a_move_and_back_after_it() {
    let nothing = "# who reads this\n# will know it again\nreplicas: 2\nimage: shop/api\n";
    let cases: [(&str, &[&str], &str); 2] = [
        ("deploy/api.yaml", &[PATH], "renamed"),
        (
            "old/api/prod.yaml",
            &[PATH, "old/{service}/{env}.yaml"],
            "by layouts",
        ),
    ];
    for (before, paths, what) in cases {
        let story = Story::new();
        let layouts = layouts(paths, &[]);
        story.set(before, "1", "one");
        commit(&story.path, &[(before, nothing)], "gone", story.next());
        story.rename(before, "apps/api/prod.yaml");
        story.commit("move");
        story.set("apps/api/prod.yaml", "2", "back");
        let told = story.told(&layouts, "api", "prod");
        let known: Vec<&str> = told
            .iter()
            .map(|told| told.split(" <").next().unwrap_or_default())
            .collect();
        assert_eq!(known, ["2 back", "- gone", "1 one"], "{what}");
        story.is_followed_as_git_does(&layouts, "apps/api/prod.yaml");
    }
}

/// The file was taken away after the move, and came again.
#[test]
fn removed_after_a_move_and_back() {
    let story = Story::new();
    story.set("deploy/api.yaml", "1", "one");
    story.rename("deploy/api.yaml", "apps/api/prod.yaml");
    story.commit("move");
    story.git(&["rm", "-q", "apps/api/prod.yaml"]);
    story.commit("gone");
    story.set("apps/api/prod.yaml", "2", "back");
    assert_eq!(
        story.told(&apps(), "api", "prod"),
        ["2 back", "- gone", "1 one < deploy/api.yaml move"]
    );
    story.is_followed_as_git_does(&apps(), "apps/api/prod.yaml");
}

/// Fall-back files move with it.
#[test]
fn a_folder_with_a_fall_back_goes_on() {
    let layouts = layouts(&[PATH], &["apps/{service}/all.yaml"]);
    let story = Story::new();
    story.set("deploy/api/all.yaml", "1", "one");
    commit(
        &story.path,
        &[("deploy/api/prod.yaml", "replicas: 2\nnothing: else\n")],
        "prod",
        story.next(),
    );
    story.set("deploy/api/all.yaml", "2", "two");
    story.rename("deploy", "apps");
    story.commit("move");
    story.set("apps/api/all.yaml", "3", "three");
    assert_eq!(
        story.told(&layouts, "api", "prod"),
        ["3 three", "2 two < deploy/api/all.yaml move", "1 one"]
    );
}

/// What was found before a move is found again where an index is gone on from.
#[test]
fn an_index_is_gone_on_from_behind_a_move() {
    let story = Story::new();
    story.set("deploy/api.yaml", "1", "one");
    let folder = story.scratch.path("cache");
    let (plain, cached) = (open(&story.path), open(&story.path).with_cache(&folder));
    let same = |what: &str| {
        let tip = rev(&story.path, "HEAD");
        let expected = history(&plain, tip, &apps(), &Want::default()).changes;
        let found = history(&cached, tip, &apps(), &Want::default()).changes;
        assert_eq!(found, expected, "{what}");
    };
    same("before");
    story.rename("deploy/api.yaml", "apps/api/prod.yaml");
    story.commit("move");
    same("moved since");
    story.set("apps/api/prod.yaml", "2", "two");
    same("moved before");
    story.rename("apps/api/prod.yaml", "c/api.yaml");
    story.commit("away");
    story.rename("c/api.yaml", "apps/api/prod.yaml");
    story.commit("back");
    same("away and back since");
}
