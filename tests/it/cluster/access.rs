//! Who may see what, and with which credentials.

use serde_json::json;
use tidegate::{
    demo::server::{ApiServer, Forbid, Scope, ServerOptions},
    domain::rollout::{Connection, Health},
};

use super::fixture::{Console, Home, deploy, impatient, server, target};

fn live(console: &Console) -> bool {
    console.connection("dev") == Connection::Live
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_not_be_seen_is_not_taken_for_empty() {
    let (home, server) = (Home::new(), server("dev").await);
    deploy(&server, "shop", "checkout", "1.0", 1);
    server.forbid(vec![Forbid::all("pods")]);
    let mut console = Console::start(
        vec![target("dev", &[("shop", "checkout")])],
        home.options(&[&server]),
    );
    console
        .until("the denial", |c| {
            matches!(c.connection("dev"), Connection::Denied { .. })
        })
        .await;
    let cell = console.cell("dev", "checkout");
    assert_eq!((cell.health, cell.stale), (Health::Unknown, false));
    let words = "403: User \"demo\" cannot list resource \"pods\" in the namespace \"shop\"";
    assert_eq!(cell.reason.as_deref(), Some(words));
    assert_eq!(cell.workloads, ["Deployment/checkout"]);
    assert!(console.losses.is_empty());
}

/// A role that is taken away and given back, list and watch each on its own; what is known then is what there is then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_allowed_again_is_listed_again() {
    for verb in [None, Some("watch"), Some("list")] {
        let (home, server) = (Home::new(), server("dev").await);
        deploy(&server, "shop", "checkout", "1.0", 1);
        let refused = Forbid {
            verb,
            ..Forbid::all("pods")
        };
        server.forbid(vec![refused.clone()]);
        let mut console = Console::start(
            vec![target("dev", &[("shop", "checkout")])],
            home.options(&[&server]),
        );
        for round in 0..2 {
            console
                .until("the denial", |c| {
                    let denied = matches!(c.connection("dev"), Connection::Denied { .. });
                    denied && c.cell("dev", "checkout").health == Health::Unknown
                })
                .await;
            server.forbid(Vec::new());
            console
                .until("what is allowed", |c| {
                    live(c) && c.cell("dev", "checkout").health == Health::Healthy
                })
                .await;
            assert_eq!(
                console.cell("dev", "checkout").pods.len(),
                1,
                "{verb:?} {round}"
            );
            if round == 0 {
                server.forbid(vec![refused.clone()]);
                server.expire_watches();
            }
        }
        assert!(console.losses.is_empty(), "{verb:?}: {:?}", console.losses);
    }
}

/// Whoever may list but not watch sees no access, and not what there is for a moment every now and then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_no_watch_follows_is_not_shown_for_a_moment() {
    let (home, server) = (Home::new(), server("dev").await);
    deploy(&server, "shop", "checkout", "1.0", 1);
    server.forbid(vec![Forbid {
        verb: Some("watch"),
        ..Forbid::all("pods")
    }]);
    let mut console = Console::start(
        vec![target("dev", &[("shop", "checkout")])],
        home.options(&[&server]),
    );
    let denied = |c: &Console| matches!(c.connection("dev"), Connection::Denied { .. });
    console.until("the denial", denied).await;
    let lists = || {
        let requests = server.requests();
        let of_pods = requests.iter().filter(|request| request.contains("/pods?"));
        of_pods
            .filter(|request| !request.contains("watch="))
            .count()
    };
    let before = lists();
    console
        .until("it is asked again", |c| {
            assert!(denied(c), "{:?}", c.connection("dev"));
            lists() > before + 3
        })
        .await;
}

/// A list that waits for its watch is not forgotten where the server has no time to begin that watch; and refusals, each of
/// which is answered, are no row of failures.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_whose_watch_has_to_wait_is_shown_then() {
    for (refusals, times) in [(1, 1), (2, 3), (9, 1)] {
        let (home, server) = (Home::new(), server("dev").await);
        deploy(&server, "shop", "checkout", "1.0", 1);
        let watching = Forbid {
            verb: Some("watch"),
            ..Forbid::all("pods")
        };
        server.forbid(vec![watching.clone()]);
        let mut console = Console::start(
            vec![target("dev", &[("shop", "checkout")])],
            home.options(&[&server]),
        );
        let watches = || {
            let requests = server.requests();
            let of_pods = requests.iter().filter(|request| request.contains("/pods?"));
            of_pods.filter(|request| request.contains("watch=")).count()
        };
        console
            .until("refusals", |c| {
                let denied = matches!(c.connection("dev"), Connection::Denied { .. });
                denied && watches() >= refusals
            })
            .await;
        server.overload(watching, times);
        server.forbid(Vec::new());
        console
            .until("what is allowed", |c| {
                live(c) && c.cell("dev", "checkout").health == Health::Healthy
            })
            .await;
        let case = (refusals, times);
        assert!(console.losses.is_empty(), "{case:?}: {:?}", console.losses);
        assert_eq!(console.cell("dev", "checkout").pods.len(), 1, "{case:?}");
    }
}

