//! Servers whose certificate is not taken: what is said, what stays, and the way back.

use tidegate::{
    demo::server::kubeconfig,
    domain::rollout::{Connection, Health},
};

use super::fixture::{Console, Home, deploy, impatient, server, target};
use crate::support::tls::{Shows, Tls};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_not_taken_is_told_and_a_good_one_ends_it() {
    let cases = [
        (
            Shows::SelfSigned,
            "look at the context's certificate-authority",
        ),
        (
            Shows::Ended,
            "its certificate ended at 2021-01-01T00:00:00Z, and it is 2",
        ),
        (
            Shows::NotBegun,
            "its certificate begins at 3000-01-01T00:00:00Z, and it is 2",
        ),
        (
            Shows::OtherName,
            "use such a name in the kubeconfig's `server`, or set `tls-server-name`",
        ),
    ];
    let (home, server) = (Home::new(), server("dev").await);
    deploy(&server, "shop", "checkout", "1.0", 2);
    let plain = server.url();
    let port = plain.rsplit(':').next().unwrap_or_default();
    let tls = Tls::before(port.parse().unwrap(), Shows::SelfSigned);
    let authority = tls.authority(home.folder.path());
    let cluster = format!(
        "server: https://127.0.0.1:{}\n    certificate-authority: {}",
        tls.port,
        authority.display()
    );
    let text = kubeconfig([&server]);
    let secured = text.replace(&format!("server: {plain}"), &cluster);
    assert_ne!(text, secured);
    let options = impatient(vec![home.file("config", &secured)]);
    let mut console = Console::start(vec![target("dev", &[("shop", "checkout")])], options);
    let live = |c: &Console| c.connection("dev") == Connection::Live;
    for (at, (shows, words)) in cases.into_iter().enumerate() {
        // The first is there from the start, the others come while it is watched.
        tls.show(shows);
        tls.cut();
        console.losses.clear();
        let told = |c: &Console| c.losses.iter().any(|loss| loss.contains(words));
        console.until(words, told).await;
        let address = format!("https://127.0.0.1:{}", tls.port);
        assert!(console.losses.iter().any(|loss| loss.contains(&address)));
        if at > 0 {
            let cell = console.cell("dev", "checkout");
            let was = (cell.health, cell.stale, cell.ready);
            assert_eq!(was, (Health::Healthy, true, 2), "{shows:?}");
        }
        tls.show(Shows::Good);
        console.until("the return", live).await;
        assert!(!console.cell("dev", "checkout").stale, "{shows:?}");
    }
    // As one that ends while it is used: what is open goes on, and sees what happens.
    console.losses.clear();
    tls.show(Shows::Ended);
    deploy(&server, "shop", "checkout", "1.1", 3);
    let seen = |c: &Console| c.cell("dev", "checkout").ready == 3;
    console.until("a change", seen).await;
    assert!(
        live(&console) && console.losses.is_empty(),
        "{:?}",
        console.losses
    );
}
