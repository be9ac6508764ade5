//! Plays the ReplicaSet controller.

use serde_json::{Value, json};

use super::{
    events::Note,
    objects::{Clock, end, hash, int, owned, pod, set_status, text},
    pods::{counts, is_ready},
};
use crate::demo::server::Store;

/// Makes and ends pods until there are as many as the ReplicaSet wants.
pub fn step(store: &Store, set: &Value, clock: Clock) {
    let meta = &set["metadata"];
    let name = text(&meta["name"]);
    let wanted = usize::try_from(int(&set["spec"]["replicas"])).unwrap_or(0);
    let mut pods = owned(store, "pods", set);
    pods.retain(|pod| counts(pod));
    for _ in pods.len()..wanted {
        let pod_name = format!("{name}-{}", hash(&format!("{name}{}", store.version()), 5));
        let body = pod(set, &set["spec"]["template"], &pod_name, &[], clock.now);
        if let Ok(made) = store.apply(body, clock.now) {
            pods.push(made);
        }
        let words = format!("Created pod: {pod_name}");
        clock.note(
            store,
            set,
            Note::normal("replicaset-controller", "SuccessfulCreate", &words),
        );
    }
    if pods.len() > wanted {
        // Those that serve nobody go first, then the youngest.
        pods.sort_by_key(|pod| {
            (
                !is_ready(pod),
                text(&pod["metadata"]["creationTimestamp"]).to_owned(),
            )
        });
        for pod in pods.split_off(wanted) {
            end(store, &pod, clock.now);
            let words = format!("Deleted pod: {}", text(&pod["metadata"]["name"]));
            clock.note(
                store,
                set,
                Note::normal("replicaset-controller", "SuccessfulDelete", &words),
            );
        }
    }
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let status = json!({
        "replicas": pods.len(), "fullyLabeledReplicas": pods.len(), "readyReplicas": ready,
        "availableReplicas": ready, "observedGeneration": set["metadata"]["generation"],
    });
    set_status(store, "replicasets", set, status);
}
