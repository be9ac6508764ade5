//! Versions that Flagger delivers, where it is real.
//!
//! It refuses to run beside an API server whose version is no number, as one that was built from source says it is. Where it
//! has ended for that, it is started again behind a proxy that answers that one question.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read, Write as _, copy},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

use crate::{
    agents::{hop, live, until_told},
    rig::Rig,
    world::{ROLLOUT, World},
};

/// Processes that end with the journey.
struct Children(Vec<Child>);

impl Drop for Children {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Has Flagger run in a cluster.
fn flagger(rig: &Rig, cluster: &str, world: &World) -> Children {
    let Some(mut line) = rig.ended(&format!("{cluster}/flagger")) else {
        return Children(Vec::new());
    };
    let mut children = Children(Vec::new());
    let mut api = Command::new("kubectl")
        .args(["proxy", "--port=0", "--context", cluster, "--kubeconfig"])
        .arg(&rig.kubeconfig)
        .stdout(Stdio::piped())
        .spawn()
        .expect("kubectl");
    let mut said = String::new();
    let output = api.stdout.take().expect("its output");
    children.0.push(api);
    BufReader::new(output)
        .read_line(&mut said)
        .expect("where it listens");
    let upstream = said.trim().rsplit(' ').next().expect("an address");
    let address = proxy(upstream.parse().expect("an address"));
    let file = world.home().join("flagger.kubeconfig");
    let text = format!(
        "{{apiVersion: v1, kind: Config, current-context: it, clusters: [{{name: it, cluster: {{server: 'http://{address}'}}}}], \
         contexts: [{{name: it, context: {{cluster: it, user: it}}}}], users: [{{name: it, user: {{}}}}]}}"
    );
    fs::write(&file, text).expect("a file");
    for argument in &mut line {
        if argument.starts_with("-kubeconfig=") {
            *argument = format!("-kubeconfig={}", file.display());
        }
    }
    let log = fs::File::create(world.home().join("flagger.log")).expect("a file");
    let started = Command::new(&line[0])
        .args(&line[1..])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn();
    children.0.push(started.expect("Flagger"));
    children
}

/// Passes connections on to an API server, but answers what its version is.
fn proxy(upstream: SocketAddr) -> SocketAddr {
    const VERSION: &str = r#"{"major":"1","minor":"36","gitVersion":"v1.36.0"}"#;
    serve(move |mut stream, first| {
        if first.starts_with(b"GET /version") {
            let length = VERSION.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{VERSION}"
            );
            let _ = stream.write_all(answer.as_bytes());
            return;
        }
        let Ok(mut there) = TcpStream::connect(upstream) else {
            return;
        };
        // Each question comes on a connection of its own.
        let end = first.iter().position(|byte| *byte == b'\n');
        let (line, rest) = first.split_at(end.map_or(0, |end| end + 1));
        let _ = there.write_all(&[line, b"Connection: close\r\n", rest].concat());
        let (mut from, mut to) = (
            stream.try_clone().expect("a stream"),
            there.try_clone().expect("a stream"),
        );
        thread::spawn(move || copy(&mut from, &mut to));
        let _ = copy(&mut there, &mut stream);
    })
}

/// Answers each connection, with the first that it says; the address.
fn serve(answer: impl Fn(TcpStream, &[u8]) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let answer = answer.clone();
            thread::spawn(move || {
                let mut first = [0; 16384];
                let length = stream.read(&mut first).unwrap_or_default();
                answer(stream, &first[..length]);
            });
        }
    });
    address
}

fn runs(live: &Value, version: &str, pods: u32) -> bool {
    live["versions"] == json!({ version: pods })
}

/// Answers whoever asks: yes once it is open, no before.
fn gate() -> (String, Arc<AtomicBool>) {
    let open = Arc::new(AtomicBool::new(false));
    let is_open = open.clone();
    let address = serve(move |mut stream, _| {
        let status = if is_open.load(Ordering::Relaxed) {
            "200 OK"
        } else {
            "403 Forbidden"
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let _ = stream.write_all(answer.as_bytes());
    });
    (format!("http://{address}/"), open)
}

#[test]
#[ignore = "needs real systems, as TIDEGATE_RIG describes them; .ci/run has them"]
fn flagger_waits_for_approval_promotes_and_goes_back() {
    let world = World::start("flagger");
    assert!(
        world.environment("staging").has("flagger"),
        "the spoke needs Flagger: `rig up hub:argocd edge:flagger gitea`"
    );
    let cell = ("cart", "staging");
    let cluster = &world.environment(cell.1).cluster;
    let _flagger = flagger(&world.rig, cluster, &world);
    let namespace = world.namespace(cell.0, cell.1);
    world.release(cell.0, cell.1);
    let (url, open) = gate();
    world.apply(
        cell.1,
        &json!({
            "apiVersion": "flagger.app/v1beta1", "kind": "Canary",
            "metadata": {"name": "cart", "namespace": namespace},
            "spec": {
                "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"},
                "progressDeadlineSeconds": 30,
                "service": {"port": 80, "targetPort": 8080},
                "analysis": {"interval": "10s", "threshold": 1, "iterations": 2, "webhooks": [
                    {"name": "gate", "type": "confirm-rollout", "url": url, "timeout": "5s"}]},
            },
        }),
    );
    let until = |what: &str, is: &dyn Fn(&Value) -> bool| {
        until_told(&world, cell, 2 * ROLLOUT, what, |live| is(live))
    };
    let seen = until("a primary that serves", &|live| {
        live["progress"]["phase"] == "Initialized" && live["health"] == "healthy"
    });
    assert_eq!(
        seen["workloads"],
        json!(["Deployment/cart", "Deployment/cart-primary"]),
        "{seen:#}"
    );
    assert_eq!(seen["reason"], Value::Null, "{seen:#}");

    let deliver = |version: &str| {
        world.bump(cell.0, cell.1, version);
        world.git(&world.clone(), &["fetch", "-q"]);
        let image = format!("registry.example/cart:{version}");
        world.apply(
            cell.1,
            &json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "cart", "namespace": namespace},
                "spec": {
                    "selector": {"matchLabels": {"app": "cart"}},
                    "template": {
                        "metadata": {"labels": {"app": "cart"}},
                        "spec": {"containers": [{"name": "cart", "image": image}]},
                    },
                },
            }),
        );
    };
    deliver("1.1.0");
    let seen = until("awaiting approval", &|live| {
        live["progress"]["phase"] == "Waiting"
    });
    assert_eq!(seen["health"], "paused", "{seen:#}");
    let reason = seen["reason"].as_str().unwrap_or_default();
    assert!(
        reason.contains("awaiting approval, to begin: webhook gate"),
        "{seen:#}"
    );
    world
        .tidegate(&["canary", "promote", cell.0, cell.1, "--yes"])
        .exits(1)
        .says("open that gate");
    open.store(true, Ordering::Relaxed);
    until("promoted", &|live| {
        live["progress"]["phase"] == "Succeeded"
            && live["health"] == "healthy"
            && runs(live, "1.1.0", 2)
    });
    let seen = live(&world, cell.0, cell.1);
    assert_eq!(seen["hop"], Value::Null, "{seen:#}");

    deliver("1.2.0-crash");
    let seen = until("given up", &|live| {
        live["progress"]["phase"] == "Failed" && runs(live, "1.1.0", 2)
    });
    assert_eq!(
        (&seen["health"], &seen["serving"]),
        (&json!("degraded"), &json!("1.1.0"))
    );
    let why = hop(&seen, "serve").unwrap_or_default();
    assert!(why.contains("blue-green aborted; 1.1.0 stays"), "{seen:#}");
}
