//! What a layout's versions are versions of, from where it reads them.
//!
//! | where the value stands | it is |
//! | --- | --- |
//! | `part = "tag"`; a key that ends in tag, image or digest (`newTag`, `image_tag`), or stands below one (`images.{x}`) | an image |
//! | `appVersion`, as Helm takes it for the tag | an image |
//! | a key with chart in it, or `version` below one, in a `Chart.yaml` or a chart generator | a chart |
//! | `part = "query:…"`, `ref`, `branch`, `commit`, `revision`, and all below `ref` | Git |
//! | `targetRevision` | Git or a chart |
//! | a key that ends in enabled, disabled, replicas or count; keys below flags or features; `true` and `false` | a setting |
//! | anything else | not sure |
//!
//! `version_of` of a layout says it where this does not. A key that is captured counts by its text, unless the capture names the row or the column.

use std::sync::Arc;

use super::{
    bindings::Bindings,
    level::{Finder, Level},
    locator::{Locator, Step},
    part::Part,
};
use crate::domain::{subject::Subject, version::Version};

/// Captures that name things, not places.
const NAMES: [&str; 8] = [
    "service",
    "env",
    "image",
    "name",
    "cluster",
    "namespace",
    "group",
    "repo",
];

/// What a level's versions are of.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// Captures that stand for the key itself.
    keys: Vec<Arc<str>>,
    /// Where these do not tell.
    otherwise: Subject,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            otherwise: Subject::Unsure,
        }
    }
}

impl Rule {
    /// The rule of a level whose other fields are set.
    pub(crate) fn of(level: &Level) -> Self {
        let fixed = |otherwise| Self {
            keys: Vec::new(),
            otherwise,
        };
        match &level.part {
            Part::Tag(_) => return fixed(Subject::Image),
            Part::Query(_) => return fixed(Subject::Git),
            Part::Regex(regex) if regex.capture_names().flatten().any(|name| name == "chart") => {
                return fixed(Subject::Chart);
            }
            Part::Whole | Part::Regex(_) => {}
        }
        match &level.finder {
            Finder::Tree(locator) => tree(level, locator),
            Finder::Text(regex) => {
                let captures = regex.capture_names().flatten();
                let keys = captures.filter(|name| *name != "v" && !NAMES.contains(name));
                let mut words = regex.as_str().split(|c: char| !c.is_ascii_alphabetic());
                Self {
                    keys: keys.map(Into::into).collect(),
                    otherwise: words.find_map(word).unwrap_or(Subject::Unsure),
                }
            }
        }
    }

    /// What `version` is of, where this was captured.
    pub(crate) fn subject(&self, captured: &Bindings, version: Option<&Version>) -> Subject {
        let texts = self.keys.iter().filter_map(|name| captured.get(name));
        let told = texts.filter_map(|text| key(text.rsplit('.').next().unwrap_or(text)));
        let found = told.into_iter().next().unwrap_or(self.otherwise);
        let is_flag = version.is_some_and(|version| {
            let text = version.as_str();
            text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
        });
        if found == Subject::Unsure && is_flag {
            return Subject::Setting;
        }
        found
    }
}

fn tree(level: &Level, locator: &Locator) -> Rule {
    let mut keys: Vec<Arc<str>> = Vec::new();
    // From the value outwards; the value's own key first.
    let mut texts: Vec<String> = Vec::new();
    for step in locator.innermost().steps().iter().rev() {
        match step {
            Step::Key(text) => texts.push(text.clone()),
            Step::KeyLike(pattern) => {
                if texts.is_empty() {
                    let names = pattern.names().into_iter();
                    keys.extend(names.filter(|name| !NAMES.contains(&&**name)));
                }
                texts.push(String::new());
            }
            Step::Deep(Some(name)) if texts.is_empty() => {
                keys.push(Arc::clone(name));
                texts.push(String::new());
            }
            // `parameters[name=image.tag].value`: the field says which.
            Step::Where(_, pattern) if texts.first().is_some_and(|own| own == "value") => {
                let source = pattern.source();
                texts[0] = source.rsplit('.').next().unwrap_or(source).into();
            }
            Step::Any
            | Step::Deep(_)
            | Step::Index(_)
            | Step::FromEnd(_)
            | Step::Each
            | Step::Where(..)
            | Step::Without(_) => {}
        }
    }
    Rule {
        keys,
        otherwise: by_keys(level, &texts),
    }
}

