//! Single objects of a cluster: read as they stand, changed, and the logs of pods. Asked for by hand, not watched.

use futures::{AsyncReadExt, StreamExt, stream::BoxStream};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{
    Client,
    core::{Request, Selector, params::ListParams},
};
use serde_json::Value;

use super::{Options, Unseen, connect::reach, custom, error::ClusterError, notes};
use crate::domain::{
    agent::AgentKind,
    rollout::{ClusterNote, Lines, LogLine, LogRequest, ObjectKind},
};

/// By whom changes are made, as field managers are named: what Flux takes for its own is called otherwise.
const MANAGER: &str = "tidegate";
/// Objects of one page of a list.
const PAGE: u32 = 500;
/// Objects of one list at most.
const MOST: usize = 20_000;

/// One object, or where objects of a kind are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The kind.
    pub kind: Kind,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// A kind of object that is asked for by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One that cells are made of, or an agent's.
    Watched(ObjectKind),
    /// `apps/v1` `ControllerRevision`.
    ControllerRevision,
    /// `autoscaling/v2` `HorizontalPodAutoscaler`.
    HorizontalPodAutoscaler,
    /// `v1` Event.
    Event,
}

impl Kind {
    /// The path of its group and version, without a slash at its ends, and its plural.
    fn path(self) -> (&'static str, &'static str) {
        match self {
            Self::Watched(kind @ ObjectKind::Pod) => ("api/v1", kind.plural()),
            Self::Watched(kind @ (ObjectKind::Job | ObjectKind::CronJob)) => {
                ("apis/batch/v1", kind.plural())
            }
            Self::Watched(kind @ ObjectKind::Rollout) => {
                ("apis/argoproj.io/v1alpha1", kind.plural())
            }
            Self::Watched(kind @ ObjectKind::Canary) => ("apis/flagger.app/v1beta1", kind.plural()),
            Self::Watched(kind) => ("apis/apps/v1", kind.plural()),
            Self::ControllerRevision => ("apis/apps/v1", "controllerrevisions"),
            Self::HorizontalPodAutoscaler => ("apis/autoscaling/v2", "horizontalpodautoscalers"),
            Self::Event => ("api/v1", "events"),
        }
    }
}

/// Which objects of a list are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// All.
    All,
    /// Those with these labels.
    Labels(String),
    /// Those with these fields.
    Fields(String),
}

impl Of {
    /// Those that a workload's own selector means; all, where it has none that can be read.
    pub fn workload(object: &Value) -> Self {
        let selector = object.pointer("/spec/selector").cloned();
        let selector = selector.and_then(|it| serde_json::from_value::<LabelSelector>(it).ok());
        let selector = selector.and_then(|it| Selector::try_from(it).ok());
        match selector.map(|it| it.to_string()) {
            Some(text) if !text.is_empty() => Self::Labels(text),
            _ => Self::All,
        }
    }
}

/// A connection over which single objects are asked for.
pub struct Objects {
    client: Client,
}

impl Objects {
    /// Connects to the cluster of a kubeconfig context.
    ///
    /// # Errors
    /// A sentence, where that cannot be reached.
    pub async fn connect(context: &str, options: &Options) -> Result<Self, String> {
        let client = reach(context, options).await?;
        Ok(Self { client })
    }

    /// An object as it stands, without what the API server notes for itself.
    ///
    /// # Errors
    /// A sentence, where it is not there or may not be read.
    pub async fn get(&self, place: &Place) -> Result<Value, String> {
        self.look(place).await.map_err(|unseen| unseen.why)
    }

    /// The same, for whoever looks again and again: a server that is busy, restarts or is slow for a while says nothing of the object.
    ///
    /// # Errors
    /// Why it is not seen, and whether that lasts.
    pub async fn look(&self, place: &Place) -> Result<Value, Unseen> {
        let path = self.path(place, Some(&place.name)).await;
        let asked = self.ask(&path).await;
        let mut object = asked.map_err(|error| Unseen::new(&place.shown(), &error))?;
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        Ok(object)
    }

