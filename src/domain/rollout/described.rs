//! An object of a cluster as people read it: whole, as YAML, or what there is to know of it with its events.

use jiff::Timestamp;
use serde_json::Value;

use super::{live::ClusterNote, object::ObjectKind};
use crate::domain::{age, agent::ArgoServer, text::sanitise};

/// One object of a cluster that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectAt {
    /// The kubeconfig context of its cluster.
    pub context: String,
    /// Its kind.
    pub kind: ObjectKind,
    /// Its namespace; empty where it is in none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// How it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Whole.
    Yaml,
    /// What there is to know, with its events.
    Description,
}

impl ObjectAt {
    /// `Pod web-1`.
    pub fn shown(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }

    /// The command of `kubectl` that does the same.
    pub fn command(&self, look: Look) -> String {
        let Self {
            context,
            namespace,
            name,
            ..
        } = self;
        let kind = self.kind.as_str().to_lowercase();
        let namespace = match namespace.as_str() {
            "" => String::new(),
            namespace => format!(" -n {namespace}"),
        };
        if let Some(program) = self.argocd() {
            let program = program.join(" ");
            return match look {
                Look::Yaml => format!("{program} -o yaml"),
                Look::Description => program,
            };
        }
        let kubectl = format!("kubectl --context {context}{namespace}");
        match look {
            Look::Yaml => format!("{kubectl} get {kind} {name} -o yaml"),
            Look::Description => format!("{kubectl} describe {kind} {name}"),
        }
    }

    /// What Argo CD's own program is asked by, where it is told of by Argo CD's own API: no cluster of it is known.
    fn argocd(&self) -> Option<Vec<String>> {
        let asked = ["argocd", "app", "get", &self.name, "-N", &self.namespace];
        ArgoServer::is_meant(&self.context).then(|| asked.map(str::to_owned).to_vec())
    }

    /// The programs that take the terminal for it: k9s, else kubectl; Argo CD's own for what its own API tells.
    pub fn programs(&self) -> [Vec<String>; 2] {
        if let Some(program) = self.argocd() {
            return [program.clone(), program];
        }
        let kind = self.kind.as_str().to_lowercase();
        let filter = format!("{kind} /{}", self.name);
        let namespace: &[&str] = match self.namespace.as_str() {
            "" => &[],
            namespace => &["-n", namespace][..],
        };
        let program = |name: &str, arguments: &[&str]| {
            let all = [name, "--context", &self.context].into_iter();
            let all = all.chain(namespace.iter().copied());
            all.chain(arguments.iter().copied())
                .map(str::to_owned)
                .collect()
        };
        let watch = ["get", &kind, &self.name, "-o", "wide", "--watch"];
        [program("k9s", &["-c", &filter]), program("kubectl", &watch)]
    }
}

/// Fields of the first level that are told by their conditions and containers, or otherwise.
const TOLD: [&str; 4] = [
    "conditions",
    "containerStatuses",
    "initContainerStatuses",
    "history",
];
/// Lines that a value has at most.
const MOST: usize = 60;

