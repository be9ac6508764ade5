//! The pull request that a commit message names.

/// The number of the pull (or merge) request that a commit message names: in trailers, in a merge's subject or body, or
/// at the end of a squash's subject.
pub fn pull_request(message: &str) -> Option<u32> {
    let subject = message.lines().next().unwrap_or_default().trim();
    trailer_number(message)
        .or_else(|| merge_number(subject))
        .or_else(|| {
            let open = subject.strip_suffix(')')?.rfind("(#")?;
            subject[open + 2..subject.len() - 1].parse().ok()
        })
}

fn trailer_number(message: &str) -> Option<u32> {
    const KEYS: [&str; 5] = [
        "pull-request",
        "pr-url",
        "pr",
        "reviewed-on",
        "merge-request",
    ];
    let last =
        |text: &str| -> Option<u32> { text.trim().rsplit(['/', '#', '!']).next()?.parse().ok() };
    let body = message.split_once('\n').map_or("", |(_, body)| body);
    body.lines().rev().find_map(|line| {
        if let Some(name) = line.strip_prefix("See merge request ") {
            return last(name);
        }
        let (key, value) = line.split_once(": ")?;
        KEYS.contains(&key.to_ascii_lowercase().as_str())
            .then(|| last(value))
            .flatten()
    })
}

fn merge_number(subject: &str) -> Option<u32> {
    let digits = |text: &str| -> Option<u32> {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        text[..end].parse().ok()
    };
    if let Some(rest) = subject.strip_prefix("Merge pull request #") {
        return digits(rest);
    }
    if let Some(rest) = subject.strip_prefix("Merged PR ") {
        return digits(rest);
    }
    let at = subject
        .starts_with("Merged in ")
        .then(|| subject.find("(pull request #"))??;
    digits(&subject[at + "(pull request #".len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pull_request_numbers() {
        let cases = [
            (
                "Merge pull request #812 from acme/promote\n\npromote 1 to prod",
                Some(812),
            ),
            ("promote checkout to prod (#77)", Some(77)),
            (
                "Revert \"promote (#77)\" (#78)\n\nThis reverts commit 1234.",
                Some(78),
            ),
            ("Revert \"promote (#77)\"", None),
            (
                "Merge branch 'x' into 'main'\n\npromote\n\nSee merge request group/sub/app!45",
                Some(45),
            ),
            ("Merge branch 'x'\n\nSee merge request !46", Some(46)),
            (
                "promote\n\nReviewed-on: https://gitea.example.com/a/b/pulls/12\n",
                Some(12),
            ),
            (
                "promote\n\nPR-URL: https://github.com/a/b/pull/13",
                Some(13),
            ),
            ("promote\n\nPull-Request: #14", Some(14)),
            ("Merged in promote-x (pull request #15)", Some(15)),
            ("Merged PR 16: promote", Some(16)),
            ("fix #17 at last", None),
            ("closes (#abc)", None),
            ("", None),
        ];
        for (message, expected) in cases {
            assert_eq!(pull_request(message), expected, "{message}");
        }
    }
}
