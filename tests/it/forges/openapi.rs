//! GitHub's own document: requests are held against it, and answers are completed to what it promises.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The document, with what was compiled of it.
pub struct Document {
    value: Value,
    compiled: Mutex<HashMap<String, Validator>>,
}

impl Document {
    /// From beside the repository, or where `TIDEGATE_FORGES` says.
    pub fn load() -> Self {
        let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/forges");
        let folder = std::env::var_os("TIDEGATE_FORGES").map_or_else(beside, PathBuf::from);
        let file = folder.join("github.openapi.json");
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut value: Value = serde_json::from_str(&text).unwrap();
        nullable(&mut value);
        Self {
            value,
            compiled: Mutex::default(),
        }
    }

    /// The operation of a request, by `METHOD /path`; what of the request is not in the document fails.
    pub fn check(&self, method: &str, path: &str, query: &str, body: &[u8]) -> String {
        let template = self.template(path);
        let operation = &self.value["paths"][&template][method.to_lowercase()];
        assert!(
            operation.is_object(),
            "{method} {template} is not in the document"
        );
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let parameters: Vec<Value> = parameters.iter().map(|it| self.resolve(it)).collect();
        for pair in query.split('&').filter(|it| !it.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap();
            let known = parameters
                .iter()
                .find(|it| it["in"] == "query" && it["name"] == name)
                .unwrap_or_else(|| panic!("{method} {template} has no query `{name}`"));
            let value = match known["schema"]["type"].as_str() {
                Some("integer") => json!(value.parse::<i64>().unwrap()),
                _ => json!(value),
            };
            self.is_like(&known["schema"], &value, &format!("{template}?{name}"));
        }
        if !body.is_empty() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            assert!(schema.is_object(), "{method} {template} takes no body");
            let body: Value = serde_json::from_slice(body).unwrap();
            let known = self.properties(schema);
            for key in body.as_object().unwrap().keys() {
                assert!(
                    known.contains_key(key),
                    "{method} {template} takes no `{key}`"
                );
            }
            self.is_like(schema, &body, &format!("{method} {template}"));
        }
        format!("{} {template}", method.to_lowercase())
    }

    /// An answer with everything that the document promises, the given fields in their places; what it does not have fails.
    pub fn complete(&self, operation: &str, status: u16, given: Value) -> Value {
        let (method, template) = operation.split_once(' ').unwrap();
        let answers = &self.value["paths"][template][method]["responses"];
        let answer = self.resolve(&answers[status.to_string()]);
        let schema = &answer["content"]["application/json"]["schema"];
        if !schema.is_object() {
            assert!(answer.is_object(), "{operation} answers no {status}");
            return given;
        }
        let whole = self
            .fill(schema, Some(&given), operation)
            .unwrap_or_else(|why| panic!("{why}"));
        self.is_like(schema, &whole, &format!("{operation} {status}"));
        whole
    }

    /// The path of the document that a request's is: the one with the fewest captures.
    fn template(&self, path: &str) -> String {
        let paths = self.value["paths"].as_object().unwrap();
        let is = |template: &str| {
            let (mut own, mut asked) = (template.split('/'), path.split('/'));
            loop {
                match (own.next(), asked.next()) {
                    (None, None) => return true,
                    (Some(own), Some(asked)) if own == asked || own.starts_with('{') => {}
                    _ => return false,
                }
            }
        };
        let found = paths.keys().filter(|template| is(template));
        let found = found.min_by_key(|template| template.matches('{').count());
        found
            .unwrap_or_else(|| panic!("{path} is not in the document"))
            .clone()
    }

    fn resolve(&self, schema: &Value) -> Value {
        match schema["$ref"].as_str() {
            Some(name) => {
                let place = name.trim_start_matches('#');
                let found = self.value.pointer(place);
                self.resolve(found.unwrap_or_else(|| panic!("no {name}")))
            }
            None => schema.clone(),
        }
    }

    /// Every field that a schema names.
    fn properties(&self, schema: &Value) -> Map<String, Value> {
        let schema = self.resolve(schema);
        let mut all = schema["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        for way in ["allOf", "oneOf", "anyOf"] {
            for part in schema[way].as_array().into_iter().flatten() {
                all.extend(self.properties(part));
            }
        }
        all
    }

    fn required(&self, schema: &Value) -> Vec<String> {
        let schema = self.resolve(schema);
        let names = schema["required"].as_array().into_iter().flatten();
        let mut names: Vec<String> = names.map(|it| it.as_str().unwrap().to_owned()).collect();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            names.extend(self.required(part));
        }
        names
    }

    fn fill(&self, schema: &Value, given: Option<&Value>, at: &str) -> Result<Value, String> {
        let schema = self.resolve(schema);
        for way in ["oneOf", "anyOf"] {
            if let Some(ways) = schema[way].as_array() {
                let mut whole = ways
                    .iter()
                    .filter_map(|part| self.fill(part, given, at).ok());
                let good = |it: &Value| self.is_good(&schema, it);
                return whole
                    .find(good)
                    .ok_or_else(|| format!("{at}: {given:?} is none of its kinds"));
            }
        }
        let types = &schema["type"];
        let is = |name: &str| {
            types == name || types.as_array().is_some_and(|it| it.contains(&json!(name)))
        };
        let known = self.properties(&schema);
        match given {
            Some(Value::Object(fields)) if !known.is_empty() => {
                if let Some(key) = fields.keys().find(|key| !known.contains_key(*key)) {
                    return Err(format!("{at}: there is no `{key}`"));
                }
            }
            Some(Value::Array(items)) => {
                let inside = &schema["items"];
                let items = items.iter().map(|it| self.fill(inside, Some(it), at));
                return Ok(Value::Array(items.collect::<Result<_, _>>()?));
            }
            Some(given) => return Ok(given.clone()),
            None if is("null") => return Ok(Value::Null),
            None => {}
        }
        if !known.is_empty() || is("object") {
            let given = given.and_then(Value::as_object);
            let mut names = self.required(&schema);
            names.extend(given.into_iter().flat_map(Map::keys).cloned());
            let mut whole = Map::new();
            for name in names {
                let given = given.and_then(|it| it.get(&name));
                let inside = known.get(&name).cloned().unwrap_or_else(|| json!({}));
                let value = self.fill(&inside, given, &format!("{at}.{name}"))?;
                whole.insert(name, value);
            }
            return Ok(Value::Object(whole));
        }
        if let Some(first) = schema["enum"].as_array().and_then(|it| it.first()) {
            return Ok(first.clone());
        }
        Ok(match schema["format"].as_str() {
            Some("date-time") => json!("2026-11-28T12:00:00Z"),
            Some("uri") => json!("https://example.com/"),
            _ if is("array") => json!([]),
            _ if is("integer") || is("number") => json!(1),
            _ if is("boolean") => json!(false),
            _ => json!("x"),
        })
    }

    #[track_caller]
    fn is_like(&self, schema: &Value, value: &Value, at: &str) {
        self.with(schema, |validator| {
            let errors: Vec<String> = validator
                .iter_errors(value)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{at}:\n{}\n{value:#}", errors.join("\n"));
        });
    }

    fn is_good(&self, schema: &Value, value: &Value) -> bool {
        self.with(schema, |validator| validator.is_valid(value))
    }

    fn with<T>(&self, schema: &Value, look: impl FnOnce(&Validator) -> T) -> T {
        let key = schema.to_string();
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = compiled.entry(key).or_insert_with(|| {
            let whole = json!({ "allOf": [schema], "components": self.value["components"] });
            jsonschema::validator_for(&whole).expect("a schema")
        });
        look(validator)
    }
}

/// `nullable` of the document as JSON Schema says it.
fn nullable(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(nullable);
            if fields.get("nullable") == Some(&json!(true)) {
                fields.remove("nullable");
                if let Some(kind) = fields.get("type").filter(|it| it.is_string()).cloned() {
                    fields.insert("type".to_owned(), json!([kind, "null"]));
                    if let Some(Value::Array(names)) = fields.get_mut("enum") {
                        names.push(Value::Null);
                    }
                } else {
                    let own = Value::Object(std::mem::take(fields));
                    fields.insert("anyOf".to_owned(), json!([own, { "type": "null" }]));
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(nullable),
        _ => {}
    }
}
