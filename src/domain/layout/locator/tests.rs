use super::*;

const TEXT: &str = "\
images:
- {name: quay.io/org/app, newTag: v1}
- {name: side, newTag: v2}
spec:
  substitute: {A_SHA: abc, B_TAG: v3, plain: x}
  containers:
  - {name: main, image: r/app:v4}
base: &base {tag: v5}
prod:
  <<: *base
other: *base
deep:
  web: {image: {tag: v6}}
  list: [{tag: v7}]
\"a.b\": v8
";

fn find(locator: &str, bound: &[(&str, &str)]) -> Vec<String> {
    let yaml = manifest::parse(TEXT.as_bytes()).unwrap();
    let bound: Bindings = bound.iter().copied().collect();
    Locator::compile(locator, &[])
        .unwrap()
        .find(yaml.documents[0].root(), &bound)
        .into_iter()
        .map(|found| {
            let captures: Vec<String> = found
                .bindings
                .iter()
                .map(|(name, text)| format!(" {name}={text}"))
                .collect();
            format!(
                "{}{}{}",
                found.node.text().unwrap_or("(collection)"),
                captures.concat(),
                if found.borrowed { " borrowed" } else { "" }
            )
        })
        .collect()
}

#[test]
fn finds_and_captures() {
    let none: &[(&str, &str)] = &[];
    let cases = [
        ("images[0].newTag", none, vec!["v1"]),
        ("images[*].newTag", none, vec!["v1", "v2"]),
        ("images[name=side].newTag", none, vec!["v2"]),
        (
            "images[*]{name=**/{service}}.newTag",
            none,
            vec!["v1 service=app", "v2 service=side"],
        ),
        (
            "images[name=**/{service}].newTag",
            &[("service", "app")],
            vec!["v1 service=app"],
        ),
        (
            "spec.substitute.{var}",
            none,
            vec!["abc var=A_SHA", "v3 var=B_TAG", "x var=plain"],
        ),
        (
            "spec.substitute.{var:*_SHA|*_TAG}",
            none,
            vec!["abc var=A_SHA", "v3 var=B_TAG"],
        ),
        ("spec.substitute.{var}_SHA", none, vec!["abc var=A"]),
        ("spec.containers[name=main].image", none, vec!["r/app:v4"]),
        ("prod.tag", none, vec!["v5 borrowed"]),
        ("other.tag", none, vec!["v5 borrowed"]),
        ("deep.*.image.tag", none, vec!["v6"]),
        ("deep.**.tag", none, vec!["v6", "v7"]),
        (
            "deep.**{p}.tag",
            none,
            vec!["v6 p=web.image", "v7 p=list.0"],
        ),
        ("deep.{p*}.tag", none, vec!["v6 p=web.image", "v7 p=list.0"]),
        ("base.**{p}.tag", none, vec!["v5 p="]),
        ("\"a.b\"", none, vec!["v8"]),
        ("[\"a.b\"]", none, vec!["v8"]),
        ("nowhere.tag", none, vec![]),
        (
            "spec{nothing=}.containers[name=main].image",
            none,
            vec!["r/app:v4"],
        ),
        ("spec.containers[*]{image=}.name", none, vec![]),
    ];
    for (locator, bound, expected) in cases {
        assert_eq!(find(locator, bound), expected, "{locator}");
    }
}

#[test]
fn is_written_out_where_everything_is_bound() {
    let bound = Bindings::from_iter([("service", "app"), ("p", "web.image")]);
    let path = |text: &str| Locator::compile(text, &[]).unwrap().concrete(&bound);
    let key = |text: &str| manifest::Step::Key(text.into());
    assert_eq!(path("{service}.tag"), Some(vec![key("app"), key("tag")]));
    assert_eq!(
        path("**{p}.tag"),
        Some(vec![key("web"), key("image"), key("tag")])
    );
    assert_eq!(path("images[*].tag"), None);
    assert_eq!(path("{env}.tag"), None);
}

