//! Deliveries outlive who began them: kept on disk, taken up by the next console, told as they are.

#![allow(clippy::unwrap_used)] // a harness fails by panicking

use std::{fs, path::Path, process::Stdio};

use serde_json::Value;

use crate::{
    stopping::{end, hook, pid, promoting, ready, signal, until, words},
    support::{
        demo::Operated,
        http,
        operator::Operator,
        repo::Repository,
        terminal::{SOON, Setup, TIDEGATE},
    },
    waves,
};

/// The files of a name below a folder, however deep.
fn files(below: &Path, name: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files(&path, name));
        } else if path
            .file_name()
            .is_some_and(|it| it.to_string_lossy().ends_with(name))
        {
            found.push(path);
        }
    }
    found
}

/// What is kept of deliveries below a home.
fn kept(home: &Path) -> Vec<std::path::PathBuf> {
    let kept = files(home, ".json").into_iter();
    kept.filter(|path| {
        path.parent()
            .is_some_and(|folder| folder.ends_with("deliveries"))
    })
    .collect()
}

/// The entries of the activity log, oldest first, each with its details.
fn activity(home: &Path) -> Vec<String> {
    entries(home).into_iter().map(|(text, _)| text).collect()
}

fn entries(home: &Path) -> Vec<(String, String)> {
    let logs = files(home, "activity.jsonl");
    let text = logs.iter().map(|path| fs::read_to_string(path).unwrap());
    let text: String = text.collect();
    let entries = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    entries
        .map(|entry| {
            let text = entry["text"].as_str().unwrap().to_owned();
            (text, entry["detail"].to_string())
        })
        .collect()
}

fn console(repository: &Repository) -> Operator {
    let setup = Setup::tidegate(&[]).home(repository.home());
    Operator::sit_down(setup.folder(repository.clone_path()))
}

#[test]
fn what_a_command_delivers_is_in_the_activity_log_and_nothing_is_left_of_it() {
    let repository = ready();
    assert!(end(&mut promoting(&repository)).success());
    let told = activity(&repository.home());
    let [confirmed, pushed] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(confirmed, "confirmed: 1 change to origin/main");
    assert!(pushed.ends_with(" is on origin/main"), "{pushed}");
    assert!(kept(&repository.home()).is_empty());
}

#[test]
fn a_push_that_nobody_saw_the_end_of_is_asked_about_and_never_repeated() {
    // Killed before the remote had it, and after.
    for (name, arrived) in [("pre-push", false), ("post-receive", true)] {
        let repository = ready();
        let tip = repository.tip();
        let at = match name {
            "pre-push" => repository.clone_path().join(".git"),
            _ => repository.remote(),
        };
        let begun = hook(&at, name, "sleep 600");
        let mut child = promoting(&repository);
        pid(&begun);
        signal(child.id(), "KILL");
        end(&mut child);
        fs::remove_file(at.join("hooks").join(name)).unwrap();
        assert_eq!(repository.tip() != tip, arrived);
        let moved = repository.tip();
        assert_eq!(kept(&repository.home()).len(), 1, "{name}");

        let operator = console(&repository);
        let (told, detail) = if arrived {
            ("pushed; nothing about what runs is judged", "")
        } else {
            let detail = "is not on origin/main: it was not written";
            ("a delivery that was left behind", detail)
        };
        until(told, || {
            let told_of = entries(&repository.home());
            let is = |(text, of): &(String, String)| text == told && of.contains(detail);
            told_of.iter().any(is).then_some(())
        });
        until("its end", || {
            kept(&repository.home()).is_empty().then_some(())
        });
        let over = |view: &crate::support::view::View| !view.has("delivering");
        operator.terminal.until("its end is shown", SOON, over);
        operator.leave();
        assert_eq!(repository.tip(), moved, "nothing is pushed again");

        // And nothing of it is there for the one after that.
        console(&repository).leave();
        let told = activity(&repository.home());
        let taken = told.iter().filter(|it| it.starts_with("taken up again"));
        assert_eq!(taken.count(), 1, "{told:?}");
    }
}

