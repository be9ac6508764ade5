//! "Did you mean …": the nearest of the names that exist.

/// The candidate that `given` most likely misspells, if one is near enough.
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            // Insertions, deletions, replacements and swaps of neighbours.
            let distance = strsim::osa_distance(&given, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, candidate)| *distance <= limit(&given, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean …?`, or nothing where no candidate is near.
pub fn hint<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(given, candidates)
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

/// A third of the longer one may differ, and a name that starts with what was typed is near.
fn limit(given: &str, candidate: &str) -> usize {
    if given.len() >= 3 && candidate.to_lowercase().starts_with(given) {
        return candidate.len();
    }
    (given.chars().count().max(candidate.chars().count()) / 3).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_only() {
        let names = ["staging", "prod-eu", "prod-us", "dev"];
        let cases = [
            ("stagin", Some("staging")),
            ("satging", Some("staging")),
            ("PROD-EU", Some("prod-eu")),
            ("stag", Some("staging")),
            ("dve", Some("dev")),
            ("checkout", None),
            ("", None),
        ];
        for (given, expected) in cases {
            assert_eq!(nearest(given, names), expected, "{given}");
        }
        assert_eq!(hint("stagin", names), "; did you mean `staging`?");
        assert_eq!(hint("checkout", names), "");
    }
}