    /// All objects of a kind in a namespace, page by page, as far as `of` does not leave them out. There are none of a kind
    /// that the server does not have.
    ///
    /// # Errors
    /// A sentence, where they may not be read, or do not end.
    pub async fn list(&self, kind: Kind, namespace: &str, of: &Of) -> Result<Vec<Value>, String> {
        let (group, plural) = kind.path();
        let path = format!("/{group}/namespaces/{namespace}/{plural}");
        let first = match of {
            Of::All => ListParams::default(),
            Of::Labels(selector) => ListParams::default().labels(selector),
            Of::Fields(selector) => ListParams::default().fields(selector),
        };
        let first = first.limit(PAGE);
        let mut page = first.clone();
        let mut all = Vec::new();
        let mut began_again = false;
        loop {
            let request = Request::new(&path).list(&page);
            let request = request.map_err(|error| error.to_string())?;
            let mut list = match self.client.request::<Value>(request).await {
                Ok(list) => list,
                Err(error) => match ClusterError::from(&error) {
                    ClusterError::Absent => return Ok(Vec::new()),
                    // The next page is of what has been forgotten meanwhile.
                    ClusterError::Gone if !began_again => {
                        began_again = true;
                        page = first.clone();
                        all.clear();
                        continue;
                    }
                    _ => return Err(words(plural, &error)),
                },
            };
            if let Some(Value::Array(items)) = list.get_mut("items").map(Value::take) {
                all.extend(items);
            }
            if all.len() > MOST {
                return Err(format!(
                    "{plural}: the list does not end: more than {MOST} objects"
                ));
            }
            let further = list.pointer("/metadata/continue").and_then(Value::as_str);
            match further.filter(|token| !token.is_empty()) {
                Some(token) => page = first.clone().continue_token(token),
                None => return Ok(all),
            }
        }
    }

    /// What the cluster noted about an object, newest first.
    ///
    /// # Errors
    /// A sentence, where that may not be read.
    pub async fn notes(&self, place: &Place) -> Result<Vec<ClusterNote>, String> {
        let (namespace, name) = (&place.namespace, &place.name);
        let of = Of::Fields(format!("involvedObject.name={name}"));
        let all = self.list(Kind::Event, namespace, &of).await?;
        let kind = place.kind_name();
        let is_its =
            |it: &Value| it.pointer("/involvedObject/kind").and_then(Value::as_str) == Some(kind);
        let all = all.into_iter().filter(is_its);
        let mut notes: Vec<ClusterNote> = all
            .filter_map(|it| serde_json::from_value(it).ok())
            .map(notes::note)
            .collect();
        notes.sort_by_key(|note| std::cmp::Reverse(note.time));
        Ok(notes)
    }

    /// Changes an object by a patch of this content type.
    ///
    /// # Errors
    /// The server's words, where it refuses.
    pub async fn patch(
        &self,
        place: &Place,
        content: &str,
        patch: &Value,
    ) -> Result<Value, String> {
        let path = self.path(place, Some(&place.name)).await;
        let request = http::Request::patch(format!("{path}?fieldManager={MANAGER}"))
            .header("content-type", content)
            .header("accept", "application/json")
            .body(patch.to_string().into_bytes())
            .map_err(|error| error.to_string())?;
        let answer = self.client.request::<Value>(request).await;
        answer.map_err(|error| words(&place.shown(), &error))
    }

