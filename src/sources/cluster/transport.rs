//! The HTTP by which a cluster is spoken to: what kube builds by itself, with a bound on what each connection keeps.
//!
//! A connection's buffer grows with what it reads and stays as large: each kind of object is listed and watched on one of its
//! own, and two hundred of them, each as large as its longest list, were more than what is told of the pods.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::rt::{Read, Write};
use hyper_timeout::TimeoutConnector;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{
            Connection, HttpConnector,
            proxy::{SocksV5, Tunnel},
        },
    },
    rt::TokioExecutor,
};
use kube::{
    Config, Error,
    client::{Body, ClientBuilder, ConfigExt as _, DynBody},
};
use percent_encoding::percent_decode_str;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt as _, util::BoxService};
use tower_http::decompression::DecompressionLayer;

/// The most that a connection keeps of what it has read and nobody has taken yet, in bytes: four records of TLS.
const BUFFER: usize = 64 * 1024;

/// What a request goes through, without what its caller lays over it.
pub(super) type Transport = BoxService<Request<Body>, Response<Box<DynBody>>, BoxError>;

/// The way to a cluster, through the proxy that its configuration names.
///
/// # Errors
/// Where its certificates or credentials cannot be read, or its proxy is of a kind that is not known.
pub(super) fn builder(config: &Config) -> Result<ClientBuilder<Transport>, Error> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    let Some(proxy) = &config.proxy_url else {
        return over(connector, config);
    };
    match proxy.scheme_str() {
        Some("socks5") => over(SocksV5::new(proxy.clone(), connector), config),
        Some("http") => over(tunnel(proxy, connector), config),
        Some("https") => {
            let connector = config.rustls_https_connector_with_connector(connector)?;
            over(tunnel(proxy, connector), config)
        }
        _ => Err(Error::ProxyProtocolUnsupported {
            proxy_url: Box::new(proxy.clone()),
        }),
    }
}

/// Through an HTTP proxy, with the name and password of its address.
fn tunnel<C>(proxy: &Uri, connector: C) -> Tunnel<C> {
    let tunnel = Tunnel::new(proxy.clone(), connector);
    let authority = proxy.authority().map(http::uri::Authority::as_str);
    let Some((user, _)) = authority.and_then(|it| it.rsplit_once('@')) else {
        return tunnel;
    };
    let plain: Vec<u8> = percent_decode_str(user).collect();
    match HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(plain))) {
        Ok(mut value) => {
            value.set_sensitive(true);
            tunnel.with_auth(value)
        }
        Err(_) => tunnel,
    }
}

fn over<C>(connector: C, config: &Config) -> Result<ClientBuilder<Transport>, Error>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + Read + Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: std::error::Error + Send + Sync + 'static,
{
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let mut connector = TimeoutConnector::new(connector);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    connector.set_reset_reader_on_write(config.reset_reader_on_write);
    let client: Client<_, Body> = Client::builder(TokioExecutor::new())
        .http1_max_buf_size(BUFFER)
        .build(connector);
    let unpacked = DecompressionLayer::new()
        .no_br()
        .no_deflate()
        .no_zstd()
        .gzip(!config.disable_compression);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(unpacked)
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(client);
    let service = service.map_response(|response: Response<_>| {
        response.map(|body| Box::new(BodyExt::map_err(body, BoxError::from)) as Box<DynBody>)
    });
    Ok(ClientBuilder::new(
        service.boxed(),
        config.default_namespace.clone(),
    ))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;
    use crate::sources::cluster::{connect::install_crypto, kubeconfig};

    /// `{"major":"1"}`, packed.
    const PACKED: &[u8] = &[
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 202, 77, 204, 202, 47, 82, 178, 82, 50, 84, 170,
        5, 0, 53, 171, 54, 191, 13, 0, 0, 0,
    ];

    #[tokio::test]
    async fn what_a_server_packs_is_unpacked() {
        install_crypto();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let size = PACKED.len();
            let lines = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {size}\r\n\r\n"
            );
            stream.write_all(lines.as_bytes()).unwrap();
            stream.write_all(PACKED).unwrap();
            String::from_utf8(head).unwrap().to_lowercase()
        });
        let config = kubeconfig::plain(address.parse().unwrap());
        let client = builder(&config).unwrap().build();
        let request = Request::get("/version").body(Vec::new()).unwrap();
        let said: serde_json::Value = client.request(request).await.unwrap();
        assert_eq!(said["major"], "1");
        let asked = asked.join().unwrap();
        assert!(asked.contains("accept-encoding: gzip"), "{asked}");
    }
}
