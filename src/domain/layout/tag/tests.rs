use super::*;
use crate::domain::ids::EnvironmentName;

const OWN: &str = r#"{ refs = "refs/tags/{env}-{version:semver}", row = "app" }"#;
const SHARED: &str = r#"{ refs = "refs/tags/{service}-{version:semver}", range = { staging = ">=1.0.0-rc.0", prod = ">=1.0.0" } }"#;

/// What a change does with the tags of a repository: `NAME of COMMIT: VERSION`, and what comes along.
fn tagged(layout: &str, tags: &str, environment: &str, intent: &Intent) -> String {
    let tags: Vec<(&str, &str)> = tags.split(' ').map(|tag| (tag, "")).collect();
    changed(layout, &tags, environment, intent)
}

/// The same where the tags' commits hold `FILE=VERSION …`. Tags of the same content name the same commit.
fn changed(layout: &str, tags: &[(&str, &str)], environment: &str, intent: &Intent) -> String {
    let spec: toml::Table = format!("layout = {layout}").parse().unwrap();
    let environments = ["staging".into(), "prod".into()];
    let layouts = LayoutSet::compile(&[spec["layout"].clone().try_into().unwrap()], &environments);
    let layouts = std::sync::Arc::new(layouts.unwrap());
    let commit = |name: &str| {
        let content = tags.iter().find(|(tag, _)| *tag == name)?.1;
        let same =
            |(tag, other): &(&str, &str)| *tag == name || !content.is_empty() && *other == content;
        let number = tags.iter().position(same)?;
        Some(ObjectId::new([u8::try_from(number).ok()?; 20]))
    };
    let names: Vec<String> = tags
        .iter()
        .map(|(tag, _)| format!("refs/tags/{tag}"))
        .collect();
    let read = |tip: &Tip| {
        let view = std::sync::Arc::new(layouts.view(&tip.origin));
        let mut assembler = super::super::Assembler::new(view.clone(), &environments);
        let facts = view.ref_facts(&tip.origin);
        assembler.update("tag".into(), Some(facts.into()));
        let (_, content) = tags[usize::from(tip.commit.as_bytes()[0])];
        for file in content.split_whitespace() {
            let (path, version) = file.split_once('=').unwrap();
            let path: crate::domain::ids::RepoPath = path.into();
            let facts = view.extract(&path, format!("tag: {version}\n").as_bytes());
            assembler.update(path, Some(facts.into()));
        }
        assembler.desired(tip.commit)
    };
    let selected = layouts.ref_templates()[0].select(0, names.iter().map(String::as_str));
    let parts = selected.into_iter().map(|selected| {
        let name = RefName {
            repository: None,
            reference: selected.reference,
        };
        let at = commit(name.short()).unwrap();
        let tip = Tip::new(name, selected.origin, at);
        let desired = read(&tip);
        (tip, desired)
    });
    let desired = Desired::join(parts.collect(), &environments);
    let key = CellKey::new("app", environment);
    let by_name = |name: &RefName| commit(name.short());
    let sources = Tags {
        commit_of: &by_name,
        declared: &|tip| Some(read(tip)),
    };
    match new_tag(&layouts, &desired, &key, intent, sources).unwrap() {
        Ok(tag) => {
            let (of, _) = tags[usize::from(tag.commit.as_bytes()[0])];
            let along = tag.along.iter().map(|(cell, before, after)| {
                let text = |version: &Option<Version>| {
                    version.as_ref().map_or("-".to_owned(), ToString::to_string)
                };
                let service = match cell.service.as_str() {
                    "app" => String::new(),
                    other => format!("{other} / "),
                };
                let (before, after) = (text(before), text(after));
                format!("; {service}{} {before} → {after}", cell.environment)
            });
            format!(
                "{} of {of}: {}{}",
                tag.place,
                tag.version,
                along.collect::<String>()
            )
        }
        Err((cause, why)) => format!("{}: {why}", cause.as_str()),
    }
}

fn from(environment: &str) -> Intent {
    let from: EnvironmentName = environment.into();
    Intent::Promote { from }
}

fn back_to(version: &str) -> Intent {
    Intent::Revert {
        to: Some(version.into()),
        at: None,
    }
}

