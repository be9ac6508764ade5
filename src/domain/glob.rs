//! Patterns over names, as people type them: `*` is any text, `?` any one character, all else itself.

/// Whether all of `text` is as `pattern` says. `*` also stands for nothing, and for text with a `/`.
pub fn is_match(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // Behind the last `*`, and where its text ends so far: what follows is tried there, then one character later.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                at += 1;
                star = Some((at, seen));
            }
            Some(wanted) if *wanted == '?' || *wanted == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match &mut star {
                Some((behind, end)) => {
                    *end += 1;
                    (at, seen) = (*behind, *end);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

/// The same as Argo CD writes patterns: beside `*` and `?`, `[a-c]`, `[!a]`, `{one,other}`, and `\\` before what stands for itself.
/// What is no pattern is like nothing.
pub fn is_go_match(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    go(&pattern, &text, 0)
}

/// So deep alternatives may stand in each other, and so much is tried.
const DEEPEST: usize = 64;

fn go(pattern: &[char], text: &[char], depth: usize) -> bool {
    if depth > DEEPEST {
        return false;
    }
    let Some((first, rest)) = pattern.split_first() else {
        return text.is_empty();
    };
    match first {
        '*' => {
            let rest = &rest[rest.iter().take_while(|it| **it == '*').count()..];
            (0..=text.len()).any(|from| go(rest, &text[from..], depth))
        }
        '?' => !text.is_empty() && go(rest, &text[1..], depth),
        '\\' => match (rest.split_first(), text.split_first()) {
            (Some((wanted, rest)), Some((there, text))) => wanted == there && go(rest, text, depth),
            _ => false,
        },
        '[' => {
            let Some(end) = rest.iter().position(|it| *it == ']').filter(|end| *end > 0) else {
                return false;
            };
            let Some((there, text)) = text.split_first() else {
                return false;
            };
            is_in(&rest[..end], *there) && go(&rest[end + 1..], text, depth)
        }
        '{' => {
            let Some((ways, rest)) = alternatives(rest) else {
                return false;
            };
            ways.into_iter()
                .any(|way| go(&[way, rest].concat(), text, depth + 1))
        }
        wanted => {
            let there = text.split_first();
            there.is_some_and(|(there, text)| there == wanted && go(rest, text, depth))
        }
    }
}

/// `a-c`, `abc`, `!abc`.
fn is_in(class: &[char], there: char) -> bool {
    let (not, class) = match class.split_first() {
        Some(('!', class)) => (true, class),
        _ => (false, class),
    };
    let found = match class {
        [from, '-', to] => (*from..=*to).contains(&there),
        all => all.contains(&there),
    };
    found != not
}

/// What stands between commas up to the brace that closes, and what is behind it.
fn alternatives(text: &[char]) -> Option<(Vec<&[char]>, &[char])> {
    let (mut ways, mut from, mut open, mut escaped) = (Vec::new(), 0, 0, false);
    for (at, it) in text.iter().enumerate() {
        match it {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => open += 1,
            '}' if open > 0 => open -= 1,
            '}' => {
                ways.push(&text[from..at]);
                return Some((ways, &text[at + 1..]));
            }
            ',' if open == 0 => {
                ways.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_argo_cd() {
        let cases = [
            ("*", "", true),
            ("web", "web", true),
            ("web", "webs", false),
            ("we?", "web", true),
            ("*-prod", "shop/web-prod", true),
            ("web-[a-c]", "web-b", true),
            ("web-[!a]", "web-a", false),
            ("web-[!a]", "web-b", true),
            ("{web,pay}-*", "pay-eu", true),
            ("{web,p{a,o}y}", "poy", true),
            ("{web,pay}", "web,pay", false),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("https://*.example.com", "https://k.example.com", true),
            ("[", "[", false),
            ("{a", "{a", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(is_go_match(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn patterns() {
        let cases = [
            ("web", "web", true),
            ("web", "webs", false),
            ("", "", true),
            ("*", "", true),
            ("prod-*", "prod-eu", true),
            ("prod-*", "prod", false),
            ("*/prod", "team/web/prod", true),
            ("w?b/*", "wéb/prod", true),
            ("w?b", "wb", false),
            ("*a*b*c", "aXbXbXc", true),
            ("*a*b*c", "aXcXb", false),
            ("**", "x", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(is_match(pattern, text), expected, "{pattern} {text}");
        }
    }
}
