//! One version for all environments: a chart whose dependencies say it, and one file of values for each environment
//! somewhere else. Nothing is promoted there, for whoever moves the line moves it everywhere; what runs where is seen.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Evidence, Guess, LAYOUTS,
    agents::Agents,
    evidence::{is_floating, looks_like_one},
    names::is_common,
    settle::{self, shares},
    shapes,
    trial::assemble,
    words,
};
use crate::domain::{desired::Desired, layout::LayoutSpec, manifest};

/// Charts that are looked at, and files of values.
const CHARTS: usize = 50;
const FILES: usize = 400;
/// Keys that a file of values has in common with its chart, at least.
const KEYS: usize = 2;
/// Names that a person's own machine has: nothing is delivered there.
const OWN: [&str; 4] = ["local", "localhost", "minikube", "kind"];

/// A chart with dependencies of fixed versions.
struct Chart<'p> {
    path: &'p str,
    /// What values for it begin with: its dependencies, and what its own values begin with.
    keys: BTreeSet<String>,
}

/// How files are called that differ in one name: what stands before and behind it.
type Frame<'p> = (&'p str, &'p str);

/// What a name's file has in common with a chart, in keys.
type Shared<'p> = BTreeMap<&'p str, usize>;

/// The chart that files of environments are values for; `None` where there is none.
pub(super) fn find(evidence: &Evidence<'_>, agents: &Agents) -> Option<Guess> {
    let frames = frames(evidence.paths);
    if frames.is_empty() {
        return None;
    }
    let charts = charts(evidence);
    let mut best: Option<(usize, &Chart<'_>, &Frame<'_>, Shared<'_>)> = None;
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (frame, names) in &frames {
        for chart in &charts {
            let shared = names.iter().map(|name| {
                let path = file_of(frame, name);
                if keys.len() < FILES && !keys.contains_key(&path) {
                    keys.insert(path.clone(), keys_of(evidence, &path));
                }
                let own = keys.get(&path);
                let count = own.map_or(0, |own| own.intersection(&chart.keys).count());
                (*name, count)
            });
            let mut shared: Shared<'_> = shared.collect();
            // What says a little of it is of something else: secrets of tests, another chart's values.
            let most = shared.values().copied().max().unwrap_or_default();
            shared.retain(|_, count| *count >= KEYS && *count * 3 >= most);
            let all: usize = shared.values().sum();
            if are_environments(shared.keys().copied())
                && best.as_ref().is_none_or(|(most, ..)| all > *most)
            {
                best = Some((all, chart, frame, shared));
            }
        }
    }
    let (_, chart, frame, shared) = best?;
    described(evidence, agents, chart, frame, &shared)
}

/// One layout for each environment over the same line.
fn described(
    evidence: &Evidence<'_>,
    agents: &Agents,
    chart: &Chart<'_>,
    frame: &Frame<'_>,
    shared: &Shared<'_>,
) -> Option<Guess> {
    let names: BTreeSet<String> = shared.keys().map(|name| (*name).to_owned()).collect();
    let mut environments = words::in_order(&names);
    environments.truncate(LAYOUTS);
    let layouts = environments.iter().map(|name| LayoutSpec {
        path: Some(chart.path.to_owned()),
        yaml: Some("dependencies[name={service}].version".to_owned()),
        env: Some(name.clone()),
        only_if: Some(file_of(frame, name)),
        ..LayoutSpec::default()
    });
    let layouts: Vec<LayoutSpec> = layouts.collect();
    // Each by itself: while layouts are tried, a line is the first one's that reads it.
    let read = |layout: &LayoutSpec| {
        let paths = evidence.paths.iter().copied();
        let own = std::slice::from_ref(layout);
        assemble(own, &environments, paths, evidence)
    };
    let read: Option<Vec<Desired>> = layouts.iter().map(read).collect();
    let read = read?;
    let explained: Vec<usize> = read.iter().map(|own| shares(own, 1)[0]).collect();
    let desired = read.first().filter(|_| !explained.contains(&0))?;
    let (before, behind) = frame;
    Some(Guess {
        explained,
        places: settle::places(&environments, desired, agents),
        explanation: format!(
            "versions are taken from `{}`, one for every environment that has values in `{before}…{behind}`: an edit moves all of them",
            chart.path
        ),
        environments,
        layouts,
        ..Guess::default()
    })
}

/// Files that are called alike but for one name, of which at least two are environments'.
fn frames<'p>(paths: &[&'p str]) -> BTreeMap<Frame<'p>, Vec<&'p str>> {
    let mut found: BTreeMap<Frame<'p>, Vec<&'p str>> = BTreeMap::new();
    for path in paths.iter().filter(|path| shapes::plausible(path)) {
        let Some(dot) = path.rfind('.') else { continue };
        if !matches!(&path[dot..], ".yaml" | ".yml") {
            continue;
        }
        let file = path.rfind('/').map_or(0, |at| at + 1);
        // The whole name, and what is behind a mark in it: `values-prod`.
        let marks = path[file..dot].match_indices(['-', '.', '_']);
        let starts = marks.map(|(at, _)| file + at + 1);
        for start in std::iter::once(file).chain(starts) {
            let name = &path[start..dot];
            let lower = name.to_ascii_lowercase();
            if !name.is_empty() && !is_common(&lower) && !OWN.contains(&&*lower) {
                let frame = (&path[..start], &path[dot..]);
                found.entry(frame).or_default().push(name);
            }
        }
    }
    found.retain(|_, names| are_environments(names.iter().copied()));
    found
}

