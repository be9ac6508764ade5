//! Tests of plans over files from which an edit moves more cells than it was asked to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::domain::{
    desired::{Desired, Tip},
    gate::testing::nothing,
    layout::{self, LayoutSet, Origin, testing::Small},
    topology::Topology,
};

/// A file for each environment, a mapping of services in it.
const FILES: &str = r#"{ path = "{env:$envs}.yaml", yaml = "{service}.image.tag" }"#;
/// One file, a mapping of environments in it.
const KEYS: &str = r#"{ path = "versions.yaml", yaml = "{env:$envs}.{service}" }"#;
/// A default file that dev has as its own.
const DEFAULTS: &str = r#"{ path = "{service}/values.yaml", env_name = "dev", yaml = "tag" },
    { path = "{service}/values-{env}.yaml", yaml = "tag", else = [{ path = "{service}/values.yaml", yaml = "tag" }] }"#;
/// One line for every column that has no file of its own; staging has it as its own.
const ONE_LINE: &str = r#"{ path = "all/{service}", env_name = "staging", regex = 'v=(?P<v>\S+)' },
    { path = "own/{service}/{env:dev|prod}", regex = 'v=(?P<v>\S+)', service = "all/{service}", else = [{ path = "all/{service}", regex = 'v=(?P<v>\S+)' }] }"#;
/// One file that is two environments' own, and an image string that is two rows'.
const SHARED: &str = r#"{ path = "shared/{service}.yaml", yaml = "tag", env_name = "staging" },
    { path = "shared/{service}.yaml", yaml = "tag", env_name = "prod" },
    { path = "shared/{service}.yaml", yaml = "image", part = "tag", env_name = "dev" },
    { path = "shared/{service}.yaml", yaml = "image", part = '/-(?P<v>\d+)$/', env_name = "dev", row = "{service}-chart" }"#;
/// A row for each list, the item shared by an anchor.
const LISTS: &str = r#"{ path = "{env:$envs}.yaml", yaml = "{service}.images[*].tag" }"#;
/// The text that is edited is part of another row's name.
const NAMED_BY_VERSION: &str = r#"{ path = "{env}.yaml", yaml = "tag", row = "web" },
    { path = "{env}.yaml", yaml = "chart", name = "tag", row = "chart-{name}" }"#;
/// Items of one name, which are one cell.
const TWICE: &str = r#"{ path = "{env:$envs}.yaml", yaml = "images[*]{n={service}}.t" }"#;
const MANIFEST: &str = r#"{ preset = "manifest", path = "{env:$envs}/{service}.yaml" }"#;
const POD: &str = "kind: Pod\nspec: {containers: [{name: web, image: r/web:1}]}\n";
const KUSTOMIZE: &str = r#"{ preset = "kustomize", path = "{env:$envs}.yaml" }"#;

const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];

/// What is asked for: `web/prod < staging` promotes, `web/prod = 2` sets, `web/prod ~ 1` reverts, `web/prod ~` restores what
/// is inherited.
fn request(text: &str) -> ChangeRequest {
    let (cell, rest) = text.split_once(' ').unwrap();
    let (service, environment) = cell.split_once('/').unwrap();
    let (sign, value) = rest.split_at(1);
    let value = value.trim();
    let intent = match sign {
        "<" => Intent::Promote { from: value.into() },
        "=" => Intent::Set {
            version: value.into(),
        },
        _ => Intent::Revert {
            to: (!value.is_empty()).then(|| value.into()),
            at: None,
        },
    };
    ChangeRequest {
        cell: CellKey::new(service, environment),
        intent,
        came: Came::Named,
    }
}

fn planned(
    small: &Small,
    requests: &[ChangeRequest],
    accepted: &[Accept],
    leave_out: bool,
) -> Plan {
    let request = PlanRequest {
        changes: requests.to_vec(),
        accepted: accepted.to_vec(),
        leave_out,
        ..PlanRequest::default()
    };
    let (desired, topology) = (small.desired(), Topology::default());
    plan_of(small, &desired, &topology, &request, &|_| small.assembler())
}

/// The plan of a request on a repository of one ref, which may be read in several ways.
fn plan_of(
    small: &Small,
    desired: &Desired,
    topology: &Topology,
    request: &PlanRequest,
    matrix: MatrixOf<'_>,
) -> Plan {
    let file = |_: &Origin, path: &RepoPath| small.files.get(path).cloned();
    build(&PlanInput {
        request,
        desired,
        topology,
        ask: &nothing,
        absent: &|_| None,
        beside: &|key, after| layout::left_beside(&small.layouts, desired, key, &file, after),
        moved_beside: &|origin, edits| {
            layout::moved_beside(&small.layouts, desired, origin, edits, &file)
        },
        files: &file,
        edit: &|key, version, _, read| {
            layout::edit_cell(&small.layouts, desired, key, version, read)
        },
        matrix,
        merge: &|_, _| None,
        tag: &|_, _, _| None,
        now: Timestamp::UNIX_EPOCH,
    })
}

/// The repository with the plan's bytes.
fn carried_out(small: &Small, plan: &Plan) -> Desired {
    let mut files = small.files.clone();
    for edit in plan.edits() {
        files.insert(edit.path.clone(), edit.after.clone());
    }
    Small {
        layouts: small.layouts.clone(),
        environments: small.environments.clone(),
        files,
    }
    .desired()
}

