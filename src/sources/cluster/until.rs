//! Something that is waited for by looking at an object again and again.

use std::time::Duration;

use super::error::ClusterError;

/// Why an object is not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// A sentence.
    pub why: String,
    /// It is not there, or may not be read: asking again does not help.
    pub lasts: bool,
}

impl Unseen {
    /// Of an object that is called so.
    pub(super) fn new(what: &str, error: &kube::Error) -> Self {
        Self::of(what, &ClusterError::from(error))
    }

    /// The same.
    pub(super) fn of(what: &str, error: &ClusterError) -> Self {
        let why = match error {
            ClusterError::Absent => "404: it is not there".to_owned(),
            other => other.message(),
        };
        Self {
            why: format!("{what}: {why}"),
            lasts: matches!(error, ClusterError::Absent | ClusterError::Denied(_)),
        }
    }

    /// What is there, and is not what it should be.
    pub(super) fn odd(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            lasts: true,
        }
    }
}

impl From<Unseen> for String {
    fn from(unseen: Unseen) -> Self {
        unseen.why
    }
}

/// Looks, and again after `every` each time, until there is what `look` looks for, `timeout` at most; `None`: there was not. A
/// server that does not answer for a while is asked again: what was told goes on meanwhile.
///
/// # Errors
/// A sentence, where it is not there or may not be looked at, or was not seen again in all that time.
pub async fn until<T, F: Future<Output = Result<Option<T>, Unseen>>>(
    timeout: Duration,
    every: Duration,
    mut look: impl FnMut() -> F,
) -> Result<Option<T>, String> {
    let mut unseen = None;
    let waited = tokio::time::timeout(timeout, async {
        loop {
            match look().await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => unseen = None,
                Err(error) if error.lasts => return Err(error.why),
                Err(error) => unseen = Some(error.why),
            }
            tokio::time::sleep(every).await;
        }
    });
    match (waited.await, unseen) {
        (Ok(done), _) => done.map(Some),
        (Err(_), None) => Ok(None),
        (Err(_), Some(why)) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_away_for_a_while_ends_no_wait() {
        let away = || Unseen {
            why: "refused".to_owned(),
            lasts: false,
        };
        let gone = || Unseen::odd("gone");
        type Case = (
            &'static str,
            Vec<Result<Option<u8>, Unseen>>,
            Result<Option<u8>, String>,
        );
        let cases: [Case; 5] = [
            ("at once", vec![Ok(Some(1))], Ok(Some(1))),
            (
                "later",
                vec![Ok(None), Err(away()), Ok(Some(2))],
                Ok(Some(2)),
            ),
            ("never", vec![Ok(None)], Ok(None)),
            ("gone", vec![Ok(None), Err(gone())], Err("gone".to_owned())),
            (
                "not seen again",
                vec![Ok(None), Err(away())],
                Err("refused".to_owned()),
            ),
        ];
        for (name, looks, expected) in cases {
            let mut looks = looks.into_iter();
            let mut last = None;
            let look = || {
                // What is seen last stays so.
                last = looks.next().or(last.take());
                std::future::ready(last.clone().unwrap_or(Ok(None)))
            };
            let found = until(Duration::from_mins(1), Duration::from_secs(1), look);
            assert_eq!(found.await, expected, "{name}");
        }
    }
}
