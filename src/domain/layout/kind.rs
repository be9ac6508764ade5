//! What may stand in the place that a level finds: the grammar of a version there, from what it is a version of.

use super::{
    bindings::Bindings,
    level::{Finder, Level, Marker},
    locator::Step,
    part::{Part, is_digest},
};
use crate::domain::{grammar::Grammar, subject::Subject, version::Version};

impl Level {
    /// What its versions are of, where this was captured.
    pub(crate) fn subject(&self, captured: &Bindings, version: Option<&Version>) -> Subject {
        self.told
            .unwrap_or_else(|| self.subject.subject(captured, version))
    }

    /// The grammar of the versions of `subject` in this place; `current` is what stands there, where something does.
    pub(crate) fn grammar(&self, subject: Subject, current: Option<&str>) -> Grammar {
        match &self.part {
            Part::Tag(_) if subject == Subject::Image => return Grammar::Image,
            Part::Query(_) => return Grammar::Query,
            Part::Tag(_) | Part::Regex(_) | Part::Whole => {}
        }
        if self.marker() == Some(Marker::Digest) {
            return Grammar::Digest;
        }
        let (own, around) = self.last_keys();
        let ends = |end: &str| own.to_ascii_lowercase().ends_with(end);
        match subject {
            // Helm leaves it to the chart what it makes of it.
            Subject::Image if own == "appVersion" => Grammar::Text,
            // `images[*].digest` is written together with the tag beside it.
            Subject::Image if ends("digest") && around.is_some() => Grammar::Digest,
            Subject::Image => match current {
                Some(text) if is_reference(text) && !ends("tag") => Grammar::Reference,
                _ => Grammar::Image,
            },
            Subject::Chart if self.is_own_chart(own) => Grammar::ChartOwn,
            Subject::Chart => Grammar::Chart,
            Subject::Git if self.kinds.iter().any(|kind| kind == "OCIRepository") => match own {
                "digest" => Grammar::Digest,
                "semver" => Grammar::Chart,
                _ => Grammar::Image,
            },
            Subject::Git => match own {
                "commit" => Grammar::Commit,
                "semver" => Grammar::Chart,
                _ => Grammar::Ref,
            },
            Subject::Revision => Grammar::Revision,
            Subject::Setting | Subject::Unsure => Grammar::Text,
        }
    }

    /// The key that holds the value, and, where no item of a list does, the one around it.
    fn last_keys(&self) -> (&str, Option<&str>) {
        let Finder::Tree(locator) = &self.finder else {
            return ("", None);
        };
        let mut steps = locator.steps().iter().rev();
        let own = match steps.next() {
            Some(Step::Key(key)) => key.as_str(),
            _ => "",
        };
        let around = match steps.next() {
            Some(Step::Key(key)) => Some(key.as_str()),
            Some(Step::Where(..) | Step::Each) => None,
            _ => Some(""),
        };
        (own, around)
    }

    /// `version` at the top of a `Chart.yaml`.
    fn is_own_chart(&self, own: &str) -> bool {
        let top = matches!(&self.finder, Finder::Tree(locator) if locator.steps().len() == 1);
        let path = self.path.as_ref().map_or("", |path| path.source());
        own == "version" && top && path.rsplit('/').next() == Some("Chart.yaml")
    }
}

/// Whether a text names an image, not its version alone.
fn is_reference(text: &str) -> bool {
    !is_digest(text)
        && text
            .split('@')
            .next()
            .is_some_and(|it| it.contains(['/', ':']))
}
