//! `GET …/pods/NAME/log`: what the containers of simulated pods write.

use std::{collections::BTreeMap, collections::VecDeque, time::Duration};

use futures::Stream;
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use jiff::Timestamp;
use serde_json::Value;

use super::{status::ApiError, store::Store};

/// How often a pod that runs writes something.
const WRITES: Duration = Duration::from_secs(1);

/// Which log is asked for.
pub(super) struct Asked {
    store: Store,
    namespace: String,
    pod: String,
    timestamps: bool,
}

impl Asked {
    /// The lines that are there, and whether more come.
    ///
    /// # Errors
    /// 404 where there is no such pod, 400 where it has no such log.
    pub(super) fn read(
        store: &Store,
        namespace: &str,
        pod: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<(Self, VecDeque<Bytes>, bool), ApiError> {
        let is = |name: &str| parameters.get(name).is_some_and(|value| value == "true");
        let resource = store.resource("pods").ok_or_else(ApiError::no_such_path)?;
        let object = store
            .get("pods", namespace, pod)
            .ok_or_else(|| ApiError::not_found(&resource, pod))?;
        let container = parameters.get("container").map(String::as_str);
        let previous = is("previous");
        let asked = Self {
            store: store.clone(),
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
            timestamps: is("timestamps"),
        };
        let all = object["spec"]["containers"].as_array();
        let mut all = all.into_iter().flatten();
        if let Some(name) = container.filter(|name| !all.any(|it| it["name"] == *name)) {
            let words = format!("container {name} is not valid for pod {pod}");
            return Err(ApiError::bad_request(words));
        }
        let text = match store.log(namespace, pod, previous) {
            Some(text) => text,
            None => written(&object, container, previous)?,
        };
        let mut lines: VecDeque<Bytes> = text.lines().map(|line| asked.line(line)).collect();
        let tail = parameters.get("tailLines").and_then(|it| it.parse().ok());
        while tail.is_some_and(|tail: usize| lines.len() > tail) {
            lines.pop_front();
        }
        Ok((asked, lines, is("follow") && !previous))
    }

    /// The response body.
    pub(super) fn body(
        self,
        lines: VecDeque<Bytes>,
        follow: bool,
    ) -> StreamBody<impl Stream<Item = Result<Frame<Bytes>, std::convert::Infallible>> + Send> {
        let state = (self, lines, 0_u64);
        StreamBody::new(futures::stream::unfold(state, move |state| async move {
            let (asked, mut lines, mut count) = state;
            loop {
                if let Some(line) = lines.pop_front() {
                    return Some((Ok(Frame::data(line)), (asked, lines, count)));
                }
                if !follow {
                    return None;
                }
                tokio::time::sleep(WRITES).await;
                let pod = asked.store.get("pods", &asked.namespace, &asked.pod)?;
                if pod["status"]["containerStatuses"][0]["state"]["running"].is_object() {
                    count += 1;
                    lines.push_back(asked.line(&request(count)));
                }
            }
        }))
    }

    fn line(&self, text: &str) -> Bytes {
        let time = if self.timestamps {
            format!("{} ", Timestamp::now())
        } else {
            String::new()
        };
        Bytes::from(format!("{time}{text}\n"))
    }
}

fn request(count: u64) -> String {
    let path = ["/healthz", "/api/v1/items", "/api/v1/items/17", "/metrics"];
    let path = path[usize::try_from(count % 4).unwrap_or_default()];
    format!(
        "level=info msg=\"request\" method=GET path={path} status=200 took={}ms",
        3 + count % 9
    )
}

/// What a container has written, by how it is.
fn written(pod: &Value, container: Option<&str>, previous: bool) -> Result<String, ApiError> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let all = pod["spec"]["containers"].as_array();
    let spec = all.into_iter().flatten();
    let mut spec = spec.filter(|it| container.is_none_or(|name| it["name"] == name));
    let spec = spec.next().unwrap_or(&Value::Null);
    let container = spec["name"].as_str().unwrap_or_default();
    let status = &pod["status"]["containerStatuses"][0];
    let image = spec["image"].as_str().unwrap_or_default();
    let begun = format!(
        "level=info msg=\"starting\" image={image}\nlevel=info msg=\"reading configuration\" path=/etc/app/config.yaml\n"
    );
    let ended = &status["lastState"]["terminated"];
    let crashed = || {
        let words = ended["message"].as_str().unwrap_or("exit 1");
        format!("{begun}level=error msg=\"{words}\"\n")
    };
    if previous {
        if !ended.is_object() {
            return Err(ApiError::bad_request(format!(
                "previous terminated container \"{container}\" in pod \"{name}\" not found"
            )));
        }
        return Ok(crashed());
    }
    if status["state"]["running"].is_object() {
        let requests = (1..=20).map(|n| request(n) + "\n");
        return Ok(format!(
            "{begun}level=info msg=\"listening\" port=8080\n{}",
            requests.collect::<String>()
        ));
    }
    if ended.is_object() {
        return Ok(crashed());
    }
    let reason = status["state"]["waiting"]["reason"].as_str();
    Err(ApiError::bad_request(format!(
        "container \"{container}\" in pod \"{name}\" is waiting to start: {}",
        reason.unwrap_or("ContainerCreating")
    )))
}
