//! The three patch types: JSON merge patch (RFC 7386), JSON patch (RFC 6902) and strategic merge, the last with the
//! merge keys of the built-in workload types.

use serde_json::{Map, Value};

use super::status::ApiError;

/// Applies the patch of the given content type.
///
/// # Errors
/// 415 for another content type, 400 or 422 where the patch does not fit.
pub fn apply(content_type: &str, target: &mut Value, patch: &Value) -> Result<(), ApiError> {
    match content_type.split(';').next().unwrap_or_default().trim() {
        "application/merge-patch+json" => merge(target, patch),
        "application/strategic-merge-patch+json" => strategic(target, patch),
        "application/json-patch+json" => json_patch(target, patch)?,
        other => {
            return Err(ApiError::unsupported(format!(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, \
                 application/strategic-merge-patch+json (got {other})"
            )));
        }
    }
    Ok(())
}

/// RFC 7386: objects merge, `null` removes, everything else replaces.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    let Some(map) = object(target) else { return };
    for (key, value) in patch {
        if value.is_null() {
            map.shift_remove(key);
        } else {
            merge(map.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// The map of an object, which anything else becomes first; `None` never happens.
fn object(value: &mut Value) -> Option<&mut Map<String, Value>> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut()
}

/// The field that identifies an item of a list, where the list merges by item.
fn merge_key(list: &str) -> Option<&'static str> {
    match list {
        "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" => Some("name"),
        "volumeMounts" => Some("mountPath"),
        "ports" => Some("containerPort"),
        "conditions" => Some("type"),
        "ownerReferences" => Some("uid"),
        _ => None,
    }
}

/// Merges like [`merge`], but lists with a merge key item by item; `$` directives other than those below only order
/// or retain keys, which changes nothing here.
fn strategic(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if patch.get("$patch").and_then(Value::as_str) == Some("replace") {
        let mut rest = patch.clone();
        rest.shift_remove("$patch");
        *target = Value::Object(rest);
        return;
    }
    let Some(map) = object(target) else { return };
    for (key, value) in patch {
        if key.starts_with('$') {
            continue;
        }
        match (value, merge_key(key)) {
            (Value::Null, _) => {
                map.shift_remove(key);
            }
            (Value::Array(items), Some(by)) => {
                let list = map.entry(key).or_insert_with(|| Value::Array(Vec::new()));
                strategic_list(list, items, by);
            }
            _ => strategic(map.entry(key).or_insert(Value::Null), value),
        }
    }
}

/// Items are found by their key; `$patch: delete` removes one.
fn strategic_list(target: &mut Value, items: &[Value], by: &str) {
    if !target.is_array() {
        *target = Value::Array(Vec::new());
    }
    let Value::Array(list) = target else { return };
    for item in items {
        let at = list.iter().position(|x| x[by] == item[by]);
        if item["$patch"] == "delete" {
            if let Some(at) = at {
                list.remove(at);
            }
        } else if let Some(at) = at {
            strategic(&mut list[at], item);
        } else {
            list.push(item.clone());
        }
    }
}

/// All operations or an error; the caller drops the half-patched copy.
fn json_patch(target: &mut Value, patch: &Value) -> Result<(), ApiError> {
    let operations = patch
        .as_array()
        .ok_or_else(|| ApiError::bad_request("a JSON patch is a list of operations"))?;
    for operation in operations {
        let refuse = || {
            ApiError::invalid(format!(
                "the server rejected our request due to an error in our request: {operation}"
            ))
        };
        let path = operation["path"].as_str().ok_or_else(refuse)?;
        let value = match operation["op"].as_str().ok_or_else(refuse)? {
            "test" if target.pointer(path) == operation.get("value") => continue,
            "remove" => {
                take(target, path).ok_or_else(refuse)?;
                continue;
            }
            "replace" => {
                *target.pointer_mut(path).ok_or_else(refuse)? = operation["value"].clone();
                continue;
            }
            "add" => operation["value"].clone(),
            "copy" => from(operation)
                .and_then(|from| target.pointer(from).cloned())
                .ok_or_else(refuse)?,
            "move" => from(operation)
                .and_then(|from| take(target, from))
                .ok_or_else(refuse)?,
            _ => return Err(refuse()),
        };
        add(target, path, value).ok_or_else(refuse)?;
    }
    Ok(())
}

fn from(operation: &Value) -> Option<&str> {
    operation["from"].as_str()
}

/// The container that a JSON pointer's last part is in, and that part.
fn parent<'a>(target: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((
        target.pointer_mut(parent)?,
        last.replace("~1", "/").replace("~0", "~"),
    ))
}

