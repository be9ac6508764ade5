//! Layouts over a real repository: what must be there for a place to count, one line for several environments, and how they
//! are guessed, edited and written on the screen.
#![allow(clippy::unwrap_used)] // a harness fails by panicking

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
};

use serde_json::{Value, json};

use crate::support::{
    operator::Operator,
    repo::{CONFIGURATION, Repository, write},
    terminal::{SOON, Setup, View, key},
};

const ENVIRONMENTS: &str =
    "[[environments]]\nname = \"dev\"\n[[environments]]\nname = \"prod\"\nfrom = [\"dev\"]\n";

#[test]
fn a_place_that_counts_since_yesterday_has_the_history_of_its_file() {
    let repository = Repository::empty();
    let layouts = "[[layouts]]\npath = \"{service}-dev/app.yaml\"\nyaml = \"tag\"\nenv = \"dev\"\n\
                   [[layouts]]\npath = \"{service}/app.yaml\"\nyaml = \"tag\"\nenv = \"prod\"\nonly_if = \"{service}-dev\"\n";
    repository.write("tidegate.toml", &format!("{ENVIRONMENTS}{layouts}"));
    for service in ["web", "api"] {
        for version in ["1", "2"] {
            repository.write(
                &format!("{service}/app.yaml"),
                &format!("tag: v1.{version}\n"),
            );
            repository.publish(&format!("{service} {version}"));
        }
    }
    repository.write("web-dev/app.yaml", "tag: v1.3\n");
    // What is beside it need only be there: nobody reads it.
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    repository.write("web-dev/model.bin", pointer);
    let link = repository.colleague().join("web-dev/latest");
    symlink("model.bin", link).unwrap();
    repository.publish("web goes to dev first");
    repository.pull();
    let status = repository
        .tidegate(&["status", "--no-live", "-o", "json"])
        .exits(0)
        .json();
    let services = status["services"].as_array().unwrap();
    let names: Vec<&Value> = services.iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["web"], "nothing of api is promoted");
    assert_eq!(status["problems"], json!([]));
    let history = repository
        .tidegate(&["history", "web", "prod", "-o", "json"])
        .exits(0)
        .json();
    let subjects: Vec<&Value> = history["values"]
        .as_array()
        .unwrap_or_else(|| panic!("{history}"))
        .iter()
        .map(|entry| &entry["authored"]["subject"])
        .collect();
    assert_eq!(subjects, ["web 2", "web 1"]);
    // Where it does not count any more, it is not there, and its history with it.
    repository.git_in(&repository.colleague(), &["rm", "-rq", "web-dev"]);
    repository.publish("web is not promoted any more");
    repository.pull();
    let status = repository
        .tidegate(&["status", "--no-live", "-o", "json"])
        .exits(0)
        .json();
    assert_eq!(status["services"], json!([]));
}

#[test]
fn a_line_of_several_environments_moves_all_of_them_and_the_plan_says_so() {
    let repository = Repository::empty();
    let layouts = "[[layouts]]\npath = \"services.yaml\"\nyaml = \"services[*]{name={service}}{targets={env}}.hash\"\n";
    repository.write(
        "tidegate.toml",
        &format!("{}{layouts}", ENVIRONMENTS.replace("from", "#")),
    );
    repository.write(
        "services.yaml",
        "services:\n- name: web\n  hash: aaaaaaa # tested\n  targets: [dev, prod]\n- name: api\n  hash: ccccccc\n  targets: [dev]\n",
    );
    repository.publish("Initial versions");
    repository.pull();
    let set = ["set", "web", "dev", "bbbbbbb", "--yes", "--no-live"];
    repository.tidegate(&set).exits(3).says("--along");
    let all = [&set[..], &["--along", "web/prod"]].concat();
    repository.tidegate(&all).exits(0);
    assert_eq!(
        repository.at_tip("services.yaml"),
        "services:\n- name: web\n  hash: bbbbbbb # tested\n  targets: [dev, prod]\n- name: api\n  hash: ccccccc\n  targets: [dev]",
    );
}

/// An editor that has a blank in its path and takes an option first: it notes what it is asked, and writes what is to be
/// written and ends as it is told to.
const EDITOR: &str = r#"#!/bin/sh
printf '%s\n' "$#" "$1" "$2" > "$HOME/asked"
if test -e "$HOME/next"; then cat "$HOME/next" > "$2"; rm "$HOME/next"; fi
exit "$(cat "$HOME/code")"
"#;

/// A repository, and an operator at its console who has an editor.
struct Edited {
    repository: Repository,
}

