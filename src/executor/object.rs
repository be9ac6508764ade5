//! Single objects of clusters, and the logs of pods, for whoever looks at them.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use jiff::Timestamp;
use serde_json::Value;

use super::Shared;
use crate::{
    app::event::{Epoch, Event, LogPart},
    domain::{
        rollout::{LogRequest, Look, ObjectAt, ObjectKind, describe},
        text::sanitise,
    },
    sources::cluster::{Kind, Objects, Place},
    workflow::cluster_options,
};

/// Lines that come within this time of each other are told together.
const GATHER: Duration = Duration::from_millis(80);
/// Lines that are told together at most.
const MOST: usize = 2_000;
/// Lines of an object at most.
const LINES: usize = 20_000;

/// Reads an object for a screen.
pub(super) async fn show(shared: Arc<Shared>, epoch: Epoch, at: ObjectAt, look: Look) {
    let result = read(&shared, &at, look).await;
    shared.tell(Event::ObjectShown { epoch, result });
}

async fn read(shared: &Shared, at: &ObjectAt, look: Look) -> Result<Vec<String>, String> {
    let options = cluster_options(&shared.project());
    let objects = Objects::connect(&at.context, &options).await?;
    let place = Place {
        kind: Kind::Watched(at.kind),
        namespace: at.namespace.clone(),
        name: at.name.clone(),
    };
    let object = objects.get(&place).await?;
    let mut lines = match look {
        Look::Yaml => {
            let text = serde_yaml::to_string(&object).map_err(|error| error.to_string())?;
            text.lines()
                .map(|line| sanitise(line).into_owned())
                .collect()
        }
        Look::Description => {
            // What may not be read of its events leaves the rest.
            let notes = objects.notes(&place).await.unwrap_or_default();
            describe(&object, &notes, Timestamp::now())
        }
    };
    let more = lines.len().saturating_sub(LINES);
    if more > 0 {
        lines.truncate(LINES);
        lines.push(format!("… {more} more lines"));
    }
    Ok(lines)
}

/// Follows a log for a screen, until its task is ended.
pub(super) async fn follow(shared: Arc<Shared>, epoch: Epoch, request: LogRequest) {
    let tell = |part| shared.tell(Event::Log { epoch, part });
    let result = lines(&shared, request, &tell).await;
    tell(LogPart::End(result));
}

async fn lines(
    shared: &Shared,
    mut request: LogRequest,
    tell: &impl Fn(LogPart),
) -> Result<(), String> {
    let options = cluster_options(&shared.project());
    let objects = Objects::connect(&request.context, &options).await?;
    let place = Place {
        kind: Kind::Watched(ObjectKind::Pod),
        namespace: request.namespace.clone(),
        name: request.pod.clone(),
    };
    let pod = objects.get(&place).await?;
    let containers = containers(&pod);
    if request.container.is_none() {
        request.container = main(&pod, &containers);
    }
    let of = |request: &LogRequest| LogPart::Of {
        container: request.container.clone().unwrap_or_default(),
        containers: containers.clone(),
        previous: request.previous,
    };
    // A kubelet answers when a container that is followed first writes: what it is that writes nothing is said before.
    tell(of(&request));
    let mut log = objects.log(&request).await;
    if log.is_err() && request.previous {
        // There is none before, or it is not kept: what runs says what there is.
        request.previous = false;
        request.follow = true;
        tell(of(&request));
        log = objects.log(&request).await;
    }
    let mut log = log?.ready_chunks(16);
    while let Some(pieces) = log.next().await {
        let mut all = Vec::new();
        for piece in pieces {
            let piece = match piece {
                Ok(piece) => piece,
                Err(why) => {
                    tell(LogPart::Lines(all));
                    return Err(why);
                }
            };
            all.extend(piece);
        }
        let whole = all.len() < MOST;
        tell(LogPart::Lines(all));
        if whole {
            tokio::time::sleep(GATHER).await;
        }
    }
    Ok(())
}

/// The containers of a pod: those that serve first, then those that ran before them.
fn containers(pod: &Value) -> Vec<String> {
    let of = |pointer: &str| {
        let all = pod.pointer(pointer).and_then(Value::as_array).cloned();
        let all = all.unwrap_or_default().into_iter();
        all.filter_map(|it| Some(it.get("name")?.as_str()?.to_owned()))
            .collect::<Vec<_>>()
    };
    let mut all = of("/spec/containers");
    all.extend(of("/spec/initContainers"));
    all
}

/// The container whose log says most: one that waits, was ended or restarts, else the pod's own default, else the first.
fn main(pod: &Value, containers: &[String]) -> Option<String> {
    let status = ["/status/containerStatuses", "/status/initContainerStatuses"];
    let all = status.iter().filter_map(|it| pod.pointer(it)?.as_array());
    let troubled = |it: &&Value| {
        let restarts = it.get("restartCount").and_then(Value::as_i64);
        let ready = it.get("ready").and_then(Value::as_bool);
        let done = it.pointer("/state/terminated/exitCode") == Some(&Value::from(0));
        ready == Some(false)
            && !done
            && (restarts > Some(0) || it.pointer("/state/terminated").is_some())
    };
    let name = |it: &Value| Some(it.get("name")?.as_str()?.to_owned());
    let ailing = all.flatten().find(troubled).and_then(name);
    let annotations = pod.pointer("/metadata/annotations");
    let default = annotations.and_then(|it| it.get("kubectl.kubernetes.io/default-container"));
    let default = default.and_then(|it| Some(it.as_str()?.to_owned()));
    ailing
        .or(default.filter(|it| containers.contains(it)))
        .or_else(|| containers.first().cloned())
}