#[test]
fn a_remote_that_does_not_answer_is_asked_again_and_by_the_next_start() {
    let repository = ready();
    let hooks = repository.remote().join("hooks");
    let begun = hook(&repository.remote(), "post-receive", "sleep 600");
    let mut child = promoting(&repository);
    pid(&begun);
    signal(child.id(), "KILL");
    end(&mut child);
    fs::remove_file(hooks.join("post-receive")).unwrap();
    let away = repository.home().join("away.git");
    fs::rename(repository.remote(), &away).unwrap();

    let mut operator = console(&repository);
    let delivering = |view: &crate::support::view::View| view.has("delivering 0/1");
    operator.terminal.until("it is kept", SOON, delivering);
    operator.terminal.press("q");
    let asks = |view: &crate::support::view::View| view.has("the next start takes it up again");
    operator.terminal.until("the question", SOON, asks);
    operator.terminal.press("y");
    assert_eq!(operator.terminal.ended(SOON).exit.code, 0);
    assert_eq!(kept(&repository.home()).len(), 1, "nothing is known yet");

    fs::rename(&away, repository.remote()).unwrap();
    let operator = console(&repository);
    until("its end", || {
        kept(&repository.home()).is_empty().then_some(())
    });
    let over = |view: &crate::support::view::View| !view.has("delivering");
    operator.terminal.until("its end is shown", SOON, over);
    operator.leave();
    let told = activity(&repository.home());
    let on = told
        .iter()
        .filter(|line| line.ends_with(" is on origin/main"));
    assert_eq!(on.count(), 1, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_was_followed_is_followed_by_the_next_console() {
    let operated = Operated::start(4.0).await;
    let promote = ["promote", "identity", "--from", "dev", "--to", "staging"];
    let mut command = operated.command(&[&promote[..], &["--yes", "--wait"]].concat());
    let Operated { demo, home } = &operated;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let (clone, kubeconfig, at) = (demo.clone.clone(), demo.kubeconfig.clone(), home.home());
    tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let lines = words(&mut child);
        let followed = lines
            .iter()
            .any(|line| line.contains("identity / staging: "));
        assert!(followed, "it is followed");
        signal(child.id(), "KILL");
        end(&mut child);
        assert_eq!(kept(&at).len(), 1);
        let setup = Setup::tidegate(&[]).home(&at).folder(clone);
        let setup = setup.env("KUBECONFIG", &kubeconfig);
        let mut operator = Operator::sit_down(setup);
        let text = "taken up again: promote identity";
        until("the log says it", || {
            activity(&at)
                .iter()
                .any(|line| line.contains(text))
                .then_some(())
        });
        operator.terminal.press("d");
        let view = operator.delivered(SOON);
        assert!(view.has("identity / staging"), "{view}");
        assert!(view.has("healthy"), "{view}");
        until("its end", || kept(&at).is_empty().then_some(()));
        operator.leave();
        let told = activity(&at);
        assert!(
            told.contains(&"identity / staging: healthy".to_owned()),
            "{told:?}"
        );
    })
    .await
    .unwrap();
}

#[test]
fn what_another_version_kept_is_said_and_left_alone() {
    let repository = ready();
    assert!(end(&mut promoting(&repository)).success());
    let log = files(&repository.home(), "activity.jsonl");
    let folder = log[0].parent().unwrap().join("deliveries");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("1-later.json");
    fs::write(&file, r#"{"form":99,"kept":{"more":true}}"#).unwrap();
    let operator = console(&repository);
    until("the log says it", || {
        let told = activity(&repository.home());
        let other = |line: &String| line.contains("kept by another version of Tidegate (form 99");
        told.iter().any(other).then_some(())
    });
    operator.leave();
    assert!(file.exists());
}

/// Everything that Tidegate keeps below a home, as one text.
fn everything_kept(home: &Path) -> String {
    let mut text = String::new();
    for folder in ["state", "cache", "data", "config"] {
        for path in files(&home.join(folder), "") {
            text.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap()));
        }
    }
    text
}