impl Edited {
    /// Of a repository whose file is `team`; without one, where there is none.
    fn new(team: Option<&str>) -> Self {
        let repository = Repository::seeded();
        match team {
            Some(text) => repository.write("tidegate.toml", &format!("# The team's\n{text}")),
            None => fs::remove_file(repository.colleague().join("tidegate.toml")).unwrap(),
        }
        repository.publish("Another configuration");
        repository.pull();
        let edited = Self { repository };
        let editor = edited.home("my editor/edit");
        write(&editor, EDITOR.as_bytes());
        fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).unwrap();
        write(&edited.home("code"), b"0");
        edited
    }

    fn home(&self, path: &str) -> PathBuf {
        self.repository.home().join(path)
    }

    fn team(&self) -> PathBuf {
        self.repository.clone_path().join("tidegate.toml")
    }

    fn console(&self, arguments: &[&str], editor: &str) -> Operator {
        let setup = Setup::tidegate(arguments)
            .home(self.repository.home())
            .folder(self.repository.clone_path())
            .env("EDITOR", editor);
        Operator::sit_down(setup)
    }

    fn sit_down(&self, arguments: &[&str]) -> Operator {
        self.console(arguments, "\"$HOME/my editor/edit\" --wait")
    }

    /// The editor is given this to write, and ends with that.
    fn next(&self, text: &str, code: u8) {
        write(&self.home("next"), text.as_bytes());
        write(&self.home("code"), code.to_string().as_bytes());
    }

    /// What it was opened on.
    fn asked(&self) -> String {
        let asked = fs::read_to_string(self.home("asked")).unwrap();
        let path = asked.strip_prefix("2\n--wait\n").map(str::trim_end);
        path.unwrap_or_else(|| panic!("{asked}")).to_owned()
    }

    /// What is kept of a draft, by its path.
    fn draft(&self) -> Option<(PathBuf, String)> {
        let folders = fs::read_dir(self.home("state/tidegate")).unwrap();
        let mut drafts = folders.map(|folder| folder.unwrap().path().join("draft.toml"));
        let path = drafts.find(|path| path.exists())?;
        let text = fs::read_to_string(&path).unwrap();
        Some((path, text))
    }
}

fn says(operator: &Operator, words: &str) -> View {
    operator.terminal.until(words, SOON, |view| view.has(words))
}

/// A configuration that says the same as is guessed, and something of the operator's own.
fn mine() -> String {
    format!("# mine\n{CONFIGURATION}").replace("\"prod\"\nfrom = [\"staging\"]", "\"prod\"")
}

#[test]
fn a_draft_is_in_force_is_kept_is_gone_on_with_and_is_written_as_it_is_shown() {
    let edited = Edited::new(None);
    let mut operator = edited.sit_down(&[]);
    says(&operator, "GUESSED");
    operator.command("layouts");
    says(&operator, "guessed, as no tidegate.toml says it");
    // One that does not load is kept, is not in force, and is not written.
    edited.next("layouts = 3", 0);
    operator.terminal.press("e");
    says(&operator, "A draft of yours is there, and not in use");
    let view = says(&operator, "it does not load");
    assert!(view.has("GUESSED"), "{view}");
    operator.terminal.press("w");
    says(&operator, "nothing is written before it does");
    // What is opened is what was left.
    let (path, text) = edited.draft().unwrap();
    assert_eq!(text, "layouts = 3");
    edited.next(&mine(), 0);
    operator.terminal.press("e");
    let view = says(&operator, "# mine");
    assert!(view.has("DRAFT") && !view.has("GUESSED"), "{view}");
    assert_eq!(edited.asked(), path.display().to_string());
    operator.terminal.press("a");
    says(&operator, "no guess takes its place");
    operator.back_to_the_matrix();
    operator.terminal.press("q");
    says(
        &operator,
        "your draft of the layouts is not saved; it is kept",
    );
    operator.terminal.press("y");
    let ended = operator.terminal.ended(SOON);
    ended.assert_restored();
    let words = format!("your draft of the layouts is not saved: {}", path.display());
    let written = operator.terminal.written();
    assert!(written.replace("\r\n", "").contains(&words), "{written}");

    // Another session guesses; the draft is there as it was, whatever the guess is by now.
    edited.repository.bump("checkout", "dev", "1.1.0");
    edited.repository.pull();
    let mut operator = edited.sit_down(&[]);
    says(&operator, "GUESSED");
    operator.command("layouts");
    says(&operator, "A draft of yours is there, and not in use");
    operator.terminal.press("e");
    says(&operator, "# mine");
    assert_eq!(edited.draft(), Some((path.clone(), mine())));
    operator.terminal.press("w");
    says(&operator, "type :write");
    assert!(!edited.team().exists());
    operator.command("write");
    says(&operator, "# mine");
    operator.terminal.press("w");
    operator.terminal.until("the file in force", SOON, |view| {
        view.has("by tidegate.toml") && !view.has("DRAFT")
    });
    assert_eq!(fs::read_to_string(edited.team()).unwrap(), mine());
    assert_eq!(edited.draft(), None, "it is the team's file now");
    operator.leave();
}