/// What there is to know of an object, a line each.
pub fn describe(object: &Value, notes: &[ClusterNote], now: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    for (label, pointer) in [
        ("Name", "/metadata/name"),
        ("Namespace", "/metadata/namespace"),
        ("Kind", "/kind"),
        ("Node", "/spec/nodeName"),
        ("Phase", "/status/phase"),
    ] {
        lines.extend(text(pointer).map(|it| format!("{label:<12}{}", sanitise(it))));
    }
    let created = text("/metadata/creationTimestamp").and_then(|it| it.parse().ok());
    lines.extend(
        created.map(|at: Timestamp| format!("{:<12}{} ago", "Created", age::between(at, now))),
    );
    let owners = object.pointer("/metadata/ownerReferences");
    for owner in owners.and_then(Value::as_array).into_iter().flatten() {
        lines.push(format!(
            "{:<12}{}/{}",
            "Made by",
            word(owner, "/kind"),
            word(owner, "/name")
        ));
    }
    for (title, pointer) in [
        ("Labels", "/metadata/labels"),
        ("Annotations", "/metadata/annotations"),
    ] {
        if let Some(all) = object.pointer(pointer).filter(|it| !is_empty(it)) {
            section(&mut lines, title);
            nested(all, 1, &mut lines);
        }
    }
    containers(object, now, &mut lines);
    let conditions = object.pointer("/status/conditions");
    let mut conditions = conditions
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .peekable();
    if conditions.peek().is_some() {
        section(&mut lines, "Conditions");
    }
    for it in conditions {
        let since = it
            .get("lastTransitionTime")
            .and_then(|it| it.as_str()?.parse().ok());
        let since = since.map_or(String::new(), |at| format!(", {}", age::between(at, now)));
        let said = [word(it, "/reason"), word(it, "/message")];
        let said = said.iter().filter(|it| !it.is_empty());
        let said: Vec<&str> = said.map(String::as_str).collect();
        lines.push(format!(
            "  {:<24}{:<8}{}{since}",
            word(it, "/type"),
            word(it, "/status"),
            said.join(": ")
        ));
    }
    for (title, pointer) in [("Specification", "/spec"), ("Status", "/status")] {
        let all = object.pointer(pointer).and_then(Value::as_object);
        let Some(all) = all.filter(|it| !it.is_empty()) else {
            continue;
        };
        section(&mut lines, title);
        for (name, value) in all {
            let told =
                TOLD.contains(&name.as_str()) || (title == "Specification" && name == "containers");
            if !told && !is_empty(value) {
                field(name, value, 1, &mut lines);
            }
        }
    }
    section(&mut lines, "Events");
    if notes.is_empty() {
        lines.push("  none".to_owned());
    }
    for note in notes {
        let age = note
            .time
            .map(|at| age::between(at, now))
            .unwrap_or_default();
        let times = match note.count {
            0 | 1 => String::new(),
            many => format!(" ×{many}"),
        };
        let mark = if note.warning { "!" } else { " " };
        lines.push(format!(
            "{mark} {age:>4}  {}{times}: {}",
            note.reason, note.message
        ));
    }
    lines
}

/// Whose containers they are: each with its image, how it is, and how it ended before.
fn containers(object: &Value, now: Timestamp, lines: &mut Vec<String>) {
    let spec = |name: &str| {
        let own = object.pointer(&format!("/spec/{name}"));
        own.or_else(|| object.pointer(&format!("/spec/template/spec/{name}")))
    };
    for (title, name, statuses) in [
        ("Init containers", "initContainers", "initContainerStatuses"),
        ("Containers", "containers", "containerStatuses"),
    ] {
        let all = spec(name).and_then(Value::as_array).into_iter().flatten();
        let mut all = all.peekable();
        if all.peek().is_some() {
            section(lines, title);
        }
        for container in all {
            let name = word(container, "/name");
            lines.push(format!("  {name}  {}", word(container, "/image")));
            for what in [
                "resources",
                "livenessProbe",
                "readinessProbe",
                "startupProbe",
            ] {
                if let Some(value) = container.get(what).filter(|it| !is_empty(it)) {
                    lines.push(format!("    {what:<16}{}", sanitise(&value.to_string())));
                }
            }
            let status = object.pointer(&format!("/status/{statuses}"));
            let mut status = status.and_then(Value::as_array).into_iter().flatten();
            let Some(status) = status.find(|it| word(it, "/name") == name) else {
                continue;
            };
            let restarts = status
                .get("restartCount")
                .and_then(Value::as_i64)
                .unwrap_or(0);
            for (label, pointer) in [("state", "/state"), ("before", "/lastState")] {
                let state = status.pointer(pointer).and_then(Value::as_object);
                for (name, value) in state.into_iter().flatten() {
                    lines.push(format!("    {label:<16}{}", state_words(name, value, now)));
                }
            }
            lines.push(format!("    {:<16}{restarts}", "restarts"));
        }
    }
}

/// `terminated: Error, exit 1, 3m ago: panic`.
fn state_words(name: &str, value: &Value, now: Timestamp) -> String {
    let mut words = sanitise(name).into_owned();
    let reason = word(value, "/reason");
    if !reason.is_empty() {
        words = format!("{words}: {reason}");
    }
    if let Some(code) = value.get("exitCode").and_then(Value::as_i64) {
        words = format!("{words}, exit {code}");
    }
    let at = ["/finishedAt", "/startedAt"]
        .iter()
        .find_map(|it| value.pointer(it)?.as_str()?.parse().ok());
    if let Some(at) = at {
        words = format!("{words}, {} ago", age::between(at, now));
    }
    let message = word(value, "/message");
    if message.is_empty() {
        words
    } else {
        format!("{words}: {message}")
    }
}

fn section(lines: &mut Vec<String>, title: &str) {
    lines.push(String::new());
    lines.push(title.to_owned());
}

