//! What changes, told as a Kubernetes watch tells it.

use std::{collections::BTreeMap, time::Duration};

use futures::{Stream, StreamExt, stream};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, BodyStream, StreamBody};
use hyper::body::{Body as HttpBody, Bytes, Frame};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tower::BoxError;

use super::{Answer, Facade, Kind, Server, refused};

/// Where a stream has nothing to begin with, nobody says when it has begun: the list behind it is asked for so much later.
const BEGINS: Duration = Duration::from_secs(1);
/// So often a list is asked for beside the stream, which promises nobody that it misses nothing.
const BESIDE: Duration = Duration::from_mins(3);
/// So often it is where there is no stream.
const ALONE: Duration = Duration::from_mins(1);
/// The longest line: one Application.
const LINE: usize = 8 << 20;

/// What there is of a kind: by namespace and name, the version that was seen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Known(BTreeMap<(String, String), String>);

impl Known {
    /// What a list has.
    pub(super) fn of(list: &Value) -> Self {
        let mut known = Self::default();
        known.compare(list);
        known
    }

    /// What is new, changed or gone in a list, as events.
    fn compare(&mut self, list: &Value) -> Vec<Value> {
        let mut gone = std::mem::take(&mut self.0);
        let mut events = Vec::new();
        for object in list["items"].as_array().into_iter().flatten() {
            let (key, version) = (key(object), version(object));
            let word = match gone.remove(&key) {
                Some(before) if before == version => None,
                Some(_) => Some("MODIFIED"),
                None => Some("ADDED"),
            };
            events.extend(word.map(|word| json!({"type": word, "object": object})));
            self.0.insert(key, version);
        }
        events.extend(gone.into_keys().map(|(namespace, name)| {
            json!({"type": "DELETED", "object": {"metadata": {"namespace": namespace, "name": name}}})
        }));
        events
    }

    /// A line of a stream, as an event; `None` where it tells nothing.
    fn hear(&mut self, line: &Value) -> Option<Value> {
        let result = line.get("result")?;
        let (word, object) = (result.get("type")?, result.get("application")?);
        let key = key(object);
        if word == "DELETED" {
            self.0.remove(&key);
        } else {
            self.0.insert(key, version(object));
        }
        Some(json!({"type": word, "object": object}))
    }
}

fn key(object: &Value) -> (String, String) {
    let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default();
    (text("namespace").to_owned(), text("name").to_owned())
}

fn version(object: &Value) -> String {
    let version = object["metadata"]["resourceVersion"].as_str();
    version.unwrap_or_default().to_owned()
}

/// Watches a kind: the answer to kube's request, whose body lasts as long as somebody reads it.
pub(super) fn watch<F, B>(server: Server<F>, facade: Facade, kind: Kind) -> Answer
where
    F: Future<Output = Result<Response<B>, BoxError>> + Send + 'static,
    B: HttpBody<Data = Bytes, Error = BoxError> + Send + Unpin + 'static,
{
    let (lines, heard) = mpsc::channel(64);
    tokio::spawn(async move {
        tokio::select! {
            () = lines.closed() => {}
            told = tell(&server, &facade, kind, &lines) => if let Err(error) = told {
                // Nobody hears it where the watch has ended.
                let _ = lines.send(Err(error)).await;
            }
        }
    });
    let lines = stream::unfold(heard, |mut heard| async {
        let line: Result<Bytes, BoxError> = heard.recv().await?;
        Some((line.map(Frame::data), heard))
    });
    let mut answer = Response::new(StreamBody::new(lines).boxed_unsync());
    *answer.status_mut() = StatusCode::OK;
    answer
}

type Lines = mpsc::Sender<Result<Bytes, BoxError>>;

async fn tell<F, B>(
    server: &Server<F>,
    facade: &Facade,
    kind: Kind,
    lines: &Lines,
) -> Result<(), BoxError>
where
    F: Future<Output = Result<Response<B>, BoxError>> + Send + 'static,
    B: HttpBody<Data = Bytes, Error = BoxError> + Send + Unpin + 'static,
{
    let say = async |event: Value| {
        let line = Bytes::from(format!("{event}\n"));
        lines.send(Ok(line)).await.is_ok()
    };
    let (first, every) = match kind {
        Kind::Application => (BEGINS, BESIDE),
        Kind::ApplicationSet | Kind::AppProject => (ALONE, ALONE),
    };
    let mut events = std::pin::pin!(match kind {
        Kind::Application => opened(server).left_stream(),
        Kind::ApplicationSet | Kind::AppProject => stream::pending().right_stream(),
    });
    let mut due = Instant::now() + first;
    loop {
        let events = tokio::select! {
            line = events.next() => match line {
                Some(Ok(Line::Said(line))) => {
                    facade.with(kind, |known| known.hear(&line)).into_iter().collect()
                }
                Some(Ok(Line::Refused(status))) => vec![json!({"type": "ERROR", "object": status})],
                Some(Err(error)) => return Err(error),
                // It is taken up again, with a list behind it.
                None => return Ok(()),
            },
            () = sleep_until(due) => {
                due = Instant::now() + every;
                match server.list(kind).await? {
                    Ok(list) => facade.with(kind, |known| known.compare(&list)),
                    Err(refused) => vec![json!({"type": "ERROR", "object": body(refused).await?})],
                }
            }
        };
        for event in events {
            let ends = event["type"] == "ERROR";
            if !say(event).await || ends {
                return Ok(());
            }
        }
    }
}

