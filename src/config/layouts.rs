//! One `[[layouts]]` table as written; its templates and locators are compiled later.

use std::collections::BTreeMap;

use super::{reader::Table, schema::not_there_yet};
use crate::domain::layout::{AlsoSpec, FallbackSpec, LayoutSpec};

pub(super) const KEYS: [&str; 18] = [
    "preset",
    "path",
    "yaml",
    "json",
    "regex",
    "kind",
    "name",
    "first",
    "part",
    "match",
    "row",
    "env_name",
    "alias",
    "lowercase",
    "else",
    "also",
    "carry",
    "service",
];
/// Compiled and matched, but nothing reads other refs or repositories yet: taken, they would read nothing.
const LATER: [&str; 3] = ["refs", "range", "repository"];
const FALLBACK: [&str; 6] = ["path", "yaml", "json", "regex", "kind", "part"];
const PLACE: [&str; 5] = ["path", "yaml", "json", "regex", "part"];

pub(super) fn layout(table: &Table<'_>) -> LayoutSpec {
    table.refuse_others(&KEYS, |key| {
        LATER.contains(&key).then(|| not_there_yet(key))
    });
    LayoutSpec {
        preset: table.string("preset"),
        path: table.string("path"),
        refs: None,
        yaml: table.string("yaml"),
        json: table.string("json"),
        regex: table.string("regex"),
        kind: table.string("kind"),
        name: table.string("name"),
        first: table.boolean("first").unwrap_or_default(),
        part: table.string("part"),
        matching: table.string("match"),
        row: table.string("row"),
        env_name: table.string("env_name"),
        alias: table.string_map("alias").unwrap_or_default(),
        lowercase: table.strings("lowercase").unwrap_or_default(),
        fallbacks: table.tables("else").iter().map(fallback).collect(),
        also: table.tables("also").iter().map(also).collect(),
        carry: table.string("carry"),
        service: table.string("service"),
        range: BTreeMap::new(),
        repository: None,
    }
}

fn fallback(table: &Table<'_>) -> FallbackSpec {
    table.refuse_others(&FALLBACK, |_| None);
    if !table.has("path") {
        table.error_here("has no `path`; a fall-back names the file that it reads");
    }
    FallbackSpec {
        path: table.string("path").unwrap_or_default(),
        yaml: table.string("yaml"),
        json: table.string("json"),
        regex: table.string("regex"),
        kind: table.string("kind"),
        part: table.string("part"),
    }
}

fn also(table: &Table<'_>) -> AlsoSpec {
    table.refuse_others(&PLACE, |_| None);
    AlsoSpec {
        path: table.string("path"),
        yaml: table.string("yaml"),
        json: table.string("json"),
        regex: table.string("regex"),
        part: table.string("part"),
    }
}
