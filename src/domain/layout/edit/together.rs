//! What belongs together moves together, or nothing moves: tags and digests of a policy, containers of one image, `also`,
//! locks, and entries that are not there yet.

use super::{
    tests::{DIGEST, edited, restored},
    *,
};
use crate::domain::layout::testing::{Small, lines};

const FLUX: &str = r#"{ preset = "flux-image-policy", path = "apps/{env}/{file}.yaml" }"#;

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// `# {"$imagepolicy": "flux-system:web:tag"}`
fn mark(kind: &str) -> String {
    format!(r#" # {{"$imagepolicy": "flux-system:web{kind}"}}"#)
}

#[test]
fn what_an_image_policy_marks_moves_together() {
    let (old, new) = (digest('1'), digest('2'));
    let pinned = |tag: &str, digest: &str| {
        format!(
            "images:\n- name: r/web{}\n  newTag: {tag}{}\n  digest: {digest}{}\n",
            mark(":name"),
            mark(":tag"),
            mark(":digest")
        )
    };
    let both = format!("v2@{new}");
    let cases = [
        ("tag and digest", pinned("v1", &old), both.clone(), pinned("v2", &new)),
        (
            "a tag alone",
            pinned("v1", &old),
            "v2".into(),
            "Conflict: apps/prod/a.yaml:4: this digest belongs to the same image policy and would still pin".into(),
        ),
        (
            "a digest alone",
            pinned("v1", &old),
            new.clone(),
            "Conflict: apps/prod/a.yaml:3: this tag belongs to the same image policy".into(),
        ),
        (
            "a tag without a digest beside it keeps both in one",
            format!("newTag: v1{}\n", mark(":tag")),
            both.clone(),
            format!("newTag: {both}{}\n", mark(":tag")),
        ),
        (
            "an image string",
            format!("image: r/web:v1{}\n", mark("")),
            both.clone(),
            format!("image: r/web:{both}{}\n", mark("")),
        ),
        (
            "an image string that is pinned",
            format!("image: \"r/web:v1@{old}\"{}\n", mark("")),
            "v2".into(),
            format!("image: \"r/web:v2\"{}\n", mark("")),
        ),
        (
            "an image string with a digest alone",
            format!("image: r/web@{old}{}\n", mark("")),
            both.clone(),
            format!("image: r/web:{both}{}\n", mark("")),
        ),
        (
            "an image string beside tag and digest",
            format!("{}image: r/web:v1{}\n", pinned("v1", &old), mark("")),
            both.clone(),
            format!("{}image: r/web:{both}{}\n", pinned("v2", &new), mark("")),
        ),
        (
            "marked places that say something else",
            format!("a: v1{0}\nb: v0{0}\nimage: h:5000/r/web:v9{1}\n", mark(":tag"), mark("")),
            "v2".into(),
            format!("a: v2{0}\nb: v2{0}\nimage: h:5000/r/web:v2{1}\n", mark(":tag"), mark("")),
        ),
        (
            "a digest that is marked alone",
            format!("digest: {old}{}\n", mark(":digest")),
            new.clone(),
            format!("digest: {new}{}\n", mark(":digest")),
        ),
        (
            "a digest that is marked alone gets no tag",
            format!("digest: {old}{}\n", mark(":digest")),
            "v2".into(),
            "Conflict: apps/prod/a.yaml:1: this digest".into(),
        ),
        (
            "text that would be a number is quoted",
            format!("newTag: v1{}\n", mark(":tag")),
            "1.10".into(),
            format!("newTag: \"1.10\"{}\n", mark(":tag")),
        ),
        (
            "a variable",
            format!("newTag: ${{TAG}}{}\n", mark(":tag")),
            "v2".into(),
            "NotParseable: apps/prod/a.yaml:1: `${TAG}` is a variable".into(),
        ),
        (
            "a digest that is a variable",
            pinned("v1", "${DIGEST}"),
            both,
            "NotParseable: apps/prod/a.yaml:3: `${DIGEST}` is a variable".into(),
        ),
        (
            "carriage returns",
            pinned("v1", &old).replace('\n', "\r\n"),
            format!("v2@{new}"),
            pinned("v2", &new).replace('\n', "\r\n"),
        ),
    ];
    for (name, text, version, expected) in cases {
        let found = edited(
            FLUX,
            &[("apps/prod/a.yaml", &text)],
            &format!("web prod {version}"),
        );
        if expected.starts_with("Conflict") || expected.starts_with("NotParseable") {
            assert!(found.starts_with(&expected), "{name}: {found}");
        } else {
            assert_eq!(found, expected, "{name}");
        }
    }
    let small = Small::new(
        FLUX,
        &["prod"],
        &[
            ("apps/prod/a.yaml", &pinned("v1", &old)),
            (
                "apps/prod/b.yaml",
                &format!("digest: {old} # {{\"$imagepolicy\": \"x:db:digest\"}}\n"),
            ),
        ],
    );
    assert_eq!(
        lines(&small.desired()),
        [
            format!("db prod {old} apps/prod/b.yaml:1"),
            format!("web prod v1@{old} apps/prod/a.yaml:3"),
        ]
    );
}

#[test]
fn containers_of_one_image_move_together() {
    let manifest = r#"{ preset = "manifest", path = "{env}/{service}.yaml" }"#;
    let named = r#"{ preset = "manifest", path = "{env}/all.yaml" }"#;
    let own = r#"{ path = "{env}/{service}.yaml", kind = "Deployment", yaml = "spec.template.spec.containers[0].image", part = "tag" }"#;
    let pod = |kind: &str, name: &str, init: &str, main: &str| {
        format!(
            "kind: {kind}\nmetadata: {{name: {name}}}\nspec:\n  template:\n    spec:\n      initContainers:\n      - {{name: migrate, \
             image: \"{init}\"}}\n      containers:\n      - {{name: web, image: \"{main}\"}}\n      - {{name: helper, image: \"r/helper:7\"}}\n"
        )
    };
    let one = pod("Deployment", "web", "r/web:v1", "r/web:v1");
    let two = pod("Deployment", "web", "r/web:v2", "r/web:v2");
    let cron = |version: &str| {
        format!(
            "kind: CronJob\nspec: {{jobTemplate: {{spec: {{template: {{spec: {{initContainers: [{{name: a, image: 'r/web:{version}'}}], \
             containers: [{{name: web, image: 'r/web:{version}'}}], ephemeralContainers: [{{name: d, image: 'r/web:{version}'}}]}}}}}}}}}}\n"
        )
    };
    let cases = [
        ("an init container", manifest, one.clone(), two.clone()),
        ("by a locator of one's own", own, one.clone(), two.clone()),
        ("a cron job, with what debugs it", manifest, cron("v1"), cron("v2")),
        ("another object of the same file", manifest, format!("{one}---\n{}", cron("v1")), format!("{two}---\n{}", cron("v2"))),
        (
            "another object of the same file that differs",
            manifest,
            format!("{one}---\n{}", cron("v0")),
            "Conflict: prod/web.yaml:13: v0 stands here and v1 at prod/web.yaml:9, for the same cell".into(),
        ),
        (
            "another object, with a name that is not the service's",
            manifest,
            format!("{one}---\n{}", cron("v0").replace("name: web", "name: job").replace("initContainers", "xs").replace("ephemeralContainers", "ys")),
            "Conflict: prod/web.yaml:13: another container runs the same image as v0".into(),
        ),
        (
            "the same with the new one",
            manifest,
            format!("{one}---\n{}", cron("v2").replace("name: web", "name: job")),
            format!("{two}---\n{}", cron("v2").replace("name: web", "name: job")),
        ),
        (
            "and with the old one",
            manifest,
            format!("{one}---\n{}", cron("v1").replace("name: web", "name: job")),
            format!("{two}---\n{}", cron("v2").replace("name: web", "name: job")),
        ),
        (
            "another image of the same last name",
            manifest,
            pod("Job", "web", "mirror/web:v1", "r/web:v1"),
            pod("Job", "web", "mirror/web:v1", "r/web:v2"),
        ),
        (
            "one that has it already",
            manifest,
            pod("Pod", "web", "r/web:v2", "r/web:v1"),
            two.replace("Deployment", "Pod"),
        ),
        (
            "another object is another row",
            named,
            format!("{one}---\n{}", pod("Job", "other", "r/web:v1", "r/web:v1")),
            format!("{two}---\n{}", pod("Job", "other", "r/web:v1", "r/web:v1")),
        ),
        (
            "another object of one's own name",
            named,
            format!("{one}---\n{}", pod("Job", "web", "r/web:v1", "r/web:v1").replace("name: web, image", "name: job, image")),
            format!("{two}---\n{}", pod("Job", "web", "r/web:v2", "r/web:v2").replace("name: web, image", "name: job, image")),
        ),
        (
            "an alias of an init container's",
            manifest,
            pod("Pod", "web", "r/web:v1", "r/web:v1").replace("image: \"r/web:v1\"}\n      cont", "image: &i \"r/web:v1\"}\n      cont").replace("{name: web, image: \"r/web:v1\"}", "{name: web, image: *i}"),
            pod("Pod", "web", "r/web:v2", "r/web:v1").replace("image: \"r/web:v2\"}\n      cont", "image: &i \"r/web:v2\"}\n      cont").replace("{name: web, image: \"r/web:v1\"}", "{name: web, image: *i}"),
        ),
        (
            "through a merge key of an init container",
            manifest,
            "kind: Pod\nspec:\n  initContainers:\n  - &c {name: a, image: 'r/web:v1'}\n  containers:\n  - {<<: *c, name: web}\n".to_owned(),
            "kind: Pod\nspec:\n  initContainers:\n  - &c {name: a, image: 'r/web:v2'}\n  containers:\n  - {<<: *c, name: web}\n".to_owned(),
        ),
        (
            "an alias of a whole container",
            manifest,
            "kind: Pod\nspec:\n  initContainers:\n  - &c {name: web, image: 'r/web:v1'}\n  containers:\n  - *c\n".to_owned(),
            "kind: Pod\nspec:\n  initContainers:\n  - &c {name: web, image: 'r/web:v2'}\n  containers:\n  - *c\n".to_owned(),
        ),
        (
            "an alias of a container of the cell's own",
            manifest,
            "kind: Pod\nspec:\n  containers:\n  - {name: web, image: &i 'r/web:v1'}\n  - {name: web, image: *i}\n".to_owned(),
            "kind: Pod\nspec:\n  containers:\n  - {name: web, image: &i 'r/web:v2'}\n  - {name: web, image: *i}\n".to_owned(),
        ),
        (
            "one that has another while the cell has the new one",
            manifest,
            pod("Job", "web", "r/web:v1", "r/web:v2"),
            two.replace("Deployment", "Job"),
        ),
        (
            "one that differs",
            manifest,
            pod("Deployment", "web", "r/web:v0", "r/web:v1"),
            "Conflict: prod/web.yaml:7: another container runs the same image as v0, and the cell's, on line 9, as v1".into(),
        ),
        (
            "one without a tag",
            manifest,
            pod("Deployment", "web", "r/web", "r/web:v1"),
            "Conflict: prod/web.yaml:7: another container runs the same image as no tag".into(),
        ),
        (
            "one with a variable",
            manifest,
            pod("Deployment", "web", "r/web:${TAG}", "r/web:v1"),
            "NotParseable: prod/web.yaml:7: `${TAG}` is a variable".into(),
        ),
    ];
    for (name, layout, text, expected) in cases {
        let path = if layout == named {
            "prod/all.yaml"
        } else {
            "prod/web.yaml"
        };
        let found = edited(layout, &[(path, &text)], "web prod v2");
        if expected.starts_with("kind") {
            assert_eq!(found, expected, "{name}");
        } else {
            assert!(found.starts_with(&expected), "{name}: {found}");
        }
    }
}

#[test]
fn a_container_of_another_cell_is_none_of_this_one() {
    let named = r#"{ path = "{env}/all.yaml", yaml = "spec.containers[*]{name={service}}.image", part = "tag" }"#;
    let columns = r#"{ path = "all.yaml", yaml = "spec.containers[*]{name={service}-{env}}.image", part = "tag" }"#;
    let tables = r#"{ path = "{env}/all.yaml", yaml = "spec.containers[0].image", part = "tag", row = "web", env_name = "{env}" }, { path = "{env}/all.yaml", yaml = "spec.containers[1].image", part = "tag", row = "worker", env_name = "{env}" }"#;
    let below = r#"{ path = "{service}/{env}.yaml", yaml = "x", else = [{ path = "base.yaml", yaml = "spec.containers[*]{name={service}}.image", part = "tag" }] }"#;
    let pod = |names: [&str; 2], versions: [&str; 3]| {
        format!(
            "spec:\n  initContainers:\n  - {{name: init, image: 'r/app:{}'}}\n  containers:\n  - {{name: {}, image: 'r/app:{}'}}\n  \
             - {{name: {}, image: 'r/app:{}'}}\n",
            versions[2], names[0], versions[0], names[1], versions[1]
        )
    };
    let services = ["web", "worker"];
    let cases = [
        (
            "another row",
            named,
            "prod/all.yaml",
            services,
            "web prod v2",
        ),
        (
            "another column",
            columns,
            "all.yaml",
            ["web-prod", "web-dev"],
            "web prod v2",
        ),
        (
            "another table's",
            tables,
            "prod/all.yaml",
            services,
            "web prod v2",
        ),
    ];
    for (name, layout, path, names, change) in cases {
        for worker in ["v0", "v1", "v2"] {
            let before = pod(names, ["v1", worker, "v1"]);
            let small = Small::new(layout, &["dev", "prod"], &[(path, &before)]);
            let desired = small.desired();
            let conflicts = desired
                .cells
                .values()
                .filter(|cell| cell.conflict.is_some());
            // The init container is nobody's: of two cells that run its image each has to say the same.
            assert_eq!(
                conflicts.count(),
                usize::from(worker != "v1"),
                "{name} {worker}"
            );
            let cell = &desired.cells[&CellKey::new("web", "prod")];
            assert_eq!(cell.conflict, None, "{name} {worker}");
            let found = edited(layout, &[(path, &before)], change);
            assert_eq!(found, pod(names, ["v2", worker, "v2"]), "{name} {worker}");
        }
        let before = pod(names, ["v1", "v1", "v0"]);
        let found = edited(layout, &[(path, &before)], change);
        assert!(found.starts_with("Conflict:"), "{name}: {found}");
    }
    let files = [
        ("base.yaml", pod(services, ["v1", "v0", "v1"])),
        ("web/prod.yaml", "y: z\n".to_owned()),
    ];
    let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    let desired = Small::new(below, &["prod"], &files).desired();
    let cell = &desired.cells[&CellKey::new("web", "prod")];
    assert_eq!(
        (cell.version.as_ref().map(Version::as_str), &cell.conflict),
        (Some("v1"), &None)
    );
}

/// Work that grows with the square of these counts would take minutes.
#[test]
fn large_files_are_read_and_written_in_proportion() {
    use std::fmt::Write;
    const MANY: usize = 4_000;
    let mut containers = "spec:\n  containers:\n".to_owned();
    let mut copies = containers.clone();
    let mut documents = String::new();
    let mut variables = String::new();
    for n in 0..MANY {
        let _ = writeln!(containers, "  - {{name: s{n}, image: 'r/app:v{}'}}", n % 7);
        let _ = writeln!(copies, "  - {{name: web, image: 'r/app:v1'}}");
        let _ = write!(
            documents,
            "---\nkind: Deployment\nmetadata: {{name: s{n}}}\nspec: {{containers: [{{name: s{n}, image: 'r/app:v1'}}]}}\n"
        );
        let _ = writeln!(variables, "- name: r/s{n}\n  newName: ${{X}}");
    }
    let variables = format!("images:\n{variables}");
    let named = r#"{ path = "{env}/all.yaml", yaml = "spec.containers[*]{name={service}}.image", part = "tag" }"#;
    let manifest = r#"{ preset = "manifest", path = "{env}/all.yaml" }"#;
    let kustomize = r#"{ preset = "kustomize", path = "{env}/all.yaml" }"#;
    let cases = [
        ("containers", named, &containers, MANY),
        ("copies", named, &copies, 1),
        ("documents", manifest, &documents, MANY),
        ("variables", kustomize, &variables, MANY),
    ];
    for (name, layout, text, cells) in cases {
        let small = Small::new(layout, &["prod"], &[("prod/all.yaml", text)]);
        let desired = small.desired();
        assert_eq!(desired.cells.len(), cells, "{name}");
        if name != "variables" {
            let key = desired.cells.keys().next().cloned().unwrap();
            let read = |_: &Origin, path: &RepoPath| small.files.get(path).cloned();
            let version = Version::from("v9");
            let edits = edit_cell(&small.layouts, &desired, &key, Some(&version), &read);
            assert_eq!(edits.unwrap().len(), 1, "{name}");
        }
    }
}

/// Thousands of versions below one mapping, each with a digest of its own in it.
#[test]
fn digests_of_many_services_in_one_mapping_are_found_in_proportion() {
    use std::fmt::Write;
    const MANY: usize = 2_000;
    let mut text = String::new();
    for n in 0..MANY {
        let _ = writeln!(text, "s{n}: {{tag: v{n}}}\ns{n}Digest: sha256:{n:064x}");
    }
    let layout = r#"{ path = "{env}.yaml", yaml = "{service}.tag" }"#;
    let desired = Small::new(layout, &["prod"], &[("prod.yaml", &text)]).desired();
    assert_eq!(desired.cells.len(), MANY);
    for n in [0, MANY / 2, MANY - 1] {
        let version = desired.version(&CellKey::new(format!("s{n}"), "prod"));
        let expected = format!("v{n}@sha256:{n:064x}");
        assert_eq!(version.map(Version::as_str), Some(expected.as_str()));
    }
}

#[test]
fn an_also_that_differs_or_is_not_there_is_not_left_behind() {
    let key = r#"{ path = "{env}/{service}.yaml", yaml = "image.tag", also = [{ yaml = "labels.version" }] }"#;
    let file = r#"{ path = "{env}/{service}.yaml", yaml = "image.tag", also = [{ path = "{env}/{service}.sha", regex = "(?<v>\\S+)" }] }"#;
    let wild = r#"{ path = "{env}/{service}.yaml", yaml = "image.tag", also = [{ yaml = "resources[*]", part = "query:ref" }] }"#;
    let copy = ("dev/web.yaml", "image: {tag: v1}\nlabels: {version: v1}\n");
    let own = ("dev/web.yaml", "image: {tag: v1}\nlabels: {version: a}\n");
    let without = ("dev/web.yaml", "image: {tag: v1}\n");
    let prod = |text: &'static str| ("prod/web.yaml", text);
    let differs = "image: {tag: v1}\nlabels: {version: v0}\n";
    type Case<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>, &'a str, &'a str);
    let cases: [Case<'_>; 14] = [
        (
            "moves along",
            key,
            vec![prod(copy.1)],
            "v2",
            "image: {tag: v2}\nlabels: {version: v2}\n",
        ),
        (
            "differs",
            key,
            vec![prod(differs)],
            "v2",
            "Conflict: prod/web.yaml:2: v0 stands here, which moves with v1 at prod/web.yaml:1",
        ),
        (
            "differs, and repeats the version elsewhere",
            key,
            vec![prod(differs), copy],
            "v2",
            "Conflict: prod/web.yaml:2: v0",
        ),
        (
            "says something of its own everywhere",
            key,
            vec![prod(differs), own],
            "v2",
            "image: {tag: v2}\nlabels: {version: v0}\n",
        ),
        (
            "has the new one already",
            key,
            vec![prod("image: {tag: v1}\nlabels: {version: v2}\n")],
            "v2",
            "image: {tag: v2}\nlabels: {version: v2}\n",
        ),
        (
            "comes from where the version comes from",
            key,
            vec![prod("image: {tag: v0}\nlabels: {version: z}\n"), own],
            "v1",
            "image: {tag: v1}\nlabels: {version: a}\n",
        ),
        (
            "is a variable",
            key,
            vec![prod("image: {tag: v1}\nlabels: {version: '${V}'}\n")],
            "v2",
            "NotParseable: prod/web.yaml:2: `${V}`",
        ),
        (
            "is not there",
            key,
            vec![prod(without.1)],
            "v2",
            "NotDeclared: prod/web.yaml: `labels.version` is not there, and moves with prod/web.yaml:1 (`also[0]`)",
        ),
        (
            "is not there, but elsewhere",
            key,
            vec![prod(without.1), copy],
            "v2",
            "NotDeclared: prod/web.yaml: `labels.version`",
        ),
        (
            "is nowhere",
            key,
            vec![prod(without.1), without],
            "v2",
            "image: {tag: v2}\n",
        ),
        (
            "is not there, but where the version comes from",
            key,
            vec![prod("image: {tag: v0}\n"), copy],
            "v1",
            "NotDeclared: prod/web.yaml: `labels.version`",
        ),
        (
            "its file is not there",
            file,
            vec![prod(without.1)],
            "v2",
            "NotDeclared: prod/web.sha: a match of its `regex` is not there",
        ),
        (
            "there may be any number of",
            wild,
            vec![prod("image: {tag: v1}\nresources: [../base]\n")],
            "v2",
            "image: {tag: v2}\nresources: [../base]\n",
        ),
        (
            "differs among any number of",
            wild,
            vec![prod(
                "image: {tag: v1}\nresources: ['https://h/o/r?ref=v0']\n",
            )],
            "v2",
            "Conflict: prod/web.yaml:2: v0 stands here",
        ),
    ];
    for (name, layout, files, version, expected) in cases {
        let found = edited(layout, &files, &format!("web prod {version}"));
        if expected.starts_with("image") {
            assert_eq!(found, expected, "{name}");
        } else {
            assert!(found.starts_with(expected), "{name}: {found}");
        }
    }
}