/// Locators as jq, yq, `JSONPath` and JSON Pointer have them, and slips of our own: what is said, with the form that is meant.
#[test]
fn other_tools_ways_are_named_with_the_right_form() {
    let cases = [
        (
            "images.[name=x].newTag",
            7,
            "without a dot",
            "images[name=x].newTag",
        ),
        ("a.[0].b", 2, "without a dot", "a[0].b"),
        (".images[0].newTag", 1, "jq and yq", "images[0].newTag"),
        ("$.images[0].newTag", 1, "JSONPath", "images[0].newTag"),
        ("$images[0].newTag", 1, "JSONPath", "images[0].newTag"),
        ("$..newTag", 1, "any depth", "**.newTag"),
        ("..newTag", 1, "any depth", "**.newTag"),
        ("images[].newTag", 7, "`[*]`", "images[*].newTag"),
        (
            ".images[] | select(.name == \"x\") | .newTag",
            8,
            "`select`",
            "images[name=x].newTag",
        ),
        (
            "images[*] | select(.name=='r/x').newTag",
            7,
            "`select`",
            "images[name=r/x].newTag",
        ),
        (
            "$.images[?(@.name=='x')].newTag",
            9,
            "JSONPath",
            "images[name=x].newTag",
        ),
        (
            "images[?(@.name == \"x\")].newTag",
            7,
            "JSONPath",
            "images[name=x].newTag",
        ),
        (
            "images[?@.name='x'].newTag",
            7,
            "JSONPath",
            "images[name=x].newTag",
        ),
        ("a.b[?(@.x)].c", 4, "JSONPath", "a.b[x=*].c"),
        (
            "images[name==x].newTag",
            7,
            "one `=`",
            "images[name=x].newTag",
        ),
        (
            "images[name=\"x\"].newTag",
            7,
            "quotes",
            "images[name=x].newTag",
        ),
        (
            "images[ name = x ].newTag",
            7,
            "blanks",
            "images[name=x].newTag",
        ),
        ("images[name: x].newTag", 7, "`=`", "images[name=x].newTag"),
        ("/images/0/newTag", 1, "JSON Pointer", "images[0].newTag"),
        (
            "metadata.labels.app\\.kubernetes\\.io/version",
            17,
            "is quoted",
            "metadata.labels.\"app.kubernetes.io/version\"",
        ),
        ("$[\"a.b\"].tag", 1, "JSONPath", "[\"a.b\"].tag"),
        (
            "containers[name=web].image[0]",
            27,
            "has no items",
            "containers[name=web].image",
        ),
        ("image[0]", 6, "has no items", "image"),
    ];
    for (source, character, why, right) in cases {
        let error = Locator::compile(source, &[]).unwrap_err();
        assert!(
            error.contains(&format!("`{source}`, character {character}:")),
            "{source}: {error}"
        );
        assert!(error.contains(why), "{source}: {error}");
        assert!(
            error.ends_with(&format!("write `{right}`")),
            "{source}: {error}"
        );
        assert!(Locator::compile(right, &[]).is_ok(), "{right}");
    }
    for (source, why) in [
        ("images[name=x]", "ends with a condition"),
        ("images[*]{name=**/{service}}", "ends with a condition"),
        ("images[-0].newTag", "is none of `[0]`, `[-1]`"),
    ] {
        let error = Locator::compile(source, &[]).unwrap_err();
        assert!(error.contains(why), "{source}: {error}");
    }
    for source in [
        "spec.substitute.{var:\\w+\\.\\w+}",
        "**.helm.parameters[*]{name={p:(?i)(?:.*[._-])?tag|x}}.value",
        "[\"a.[0]b\"].c",
        "x.{name:a|b}.tag",
        "images[name=quay.io/x/y-z].newTag",
        "images[0]",
    ] {
        assert!(Locator::compile(source, &[]).is_ok(), "{source}");
    }
}

#[test]
fn one_place_is_written_out_as_a_person_would() {
    let bound = Bindings::from_iter([("chart", "web"), ("p", "a.b"), ("e", "")]);
    let cases = [
        (
            "**.sources[*]{chart={chart}}.rev",
            "**.sources[*]{chart=web}.rev",
        ),
        ("x[*]{name={chart:(?i).*x}}.value", "x[*]{name=web}.value"),
        ("v.{p*}.image.tag", "v.a.b.image.tag"),
        ("v.**{p}.image.tag", "v.a.b.image.tag"),
        ("v.{e*}.image.tag", "v.image.tag"),
        ("v.(yaml).{e*}.image.tag", "v.(yaml).image.tag"),
        ("v[*].w.(yaml)[*].x", "v[*].w.(yaml)[*].x"),
        ("{other}.{chartx}", "{other}.{chartx}"),
    ];
    for (source, expected) in cases {
        let locator = Locator::compile(source, &[]).unwrap();
        assert_eq!(locator.written(&bound), expected, "{source}");
    }
}

#[test]
fn says_what_is_wrong() {
    let cases = [
        ("", "is empty"),
        ("a..b", "empty key"),
        ("a.", "empty key"),
        ("a[", "never closed"),
        ("a[x]", "none of"),
        ("a[0]b", "a `.` is missing"),
        ("a[*]{name=**/{x}", "never closed"),
        ("a[{x}=y]", "not the name of a field"),
        ("\"a", "never closed"),
        ("{a b}", "begin with a name"),
        ("(yaml).a", "between the path"),
        ("a.(yaml)", "between the path"),
        ("a.(yaml).b.(yaml).c", "can stand once"),
    ];
    for (locator, expected) in cases {
        match Locator::compile(locator, &[]) {
            Err(error) => assert!(error.contains(expected), "{locator}: {error}"),
            Ok(_) => panic!("{locator} compiles"),
        }
    }
}
