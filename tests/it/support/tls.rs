//! TLS on a loopback socket, before a server that speaks without it. Its certificate can be changed while it runs.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;

/// What a server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// A certificate for 127.0.0.1, of the authority that clients know.
    Good,
    /// One that it signed itself.
    SelfSigned,
    /// One that ended with 2020.
    Ended,
    /// One that begins with 3000.
    NotBegun,
    /// One for `elsewhere.example`.
    OtherName,
}

/// A listener that hands on what it deciphers, for as long as the test runs.
pub struct Tls {
    pub port: u16,
    authority: Issuer<'static, KeyPair>,
    pem: String,
    shown: Arc<Shown>,
    cut: watch::Sender<()>,
}

#[derive(Debug)]
struct Shown(Mutex<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&shown))
    }
}

impl Tls {
    /// Before the server on this port of 127.0.0.1.
    pub fn before(port: u16, shows: Shows) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "the authority of a test");
        let pem = params.self_signed(&key).expect("an authority").pem();
        let authority = Issuer::new(params, key);
        let shown = Arc::new(Shown(Mutex::new(certificate(&authority, shows))));

        let mut config = ServerConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        // Who takes a session up again does not look at the certificate.
        config.send_tls13_tickets = 0;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("an address").port();
        let (cut, cuts) = watch::channel(());
        thread::spawn(move || serve(listener, port, config, &cuts));
        Self {
            port: own,
            authority,
            pem,
            shown,
            cut,
        }
    }

    /// Shows another certificate from the next connection on; those that are open go on.
    pub fn show(&self, shows: Shows) {
        let mut shown = self.shown.0.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = certificate(&self.authority, shows);
    }

    /// Ends all connections.
    pub fn cut(&self) {
        self.cut.send_replace(());
    }

    /// The authority's own certificate, in a file of this folder.
    pub fn authority(&self, folder: &Path) -> PathBuf {
        let file = folder.join("authority.pem");
        std::fs::write(&file, &self.pem).expect("the certificate's file");
        file
    }
}

fn certificate(authority: &Issuer<'_, KeyPair>, shows: Shows) -> Arc<CertifiedKey> {
    let name = match shows {
        Shows::OtherName => "elsewhere.example",
        _ => "127.0.0.1",
    };
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    (params.not_before, params.not_after) = match shows {
        Shows::Ended => (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1)),
        Shows::NotBegun => (date_time_ymd(3000, 1, 1), date_time_ymd(3001, 1, 1)),
        _ => (date_time_ymd(2020, 1, 1), date_time_ymd(2999, 1, 1)),
    };
    let key = KeyPair::generate().expect("a key");
    let made = match shows {
        Shows::SelfSigned => params.self_signed(&key),
        _ => params.signed_by(&key, authority),
    };
    let der = CertificateDer::from(made.expect("a certificate"));
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signing = ring::sign::any_ecdsa_type(&private).expect("a key of a known kind");
    Arc::new(CertifiedKey::new(vec![der], signing))
}

fn serve(
    listener: std::net::TcpListener,
    behind: u16,
    config: ServerConfig,
    cuts: &watch::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        listener.set_nonblocking(true).expect("a socket");
        let listener = TcpListener::from_std(listener).expect("a socket");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, mut cuts) = (acceptor.clone(), cuts.clone());
            cuts.mark_unchanged();
            tokio::spawn(async move {
                let hand_on = async {
                    let mut clear = acceptor.accept(stream).await?;
                    let mut server = TcpStream::connect(("127.0.0.1", behind)).await?;
                    tokio::io::copy_bidirectional(&mut clear, &mut server).await
                };
                // A client that goes away, or does not take the certificate, is none of the server's business.
                tokio::select! {
                    _ = hand_on => (),
                    _ = cuts.changed() => (),
                }
            });
        }
    });
}