#[test]
fn locks_come_along_where_they_are_known() {
    let layout =
        r#"{ path = "charts/{env}/{service}/Chart.yaml", yaml = "dependencies[0].version" }"#;
    let chart = |version: &str, other: &str| {
        format!(
            "name: web\nversion: 0.1.0\ndependencies:\n- name: web\n  version: {version}\n  repository: https://h/c\n- name: db\n  \
             version: {other}\n  repository: https://h/c\n"
        )
    };
    let (old, new, unlike) = (
        chart("1.0.0", "2"),
        chart("1.1.0", "2"),
        chart("1.1.0", "3"),
    );
    let prod = [
        ("charts/prod/web/Chart.yaml", old.as_str()),
        ("charts/prod/web/Chart.lock", "digest: sha256:old\n"),
    ];
    let with = |more: &[(&'static str, &str)]| {
        let files: Vec<(&str, &str)> = prod.iter().copied().chain(more.iter().copied()).collect();
        edited(layout, &files, "web prod 1.1.0")
    };
    let locked = |version: &str, digest: &str| {
        format!(
            "dependencies:\n- name: web\n  repository: https://h/c\n  version: {version}\n- name: db\n  repository: https://h/c\n  \
             version: \"2\"\ndigest: sha256:{digest}\n"
        )
    };
    let right = locked("1.1.0", "new");
    let lock = ("charts/dev/web/Chart.lock", right.as_str());
    assert_eq!(
        with(&[("charts/dev/web/Chart.yaml", &new), lock]),
        format!("{right}--8<--\n{new}")
    );
    let marks = format!("<<<<<<< HEAD\n{right}=======\n{right}>>>>>>> x\n");
    let wrong = [
        ("no YAML", "dependencies: ["),
        ("says nothing of them", "digest: sha256:new\n"),
        ("marks of a conflict", &marks),
        ("of another version", &locked("1.0.5", "new")),
        (
            "from elsewhere",
            &right.replacen("https://h/c", "https://other", 1),
        ),
        (
            "one more",
            &format!("{right}- name: more\n").replacen(
                "digest",
                "- {name: c, version: '1'}\ndigest",
                1,
            ),
        ),
    ];
    for (name, text) in wrong {
        let there = [
            ("charts/dev/web/Chart.yaml", new.as_str()),
            ("charts/dev/web/Chart.lock", text),
        ];
        assert_eq!(with(&there), new, "{name}");
    }
    assert_eq!(
        with(&[("charts/dev/web/Chart.yaml", &unlike), lock]),
        new,
        "of other dependencies"
    );
    assert_eq!(
        with(&[("charts/dev/web/Chart.yaml", &new)]),
        new,
        "no lock there"
    );
    assert_eq!(with(&[]), new, "nobody has it");
    let then_lock = locked("1.1.0", "then");
    let then = [
        ("charts/prod/web/Chart.yaml", new.as_str()),
        ("charts/prod/web/Chart.lock", then_lock.as_str()),
    ];
    assert_eq!(
        restored(
            r#"{ path = "charts/{env}/{service}/Chart.yaml", yaml = "dependencies[0].version" }"#,
            &prod,
            &then,
            "1.1.0"
        ),
        format!("{then_lock}--8<--\n{new}")
    );

    let edit = |path: &str| FileEdit {
        path: path.into(),
        before: old.clone().into_bytes(),
        after: new.clone().into_bytes(),
    };
    let there = |path: &RepoPath| path.as_str().contains(".lock").then(Vec::new);
    let stale = |edits: &[FileEdit]| {
        let found = stale_locks(edits, &there).into_iter();
        found.map(|(_, words)| words).collect::<Vec<_>>()
    };
    let told = stale(&[edit("charts/web/Chart.yaml")]);
    assert!(
        told[0].starts_with("charts/web/Chart.lock will not match charts/web/Chart.yaml any more"),
        "{told:?}"
    );
    assert!(
        told[0].ends_with("run: helm dependency update charts/web"),
        "{told:?}"
    );
    // One that pins what is asked for was made for it.
    let pins = |version: &str| format!("dependencies:\n- name: web\n  version: {version}\n");
    let chart = |version: &str| pins(version).into_bytes();
    let cases = [
        ("1.1.0", "1.1.0", false),
        ("1.0.0", "1.1.0", true),
        ("1.1.3", "^1.1.0", true),
        ("~", "~", true),
    ];
    for (locked, wanted, is_stale) in cases {
        let edit = FileEdit {
            path: "charts/web/Chart.yaml".into(),
            before: chart("0.9.0"),
            after: chart(wanted),
        };
        let there = |_: &RepoPath| Some(chart(locked));
        let told = !stale_locks(&[edit], &there).is_empty();
        assert_eq!(told, is_stale, "{locked} for {wanted}");
    }
    let told = stale(&[edit("requirements.yaml")]);
    assert!(
        told[0].starts_with("requirements.lock will not match"),
        "{told:?}"
    );
    assert_eq!(
        stale(&[edit("charts/web/values.yaml")]),
        [""; 0],
        "no chart"
    );
    assert_eq!(
        stale(&[edit("Chart.yaml"), edit("Chart.lock")]),
        [""; 0],
        "it comes along"
    );
    let version = FileEdit {
        after: old.replace("version: 0.1.0", "version: 0.2.0").into_bytes(),
        ..edit("Chart.yaml")
    };
    assert_eq!(stale(&[version]), [""; 0], "the chart's own version");
}

#[test]
fn an_entry_that_is_not_there_is_added_by_the_name_of_the_donors() {
    let layout =
        r#"{ preset = "kustomize", path = "apps/{service}/overlays/{env}/kustomization.yaml" }"#;
    let dev = "images:\n- name: ghcr.io/o/web\n  newTag: v2\n";
    let both = format!("images:\n- name: ghcr.io/o/web\n  newTag: v2\n  digest: {DIGEST}\n");
    let cases = [
        (
            "no images",
            dev,
            "v2".to_owned(),
            "resources: [../../base]\n",
            "resources: [../../base]\nimages:\n- name: ghcr.io/o/web\n  newTag: v2\n".to_owned(),
        ),
        (
            "other images",
            dev,
            "v2".into(),
            "images:\n- name: ghcr.io/o/side\n  newTag: v9\n",
            "images:\n- name: ghcr.io/o/side\n  newTag: v9\n- name: ghcr.io/o/web\n  newTag: v2\n"
                .into(),
        ),
        (
            "an empty list",
            dev,
            "v2".into(),
            "images: []\n",
            "images: [{name: ghcr.io/o/web, newTag: v2}]\n".into(),
        ),
        (
            "a digest",
            &both,
            DIGEST.into(),
            "a: b\n",
            format!("a: b\nimages:\n- name: ghcr.io/o/web\n  digest: {DIGEST}\n"),
        ),
    ];
    for (name, dev, version, prod, expected) in cases {
        let files = [
            ("apps/web/overlays/dev/kustomization.yaml", dev),
            ("apps/web/overlays/prod/kustomization.yaml", prod),
        ];
        assert_eq!(
            edited(layout, &files, &format!("web prod {version}")),
            expected,
            "{name}"
        );
    }
    // Rows that are named by what stands in the file are not there before it does.
    let rows =
        r#"{ preset = "kustomize", path = "overlays/{env}/kustomization.yaml", row = "{image}" }"#;
    let side = "images:\n- name: ghcr.io/o/side\n  newTag: v9\n";
    let at = |path: &'static str| [("overlays/dev/kustomization.yaml", dev), (path, side)];
    assert_eq!(
        edited(rows, &at("overlays/prod/kustomization.yaml"), "web prod v2"),
        format!("{side}- name: ghcr.io/o/web\n  newTag: v2\n")
    );
    assert!(
        edited(rows, &at("overlays/qa/kustomization.yaml"), "web prod v2")
            .starts_with("NotDeclared: no layout gives web / prod"),
        "no file to hold it"
    );
    let alone = [("apps/web/overlays/prod/kustomization.yaml", "a: b\n")];
    assert!(
        edited(layout, &alone, "web prod v2").starts_with("NotDeclared"),
        "nobody tells its name"
    );
}

#[test]
fn what_an_addition_wrote_is_taken_away_and_nothing_else() {
    let helm = r#"{ path = "{service}/values-{env}.yaml", yaml = "image.tag", else = [{ path = "{service}/values.yaml" }] }"#;
    let kustomize = r#"{ preset = "kustomize", path = "{service}/values-{env}.yaml", else = [{ path = "{service}/values.yaml" }] }"#;
    let cases = [
        ("no parent", helm, "a: b\n"),
        ("a parent that says nothing", helm, "a: b\nimage:\nc: d\n"),
        ("with a comment", helm, "image: # note\n  # why\nc: d\n"),
        ("braces", helm, "image: {} # note\n"),
        ("braces over lines", helm, "image: {\n  # why\n}\n"),
        ("null", helm, "image: null # note\n"),
        (
            "other keys",
            helm,
            "image:\n  # why\n  pullPolicy: Always # note\n",
        ),
        ("no line break at the end", helm, "a: b"),
        ("an empty file", helm, ""),
        ("JSON", helm, "{\"image\": {}}\n"),
        ("no images", kustomize, "resources: [x] # note\n"),
        ("an empty list", kustomize, "images: [] # note\n"),
        (
            "other images",
            kustomize,
            "images:\n# why\n- name: r/side\n  newTag: v9\n",
        ),
        (
            "its item",
            kustomize,
            "images:\n- name: r/web # note\n  newName: q/web\n",
        ),
    ];
    for (name, layout, before) in cases {
        let base = if layout == helm {
            "image: {tag: v0}\n"
        } else {
            "images:\n- name: r/web\n  newTag: v0\n"
        };
        let files = |own: &str| {
            let files = [("web/values.yaml", base), ("web/values-prod.yaml", own)];
            Small::new(layout, &["dev", "prod"], &files)
        };
        let key = CellKey::new("web", "prod");
        let small = files(before);
        let read = |_: &Origin, path: &RepoPath| small.files.get(path).cloned();
        let desired = small.desired();
        let added = edit_cell(&small.layouts, &desired, &key, Some(&"v2".into()), &read);
        let added = String::from_utf8(added.expect(name).remove(0).after).expect(name);
        let now = files(&added);
        let read_now = |_: &Origin, path: &RepoPath| now.files.get(path).cloned();
        let edits = restore_cell(&now.layouts, &now.desired(), &key, None, &read_now, &read);
        let after = String::from_utf8(edits.expect(name).remove(0).after).expect(name);
        assert_eq!(after, before, "{name}: {added}");
    }
    // What else changed since stays.
    let now = [
        ("web/values.yaml", "image: {tag: v0}\n"),
        ("web/values-prod.yaml", "x: y\nimage: {tag: v2} # note\n"),
    ];
    let small = Small::new(helm, &["prod"], &now);
    let read = |_: &Origin, path: &RepoPath| small.files.get(path).cloned();
    let then = |_: &Origin, path: &RepoPath| {
        let own = path.as_str().ends_with("prod.yaml");
        Some(
            if own { "image: {} # note\n" } else { now[0].1 }
                .as_bytes()
                .to_vec(),
        )
    };
    let key = CellKey::new("web", "prod");
    let edits = restore_cell(&small.layouts, &small.desired(), &key, None, &read, &then);
    assert_eq!(edits.unwrap()[0].after, b"x: y\nimage: {} # note\n");
}

#[test]
fn an_override_is_added_inside_a_text() {
    let layout = r#"{ path = "{service}/{env}.yaml", yaml = "spec.values.(yaml).image.tag", else = [{ path = "{service}/base.yaml", yaml = "spec.values.(yaml).image.tag" }] }"#;
    let base = "spec:\n  values: |\n    image:\n      tag: v1\n";
    let with = |own: &str| {
        let files = [("web/base.yaml", base), ("web/prod.yaml", own)];
        edited(layout, &files, "web prod v2")
    };
    assert_eq!(
        with("spec:\n  values: |\n    # ours\n    replicas: 3\n  x: y\n"),
        "spec:\n  values: |\n    # ours\n    replicas: 3\n    image:\n      tag: v2\n  x: y\n"
    );
    assert_eq!(
        with("spec:\n  values: |\n    image:\n      name: r/web\n"),
        "spec:\n  values: |\n    image:\n      name: r/web\n      tag: v2\n"
    );
    let none = with("spec: {}\n");
    assert!(none.contains("add it as a literal block"), "{none}");
    let folded = with("spec:\n  values: \"a: b\"\n");
    assert!(folded.contains("write it as a literal block"), "{folded}");
}
