//! Servers that go away, fall silent, forget, and come back.

use tidegate::{
    demo::server::{ApiServer, Mode},
    domain::rollout::{Connection, Health},
};

use super::fixture::{Console, Home, deploy, server, target, target_in};

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
    ] {
        server.set_mode(mode).await;
        let gone = jiff::Timestamp::now();
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
