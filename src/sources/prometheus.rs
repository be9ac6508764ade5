//! Prometheus by its HTTP API: what a query gives now, at a moment, and over a time.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::web::{self, Request, header};
use crate::domain::{gate::Sample, policy::healthy::Series, text::sanitise};

/// So much of an answer is read.
const MOST_BYTES: usize = 8 << 20;

/// A server of the user's.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its address: what stands before `/api/v1`.
    pub url: String,
    /// The token that goes to it, and nowhere else.
    pub token: Option<SecretString>,
}

impl Server {
    /// What `query` gives, at `at` or now: one sample a series; a number without series is one sample without labels.
    ///
    /// # Errors
    /// Why that is not known, in words.
    pub async fn instant(
        &self,
        query: &str,
        at: Option<Timestamp>,
        deadline: Duration,
    ) -> Result<Vec<Sample>, String> {
        let mut asked = vec![("query", query.to_owned())];
        asked.extend(at.map(|at| ("time", seconds(at))));
        let data = self.ask("query", &asked, deadline).await?;
        match data.kind.as_str() {
            "vector" => {
                let series: Vec<Element> = of(data.result)?;
                let samples = series.into_iter().map(|element| {
                    let (at, value) = element.value.ok_or_else(garbled)?.read()?;
                    let labels = labels(&element.metric);
                    Ok(Sample { labels, value, at })
                });
                samples.collect()
            }
            "scalar" => {
                let point: Point = of(data.result)?;
                let (at, value) = point.read()?;
                let labels = String::new();
                Ok(vec![Sample { labels, value, at }])
            }
            other => Err(format!(
                "the query gives a {other}, and only an instant vector or a number can be compared"
            )),
        }
    }

    /// What `query` gave from `from` to `to`, every `step`.
    ///
    /// # Errors
    /// Why that is not known, in words.
    pub async fn range(
        &self,
        query: &str,
        (from, to): (Timestamp, Timestamp),
        step: Duration,
        deadline: Duration,
    ) -> Result<Vec<Series>, String> {
        let asked = [
            ("query", query.to_owned()),
            ("start", seconds(from)),
            ("end", seconds(to)),
            ("step", format!("{}", step.as_secs_f64())),
        ];
        let data = self.ask("query_range", &asked, deadline).await?;
        if data.kind != "matrix" {
            return Err(garbled());
        }
        let series: Vec<Element> = of(data.result)?;
        let series = series.into_iter().map(|element| {
            let points = element.values.unwrap_or_default().into_iter();
            Ok(Series {
                labels: element.metric,
                points: points.map(Point::read).collect::<Result<_, String>>()?,
            })
        });
        series.collect()
    }

    async fn ask(
        &self,
        what: &str,
        asked: &[(&str, String)],
        deadline: Duration,
    ) -> Result<Data, String> {
        let mut url = web::url(&format!("{}/api/v1/{what}", self.url.trim_end_matches('/')))?;
        url.query_pairs_mut().extend_pairs(asked);
        let mut request = Request::get(url, MOST_BYTES, deadline);
        if let Some(token) = &self.token {
            let bearer = format!("Bearer {}", token.expose_secret());
            request = request.with(header::AUTHORIZATION, &bearer)?;
        }
        let reply = web::send(request).await?;
        if reply.cut {
            return Err(format!("it answers more than {} MB", MOST_BYTES >> 20));
        }
        let answer: Option<Answer> = serde_json::from_slice(&reply.body).ok();
        match answer {
            Some(Answer {
                status,
                data: Some(data),
                ..
            }) if status == "success" => Ok(data),
            Some(Answer {
                error: Some(error), ..
            }) => Err(format!("it refuses the query: {}", sanitise(&error))),
            _ if !(200..300).contains(&reply.status) => Err(format!(
                "it answers {}{}",
                reply.status,
                match reply.status {
                    401 | 403 =>
                        ": the token of its `[[servers]]` table is not the right one, or missing",
                    404 => ": there is no Prometheus at that address",
                    _ => "",
                }
            )),
            _ => Err(garbled()),
        }
    }
}

fn garbled() -> String {
    "what it answers is not what a Prometheus says".to_owned()
}

fn of<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|_| garbled())
}

/// A moment as the API takes it.
#[allow(clippy::cast_precision_loss)] // milliseconds are exact in a double for longer than anybody asks for
fn seconds(at: Timestamp) -> String {
    format!("{:.3}", at.as_millisecond() as f64 / 1e3)
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    data: Option<Data>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    result: serde_json::Value,
}

#[derive(Deserialize)]
struct Element {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    value: Option<Point>,
    values: Option<Vec<Point>>,
}

/// A moment in seconds, and a value as text.
#[derive(Deserialize)]
struct Point(f64, String);

impl Point {
    fn read(self) -> Result<(Timestamp, f64), String> {
        #[allow(clippy::cast_possible_truncation)] // what is out of range is no timestamp
        let at = Timestamp::from_millisecond((self.0 * 1e3) as i64).map_err(|_| garbled())?;
        let value = match self.1.as_str() {
            "+Inf" => f64::INFINITY,
            "-Inf" => f64::NEG_INFINITY,
            text => text.parse().map_err(|_| garbled())?,
        };
        Ok((at, value))
    }
}

/// `up{job="web"}`.
fn labels(metric: &BTreeMap<String, String>) -> String {
    let name = metric.get("__name__").map_or("", String::as_str);
    let own = metric.iter().filter(|(key, _)| *key != "__name__");
    let own: Vec<String> = own.map(|(key, value)| format!("{key}={value:?}")).collect();
    let text = match own.as_slice() {
        [] => name.to_owned(),
        own => format!("{name}{{{}}}", own.join(",")),
    };
    sanitise(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vec<(Timestamp, f64)>, String> {
        let points: Vec<Point> = serde_json::from_str(json).unwrap();
        points.into_iter().map(Point::read).collect()
    }

    #[test]
    fn points_are_read_with_their_times() {
        let points = read(r#"[[1.5, "0.25"], [2, "+Inf"], [3, "NaN"]]"#).unwrap();
        assert_eq!(
            points[0],
            (Timestamp::from_millisecond(1_500).unwrap(), 0.25)
        );
        assert!(points[1].1.is_infinite() && points[2].1.is_nan());
        assert!(read(r#"[[1, "many"]]"#).is_err());
        assert!(read(r#"[[1e300, "1"]]"#).is_err());
    }

    #[test]
    fn a_series_is_named_as_prometheus_names_it() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            labels(&pairs.collect())
        };
        assert_eq!(of(&[]), "");
        assert_eq!(of(&[("__name__", "up")]), "up");
        assert_eq!(
            of(&[("__name__", "up"), ("job", "a\"b")]),
            r#"up{job="a\"b"}"#
        );
    }
}
