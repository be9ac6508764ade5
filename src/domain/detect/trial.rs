//! One template while its locators are tried.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use super::{Evidence, contents, shapes::Shape};
use crate::domain::{
    desired::Desired,
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath},
    layout::{Assembler, FallbackSpec, LayoutSet, LayoutSpec, Origin},
    template::Captures,
};

/// Files by which locators are compared.
const COMPARED: usize = 90;
/// Files read per template.
pub(super) const FILES: usize = 3000;

/// One template, the files that it explains, and the environments that they are of.
pub(super) struct Trial<'t, 'p> {
    pub(super) template: &'t str,
    pub(super) shape: &'t Shape<'p>,
    pub(super) files: Vec<&'p str>,
    pub(super) environments: BTreeSet<String>,
    pub(super) refs: Option<&'t str>,
    pub(super) evidence: &'t Evidence<'t>,
}

impl Trial<'_, '_> {
    /// The layouts that may suit, complete.
    pub(super) fn specs(&self) -> Vec<LayoutSpec> {
        contents::candidates(self.template, &self.files, self.evidence.read)
            .into_iter()
            .filter_map(|spec| self.complete(spec))
            .map(|spec| self.with_fallbacks(spec))
            .collect()
    }

    /// Whether what stands for the service is but the name of a file: of `settings.yml`, `replicas.yml` and `version.yml`, one
    /// alone holds versions.
    pub(super) fn names_files(&self, cells: &BTreeSet<CellKey>) -> bool {
        let by_file = self
            .template
            .rsplit('/')
            .next()
            .is_some_and(|file| file.starts_with("{service}."));
        let services: BTreeSet<_> = cells.iter().map(|key| &key.service).collect();
        by_file && services.len() == 1 && self.shape.services().len() > 2
    }

    /// Adds path and refs, and names rows where the path does not name the service.
    fn complete(&self, mut spec: LayoutSpec) -> Option<LayoutSpec> {
        spec.path.get_or_insert_with(|| self.template.to_owned());
        spec.refs = self.refs.map(str::to_owned);
        if self.template.contains("{cluster}") {
            spec.env_name = Some("{env}/{cluster}".to_owned());
        }
        let own = self.template.contains("{service}");
        if own && spec.regex.is_some() {
            if self.shape.services().len() < 2 {
                return None;
            }
            spec.regex = spec
                .regex
                .map(|regex| regex.replace("(?<service>", "(?<name>"));
            spec.lowercase = vec!["name".into()];
            spec.row = Some("{service}/{name}".into());
        }
        let row = spec
            .row
            .as_deref()
            .is_some_and(|row| !row.contains("{service}"));
        let named = own || row || spec.preset.is_some() || spec.regex.is_some();
        named.then_some(spec)
    }

    /// `values.yaml` behind `values-<env>.yaml`, and the chart's own version behind that.
    fn with_fallbacks(&self, mut spec: LayoutSpec) -> LayoutSpec {
        let Some((folder, file)) = self.template.rsplit_once('/') else {
            return spec;
        };
        if !file.starts_with("values") || !folder.contains("{service}") || folder.contains("{env}")
        {
            return spec;
        }
        let services = self.shape.services();
        let known: BTreeSet<&str> = self.evidence.paths.iter().copied().collect();
        let present = |name: &str| {
            let there = services.keys().filter(|service| {
                let path = format!("{}/{name}", folder.replace("{service}", service));
                known.contains(path.as_str())
            });
            there.count() * 2 > services.len()
        };
        let place = |name: &str, yaml: &str| FallbackSpec {
            path: format!("{folder}/{name}"),
            yaml: Some(yaml.to_owned()),
            ..FallbackSpec::default()
        };
        if present("values.yaml") {
            if spec.preset.as_deref() == Some("helm-values") {
                spec.preset = None;
                spec.yaml = Some("image.tag".into());
            }
            if let (Some(yaml), None) = (spec.yaml.clone(), &spec.part) {
                spec.fallbacks.push(place("values.yaml", &yaml));
                if present("Chart.yaml") && yaml == "image.tag" {
                    spec.fallbacks.push(place("Chart.yaml", "appVersion"));
                }
            }
        }
        spec
    }