fn word(value: &Value, pointer: &str) -> String {
    let text = value.pointer(pointer).and_then(Value::as_str);
    sanitise(text.unwrap_or_default()).into_owned()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        _ => false,
    }
}

/// A value's fields, a line each, however deep they are.
fn nested(value: &Value, depth: usize, lines: &mut Vec<String>) {
    let before = lines.len();
    match value {
        Value::Object(all) => {
            for (name, value) in all {
                field(name, value, depth, lines);
            }
        }
        Value::Array(all) => {
            for (index, value) in all.iter().enumerate() {
                field(&index.to_string(), value, depth, lines);
            }
        }
        _ => {}
    }
    let more = (lines.len() - before).saturating_sub(MOST);
    if more > 0 {
        lines.truncate(before + MOST);
        lines.push(format!("{}… {more} more lines", "  ".repeat(depth)));
    }
}

fn field(name: &str, value: &Value, depth: usize, lines: &mut Vec<String>) {
    let (indent, name) = ("  ".repeat(depth), sanitise(name));
    match value {
        Value::Object(_) | Value::Array(_) if is_empty(value) => {}
        Value::Object(_) | Value::Array(_) => {
            lines.push(format!("{indent}{name}"));
            nested(value, depth + 1, lines);
        }
        Value::String(text) => lines.push(format!("{indent}{name}: {}", sanitise(text))),
        value => lines.push(format!("{indent}{name}: {value}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::rollout::CompanionKind;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    #[test]
    fn a_crashing_pod_says_how_it_ended() {
        let pod = json!({
            "kind": "Pod",
            "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"},
                "ownerReferences": [{"kind": "ReplicaSet", "name": "web"}]},
            "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "web:2"}]},
            "status": {"phase": "Running", "conditions": [
                    {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "no\u{1b}[2J"}],
                "containerStatuses": [{"name": "app", "restartCount": 4,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"reason": "Error", "exitCode": 1,
                        "finishedAt": "2026-09-21T14:10:20Z", "message": "panic"}}}]},
        });
        let note = ClusterNote {
            time: Some(NOW),
            warning: true,
            reason: "BackOff".to_owned(),
            message: "restarting".to_owned(),
            object: "Pod/web-1".to_owned(),
            count: 4,
        };
        let told = describe(&pod, &[note], NOW);
        for expected in [
            "Node        node-1",
            "Made by     ReplicaSet/web",
            "  app: web",
            "  app  web:2",
            "    state           waiting: CrashLoopBackOff",
            "    before          terminated: Error, exit 1, 3m ago: panic",
            "    restarts        4",
            "!   0s  BackOff ×4: restarting",
        ] {
            assert!(
                told.iter().any(|line| line == expected),
                "{expected}: {told:#?}"
            );
        }
        assert!(told.iter().all(|line| !line.contains('\u{1b}')));
    }

    #[test]
    fn an_object_is_looked_at_as_kubectl_does() {
        let pod = ObjectAt {
            context: "edge".to_owned(),
            kind: ObjectKind::Pod,
            namespace: "shop".to_owned(),
            name: "web-1".to_owned(),
        };
        let cases = [
            (
                Look::Yaml,
                "kubectl --context edge -n shop get pod web-1 -o yaml",
            ),
            (
                Look::Description,
                "kubectl --context edge -n shop describe pod web-1",
            ),
        ];
        for (look, expected) in cases {
            assert_eq!(pod.command(look), expected);
        }
        let application = ObjectAt {
            context: "https://argocd.example.com".to_owned(),
            namespace: "argocd".to_owned(),
            ..pod.clone()
        };
        let asked = "argocd app get web-1 -N argocd";
        assert_eq!(application.command(Look::Yaml), format!("{asked} -o yaml"));
        assert_eq!(application.programs()[0].join(" "), asked);
        assert_eq!(
            pod.programs()[0].join(" "),
            "k9s --context edge -n shop -c pod /web-1"
        );
        let store = ObjectAt {
            kind: ObjectKind::Companion(CompanionKind::ClusterSecretStore),
            namespace: String::new(),
            name: "vault".to_owned(),
            ..pod
        };
        assert_eq!(
            store.command(Look::Yaml),
            "kubectl --context edge get clustersecretstore vault -o yaml"
        );
        assert_eq!(
            store.programs()[1].join(" "),
            "kubectl --context edge get clustersecretstore vault -o wide --watch"
        );
    }
}
