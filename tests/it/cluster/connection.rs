//! Servers that go away, fall silent, forget, and come back.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tidegate::{
    demo::server::{ApiServer, Mode, ServerOptions},
    domain::rollout::{Connection, Health},
};

use super::fixture::{Console, Home, apply, deploy, impatient, pod, server, target, target_in};

fn live(console: &Console) -> bool {
    console.connection("dev") == Connection::Live
}

fn lost(console: &Console) -> bool {
    matches!(console.connection("dev"), Connection::Lost { .. })
}

async fn started(home: &Home, server: &ApiServer) -> Console {
    deploy(server, "shop", "checkout", "1.0", 2);
    let mut console = Console::start(
        vec![target("dev", &[("shop", "checkout")])],
        home.options(&[server]),
    );
    console.until("the first list", live).await;
    console
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_away_leaves_its_last_word_and_comes_back() {
    let (home, server) = (Home::new(), server("dev").await);
    let mut console = started(&home, &server).await;
    for (mode, reason) in [
        (Mode::Refusing, "connection refused"),
        (Mode::Hanging, "no answer within"),
        (Mode::Failing(503), "503: "),
        (Mode::Garbage, "the answer is no JSON"),
        (Mode::Endless, "longer than"),
    ] {
        server.set_mode(mode).await;
        let gone = Timestamp::now();
        console
            .until("the loss", |c| {
                c.losses.iter().any(|loss| loss.contains(reason))
            })
            .await;
        let cell = console.cell("dev", "checkout");
        assert_eq!(
            (cell.health, cell.stale),
            (Health::Healthy, true),
            "{mode:?}"
        );
        assert_eq!(cell.ready, 2);
        let Connection::Lost {
            since, next_try, ..
        } = console.connection("dev")
        else {
            panic!("{mode:?}: not lost");
        };
        assert!(cell.as_of <= since && since >= gone && next_try.is_some_and(|next| next >= since));

        server.set_mode(Mode::Serving).await;
        console.until("the return", live).await;
        assert!(!console.cell("dev", "checkout").stale, "{mode:?}");
    }
    // What happened meanwhile is seen after the return.
    server.set_mode(Mode::Refusing).await;
    console.until("another loss", lost).await;
    server.store().remove("deployments", "shop", "checkout");
    server.set_mode(Mode::Serving).await;
    console.until("another return", live).await;
    assert_eq!(console.cell("dev", "checkout").health, Health::Missing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_fell_behind_lists_again_and_nothing_is_lost() {
    let (home, server) = (Home::new(), server("dev").await);
    let mut console = started(&home, &server).await;
    server.expire_watches();
    server.store().remove("deployments", "shop", "checkout");
    console
        .until("the new list", |c| {
            c.cell("dev", "checkout").health == Health::Missing
        })
        .await;
    deploy(&server, "shop", "checkout", "1.1", 1);
    console
        .until("a change after it", |c| {
            c.cell("dev", "checkout").ready == 1
        })
        .await;
    assert!(console.losses.is_empty(), "{:?}", console.losses);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_cluster_costs_its_own_column_only() {
    let (home, dev, prod) = (Home::new(), server("dev").await, server("prod").await);
    deploy(&dev, "shop", "checkout", "1.0", 1);
    let options = home.options(&[&dev, &prod]);
    prod.set_mode(Mode::Hanging).await;
    let targets = ["dev", "prod"].map(|name| target(name, &[("shop", "checkout")]));
    let mut console = Console::start(targets.to_vec(), options);
    console.until("dev alone", live).await;
    assert_eq!(console.connection("prod"), Connection::Connecting);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_targets_keep_the_connection_and_the_watches_that_still_fit() {
    let (home, server) = (Home::new(), server("dev").await);
    let mut console = started(&home, &server).await;
    deploy(&server, "other", "mailer", "2.0", 1);
    let lists = |namespace: &str| {
        let path = format!("/namespaces/{namespace}/deployments?");
        let listing = |r: &&String| r.contains(&path) && !r.contains("watch=");
        server.requests().iter().filter(listing).count()
    };
    console.retarget(vec![target(
        "dev",
        &[("shop", "checkout"), ("other", "mailer")],
    )]);
    console
        .until("the new cell", |c| {
            c.cell("dev", "mailer").health == Health::Healthy
        })
        .await;
    assert_eq!((lists("shop"), lists("other")), (1, 1));

    // A second environment in the same context hears of the shared namespace too.
    let second = target_in("dev", "green", &[("shop", "checkout")]);
    console.retarget(vec![target("dev", &[("shop", "checkout")]), second]);
    console
        .until("the second environment", |c| {
            c.connection("green") == Connection::Live
        })
        .await;
    assert_eq!(console.cell("green", "checkout").health, Health::Healthy);
    assert!(live(&console));
    assert!(console.losses.is_empty(), "{:?}", console.losses);

    // Many namespaces: one watch for all of them.
    let names: Vec<String> = (0..12).map(|i| format!("ns{i}")).collect();
    for name in &names {
        deploy(&server, name, name, "1.0", 1);
    }
    let cells: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), name.as_str()))
        .collect();
    console.retarget(vec![target("dev", &cells)]);
    console
        .until("all of them", |c| {
            names
                .iter()
                .all(|name| c.cell("dev", name).health == Health::Healthy)
        })
        .await;
    assert_eq!(lists("ns3"), 0);
}

/// How often pods were listed from the beginning.
fn lists(server: &ApiServer) -> usize {
    let of_pods =
        |r: &&String| r.contains("/pods?") && !r.contains("watch=") && !r.contains("continue=");
    server.requests().iter().filter(of_pods).count()
}

/// How often a watch of pods was begun.
fn watches(server: &ApiServer) -> usize {
    let of_pods = |r: &&String| r.contains("/pods?") && r.contains("watch=");
    server.requests().iter().filter(of_pods).count()
}

/// A watch of what never changes is told by bookmarks how far the rest has got: it goes on from there although the server has
/// long forgotten what was when it began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_goes_on_from_its_last_bookmark() {
    let home = Home::new();
    let mut options = ServerOptions::new("dev");
    options.keep = 8;
    let server = ApiServer::start(options).await.unwrap();
    let mut console = started(&home, &server).await;
    let config_map = |i: u32| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "else", "name": format!("c{i}")}});
    // All rounds together are more than the server keeps: without bookmarks the third would be too late.
    for round in 0..5 {
        for i in 0..6 {
            apply(&server, config_map(round * 10 + i));
        }
        let begun = watches(&server);
        server.end_watches();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while watches(&server) == begun {
            assert!(tokio::time::Instant::now() < deadline, "no watch again");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    assert_eq!(lists(&server), 1, "{:#?}", server.requests());
    deploy(&server, "shop", "checkout", "1.1", 3);
    console
        .until("a change behind all of it", |c| {
            c.cell("dev", "checkout").ready == 3
        })
        .await;
    assert!(console.losses.is_empty(), "{:?}", console.losses);
}

/// A server that forgets the version of a list between two of its pages: the list is begun again, and what is shown then is
/// whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_compacted_between_its_pages_is_whole_in_the_end() {
    const PODS: u32 = 1200;
    let home = Home::new();
    let mut options = ServerOptions::new("dev");
    options.keep = 16;
    let server = ApiServer::start(options).await.unwrap();
    deploy(&server, "shop", "checkout", "1.0", 1);
    for i in 1..PODS {
        apply(&server, pod("shop", "checkout-10", "checkout", "1.0", i));
    }
    server.set_mode(Mode::Slow(Duration::from_millis(30))).await;
    let cells = target("dev", &[("shop", "checkout")]);
    let mut console = Console::start(vec![cells], home.options(&[&server]));
    let store = server.store().clone();
    let writes = tokio::spawn(async move {
        for round in 0..20_u32 {
            for i in 0..32 {
                let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"namespace": "else", "name": format!("c{i}")}, "data": {"round": round.to_string()}});
                store.apply(object, Timestamp::UNIX_EPOCH).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    console
        .until("all of it", |c| {
            c.cell("dev", "checkout").pods.len() == PODS as usize
        })
        .await;
    writes.await.unwrap();
    let pages = server.requests();
    assert!(
        pages
            .iter()
            .any(|it| it.contains("/pods?") && it.contains("continue="))
    );
    assert!(
        lists(&server) > 1,
        "it was compacted: {:#?}",
        server.requests()
    );
    assert!(console.losses.is_empty(), "{:?}", console.losses);
}

/// A server that takes its time for each answer is slow and no more: nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_server_is_waited_for() {
    let (home, server) = (Home::new(), server("dev").await);
    server
        .set_mode(Mode::Slow(Duration::from_millis(400)))
        .await;
    let mut console = started(&home, &server).await;
    deploy(&server, "shop", "checkout", "1.1", 3);
    console
        .until("a change", |c| c.cell("dev", "checkout").ready == 3)
        .await;
    assert!(console.losses.is_empty(), "{:?}", console.losses);
}

/// A token that is replaced on the server: what was known stays, marked as old, until the new one is read; it is read anew
/// from its file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_replaced_is_read_again() {
    let home = Home::new();
    let mut options = ServerOptions::new("dev");
    options.token = Some("one".to_owned());
    let server = ApiServer::start(options).await.unwrap();
    deploy(&server, "shop", "checkout", "1.0", 2);
    let token = home.file("token", "one");
    let config = json!({
        "clusters": [{"name": "c", "cluster": {"server": server.url()}}],
        "contexts": [{"name": "dev", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"tokenFile": token}}],
    });
    let config = home.file("config", &config.to_string());
    let cells = target("dev", &[("shop", "checkout")]);
    let mut console = Console::start(vec![cells], impatient(vec![config]));
    console.until("the first token", live).await;
    server.require("two");
    console
        .until("that the first is no good any more", |c| {
            c.losses.iter().any(|loss| loss.starts_with("401: "))
        })
        .await;
    let cell = console.cell("dev", "checkout");
    assert_eq!((cell.health, cell.stale), (Health::Healthy, true));
    home.file("token", "two");
    console.until("the second token", live).await;
    assert!(!console.cell("dev", "checkout").stale);
}
