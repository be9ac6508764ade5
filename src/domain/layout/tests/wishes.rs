//! What a layout says of a place beside its path: its environment, what must be there, one of several.

use super::*;

/// A folder is promoted where there is one of the same name for development.
const SIBLINGS: &str = r#"{ path = "{service}-dev/app.yaml", yaml = "tag", env = "dev" },
    { path = "{service}/app.yaml", yaml = "tag", env = "prod", only_if = "{service}-dev" }"#;

#[test]
fn an_environment_may_be_fixed_and_a_place_may_need_another() {
    let files = [
        ("web-dev/other.txt", "x"),
        ("web-dev/app.yaml", "tag: 2"),
        ("web/app.yaml", "tag: 1"),
        ("api/app.yaml", "tag: 7"),
        ("api-development/app.yaml", "tag: 8"),
    ];
    check(
        "a folder counts whatever is in it",
        SIBLINGS,
        &files,
        &["web dev 2 web-dev/app.yaml:1", "web prod 1 web/app.yaml:1"],
        &[],
    );
    check(
        "a fixed environment fills other templates, and names of it agree with it",
        r#"{ path = "{service}/app.yaml", yaml = "tag", env = "prod", else = [{ path = "defaults-{env}.yaml", yaml = "tag" }] },
           { path = "all/{env}/{service}.yaml", yaml = "tag", env = "dev" }"#,
        &[
            ("web/app.yaml", "x: y"),
            ("defaults-prod.yaml", "tag: 5"),
            ("defaults-dev.yaml", "tag: 6"),
            ("all/dev/web.yaml", "tag: 3"),
            ("all/prod/api.yaml", "tag: 4"),
        ],
        &[
            "web dev 3 all/dev/web.yaml:1",
            "web prod 5 defaults-prod.yaml:1 inherited",
        ],
        &[],
    );
    check(
        "of two layouts of a cell the first counts whose condition is met",
        r#"{ path = "{service}/{env}.yaml", yaml = "pin", only_if = "{service}/pinned" },
           { path = "{service}/{env}.yaml", yaml = "tag" }"#,
        &[
            ("web/dev.yaml", "tag: 1\npin: 2"),
            ("web/pinned", ""),
            ("api/dev.yaml", "tag: 3\npin: 4"),
        ],
        &["api dev 3 api/dev.yaml:1", "web dev 2 web/dev.yaml:2"],
        &[],
    );
    check(
        "a proven service",
        r#"{ path = "{service}/{env}.yaml", yaml = "tag", service = "{service}/Chart.yaml", only_if = "on/{service}/{env}",
             else = [{ path = "{service}/values.yaml", yaml = "tag" }] }"#,
        &[
            ("web/Chart.yaml", ""),
            ("web/values.yaml", "tag: 1"),
            ("web/dev.yaml", "tag: 2"),
            ("on/web/prod", ""),
        ],
        &["web prod 1 web/values.yaml:1 inherited"],
        &[],
    );
}

#[test]
fn what_must_be_there_comes_and_goes() {
    let small = Small::new(SIBLINGS, &["dev", "prod"], &[("web/app.yaml", "tag: 1")]);
    let mut assembler = small.assembler();
    let step = |assembler: &mut Assembler, path: &str, text: Option<&str>| {
        let path = RepoPath::from(path);
        let facts = text.map(|text| Arc::new(small.layouts.extract(&path, text.as_bytes())));
        assembler.update(path, facts);
        let changes = assembler.take_changes().into_iter();
        let changes = changes.map(|(key, _, after)| match after {
            Some(version) => format!("{key} {version}"),
            None => format!("{key} -"),
        });
        changes.collect::<Vec<_>>().join(", ")
    };
    let wanted = ["web-dev", "web-dev/a/b"].map(|path| small.layouts.wants(path));
    assert_eq!(wanted, [true, true]);
    assert!(small.layouts.may_contain("web-dev/a") && !small.layouts.may_contain("web/a/b"));
    let steps = [
        ("web-dev/notes.md", Some("x"), "web / prod 1"),
        ("web-dev/app.yaml", Some("tag: 2"), "web / dev 2"),
        ("web-dev/notes.md", None, ""),
        ("web/app.yaml", Some("tag: 3"), "web / prod 3"),
        ("web-dev/app.yaml", None, "web / dev -, web / prod -"),
        ("web/app.yaml", Some("x: y"), ""),
        ("web-dev/app.yaml", Some("tag: 2"), "web / dev 2"),
        ("web/app.yaml", Some("tag: 4"), "web / prod 4"),
    ];
    for (number, (path, text, expected)) in steps.into_iter().enumerate() {
        let found = step(&mut assembler, path, text);
        assert_eq!(found, expected, "step {number}");
    }
    // A history is that of the places that count today.
    assembler.fix_conditions();
    assert_eq!(
        step(&mut assembler, "web-dev/app.yaml", None),
        "web / dev -"
    );
    assert_eq!(
        step(&mut assembler, "web/app.yaml", Some("tag: 0")),
        "web / prod 0"
    );
    assert_eq!(
        step(&mut assembler, "api-dev/app.yaml", Some("tag: 1")),
        "api / dev 1"
    );
    assert_eq!(step(&mut assembler, "api/app.yaml", Some("tag: 1")), "");
    let mut emptied = assembler.emptied();
    assert_eq!(
        step(&mut emptied, "web/app.yaml", Some("tag: 9")),
        "web / prod 9"
    );
    let mut some = Assembler::new(Arc::clone(&small.layouts), &small.environments).unconditional();
    assert_eq!(
        step(&mut some, "api/app.yaml", Some("tag: 9")),
        "api / prod 9"
    );
}

