//! A matrix that is kept up to date.

use super::*;

#[test]
fn changes_are_told_once_with_before_and_after() {
    let mut small = Small::new(
        HELM,
        &[],
        &[
            ("a/web/values-dev.yaml", ""),
            ("a/web/values-prod.yaml", "tag: v1"),
            ("a/web/values.yaml", "tag: v1"),
        ],
    );
    let mut assembler = small.assembler();
    let mut step = |path: &str, text: Option<&str>| {
        let path = RepoPath::from(path);
        let facts = text.map(|text| Arc::new(small.layouts.extract(&path, text.as_bytes())));
        assembler.update(path, facts);
        let show = |version: Option<Version>| version.map_or("-".into(), |it| it.to_string());
        assembler
            .take_changes()
            .into_iter()
            .map(|(key, before, after)| format!("{key} {} {}", show(before), show(after)))
            .collect::<Vec<_>>()
    };
    let first = step("nothing", Some(""));
    assert_eq!(first, ["web / dev - v1", "web / prod - v1"]);
    assert_eq!(
        step("a/web/values.yaml", Some("tag: v2")),
        ["web / dev v1 v2"]
    );
    assert_eq!(
        step("a/web/values-prod.yaml", Some("x: y\ntag: v1")),
        Vec::<String>::new()
    );
    assert_eq!(
        step("a/web/values-prod.yaml", Some("x: y")),
        ["web / prod v1 v2"]
    );
    assert_eq!(step("a/web/values-prod.yaml", None), ["web / prod v2 -"]);
    assert_eq!(step("a/web/values.yaml", None), ["web / dev v2 -"]);
    small.files.clear();
}

#[test]
fn files_that_decide_a_cell() {
    let small = Small::new(HELM, &[], &[("a/web/values-dev.yaml", "")]);
    let files = small.assembler().depends_on(&CellKey::new("web", "dev"));
    let files: Vec<&str> = files.iter().map(RepoPath::as_str).collect();
    assert_eq!(
        files,
        [
            "a/web/values-dev.yaml",
            "a/web/values.yaml",
            "defaults.yaml"
        ]
    );
}

#[test]
fn a_file_may_prove_a_service_and_be_what_it_falls_back_to() {
    let layouts = r#"{ path = "own/{service}/{env}", yaml = "tag", service = "all/{service}", else = [{ path = "all/{service}", yaml = "tag" }] }"#;
    let small = Small::new(layouts, &["dev", "prod"], &[("all/web", "tag: 1")]);
    assert_eq!(
        lines(&small.desired()),
        [
            "web dev 1 all/web:1 inherited",
            "web prod 1 all/web:1 inherited"
        ]
    );
}

#[test]
fn any_order_of_updates_gives_what_reading_afresh_gives() {
    let layouts = format!(
        r#"{HELM}, {{ path = "b/{{env}}/kustomization.yaml", yaml = "images[*]{{name=**/{{service}}}}.newTag", service = "a/{{service}}/Chart.yaml", else = [{{ path = "b/base/kustomization.yaml" }}] }}"#
    );
    let paths = [
        "a/web/values-dev.yaml",
        "a/web/values-prod.yaml",
        "a/web/values.yaml",
        "a/web/Chart.yaml",
        "a/api/values-dev.yaml",
        "a/api/values.yaml",
        "a/api/Chart.yaml",
        "defaults.yaml",
        "b/dev/kustomization.yaml",
        "b/prod/kustomization.yaml",
        "b/base/kustomization.yaml",
    ];
    let texts = [
        "tag: v1",
        "tag: v2",
        "x: y",
        "[",
        "",
        "web: {tag: v3}\napi: {tag: v4}",
        "images: [{name: r/web, newTag: v5}]",
        "images: [{name: r/web, newTag: v6}, {name: r/api, newTag: v7}]",
    ];
    let mut small = Small::new(&layouts, &["dev", "prod"], &[]);
    let mut assembler = small.assembler();
    let mut told = std::collections::BTreeMap::new();
    // A fixed sequence that looks like chance: x → 5x + 3 goes through every residue of 2^16.
    let mut state = 7_u16;
    let mut next = |below: usize| {
        state = state.wrapping_mul(5).wrapping_add(3);
        usize::from(state >> 4) % below
    };
    for round in 0..400 {
        let path = RepoPath::from(paths[next(paths.len())]);
        let text = texts[next(texts.len())];
        if next(4) == 0 {
            small.files.remove(&path);
            assembler.update(path, None);
        } else {
            let facts = small.layouts.extract(&path, text.as_bytes());
            small.files.insert(path.clone(), text.as_bytes().to_vec());
            assembler.update(path, Some(Arc::new(facts)));
        }
        for (key, before, after) in assembler.take_changes() {
            assert_eq!(told.insert(key, after).flatten(), before, "round {round}");
        }
        let desired = assembler.desired(ObjectId::new([0; 20]));
        assert_eq!(lines(&desired), lines(&small.desired()), "round {round}");
        for (key, version) in &told {
            assert_eq!(desired.version(key), version.as_ref(), "round {round}");
        }
    }
}
