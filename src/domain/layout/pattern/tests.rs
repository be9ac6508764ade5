use super::*;

fn show(pattern: &str, text: &str) -> String {
    let pattern = Pattern::compile(pattern, &["prod", "prod-eu", "dev"]).unwrap();
    match pattern.matches(text) {
        None => "-".into(),
        Some(found) => found
            .iter()
            .map(|(name, text)| format!("{name}={text}"))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

#[test]
fn matches_and_captures() {
    let cases = [
        (
            "apps/{service}/{env}/k.yaml",
            "apps/a/prod/k.yaml",
            "service=a env=prod",
        ),
        ("apps/{service}/{env}/k.yaml", "apps/a/b/prod/k.yaml", "-"),
        (
            "apps/{service}/values-{env}.yaml",
            "apps/a/values-dev.yaml",
            "service=a env=dev",
        ),
        ("a/{x}.yaml", "a/.yaml", "x="),
        ("a/{x}/b", "a//b", "-"),
        ("a/{x*}/b", "a/b", "x="),
        ("a/{x*}/b", "a/c/b", "x=c"),
        ("a/{x*}/b", "a/c/d/b", "x=c/d"),
        ("a/{x*}/b", "ac/b", "-"),
        ("{x*}/{env}/b", "u/v/prod/b", "x=u/v env=prod"),
        ("a/{x*}", "a/b/c", "x=b/c"),
        ("**/{service}", "quay.io/org/app", "service=app"),
        ("**/{service}", "app", "service=app"),
        ("{e:staging|production}/k", "staging/k", "e=staging"),
        ("{e:staging|production}/k", "staging2/k", "-"),
        ("v{n:\\d\\d}", "v42", "n=42"),
        ("v{n:\\d{2}}", "v42", "n=42"),
        ("v{n:(a|b)+}-{m}", "vab-c", "n=ab m=c"),
        ("{var:*_SHA}", "API_SHA", "var=API_SHA"),
        ("{var:*_SHA|*_TAG}", "API_TAG", "var=API_TAG"),
        ("{var:*_SHA}", "API_TAG", "-"),
        (
            "{service}-{env:$envs}.yaml",
            "a-b-prod-eu.yaml",
            "service=a-b env=prod-eu",
        ),
        (
            "{env:$envs}-{service}.yaml",
            "prod-eu-x.yaml",
            "env=prod-eu service=x",
        ),
        ("{env:$envs}/x", "int/x", "-"),
        ("{a}/{a}.yaml", "x/x.yaml", "a=x"),
        ("{a}/{a}.yaml", "x/y.yaml", "-"),
        ("{a}/{a}-{env}.yaml", "a/a-prod-eu.yaml", "a=a env=prod-eu"),
        ("{a}-{a}", "x-y-x-y", "a=x-y"),
        ("{a*}/x/{a*}/y", "p/q/x/p/q/y", "a=p/q"),
        ("*.{env}.yaml", "x.prod.yaml", "env=prod"),
        (
            "refs/tags/{env}-{v:semver}",
            "refs/tags/prod-lon-0.0.111",
            "env=prod-lon v=0.0.111",
        ),
        (
            "refs/tags/{env}-{v:semver}",
            "refs/tags/prod-v1.0.0-rc.1",
            "env=prod v=v1.0.0-rc.1",
        ),
        (
            "refs/tags/{env}-{v:semver}",
            "refs/tags/prod-1.0.0-2.0.0",
            "env=prod v=1.0.0-2.0.0",
        ),
        (
            "refs/tags/{env:$envs}-{v:semver}",
            "refs/tags/prod-lon-0.0.111",
            "-",
        ),
        ("a.b", "axb", "-"),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(show(pattern, text), expected, "{pattern} on {text}");
    }
}

#[test]
fn what_is_bound_must_be_found_again() {
    let pattern = Pattern::compile("**/{service}", &[]).unwrap();
    let mut bound = Bindings::from_iter([("service", "app")]);
    assert!(pattern.match_into("r/app", &mut bound));
    assert!(!pattern.match_into("r/other", &mut bound));
    assert_eq!(bound.len(), 1);
}

#[test]
fn prunes_folders_that_cannot_lead_there() {
    let cases = [
        ("apps/{service}/{env:dev|prod}/k.yaml", "", true),
        ("apps/{service}/{env:dev|prod}/k.yaml", "apps", true),
        ("apps/{service}/{env:dev|prod}/k.yaml", "libs", false),
        ("apps/{service}/{env:dev|prod}/k.yaml", "apps/a/dev", true),
        ("apps/{service}/{env:dev|prod}/k.yaml", "apps/a/base", false),
        (
            "apps/{service}/{env:dev|prod}/k.yaml",
            "apps/a/dev/k.yaml",
            false,
        ),
        ("a/{x*}/k.yaml", "a/b/c/d", true),
        ("a/{x*}/k.yaml", "b", false),
        ("a/{x:v.*}/k.yaml", "a/b", true),
    ];
    for (pattern, directory, expected) in cases {
        let pattern = Pattern::compile(pattern, &[]).unwrap();
        assert_eq!(
            pattern.may_contain(directory),
            expected,
            "{} {directory}",
            pattern.source()
        );
    }
}

#[test]
fn fills_what_it_can() {
    let bound = Bindings::from_iter([("service", "a"), ("x", "")]);
    let fill = |text: &str| Pattern::compile(text, &[]).unwrap().fill(&bound);
    assert_eq!(
        fill("apps/{service}/v.yaml").as_deref(),
        Some("apps/a/v.yaml")
    );
    assert_eq!(fill("apps/{x*}/v.yaml").as_deref(), Some("apps/v.yaml"));
    assert_eq!(fill("apps/{env}/v.yaml"), None);
    assert_eq!(fill("apps/*/v.yaml"), None);
}

#[test]
fn says_what_is_wrong() {
    let cases = [
        ("", "is empty"),
        ("a/{b", "never closed"),
        ("a}b", "no `{` before"),
        ("/a/b", "empty segment"),
        ("a//b", "empty segment"),
        ("{a}{b}", "side by side"),
        ("{}", "begin with a name"),
        ("{a b}", "begin with a name"),
        ("{a*:x}", "both"),
        ("{a:[}", "does not compile"),
    ];
    for (pattern, expected) in cases {
        match Pattern::compile(pattern, &[]) {
            Err(error) => assert!(error.contains(expected), "{pattern}: {error}"),
            Ok(_) => panic!("{pattern} compiles"),
        }
    }
}
