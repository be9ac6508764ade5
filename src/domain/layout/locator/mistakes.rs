//! Locators as other tools write them: what is said of them, with the form that is meant.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// A way to write that is another tool's, or nearly ours.
struct Habit {
    /// How it looks, outside braces.
    looks: &'static str,
    /// What is written instead.
    right: &'static str,
    /// What is said of it.
    why: &'static str,
}

/// In the order in which they are mended: what an earlier one leaves is looked at by the later ones.
const HABITS: [Habit; 13] = [
    Habit {
        looks: r#"(?:\[\*?\])?\s*\|\s*select\(\s*\.([\w.-]+)\s*==\s*["']?([^"')]*?)["']?\s*\)\s*\|?\s*"#,
        right: "[$1=$2]",
        why: "`select` is jq's and yq's; here a condition stands in brackets, right behind the list",
    },
    Habit {
        looks: r#"\[\?\s*\(?\s*@\.([\w.-]+)\s*==?\s*["']?([^"'\])]*?)["']?\s*\)?\s*\]"#,
        right: "[$1=$2]",
        why: "`[?(@…)]` is JSONPath's; here a condition is `[field=text]`",
    },
    Habit {
        looks: r"\[\?\s*\(?\s*@\.([\w.-]+)\s*\)?\s*\]",
        right: "[$1=*]",
        why: "`[?(@…)]` is JSONPath's; here a condition is `[field=text]`, and `*` is any text",
    },
    Habit {
        looks: r#"\[\?\s*([\w.-]+)\s*==?\s*["'`]?([^"'`\])]*?)["'`]?\s*\]"#,
        right: "[$1=$2]",
        why: "`[?…]` is JMESPath's; here a condition is `[field=text]`",
    },
    Habit {
        looks: r"^\$?\.\.",
        right: "**.",
        why: "`..` is JSONPath's and yq's; here `**` skips any depth",
    },
    Habit {
        looks: r"^\$\.?",
        right: "",
        why: "`$` is JSONPath's root; here a path begins with its first key",
    },
    Habit {
        looks: r"^\.",
        right: "",
        why: "jq and yq begin with a dot; here a path begins with its first key",
    },
    Habit {
        looks: r"\.\[",
        right: "[",
        why: "brackets stand right behind the key, without a dot",
    },
    Habit {
        looks: r"\[\s*\]",
        right: "[*]",
        why: "each item of a list is `[*]`",
    },
    Habit {
        looks: r#"\[\s*([\w.-]+)\s*={1,2}\s*["']?([^"'\]=]*?)["']?\s*\]"#,
        right: "[$1=$2]",
        why: "a condition has one `=` and no quotes or blanks, which would be looked for",
    },
    Habit {
        looks: r"\[\s*([\w.-]+)\s*:\s*([^\]\d][^\]]*?)\s*\]",
        right: "[$1=$2]",
        why: "a condition has a `=`",
    },
    Habit {
        looks: r"^/[\w.\-/]+$",
        right: "",
        why: "this is a JSON Pointer; here keys are joined by dots, and an item is `[0]`",
    },
    Habit {
        looks: r"[^.\[\]\\]+(?:\\\.[^.\[\]\\]+)+",
        right: "",
        why: "a key with a dot in it is quoted",
    },
];

/// The expressions, compiled when a locator looks suspicious for the first time. They are constants; one that did not
/// compile would find nothing.
static LOOKS: LazyLock<Vec<Option<Regex>>> =
    LazyLock::new(|| HABITS.iter().map(|it| Regex::new(it.looks).ok()).collect());

/// What no locator of ours has outside patterns and quotes.
const SUSPICIOUS: [&str; 11] = [
    ".[", " =", "[]", "[?", "[ ", "select(", "\\", "==", "=\"", "='", ": ",
];

/// What is wrong with `source`, where it is written as another tool would; `parses` says whether a text is a locator.
pub(super) fn mistake(source: &str, parses: &dyn Fn(&str) -> bool) -> Option<String> {
    if let Some(found) = braced(source) {
        return Some(found);
    }
    if source.contains("[\"") || source.contains("['") {
        // A key in quotes may look like anything.
        return root(source).map(|right| said(source, 0, HABITS[5].why, &right, parses));
    }
    let suspicious =
        source.starts_with(['$', '.', '/']) || SUSPICIOUS.iter().any(|sign| source.contains(sign));
    if !suspicious {
        return None;
    }
    let mut first: Option<(usize, &str)> = None;
    let mut text = source.to_owned();
    for (habit, looks) in HABITS.iter().zip(LOOKS.iter()) {
        let Some(looks) = looks else { continue };
        let mut from = 0;
        while let Some(found) = captures(looks, &text, from) {
            let range = found.get(0).map_or(0..0, |all| all.range());
            let right = replaced(habit, &found);
            from = range.start + right.len().max(1);
            if text[range.clone()] != right {
                // Until the first change the text is the source.
                first.get_or_insert((range.start, habit.why));
                text.replace_range(range, &right);
            }
        }
    }
    let (at, why) = first?;
    Some(said(source, at, why, &text, parses))
}

/// A condition in braces with blanks around its `=`, or with quotes, which would be looked for.
static BRACED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"\{(\s*[\w.-]+\s*)=(\s*)(?:"([^"{}]*)"|'([^'{}]*)'|([^{}]*(?:\{[^{}]*\}[^{}]*)*))\}"#,
    )
    .ok()
});