    /// How many of its files are read to compare a layout with others: fewer where what is inherited is read too.
    pub(super) fn compared(&self, spec: &LayoutSpec) -> usize {
        let inherits = !spec.fallbacks.is_empty();
        let most = if inherits { COMPARED / 3 } else { COMPARED };
        self.files.len().min(most)
    }

    /// The cells that layouts find together in some of the files; `None` where they do not compile.
    pub(super) fn cells(&self, specs: &[LayoutSpec], limit: usize) -> Option<BTreeSet<CellKey>> {
        let environments: Vec<String> = self.environments.iter().cloned().collect();
        let inherits = specs.iter().any(|spec| !spec.fallbacks.is_empty());
        let stride = self.files.len().div_ceil(limit).max(1);
        let own: HashSet<&str> = self.files.iter().copied().collect();
        let folder = |path: &'_ str| path.rsplit_once('/').map_or("", |(folder, _)| folder).len();
        let sampled: Vec<&str> = self.files.iter().step_by(stride).copied().collect();
        let folders: HashSet<&str> = sampled.iter().map(|path| &path[..folder(path)]).collect();
        let others: &[&str] = if inherits { self.evidence.paths } else { &[] };
        let others = others
            .iter()
            .filter(|path| folders.contains(&path[..folder(path)]) && !own.contains(*path));
        let files = sampled.iter().chain(others);
        let desired = assemble(specs, &environments, files.copied(), self.evidence)?;
        let cells = desired.cells.into_iter();
        let declared = cells.filter(|(_, cell)| cell.version.is_some());
        Some(declared.map(|(key, _)| key).collect())
    }
}

/// The matrix that layouts find in these files; `None` where they do not compile. Where environments are refs, that of the
/// ref which was looked at, under the name of the first environment.
pub(super) fn assemble<'p>(
    specs: &[LayoutSpec],
    environments: &[String],
    files: impl Iterator<Item = &'p str>,
    evidence: &Evidence<'_>,
) -> Option<Desired> {
    let names: Vec<EnvironmentName> = environments.iter().map(|it| it.as_str().into()).collect();
    let set = Arc::new(LayoutSet::compile(specs, &names).ok()?.tried());
    let mut assembler = Assembler::new(Arc::clone(&set), &names);
    let refs = specs.iter().any(|spec| spec.refs.is_some());
    let captures = environments.first().filter(|_| refs).map(|name| {
        let version = ("version".to_owned(), "0.0.0".to_owned());
        Captures::from([("env".to_owned(), name.clone()), version])
    });
    let origin = Origin {
        refs: refs.then_some(0),
        captures: captures.unwrap_or_default(),
        ..Origin::default()
    };
    for path in files.filter(|path| set.wants(path)) {
        if let Some(bytes) = (evidence.read)(path) {
            let path = RepoPath::from(path);
            let facts = set.extract(&path, &bytes);
            assembler.update_at(&origin, path, Some(Arc::new(facts)));
        }
    }
    set.decide_at_a_glance(&assembler);
    assembler.decide();
    Some(assembler.desired(ObjectId::new([0; 20])))
}

/// Whether the cells are worth a layout: a tenth of the files declare one, and some service stands in two environments.
pub(super) fn enough(count: usize, files: &[&str], cells: &BTreeSet<CellKey>) -> bool {
    let single = cells
        .iter()
        .map(|key| &key.environment)
        .collect::<BTreeSet<_>>()
        .len()
        < 2;
    let promoted = cells
        .iter()
        .zip(cells.iter().skip(1))
        .any(|(a, b)| a.service == b.service);
    count * 10 >= files.len() && (promoted || single)
}
