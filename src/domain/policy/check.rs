//! Checks that ask outside: an address, a Prometheus, a program. Before a change they are gates, after a rollout they verify it.

use std::time::Duration;

use super::Rule;
use crate::domain::{
    hash,
    ids::{CellKey, EnvironmentName},
    topology::{Environment, Topology},
    version::Version,
};

/// The places that can stand in an address: what they are filled with differs from check to check.
pub const PLACES: [&str; 6] = ["url", "from.url", "service", "version", "env", "from"];

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it asks, and which answer is good.
    pub ask: Ask,
    /// How much its no weighs, what unknown is, and whether reverts are judged.
    pub rule: Rule,
    /// What the user has to have allowed before it is asked; `None`: nothing, the user's own file says all of it.
    pub consent: Option<Consent>,
}

/// The name of exactly what a repository's file wants to reach or run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Consent(String);

/// What a check asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// An address.
    Http(Http),
    /// A Prometheus.
    Promql(Promql),
    /// A program.
    Command(Command),
}

/// `http`: what an address answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// The address, with [`PLACES`].
    pub url: String,
    /// The status that is good; `None`: every one from 200 to 299.
    pub status: Option<u16>,
    /// What the answer has to say, with [`PLACES`].
    pub contains: Option<String>,
    /// How long it may take.
    pub timeout: Duration,
}

/// `promql`: what a query gives now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promql {
    /// The `[[servers]]` entry.
    pub server: String,
    /// The query, with [`PLACES`]; other braces are its own.
    pub query: String,
    /// Every sample is below this.
    pub below: Option<Limit>,
    /// And above this.
    pub above: Option<Limit>,
    /// How long it may take.
    pub timeout: Duration,
}

/// A number that samples are held against; it is one that can be compared.
#[derive(Clone, Copy, Debug)]
pub struct Limit(pub f64);

impl PartialEq for Limit {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Limit {}

/// `command`: whether a program ends well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments, one by one.
    pub run: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
}

impl Ask {
    /// The gate that it belongs to.
    pub fn gate(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Promql(_) => "promql",
            Self::Command(_) => "command",
        }
    }
}

impl Consent {
    /// Of these parts: a byte more or less is another one.
    pub fn to<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(hash::of(parts.into_iter().map(str::as_bytes)))
    }

    /// As it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a check is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The cell.
    pub cell: &'a CellKey,
    /// The version that comes, or came.
    pub version: Option<&'a Version>,
    /// The one that it takes the place of.
    pub before: Option<&'a Version>,
    /// Where it comes from; `None`: the environment's first upstream.
    pub from: Option<&'a EnvironmentName>,
    /// Environments with their addresses.
    pub topology: &'a Topology,
}