#[test]
fn what_is_guessed_is_written_as_init_would_and_never_over_what_came_meanwhile() {
    let edited = Edited::new(None);
    write(
        &edited.home("kube"),
        b"apiVersion: v1\nkind: Config\nclusters: [{name: far, cluster: {server: 'https://127.0.0.1:1'}}]\n\
          contexts: [{name: prod, context: {cluster: far, user: me}}]\nusers: [{name: me, user: {}}]\n",
    );
    let own = format!("kubeconfig = \"{}\"\n", edited.home("kube").display());
    write(&edited.home("config/tidegate/config.toml"), own.as_bytes());
    let printed = edited.repository.tidegate(&["init", "--stdout"]).exits(0);
    let wanted = printed.out;
    assert!(wanted.contains("cluster = \"prod\""), "{wanted}");
    let mut operator = edited.sit_down(&[]);
    operator.unlock();
    operator.command("layouts");
    says(&operator, "; cluster prod");
    // Nothing is written over what is there, nor through it.
    symlink("elsewhere", edited.team()).unwrap();
    operator.terminal.press("w");
    says(&operator, "saving tidegate.toml");
    let target = edited.repository.clone_path().join("elsewhere");
    assert!(!target.exists());
    fs::remove_file(edited.team()).unwrap();
    operator.command("reload");
    says(&operator, "; cluster prod");
    operator
        .terminal
        .press_until("w", "the file in force", SOON, |view| {
            view.has("by tidegate.toml")
        });
    assert_eq!(fs::read_to_string(edited.team()).unwrap(), wanted);
    operator.leave();
}

#[test]
fn the_file_in_force_is_edited_and_no_draft_takes_its_place() {
    // One that is named is edited, and the team's is not.
    let edited = Edited::new(Some(CONFIGURATION));
    let named = edited.home("named.toml");
    write(&named, CONFIGURATION.as_bytes());
    let path = named.display().to_string();
    let mut operator = edited.sit_down(&["--config", &path]);
    operator.command("layouts");
    says(&operator, "named.toml");
    let text = CONFIGURATION.replace("name = \"staging\"", "name = \"preprod\"");
    let text = text.replace("\"staging\"", "\"preprod\"");
    edited.next(&text, 0);
    operator.terminal.press("e");
    says(&operator, "the configuration was read again");
    assert_eq!(edited.asked(), path);
    operator.back_to_the_matrix();
    // Its files are read beside the screen.
    let shown = |view: &View| view.has("preprod");
    operator.terminal.until("its column", SOON, shown);
    let team = fs::read_to_string(edited.team()).unwrap();
    assert!(team.ends_with(CONFIGURATION), "{team}");
    assert_eq!(edited.draft(), None);
    operator.leave();

    // One that says no layouts says the policy: it is told what it lacks, and keeps its place.
    let (team, _) = CONFIGURATION.split_once("[[layouts]]").unwrap();
    let edited = Edited::new(Some(team));
    let mut operator = edited.sit_down(&[]);
    operator.unlock();
    operator.command("layouts");
    let view = says(&operator, "tidegate.toml says no layouts; add these:");
    assert!(view.has("apps/{service}/overlays/"), "{view}");
    operator.terminal.press("w");
    says(&operator, "nothing is written over it");
    edited.next(CONFIGURATION, 0);
    operator.terminal.press("e");
    says(&operator, "by tidegate.toml");
    assert_eq!(edited.asked(), edited.team().display().to_string());
    assert_eq!(edited.draft(), None);
    operator.leave();
}

#[test]
fn how_an_editor_ended_is_told_and_nothing_is_lost() {
    let edited = Edited::new(None);
    let mut operator = edited.sit_down(&[]);
    operator.command("layouts");
    says(&operator, "guessed, as no tidegate.toml says it");
    // Nothing changed: there is no draft.
    operator.terminal.press("e");
    says(&operator, "there is no draft: nothing was changed");
    assert_eq!(edited.draft(), None);
    // It failed after it had saved: what it saved is kept, and not in force.
    edited.next(&mine(), 3);
    operator.terminal.press("e");
    says(&operator, "--wait ended with exit 3");
    assert_eq!(edited.draft().unwrap().1, mine());
    assert!(operator.terminal.view().has("GUESSED"));
    operator.leave();

    let edited = Edited::new(None);
    for (editor, words) in [
        ("/nowhere/editor", "/nowhere/editor cannot be run"),
        ("kill -9 $$; true", "was ended by a signal"),
    ] {
        let mut operator = edited.console(&[], editor);
        operator.command("layouts");
        says(&operator, "guessed, as no tidegate.toml says it");
        operator.terminal.press("e");
        says(&operator, words);
        assert_eq!(edited.draft(), None, "{editor}");
        operator.terminal.press(key::ESC);
        operator.leave();
    }
}
