//! What must hold of any bytes as the answers of a server: for the fuzz target `watch`, and for a test over its seeds. What is
//! told does not depend on how the bytes come in pieces, watching ends when the server has nothing more to say, and a server
//! is not asked again and again without a pause.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::stream;
use http::{Request, Response};
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Bytes, Frame};
use kube::{Client, client::Body};
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};
use tower::{BoxError, Layer, service_fn};

use super::{
    Options,
    bounds::Pace,
    watcher::{WatchKey, Word, run},
};
use crate::domain::rollout::{ClusterEvent, ClusterView, ObjectKind};

/// What stands between two answers of the input; no byte of UTF-8.
const BETWEEN: u8 = 0xff;
/// More answers than that make no other case.
const MOST: usize = 24;

/// Bytes as what a server says: the first chooses the kind that is watched, the second the size of the pieces, the rest are
/// the answers to one request after the other. An answer's first byte chooses its status, the others are its body.
pub(crate) fn check(bytes: &[u8]) {
    let [kind, size, rest @ ..] = bytes else {
        return;
    };
    let kind = ObjectKind::ALL[usize::from(*kind) % ObjectKind::ALL.len()];
    let answers: Vec<&[u8]> = rest.split(|byte| *byte == BETWEEN).take(MOST).collect();
    let whole = told(kind, &answers, usize::MAX);
    let pieces = told(kind, &answers, usize::from(*size).max(1));
    // Pauses are random. So is whether failures are in a row, and with that at which of them a watch is given up: what else
    // was told until then is the same.
    let failed = |word: &&String| word.starts_with("failed ") || *word == "hiccup";
    if whole.iter().chain(&pieces).any(|word| failed(&word)) {
        let told = whole.iter().filter(|word| !failed(word));
        let told_too = pieces.iter().filter(|word| !failed(word));
        for (word, too) in told.zip(told_too) {
            assert_eq!(word, too, "in pieces of {size}");
        }
    } else {
        assert_eq!(whole, pieces, "in pieces of {size}");
    }
}

/// What is told of these answers.
fn told(kind: ObjectKind, answers: &[&[u8]], size: usize) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let Ok(runtime) = runtime else {
        return Vec::new();
    };
    runtime.block_on(async {
        let server = Server {
            left: answers.iter().map(|answer| answer.to_vec()).collect(),
            asked: Vec::new(),
            size,
        };
        let server = Arc::new(Mutex::new(server));
        let silent = Arc::new(Notify::new());
        let options = Options::default();
        let service = {
            let (server, silent) = (server.clone(), silent.clone());
            service_fn(move |request: Request<Body>| {
                let answer = {
                    let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
                    server.answer(&request)
                };
                let silent = silent.clone();
                async move {
                    let Some(answer) = answer else {
                        silent.notify_one();
                        return std::future::pending().await;
                    };
                    Ok::<_, BoxError>(answer)
                }
            })
        };
        let client = Client::new(Pace::new(&options).layer(service), "default");
        let key = WatchKey {
            kind,
            namespace: None,
        };
        let wanted = Arc::new(BTreeSet::from(["a".to_owned(), "b".to_owned()]));
        let (out, mut heard) = mpsc::channel(4);
        let mut message = Vec::new();
        let mut view = ClusterView::default();
        let watching = run(client, options, 7, key, wanted.clone(), out);
        tokio::pin!(watching);
        loop {
            tokio::select! {
                biased;
                Some((id, word)) = heard.recv() => {
                    assert_eq!(id, 7);
                    message.push(say(kind, &wanted, word, &mut view));
                }
                () = silent.notified() => break,
                () = &mut watching => break,
            }
        }
        while let Ok((_, word)) = heard.try_recv() {
            message.push(say(kind, &wanted, word, &mut view));
        }
        let asked = server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .asked
            .clone();
        patient(&asked);
        message
    })
}

/// No more than so many requests stand within a second; pages of a list, which bring something, do not count.
fn patient(asked: &[(Instant, bool)]) {
    let counted: Vec<Instant> = asked.iter().filter(|it| !it.1).map(|it| it.0).collect();
    for window in counted.windows(12) {
        let took = window[11] - window[0];
        assert!(
            took >= Duration::from_secs(1),
            "12 requests within {took:?}"
        );
    }
}

/// A word as text, after the domain has had it.
fn say(kind: ObjectKind, wanted: &BTreeSet<String>, word: Word, view: &mut ClusterView) -> String {
    let namespaces = wanted.clone();
    let (said, event) = match word {
        Word::Listed(objects) => (
            format!("listed {objects:?}"),
            Some(ClusterEvent::Reset {
                kind,
                namespaces,
                objects,
            }),
        ),
        Word::Applied(object) => (
            format!("applied {object:?}"),
            Some(ClusterEvent::Applied(object)),
        ),
        Word::Deleted { namespace, name } => (
            format!("deleted {namespace:?} {name:?}"),
            Some(ClusterEvent::Deleted {
                kind,
                namespace,
                name,
            }),
        ),
        Word::Denied(what) => {
            plain(&what);
            (format!("denied {what}"), None)
        }
        Word::Failed(failure) => {
            plain(&failure.message());
            (format!("failed {failure:?}"), None)
        }
        Word::Absent => ("absent".to_owned(), None),
        Word::Hiccup => ("hiccup".to_owned(), None),
        Word::Alive | Word::Held { .. } | Word::Notes(_) => {
            unreachable!("a watch does not say this")
        }
    };
    if let Some(event) = event {
        view.apply(event, jiff::Timestamp::UNIX_EPOCH);
    }
    said
}

/// One line that is no longer than a line.
fn plain(message: &str) {
    assert!(!message.chars().any(char::is_control), "{message:?}");
    assert!(message.chars().count() < 1000, "{message:?}");
}

struct Server {
    left: VecDeque<Vec<u8>>,
    /// When it was asked, and whether for a page of a list.
    asked: Vec<(Instant, bool)>,
    size: usize,
}

impl Server {
    fn answer(
        &mut self,
        request: &Request<Body>,
    ) -> Option<Response<UnsyncBoxBody<Bytes, BoxError>>> {
        let query = request.uri().query().unwrap_or_default();
        self.asked
            .push((Instant::now(), query.contains("continue=")));
        let answer = self.left.pop_front()?;
        let (first, body) = answer
            .split_first()
            .map_or((0, &[][..]), |(it, rest)| (*it, rest));
        let status = match first {
            b'4' => 410,
            b'3' => 403,
            b'1' => 401,
            b'0' => 404,
            b'9' => 429,
            b'5' => 503,
            _ => 200,
        };
        let frames: Vec<Result<Frame<Bytes>, BoxError>> = body
            .chunks(self.size.min(body.len().max(1)))
            .map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece))))
            // A connection that breaks in the middle.
            .chain((first == b'x').then(|| Err("connection reset".into())))
            .collect();
        let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        if first == b'9' {
            let after = http::HeaderValue::from_static("2");
            response
                .headers_mut()
                .insert(http::header::RETRY_AFTER, after);
        }
        Some(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_that_always_breaks_is_lost_whatever_the_pauses_are() {
        let list: &[u8] = b" {\"metadata\": {\"resourceVersion\": \"1\"}, \"items\": []}";
        let mut answers = vec![list];
        answers.resize(20, b"x");
        // Pauses are drawn by lot.
        for _ in 0..20 {
            let message = told(ObjectKind::Pod, &answers, 1);
            assert_eq!(message.len(), 7, "{message:?}");
            assert!(message[6].starts_with("failed Broken"), "{message:?}");
        }
    }
}
