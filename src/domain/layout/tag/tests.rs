use super::*;
use crate::domain::ids::EnvironmentName;

const OWN: &str = r#"{ refs = "refs/tags/{env}-{version:semver}", row = "app" }"#;
const SHARED: &str = r#"{ refs = "refs/tags/{service}-{version:semver}", range = { staging = ">=1.0.0-rc.0", prod = ">=1.0.0" } }"#;

/// What a change does with the tags of a repository: `NAME of COMMIT: VERSION`, and what comes along.
fn tagged(layout: &str, tags: &str, environment: &str, intent: &Intent) -> String {
    let spec: toml::Table = format!("layout = {layout}").parse().unwrap();
    let environments = ["staging".into(), "prod".into()];
    let layouts = LayoutSet::compile(&[spec["layout"].clone().try_into().unwrap()], &environments);
    let layouts = std::sync::Arc::new(layouts.unwrap());
    let commit = |name: &str| {
        let number = tags.split(' ').position(|tag| tag == name)?;
        Some(ObjectId::new([u8::try_from(number).ok()?; 20]))
    };
    let names: Vec<String> = tags
        .split(' ')
        .map(|tag| format!("refs/tags/{tag}"))
        .collect();
    let selected = layouts.ref_templates()[0].select(0, names.iter().map(String::as_str));
    let parts = selected.into_iter().map(|selected| {
        let view = std::sync::Arc::new(layouts.view(&selected.origin));
        let mut assembler = super::super::Assembler::new(view.clone(), &environments);
        let facts = view.ref_facts(&selected.origin);
        assembler.update("tag".into(), Some(facts.into()));
        let name = RefName {
            repository: None,
            reference: selected.reference,
        };
        let at = commit(name.short()).unwrap();
        let tip = Tip::new(name, selected.origin, at);
        let desired = assembler.desired(tip.commit);
        (tip, desired)
    });
    let desired = Desired::join(parts.collect(), &environments);
    let key = CellKey::new("app", environment);
    let by_name = |name: &RefName| commit(name.short());
    match new_tag(&layouts, &desired, &key, intent, &by_name).unwrap() {
        Ok(tag) => {
            let of = tags
                .split(' ')
                .nth(tag.commit.as_bytes()[0].into())
                .unwrap();
            let along = tag.along.iter().map(|(cell, before, after)| {
                let text = |version: &Option<Version>| {
                    version.as_ref().map_or("-".to_owned(), ToString::to_string)
                };
                format!("; {} {} → {}", cell.environment, text(before), text(after))
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
            "already-there: prod declares 1.0.0 already",
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