/// What is wrong with a condition in braces: `{name="web"}`, `{name = {service}}`.
fn braced(source: &str) -> Option<String> {
    let braced = BRACED.as_ref()?;
    for found in braced.captures_iter(source) {
        let (all, field) = (found.get(0)?, found.get(1)?);
        let quoted = found.get(3).or(found.get(4));
        let plain = found.get(5);
        let text = quoted.or(plain)?.as_str();
        let has_blanks = field.as_str() != field.as_str().trim()
            || found.get(2).is_some_and(|blank| !blank.is_empty());
        if !outside(source, all.start()) || !has_blanks && quoted.is_none() {
            continue;
        }
        let right = format!("{{{}={}}}", field.as_str().trim(), text.trim());
        let right = source.replacen(all.as_str(), &right, 1);
        let character = source[..all.start()].chars().count() + 1;
        return Some(format!(
            "`{source}`, character {character}: a condition has no quotes, and no blanks around its `=`: they would be looked \
             for; write `{right}`"
        ));
    }
    None
}

/// What a locator that finds nothing may have meant, where a condition stands behind what may be a list.
pub(in crate::domain::layout) fn behind_a_list(source: &str) -> Option<String> {
    static BEHIND: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(^|[.\]])([\w-]+)\{([\w.-]+)=").ok());
    static TWICE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\[\*\]\[([\w.-]+)=([^\]]*)\]").ok());
    if let Some(found) = TWICE.as_ref().and_then(|it| it.captures(source)) {
        let all = found.get(0)?.as_str();
        let right = format!("[{}={}]", &found[1], &found[2]);
        return Some(format!(
            "`[*]` and a condition in brackets behind it are an item of an item; write `{}` for the items of one list",
            source.replacen(all, &right, 1)
        ));
    }
    let found = BEHIND.as_ref()?.captures(source)?;
    let key = &found[2];
    let all = found.get(0)?.as_str();
    let right = all.replacen(&format!("{key}{{"), &format!("{key}[*]{{"), 1);
    Some(format!(
        "a condition behind `{key}` is asked of `{key}` itself; write `{}` where it is a list",
        source.replacen(all, &right, 1)
    ))
}

/// What is said of a locator that ends with a condition.
pub(super) fn condition_last(source: &str) -> String {
    format!(
        "`{source}` ends with a condition, so it leads to an item and not to a value: put the key of the value behind it, such \
         as `{source}.newTag`"
    )
}

/// What is said of a locator that ends with an item of what is a text: `containers[name=web].image[0]`.
pub(super) fn item_of_a_text(source: &str) -> Option<String> {
    let open = source.rfind('[').filter(|_| source.ends_with(']'))?;
    let (path, _) = source.split_at(open);
    let key = path.rsplit(['.', ']', '}']).next()?;
    let is_text = matches!(
        key,
        "image" | "newTag" | "newName" | "tag" | "digest" | "targetRevision" | "version"
    );
    is_text.then(|| {
        let character = path.chars().count() + 1;
        format!(
            "`{source}`, character {character}: `{key}` is a text and has no items; write `{path}`"
        )
    })
}

fn said(source: &str, at: usize, why: &str, right: &str, parses: &dyn Fn(&str) -> bool) -> String {
    let character = source.get(..at).map_or(0, |before| before.chars().count()) + 1;
    let right = if right.is_empty() || !parses(right) {
        String::new()
    } else {
        format!("; write `{right}`")
    };
    format!("`{source}`, character {character}: {why}{right}")
}

/// Without the root that `JSONPath` writes.
fn root(source: &str) -> Option<String> {
    let rest = source.strip_prefix('$')?;
    Some(rest.strip_prefix('.').unwrap_or(rest).to_owned())
}

/// The first match from `from` on that begins outside braces.
fn captures<'t>(looks: &Regex, text: &'t str, from: usize) -> Option<Captures<'t>> {
    let mut from = from;
    loop {
        while from < text.len() && !text.is_char_boundary(from) {
            from += 1;
        }
        if from > text.len() {
            return None;
        }
        let found = looks.captures_at(text, from)?;
        let start = found.get(0)?.start();
        if outside(text, start) {
            return Some(found);
        }
        from = start + 1;
    }
}

/// Whether no brace is open there.
fn outside(text: &str, at: usize) -> bool {
    let mut depth = 0_i32;
    for character in text[..at].chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    depth <= 0
}

fn replaced(habit: &Habit, found: &Captures<'_>) -> String {
    let all = found.get(0).map_or("", |all| all.as_str());
    if habit.right.is_empty() && all.starts_with('/') {
        return pointer(all);
    }
    if habit.right.is_empty() && all.contains('\\') {
        return format!("\"{}\"", all.replace('\\', ""));
    }
    let mut right = String::new();
    found.expand(habit.right, &mut right);
    right
}

/// `/images/0/newTag` as `images[0].newTag`.
fn pointer(text: &str) -> String {
    let mut path = String::new();
    for part in text.split('/').filter(|part| !part.is_empty()) {
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            path.extend(["[", part, "]"]);
        } else {
            let dot = if path.is_empty() { "" } else { "." };
            path.extend([dot, part]);
        }
    }
    path
}
