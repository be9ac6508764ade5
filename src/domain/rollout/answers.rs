//! What a server answered for each kind, in few bytes: a fleet has thousands of namespaces, and each keeps this.

use jiff::Timestamp;

use super::object::ObjectKind;

/// What the server answers when asked for a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The list, perhaps empty.
    Listed,
    /// 403, with the server's words.
    Denied(String),
    /// 404: it does not know the kind.
    Absent,
}

/// What was answered for a kind, and whether that still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    /// The connection was lost since, and this was last confirmed then.
    pub(super) stale: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Listed,
    Denied,
    Absent,
}

/// The answers for the kinds of one namespace. Nearly all are lists that hold: what is rare stands beside.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    words: Vec<(ObjectKind, Word)>,
    denied: Vec<(ObjectKind, String)>,
    stale: Vec<(ObjectKind, Timestamp)>,
}

impl Answers {
    /// This holds now; returns whether that is news.
    pub(super) fn insert(&mut self, kind: ObjectKind, answer: Answer) -> bool {
        let before = (self.answered(kind), self.word(kind));
        let said_before = self.denied(kind).map(str::to_owned);
        self.remove(kind);
        let (word, said) = match answer {
            Answer::Listed => (Word::Listed, None),
            Answer::Absent => (Word::Absent, None),
            Answer::Denied(what) => (Word::Denied, Some(what)),
        };
        let is_news = before != (Some(Answered { stale: None }), Some(word)) || said != said_before;
        self.words.push((kind, word));
        self.denied.extend(said.map(|said| (kind, said)));
        is_news
    }

    /// The kind is not asked for any more.
    pub(super) fn remove(&mut self, kind: ObjectKind) {
        self.words.retain(|(of, _)| *of != kind);
        self.denied.retain(|(of, _)| *of != kind);
        self.stale.retain(|(of, _)| *of != kind);
        if self.stale.is_empty() {
            // It was lost once, and holds again: that needs no room any more.
            self.stale = Vec::new();
        }
    }

    /// What was answered for a kind; `None` until something was.
    pub(super) fn answered(&self, kind: ObjectKind) -> Option<Answered> {
        self.word(kind)?;
        let stale = self.stale.iter().find(|(of, _)| *of == kind);
        Some(Answered {
            stale: stale.map(|(_, at)| *at),
        })
    }

    /// The server's words where this kind may not be seen.
    pub(super) fn denied(&self, kind: ObjectKind) -> Option<&str> {
        let denied = self.denied.iter().find(|(of, _)| *of == kind);
        denied.map(|(_, said)| said.as_str())
    }

    /// The connection is lost: what was current until now was confirmed at `confirmed`.
    pub(super) fn lose(&mut self, confirmed: Timestamp) {
        for (kind, _) in &self.words {
            if self.stale.iter().all(|(of, _)| of != kind) {
                self.stale.push((*kind, confirmed));
            }
        }
    }

    /// Whether what was answered for these kinds is current.
    pub(super) fn is_current(&self, of: impl Fn(ObjectKind) -> bool) -> bool {
        self.stale.iter().all(|(kind, _)| !of(*kind))
    }

    /// The kinds that something was answered for.
    pub(super) fn kinds(&self) -> impl Iterator<Item = ObjectKind> {
        self.words.iter().map(|(kind, _)| *kind)
    }

    fn word(&self, kind: ObjectKind) -> Option<Word> {
        let word = self.words.iter().find(|(of, _)| *of == kind);
        word.map(|(_, word)| *word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_news_where_it_says_something_else_or_was_stale() {
        let (pod, job) = (ObjectKind::Pod, ObjectKind::Job);
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let denied = |words: &str| Answer::Denied(words.to_owned());
        let mut answers = Answers::default();
        assert_eq!(answers.answered(pod), None);
        for (answer, news) in [
            (Answer::Listed, true),
            (Answer::Listed, false),
            (denied("pods"), true),
            (denied("pods"), false),
            (denied("all"), true),
            (Answer::Absent, true),
            (Answer::Listed, true),
        ] {
            assert_eq!(answers.insert(pod, answer.clone()), news, "{answer:?}");
            let said = match &answer {
                Answer::Denied(said) => Some(said.as_str()),
                _ => None,
            };
            assert_eq!(answers.denied(pod), said);
        }
        answers.insert(job, Answer::Listed);
        answers.lose(now);
        answers.lose(now + jiff::SignedDuration::from_secs(9));
        assert_eq!(answers.answered(pod), Some(Answered { stale: Some(now) }));
        assert!(!answers.is_current(|kind| kind == pod));
        assert!(answers.insert(pod, Answer::Listed), "it holds again");
        assert!(answers.is_current(|kind| kind == pod) && !answers.is_current(|_| true));
        answers.remove(job);
        assert_eq!(answers.kinds().collect::<Vec<_>>(), [pod]);
    }
}