#[test]
fn a_tag_promotes_and_goes_back() {
    let set = Intent::Set {
        version: "1.1.0".into(),
    };
    let own = "staging-1.1.0 prod-1.0.0 prod-0.9.0 prod-lon-9.9.9";
    let shared = "app-v1.0.0 app-v1.1.0-rc.2";
    let cases = [
        (
            OWN,
            own,
            "prod",
            from("staging"),
            "prod-1.1.0 of staging-1.1.0: 1.1.0",
        ),
        (
            OWN,
            "staging-1.1.0",
            "prod",
            from("staging"),
            "prod-1.1.0 of staging-1.1.0: 1.1.0",
        ),
        (
            OWN,
            "staging-1.0.0 prod-1.0.0",
            "prod",
            from("staging"),
            "conflict: prod-1.0.0 and staging-1.0.0 are one version by their names, and two commits, 0101010 and 0000000; tag the \
             commit of staging-1.0.0 by the next version",
        ),
        (
            OWN,
            "staging-1.0.0 prod-1.2.0",
            "prod",
            from("staging"),
            "not-declared: prod follows its highest tag, and 1.2.0 is higher than 1.0.0",
        ),
        (
            OWN,
            own,
            "prod",
            set.clone(),
            "prod-1.1.0 of staging-1.1.0: 1.1.0",
        ),
        (
            OWN,
            own,
            "prod",
            back_to("0.9.0"),
            "prod-1.0.1 of prod-0.9.0: 1.0.1",
        ),
        (
            OWN,
            own,
            "prod",
            back_to("0.8.0"),
            "not-declared: no tag of prod is called 0.8.0, so its commit is not known; tag it by hand (git tag -a)",
        ),
        (
            SHARED,
            shared,
            "prod",
            from("staging"),
            "app-v1.1.0 of app-v1.1.0-rc.2: v1.1.0; staging v1.1.0-rc.2 → v1.1.0",
        ),
        (
            SHARED,
            "app-v1.0.0",
            "prod",
            from("staging"),
            "already-there: prod declares v1.0.0 already",
        ),
    ];
    for (layout, tags, environment, intent, expected) in cases {
        assert_eq!(
            tagged(layout, tags, environment, &intent),
            expected,
            "{tags} {intent:?}"
        );
    }
}

const OWN_FILES: &str =
    r#"{ refs = "refs/tags/{env}-{version:semver}", path = "{service}.yaml", yaml = "tag" }"#;
const SHARED_FILES: &str = r#"{ refs = "refs/tags/{version:semver}", range = { staging = ">=1.0.0-rc.0", prod = ">=1.0.0" }, path = "{service}.yaml", yaml = "tag" }"#;
const ENV_FILES: &str =
    r#"{ refs = "refs/tags/{env}-{version:semver}", path = "{env}/{service}.yaml", yaml = "tag" }"#;

/// The commit of the tag with this number.
fn back_at(version: &str, number: u8) -> Intent {
    Intent::Revert {
        to: Some(version.into()),
        at: Some(ObjectId::new([number; 20])),
    }
}

