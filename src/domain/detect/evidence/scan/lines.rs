//! Files that are neither YAML nor JSON: Terraform, Jsonnet, `.env`, and what has no ending.

use std::ops::Range;

use super::{super::classify, Form, MOST, Scalar, Step, WIDEST};

/// `key = value`, `key: value`, `KEY=value`, line by line; else an image or a reference somewhere in the line.
pub(super) fn lines(file: &str, text: &str, within: Range<u32>) -> Vec<Scalar> {
    let mut found = Vec::new();
    let kind = file.rsplit_once('.').map_or("", |(_, kind)| kind);
    let is_terraform = matches!(kind, "tf" | "hcl");
    // There, what has no quotes is a name or an expression.
    let quotes = is_terraform || matches!(kind, "tfvars" | "libsonnet" | "jsonnet" | "cue");
    // Blocks that are open, and whether they are about Terraform's own tools.
    let mut blocks: Vec<bool> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty()
            || line.len() > WIDEST
            || line.starts_with(['#', ';'])
            || line.starts_with("//")
        {
            continue;
        }
        if is_terraform {
            let word = line.split([' ', '"', '{', '=']).next();
            if line.starts_with('}') {
                blocks.pop();
            } else if line.ends_with('{') {
                blocks.push(matches!(
                    word,
                    Some("terraform" | "required_providers" | "provider")
                ));
            }
            if blocks.contains(&true) || file == ".terraform.lock.hcl" {
                continue;
            }
        }
        if found.len() >= MOST || number >= within.end {
            break;
        }
        if number < within.start {
            continue;
        }
        let (key, value) = match line.find(['=', ':']) {
            Some(at) if classify::is_key(line[..at].trim_end().trim_matches(['"', '\''])) => {
                let rest = line[at + 1..].trim_start_matches(['=', '>', ' ', '\t', '?']);
                (line[..at].trim_end().trim_matches(['"', '\'']), rest)
            }
            _ => ("", line),
        };
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
            Some(c) if quotes && !c.is_ascii_digit() => continue,
            _ => value.split([' ', ',', ';']).next().unwrap_or_default(),
        };
        let key: &str = key.strip_prefix("export ").unwrap_or(key).trim();
        if key.is_empty() {
            continue;
        }
        if let Some(sign) = classify::sign("", &[], key, value) {
            found.push(Scalar {
                line: number,
                steps: vec![Step::Key(key.into())],
                kind: None,
                name: None,
                form: Form::Lines,
                literal: false,
                listed: None,
                sign,
            });
        }
    }
    found
}
