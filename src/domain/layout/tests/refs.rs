//! Environments that are branches or tags.

use super::*;

#[test]
fn branches_per_environment() {
    let layouts = specs(r#"{ refs = "refs/heads/{env}", path = "{service}.yaml", yaml = "tag" }"#);
    let environments = ["dev", "prod"].map(EnvironmentName::from);
    let layouts = Arc::new(LayoutSet::compile(&layouts, &environments).unwrap());
    let mut assembler = Assembler::new(Arc::clone(&layouts), &environments);
    let path = RepoPath::from("web.yaml");
    for (name, tag) in [("dev", "v2"), ("prod", "v1")] {
        let origin = Origin {
            refs: Some(0),
            captures: layouts.ref_templates()[0]
                .matches(&format!("refs/heads/{name}"))
                .unwrap(),
            ..Origin::default()
        };
        let facts = layouts.extract(&path, format!("tag: {tag}").as_bytes());
        assembler.update_at(&origin, path.clone(), Some(Arc::new(facts)));
    }
    // A file of another ref is none of this layout's.
    let facts = layouts.extract(&path, b"tag: v9");
    assembler.update(path, Some(Arc::new(facts)));
    let desired = assembler.desired(ObjectId::new([0; 20]));
    assert_eq!(
        lines(&desired),
        ["web dev v2 web.yaml:1", "web prod v1 web.yaml:1"]
    );
    assert!(!layouts.reads_default_ref());
}

#[test]
fn tags_that_say_the_version_themselves() {
    let layouts = specs(r#"{ refs = "refs/tags/{service}-{env:$envs}-{version:semver}" }"#);
    let environments = ["dev", "prod"].map(EnvironmentName::from);
    let layouts = Arc::new(LayoutSet::compile(&layouts, &environments).unwrap());
    let mut assembler = Assembler::new(Arc::clone(&layouts), &environments);
    let tags = [
        "refs/tags/web-dev-1.2.0",
        "refs/tags/web-dev-1.10.0",
        "refs/tags/web-prod-1.1.0",
    ];
    for selected in layouts.ref_templates()[0].select(0, tags) {
        let facts = layouts.ref_facts(&selected.origin);
        let name = RepoPath::from(selected.reference);
        assembler.update_at(&selected.origin, name, Some(Arc::new(facts)));
    }
    let desired = assembler.desired(ObjectId::new([0; 20]));
    assert_eq!(
        lines(&desired),
        [
            "web dev 1.10.0 refs/tags/web-dev-1.10.0:1",
            "web prod 1.1.0 refs/tags/web-prod-1.1.0:1"
        ]
    );
}