impl<'a> About<'a> {
    /// The environment that it comes from.
    pub fn upstream(&self) -> Option<&'a EnvironmentName> {
        let environment = self.topology.get(&self.cell.environment);
        let first = || environment.and_then(|environment| environment.from.first());
        self.from.or_else(first)
    }

    /// The address of its environment, filled.
    pub fn url(&self) -> Option<String> {
        self.filled(&self.cell.environment)
    }

    /// The address of where it comes from, filled.
    pub fn from_url(&self) -> Option<String> {
        self.filled(self.upstream()?)
    }

    fn filled(&self, environment: &EnvironmentName) -> Option<String> {
        let url = self.topology.get(environment)?.url.as_deref()?;
        self.in_address(url).ok()
    }

    /// An address with everything filled in.
    ///
    /// # Errors
    /// What there is nothing for, or what would lead elsewhere than the address says.
    pub fn address(&self, template: &str) -> Result<String, String> {
        let with_urls = fill(template, |name| {
            let environment = match name {
                "url" => &self.cell.environment,
                "from.url" => match self.upstream() {
                    Some(upstream) => match self.known_upstream(upstream) {
                        Ok(upstream) => upstream,
                        Err(why) => return Some(Err(why)),
                    },
                    None => return Some(Err(self.no_upstream())),
                },
                _ => return None,
            };
            let url = self.topology.get(environment)?.url.as_deref();
            let url = url.map(|url| url.trim_end_matches('/').to_owned());
            Some(url.ok_or_else(|| {
                format!("{environment} has no `url`, which the check asks for as `{{{name}}}`")
            }))
        })?;
        self.in_address(&with_urls)
    }

    /// The upstream, where whoever allowed the check has seen its address.
    fn known_upstream(&self, upstream: &'a EnvironmentName) -> Result<&'a EnvironmentName, String> {
        let own = &self.cell.environment;
        let may = (self.topology.get(own)).is_some_and(|own| may_come_from(own, upstream));
        may.then_some(upstream).ok_or_else(|| {
            format!("{upstream} is no upstream of {own} (`from`), so its address is not asked")
        })
    }

    /// Values in an address: in a path they are escaped, and in a host's name one is a part between dots.
    fn in_address(&self, template: &str) -> Result<String, String> {
        let start = template.find("://").map_or(0, |at| at + 3);
        let end = template[start..].find(['/', '?', '#']);
        let end = end.map_or(template.len(), |end| start + end);
        let host = fill(&template[..end], |name| {
            let value = self.value(name)?;
            Some(value.and_then(|value| {
                let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
                let is_label = plain && !value.is_empty();
                is_label.then_some(value).ok_or_else(|| {
                    format!("`{{{name}}}` stands in the name of a host, and what it is here is no part of one")
                })
            }))
        })?;
        let rest = fill(&template[end..], |name| {
            Some(self.value(name)?.map(|value| escaped(&value)))
        })?;
        Ok(host + &rest)
    }

    /// Text with everything filled in, as it is.
    ///
    /// # Errors
    /// What there is nothing for.
    pub fn text(&self, template: &str) -> Result<String, String> {
        fill(template, |name| self.any(name))
    }

    /// A query with everything filled in: nothing that comes in can end the text that it stands in.
    ///
    /// # Errors
    /// What there is nothing for, or what cannot stand in a query.
    pub fn query(&self, template: &str) -> Result<String, String> {
        fill(template, |name| {
            let value = self.any(name)?;
            Some(value.and_then(|value| {
                let harmless = |c: char| c.is_alphanumeric() || "-_.:/@+~".contains(c);
                value.chars().all(harmless).then_some(value).ok_or_else(|| {
                    format!("what `{{{name}}}` is here cannot stand in a query: it has other signs than names have")
                })
            }))
        })
    }

    fn any(&self, name: &str) -> Option<Result<String, String>> {
        let url = match name {
            "url" => self.url(),
            "from.url" => self.from_url(),
            _ => return self.value(name),
        };
        Some(url.ok_or_else(|| format!("there is no `url` for `{{{name}}}`")))
    }

    fn value(&self, name: &str) -> Option<Result<String, String>> {
        let value = match name {
            "service" => Ok(self.cell.service.to_string()),
            "env" => Ok(self.cell.environment.to_string()),
            "version" => self
                .version
                .map(ToString::to_string)
                .ok_or_else(|| "no version comes, and the check asks for `{version}`".to_owned()),
            "from" => self
                .upstream()
                .map(ToString::to_string)
                .ok_or_else(|| self.no_upstream()),
            _ => return None,
        };
        Some(value)
    }

    fn no_upstream(&self) -> String {
        format!("{} has no upstream (`from`)", self.cell.environment)
    }
}

/// Whether a check of an environment may ask the address of another as that of where something comes from: of one that its `from`
/// names, and of every other one where it names none. These are the ones that are shown before the check is allowed.
pub fn may_come_from(own: &Environment, other: &EnvironmentName) -> bool {
    own.name != *other && (own.from.is_empty() || own.from.contains(other))
}

/// An address with those of environments in their places, everything else as it stands.
pub fn with_addresses(template: &str, own: Option<&str>, from: Option<&str>) -> String {
    let filled = fill(template, |name| {
        let url = match name {
            "url" => own,
            "from.url" => from,
            _ => None,
        };
        url.map(|url| Ok(url.trim_end_matches('/').to_owned()))
    });
    filled.unwrap_or_else(|why| why)
}

