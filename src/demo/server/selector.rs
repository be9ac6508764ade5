//! Label and field selectors, as in `labelSelector=` and `fieldSelector=`.

use serde_json::Value;

use super::status::ApiError;

/// Both selectors of one request; empty ones match everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    labels: Vec<(String, Test)>,
    fields: Vec<(String, Test)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

impl Selector {
    /// Parses both.
    ///
    /// # Errors
    /// 400 where one is malformed or names a field that the server cannot select by.
    pub fn parse(labels: &str, fields: &str) -> Result<Self, ApiError> {
        Ok(Self {
            labels: split(labels).map(requirement).collect::<Result<_, _>>()?,
            fields: split(fields).map(field).collect::<Result<_, _>>()?,
        })
    }

    /// Matches everything.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether `object` passes both.
    pub fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.labels
            .iter()
            .all(|(key, test)| test.passes(labels[key.as_str()].as_str()))
            && self.fields.iter().all(|(path, test)| {
                let value = path.split('.').fold(object, |at, key| &at[key]);
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Null => String::new(),
                    other => other.to_string(),
                };
                test.passes(Some(&text))
            })
    }
}

impl Test {
    /// A missing label passes `notin` and `!=`, as in Kubernetes.
    fn passes(&self, value: Option<&str>) -> bool {
        match self {
            Self::In(values) => value.is_some_and(|v| values.iter().any(|x| x == v)),
            Self::NotIn(values) => value.is_none_or(|v| values.iter().all(|x| x != v)),
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
        }
    }
}

/// Parts between commas that are not inside parentheses.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    text.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

/// `key=value`, `key==value`, `key!=value`.
fn equality(part: &str) -> Option<(String, Test)> {
    let (key, value, negative) = if let Some((key, value)) = part.split_once("!=") {
        (key, value, true)
    } else if let Some((key, value)) = part.split_once("==") {
        (key, value, false)
    } else {
        let (key, value) = part.split_once('=')?;
        (key, value, false)
    };
    let values = vec![value.trim().to_owned()];
    let test = if negative {
        Test::NotIn(values)
    } else {
        Test::In(values)
    };
    Some((key.trim().to_owned(), test))
}

/// One part of a label selector.
fn requirement(part: &str) -> Result<(String, Test), ApiError> {
    let malformed = || {
        ApiError::bad_request(format!(
            "unable to parse requirement: couldn't parse the selector string \"{part}\""
        ))
    };
    if let Some(open) = part.find('(') {
        let (head, rest) = part.split_at(open);
        let inner = rest
            .strip_prefix('(')
            .and_then(|r| r.strip_suffix(')'))
            .ok_or_else(malformed)?;
        let values = inner.split(',').map(|v| v.trim().to_owned()).collect();
        let mut words = head.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(key), Some("in"), None) => Ok((key.to_owned(), Test::In(values))),
            (Some(key), Some("notin"), None) => Ok((key.to_owned(), Test::NotIn(values))),
            _ => Err(malformed()),
        };
    }
    let found = equality(part).or_else(|| match part.strip_prefix('!') {
        Some(key) => Some((key.trim().to_owned(), Test::Absent)),
        None => Some((part.to_owned(), Test::Exists)),
    });
    found
        .filter(|(key, _)| !key.is_empty() && !key.contains(char::is_whitespace))
        .ok_or_else(malformed)
}

/// One part of a field selector: the real server, too, knows only a few fields of each resource.
fn field(part: &str) -> Result<(String, Test), ApiError> {
    const KNOWN: [&str; 9] = [
        "metadata.",
        "involvedObject.",
        "status.phase",
        "spec.nodeName",
        "reason",
        "type",
        "reportingComponent",
        "source",
        "status.podIP",
    ];
    let (key, test) = equality(part)
        .ok_or_else(|| ApiError::bad_request(format!("invalid field selector: {part}")))?;
    if KNOWN.iter().any(|known| key.starts_with(known)) {
        Ok((key, test))
    } else {
        Err(ApiError::bad_request(format!(
            "field label not supported: {key}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn label_and_field_selectors() {
        let pod = json!({
            "metadata": {"name": "checkout-1", "namespace": "shop", "labels": {"app": "checkout", "tier": "web"}},
            "involvedObject": {"name": "x"}, "status": {"phase": "Running"},
        });
        let cases = [
            ("", "", true),
            ("app=checkout", "", true),
            ("app==checkout,tier!=db", "", true),
            ("app!=checkout", "", false),
            ("missing!=x", "", true),
            ("app in (checkout, cart),tier", "", true),
            ("app notin (checkout,cart)", "", false),
            ("missing notin (a)", "", true),
            ("!missing,app", "", true),
            ("!app", "", false),
            ("", "metadata.name=checkout-1", true),
            ("", "metadata.namespace!=shop", false),
            ("", "involvedObject.name=x,status.phase=Running", true),
            ("app=checkout", "involvedObject.name=y", false),
        ];
        for (labels, fields, expected) in cases {
            let selector = Selector::parse(labels, fields).unwrap();
            assert_eq!(selector.matches(&pod), expected, "{labels} {fields}");
        }
    }

    #[test]
    fn malformed_selectors_are_bad_requests() {
        for (labels, fields) in [
            ("a in b", ""),
            ("a among (b)", ""),
            ("=x", ""),
            ("", "metadata.name"),
            ("", "spec.secret=1"),
        ] {
            let error = Selector::parse(labels, fields).unwrap_err();
            assert_eq!(error.code, 400, "{labels} {fields}");
        }
    }
}
