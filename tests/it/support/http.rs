//! Git over HTTP on a loopback socket: Git's own server program behind a small gateway that asks for a password.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    thread,
};

use super::terminal::isolated;

/// `user:sesame`, as the header that carries it.
const AUTHORIZATION: &str = "Basic dXNlcjpzZXNhbWU=";

/// Serves the repositories below `root` to `user` with the password `sesame`, for as long as the test runs. The port.
pub fn serve(root: &Path) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let root = root.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let root = root.clone();
            // A client that goes away is none of the server's business.
            thread::spawn(move || answer(stream, &root).ok());
        }
    });
    port
}

fn answer(mut stream: TcpStream, root: &Path) -> io::Result<()> {
    let request = Request::read(&stream)?;
    if request.header("authorization") != AUTHORIZATION {
        return stream.write_all(
            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    }
    git(&mut stream, root, request)
}

/// What a client asks for.
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    /// The next one of a connection.
    pub fn read(stream: &TcpStream) -> io::Result<Self> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: BTreeMap::new(),
            body: Vec::new(),
        };
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(": ") else {
                break;
            };
            let name = name.to_ascii_lowercase();
            request.headers.insert(name, value.to_owned());
        }
        request.body = vec![0; request.header("content-length").parse().unwrap_or(0)];
        reader.read_exact(&mut request.body)?;
        Ok(request)
    }

    /// A header, empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Answers by Git's own server program, whoever asks.
pub fn git(stream: &mut TcpStream, root: &Path, request: Request) -> io::Result<()> {
    let mut child = Command::new("git")
        .arg("http-backend")
        .env_clear()
        .envs(isolated(root))
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_USER", "user")
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", &request.path)
        .env("QUERY_STRING", &request.query)
        .env("CONTENT_TYPE", request.header("content-type"))
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", request.header("content-encoding"))
        .env("GIT_PROTOCOL", request.header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().expect("its standard input");
    thread::spawn(move || stdin.write_all(&request.body).ok());
    let output = child.wait_with_output()?.stdout;
    let head = output.windows(4).position(|four| four == b"\r\n\r\n");
    let head = String::from_utf8_lossy(&output[..head.unwrap_or(0)]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: "));
    write!(
        stream,
        "HTTP/1.1 {}\r\nConnection: close\r\n",
        status.unwrap_or("200 OK")
    )?;
    stream.write_all(&output)
}