/// `template` with each `{name}` that `value` knows in its place; other braces stay.
fn fill(
    template: &str,
    value: impl Fn(&str) -> Option<Result<String, String>>,
) -> Result<String, String> {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let name = rest[1..].find(['{', '}']).map(|end| &rest[1..=end]);
        let name = name.filter(|name| rest[1 + name.len()..].starts_with('}'));
        if let Some(filled) = name.and_then(&value) {
            out.push_str(&filled?);
            rest = &rest[name.map_or(0, str::len) + 2..];
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// The names in braces that an address has and none of [`PLACES`] is.
pub fn unknown_places(template: &str) -> Vec<&str> {
    let parts = template.split('{').skip(1);
    let names = parts.filter_map(|part| part.split_once('}').map(|(name, _)| name));
    names.filter(|name| !PLACES.contains(name)).collect()
}

/// In a path or a query: everything but letters, digits and what is never a sign there.
fn escaped(value: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.extend(['%', hex(byte >> 4), hex(byte & 15)]),
        }
    }
    out
}

fn hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::Policy;

    fn about(
        service: &str,
        version: &str,
        fill: impl Fn(&About<'_>) -> Result<String, String>,
    ) -> Result<String, String> {
        let mut staging = Environment::plain("staging", &[]);
        staging.url = Some("https://staging.example.com/".to_owned());
        let mut prod = Environment::plain("prod", &["staging"]);
        prod.url = Some("https://{service}.example.com/shop".to_owned());
        let topology = Topology {
            environments: vec![staging, prod],
            policy: Policy::default(),
        };
        let (cell, version) = (CellKey::new(service, "prod"), Version::from(version));
        fill(&About {
            cell: &cell,
            version: Some(&version),
            before: None,
            from: None,
            topology: &topology,
        })
    }

    #[test]
    fn addresses_are_filled_and_lead_where_they_say() {
        let cases = [
            (
                "{url}/healthz",
                "web",
                "1.0.0",
                Ok("https://web.example.com/shop/healthz"),
            ),
            (
                "{from.url}/v?is={version}",
                "web",
                "1+a b",
                Ok("https://staging.example.com/v?is=1%2Ba%20b"),
            ),
            (
                "http://{service}:8080/{env}/{from}",
                "web",
                "1",
                Ok("http://web:8080/prod/staging"),
            ),
            (
                "http://h/{service}/x",
                "../../admin?",
                "1",
                Ok("http://h/..%2F..%2Fadmin%3F/x"),
            ),
            (
                "http://{service}/x",
                "evil.example.com",
                "1",
                Err("name of a host"),
            ),
            ("{url}/x", "evil.example.com/a", "1", Err("name of a host")),
            ("http://{version}.h/", "web", "1@x", Err("name of a host")),
        ];
        for (template, service, version, expected) in cases {
            let filled = about(service, version, |about| about.address(template));
            match expected {
                Ok(expected) => assert_eq!(filled.as_deref(), Ok(expected), "{template}"),
                Err(words) => assert!(
                    filled.as_ref().is_err_and(|why| why.contains(words)),
                    "{template}: {filled:?}"
                ),
            }
        }
    }

    #[test]
    fn queries_keep_their_own_braces() {
        let query = "rate(errors{service='{service}',v=~\"{version}\"}[5m]) / on() {x}";
        let filled = about("web", "1.2.3", |about| about.query(query));
        assert_eq!(
            filled.as_deref(),
            Ok("rate(errors{service='web',v=~\"1.2.3\"}[5m]) / on() {x}")
        );
        let filled = about("a'} or vector(0) #", "1", |about| about.query(query));
        assert!(filled.is_err());
    }

    #[test]
    fn places_that_nothing_is_known_for_are_told() {
        assert_eq!(unknown_places("{url}/{servce}?{version}"), ["servce"]);
        assert!(unknown_places("http://h/{from.url}{env}").is_empty());
    }
}
