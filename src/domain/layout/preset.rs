//! Presets: well-known shapes, each a shorthand for layouts that could be written out.

use super::{LayoutError, LayoutSpec};

/// The presets there are.
pub(crate) const PRESETS: [&str; 6] = [
    "kustomize",
    "helm-values",
    "helmrelease",
    "argocd-application",
    "manifest",
    "flux-image-policy",
];

/// Kinds that run containers.
const WORKLOADS: &str =
    "Deployment|StatefulSet|DaemonSet|ReplicaSet|Rollout|CronJob|Job|Pod|ReplicationController";

/// What is written out: no variable and no template.
const LITERAL: &str = "^[^{}$]+$";
/// The same, of a Git ref that looks like a release or a commit.
const RELEASE: &str = r"^(?:refs/tags/[^{}$]+|[0-9a-f]{7,40}|v?\d[^{}$]*|[^{}$]*\d\.\d[^{}$]*)$";

/// Whether a layout's `match` is a preset's own, which only sets variables and templates aside.
pub(super) fn is_literal(matching: &str) -> bool {
    [LITERAL, RELEASE].contains(&matching)
}

/// The layouts that `spec` stands for, the preferred reading first; itself where it has no preset.
///
/// What the user wrote beside `preset` stays: a locator of their own replaces the preset's.
pub(crate) fn expand(spec: &LayoutSpec) -> Result<Vec<LayoutSpec>, LayoutError> {
    let Some(preset) = spec.preset.as_deref() else {
        return Ok(vec![spec.clone()]);
    };
    let mut base = spec.clone();
    base.preset = None;
    let known = Known {
        service: mentions(spec, "service"),
        row: spec.row.as_deref().unwrap_or_default(),
    };
    let variants = match preset {
        "kustomize" => kustomize(&known),
        "helm-values" => helm_values(&known),
        "helmrelease" => {
            kinds(&mut base, "HelmRelease", &known);
            helmrelease()
        }
        "argocd-application" => {
            if !is_override(spec) {
                kinds(&mut base, "Application|ApplicationSet", &known);
            }
            argocd_application(&known)
        }
        "manifest" => {
            kinds(&mut base, WORKLOADS, &known);
            manifest(&known)
        }
        "flux-image-policy" => flux_image_policy(&known),
        other => {
            return Err(LayoutError::new(
                "preset",
                format!(
                    "there is no preset `{other}`; there are {}",
                    PRESETS.map(|name| format!("`{name}`")).join(", ")
                ),
            ));
        }
    };
    if spec.yaml.is_some() || spec.json.is_some() || spec.regex.is_some() {
        return Ok(vec![base]);
    }
    Ok(variants
        .into_iter()
        .map(|variant| variant.over(&base))
        .collect())
}

/// Whether the readings of a preset are of different things, of which one is a service's version: a chart and an image.
pub(crate) fn is_contested(spec: &LayoutSpec) -> bool {
    let own = [&spec.yaml, &spec.json, &spec.regex];
    matches!(
        spec.preset.as_deref(),
        Some("helmrelease" | "argocd-application")
    ) && own.iter().all(|text| text.is_none())
}

/// Whether it reads the file that Argo CD and its Image Updater keep overrides of an application in, which is no object.
fn is_override(spec: &LayoutSpec) -> bool {
    let path = spec.path.as_deref().unwrap_or_default();
    path.rsplit('/')
        .next()
        .is_some_and(|file| file.starts_with(".argocd-source"))
}

/// What the user's own keys say already.
struct Known<'a> {
    service: bool,
    row: &'a str,
}

#[derive(Default)]
struct Variant {
    yaml: Option<String>,
    regex: Option<String>,
    part: Option<String>,
    matching: Option<String>,
    first: bool,
}

impl Variant {
    fn yaml(locator: impl Into<String>) -> Self {
        Self {
            yaml: Some(locator.into()),
            ..Self::default()
        }
    }