/// Addresses with tokens, fetched and pushed, by the configuration, by `insteadOf`, and repeated by the server's own words.
#[test]
fn what_is_kept_of_deliveries_holds_no_secret_of_an_address() {
    let repository = ready();
    let clone = repository.clone_path();
    let port = http::serve(repository.remote().parent().unwrap());
    let address = format!("http://user:sesame@127.0.0.1:{port}/");
    let whole = format!("{address}remote");
    let shown = hook(
        &repository.remote(),
        "post-receive",
        &format!("echo 'To open a pull request, go to: {whole}/pull/new?token=sesame'"),
    );
    let configure = |key: &str, value: &str| {
        repository.git_in(&clone, &["config", key, value]);
    };
    configure("remote.origin.url", &whole);
    assert!(end(&mut promoting(&repository)).success());
    assert!(shown.exists(), "the server spoke");
    // Pushed to another place than it is fetched from, by a rewritten address.
    configure(
        "remote.origin.url",
        &repository.remote().display().to_string(),
    );
    configure("remote.origin.pushurl", "work:remote");
    configure(&format!("url.{address}.insteadOf"), "work:");
    repository.bump("checkout", "staging", "1.2.0");
    let begun = hook(&repository.remote(), "pre-receive", "sleep 600");
    let mut child = promoting(&repository);
    pid(&begun);
    signal(child.id(), "KILL");
    end(&mut child);
    let home = repository.home();
    assert_eq!(kept(&home).len(), 1);
    assert!(activity(&home).len() > 2, "both are told");
    assert!(everything_kept(&home).contains("\"attempt\":{"), "the push");
    assert!(!everything_kept(&home).contains("sesame"));
}

/// A delivery that is killed at each of its moments, and what comes after it, by the console and by the same command again:
/// the change is there exactly once.
#[test]
fn a_delivery_that_is_killed_is_there_once_after_it_is_asked_for_again() {
    // Where it hangs: (name, what runs then, whether the remote has it by then).
    let moments = [
        ("before the commit", "signing", false),
        ("after the commit", "pre-push", false),
        ("while the remote judges it", "pre-receive", false),
        ("while the remote takes it", "update", false),
        ("after the push", "post-receive", true),
    ];
    for (name, moment, arrived) in moments {
        for deliver in ["push", "branch"] {
            for by_console in [false, true] {
                let name = format!("{name}, {deliver}, console: {by_console}");
                let repository = ready();
                let base = repository.tip();
                let clone = repository.clone_path();
                let at = match moment {
                    "signing" | "pre-push" => clone.join(".git"),
                    _ => repository.remote(),
                };
                let begun = hook(&at, moment, "sleep 600");
                let configuration = repository.home().join(".gitconfig");
                if moment == "signing" {
                    let program = at.join("hooks").join(moment);
                    let text = format!(
                        "[commit]\n\tgpgsign = true\n[user]\n\tsigningkey = x\n[gpg]\n\tprogram = {}\n",
                        program.display()
                    );
                    fs::create_dir_all(repository.home()).unwrap();
                    fs::write(&configuration, text).unwrap();
                }
                let again = [
                    "promote",
                    "checkout",
                    "--from",
                    "staging",
                    "--to",
                    "prod",
                    "--yes",
                    "--no-live",
                    "--deliver",
                    deliver,
                ];
                let mut command = repository.command(TIDEGATE);
                command.args(again).current_dir(&clone);
                if moment == "signing" {
                    command.env("GIT_CONFIG_GLOBAL", &configuration);
                }
                let mut child = command
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap();
                pid(&begun);
                signal(child.id(), "KILL");
                end(&mut child);
                fs::remove_file(at.join("hooks").join(moment)).unwrap();
                // Whoever signs does so no more.
                let _ = fs::remove_file(&configuration);
                assert_eq!(kept(&repository.home()).len(), 1, "{name}: it is not lost");
                let branches = || {
                    let remote = repository.remote();
                    let listed =
                        repository.git_in(&remote, &["for-each-ref", "refs/heads/tidegate"]);
                    listed.lines().count()
                };
                let there = repository.tip() != base || branches() == 1;
                assert_eq!(there, arrived, "{name}");

                if by_console {
                    let operator = console(&repository);
                    until("its end", || {
                        kept(&repository.home()).is_empty().then_some(())
                    });
                    let over = |view: &crate::support::view::View| !view.has("delivering");
                    operator.terminal.until("its end is shown", SOON, over);
                    operator.leave();
                    let there = repository.tip() != base || branches() == 1;
                    assert_eq!(there, arrived, "{name}: looking pushes nothing");
                }
                repository.tidegate(&again).exits(0);
                let range = format!("{base}..main");
                let since =
                    repository.git_in(&repository.remote(), &["rev-list", "--count", &range]);
                let expected = match deliver {
                    "push" => ("1", 0),
                    _ => ("0", 1),
                };
                assert_eq!((since.as_str(), branches()), expected, "{name}");
                let status = repository
                    .tidegate(&["status", "--no-live", "-o", "json"])
                    .exits(0);
                let version = &status.json()["services"][0]["cells"]["prod"]["version"];
                let declared = if deliver == "push" { "1.1.0" } else { "1.0.0" };
                assert_eq!(version, declared, "{name}");
            }
        }
    }
}

