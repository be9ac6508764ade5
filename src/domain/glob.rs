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

#[cfg(test)]
mod tests {
    use super::*;

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
