//! Argo CD by its own API: what it says of its Applications, and what it is told, without the cluster that it is in.
#![allow(clippy::unwrap_used)] // a fixture fails by panicking

use std::{
    io::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate::{
    domain::{
        agent::{AgentKind, ArgoServer, Order, Phase},
        credential::Credential,
        rollout::{AgentsAt, ClusterTarget},
    },
    sources::cluster::{Control, Options},
};

use super::fixture::{Console, Home, deploy, server, target};
use crate::support::web::{Asked, Web, reply};

const ONE: &str = "1111111111111111111111111111111111111111";
/// A token that is shown nowhere.
const TOKEN: &str = "sesame-argocd";

/// An Argo CD with one Application, which manages `shop/checkout` of its own cluster.
struct Argo {
    web: Web,
    state: Arc<Mutex<State>>,
}

struct State {
    /// `None`: it is gone.
    application: Option<Value>,
    /// What is still to be sent to whoever follows the stream; it is ended behind that.
    news: Vec<Value>,
    /// Orders change nothing.
    stuck: bool,
}

fn application(status: &str, version: u32) -> Value {
    json!({
        "metadata": {"name": "checkout", "namespace": "argocd", "resourceVersion": version.to_string()},
        "spec": {
            "project": "shop",
            "source": {"repoURL": "https://git.example.com/org/fleet", "path": "apps"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": {"syncOptions": ["ServerSideApply=true"]},
        },
        "status": {
            "sync": {"status": status, "revision": ONE},
            "health": {"status": "Healthy"},
            "resources": [{"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "checkout"}],
            "history": [{"id": 1, "revision": "aaaaaaa"}, {"id": 2, "revision": ONE}],
            "operationState": {"phase": "Succeeded", "startedAt": "2026-11-21T10:00:00Z"},
        },
    })
}

impl Argo {
    fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            application: Some(application("Synced", 1)),
            news: Vec::new(),
            stuck: false,
        }));
        let own = Arc::clone(&state);
        let web = Web::serve(move |asked, stream| {
            let state = || own.lock().unwrap_or_else(PoisonError::into_inner);
            if asked.target == "/argo/api/version" {
                return reply(stream, 200, &[], br#"{"Version":"v3.2.0"}"#);
            }
            if asked.headers.get("authorization") != Some(&format!("Bearer {TOKEN}")) {
                return reply(
                    stream,
                    401,
                    &[],
                    br#"{"code":16,"message":"no session information"}"#,
                );
            }
            let path = asked.target.split('?').next().unwrap_or_default();
            if path == "/argo/api/v1/stream/applications" {
                // Nothing is sent before something happens, no header either.
                let until = Instant::now() + Duration::from_secs(30);
                let news = loop {
                    let news = std::mem::take(&mut state().news);
                    if !news.is_empty() || Instant::now() > until {
                        break news;
                    }
                    std::thread::sleep(Duration::from_millis(20));
                };
                write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
                for line in news {
                    writeln!(stream, "{line}")?;
                }
                return Ok(());
            }
            let (code, body) = answer(asked, path, &mut state());
            reply(stream, code, &[], body.to_string().as_bytes())
        });
        Self { web, state }
    }

    fn with(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn url(&self) -> String {
        self.web.url("/argo")
    }

    fn options(&self, options: Options, token: &str) -> Options {
        let printed = ["printf", token].map(str::to_owned);
        Options {
            argocd: vec![ArgoServer {
                url: self.url(),
                token: Some(Credential::Command(printed.to_vec())),
            }],
            ..options
        }
    }

    /// `shop/checkout` of `prod`, whose agents are looked for here.
    fn target(&self) -> ClusterTarget {
        target("prod", &[("shop", "checkout")]).with_agents(vec![AgentsAt {
            context: self.url(),
            namespace: None,
            kinds: &ArgoServer::KINDS,
        }])
    }
}

fn answer(asked: &Asked, path: &str, state: &mut State) -> (u16, Value) {
    const ONE: &str = "/argo/api/v1/applications/checkout";
    let now = "2026-11-21T12:00:00Z";
    match (asked.method.as_str(), path) {
        ("GET", "/argo/api/v1/applications") => {
            let items: Vec<_> = state.application.iter().collect();
            (
                200,
                json!({"metadata": {"resourceVersion": "7"}, "items": items}),
            )
        }
        ("GET", "/argo/api/v1/projects" | "/argo/api/v1/applicationsets") => {
            (200, json!({"metadata": {}, "items": null}))
        }
        ("GET", ONE) => match &state.application {
            Some(object) => (200, object.clone()),
            None => (
                404,
                json!({"code": 5, "message": "applications.argoproj.io \"checkout\" not found"}),
            ),
        },
        ("POST", path) if path == format!("{ONE}/sync") || path == format!("{ONE}/rollback") => {
            if state.stuck {
                return (
                    403,
                    json!({"code": 7, "message": "permission denied: applications, sync"}),
                );
            }
            if let Some(object) = &mut state.application {
                object["status"]["sync"]["status"] = json!("Synced");
                object["status"]["operationState"]["startedAt"] = json!(now);
            }
            (200, json!({}))
        }
        _ => (404, json!({"code": 5, "message": "Not Found"})),
    }
}

fn phase(console: &Console) -> Option<Phase> {
    let agent = console.cell("prod", "checkout").agent;
    agent.map(|agent| agent.phase)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_argo_cd_says_is_seen_as_it_happens() {
    let (home, server, argo) = (Home::new(), server("prod").await, Argo::start());
    deploy(&server, "shop", "checkout", "1.0", 1);
    let options = argo.options(home.options(&[&server]), TOKEN);
    let mut console = Console::start(vec![argo.target()], options);
    console
        .until("what the list says", |c| phase(c) == Some(Phase::Current))
        .await;
    let agent = console.cell("prod", "checkout").agent.unwrap();
    assert_eq!(
        (agent.cluster, agent.object.as_str()),
        (argo.url(), "argocd/checkout")
    );

    let changed = application("OutOfSync", 2);
    argo.with(|state| {
        state.application = Some(changed.clone());
        state.news = vec![json!({"result": {"type": "MODIFIED", "application": changed}})];
    });
    console
        .until("what the stream says", |c| {
            phase(c) == Some(Phase::NotAutomated)
        })
        .await;

    // The stream ended behind that; what happens before the next has begun is told by the list.
    argo.with(|state| state.application = None);
    console
        .until("that it is gone", |c| phase(c).is_none())
        .await;

    let asked = argo.web.asked();
    let asked = asked
        .iter()
        .map(|it| it.target.split('?').next().unwrap_or_default());
    let mut asked: Vec<_> = asked.collect();
    asked.sort_unstable();
    asked.dedup();
    let expected = [
        "/argo/api/v1/applications",
        "/argo/api/v1/applicationsets",
        "/argo/api/v1/projects",
        "/argo/api/v1/stream/applications",
        "/argo/api/version",
    ];
    assert_eq!(asked, expected, "and nothing else");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_does_not_open_it_is_said_and_leaves_what_runs() {
    let (home, server, argo) = (Home::new(), server("prod").await, Argo::start());
    deploy(&server, "shop", "checkout", "1.0", 1);
    let options = argo.options(home.options(&[&server]), "wrong");
    let mut console = Console::start(vec![argo.target()], options);
    let url = argo.url();
    console
        .until("the refusal", |c| {
            let said = c.silence(&url);
            said.is_some_and(|it| it.contains("401") && it.contains("no session information"))
        })
        .await;
    let cell = console.cell("prod", "checkout");
    assert!(!cell.stale && cell.agent.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_given_by_its_own_api_and_followed() {
    let argo = Argo::start();
    let options = argo.options(Options::default(), TOKEN);
    let of = (
        AgentKind::Application,
        "argocd".to_owned(),
        "checkout".to_owned(),
    );
    let control = Control::connect(&argo.url(), of, &options).await.unwrap();
    let patience = Duration::from_secs(20);
    for order in [Order::Sync, Order::Rollback(Some(1))] {
        argo.with(|state| state.application = Some(application("OutOfSync", 3)));
        let told = control.tell(order, Timestamp::now()).await.unwrap();
        let done = control.until_done(&told, patience).await.unwrap();
        assert_eq!(done.map(|it| it.phase), Some(Phase::Current), "{order}");
    }
    let asked = argo.web.asked();
    let body = |path: &str| -> Value {
        let told = asked.iter().find(|it| it.target.ends_with(path)).unwrap();
        serde_json::from_slice(&told.body).unwrap()
    };
    assert_eq!(
        body("/sync")["syncOptions"]["items"],
        json!(["ServerSideApply=true"])
    );
    assert_eq!(body("/rollback")["id"], json!(1));

    argo.with(|state| state.stuck = true);
    let refused = control
        .tell(Order::Sync, Timestamp::now())
        .await
        .unwrap_err();
    assert!(
        refused.contains("permission denied: applications, sync"),
        "{refused}"
    );
    assert!(!refused.contains(TOKEN), "{refused}");
}