/// A kind that a server does not have is absent: everything else is known at once, and it is there as soon as it is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_does_not_have_holds_nothing_up() {
    for resource in ["statefulsets", "daemonsets", "replicasets"] {
        let (home, server) = (Home::new(), server("dev").await);
        deploy(&server, "shop", "checkout", "1.0", 2);
        server.lack(&[resource]);
        let mut console = Console::start(
            vec![target("dev", &[("shop", "checkout")])],
            home.options(&[&server]),
        );
        console.until("the rest", live).await;
        let cell = console.cell("dev", "checkout");
        assert_eq!(
            (cell.health, cell.ready),
            (Health::Healthy, 2),
            "{resource}"
        );
        assert!(console.losses.is_empty(), "{:?}", console.losses);
    }
    let (home, server) = (Home::new(), server("dev").await);
    deploy(&server, "shop", "checkout", "1.0", 2);
    server.lack(&["deployments"]);
    let mut console = Console::start(
        vec![target("dev", &[("shop", "checkout")])],
        home.options(&[&server]),
    );
    console.until("that it has none", live).await;
    assert_eq!(console.cell("dev", "checkout").health, Health::Missing);
    server.lack(&[]);
    console
        .until("that it has one", |c| {
            c.cell("dev", "checkout").health == Health::Healthy
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_hidden_across_namespaces_is_asked_for_in_each() {
    let (home, server) = (Home::new(), server("dev").await);
    let names: Vec<String> = (0..10).map(|i| format!("ns{i}")).collect();
    for name in &names {
        deploy(&server, name, name, "1.0", 1);
    }
    let everywhere = Forbid {
        verb: None,
        resource: "*".to_owned(),
        scope: Scope::ClusterWide,
    };
    let one = Forbid {
        scope: Scope::Namespace("ns4".to_owned()),
        ..Forbid::all("deployments")
    };
    server.forbid(vec![everywhere, one]);
    let cells: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), name.as_str()))
        .collect();
    let mut console = Console::start(vec![target("dev", &cells)], home.options(&[&server]));
    console
        .until("all but one", |c| {
            names.iter().all(|name| {
                let health = c.cell("dev", name).health;
                health
                    == if name == "ns4" {
                        Health::Unknown
                    } else {
                        Health::Healthy
                    }
            }) && matches!(c.connection("dev"), Connection::Denied { .. })
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_context_is_told_with_those_there_are() {
    let (home, dev) = (Home::new(), server("dev").await);
    let first = home.file("first", &tidegate::demo::server::kubeconfig([&dev]));
    let other = server("other").await;
    let second = home.file("second", &tidegate::demo::server::kubeconfig([&other]));
    let mut console = Console::start(
        vec![
            target("prod", &[]),
            target("dev", &[]),
            target("other", &[]),
        ],
        impatient(vec![first, second]),
    );
    console
        .until("the sentence", |c| {
            c.losses
                .iter()
                .any(|loss| loss == "no context `prod` in the kubeconfig; it has `dev`, `other`")
        })
        .await;
    console
        .until("contexts of both files", |c| {
            live(c) && c.connection("other") == Connection::Live
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_gives_the_token_and_never_speaks_to_the_terminal() {
    let home = Home::new();
    let mut options = ServerOptions::new("dev");
    options.token = Some("right".to_owned());
    let server = ApiServer::start(options).await.unwrap();
    deploy(&server, "shop", "checkout", "1.0", 1);
    // Says what it was given, then does what the file beside it says.
    let plugin = home.file(
        "plugin.sh",
        "test -t 0 && exit 9\ntest -t 2 && exit 9\necho \"$KUBERNETES_EXEC_INFO\" >&2\n. \"$(dirname \"$0\")/answer\"\n",
    );
    let answer = |text: &str| drop(home.file("answer", text));
    let token = |token: &str| {
        let credential = json!({"kind": "ExecCredential", "status": {"token": token}});
        format!("echo '{credential}'\n")
    };
    let config = json!({
        "clusters": [{"name": "c", "cluster": {"server": server.url()}}],
        "contexts": [{"name": "dev", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": [plugin],
            "interactiveMode": "IfAvailable", "provideClusterInfo": true,
        }}}],
    });
    let config = home.file("config", &config.to_string());
    answer("exit 255\n");
    let mut console = Console::start(
        vec![target("dev", &[("shop", "checkout")])],
        impatient(vec![config]),
    );
    console
        .until("a failing plugin", |c| !c.losses.is_empty())
        .await;
    let loss = console.losses[0].clone();
    assert!(loss.starts_with("exec plugin `sh`: exit 255, {"), "{loss}");
    assert!(
        loss.contains("\"interactive\":false") && loss.contains(&server.url()),
        "{loss}"
    );

    answer(&token("expired"));
    console
        .until("a token that is no good", |c| {
            c.losses.iter().any(|loss| loss.starts_with("401: "))
        })
        .await;
    answer(&token("right"));
    console.until("a good token", live).await;
    assert_eq!(console.cell("dev", "checkout").health, Health::Healthy);
}