/// Says what a plan hides, or says and does not do.
fn lie(small: &Small, plan: &Plan) -> Option<String> {
    let (before, after) = (small.desired(), carried_out(small, plan));
    let listed: BTreeMap<&CellKey, &PlannedChange> =
        plan.changes.iter().map(|it| (&it.cell, it)).collect();
    if listed.len() != plan.changes.len() {
        return Some("a cell is listed twice".to_owned());
    }
    let keys: BTreeSet<&CellKey> = before.cells.keys().chain(after.cells.keys()).collect();
    for key in keys {
        let (from, to) = (before.version(key), after.version(key));
        match listed.get(key) {
            None if from != to => return Some(format!("{key} moves {from:?} → {to:?} unnamed")),
            Some(change) if change.from.as_ref() != from => {
                return Some(format!("{key} is said to come from {:?}", change.from));
            }
            Some(change) if change.to.as_ref() != to => {
                // A restored cell is said to be inherited, and what it inherits.
                let inherited = change.is_restored() && after.cells[key].inherited;
                if !inherited || change.inherits.as_ref() != to {
                    return Some(format!("{key} is {to:?}, said {:?}", change.to));
                }
            }
            _ => {}
        }
    }
    let written: BTreeSet<&CellKey> = plan.writes().flat_map(|it| &it.cells).collect();
    let unwritten = plan.changes.iter().find(|it| !written.contains(&it.cell));
    unwritten.map(|change| format!("{} is in no write", change.cell))
}

/// A plan in lines: `web/prod 1 2`, what comes along with a `+` and `held` or `accepted`, `- web/prod conflict` of what is
/// skipped.
fn lines(plan: &Plan) -> Vec<String> {
    let changes = plan.changes.iter().map(|change| {
        let from = change.from.as_ref().map_or("-", Version::as_str);
        let step = format!("{} {from} {}", written(&change.cell), change.after());
        match (&change.along, change.is_unaccepted()) {
            (None, _) => step,
            (Some(_), true) => format!("+ {step} held"),
            (Some(_), false) => format!("+ {step} accepted"),
        }
    });
    let skipped = plan.skipped.iter();
    let skipped = skipped.map(|skip| format!("- {} {}", written(&skip.cell), skip.cause.as_str()));
    changes.chain(skipped).collect()
}

struct Case {
    name: &'static str,
    layouts: &'static str,
    files: &'static [(&'static str, &'static str)],
    asked: &'static [&'static str],
    expected: &'static [&'static str],
}

const ALSO: &str = r#"{ path = "{service}/{env}.yaml", yaml = "tag", also = [{ path = "{service}/Chart.yaml", yaml = "version" }] }"#;

