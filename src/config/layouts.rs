//! One `[[layouts]]` table as written; its templates and locators are compiled later.

use super::reader::Table;
use crate::domain::layout::{AlsoSpec, FallbackSpec, LayoutSpec};

pub(super) const KEYS: [&str; 26] = [
    "preset",
    "path",
    "refs",
    "range",
    "repository",
    "promote",
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
    "env",
    "alias",
    "lowercase",
    "else",
    "also",
    "carry",
    "version_of",
    "service",
    "only_if",
    "read_only",
];
pub(super) const FALLBACK: [&str; 6] = ["path", "yaml", "json", "regex", "kind", "part"];
pub(super) const PLACE: [&str; 5] = ["path", "yaml", "json", "regex", "part"];

pub(super) fn layout(table: &Table<'_>) -> LayoutSpec {
    table.refuse_others(&KEYS, |_| None);
    LayoutSpec {
        preset: table.string("preset"),
        path: table.string("path"),
        refs: table.string("refs"),
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
        env: table.string("env"),
        alias: table.string_map("alias").unwrap_or_default(),
        lowercase: table.strings("lowercase").unwrap_or_default(),
        fallbacks: table.tables("else").iter().map(fallback).collect(),
        also: table.tables("also").iter().map(also).collect(),
        carry: table.one_or_several("carry"),
        version_of: table.string("version_of"),
        service: table.string("service"),
        only_if: table.string("only_if"),
        range: table.string_map("range").unwrap_or_default(),
        read_only: table.boolean("read_only").unwrap_or_default(),
        repository: table.string("repository"),
        promote: table.string("promote"),
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
