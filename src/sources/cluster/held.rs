//! Whether Secrets and `ConfigMaps` are there that workloads refer to: asked for one by one, by their names, and only while
//! somebody waits for them. None is watched or listed.
//!
//! Their metadata suffices, and of that not even the body is read into anything. Where keys are asked for the object is read
//! whole, as there is no other way; its values are passed over as it is parsed, the names of other keys are dropped with it,
//! and the bytes that were gathered for that are overwritten.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::StreamExt;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};
use serde::{Deserialize, de::IgnoredAny};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};

use super::{Options, watcher::Word};
use crate::domain::{
    rollout::{Held, Presence},
    text::sanitise,
};

/// How many are asked for at a time.
const AT_A_TIME: usize = 4;
/// So many are asked for of one cluster at most: where more are waited for it is not these that a column fails by.
const MOST: usize = 512;
/// How much sooner than others is asked again for what was not there.
const SOONER: u32 = 3;
/// The longest answer: an API server takes no Secret or `ConfigMap` above 1 MiB, which is in base64 here.
const LONGEST: usize = 4 << 20;

/// Room for an answer that does not say how long it is.
const USUAL: usize = 64 << 10;

/// Keeps asking for what is wanted, and tells what was said of it.
pub(super) async fn run(
    client: Client,
    options: Options,
    mut wanted: watch::Receiver<BTreeSet<Held>>,
    out: mpsc::Sender<(u32, Word)>,
) {
    let mut due: BTreeMap<Held, Instant> = BTreeMap::new();
    loop {
        let now = Instant::now();
        {
            let wanted = wanted.borrow_and_update();
            due.retain(|held, _| wanted.contains(held));
            for held in wanted.iter().take(MOST) {
                due.entry(held.clone()).or_insert(now);
            }
        }
        let next = due.values().min().copied();
        if let Some(at) = next.filter(|at| *at > now) {
            tokio::select! {
                changed = wanted.changed() => if changed.is_err() { return },
                () = sleep_until(at) => {}
            }
            continue;
        }
        if next.is_none() {
            if wanted.changed().await.is_err() {
                return;
            }
            continue;
        }
        let asked: Vec<Held> = due
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(held, _)| held.clone())
            .collect();
        let answers = futures::stream::iter(asked).map(|held| {
            let client = client.clone();
            let patience = options.patience;
            async move {
                let presence = timeout(patience, presence(&client, &held)).await;
                (held, presence.unwrap_or(None))
            }
        });
        let mut answers = answers.buffer_unordered(AT_A_TIME);
        while let Some((held, presence)) = answers.next().await {
            let wait = wait(&held, presence.as_ref(), &options);
            if let Some(at) = due.get_mut(&held) {
                *at = Instant::now() + wait;
            }
            if let Some(presence) = presence
                && out.send((0, Word::Held { held, presence })).await.is_err()
            {
                return;
            }
        }
    }
}

/// When it is asked for again: what lacks is waited for.
fn wait(held: &Held, presence: Option<&Presence>, options: &Options) -> Duration {
    let is_whole = match presence {
        Some(Presence::There { lacks }) => lacks.is_empty(),
        Some(Presence::Unseen(_)) => true,
        Some(Presence::Missing) => false,
        None => {
            tracing::debug!(kind = %held.kind, name = held.name, "no answer whether it is there");
            false
        }
    };
    options.ask_again / if is_whole { 1 } else { SOONER }
}

/// What the server says of it; `None` where it says nothing that tells.
async fn presence(client: &Client, held: &Held) -> Option<Presence> {
    const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    if !is_name(&held.name) {
        return Some(Presence::Missing);
    }
    let (status, body) = ask(client, held, METADATA).await?;
    match told(status, &body)? {
        Presence::There { .. } if !held.keys.is_empty() => {}
        presence => return Some(presence),
    }
    let (status, body) = ask(client, held, "application/json").await?;
    match told(status, &body)? {
        Presence::There { .. } => {
            let lacks = lacks(body.expose_secret(), &held.keys)?;
            Some(Presence::There { lacks })
        }
        // Who may see that it is there may not see what is in it: that is not known to lack.
        Presence::Unseen(_) => Some(Presence::There { lacks: Vec::new() }),
        Presence::Missing => Some(Presence::Missing),
    }
}