fn by_keys(level: &Level, texts: &[String]) -> Subject {
    let Some((own, around)) = texts.split_first() else {
        return Subject::Unsure;
    };
    // Flux's `spec.ref.tag`: a tag in Git, not of an image.
    if around.first().is_some_and(|parent| parent == "ref") {
        return Subject::Git;
    }
    if let Some(known) = key(own) {
        return known;
    }
    if let Some(known) = around.iter().find_map(|text| enclosing(text)) {
        return known;
    }
    let file = level.path.as_ref().map_or("", |path| {
        let path = path.source();
        path.rsplit('/').next().unwrap_or(path)
    });
    let file = plain(file);
    let generator = level.kinds.iter().any(|kind| kind.starts_with("HelmChart"));
    let of_chart = generator || file == "chartyaml" || file.contains("helmgenerator");
    if own == "version" && of_chart {
        return Subject::Chart;
    }
    Subject::Unsure
}

/// Letters and digits in lower case: `image_tag`, `imageTag` and `IMAGE-TAG` are one.
fn plain(text: &str) -> String {
    let kept = text.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

/// What the key that holds the value says.
fn key(text: &str) -> Option<Subject> {
    let key = plain(text);
    let ends = |ends: &[&str]| ends.iter().any(|end| key.ends_with(end));
    let versioned = key.contains("image") && key.ends_with("version");
    if ends(&["tag", "image", "digest"]) || key == "appversion" || versioned {
        Some(Subject::Image)
    } else if key.contains("chart") {
        Some(Subject::Chart)
    } else if key == "targetrevision" {
        Some(Subject::Revision)
    } else if ends(&["revision", "gitref"]) || matches!(&*key, "ref" | "branch" | "commit") {
        Some(Subject::Git)
    } else if ends(&["enabled", "disabled", "replicas", "count"]) {
        Some(Subject::Setting)
    } else {
        None
    }
}

/// What a key around it says.
fn enclosing(text: &str) -> Option<Subject> {
    match &*plain(text) {
        "image" | "images" | "tags" | "imagetags" | "digests" => Some(Subject::Image),
        "chart" | "charts" | "helmchart" | "helmcharts" => Some(Subject::Chart),
        "revisions" | "refs" => Some(Subject::Git),
        "flags" | "featureflags" | "features" => Some(Subject::Setting),
        _ => None,
    }
}

/// What a word of a regular expression says.
fn word(text: &str) -> Option<Subject> {
    let word = text.to_ascii_lowercase();
    if word.ends_with("tag") || word.contains("image") || word.ends_with("digest") {
        Some(Subject::Image)
    } else if word.contains("chart") {
        Some(Subject::Chart)
    } else if word.ends_with("revision") || word == "ref" {
        Some(Subject::Git)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ids::CellKey, layout::testing::Small};

    /// What the one cell of a layout over one file is of.
    fn subject(layout: &str, path: &str, text: &str) -> Subject {
        let desired = Small::new(layout, &["prod"], &[(path, text)]).desired();
        let declared: Vec<_> = desired
            .cells
            .iter()
            .filter(|(_, cell)| cell.version.is_some())
            .collect();
        let [(key, cell)] = declared[..] else {
            panic!("{layout}: {declared:?}");
        };
        assert_eq!(*key, CellKey::new("web", "prod"), "{layout}");
        cell.subject
    }

    #[test]
    fn where_a_version_stands_tells_what_it_is_of() {
        use Subject::{Chart, Git, Image, Revision, Setting, Unsure};
        let cases = [
            ("yaml = 'image.tag'", "image: {tag: v1}", Image),
            ("yaml = 'image_tag'", "image_tag: v1", Image),
            ("yaml = 'image', part = 'tag'", "image: r/web:v1", Image),
            ("yaml = 'x', part = 'tag'", "x: r/web:v1", Image),
            (
                "yaml = 'images[*]{name=**/{service}}.newTag'",
                "images: [{name: r/web, newTag: v1}]",
                Image,
            ),
            (
                "yaml = 'images[*].digest'",
                "images: [{digest: 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}]",
                Image,
            ),
            ("yaml = 'images.{service}'", "images: {web: v1}", Image),
            ("yaml = 'appVersion'", "appVersion: v1", Image),
            ("yaml = 'image.version'", "image: {version: v1}", Image),
            (
                "yaml = 'parameters[name=image.tag].value'",
                "parameters: [{name: image.tag, value: v1}]",
                Image,
            ),
            (
                "yaml = 'spec.chart.spec.version'",
                "spec: {chart: {spec: {version: 1.2.3}}}",
                Chart,
            ),
            (
                "yaml = 'helmCharts[*].version'",
                "helmCharts: [{version: 1.2.3}]",
                Chart,
            ),
            ("yaml = 'chartVersion'", "chartVersion: 1.2.3", Chart),
            (
                "yaml = 'vars.{var}'",
                "vars: {WEB_CHART_VERSION: 1.2.3}",
                Chart,
            ),
            ("yaml = 'vars.{var}'", "vars: {WEB_IMAGE_TAG: 1.2.3}", Image),
            ("yaml = 'vars.{var}'", "vars: {WEB_VERSION: 1.2.3}", Unsure),
            (
                "yaml = 'resources[*]', part = 'query:ref'",
                "resources: ['https://h/o/r?ref=abc']",
                Git,
            ),
            ("yaml = 'spec.ref.tag'", "spec: {ref: {tag: v1}}", Git),
            ("yaml = 'revisions.{service}'", "revisions: {web: abc}", Git),
            (
                "yaml = 'spec.source.targetRevision'",
                "spec: {source: {targetRevision: v1}}",
                Revision,
            ),
            ("yaml = 'features.cart'", "features: {cart: on}", Setting),
            ("yaml = 'cartEnabled'", "cartEnabled: 'true'", Setting),
            ("yaml = 'cart'", "cart: true", Setting),
            (
                "yaml = 'replicas[*].count'",
                "replicas: [{count: 3}]",
                Setting,
            ),
            (
                "yaml = 'version', version_of = 'chart'",
                "version: 1.2.3",
                Chart,
            ),
            (
                "yaml = 'chartVersion', version_of = 'image'",
                "chartVersion: 1.2.3",
                Image,
            ),
            ("yaml = 'version'", "version: 1.2.3", Unsure),
            (
                "yaml = 'versions.{service}'",
                "versions: {web: 1.2.3}",
                Unsure,
            ),
            ("regex = 'DOCKER_TAG=(?<v>.+)'", "DOCKER_TAG=v1", Image),
            (
                "regex = 'stage_(?<key>[A-Z_]+)=(?<v>.+)'",
                "stage_CHART_VERSION=v1",
                Chart,
            ),
            ("regex = 'stage=(?<v>.+)'", "stage=v1", Unsure),
        ];
        for (locator, text, expected) in cases {
            let layout = format!("{{ path = '{{service}}/{{env}}.yaml', {locator} }}");
            assert_eq!(
                subject(&layout, "web/prod.yaml", text),
                expected,
                "{locator}"
            );
        }
        let of_file = [
            ("{env}/{service}/Chart.yaml", "prod/web/Chart.yaml", Chart),
            (
                "{env}/{service}/x-helm-generator.yaml",
                "prod/web/x-helm-generator.yaml",
                Chart,
            ),
            (
                "{env}/{service}/chart-of-accounts.yaml",
                "prod/web/chart-of-accounts.yaml",
                Unsure,
            ),
        ];
        for (path, file, expected) in of_file {
            let layout = format!("{{ path = '{path}', yaml = 'version' }}");
            assert_eq!(subject(&layout, file, "version: 1.2.3"), expected, "{path}");
        }
    }

    #[test]
    fn what_is_said_must_be_known() {
        let specs = crate::domain::layout::testing::specs(
            "{ path = '{service}/{env}.yaml', yaml = 'x', version_of = 'helm' }",
        );
        let error = crate::domain::layout::LayoutSet::compile(&specs, &[]).unwrap_err();
        assert_eq!(
            (error.1.key.as_str(), error.1.message.as_str()),
            (
                "version_of",
                "`helm` is none of `image`, `chart`, `git`, `setting`"
            )
        );
    }

    #[test]
    fn presets_know_theirs() {
        let cases = [
            (
                "helmrelease",
                "kind: HelmRelease\nmetadata: {name: web}\nspec: {values: {image: {tag: v1}}}",
                Subject::Image,
            ),
            (
                "helmrelease",
                "kind: HelmRelease\nmetadata: {name: web}\nspec: {chart: {spec: {version: 1.0.0}}}",
                Subject::Chart,
            ),
            (
                "argocd-application",
                "kind: Application\nmetadata: {name: web}\nspec: {source: {targetRevision: v1}}",
                Subject::Revision,
            ),
            (
                "argocd-application",
                "kind: Application\nmetadata: {name: web}\nspec: {sources: [{targetRevision: v1}]}",
                Subject::Revision,
            ),
            (
                "manifest",
                "kind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: 'r/web:v1'}]}}}",
                Subject::Image,
            ),
            (
                "flux-image-policy",
                "tag: v1 # {\"$imagepolicy\": \"flux-system:web:tag\"}",
                Subject::Image,
            ),
        ];
        for (preset, text, expected) in cases {
            let layout = format!("{{ preset = '{preset}', path = 'apps/{{env}}.yaml' }}");
            assert_eq!(subject(&layout, "apps/prod.yaml", text), expected, "{text}");
        }
    }
}