    /// The lines of a pod's log, in the pieces in which they come.
    ///
    /// # Errors
    /// The server's words, where there is no such log or it may not be read.
    pub async fn log(
        &self,
        request: &LogRequest,
    ) -> Result<BoxStream<'static, Result<Vec<LogLine>, String>>, String> {
        let mut query = vec!["timestamps=true".to_owned()];
        query.extend(request.container.iter().map(|it| format!("container={it}")));
        query.extend(request.previous.then(|| "previous=true".to_owned()));
        query.extend(request.follow.then(|| "follow=true".to_owned()));
        query.extend(request.tail.map(|it| format!("tailLines={it}")));
        query.extend(request.since_seconds.map(|it| format!("sinceSeconds={it}")));
        let LogRequest { namespace, pod, .. } = request;
        let path = format!(
            "/api/v1/namespaces/{namespace}/pods/{pod}/log?{}",
            query.join("&")
        );
        let asked = http::Request::get(path)
            .body(Vec::new())
            .map_err(|error| error.to_string())?;
        let what = format!("the log of {namespace}/{pod}");
        let read = self.client.request_stream(asked).await;
        let read = read.map_err(|error| words(&what, &error))?;
        let state = Some((Box::pin(read), Lines::default(), vec![0_u8; 16 << 10]));
        let pieces = futures::stream::unfold(state, |state| async {
            let (mut read, mut lines, mut buffer) = state?;
            match read.read(&mut buffer).await {
                Ok(0) => {
                    let last = lines.end()?;
                    Some((Ok(vec![last]), None))
                }
                Ok(count) => {
                    let found = lines.take(buffer.get(..count).unwrap_or_default());
                    Some((Ok(found), Some((read, lines, buffer))))
                }
                Err(error) => Some((Err(error.to_string()), None)),
            }
        });
        Ok(pieces.boxed())
    }

    async fn path(&self, place: &Place, name: Option<&str>) -> String {
        let (group, plural) = match place.kind {
            Kind::Watched(ObjectKind::Agent(kind)) => (self.group_of(kind).await, kind.plural()),
            Kind::Watched(ObjectKind::Companion(kind)) => {
                let resource = custom::served_companion(&self.client, kind).await;
                (format!("apis/{}", resource.api_version), kind.plural())
            }
            kind => {
                let (group, plural) = kind.path();
                (group.to_owned(), plural)
            }
        };
        let name = name.map_or(String::new(), |name| format!("/{name}"));
        if place.namespace.is_empty() {
            return format!("/{group}/{plural}{name}");
        }
        format!("/{group}/namespaces/{}/{plural}{name}", place.namespace)
    }

    async fn group_of(&self, kind: AgentKind) -> String {
        let resource = custom::served(&self.client, kind).await;
        format!("apis/{}", resource.api_version)
    }

    async fn ask(&self, path: &str) -> Result<Value, kube::Error> {
        let request = http::Request::get(path)
            .header("accept", "application/json")
            .body(Vec::new())
            .map_err(kube::Error::HttpError)?;
        self.client.request::<Value>(request).await
    }
}

impl Place {
    /// `Deployment shop/web`.
    fn shown(&self) -> String {
        format!("{} {}/{}", self.kind_name(), self.namespace, self.name)
    }

    fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Watched(kind) => kind.as_str(),
            Kind::ControllerRevision => "ControllerRevision",
            Kind::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Kind::Event => "Event",
        }
    }
}

fn words(what: &str, error: &kube::Error) -> String {
    Unseen::new(what, error).why
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_workload_selects_by_labels_and_expressions() {
        let of = |selector: Value| Of::workload(&json!({"spec": {"selector": selector}}));
        let labels = |text: &str| Of::Labels(text.to_owned());
        let both = json!({
            "matchLabels": {"app.kubernetes.io/name": "web"},
            "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]},
                {"key": "old", "operator": "DoesNotExist"}],
        });
        let expected = "app.kubernetes.io/name=web,tier in (a,b),!old";
        assert_eq!(of(both), labels(expected));
        assert_eq!(
            of(json!({"matchLabels": {"app": "web"}})),
            labels("app=web")
        );
        let unknown =
            json!({"matchExpressions": [{"key": "a", "operator": "Like", "values": ["b"]}]});
        for selector in [Value::Null, json!({}), json!("app=web"), unknown] {
            assert_eq!(of(selector), Of::All);
        }
    }
}