async fn ask(
    client: &Client,
    held: &Held,
    accept: &str,
) -> Option<(StatusCode, SecretBox<Vec<u8>>)> {
    let Held {
        namespace,
        kind,
        name,
        ..
    } = held;
    let path = format!("/api/v1/namespaces/{namespace}/{}/{name}", kind.plural());
    let request = Request::get(path).header("accept", accept);
    let request = request.body(Body::empty()).ok()?;
    let response = client.send(request).await.ok()?;
    let status = response.status();
    let length = response.headers().get(http::header::CONTENT_LENGTH);
    let length = length.and_then(|it| it.to_str().ok()?.parse::<usize>().ok());
    let mut body = response.into_body();
    // Of its whole length from the beginning: what grows leaves copies behind that nobody overwrites.
    let room = length.unwrap_or(USUAL).min(LONGEST);
    let mut read: SecretBox<Vec<u8>> = SecretBox::new(Box::new(Vec::with_capacity(room)));
    while let Some(frame) = body.frame().await {
        let data = frame.ok()?.into_data().unwrap_or_default();
        let read = read.expose_secret_mut();
        if read.len() + data.len() > LONGEST {
            return None;
        }
        read.extend_from_slice(&data);
    }
    Some((status, read))
}

/// Whether an object can be called so: lower-case letters, digits, `-` and `.`. A template may hold any text, which would lead
/// elsewhere in the path of a request.
fn is_name(text: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.bytes()
        .all(|it| is_fine(it) || matches!(it, b'-' | b'.'))
        && text.bytes().next().is_some_and(is_fine)
        && text.bytes().last().is_some_and(is_fine)
}

fn told(status: StatusCode, body: &SecretBox<Vec<u8>>) -> Option<Presence> {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    match status {
        StatusCode::OK => Some(Presence::There { lacks: Vec::new() }),
        StatusCode::NOT_FOUND => Some(Presence::Missing),
        StatusCode::FORBIDDEN => {
            let refusal = serde_json::from_slice::<Refusal>(body.expose_secret());
            let words = refusal.map_or_else(|_| "403".to_owned(), |it| it.message);
            Some(Presence::Unseen(sanitise(&words).into_owned()))
        }
        _ => None,
    }
}

/// Which of the keys an object lacks; `None` where it is none.
fn lacks(body: &[u8], keys: &[String]) -> Option<Vec<String>> {
    // Keys with what takes the place of values: these are never made into anything.
    #[allow(clippy::zero_sized_map_values)]
    #[derive(Deserialize)]
    struct Content {
        #[serde(default)]
        data: Option<BTreeMap<String, IgnoredAny>>,
        #[serde(default, rename = "binaryData")]
        binary: Option<BTreeMap<String, IgnoredAny>>,
    }
    let Content { data, binary } = serde_json::from_slice(body).ok()?;
    let has = |key: &String| {
        [&data, &binary]
            .into_iter()
            .flatten()
            .any(|all| all.contains_key(key))
    };
    Some(keys.iter().filter(|key| !has(key)).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_no_name_is_not_asked_for() {
        let names = ["web", "web-1.tls", "9"];
        assert!(names.into_iter().all(is_name));
        let others = [
            "",
            "..",
            "../pods",
            "a/b",
            "a?watch=1",
            "a%2Fb",
            "Web",
            "-a",
            "a.",
        ];
        assert!(!others.into_iter().any(is_name));
    }

    #[test]
    fn keys_are_looked_for_and_nothing_else_is_kept() {
        let keys = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let cases = [
            (
                r#"{"data": {"a": "eA==", "c": "eA==", "d": "eA=="}}"#,
                Some("b"),
            ),
            (r#"{"data": {"a": ""}, "binaryData": {"b": ""}}"#, Some("c")),
            (r#"{"data": null}"#, Some("a b c")),
            (r#"{"kind": "Secret"}"#, Some("a b c")),
            (r#"{"data": 7}"#, None),
            ("", None),
        ];
        for (body, expected) in cases {
            let found = lacks(body.as_bytes(), &keys).map(|it| it.join(" "));
            assert_eq!(found.as_deref(), expected, "{body}");
        }
    }
}
