//! The text of a locator, read.

use super::{
    super::pattern::{Pattern, closing},
    Step,
};

/// The steps of `source`.
///
/// # Errors
/// What is wrong in it, in words.
pub(super) fn parse(source: &str, environments: &[&str]) -> Result<Vec<Step>, String> {
    if source.is_empty() {
        return Err("it is empty; a path of keys such as `image.tag` is needed".into());
    }
    let mut steps = Vec::new();
    let mut rest = source;
    let mut start = true;
    while !rest.is_empty() {
        if rest.starts_with('[') {
            let end = closing(rest, '[', ']')
                .ok_or_else(|| format!("`{source}`: a `[` is never closed by `]`"))?;
            bracket(&rest[1..end], source, environments, &mut steps)?;
            rest = &rest[end + 1..];
        } else if rest.starts_with('{') && !start {
            let end = closing(rest, '{', '}')
                .ok_or_else(|| format!("`{source}`: a `{{` is never closed by `}}`"))?;
            steps.push(filter(&rest[1..end], source, environments)?);
            rest = &rest[end + 1..];
        } else {
            if !start {
                rest = rest
                    .strip_prefix('.')
                    .ok_or_else(|| format!("`{source}`: a `.` is missing before `{rest}`"))?;
            }
            let (step, after) = key(rest, source, environments)?;
            steps.push(step);
            rest = after;
        }
        start = false;
    }
    Ok(steps)
}

fn bracket(
    inside: &str,
    source: &str,
    environments: &[&str],
    steps: &mut Vec<Step>,
) -> Result<(), String> {
    let quoted = inside
        .strip_prefix(['"', '\''])
        .and_then(|text| text.strip_suffix(['"', '\'']));
    if inside == "*" {
        steps.push(Step::Each);
    } else if let Some(key) = quoted {
        steps.push(Step::Key(key.to_owned()));
    } else if let Ok(index) = inside.parse() {
        steps.push(Step::Index(index));
    } else if let Some(behind) = inside.strip_prefix('-').and_then(|it| it.parse().ok())
        && behind > 0
    {
        steps.push(Step::FromEnd(behind));
    } else if inside.contains('=') {
        steps.push(Step::Each);
        steps.push(filter(inside, source, environments)?);
    } else {
        return Err(format!(
            "`{source}`: `[{inside}]` is none of `[0]`, `[-1]`, `[*]`, `[name=x]`"
        ));
    }
    Ok(())
}

fn filter(inside: &str, source: &str, environments: &[&str]) -> Result<Step, String> {
    let (field, pattern) = inside.split_once('=').ok_or_else(|| {
        format!("`{source}`: `{{{inside}}}` after an item is a condition such as `{{name=**/{{service}}}}`")
    })?;
    if field.is_empty() || field.contains(['{', '*', '[']) {
        return Err(format!(
            "`{source}`: `{field}` before `=` is not the name of a field"
        ));
    }
    let keys = field.split('.').map(str::to_owned).collect();
    if pattern.is_empty() {
        return Ok(Step::Without(keys));
    }
    Ok(Step::Where(keys, Pattern::compile(pattern, environments)?))
}

/// Whether braces hold a condition, `{name=…}`, and no capture.
fn is_condition(text: &str) -> bool {
    let inside = text.trim_start_matches('{');
    let end = inside.find(['=', '{', '}', ':', '*']);
    end.is_some_and(|end| inside[end..].starts_with('='))
}

/// One key and what stands behind it.
fn key<'s>(text: &'s str, source: &str, environments: &[&str]) -> Result<(Step, &'s str), String> {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let inside = &text[1..];
        let end = inside
            .find(quote)
            .ok_or_else(|| format!("`{source}`: a {quote} is never closed"))?;
        return Ok((Step::Key(inside[..end].to_owned()), &inside[end + 1..]));
    }
    let mut depth = 0_usize;
    let end = text
        .char_indices()
        .find(|(at, character)| {
            match character {
                '{' if depth == 0 && *at > 0 && is_condition(&text[*at..]) => return true,
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                '.' | '[' if depth == 0 => return true,
                _ => {}
            }
            false
        })
        .map_or(text.len(), |(at, _)| at);
    let (word, rest) = text.split_at(end);
    let step = match word {
        "" => {
            return Err(format!(
                "`{source}` has an empty key; keys are joined by single dots, and one with a dot in it is quoted"
            ));
        }
        "*" => Step::Any,
        "**" => Step::Deep(None),
        _ if word.starts_with("**{") || (word.starts_with('{') && word.ends_with("*}")) => {
            let name = word.trim_start_matches("**").trim_matches(['{', '}', '*']);
            // The pattern language knows what a name is.
            let name = Pattern::compile(&format!("{{{name}}}"), &[])?.names();
            Step::Deep(name.into_iter().next())
        }
        _ if word.contains(['{', '}', '*']) => Step::KeyLike(Pattern::compile(word, environments)?),
        _ => Step::Key(word.to_owned()),
    };
    Ok((step, rest))
}
