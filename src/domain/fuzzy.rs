//! How well what somebody began to type fits a name.

/// How far a name is from what was typed, the less the better; `None`: it does not fit. What begins the name fits best, then
/// what begins a word of it, then what stands anywhere in it, then letters that stand in it in this order, the first of them
/// at the beginning of a word.
pub fn distance(typed: &str, name: &str) -> Option<usize> {
    const ANYWHERE: usize = 2;
    const SPREAD: usize = 10;
    let (typed, name) = (typed.to_lowercase(), name.to_lowercase());
    if name.starts_with(&typed) {
        return Some(usize::from(name != typed && !typed.is_empty()));
    }
    let mut found = name.match_indices(&typed).map(|(at, _)| at);
    if let Some(first) = found.next() {
        let at_word = [first]
            .into_iter()
            .chain(found)
            .any(|at| begins_word(&name, at));
        return Some(ANYWHERE + usize::from(!at_word));
    }
    let starts = name.char_indices().map(|(at, _)| at);
    let starts = starts.filter(|at| begins_word(&name, *at));
    let spread = starts.filter_map(|start| spread(&typed, &name[start..]));
    spread.min().map(|spread| SPREAD + spread)
}

/// The names that fit, the nearest first; of equals in the order given.
pub fn nearest<T>(typed: &str, names: Vec<T>, name: impl Fn(&T) -> &str) -> Vec<T> {
    let fitting = names.into_iter();
    let fitting = fitting.filter_map(|it| Some((distance(typed, name(&it))?, it)));
    let mut fitting: Vec<(usize, T)> = fitting.collect();
    fitting.sort_by_key(|(distance, _)| *distance);
    fitting.into_iter().map(|(_, it)| it).collect()
}

fn begins_word(name: &str, at: usize) -> bool {
    let before = name[..at].chars().next_back();
    before.is_none_or(|c| !c.is_alphanumeric())
}

/// How many other letters stand between those of `typed`, of which the first begins `name`.
fn spread(typed: &str, name: &str) -> Option<usize> {
    let mut rest = name.chars();
    let mut between = 0;
    for (index, wanted) in typed.chars().enumerate() {
        let passed = rest.position(|c| c == wanted)?;
        if index == 0 && passed > 0 {
            return None;
        }
        between += passed;
    }
    Some(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_comes_first() {
        let names = [
            "checkout",
            "check",
            "read-only",
            "accept-along",
            "leave-out",
            "layouts",
            "prod-eu",
            "Ñandú",
        ];
        let cases: [(&str, &[&str]); 11] = [
            ("check", &["check", "checkout"]),
            ("ckt", &["checkout"]),
            ("out", &["leave-out", "checkout", "layouts"]),
            ("lyo", &["layouts"]),
            ("al", &["accept-along"]),
            ("on", &["read-only", "accept-along"]),
            ("peu", &["prod-eu"]),
            ("eu", &["prod-eu"]),
            ("ñd", &["Ñandú"]),
            ("CHECKO", &["checkout"]),
            ("xyz", &[]),
        ];
        for (typed, expected) in cases {
            let found = nearest(typed, names.to_vec(), |name| name);
            assert_eq!(found, expected, "{typed}");
        }
        assert_eq!(nearest("", names.to_vec(), |name| name), names);
    }
}
