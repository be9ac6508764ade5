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

    /// The grammar of the versions of `subject` in this place, where this was `captured`; `current` is what stands there,
    /// where something does. A place of tags takes a digest where it has one.
    pub(crate) fn grammar(
        &self,
        subject: Subject,
        captured: &Bindings,
        current: Option<&str>,
    ) -> Grammar {
        match &self.part {
            Part::Tag(_) if subject == Subject::Image => return Grammar::Image,
            Part::Query(_) => return Grammar::Query,
            Part::Tag(_) | Part::Regex(_) | Part::Whole => {}
        }
        let tag = match current {
            Some(text) if is_digest(text) || text.contains('@') => Grammar::Image,
            _ => Grammar::Tag,
        };
        match self.marker() {
            Some(Marker::Digest) => return Grammar::Digest,
            Some(Marker::Tag) => return tag,
            Some(Marker::Image) | None => {}
        }
        let (own, around) = self.last_keys();
        let named = if own == "value" {
            self.parameter(captured).unwrap_or(own)
        } else {
            own
        };
        let ends = |end: &str| named.to_ascii_lowercase().ends_with(end);
        match subject {
            // Helm leaves it to the chart what it makes of it.
            Subject::Image if own == "appVersion" => Grammar::Text,
            // `images[*].digest` is written together with the tag beside it.
            Subject::Image if ends("digest") && (around.is_some() || own == "value") => {
                Grammar::Digest
            }
            Subject::Image if ends("tag") && matches!(self.part, Part::Whole) => tag,
            Subject::Image => match current {
                Some(text) if is_reference(text) => Grammar::Reference,
                _ => Grammar::Image,
            },
            Subject::Chart if self.is_own_chart(own) => Grammar::ChartOwn,
            Subject::Chart => Grammar::Chart,
            Subject::Git if self.kinds.iter().any(|kind| kind == "OCIRepository") => match own {
                "digest" => Grammar::Digest,
                "semver" => Grammar::Chart,
                _ => Grammar::Tag,
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
        let mut steps = locator.innermost().steps().iter().rev();
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

    /// The name of the parameter whose value it is: `image.tag` of `parameters[name=image.tag].value`.
    fn parameter<'t>(&'t self, captured: &'t Bindings) -> Option<&'t str> {
        if let Some(name) = captured.get("parameter") {
            return Some(name);
        }
        let Finder::Tree(locator) = &self.finder else {
            return None;
        };
        let [.., Step::Where(_, pattern), Step::Key(_)] = locator.innermost().steps() else {
            return None;
        };
        Some(pattern.source())
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
