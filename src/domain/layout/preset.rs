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
            vec![
                Variant::yaml("spec.values.image.tag"),
                Variant::part("spec.values.image", "tag"),
                Variant::yaml("spec.chart.spec.version"),
            ]
        }
        "argocd-application" => {
            kinds(&mut base, "Application", &known);
            vec![
                Variant::yaml("spec.source.helm.parameters[name=image.tag].value"),
                Variant::yaml("spec.source.helm.valuesObject.image.tag"),
                Variant::part("spec.source.kustomize.images[0]", "tag"),
                Variant::yaml("spec.source.targetRevision"),
                Variant {
                    first: true,
                    ..Variant::yaml("spec.sources[*].targetRevision")
                },
            ]
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
        matching: Some(".".into()),
        ..Variant::part(locator, format!("tag:{capture}"))
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

/// `image.tag`, or the tag of `image` itself; below the service's key where one file holds them all.
fn helm_values(known: &Known<'_>) -> Vec<Variant> {
    let below = if known.service { "" } else { "{service}." };
    vec![
        Variant::yaml(format!("{below}image.tag")),
        Variant::part(format!("{below}image"), "tag"),
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
    [
        format!(r#"(?m)[:\-][ \t]+["']?(?<v>[^\s"'#]+){}"#, marker(":tag")),
        format!(
            r#"(?m)[:\-][ \t]+["']?[^\s"'#]*?[^\s"'#:/@]:(?<v>[^\s"'#:/@]+(?:@[a-z0-9]+:[0-9a-f]+)?){}"#,
            marker("")
        ),
    ]
    .into_iter()
    .map(|regex| Variant {
        regex: Some(regex),
        ..Variant::default()
    })
    .collect()
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
