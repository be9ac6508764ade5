//! What Argo CD is told by its own API.

use http::{Method, Request};
use serde_json::{Value, json};

use super::is_part;
use crate::domain::agent::{Order, Reference, deployed};

/// The request by which Argo CD is told something about an Application, which stands as `object`. `stamp` is a text that no
/// earlier order had.
///
/// # Errors
/// A sentence, where its API cannot be told that.
pub(crate) fn call(
    order: Order,
    (_, namespace, name): &Reference,
    object: &Value,
    stamp: &str,
) -> Result<Request<Vec<u8>>, String> {
    if !is_part(namespace) || !is_part(name) {
        return Err(format!("{namespace}/{name} is no name of an Application"));
    }
    let at = format!("/api/v1/applications/{name}");
    let by = format!("appNamespace={namespace}");
    let (method, path, body) = match order {
        Order::Refresh => (Method::GET, format!("{at}?{by}&refresh=normal"), None),
        Order::HardRefresh => (Method::GET, format!("{at}?{by}&refresh=hard"), None),
        Order::Terminate => (Method::DELETE, format!("{at}/operation?{by}"), None),
        Order::Sync => {
            let policy = object.pointer("/spec/syncPolicy");
            let part = |pointer: &str| policy.and_then(|it| it.pointer(pointer)).cloned();
            let mut body = json!({
                "name": name,
                "appNamespace": namespace,
                "strategy": {"hook": {}},
                "infos": [{"name": "requested at", "value": stamp}],
                "prune": part("/automated/prune").unwrap_or_default() == json!(true),
            });
            if let Some(options) = part("/syncOptions") {
                body["syncOptions"] = json!({"items": options});
            }
            (Method::POST, format!("{at}/sync"), Some(body))
        }
        Order::Rollback(id) => {
            let all = deployed(object);
            let id = id.or_else(|| all.get(1).map(|it| it.number));
            let id = id.ok_or("its history has no entry before the last")?;
            let body = json!({"name": name, "appNamespace": namespace, "id": id});
            (Method::POST, format!("{at}/rollback"), Some(body))
        }
        Order::Reconcile | Order::Suspend | Order::Resume => {
            return Err(format!("Argo CD has no {order}"));
        }
    };
    let mut request = Request::builder().method(method).uri(path);
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body
        .map(|it| it.to_string().into_bytes())
        .unwrap_or_default();
    request
        .header("accept", "application/json")
        .body(body)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::agent::AgentKind;

    #[test]
    fn orders_are_what_its_own_api_takes() {
        let object = json!({
            "metadata": {"name": "web", "namespace": "apps"},
            "spec": {"syncPolicy": {"automated": {"prune": true}, "syncOptions": ["CreateNamespace=true"]}},
            "status": {"history": [{"id": 3, "revision": "aaa"}, {"id": 4, "revision": "bbb"}]},
        });
        let of = (AgentKind::Application, "apps".to_owned(), "web".to_owned());
        let told = |order| {
            let request = call(order, &of, &object, "now").unwrap();
            let line = format!("{} {}", request.method(), request.uri());
            let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            (line, body)
        };
        let at = "/api/v1/applications/web";
        for (order, line) in [
            (
                Order::Refresh,
                format!("GET {at}?appNamespace=apps&refresh=normal"),
            ),
            (
                Order::HardRefresh,
                format!("GET {at}?appNamespace=apps&refresh=hard"),
            ),
            (
                Order::Terminate,
                format!("DELETE {at}/operation?appNamespace=apps"),
            ),
        ] {
            assert_eq!(told(order), (line, Value::Null));
        }
        let (line, body) = told(Order::Sync);
        assert_eq!(line, format!("POST {at}/sync"));
        assert_eq!(body["prune"], json!(true));
        assert_eq!(
            body["syncOptions"]["items"],
            json!(["CreateNamespace=true"])
        );
        assert_eq!(body["appNamespace"], "apps");
        for (id, expected) in [(None, 3), (Some(4), 4)] {
            let (line, body) = told(Order::Rollback(id));
            assert_eq!(line, format!("POST {at}/rollback"));
            assert_eq!(body["id"], json!(expected));
        }
        assert!(call(Order::Suspend, &of, &object, "now").is_err());
        let bad = (
            AgentKind::Application,
            "apps".to_owned(),
            "a/../b".to_owned(),
        );
        assert!(call(Order::Refresh, &bad, &object, "now").is_err());
    }
}