    fn part(locator: impl Into<String>, part: impl Into<String>) -> Self {
        Self {
            part: Some(part.into()),
            ..Self::yaml(locator)
        }
    }

    /// What is written out: not what a template or a variable stands for.
    fn literal(locator: impl Into<String>) -> Self {
        Self {
            matching: Some(LITERAL.into()),
            ..Self::yaml(locator)
        }
    }

    /// The tag or digest of an image string, where it has one.
    fn image(locator: impl Into<String>) -> Self {
        Self {
            part: Some("tag".into()),
            ..Self::literal(locator)
        }
    }

    fn over(self, base: &LayoutSpec) -> LayoutSpec {
        let mut spec = base.clone();
        spec.yaml = self.yaml;
        spec.regex = self.regex;
        spec.part = spec.part.or(self.part);
        spec.matching = spec.matching.or(self.matching);
        spec.first |= self.first;
        spec
    }
}

/// An image of the chart's values, or else the chart, or else an image of a part of it.
fn helmrelease() -> Vec<Variant> {
    vec![
        Variant::yaml("spec.values.image.tag"),
        Variant::image("spec.values.image"),
        Variant::yaml("spec.chart.spec.version"),
        Variant::yaml("spec.values.{parameter*}.image.tag"),
        Variant::image("spec.values.{parameter*}.image"),
    ]
}

/// What an application overrides comes before what it is made of: parameters, values and images, then the chart, then the
/// images of its parts, then the revision in Git. A source with nothing but a `ref` lends its files and has no version.
fn argocd_application(known: &Known<'_>) -> Vec<Variant> {
    let tag = r"(?i)(?:.*[._-])?tag|.*imagetag|.*image_?version";
    let parameter =
        |name: &str| format!("**.helm.parameters[*]{{name={{parameter:{name}}}}}.value");
    let mut variants = vec![
        Variant::literal("**.helm.parameters[name=image.tag].value"),
        Variant::image("**.helm.parameters[name=image].value"),
        Variant::literal(parameter(tag)),
        Variant::image(parameter("(?i).*image")),
        Variant::literal(parameter(r"(?i)(?:.*[._-])?digest")),
        Variant::literal("**.helm.valuesObject.image.tag"),
        Variant::image("**.helm.valuesObject.image"),
        Variant::literal("**.helm.values.(yaml).image.tag"),
        Variant::image("**.helm.values.(yaml).image"),
        Variant::image("**.kustomize.images[*]"),
        Variant::literal("**.sources[*]{chart={chart}}.targetRevision"),
        Variant::literal("**.source{chart={chart}}.targetRevision"),
        Variant::literal("**.helm.valuesObject.{parameter*}.image.tag"),
        Variant::image("**.helm.valuesObject.{parameter*}.image"),
        Variant::literal("**.helm.values.(yaml).{parameter*}.image.tag"),
        Variant::image("**.helm.values.(yaml).{parameter*}.image"),
        Variant::literal("**.source.targetRevision"),
        // What is rendered is taken from there; the branch that it is synced from is its hydrator's.
        Variant::literal("**.sourceHydrator.drySource.targetRevision"),
    ];
    variants.push(Variant {
        matching: Some(RELEASE.into()),
        ..Variant::yaml("**.sources[*]{ref=}.targetRevision")
    });
    variants.push(Variant::literal("**.sources[*]{ref=}.targetRevision"));
    variants.push(Variant::literal("**.sources[*]{path=**}.targetRevision"));
    if known.row.contains("{image}") {
        // Where images are the rows, nothing else of it is one.
        variants.retain(|variant| variant.part.is_some());
    }
    variants
}