/// What comes of a stream.
enum Line {
    Said(Value),
    /// It was refused, as Kubernetes would say that.
    Refused(Value),
}

/// The stream of Applications, from now on. Its server answers with the first event, not before.
fn opened<F, B>(server: &Server<F>) -> impl Stream<Item = Result<Line, BoxError>> + use<'_, F, B>
where
    F: Future<Output = Result<Response<B>, BoxError>> + Send + 'static,
    B: HttpBody<Data = Bytes, Error = BoxError> + Send + Unpin + 'static,
{
    let opened = async {
        // What there is comes with the list; any version says that.
        let path = "/api/v1/stream/applications?resourceVersion=0";
        let response = match server.get(path).await {
            Ok(response) => response,
            Err(error) => return stream::iter([Err(error)]).left_stream(),
        };
        if !response.status().is_success() {
            let status = async { body(refused(response).await?).await }.await;
            return stream::iter([status.map(Line::Refused)]).left_stream();
        }
        split(BodyStream::new(response.into_body())).right_stream()
    };
    stream::once(opened).flatten()
}

/// The lines of a body, each a JSON value.
fn split<B>(body: BodyStream<B>) -> impl Stream<Item = Result<Line, BoxError>>
where
    B: HttpBody<Data = Bytes, Error = BoxError> + Unpin,
{
    stream::unfold(Some((body, Vec::new())), |state| async {
        let (mut body, mut rest) = state?;
        loop {
            if let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=at).collect();
                return Some(match serde_json::from_slice(&line) {
                    Ok(value) => (Ok(Line::Said(value)), Some((body, rest))),
                    Err(_) if line.trim_ascii().is_empty() => continue,
                    Err(error) => (Err(error.into()), None),
                });
            }
            if rest.len() > LINE {
                let why = "Argo CD sends a line that does not end";
                return Some((Err(why.into()), None));
            }
            match body.next().await? {
                Ok(frame) => rest.extend(frame.data_ref().into_iter().flatten()),
                Err(error) => return Some((Err(error), None)),
            }
        }
    })
}

/// The JSON of an answer of ours.
async fn body(answer: Answer) -> Result<Value, BoxError> {
    let body = answer.into_body().collect().await?;
    Ok(serde_json::from_slice(&body.to_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(name: &str, version: u32) -> Value {
        json!({"metadata": {"name": name, "namespace": "argocd", "resourceVersion": version.to_string()}})
    }

    fn told(events: &[Value]) -> Vec<String> {
        let word = |event: &Value| {
            let name = event["object"]["metadata"]["name"].as_str();
            format!(
                "{} {}",
                event["type"].as_str().unwrap_or_default(),
                name.unwrap_or_default()
            )
        };
        events.iter().map(word).collect()
    }

    #[test]
    fn a_list_tells_what_is_new_changed_and_gone_since_the_last() {
        let list = |all: &[(&str, u32)]| {
            let items = all
                .iter()
                .map(|(name, version)| application(name, *version));
            json!({"items": items.collect::<Vec<_>>()})
        };
        let mut known = Known::of(&list(&[("a", 1), ("b", 1), ("c", 1)]));
        let events = known.compare(&list(&[("a", 1), ("b", 2), ("d", 1)]));
        assert_eq!(told(&events), ["MODIFIED b", "ADDED d", "DELETED c"]);
        let line =
            |word: &str, object: Value| json!({"result": {"type": word, "application": object}});
        let heard = known.hear(&line("MODIFIED", application("a", 2)));
        assert_eq!(told(&heard.into_iter().collect::<Vec<_>>()), ["MODIFIED a"]);
        known.hear(&line("DELETED", application("d", 1)));
        assert_eq!(known.hear(&json!({"error": {"code": 7}})), None);
        assert_eq!(
            told(&known.compare(&list(&[("a", 2), ("b", 2)]))),
            Vec::<String>::new(),
            "the stream told that"
        );
        assert_eq!(told(&known.compare(&json!({"items": null}))).len(), 2);
    }

    #[tokio::test]
    async fn lines_are_put_together_from_pieces() {
        let pieces = ["{\"a\":", "1}\n\n{\"a\":2}", "\n{\"a"];
        let frames = pieces.map(|it| Ok::<_, BoxError>(Frame::data(Bytes::from(it))));
        let body = BodyStream::new(StreamBody::new(stream::iter(frames)));
        let lines: Vec<_> = split(body).collect().await;
        let values: Vec<_> = lines
            .into_iter()
            .map(|line| match line {
                Ok(Line::Said(value)) => value["a"].clone(),
                _ => Value::Null,
            })
            .collect();
        assert_eq!(values, [json!(1), json!(2)]);
    }
}
