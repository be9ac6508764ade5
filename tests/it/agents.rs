//! What Flux and Argo CD say of their objects: by objects as their controllers write them.
// The helpers are tests too, only the linter cannot see it.
#![allow(clippy::unwrap_used)]

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tidegate::domain::{
    agent::{AgentKind, AgentObject, Chain, Truths, hop, read},
    version::Version,
};

use crate::support::scenarios;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    name: String,
    agent: Value,
    source: Option<Value>,
    blocker: Option<Value>,
    cell: Option<Cell>,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    desired: Version,
    synced: Option<Version>,
    serving: Option<Version>,
    #[serde(default = "yes")]
    visible: bool,
    #[serde(default)]
    settled: bool,
    ails: Option<String>,
    refused: Option<String>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    phase: String,
    revision: Option<String>,
    reason: Option<String>,
    path: Option<String>,
    files: Option<Vec<String>>,
    depends_on: Option<Vec<String>>,
    inventory: Option<Vec<String>>,
    hop: Option<ExpectedHop>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedHop {
    at: String,
    reason: String,
}

fn object(value: &Value) -> AgentObject {
    let kind = value["kind"].as_str().and_then(AgentKind::parse).unwrap();
    read(kind, value).unwrap()
}

#[test]
fn agents_are_told_as_their_controllers_mean_it() {
    scenarios::each("agents", holds);
}

fn holds(file: &str, scenario: &Scenario) {
    let case = format!("{file}: {}", scenario.name);
    let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
    let expect = &scenario.expect;
    let agent = object(&scenario.agent);
    assert_eq!(agent.phase.word(), expect.phase, "{case}");
    let state = agent.state();
    if let Some(revision) = &expect.revision {
        assert_eq!(state.revision.as_ref(), Some(revision), "{case}");
    }
    if let Some(reason) = &expect.reason {
        assert!(state.reason.unwrap().contains(reason), "{case}");
    }
    if let Some(path) = &expect.path {
        assert_eq!(agent.sources[0].path.as_ref(), Some(path), "{case}");
    }
    if let Some(files) = &expect.files {
        assert_eq!(&agent.sources[0].files, files, "{case}");
    }
    if let Some(all) = &expect.depends_on {
        let found = agent.depends_on.iter();
        let found: Vec<String> = found
            .map(|(_, namespace, name)| format!("{namespace}/{name}"))
            .collect();
        assert_eq!(&found, all, "{case}");
    }
    if let Some(all) = &expect.inventory {
        let found = agent.inventory.iter();
        let found: Vec<String> = found
            .map(|part| format!("{} {}/{}", part.kind, part.namespace, part.name))
            .collect();
        assert_eq!(&found, all, "{case}");
    }
    let Some(cell) = &scenario.cell else { return };
    let source = scenario.source.as_ref().map(object);
    let blocker = scenario.blocker.as_ref().map(object);
    let chain = Chain {
        agent: &agent,
        source: source.as_ref(),
        blocker: blocker.as_ref(),
        maker: None,
    };
    let truths = Truths {
        desired: &cell.desired,
        synced: cell.synced.as_ref(),
        serving: cell.serving.as_ref(),
        refused: cell.refused.as_deref(),
        visible: cell.visible,
        settled: cell.settled,
        ails: cell.ails.as_deref(),
    };
    let found = hop(chain, truths).map(|hop| (hop.at.to_string(), hop.words(now)));
    let expected = expect.hop.as_ref();
    let expected = expected.map(|hop| (hop.at.clone(), hop.reason.clone()));
    assert_eq!(found, expected, "{case}");
}