#[test]
fn keys_may_be_environments_and_items_may_be_counted_from_the_last() {
    check(
        "alternatives in a locator",
        r#"{ path = "all.yaml", yaml = "{env:dev|prod}.{service}.tag" }"#,
        &[(
            "all.yaml",
            "dev: {web: {tag: 1}}\nprod: {web: {tag: 2}}\nother: {web: {tag: 3}}",
        )],
        &["web dev 1 all.yaml:1", "web prod 2 all.yaml:2"],
        &[],
    );
    check(
        "the last of a list, and the one before it",
        r#"{ path = "{service}/{env}.yaml", yaml = "versions[-1].name" },
           { path = "{service}/{env}.yaml", yaml = "versions[-2].name", row = "{service}-before" }"#,
        &[
            ("web/dev.yaml", "versions:\n- name: 1\n- name: 2\n- name: 3"),
            ("web/prod.yaml", "versions:\n- name: 1"),
        ],
        &[
            "web dev 3 web/dev.yaml:4",
            "web prod 1 web/prod.yaml:2",
            "web-before dev 2 web/dev.yaml:3",
            "web-before prod -",
        ],
        &[],
    );
}

#[test]
fn one_line_may_be_several_environments() {
    let layouts =
        r#"{ path = "services.yaml", yaml = "services[*]{name={service}}{targets={env}}.hash" }"#;
    let text = "services:\n- name: web\n  hash: aaaaaaa\n  targets: [dev, prod]\n- name: api\n  hash: bbbbbbb\n  targets:\n  \
                - prod\n- {name: db, hash: ccccccc, targets: dev}\n";
    check(
        "once for each",
        layouts,
        &[("services.yaml", text)],
        &[
            "api prod bbbbbbb services.yaml:6",
            "db dev ccccccc services.yaml:9",
            "web dev aaaaaaa services.yaml:3",
            "web prod aaaaaaa services.yaml:3",
        ],
        &[],
    );
    check(
        "the declared ones of them alone",
        r#"{ path = "services.yaml", yaml = "services[*]{name={service}}{targets={env:$envs}}.hash" }"#,
        &[(
            "services.yaml",
            "services:\n- {name: web, hash: aaaaaaa, targets: [dev, lab]}\n",
        )],
        &["web dev aaaaaaa services.yaml:2"],
        &[],
    );
}

#[test]
fn what_cannot_be_asked_is_said() {
    let cases = [
        (
            r#"{ path = "{service}.yaml", yaml = "{env}.tag", only_if = "on/{env}" }"#,
            "only_if",
            "captured in a file",
        ),
        (
            r#"{ path = "{service}.yaml", yaml = "tag", env = "dev", service = "{service}/Chart.yaml" }"#,
            "env",
            "keep one of the two",
        ),
        (
            r#"{ path = "{service}/{env}.yaml", yaml = "tag", only_if = "on//{env}" }"#,
            "only_if",
            "empty segment",
        ),
    ];
    for (layouts, key, words) in cases {
        let (_, error) = LayoutSet::compile(&specs(layouts), &["dev".into()]).unwrap_err();
        assert_eq!(error.key, key);
        assert!(error.message.contains(words), "{}", error.message);
    }
}
