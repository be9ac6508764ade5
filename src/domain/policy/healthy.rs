//! `healthy` of an environment: a Prometheus that knows when its cells were healthy, and with which version, from before
//! anybody else looked.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::check::Limit;
use crate::domain::{
    past_health::{Source, Stretch},
    version::Version,
};

/// What is asked, and what of the answer is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthyQuery {
    /// The `[[servers]]` entry.
    pub server: String,
    /// The query, with `{service}` and `{env}`; each series is of one version.
    pub query: String,
    /// The label that names it.
    pub label: String,
    /// It was healthy where every sample is below this.
    pub below: Option<Limit>,
    /// And above this.
    pub above: Option<Limit>,
    /// So far back is asked.
    pub back: Duration,
    /// And so often within that.
    pub step: Duration,
    /// How long it may take.
    pub timeout: Duration,
}

/// A series over a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Moments with their values, the earliest first.
    pub points: Vec<(Timestamp, f64)>,
}

impl HealthyQuery {
    /// When cells were healthy, by an answer that reaches to `now`. A moment of which there is no sample was not; where several
    /// series are of one version, every one has to be good.
    ///
    /// # Errors
    /// Where a series does not say of which version it is.
    pub fn stretches(&self, series: &[Series], now: Timestamp) -> Result<Vec<Stretch>, String> {
        let mut versions: BTreeMap<&str, BTreeMap<Timestamp, bool>> = BTreeMap::new();
        for one in series {
            let version = one.labels.get(&self.label).filter(|it| !it.is_empty());
            let version = version.ok_or_else(|| {
                format!(
                    "a series has no label `{}`, which names the version: have the query keep it, as in `min by ({0}) (…)`",
                    self.label
                )
            })?;
            let moments = versions.entry(version).or_default();
            for (at, value) in &one.points {
                let is_good = self.is_good(*value);
                match moments.entry(*at) {
                    Entry::Vacant(place) => drop(place.insert(is_good)),
                    Entry::Occupied(mut known) => *known.get_mut() &= is_good,
                }
            }
        }
        let versions = versions.into_iter();
        Ok(versions
            .flat_map(|(version, moments)| self.of_version(version, &moments, now))
            .collect())
    }

    /// The times in which moments follow each other that are all good.
    fn of_version(
        &self,
        version: &str,
        moments: &BTreeMap<Timestamp, bool>,
        now: Timestamp,
    ) -> Vec<Stretch> {
        let length = |it: Duration| SignedDuration::try_from(it).unwrap_or(SignedDuration::MAX);
        let (step, back) = (length(self.step), length(self.back));
        let apart = step.saturating_add(step / 2);
        let begins = now.checked_sub(back).unwrap_or(Timestamp::MIN);
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut goes_on = false;
        for (at, is_good) in moments.iter().filter(|(at, _)| **at <= now) {
            if !is_good {
                goes_on = false;
                continue;
            }
            match stretches.last_mut() {
                Some(last) if goes_on && at.duration_since(last.to) <= apart => last.to = *at,
                _ => stretches.push(Stretch {
                    version: Version::from(version),
                    from: *at,
                    to: *at,
                    by: Source::Prometheus,
                    // Nobody asked for what was before.
                    cut: at.duration_since(begins) <= apart,
                }),
            }
            goes_on = true;
        }
        // What was good at the last moment is, until the next would be due.
        if let Some(last) = stretches.last_mut().filter(|_| goes_on)
            && now.duration_since(last.to) <= apart
        {
            last.to = now;
        }
        stretches
    }

    fn is_good(&self, value: f64) -> bool {
        !value.is_nan()
            && self.below.is_none_or(|limit| value < limit.0)
            && self.above.is_none_or(|limit| value > limit.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + minutes * 60).unwrap()
    }

    type Labels = &'static [(&'static str, &'static str)];
    type Told = (Labels, Vec<(i64, f64)>);

    /// Asked at minute 100 for an hour back, every five minutes.
    fn asked(series: &[Told]) -> Result<Vec<String>, String> {
        let query = HealthyQuery {
            server: "main".to_owned(),
            query: "up".to_owned(),
            label: "version".to_owned(),
            below: None,
            above: Some(Limit(0.0)),
            back: Duration::from_hours(1),
            step: Duration::from_mins(5),
            timeout: Duration::from_secs(1),
        };
        let series: Vec<Series> = series
            .iter()
            .map(|(labels, points)| Series {
                labels: labels
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                    .collect(),
                points: points
                    .iter()
                    .map(|(minute, value)| (at(*minute), *value))
                    .collect(),
            })
            .collect();
        let minute = |it: Timestamp| it.duration_since(at(0)).as_mins();
        let stretches = query.stretches(&series, at(100))?.into_iter();
        Ok(stretches
            .map(|it| {
                let cut = if it.cut { " cut" } else { "" };
                format!("{} {}-{}{cut}", it.version, minute(it.from), minute(it.to))
            })
            .collect())
    }

    fn every(from: i64, to: i64, value: f64) -> Vec<(i64, f64)> {
        (from / 5..=to / 5).map(|it| (it * 5, value)).collect()
    }

    #[test]
    fn what_is_good_without_a_gap_is_one_time() {
        let two: Labels = &[("version", "2"), ("pod", "a")];
        let other: Labels = &[("version", "2"), ("pod", "b")];
        let one: Labels = &[("version", "1")];
        let dip = [every(40, 60, 1.0), every(65, 65, 0.0), every(70, 100, 1.0)].concat();
        let hole = [every(45, 60, 1.0), every(75, 100, 1.0)].concat();
        let nan = [
            every(50, 60, 1.0),
            every(65, 65, f64::NAN),
            every(70, 95, 1.0),
        ]
        .concat();
        let cases: [(&str, Vec<Told>, &[&str]); 8] = [
            (
                "all the time asked for",
                vec![(two, every(40, 100, 1.0))],
                &["2 40-100 cut"],
            ),
            (
                "it came within that",
                vec![(two, every(55, 100, 1.0))],
                &["2 55-100"],
            ),
            ("a dip", vec![(two, dip)], &["2 40-60 cut", "2 70-100"]),
            ("no sample", vec![(two, hole)], &["2 45-60 cut", "2 75-100"]),
            (
                "no number; the last is not due yet",
                vec![(two, nan)],
                &["2 50-60", "2 70-100"],
            ),
            (
                "one after the other",
                vec![(one, every(40, 70, 1.0)), (two, every(75, 100, 1.0))],
                &["1 40-70 cut", "2 75-100"],
            ),
            (
                "every series counts",
                vec![
                    (two, every(50, 100, 1.0)),
                    (other, [every(50, 60, 0.0), every(65, 100, 1.0)].concat()),
                ],
                &["2 65-100"],
            ),
            ("nothing", vec![], &[]),
        ];
        for (name, series, expected) in cases {
            assert_eq!(asked(&series).unwrap(), expected, "{name}");
        }
        let unnamed = asked(&[(&[("pod", "a")], every(50, 100, 1.0))]);
        assert!(unnamed.unwrap_err().contains("no label `version`"));
    }
}
