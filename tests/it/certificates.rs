//! A remote behind https whose certificate Git does not take.
#![allow(clippy::unwrap_used)] // a harness fails by panicking

use crate::support::{
    http,
    repo::Repository,
    tls::{Shows, Tls},
};

#[test]
fn a_certificate_that_git_does_not_take_is_told_with_what_to_do() {
    let repository = Repository::seeded();
    repository.bump("checkout", "dev", "1.1.0");
    let folder = repository.remote().parent().unwrap().to_owned();
    let tls = Tls::before(http::serve(&folder), Shows::Good);
    let authority = tls.authority(&folder).display().to_string();
    let clone = repository.clone_path();
    let address = format!("https://user:sesame@127.0.0.1:{}/remote", tls.port);
    repository.git_in(&clone, &["remote", "set-url", "origin", &address]);
    repository.git_in(&clone, &["config", "http.sslCAInfo", &authority]);
    let promote = [
        "promote", "checkout", "--from", "dev", "--to", "staging", "--yes",
    ];
    let tip = repository.tip();
    for shows in [
        Shows::SelfSigned,
        Shows::Ended,
        Shows::NotBegun,
        Shows::OtherName,
    ] {
        tls.show(shows);
        let said = repository.tidegate(&promote).exits(1);
        assert!(!said.err.contains("sesame"), "{shows:?}: {}", said.err);
        said.says("cannot fetch from origin: ")
            .says("Have the server's certificate renewed or mended")
            .says("http.sslCAInfo");
        assert_eq!(repository.tip(), tip, "{shows:?}");
    }
    tls.show(Shows::Good);
    repository.tidegate(&promote).exits(0);
    assert_ne!(repository.tip(), tip);
}