const FIRST: &str = "promote mail, payments from staging to prod";
const SECOND: &str = "promote checkout 1.0.0 → 1.1.0 to prod";

/// A batch of two waves whose process is killed once the first is on the remote.
fn killed_in_its_first_wave() -> Repository {
    let repository = waves::repository();
    let begun = hook(&repository.remote(), "post-receive", "sleep 600");
    kill_the_batch(&repository, &begun);
    fs::remove_file(repository.remote().join("hooks/post-receive")).unwrap();
    assert_eq!(waves::subjects(&repository, 1), [FIRST]);
    repository
}

/// Starts it, and kills it once a hook of it runs.
fn kill_the_batch(repository: &Repository, begun: &Path) {
    let batch = ["promote", "--all", "--from", "staging", "--to", "prod"];
    let mut command = repository.command(TIDEGATE);
    command.args(batch).args(["--yes", "--no-live"]);
    let mut child = command
        .current_dir(repository.clone_path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    pid(begun);
    signal(child.id(), "KILL");
    end(&mut child);
    assert_eq!(kept(&repository.home()).len(), 1, "it is not lost");
}

#[test]
fn later_waves_go_on_at_the_next_start_once_writing_is_unlocked() {
    let repository = killed_in_its_first_wave();
    let mut operator = console(&repository);
    let waits = "wave 2 of 2 (checkout / prod) was confirmed and is not begun";
    let said = |view: &crate::support::view::View| view.has(waits);
    operator.terminal.until("what is left", SOON, said);
    assert_eq!(waves::subjects(&repository, 1), [FIRST], "it is locked");
    // Whoever leaves without that loses nothing.
    operator.terminal.press("q");
    assert_eq!(operator.terminal.ended(SOON).exit.code, 0);
    let mut operator = console(&repository);
    operator.terminal.until("what is left", SOON, said);
    operator.unlock();
    until("the second wave", || {
        (waves::subjects(&repository, 2) == [SECOND, FIRST]).then_some(())
    });
    until("its end", || {
        kept(&repository.home()).is_empty().then_some(())
    });
    let over = |view: &crate::support::view::View| !view.has("delivering");
    operator.terminal.until("its end is shown", SOON, over);
    operator.leave();
    assert!(files(&repository.home(), ".plan").is_empty());
    console(&repository).leave();
    assert_eq!(waves::subjects(&repository, 2), [SECOND, FIRST], "once");
}

#[test]
fn later_waves_go_on_by_a_command_that_is_confirmed() {
    let repository = killed_in_its_first_wave();
    let left = ["apply", "--left", "--no-live"];
    let also = |more: &[&str]| repository.tidegate(&[&left[..], more].concat());
    also(&["--dry-run"])
        .exits(0)
        .says("left behind: promote mail, payments from staging to prod, wave 1 of 2");
    also(&[]).exits(2).says("--yes confirms");
    assert_eq!(waves::subjects(&repository, 1), [FIRST], "nobody confirmed");
    also(&["--yes"])
        .exits(0)
        .says("confirmed before, and not begun: wave 2 of 2 (checkout / prod)");
    assert_eq!(waves::subjects(&repository, 2), [SECOND, FIRST]);
    also(&["--yes"]).exits(0).says("nothing was left behind");
    assert_eq!(waves::subjects(&repository, 2), [SECOND, FIRST], "once");
}

#[test]
fn later_waves_do_not_go_on_as_something_else() {
    // What happens meanwhile, what is said of it, and how it ends.
    type Meanwhile = fn(&Repository);
    let cases: [(&str, Meanwhile, &str, i32); 4] = [
        (
            "another policy",
            |repository| {
                let path = repository.clone_path().join("tidegate.toml");
                let text = fs::read_to_string(path).unwrap();
                let window = "\n[[windows]]\nname = \"none\"\nkind = \"deny\"\ncron = \"0 0 30 2 *\"\nduration = \"1h\"\nzone = \"UTC\"\nenvironments = [\"dev\"]\n";
                repository.write("tidegate.toml", &(text + window));
                repository.publish("Another policy");
                repository.pull();
            },
            "the policy is another one than it was confirmed by",
            5,
        ),
        (
            "another version",
            |repository| drop(repository.bump("checkout", "prod", "0.9.0")),
            "checkout / prod declares 0.9.0 by now",
            5,
        ),
        (
            "it is there",
            |repository| drop(repository.bump("checkout", "prod", "1.1.0")),
            "wave 2 of 2 (checkout / prod) is there already",
            0,
        ),
        (
            "kept by a version that did not know, or stopped by hand",
            |repository| {
                let plans = files(&repository.home(), ".plan");
                assert_eq!(plans.len(), 1);
                fs::remove_file(&plans[0]).unwrap();
            },
            "wave 1 of 2 is through, and the rest is not begun: checkout / prod; plan it again",
            1,
        ),
    ];
    for (name, meanwhile, said, code) in cases {
        let repository = killed_in_its_first_wave();
        repository.git_in(&repository.colleague(), &["pull", "-q", "origin", "main"]);
        meanwhile(&repository);
        let tip = repository.tip();
        let left = repository.tidegate(&["apply", "--left", "--yes", "--no-live"]);
        left.exits(code).says(said);
        assert_eq!(repository.tip(), tip, "{name}");
        assert!(kept(&repository.home()).is_empty(), "{name}");
        assert!(files(&repository.home(), ".plan").is_empty(), "{name}");
    }
}

#[test]
fn a_wave_that_was_killed_before_it_was_written_is_begun_again() {
    let repository = waves::repository();
    let clone = repository.clone_path();
    // The first commit is signed with an empty signature, the second by somebody who sleeps.
    let program = clone.join(".git/hooks/signing");
    let first = clone.join("signed-once");
    let sign = format!(
        "if [ -e '{0}' ]; then sleep 600; fi\nrm -f '{1}'\ntouch '{0}'\ncat > /dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\necho signature",
        first.display(),
        clone.join(".git/signing-begun").display()
    );
    let begun = hook(&clone.join(".git"), "signing", &sign);
    let configuration = repository.home().join(".gitconfig");
    let text = format!(
        "[commit]\n\tgpgsign = true\n[user]\n\tsigningkey = x\n[gpg]\n\tprogram = {}\n",
        program.display()
    );
    fs::create_dir_all(repository.home()).unwrap();
    fs::write(&configuration, text).unwrap();
    let batch = ["promote", "--all", "--from", "staging", "--to", "prod"];
    let mut command = repository.command(TIDEGATE);
    command.args(batch).args(["--yes", "--no-live"]);
    let mut child = command
        .current_dir(&clone)
        .env("GIT_CONFIG_GLOBAL", &configuration)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the second is signed", || {
        (first.exists() && begun.exists()).then_some(())
    });
    signal(child.id(), "KILL");
    end(&mut child);
    assert_eq!(waves::subjects(&repository, 1), [FIRST]);
    fs::remove_file(&configuration).unwrap();
    let left = repository.tidegate(&["apply", "--left", "--yes", "--no-live"]);
    left.exits(0)
        .says("left behind: promote checkout 1.0.0 → 1.1.0 to prod, wave 2 of 2");
    assert_eq!(waves::subjects(&repository, 2), [SECOND, FIRST]);
    assert!(kept(&repository.home()).is_empty());
}
