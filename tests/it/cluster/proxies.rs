//! Clusters behind a proxy, which a kubeconfig's `proxy-url` names with what it is let through by.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tidegate::{demo::server::kubeconfig, domain::rollout::Connection};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream},
    net::{TcpListener, TcpStream},
};

use super::fixture::{Console, Home, deploy, impatient, server, target};
use crate::support::tls::{Shows, Tls};

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// `CONNECT` of HTTP, with a name and a password that have characters of their own in an address.
    Http,
    /// SOCKS version 5, without a name.
    Socks,
}

/// `ola:pa:ss@word`.
const CREDENTIALS: &str = "proxy-authorization: basic b2xhonbhonnzqhdvcmq=";

async fn wrong(stream: &mut BufStream<TcpStream>) -> io::Result<()> {
    stream
        .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        .await?;
    stream.flush().await
}

/// Lets one connection through, as it asks.
async fn pass(stream: TcpStream, kind: Kind, through: &AtomicUsize) -> io::Result<()> {
    let mut stream = BufStream::new(stream);
    let mut target = match kind {
        Kind::Http => {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).await? > 0 {}
            let address = head.split(' ').nth(1).unwrap_or_default().to_owned();
            if !head.starts_with("CONNECT ") || !head.to_lowercase().contains(CREDENTIALS) {
                return wrong(&mut stream).await;
            }
            let target = TcpStream::connect(address).await?;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            target
        }
        Kind::Socks => {
            let mut hello = [0; 2];
            stream.read_exact(&mut hello).await?;
            let mut methods = vec![0; usize::from(hello[1])];
            stream.read_exact(&mut methods).await?;
            stream.write_all(&[5, 0]).await?;
            stream.flush().await?;
            let mut request = [0; 10];
            stream.read_exact(&mut request).await?;
            assert_eq!(request[..4], [5, 1, 0, 1], "an IPv4 address");
            let [.., a, b, c, d, high, low] = request;
            let port = u16::from_be_bytes([high, low]);
            let target = TcpStream::connect(SocketAddr::from(([a, b, c, d], port))).await?;
            stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await?;
            target
        }
    };
    stream.flush().await?;
    through.fetch_add(1, Ordering::Relaxed);
    tokio::io::copy_bidirectional(&mut stream, &mut target).await?;
    Ok(())
}

/// A proxy on a port of its own; how many connections it let through.
async fn proxy(kind: Kind) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let through = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&through);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move { pass(stream, kind, &count).await });
        }
    });
    (port, through)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_reached_through_the_proxy_that_its_kubeconfig_names() {
    let (home, server) = (Home::new(), server("dev").await);
    deploy(&server, "shop", "checkout", "1.0", 2);
    let plain = server.url();
    let port = plain.rsplit(':').next().unwrap_or_default();
    let tls = Tls::before(port.parse().unwrap(), Shows::Good);
    let authority = tls.authority(home.folder.path());
    let secured = format!(
        "server: https://127.0.0.1:{}\n    certificate-authority: {}",
        tls.port,
        authority.display()
    );
    let (http, through_http) = proxy(Kind::Http).await;
    let (socks, through_socks) = proxy(Kind::Socks).await;
    let http = format!("http://ola:pa%3Ass%40word@127.0.0.1:{http}");
    let socks = format!("socks5://127.0.0.1:{socks}");
    for (address, cluster, through) in [
        (&http, &secured, &through_http),
        (&socks, &secured, &through_socks),
        (&http, &format!("server: {plain}"), &through_http),
    ] {
        let before = through.load(Ordering::Relaxed);
        let text = kubeconfig([&server]);
        let cluster = format!("{cluster}\n    proxy-url: \"{address}\"");
        let text = text.replace(&format!("server: {plain}"), &cluster);
        let options = impatient(vec![home.file("config", &text)]);
        let mut console = Console::start(vec![target("dev", &[("shop", "checkout")])], options);
        let live = |c: &Console| c.connection("dev") == Connection::Live;
        console.until(address, live).await;
        assert_eq!(console.cell("dev", "checkout").ready, 2, "{address}");
        assert!(through.load(Ordering::Relaxed) > before, "{address}");
    }
    // One that does not let it through is told, without the password.
    let text = kubeconfig([&server]);
    let refused = http.replace("ola", "eve");
    let cluster = format!("{secured}\n    proxy-url: \"{refused}\"");
    let text = text.replace(&format!("server: {plain}"), &cluster);
    let options = impatient(vec![home.file("config", &text)]);
    let mut console = Console::start(vec![target("dev", &[("shop", "checkout")])], options);
    let told = |c: &Console| c.losses.iter().any(|loss| loss.contains("proxy"));
    console.until("the refusal", told).await;
    let said = console.losses.join("\n");
    assert!(!said.contains("word") && !said.contains("b2xh"), "{said}");
}
