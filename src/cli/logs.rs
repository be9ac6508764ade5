//! `tidegate logs`: what the containers of a cell's pods write.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::{
    StreamExt,
    stream::{self, BoxStream, SelectAll},
};
use jiff::Timestamp;
use serde_json::json;

use super::{
    Context,
    args::LogsArgs,
    change::FIRST_ANSWER,
    fail::Exit,
    output::{Output, clean},
};
use crate::{
    domain::{
        failure::{Failure, FailureKind},
        ids::CellKey,
        rollout::{LiveCell, LogLine, LogRequest, PodState},
    },
    sources::cluster::Objects,
    stdio,
    workflow::{self, Project},
};

/// Pods that are followed at a time.
const MOST_PODS: usize = 20;

pub(super) async fn run(context: &Context, args: &LogsArgs) -> Result<Exit, Failure> {
    let output = &context.output;
    if context.common.offline {
        return Err(Failure::usage(
            "--offline asks nobody, and logs are in the cluster",
        ));
    }
    if let Some(container) = &args.container
        && !container
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    {
        return Err(Failure::usage(format!(
            "`{}` is no name of a container",
            clean(container)
        )));
    }
    let project = context.open()?;
    let reading = project.read()?;
    let service = Project::service(&reading.desired, &args.service)?;
    let environment = Project::environment(&reading.desired, &args.environment)?;
    let cell = CellKey::new(service, environment);
    let seen = workflow::look_at(&project, &reading, &cell, FIRST_ANSWER, Timestamp::now).await?;
    let pods = chosen(&seen.live, &cell, args)?;
    let refused = |why: String| Failure::new(FailureKind::Refused, why);
    let options = workflow::cluster_options(&project);
    let objects = Objects::connect(&seen.context, &options)
        .await
        .map_err(refused)?;
    let several = pods.len() > 1;
    let objects = Arc::new(objects);
    let mut streams = SelectAll::new();
    for pod in &pods {
        let request = LogRequest {
            context: seen.context.clone(),
            namespace: seen.namespace.clone(),
            pod: pod.name.clone(),
            container: args.container.clone(),
            previous: args.previous,
            follow: args.follow,
            tail: args.tail.or(args.follow.then_some(100)),
            since_seconds: args.since.map(seconds),
        };
        output.detail(format!("as {}", request.command()));
        streams.push(pieces(objects.clone(), pod.name.clone(), request));
    }
    let told = Told { args, several };
    let mut exit = Exit::Done;
    // Of many pods, some have no log yet.
    let mut unopened = Vec::new();
    while let Some((pod, piece)) = streams.next().await {
        match piece {
            Ok(lines) => lines.iter().for_each(|line| told.tell(output, &pod, line)),
            Err(Broken::Unopened(why)) => {
                if several {
                    output.note(clean(&why));
                }
                unopened.push(why);
            }
            Err(Broken::Off(why)) => {
                exit = Exit::Failed;
                output.note(clean(&format!("{pod}: {why}")));
            }
        }
        // Nobody reads any more.
        if stdio::lost().is_some() {
            break;
        }
    }
    if unopened.len() == pods.len() {
        return Err(refused(unopened.join("; ")));
    }
    Ok(exit)
}

/// Why nothing more comes of a log.
enum Broken {
    /// It cannot be opened.
    Unopened(String),
    /// It broke off.
    Off(String),
}

type Piece = (String, Result<Vec<LogLine>, Broken>);

/// What a pod writes, beside its name. Logs are opened side by side: that of a container that is followed and writes nothing
/// is not open before it does.
fn pieces(objects: Arc<Objects>, pod: String, request: LogRequest) -> BoxStream<'static, Piece> {
    let opened = async move {
        match objects.log(&request).await {
            Ok(lines) => lines.map(|it| it.map_err(Broken::Off)).boxed(),
            Err(why) => stream::iter([Err(Broken::Unopened(why))]).boxed(),
        }
    };
    let pieces = stream::once(opened).flatten();
    pieces.map(move |piece| (pod.clone(), piece)).boxed()
}

/// The pods whose logs are wanted: the one that is named, else all of the cell.
fn chosen<'a>(
    live: &'a LiveCell,
    cell: &CellKey,
    args: &LogsArgs,
) -> Result<Vec<&'a PodState>, Failure> {
    let refused = |why: String| Failure::new(FailureKind::Refused, why);
    let names = || {
        let names: BTreeSet<&str> = live.pods.iter().map(|pod| pod.name.as_str()).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    };
    if let Some(name) = &args.pod {
        let pod = live.pods.iter().find(|pod| pod.name == *name);
        let pod = pod.ok_or_else(|| {
            refused(format!(
                "{cell} has no pod {}; there are: {}",
                clean(name),
                names()
            ))
        })?;
        return Ok(vec![pod]);
    }
    let all: Vec<_> = live.pods.iter().collect();
    match all.len() {
        0 => Err(refused(format!("{cell} has no pods"))),
        count if count > MOST_PODS => Err(Failure::usage(format!(
            "{cell} has {count} pods, more than {MOST_PODS}: name one with --pod: {}",
            names()
        ))),
        _ => Ok(all),
    }
}

fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX).max(1)
}

/// How lines are told.
struct Told<'a> {
    args: &'a LogsArgs,
    several: bool,
}

impl Told<'_> {
    fn tell(&self, output: &Output, pod: &str, line: &LogLine) {
        if output.is_json() {
            let value = json!({
                "schema": "tidegate.log/v1",
                "service": self.args.service,
                "environment": self.args.environment,
                "pod": pod,
                "container": self.args.container,
                "time": line.time,
                "text": line.text,
            });
            stdio::json(&value.to_string());
            return;
        }
        let time = line.time.filter(|_| self.args.timestamps);
        let time = time.map_or(String::new(), |time| format!("{time} "));
        let pod = if self.several {
            format!("{} ", clean(pod))
        } else {
            String::new()
        };
        output.line(format!("{pod}{time}{}", line.text));
    }
}
