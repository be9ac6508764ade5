//! `schema`: the JSON Schema of the configuration and of each output, for editors and for programs.

#![allow(dead_code)] // the shapes are described, never made

mod config;
mod outputs;

use schemars::{JsonSchema, Schema, generate::SchemaSettings};

use super::{
    args::{SchemaArgs, Shape},
    fail::Exit,
    output::Output,
};

pub(super) fn run(args: &SchemaArgs) -> Exit {
    Output::json(&schema(args.of));
    Exit::Done
}

fn schema(shape: Shape) -> Schema {
    match shape {
        Shape::Config => read::<config::Config>(),
        Shape::User => read::<config::User>(),
        Shape::Status => written::<outputs::Status>(),
        Shape::History => written::<outputs::History>(),
        Shape::Trace => written::<outputs::Trace>(),
        Shape::Changelog => written::<outputs::Changelog>(),
        Shape::Why => written::<outputs::Why>(),
        Shape::Drift => written::<outputs::Drift>(),
        Shape::Check => written::<outputs::Check>(),
        Shape::Plan => written::<outputs::Plan>(),
        Shape::Init => written::<outputs::Init>(),
        Shape::Trust => written::<outputs::Trust>(),
        Shape::PullRequest => written::<outputs::PullRequestDone>(),
        Shape::Retag => written::<outputs::Retag>(),
        Shape::Agent => written::<outputs::Told>(),
        Shape::Canary => written::<outputs::Conducted>(),
        Shape::Log => written::<outputs::LogLine>(),
        Shape::Rollout => written::<outputs::Rollout>(),
    }
}

/// What somebody writes: keys that have a default may be left out. Draft 7 is what editors know for TOML.
fn read<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft07();
    settings.into_generator().into_root_schema_for::<T>()
}

/// What Tidegate writes: every field is there but those that say that they may be left out.
fn written<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft07().for_serialize();
    settings.into_generator().into_root_schema_for::<T>()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::config as configuration;

    fn value(shape: Shape) -> Value {
        serde_json::to_value(schema(shape)).unwrap()
    }

    fn keys(of: &Value) -> BTreeSet<&str> {
        let keys = of["properties"].as_object().unwrap().keys();
        keys.map(String::as_str).collect()
    }

    #[test]
    fn the_schema_of_the_configuration_has_the_keys_that_are_read() {
        let (team, user) = (value(Shape::Config), value(Shape::User));
        for (table, read) in configuration::tables() {
            let read: BTreeSet<&str> = read.into_iter().collect();
            let said = match table {
                "tidegate.toml" => keys(&team),
                "config.toml" => keys(&user),
                name => keys(&user["definitions"][name]),
            };
            assert_eq!(said, read, "{table}");
        }
        for schema in [&team, &user] {
            assert_eq!(schema["additionalProperties"], false);
            for (name, definition) in schema["definitions"].as_object().unwrap() {
                let is_table = definition.get("properties").is_some();
                assert!(
                    !is_table || definition["additionalProperties"] == false,
                    "{name}"
                );
                assert!(definition.get("description").is_some(), "{name}");
            }
        }
    }

    #[test]
    fn the_example_is_what_the_schema_says() {
        let example = include_str!("../../../config.example.toml");
        let plain: toml::Table = example.parse().unwrap();
        let plain = serde_json::to_value(plain).unwrap();
        let lines = example.lines().map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with([' ', '#', ':']) => rest,
            _ => line,
        });
        let whole: toml::Table = lines.collect::<Vec<_>>().join("\n").parse().unwrap();
        let whole = serde_json::to_value(whole).unwrap();
        let errors = |shape, instance: &Value| {
            let validator = jsonschema::validator_for(&value(shape)).unwrap();
            let errors = validator.iter_errors(instance);
            errors
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect::<Vec<_>>()
        };
        assert_eq!(errors(Shape::Config, &plain), Vec::<String>::new());
        assert_eq!(errors(Shape::User, &whole), Vec::<String>::new());
        let refused = errors(Shape::Config, &whole);
        assert!(refused[0].contains("theme"), "{refused:?}");
        for wrong in [
            "environments = [{ name = \"a\", deliver = \"pigeon\" }]",
            "environments = [{}]",
            "environments = [{ name = 1 }]",
            "layouts = [{ pth = \"a\" }]",
            "environments = [{ name = \"a\", url = \"shop\" }]",
        ] {
            let wrong: toml::Table = wrong.parse().unwrap();
            let wrong = serde_json::to_value(wrong).unwrap();
            assert_eq!(errors(Shape::Config, &wrong).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn the_example_and_the_proposal_name_the_schema() {
        let line = configuration::SCHEMA_LINE;
        let proposal = configuration::propose(&crate::domain::detect::Guess::default());
        for text in [include_str!("../../../config.example.toml"), &proposal] {
            assert_eq!(text.lines().next(), Some(line));
        }
    }

    #[test]
    fn every_shape_is_a_schema() {
        for shape in Shape::ALL {
            let value = value(shape);
            assert!(jsonschema::validator_for(&value).is_ok(), "{shape:?}");
            assert!(value["description"].is_string(), "{shape:?}");
        }
    }
}