/// Whether at least two are usual words for different environments.
fn are_environments<'n>(names: impl Iterator<Item = &'n str>) -> bool {
    let usual = names.filter(|name| words::is_bare(&name.to_ascii_lowercase()));
    let ranks = usual.filter_map(|name| Some(words::known_loosely(name)?.rank));
    ranks.collect::<BTreeSet<usize>>().len() >= 2
}

fn file_of((before, behind): &Frame<'_>, name: &str) -> String {
    format!("{before}{name}{behind}")
}

fn charts<'p>(evidence: &Evidence<'p>) -> Vec<Chart<'p>> {
    let all = evidence.paths.iter().copied();
    let all = all.filter(|path| shapes::plausible(path) && path.ends_with("Chart.yaml"));
    all.take(CHARTS)
        .filter_map(|path| {
            let mut keys = dependencies(&(evidence.read)(path)?)?;
            let folder = path.strip_suffix("Chart.yaml")?;
            keys.extend(keys_of(evidence, &format!("{folder}values.yaml")));
            Some(Chart { path, keys })
        })
        .collect()
}

/// What values of a chart's dependencies stand under; `None` where fixed versions are not what it says, or two are called
/// alike.
fn dependencies(bytes: &[u8]) -> Option<BTreeSet<String>> {
    let yaml = manifest::parse(bytes).ok()?;
    let root = yaml.documents.first()?.root();
    let mut names = BTreeSet::new();
    let (mut keys, mut all, mut fixed) = (BTreeSet::new(), 0, 0);
    for item in root.get("dependencies")?.value.items() {
        let text = |key: &str| item.get(key).and_then(|it| it.value.text());
        let (name, version) = (text("name")?, text("version").unwrap_or_default());
        all += 1;
        fixed += usize::from(looks_like_one(version) && !is_floating(version));
        if !names.insert(name.to_owned()) {
            return None;
        }
        keys.insert(text("alias").unwrap_or(name).to_owned());
    }
    (fixed > 0 && fixed * 2 >= all).then_some(keys)
}

/// The keys that a file begins with.
fn keys_of(evidence: &Evidence<'_>, path: &str) -> BTreeSet<String> {
    let read = || {
        let bytes = (evidence.read)(path)?;
        let yaml = manifest::parse(&bytes).ok()?;
        let root = yaml.documents.first()?.root();
        let keys = root.own_entries();
        Some(
            keys.filter_map(|(key, _)| Some(key.text()?.to_owned()))
                .collect(),
        )
    };
    read().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::super::recognise;
    use super::*;

    const CHART: &str = "name: platform\nversion: 0.0.1\ndependencies:\n  - {name: hub, version: 4.3.1}\n  - {name: metrics, version: 29.21.0}\n";
    const VALUES: &str = "hub: {replicas: 1}\nmetrics: {}\nproxy: {}\n";

    fn guess(files: &[(&str, &str)]) -> Option<Guess> {
        let paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        let read = |path: &str| {
            let text = files.iter().find(|(own, _)| *own == path)?.1;
            Some(Rc::from(text.as_bytes()))
        };
        recognise(&Evidence::new(&paths, &read))
    }

    #[test]
    fn one_chart_for_every_environment() {
        let own = "hub: {host: x}\nproxy: {a: b}\nprojectName: p\n";
        for frame in ["config/ENV.yaml", "deploy/values-ENV.yaml"] {
            let path = |name: &str| frame.replace("ENV", name);
            let (prod, staging) = (path("prod"), path("staging"));
            let (member, local, secrets) = (path("rhine"), path("localhost"), path("test-keys"));
            let guess = guess(&[
                ("platform/Chart.yaml", CHART),
                ("platform/values.yaml", VALUES),
                (&prod, own),
                (&staging, own),
                (&member, own),
                (&local, own),
                // Of another chart.
                (&secrets, "issuer: {}\n"),
                ("docs/README.md", ""),
            ])
            .unwrap();
            let mut names = guess.environments.clone();
            names.sort();
            assert_eq!(names, ["prod", "rhine", "staging"], "{frame}");
            assert_eq!(guess.explained, [2, 2, 2]);
            // Nothing comes to one before it comes to another.
            assert!(guess.edges.is_empty());
            let layout = &guess.layouts[0];
            assert_eq!(layout.path.as_deref(), Some("platform/Chart.yaml"));
            let at = guess.environments.iter().position(|name| name == "prod");
            let layout = &guess.layouts[at.unwrap()];
            assert_eq!(layout.only_if.as_deref(), Some(prod.as_str()));
            assert!(
                guess
                    .explanation
                    .ends_with("….yaml`: an edit moves all of them")
            );
        }
    }

    #[test]
    fn what_is_not_for_the_chart_says_nothing_of_it() {
        let chart = ("platform/Chart.yaml", CHART);
        let values = ("platform/values.yaml", VALUES);
        let cases: [&[(&str, &str)]; 3] = [
            // Files of something else.
            &[
                ("config/prod.yaml", "a: 1\nhub: 2\n"),
                ("config/staging.yaml", "a: 1\n"),
            ],
            // One environment alone, and no name that is one.
            &[("config/prod.yaml", VALUES), ("config/rhine.yaml", VALUES)],
            &[("config/elbe.yaml", VALUES), ("config/rhine.yaml", VALUES)],
        ];
        for case in cases {
            let files: Vec<(&str, &str)> =
                [chart, values].into_iter().chain(case.to_vec()).collect();
            assert_eq!(guess(&files), None, "{case:?}");
        }
        // Versions that are ranges or nothing are none.
        let floating = CHART.replace("4.3.1", "'*'").replace("29.21.0", "latest");
        let files = [
            ("platform/Chart.yaml", floating.as_str()),
            values,
            ("config/prod.yaml", VALUES),
            ("config/staging.yaml", VALUES),
        ];
        assert_eq!(guess(&files), None);
    }
}