const STAGING: (&str, &str) = (
    "staging.yaml",
    "web: {image: {tag: 2}}\nworker: {image: {tag: 9}}\ncron: {image: {tag: 2}}\n",
);

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case {
        name: "a scalar anchor moves its aliases",
        layouts: FILES,
        files: &[STAGING, ("prod.yaml", "web: {image: {tag: &app 1}}\nworker: {image: {tag: *app}}\n")],
        asked: &["web/prod < staging"],
        expected: &["web/prod 1 2", "+ worker/prod 1 2 held"],
    },
    Case {
        name: "a mapping anchor moves its aliases",
        layouts: FILES,
        files: &[STAGING, ("prod.yaml", "web:\n  image: &img\n    tag: 1\nworker:\n  image: *img\n")],
        asked: &["web/prod = 2"],
        expected: &["web/prod 1 2", "+ worker/prod 1 2 held"],
    },
    Case {
        name: "a merge key moves what it is merged into",
        layouts: FILES,
        files: &[("prod.yaml", "web: &d {image: {tag: 1}}\nworker: {<<: *d}\n")],
        asked: &["web/prod = 2"],
        expected: &["web/prod 1 2", "+ worker/prod 1 2 held"],
    },
    Case {
        name: "of nested merge keys the one that counts",
        layouts: FILES,
        files: &[("prod.yaml", "a: &a {image: {tag: 1}}\nb: &b {image: {tag: 5}}\nweb: {<<: [*a, *b]}\nworker: {<<: [*b, *a]}\n")],
        asked: &["a/prod = 2"],
        expected: &["a/prod 1 2", "+ web/prod 1 2 held"],
    },
    Case {
        name: "a merge of a merge",
        layouts: FILES,
        files: &[("prod.yaml", "a: &a {image: {tag: 1}}\nb: &b {<<: *a}\nweb: {<<: [*b]}\n")],
        asked: &["a/prod = 2"],
        expected: &["a/prod 1 2", "+ b/prod 1 2 held", "+ web/prod 1 2 held"],
    },
    Case {
        name: "what has a key of its own over a merge key stays",
        layouts: FILES,
        files: &[("prod.yaml", "web: &d {image: {tag: 1}}\nworker: {<<: *d, image: {tag: 1}}\n")],
        asked: &["web/prod = 2"],
        expected: &["web/prod 1 2"],
    },
    Case {
        name: "an anchor of another document is not shared",
        layouts: r#"{ path = "{env:$envs}.yaml", yaml = "{service}.tag" }"#,
        files: &[("prod.yaml", "web: {tag: &app 1}\n---\nworker: {tag: &app 1}\nmail: {tag: *app}\n")],
        asked: &["web/prod = 2"],
        expected: &["web/prod 1 2"],
    },
    Case {
        name: "an alias that is no cell follows silently",
        layouts: FILES,
        files: &[("prod.yaml", "web: {image: {tag: &app 1}}\nlabels: {version: *app}\n")],
        asked: &["web/prod = 2"],
        expected: &["web/prod 1 2"],
    },
    Case {
        name: "environments as keys of one file",
        layouts: KEYS,
        files: &[("versions.yaml", "dev: {web: 3}\nstaging: {web: &web 1}\nprod: {web: *web}\n")],
        asked: &["web/staging < dev"],
        expected: &["web/staging 1 3", "+ web/prod 1 3 held"],
    },
    Case {
        name: "one version line for several environments",
        layouts: ONE_LINE,
        files: &[("all/web", "v=1\n")],
        asked: &["web/staging = 2"],
        expected: &["web/staging 1 2", "+ web/dev 1 2 held", "+ web/prod 1 2 held"],
    },
    Case {
        name: "a default file that is an environment's own moves those that inherit from it",
        layouts: DEFAULTS,
        files: &[("web/values.yaml", "tag: 1\n"), ("web/values-staging.yaml", "tag: 1\n"), ("web/values-prod.yaml", "x: y\n")],
        asked: &["web/dev = 2"],
        expected: &["web/dev 1 2", "+ web/prod 1 2 held"],
    },
    Case {
        name: "a place beside the version that two environments share",
        layouts: ALSO,
        files: &[("web/staging.yaml", "tag: 1\n"), ("web/prod.yaml", "tag: 1\n"), ("web/Chart.yaml", "version: 1\n")],
        asked: &["web/prod = 2"],
        expected: &["web/prod 1 2", "+ web/staging 1 1 held"],
    },
    Case {
        name: "a place beside the version, of environments that are named both",
        layouts: ALSO,
        files: &[("web/staging.yaml", "tag: 1\n"), ("web/prod.yaml", "tag: 1\n"), ("web/Chart.yaml", "version: 1\n")],
        asked: &["web/staging = 2", "web/prod = 2"],
        expected: &["web/staging 1 2", "web/prod 1 2"],
    },
    Case {
        name: "a place beside the version that says what comes already",
        layouts: ALSO,
        files: &[("web/staging.yaml", "tag: 2\n"), ("web/prod.yaml", "tag: 1\n"), ("web/Chart.yaml", "version: 2\n")],
        asked: &["web/prod < staging"],
        expected: &["web/prod 1 2"],
    },
    Case {
        name: "a place of the same file that its cells share",
        layouts: r#"{ path = "versions.yaml", yaml = "{env}.{service}", also = [{ yaml = "release" }] }"#,
        files: &[("versions.yaml", "staging: {web: 1}\nprod: {web: 1}\nrelease: 1\n")],
        asked: &["web/prod = 2"],
        expected: &["web/prod 1 2", "+ web/staging 1 1 held"],
    },
    Case {
        name: "a place beside each version of its own",
        layouts: r#"{ path = "{env}.yaml", yaml = "{service}.tag", also = [{ yaml = "{service}.label" }] }"#,
        files: &[("prod.yaml", "web: {tag: 1, label: 1}\nworker: {tag: 1, label: 1}\n")],
        asked: &["web/prod = 2"],
        expected: &["web/prod 1 2"],
    },
    Case {
        name: "one that inherits gets its own value, and the default stays",
        layouts: DEFAULTS,
        files: &[("web/values.yaml", "tag: 1\n"), ("web/values-staging.yaml", "x: y\n"), ("web/values-prod.yaml", "x: y\n")],
        asked: &["web/prod = 2"],
        expected: &["web/prod 1 2"],
    },
    Case {
        name: "default and inheritor named apart",
        layouts: DEFAULTS,
        files: &[("web/values.yaml", "tag: 1\n"), ("web/values-prod.yaml", "x: y\n")],
        asked: &["web/dev = 2", "web/prod = 3"],
        expected: &["web/dev 1 2", "web/prod 1 3"],
    },
    Case {
        name: "two layouts over the same place",
        layouts: r#"{ path = "{env}.txt", regex = '(?P<service>\w+)=(?P<v>\S+)' }, { path = "{env}.txt", regex = '(?P<service>\w+)=(?P<v>\S+)', row = "{service}-again" }"#,
        files: &[("prod.txt", "web=1\n")],
        asked: &["web/prod = 2"],
        expected: &["web/prod 1 2", "+ web-again/prod 1 2 held"],
    },
    Case {
        name: "one file of two environments",
        layouts: SHARED,
        files: &[("shared/web.yaml", "tag: 1\n")],
        asked: &["web/prod = 2"],
        expected: &["web/prod 1 2", "+ web/staging 1 2 held"],
    },
    Case {
        name: "the tag of an image string and a part of it",
        layouts: SHARED,
        files: &[("shared/web.yaml", "image: r/web:1-7\n")],
        asked: &["web-chart/dev = 8"],
        expected: &["web-chart/dev 7 8", "+ web/dev 1-7 1-8 held"],
    },
    Case {
        name: "a part that is gone with the rest",
        layouts: SHARED,
        files: &[("shared/web.yaml", "image: r/web:1-7\n")],
        asked: &["web/dev = 2"],
        expected: &["web/dev 1-7 2", "+ web-chart/dev 7 nothing held"],
    },
    Case {
        name: "of a wide template behind a narrow one there is no second cell",
        layouts: r#"{ path = "{env}.yaml", yaml = "api.tag", row = "shop" }, { path = "{env}.yaml", yaml = "{service}.tag" }"#,
        files: &[("prod.yaml", "api: {tag: 1}\nweb: {tag: 1}\n")],
        asked: &["shop/prod = 2"],
        expected: &["shop/prod 1 2"],
    },
    Case {
        name: "a list item that is shared",
        layouts: LISTS,
        files: &[("prod.yaml", "web:\n  images:\n  - &one {name: x, tag: 1}\nworker:\n  images:\n  - *one\n")],
        asked: &["web/prod = 2"],
        expected: &["web/prod 1 2", "+ worker/prod 1 2 held"],
    },
    Case {
        name: "a row that is named by its version goes and another comes",
        layouts: NAMED_BY_VERSION,
        files: &[("prod.yaml", "tag: 1\nchart: 7\n")],
        asked: &["web/prod = 2"],
        expected: &["web/prod 1 2", "+ chart-1/prod 7 nothing held", "+ chart-2/prod - 7 held"],
    },
    Case {
        name: "reverts move too",
        layouts: FILES,
        files: &[("prod.yaml", "web: {image: {tag: &app 2}}\nworker: {image: {tag: *app}}\n")],
        asked: &["web/prod ~ 1"],
        expected: &["web/prod 2 1", "+ worker/prod 2 1 held"],
    },
    Case {
        name: "an override that is taken out moves what was an alias of it",
        layouts: DEFAULTS,
        files: &[("web/values.yaml", "tag: 1\n"), ("web/values-prod.yaml", "tag: 2\n")],
        asked: &["web/prod ~"],
        expected: &["web/prod 2 inherited"],
    },
    Case {
        name: "what comes along and is named too is not along",
        layouts: FILES,
        files: &[STAGING, ("prod.yaml", "web: {image: {tag: &app 1}}\ncron: {image: {tag: *app}}\n")],
        asked: &["web/prod < staging", "cron/prod < staging"],
        expected: &["web/prod 1 2", "cron/prod 1 2"],
    },
    Case {
        name: "in any order",
        layouts: FILES,
        files: &[STAGING, ("prod.yaml", "web: {image: {tag: &app 1}}\ncron: {image: {tag: *app}}\n")],
        asked: &["cron/prod < staging", "web/prod < staging"],
        expected: &["cron/prod 1 2", "web/prod 1 2"],
    },
    Case {
        name: "what comes along and cannot be written by itself is named all the same",
        layouts: FILES,
        files: &[STAGING, ("prod.yaml", "web: {image: &img {tag: 1}}\ncron: {image: *img}\n")],
        asked: &["cron/prod < staging", "web/prod < staging"],
        expected: &["cron/prod 1 2", "web/prod 1 2"],
    },
    Case {
        name: "an alias that is named with another version gets its own",
        layouts: FILES,
        files: &[STAGING, ("prod.yaml", "web: {image: {tag: &app 1}}\nworker: {image: {tag: *app}}\n")],
        asked: &["web/prod < staging", "worker/prod < staging"],
        expected: &["web/prod 1 2", "worker/prod 1 9"],
    },
    Case {
        name: "what is named with another version than the anchor gives is refused",
        layouts: FILES,
        files: &[STAGING, ("prod.yaml", "web: {image: &img {tag: 1}}\nworker: {image: *img}\n")],
        asked: &["web/prod < staging", "worker/prod < staging"],
        expected: &["web/prod 1 2", "+ worker/prod 1 2 held", "- worker/prod conflict"],
    },
    Case {
        name: "what was to stay as it is does not stay unnoticed",
        layouts: FILES,
        files: &[STAGING, ("prod.yaml", "web: {image: {tag: &app 1}}\nworker: {image: {tag: *app}}\n")],
        asked: &["web/prod = 2", "worker/prod = 1"],
        expected: &["web/prod 1 2", "+ worker/prod 1 2 held", "- worker/prod conflict"],
    },
    Case {
        name: "of two versions for one line the last is written and the first refused",
        layouts: r#"{ path = "{env}.yaml", yaml = "tag", row = "web", also = [{ yaml = "chart" }] }, { path = "{env}.yaml", yaml = "chart", row = "chart", also = [{ yaml = "tag" }] }"#,
        files: &[("prod.yaml", "tag: 1\nchart: 1\n")],
        asked: &["web/prod = 2", "chart/prod = 3"],
        expected: &["chart/prod 1 3", "+ web/prod 1 3 held", "- web/prod conflict"],
    },
    Case {
        name: "an alias alone gets its own value",
        layouts: FILES,
        files: &[("prod.yaml", "web: {image: {tag: &app 1}}\nworker: {image: {tag: *app}}\n")],
        asked: &["worker/prod = 2"],
        expected: &["worker/prod 1 2"],
    },
    Case {
        name: "what stands in a shared mapping cannot be written alone",
        layouts: FILES,
        files: &[("prod.yaml", "web: {image: &img {tag: 1}}\nworker: {image: *img}\n")],
        asked: &["worker/prod = 2"],
        expected: &["- worker/prod not-parseable"],
    },
    Case {
        name: "a companion that is a row of its own",
        layouts: r#"{ path = "{env}.yaml", yaml = "tag", row = "web", also = [{ yaml = "chart" }] }, { path = "{env}.yaml", yaml = "chart", row = "chart" }"#,
        files: &[("prod.yaml", "tag: 1\nchart: 1\n")],
        asked: &["web/prod = 2"],
        expected: &["web/prod 1 2", "+ chart/prod 1 2 held"],
    },
    Case {
        name: "a tag and a digest that are there already are not written again",
        layouts: KUSTOMIZE,
        files: &[("prod.yaml", "images: [{name: r/web, newTag: v1, digest: 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}]\n")],
        asked: &["web/prod = v1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
        expected: &["- web/prod already-there"],
    },
    Case {
        name: "of two values the one that is wanted is written over the other",
        layouts: TWICE,
        files: &[("prod.yaml", "images: [{n: web, t: 1}, {n: web, t: 2}]\n")],
        asked: &["web/prod = 1"],
        expected: &["web/prod 1 1"],
    },
    Case {
        name: "whichever it is",
        layouts: TWICE,
        files: &[("prod.yaml", "images: [{n: web, t: 1}, {n: web, t: 2}, {n: web, t: 1}]\n")],
        asked: &["web/prod = 2"],
        expected: &["web/prod 1 2"],
    },
    Case {
        name: "a third is written over neither",
        layouts: TWICE,
        files: &[("prod.yaml", "images: [{n: web, t: 1}, {n: web, t: 2}]\n")],
        asked: &["web/prod = 3"],
        expected: &["- web/prod conflict"],
    },
    Case {
        name: "of three values none is written over two others",
        layouts: TWICE,
        files: &[("prod.yaml", "images: [{n: web, t: 1}, {n: web, t: 2}, {n: web, t: 3}]\n")],
        asked: &["web/prod = 1"],
        expected: &["- web/prod conflict"],
    },
    Case {
        name: "of a cell with two values none is promoted",
        layouts: TWICE,
        files: &[("staging.yaml", "images: [{n: web, t: 1}, {n: web, t: 2}]\n"), ("prod.yaml", "images: [{n: web, t: 0}]\n")],
        asked: &["web/prod < staging"],
        expected: &["- web/prod conflict"],
    },
    Case {
        name: "nor where the first of them is there already",
        layouts: TWICE,
        files: &[("staging.yaml", "images: [{n: web, t: 1}, {n: web, t: 2}]\n"), ("prod.yaml", "images: [{n: web, t: 1}]\n")],
        asked: &["web/prod < staging"],
        expected: &["- web/prod conflict"],
    },
    Case {
        name: "what is promoted is written over the other of two values",
        layouts: TWICE,
        files: &[("staging.yaml", "images: [{n: web, t: 1}]\n"), ("prod.yaml", "images: [{n: web, t: 1}, {n: web, t: 2}]\n")],
        asked: &["web/prod < staging"],
        expected: &["web/prod 1 1"],
    },
    Case {
        name: "of a container and its init container that differ neither is promoted",
        layouts: MANIFEST,
        files: &[("staging/web.yaml", "kind: Pod\nspec:\n  initContainers: [{name: a, image: r/web:1}]\n  containers: [{name: web, image: r/web:2}]\n"), ("prod/web.yaml", POD)],
        asked: &["web/prod < staging"],
        expected: &["- web/prod conflict"],
    },
    Case {
        name: "nor of two objects of one file",
        layouts: MANIFEST,
        files: &[("staging/web.yaml", "kind: Pod\nspec: {containers: [{name: web, image: r/web:2}]}\n---\nkind: Job\nspec: {containers: [{name: job, image: r/web:1}]}\n"), ("prod/web.yaml", POD)],
        asked: &["web/prod < staging"],
        expected: &["- web/prod conflict"],
    },
    Case {
        name: "nor of a second object that has no tag at all",
        layouts: MANIFEST,
        files: &[("staging/web.yaml", "kind: Pod\nspec: {containers: [{name: web, image: r/web:2}]}\n---\nkind: Job\nspec: {containers: [{name: job, image: r/web}]}\n"), ("prod/web.yaml", POD)],
        asked: &["web/prod < staging"],
        expected: &["- web/prod conflict"],
    },
    Case {
        name: "two containers that say the same are promoted",
        layouts: MANIFEST,
        files: &[("staging/web.yaml", "kind: Pod\nspec: {containers: [{name: web, image: r/web:2}]}\n---\nkind: Job\nspec: {containers: [{name: job, image: r/web:2}]}\n"), ("prod/web.yaml", POD)],
        asked: &["web/prod < staging"],
        expected: &["web/prod 1 2"],
    },
    Case {
        name: "what is promoted is written over another container's",
        layouts: MANIFEST,
        files: &[("staging/web.yaml", "kind: Pod\nspec: {containers: [{name: web, image: r/web:1}]}\n"), ("prod/web.yaml", "kind: Pod\nspec: {initContainers: [{name: a, image: r/web:0}], containers: [{name: web, image: r/web:1}]}\n")],
        asked: &["web/prod < staging"],
        expected: &["web/prod 1 1"],
    },
    Case {
        name: "two values in two files",
        layouts: r#"{ path = "{env}/{x}.yaml", yaml = "tag", row = "web" }"#,
        files: &[("prod/a.yaml", "tag: 1\n"), ("prod/b.yaml", "tag: 2\n")],
        asked: &["web/prod = 1"],
        expected: &["web/prod 1 1"],
    },
];