#[test]
fn what_a_tag_declares_by_its_files_is_read_of_its_commit() {
    let own = [
        // Numbers that versions of files have too, in another order.
        ("prod-1.0.0", "app.yaml=3 db.yaml=7"),
        ("prod-2.0.0", "app.yaml=1.0.0 db.yaml=8"),
        ("prod-3.0.0", "app.yaml=2.0.0 db.yaml=9"),
        ("staging-3.1.0", "app.yaml=4 db.yaml=9 new.yaml=1"),
    ];
    let shared = [
        ("1.0.0", "app.yaml=1.2.0 db.yaml=7"),
        ("1.1.0", "app.yaml=1.0.0 db.yaml=8"),
        ("1.2.0", "app.yaml=1.3.0 db.yaml=9"),
        ("1.3.0-rc.1", "app.yaml=1.4.0 db.yaml=9"),
    ];
    let together = [("1.0.0", "app.yaml=1.2.0"), ("1.1.0", "app.yaml=1.0.0")];
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Intent, &'a str);
    let cases: [Case<'_>; 15] = [
        (
            OWN_FILES,
            &own,
            from("staging"),
            "prod-3.1.0 of staging-3.1.0: 4; new / prod - → 1",
        ),
        // The commit that declared it, not the tag that is called so; and all that it declares.
        (
            OWN_FILES,
            &own,
            back_at("1.0.0", 1),
            "prod-3.0.1 of prod-2.0.0: 1.0.0; db / prod 9 → 8",
        ),
        (
            OWN_FILES,
            &own,
            back_at("3", 0),
            "prod-3.0.1 of prod-1.0.0: 3; db / prod 9 → 7",
        ),
        (
            OWN_FILES,
            &own,
            back_to("1.0.0"),
            "not-declared: which commit declared 1.0.0 is not known; name it (--to COMMIT), or tag it by hand (git tag -a)",
        ),
        (
            OWN_FILES,
            &own,
            back_at("1.0.0", 0),
            "not-declared: the commit 0000000, which would be tagged prod-3.0.1, declares 3 in prod, not 1.0.0; commit 1.0.0 there first, and tag that",
        ),
        (
            OWN_FILES,
            &own,
            back_at("2.0.0", 2),
            "already-there: prod declares 2.0.0 already",
        ),
        (
            OWN_FILES,
            &own,
            Intent::Set {
                version: "1.0.0".into(),
            },
            "not-declared: prod follows tags, and files of the tagged commit say the version; commit 1.0.0 where those are made from, and tag that",
        ),
        // A new tag is followed by all whose range it is in, if they have no higher one.
        (
            SHARED_FILES,
            &shared,
            from("staging"),
            "1.3.0 of 1.3.0-rc.1: 1.4.0",
        ),
        (
            SHARED_FILES,
            &shared,
            back_at("1.0.0", 1),
            "1.2.1 of 1.1.0: 1.0.0; db / prod 9 → 8",
        ),
        (
            SHARED_FILES,
            &together,
            back_at("1.2.0", 0),
            "1.1.1 of 1.0.0: 1.2.0; staging 1.0.0 → 1.2.0",
        ),
        // What is there already brings nothing else along.
        (
            OWN_FILES,
            &[
                ("staging-2.0.0", "app.yaml=1 db.yaml=2"),
                ("prod-1.0.0", "app.yaml=1 db.yaml=1"),
            ],
            from("staging"),
            "already-there: prod declares 1 already",
        ),
        // The same number of two commits is no promotion.
        (
            OWN_FILES,
            &[
                ("staging-1.0.0", "app.yaml=2"),
                ("prod-1.0.0", "app.yaml=1"),
            ],
            from("staging"),
            "not-declared: prod has a tag 1.0.0 already, of another commit; tag by hand (git tag -a), above it",
        ),
        // Files of an environment's own: the upstream's tag says nothing of them.
        (
            ENV_FILES,
            &[
                ("staging-2.0.0", "staging/app.yaml=2 prod/app.yaml=1"),
                ("prod-1.0.0", "staging/app.yaml=1 prod/app.yaml=1"),
            ],
            from("staging"),
            "not-declared: the commit 0000000, which would be tagged prod-2.0.0, declares 1 in prod, not 2; commit 2 there first, and tag that",
        ),
        (
            ENV_FILES,
            &[
                ("staging-2.0.0", "staging/app.yaml=2"),
                ("prod-1.0.0", "prod/app.yaml=1"),
            ],
            from("staging"),
            "not-declared: the commit 0000000, which would be tagged prod-2.0.0, does not give app / prod 2; commit it there first, and tag that",
        ),
        // What the commit has no more is gone.
        (
            OWN_FILES,
            &[
                ("staging-2.0.0", "app.yaml=2"),
                ("prod-1.0.0", "app.yaml=1 old.yaml=1"),
            ],
            from("staging"),
            "prod-2.0.0 of staging-2.0.0: 2; old / prod 1 → -",
        ),
    ];
    for (layout, tags, intent, expected) in cases {
        assert_eq!(
            changed(layout, tags, "prod", &intent),
            expected,
            "{tags:?} {intent:?}"
        );
    }
}

#[test]
fn the_next_version_is_written_as_the_last() {
    let cases = [
        ("1.2.3", Some("1.2.4")),
        ("v1.2.9", Some("v1.2.10")),
        ("1.2.3-rc.4", Some("1.2.3-rc.5")),
        ("1.2.3-beta", Some("1.2.3-beta.1")),
        ("1.2.3+build.7", Some("1.2.4")),
        ("latest", None),
    ];
    for (text, expected) in cases {
        assert_eq!(
            next_version(text).as_ref().map(Version::as_str),
            expected,
            "{text}"
        );
    }
}
