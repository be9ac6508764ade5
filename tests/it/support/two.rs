//! Two repositories and one matrix: a main one, and one beside it that the main one's file names and prod is in.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::path::PathBuf;

use super::repo::{Repository, write};

/// The main repository's file: `environments`, promoted from left to right, are its own; prod follows and stands in another
/// one, `place`: `path = "…"` or `url = "…"`, and what else its entry says.
pub fn configuration(place: &str, environments: &[&str]) -> String {
    let mut text = format!("[[repositories]]\nname = \"production\"\n{place}\n");
    let mut from = String::new();
    for name in environments.iter().chain(&["prod"]) {
        text.extend(["\n[[environments]]\nname = \"", name, "\"\n", &from]);
        from = format!("from = [\"{name}\"]\n");
    }
    for (repository, environments) in [
        ("", environments.join("|")),
        ("repository = \"production\"\n", "prod".to_owned()),
    ] {
        let layout = format!(
            "\n[[layouts]]\n{repository}path = \"envs/{{env:{environments}}}/{{service}}.yaml\"\n\
             yaml = \"image\"\npart = \"tag\"\n"
        );
        text.push_str(&layout);
    }
    text
}

/// The same where all of it stands in the main one.
pub fn without_other(text: &str) -> String {
    text.replace("[[repositories]]\nname = \"production\"\n", "")
        .replace("repository = \"production\"\n", "")
}

/// The file of the service `shop` in `environment`.
pub fn file(environment: &str) -> String {
    format!("envs/{environment}/shop.yaml")
}

/// What it says.
pub fn image(version: &str) -> String {
    format!("# by the pipeline\nimage: registry.example.com/shop:{version}\n")
}

/// Both, each with the service `shop` at 1.0.0; the clones are up to date.
pub struct Two {
    /// The one that the operator stands in.
    pub main: Repository,
    /// The one that prod is in.
    pub other: Repository,
    environments: Vec<&'static str>,
}

impl Two {
    /// The main one holds `environments`; its file says nothing yet.
    pub fn new(environments: &[&'static str]) -> Self {
        let two = Self {
            main: Repository::empty(),
            other: Repository::empty(),
            environments: environments.to_vec(),
        };
        for environment in environments {
            two.main.write(&file(environment), &image("1.0.0"));
        }
        two.other.write(&file("prod"), &image("1.0.0"));
        for repository in [&two.main, &two.other] {
            repository.publish("first");
            repository.pull();
        }
        two
    }

    /// The main repository's file, in its work tree alone.
    pub fn says(&self, place: &str) {
        let file = self.main.clone_path().join("tidegate.toml");
        write(&file, self.text(place).as_bytes());
    }

    /// The same as pushed, and pulled.
    pub fn publishes(&self, place: &str) {
        self.main.write("tidegate.toml", &self.text(place));
        self.main.publish("Elsewhere");
        self.main.pull();
    }

    fn text(&self, place: &str) -> String {
        configuration(place, &self.environments)
    }

    /// The other one's clone as the file names it.
    pub fn path(&self) -> String {
        format!("path = \"{}\"", self.other.clone_path().display())
    }

    /// Where a program of the other one would leave its mark.
    pub fn mark(&self) -> PathBuf {
        self.main.remote().with_file_name("PWNED")
    }

    /// Fails where one did.
    #[track_caller]
    pub fn nothing_ran(&self, what: &str) {
        assert!(!self.mark().exists(), "{what}: a program ran");
    }
}
