//! Cells of a configuration to what is looked for in which cluster.

use std::{collections::BTreeMap, time::Duration};

use super::super::{EVERYWHERE, ObjectKind, Selector, Which, targets};
use crate::domain::{
    agent::AgentKind,
    desired::{Desired, DesiredCell},
    ids::{CellKey, ObjectId},
    subject::Subject,
    template::Template,
    topology::{Environment, Topology, WorkloadTemplate},
};

fn environment(name: &str, namespace: &str, workload: WorkloadTemplate) -> Environment {
    Environment {
        name: name.into(),
        from: Vec::new(),
        require: crate::domain::topology::Require::Any,
        cluster: Some(format!("{name}-context")),
        agent: None,
        namespace: Template::parse(namespace).unwrap(),
        workload,
        protected: false,
        url: None,
        deliver: crate::domain::topology::Deliver::Push,
        timeout: Duration::from_mins(10),
    }
}

fn by_name(template: &str) -> WorkloadTemplate {
    WorkloadTemplate::Name(Template::parse(template).unwrap())
}

/// Service, environment, version, captures.
type Row<'a> = (&'a str, &'a str, Option<&'a str>, &'a [(&'a str, &'a str)]);

fn desired(cells: &[Row<'_>]) -> Desired {
    let cell = |version: Option<&str>, captures: &[(&str, &str)]| DesiredCell {
        version: version.map(Into::into),
        captures: captures
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
        ..DesiredCell::default()
    };
    let cells: BTreeMap<_, _> = cells
        .iter()
        .map(|(service, env, version, captures)| {
            (CellKey::new(*service, *env), cell(*version, captures))
        })
        .collect();
    Desired {
        tips: Vec::new(),
        commit: ObjectId::new([0; 20]),
        services: Vec::new(),
        environments: Vec::new(),
        cells,
        problems: Vec::new(),
        vetoes: crate::domain::policy::veto::Vetoes::default(),
    }
}

#[test]
fn cells_with_a_version_in_environments_with_a_cluster() {
    let selector = WorkloadTemplate::Selector(Template::parse("app={service}").unwrap());
    let mut unwatched = environment("local", "x", by_name("x"));
    unwatched.cluster = None;
    let topology = Topology {
        environments: vec![
            environment("dev", "shop-{team}", by_name("{service}")),
            environment("prod", "shop", selector),
            unwatched,
        ],
        ..Topology::default()
    };
    let web: &[_] = &[
        ("service", "web"),
        ("team", "a"),
        ("image", "reg/shop/web-server"),
    ];
    let desired = desired(&[
        ("web", "dev", Some("1.0"), web),
        ("web", "prod", Some("1.0"), web),
        ("web", "local", Some("1.0"), web),
        ("idle", "dev", None, web),
        ("other", "unknown", Some("1.0"), web),
    ]);
    let (targets, problems) = targets(&topology, &desired, &BTreeMap::new(), &[]);
    assert_eq!(problems, []);
    let [dev, prod] = &targets[..] else {
        panic!("two targets: {targets:?}");
    };
    assert_eq!(
        (dev.context.as_str(), dev.cells().len()),
        ("dev-context", 1)
    );
    let cell = &dev.cells()[0];
    let places = cell.places.iter();
    let places: Vec<_> = places
        .map(|it| (&*it.context, it.kinds, &*it.namespace))
        .collect();
    assert_eq!(
        places,
        [("dev-context", &ObjectKind::WORKLOADS[..], "shop-a")]
    );
    assert_eq!(cell.places[0].object, Which::Name("web".into()));
    let wanted = &dev.wanted()["dev-context"];
    let kinds = wanted.keys().copied();
    assert_eq!(
        kinds
            .filter(|kind| !kind.is_agent() && !kind.is_companion())
            .collect::<Vec<_>>(),
        ObjectKind::ALL,
        "and what workloads are judged by"
    );
    let agents: Vec<_> = wanted.iter().filter(|(kind, _)| kind.is_agent()).collect();
    assert_eq!(agents.len(), AgentKind::WATCHED.len());
    assert!(agents.iter().all(|(_, names)| names.contains(EVERYWHERE)));
    assert_eq!(cell.image_names, ["web", "web-server"]);
    assert_eq!(cell.desired, Some("1.0".into()));
    assert_eq!(
        prod.cells()[0].places[0].object,
        Which::Labels(Selector::parse("app=web").unwrap().into())
    );
}

#[test]
fn what_cannot_be_looked_for_is_said_and_costs_nothing_else() {
    let cases = [
        (
            "{team}",
            "{service}",
            "namespace `{team}` of web / dev: `{team}` is not captured by the layout; it has `{service}`",
        ),
        (
            "../secrets",
            "{service}",
            "the namespace of web / dev would be `../secrets`, which is no Kubernetes name; set `namespace` of dev",
        ),
        (
            "shop",
            "Web Server",
            "the workload of web / dev would be `Web Server`, which is no Kubernetes name; set `workload` of dev",
        ),
    ];
    for (namespace, workload, message) in cases {
        let topology = Topology {
            environments: vec![environment("dev", namespace, by_name(workload))],
            ..Topology::default()
        };
        let desired = desired(&[("web", "dev", Some("1.0"), &[("service", "web")])]);
        let (targets, problems) = targets(&topology, &desired, &BTreeMap::new(), &[]);
        assert!(targets[0].cells().is_empty(), "{namespace} {workload}");
        assert_eq!(problems[0].message, message);
        assert_eq!(problems[0].context.as_deref(), Some("dev-context"));

        let mut unseen = desired.clone();
        let cell = unseen.cells.values_mut().next().unwrap();
        cell.subject = Subject::Setting;
        let (targets, problems) = super::super::targets(&topology, &unseen, &BTreeMap::new(), &[]);
        assert!(
            targets[0].cells().is_empty() && problems.is_empty(),
            "needs no workload"
        );
    }
}
