//! What commands print is what `tidegate schema` says of it.
#![allow(clippy::expect_used)] // a harness fails by panicking

use std::{
    collections::HashMap,
    process::Command,
    sync::{Mutex, PoisonError},
};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::terminal::TIDEGATE;

/// The schema of `shape`, as the program prints it.
pub fn of(shape: &str) -> Value {
    let printed = Command::new(TIDEGATE).args(["schema", shape]).output();
    let printed = printed.expect("the program").stdout;
    serde_json::from_slice(&printed).unwrap_or_else(|_| {
        panic!("there is no schema of `{shape}`: describe it in src/cli/schema/outputs")
    })
}

/// Asserts that an output is what its schema says, and has no field that is not described there.
#[track_caller]
pub fn assert_described(output: &Value) {
    static READ: Mutex<Option<HashMap<String, Validator>>> = Mutex::new(None);
    let Some(name) = output["schema"].as_str() else {
        return;
    };
    let shape = name
        .strip_prefix("tidegate.")
        .and_then(|name| name.strip_suffix("/v1"))
        .unwrap_or_else(|| panic!("an odd schema: {name}"));
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = read
        .get_or_insert_default()
        .entry(shape.to_owned())
        .or_insert_with(|| {
            let mut schema = of(shape);
            refuse_more(&mut schema);
            jsonschema::validator_for(&schema).expect("a schema")
        });
    let errors: Vec<String> = validator
        .iter_errors(output)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    drop(read);
    assert!(
        errors.is_empty(),
        "{name} is not what src/cli/schema/outputs says:\n{}\n{output:#}",
        errors.join("\n")
    );
}

/// Programs must let fields pass that came later; here, none may come undescribed.
fn refuse_more(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(refuse_more);
            if fields.get("properties").is_some_and(Value::is_object)
                && fields.get("type") == Some(&json!("object"))
            {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(refuse_more),
        _ => {}
    }
}