/// Takes a value out.
fn take(target: &mut Value, path: &str) -> Option<Value> {
    let (parent, key) = parent(target, path)?;
    match parent {
        Value::Object(map) => map.shift_remove(&key),
        Value::Array(list) => {
            let at: usize = key.parse().ok()?;
            (at < list.len()).then(|| list.remove(at))
        }
        _ => None,
    }
}

/// Puts a value in; `-` is the end of a list.
fn add(target: &mut Value, path: &str, value: Value) -> Option<()> {
    if path.is_empty() {
        *target = value;
        return Some(());
    }
    let (parent, key) = parent(target, path)?;
    match parent {
        Value::Object(map) => {
            map.insert(key, value);
        }
        Value::Array(list) => {
            let at = if key == "-" {
                list.len()
            } else {
                key.parse().ok()?
            };
            if at > list.len() {
                return None;
            }
            list.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patches() {
        let merge = "application/merge-patch+json";
        let strategic = "application/strategic-merge-patch+json; charset=utf-8";
        let json = "application/json-patch+json";
        let cases = [
            (
                "merge removes and replaces lists",
                merge,
                json!({"a": {"b": 1, "c": 2}, "l": [1, 2]}),
                json!({"a": {"b": null, "d": 3}, "l": [3]}),
                json!({"a": {"c": 2, "d": 3}, "l": [3]}),
            ),
            (
                "strategic merges containers by name",
                strategic,
                json!({"containers": [{"name": "a", "image": "x:1", "tty": true}, {"name": "b"}]}),
                json!({"$setElementOrder/containers": [{"name": "a"}], "containers": [
                    {"name": "a", "image": "x:2"}, {"name": "b", "$patch": "delete"}, {"name": "c"}]}),
                json!({"containers": [{"name": "a", "image": "x:2", "tty": true}, {"name": "c"}]}),
            ),
            (
                "strategic replaces other lists",
                strategic,
                json!({"args": ["a"], "m": {"k": "v"}}),
                json!({"args": ["b"], "m": {"$patch": "replace", "n": "w"}}),
                json!({"args": ["b"], "m": {"n": "w"}}),
            ),
            (
                "JSON patch",
                json,
                json!({"a": {"x/y": 1}, "l": [1, 2]}),
                json!([
                    {"op": "test", "path": "/a/x~1y", "value": 1},
                    {"op": "replace", "path": "/a/x~1y", "value": 2},
                    {"op": "add", "path": "/l/-", "value": 3},
                    {"op": "add", "path": "/l/0", "value": 0},
                    {"op": "remove", "path": "/l/1"},
                    {"op": "copy", "from": "/l", "path": "/m"},
                    {"op": "move", "from": "/m/0", "path": "/n"},
                ]),
                json!({"a": {"x/y": 2}, "l": [0, 2, 3], "m": [2, 3], "n": 0}),
            ),
        ];
        for (name, content_type, mut target, patch, expected) in cases {
            apply(content_type, &mut target, &patch).unwrap();
            assert_eq!(target, expected, "{name}");
        }
    }

    #[test]
    fn patches_that_do_not_fit_are_refused() {
        let json = "application/json-patch+json";
        let cases = [
            ("text/plain", json!({}), 415),
            (json, json!({}), 400),
            (json, json!([{"op": "test", "path": "/a", "value": 2}]), 422),
            (json, json!([{"op": "remove", "path": "/none"}]), 422),
            (
                json,
                json!([{"op": "add", "path": "/l/9", "value": 1}]),
                422,
            ),
        ];
        for (content_type, patch, code) in cases {
            let mut target = json!({"a": 1, "l": []});
            let error = apply(content_type, &mut target, &patch).unwrap_err();
            assert_eq!(error.code, code, "{patch}");
        }
    }
}