/// Image overrides: by their name, or by the name they are replaced with. What stands beside the name goes before what
/// stands in it: `newName: registry/x:1.2`, `name: postgres:11`.
fn kustomize(known: &Known<'_>) -> Vec<Variant> {
    let by = |field: &str, capture: &str| {
        ["newTag", "digest"]
            .map(|key| Variant::yaml(format!("images[*]{{{field}=**/{{{capture}}}}}.{key}")))
    };
    let own = if known.row.contains("{image}") {
        "image"
    } else {
        "service"
    };
    let within = |locator: String, capture: &str| Variant {
        part: Some(format!("tag:{capture}")),
        ..Variant::image(locator)
    };
    let mut variants: Vec<Variant> = by("name", own).into();
    let replaced = known.service && own == "service";
    if replaced {
        variants.extend(by("newName", own));
    }
    variants.push(within(
        format!("images[*]{{name=**/{{{own}}}}}.newName"),
        "newName",
    ));
    if replaced {
        variants.push(within("images[*].newName".into(), own));
    }
    variants.push(within("images[*].name".into(), own));
    variants
}

/// `image.tag`, the tag of `image` itself, or a digest alone; below the service's key where one file holds them all.
fn helm_values(known: &Known<'_>) -> Vec<Variant> {
    let below = if known.service { "" } else { "{service}." };
    vec![
        Variant::yaml(format!("{below}image.tag")),
        Variant::part(format!("{below}image"), "tag"),
        // Beside a tag it is the tag's own.
        Variant::yaml(format!("{below}image.digest")),
    ]
}

/// The container named like the service, else the one whose image is, else the first.
fn manifest(known: &Known<'_>) -> Vec<Variant> {
    let own = if known.service { "service" } else { "name" };
    if known.row.contains("{image}") {
        return vec![Variant::part("**.containers[*].image", "tag")];
    }
    vec![
        Variant::part(format!("**.containers[name={{{own}}}].image"), "tag"),
        Variant::part("**.containers[*].image", format!("tag:{own}")),
        Variant {
            first: true,
            ..Variant::part("**.containers[0].image", "tag")
        },
    ]
}

/// Scalars that an image policy's marker stands behind: `# {"$imagepolicy": "namespace:name:tag"}`.
fn flux_image_policy(known: &Known<'_>) -> Vec<Variant> {
    let group = if known.service { "policy" } else { "service" };
    let marker = |kind: &str| {
        format!(
            r#"["']?[ \t]+#[ \t]*\{{[ \t]*"\$imagepolicy"[ \t]*:[ \t]*"(?<namespace>[^":]+):(?<{group}>[^":]+){kind}"[ \t]*\}}"#
        )
    };
    // With blanks inside, as no version has them: what stands there is told then, instead of nothing.
    let text = r#"[^\s"'#](?:[^"'#:\n]|:[^\s"'#])*?"#;
    // What a tag of a reader's own stands before may be in quotes or brackets.
    let tagged = r#"(?:&\S+[ \t]+)?!\S*[ \t]+(?:"[^"\n]*"|'[^'\n]*'|\{[^#\n]*\}|\[[^#\n]*\])"#;
    let value = |kind: &str| {
        format!(
            r#"(?m)[:\-][ \t]+["']?(?<v>{tagged}|{text}){}"#,
            marker(kind)
        )
    };
    let by = |regex: String, part: Option<&str>| Variant {
        regex: Some(regex),
        part: part.map(str::to_owned),
        ..Variant::default()
    };
    vec![
        by(value(":tag"), None),
        by(value(""), Some("tag")),
        by(value(":digest"), None),
    ]
}

/// Restricts to objects of these kinds, named by their own metadata where nothing else names the service.
fn kinds(base: &mut LayoutSpec, kinds: &str, known: &Known<'_>) {
    base.kind.get_or_insert_with(|| kinds.to_owned());
    if !known.service {
        base.name.get_or_insert_with(|| "metadata.name".to_owned());
        base.row.get_or_insert_with(|| "{name}".to_owned());
    }
}

/// Whether the path or the ref captures `name`.
fn mentions(spec: &LayoutSpec, name: &str) -> bool {
    [&spec.path, &spec.refs].into_iter().flatten().any(|text| {
        ["}", "*}", ":"]
            .iter()
            .any(|end| text.contains(&format!("{{{name}{end}")))
    })
}