#[test]
fn what_moves_with_an_edit_is_in_the_plan() {
    let mut wrong = Vec::new();
    for case in CASES {
        let small = Small::new(case.layouts, &ENVIRONMENTS, case.files);
        let requests: Vec<_> = case.asked.iter().map(|text| request(text)).collect();
        let plan = planned(&small, &requests, &[], false);
        if lines(&plan) != case.expected {
            wrong.push(format!("{}: {:#?}", case.name, lines(&plan)));
            continue;
        }
        assert_eq!(lie(&small, &plan), None, "{}", case.name);
        // Accepted, it is the same plan, and nothing holds it.
        let plan = planned(&small, &requests, &[Accept::All], false);
        let accepted: Vec<String> = case
            .expected
            .iter()
            .map(|line| line.replace("held", "accepted"))
            .collect();
        assert_eq!(lines(&plan), accepted, "{}", case.name);
        assert!(plan.held().next().is_none(), "{}", case.name);
        // Left out, nothing moves that was not asked for.
        let plan = planned(&small, &requests, &[], true);
        assert!(
            plan.changes.iter().all(|it| it.along.is_none()),
            "{}",
            case.name
        );
        assert_eq!(lie(&small, &plan), None, "{}", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn of_two_values_the_other_place_is_written() {
    let prod = "images: [{n: web, t: 1}, {n: web, t: 2}, {n: web, t: 1}, {n: api, t: 2}]\n";
    for (wanted, expected) in [
        ("1", prod.replacen("web, t: 2", "web, t: 1", 1)),
        ("2", prod.replace("t: 1", "t: 2")),
    ] {
        let small = Small::new(TWICE, &ENVIRONMENTS, &[("prod.yaml", prod)]);
        let plan = planned(
            &small,
            &[request(&format!("web/prod = {wanted}"))],
            &[],
            false,
        );
        let edits: Vec<&FileEdit> = plan.edits().collect();
        assert_eq!(edits.len(), 1, "{wanted}");
        assert_eq!(
            String::from_utf8_lossy(&edits[0].after),
            expected,
            "{wanted}"
        );
    }
    let staging = "images: [{n: web, t: 1}, {n: web, t: 2}]\n";
    let files = [
        ("staging.yaml", staging),
        ("prod.yaml", "images: [{n: web, t: 0}]\n"),
    ];
    let small = Small::new(TWICE, &ENVIRONMENTS, &files);
    let plan = planned(&small, &[request("web/prod < staging")], &[], false);
    let detail = &plan.skipped[0].detail;
    assert!(
        detail.starts_with("staging.yaml:1: web / staging is 2 here and 1 at line 1"),
        "{detail}"
    );
}

#[test]
fn what_stands_beside_and_stays_is_named() {
    let layouts =
        r#"{ path = "{env}.yaml", yaml = "tag", row = "web", also = [{ yaml = "chart" }] }"#;
    let told = |staging: &str, prod: &str, asked: &str| {
        let files = [("staging.yaml", staging), ("prod.yaml", prod)];
        let small = Small::new(layouts, &ENVIRONMENTS, &files);
        let plan = planned(&small, &[request(asked)], &[], false);
        assert_eq!(plan.changes.len(), 1, "{asked}: {:?}", plan.skipped);
        let verdicts = plan.changes[0].verdicts.iter();
        let also = verdicts.filter(|verdict| verdict.gate == "also");
        let also: Vec<String> = also.map(|verdict| verdict.detail.clone()).collect();
        also.join("\n")
    };
    let (differs, other) = ("tag: 1\nchart: 0.1.0\n", "tag: 2\nchart: 0.2.0\n");
    let said = told(other, differs, "web/prod = 3");
    assert!(
        said.starts_with(
            "prod.yaml:2: 0.1.0 stays as it is (`also[0]`): nothing says what goes with 3"
        ),
        "{said}"
    );
    let silent = [
        (
            "copied from where both stand",
            other,
            differs,
            "web/prod < staging",
        ),
        (
            "the same there",
            "tag: 2\nchart: 0.1.0\n",
            differs,
            "web/prod < staging",
        ),
        ("a copy moves", other, "tag: 1\nchart: 1\n", "web/prod = 3"),
        (
            "it has it already",
            other,
            "tag: 1\nchart: 3\n",
            "web/prod = 3",
        ),
    ];
    for (name, staging, prod, asked) in silent {
        assert_eq!(told(staging, prod, asked), "", "{name}");
    }
}

#[test]
fn a_comment_that_says_what_the_version_was_is_named() {
    let layouts =
        r#"{ path = "{env}.yaml", yaml = "tag", row = "web", carry = "trailing-comment" }"#;
    let told = |staging: &str, prod: &str, asked: &str| {
        let files = [("staging.yaml", staging), ("prod.yaml", prod)];
        let small = Small::new(layouts, &ENVIRONMENTS, &files);
        let plan = planned(&small, &[request(asked)], &[], false);
        let verdicts = plan.changes[0].verdicts.iter();
        let carry = verdicts.filter(|verdict| verdict.gate == "carry");
        assert!(plan.held().next().is_none(), "{asked}");
        let edits = plan
            .edits()
            .map(|edit| String::from_utf8_lossy(&edit.after).into_owned());
        (
            carry.map(|it| it.detail.clone()).collect::<String>(),
            edits.collect::<String>(),
        )
    };
    let (says, after) = told("tag: b # v2\n", "tag: a # v1\n", "web/prod = c");
    assert!(
        says.starts_with("prod.yaml:1: the comment `# v1` stays as it is (`carry`): nothing says what it is with c"),
        "{says}"
    );
    assert_eq!(after, "tag: c # v1\n");
    let silent = [
        (
            "promoted with it",
            "tag: b # v2\n",
            "tag: a # v1\n",
            "web/prod < staging",
            "tag: b # v2\n",
        ),
        (
            "the same there",
            "tag: b # ours\n",
            "tag: a # ours\n",
            "web/prod < staging",
            "tag: b # ours\n",
        ),
        (
            "it repeats the version",
            "tag: b\n",
            "tag: a # a\n",
            "web/prod = c",
            "tag: c # c\n",
        ),
        (
            "it has it already",
            "tag: b\n",
            "tag: a # c\n",
            "web/prod = c",
            "tag: c # c\n",
        ),
        (
            "there is none",
            "tag: b # v2\n",
            "tag: a\n",
            "web/prod = c",
            "tag: c\n",
        ),
    ];
    for (name, staging, prod, asked, expected) in silent {
        assert_eq!(
            told(staging, prod, asked),
            (String::new(), expected.to_owned()),
            "{name}"
        );
    }
    // Without `carry` a comment is nobody's business.
    let small = Small::new(
        r#"{ path = "{env}.yaml", yaml = "tag", row = "web" }"#,
        &ENVIRONMENTS,
        &[("prod.yaml", "tag: a # v1\n")],
    );
    let plan = planned(&small, &[request("web/prod = c")], &[], false);
    assert!(plan.changes[0].verdicts.iter().all(|it| it.gate != "carry"));
}

#[test]
fn the_sentences_name_the_cells() {
    let prod = "web: {image: &img {tag: 1}}\nworker: {image: *img}\n";
    let small = Small::new(FILES, &ENVIRONMENTS, &[STAGING, ("prod.yaml", prod)]);
    let requests = ["web/prod < staging", "worker/prod < staging"].map(request);
    let plan = planned(&small, &requests, &[], false);
    let along = &plan.changes[1];
    assert_eq!(
        along.verdicts.last().unwrap().detail,
        "nobody named it: it moves with the edit of web / prod"
    );
    assert!(
        plan.skipped[0]
            .detail
            .starts_with("9 was asked for, but the edit of web / prod makes it 2: "),
        "{}",
        plan.skipped[0].detail
    );
    // It is called a promotion only where the upstream has that version.
    assert_eq!(along.verb(), "set");
    assert_eq!(plan.changes[0].verb(), "promote");
}

#[test]
fn what_is_left_out_takes_with_it_only_what_it_moves() {
    let prod =
        "web: {image: {tag: &app 1}}\nworker: {image: {tag: *app}}\ncron: {image: {tag: 1}}\n";
    let small = Small::new(FILES, &ENVIRONMENTS, &[STAGING, ("prod.yaml", prod)]);
    let requests = ["web/prod < staging", "cron/prod < staging"].map(request);
    let plan = planned(&small, &requests, &[], true);
    assert_eq!(lines(&plan), ["cron/prod 1 2", "- web/prod held"]);
    assert_eq!(
        plan.skipped[0].detail,
        "it would bring worker / prod along, which is held: along: nobody named it: it moves with the edit of web / prod"
    );
}

#[test]
fn cells_are_accepted_by_name_by_pattern_and_all() {
    let cell = CellKey::new("team/web", "prod-eu");
    let cases = [
        ("all", Some(true)),
        ("team/web/prod-eu", Some(true)),
        ("*/prod-*", Some(true)),
        ("*/prod", Some(false)),
        ("web/prod-eu", Some(false)),
        ("*", None),
        ("web", None),
        ("", None),
    ];
    for (text, expected) in cases {
        let accept = Accept::parse(text);
        assert_eq!(accept.map(|it| it.covers(&cell)), expected, "{text}");
    }
    assert!(Accept::Cell(cell.clone()).covers(&cell));
    assert!(!Accept::Cell(cell).covers(&CellKey::new("*", "*")));
}

/// An override is for cells that were named, or accepted.
#[test]
fn an_override_lifts_nothing_of_what_only_came_along() {
    let prod = "web: {image: {tag: &app 1}}\nworker: {image: {tag: *app}}\n";
    let small = Small::new(FILES, &ENVIRONMENTS, &[("prod.yaml", prod)]);
    let desired = small.desired();
    let topology = tests::topology();
    let overrides = [
        Override {
            gate: "upstream".to_owned(),
            reason: "outage".to_owned(),
        },
        Override {
            gate: ALONG.to_owned(),
            reason: "outage".to_owned(),
        },
    ];
    let held = |accepted: &[Accept]| {
        let request = PlanRequest {
            changes: vec![request("web/prod = 2")],
            overrides: overrides.to_vec(),
            accepted: accepted.to_vec(),
            ..PlanRequest::default()
        };
        let plan = plan_of(&small, &desired, &topology, &request, &|_| {
            small.assembler()
        });
        let gates = plan.changes.iter().map(|change| {
            let held = change.verdicts.iter().filter(|verdict| verdict.holds());
            held.map(|verdict| verdict.gate.clone()).collect::<Vec<_>>()
        });
        gates.collect::<Vec<_>>()
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(
        held(&[]),
        [none.clone(), vec!["upstream".into(), "along".into()]]
    );
    let worker = Accept::Like("worker/*".to_owned());
    assert_eq!(held(&[worker]), [none.clone(), none]);
}

/// A ref that is read as the one of all environments, and as one of its own.
#[test]
fn a_ref_that_is_read_in_two_ways_moves_the_cells_of_both() {
    let layouts = r#"{ path = "shop.txt", env_name = "staging", regex = '(?P<service>\w+)=(?P<v>\S+)' },
        { refs = "refs/heads/{env}", path = "shop.txt", regex = '(?P<service>\w+)=(?P<v>\S+)' }"#;
    let small = Small::new(layouts, &["staging", "main"], &[("shop.txt", "web=1\n")]);
    let own = Origin {
        refs: Some(0),
        captures: [("env".to_owned(), "main".to_owned())].into(),
        ..Origin::default()
    };
    let of = |origin: &Origin| Small {
        layouts: Arc::new(small.layouts.view(origin)),
        environments: small.environments.clone(),
        files: small.files.clone(),
    };
    let tip = |origin: &Origin| {
        let name = RefName {
            repository: None,
            reference: "refs/heads/main".to_owned(),
        };
        Tip::new(name, origin.clone(), ObjectId::new([0; 20]))
    };
    let origins = [Origin::default(), own];
    let parts = origins.iter().map(|it| (tip(it), of(it).desired()));
    let desired = Desired::join(parts.collect(), &small.environments);
    let request = PlanRequest {
        changes: vec![request("web/staging = 2")],
        ..PlanRequest::default()
    };
    let matrix = |origin: &Origin| of(origin).assembler();
    let plan = plan_of(&small, &desired, &Topology::default(), &request, &matrix);
    assert_eq!(lines(&plan), ["web/staging 1 2", "+ web/main 1 2 held"]);
}

/// How a service's version stands in its environment's file; `of` is the service before it that it may refer to.
fn entry(
    kind: u8,
    service: char,
    of: char,
    version: u8,
    has: &mut BTreeSet<(char, char)>,
) -> String {
    let refers = |anchor: char, has: &BTreeSet<(char, char)>| has.contains(&(anchor, of));
    match kind {
        1 => {
            has.insert(('t', service));
            format!("{service}: {{image: {{tag: &t{service} {version}}}}}\n")
        }
        2 if refers('t', has) => format!("{service}: {{image: {{tag: *t{of}}}}}\n"),
        3 => {
            has.insert(('i', service));
            format!("{service}: {{image: &i{service} {{tag: {version}}}}}\n")
        }
        4 if refers('i', has) => format!("{service}: {{image: *i{of}}}\n"),
        5 => {
            has.insert(('m', service));
            format!("{service}: &m{service}\n  image:\n    tag: {version}\n")
        }
        6 if refers('m', has) => {
            has.insert(('m', service));
            format!("{service}: &m{service}\n  <<: *m{of}\n")
        }
        7 if refers('m', has) => {
            let other = has
                .iter()
                .find(|(anchor, _)| *anchor == 'm')
                .map_or(of, |it| it.1);
            format!("{service}: {{<<: [*m{of}, *m{other}]}}\n")
        }
        8 if refers('m', has) => format!("{service}: {{<<: *m{of}, image: {{tag: {version}}}}}\n"),
        9 => format!("{service}: {{image: {{}}}}\n"),
        _ => format!("{service}: {{image: {{tag: {version}}}}}\n"),
    }
}

/// Compiled once: that costs more than a plan.
static ALL_LAYOUTS: LazyLock<Arc<LayoutSet>> = LazyLock::new(|| {
    let layouts = [FILES, KEYS, DEFAULTS, ONE_LINE, SHARED].join(", ");
    Small::new(&layouts, &ENVIRONMENTS, &[]).layouts
});
const SERVICES: [char; 4] = ['a', 'b', 'c', 'd'];

fn repository(
    entries: &[(u8, u8, u8)],
    keys: &[(u8, u8)],
    values: &[Option<u8>],
    line: u8,
) -> Small {
    let mut files: Vec<(String, String)> = Vec::new();
    for (environment, entries) in ENVIRONMENTS.iter().zip(entries.chunks(SERVICES.len())) {
        let mut has = BTreeSet::new();
        let text = SERVICES
            .iter()
            .zip(entries)
            .map(|(service, (kind, of, version))| {
                let of = SERVICES[usize::from(*of) % SERVICES.len()];
                entry(*kind, *service, of, *version, &mut has)
            });
        files.push((format!("{environment}.yaml"), text.collect()));
    }
    let mut anchored = false;
    let rows = ENVIRONMENTS
        .iter()
        .zip(keys)
        .map(|(environment, (kind, version))| match kind {
            1 => {
                anchored = true;
                format!("{environment}: {{e: &e {version}}}\n")
            }
            2 if anchored => format!("{environment}: {{e: *e}}\n"),
            _ => format!("{environment}: {{e: {version}}}\n"),
        });
    files.push(("versions.yaml".to_owned(), rows.collect()));
    let names = ["values.yaml", "values-staging.yaml", "values-prod.yaml"];
    for (name, value) in names.iter().zip(values) {
        let text = value.map_or("x: y\n".to_owned(), |value| format!("tag: {value}\n"));
        files.push((format!("f/{name}"), text));
    }
    files.push(("all/g".to_owned(), format!("v={line}\n")));
    let shared = format!("tag: {line}\nimage: r/h:{line}-{}\n", 5 - line);
    files.push(("shared/h.yaml".to_owned(), shared));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let mut small = Small::new("", &ENVIRONMENTS, &files);
    small.layouts = Arc::clone(&ALL_LAYOUTS);
    small
}

fn asked(service: u8, environment: u8, kind: u8, version: u8) -> ChangeRequest {
    let services = ["a", "b", "c", "d", "e", "f", "g", "h", "h-chart"];
    let environment = usize::from(environment) % 3;
    let intent = match kind {
        0 if environment > 0 => Intent::Promote {
            from: ENVIRONMENTS[environment - 1].into(),
        },
        1 => Intent::Revert { to: None, at: None },
        2 => Intent::Revert {
            to: Some(version.to_string().as_str().into()),
            at: None,
        },
        _ => Intent::Set {
            version: version.to_string().as_str().into(),
        },
    };
    let service = services[usize::from(service) % services.len()];
    ChangeRequest {
        cell: CellKey::new(service, ENVIRONMENTS[environment]),
        intent,
        came: Came::Named,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// No write path moves a cell which its plan does not list, and what it lists is what comes.
    #[test]
    fn no_cell_moves_unnamed(
        entries in prop::collection::vec((0..10_u8, 0..4_u8, 1..5_u8), 12),
        keys in prop::collection::vec((0..3_u8, 1..5_u8), 3),
        values in prop::collection::vec(prop::option::of(1..5_u8), 3),
        line in 1..5_u8,
        requests in prop::collection::vec((0..9_u8, 0..3_u8, 0..4_u8, 1..7_u8), 1..6),
    ) {
        let small = repository(&entries, &keys, &values, line);
        let mut seen = BTreeSet::new();
        let requests: Vec<ChangeRequest> = requests
            .into_iter()
            .map(|(service, environment, kind, version)| asked(service, environment, kind, version))
            .filter(|request| seen.insert(request.cell.clone()))
            .collect();
        for leave_out in [false, true] {
            let plan = planned(&small, &requests, &[], leave_out);
            prop_assert_eq!(lie(&small, &plan), None);
            let named = |change: &PlannedChange| requests.iter().any(|it| it.cell == change.cell);
            for change in &plan.changes {
                prop_assert!(change.along.is_some() || named(change));
                prop_assert_eq!(change.along.is_some(), change.is_unaccepted());
            }
            // What was asked for is in the plan by its name, or skipped.
            for request in &requests {
                let changed = plan.changes.iter().any(|it| it.cell == request.cell && it.along.is_none());
                let skipped = plan.skipped.iter().any(|skip| skip.cell == request.cell);
                prop_assert!(changed != skipped, "{}", request.cell);
            }
        }
        let without = planned(&small, &requests, &[], true);
        prop_assert!(without.changes.iter().all(|change| change.along.is_none()));
    }
}
