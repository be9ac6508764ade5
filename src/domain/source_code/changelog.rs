//! What lies between two versions of a service: the commits of its own source code.

use crate::domain::{history::CommitInfo, text::count};

/// What lies between two versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changelog {
    /// What comes, newest first.
    pub comes: Vec<CommitInfo>,
    /// What goes: in the version before, and not in the new one. Newest first.
    pub goes: Vec<CommitInfo>,
    /// There is more than was read.
    pub more: bool,
    /// Commits of other folders are among them: a forge does not tell them apart.
    pub whole: bool,
    /// Lines of a program that told it instead.
    pub told: Vec<String>,
    /// Where people see the same in a browser.
    pub url: Option<String>,
}

impl Changelog {
    /// How much it is: `12 commits, 1 taken back, and more`; empty where a program told it, all of it.
    pub fn amount(&self) -> String {
        let more = self.more.then(|| "and more".to_owned());
        if !self.told.is_empty() {
            return more.unwrap_or_default();
        }
        let of = if self.whole {
            ", other folders' too"
        } else {
            ""
        };
        let mut counts = vec![format!("{}{of}", count(self.comes.len(), "commit"))];
        if !self.goes.is_empty() {
            counts.push(format!("{} taken back", self.goes.len()));
        }
        counts.extend(more);
        counts.join(", ")
    }

    /// A line each, `most` at most: what comes, then what goes, or what a program told; and how many more there are.
    pub fn lines(&self, most: usize) -> (Vec<String>, usize) {
        let comes = self.comes.iter().map(|it| line('+', it));
        let goes = self.goes.iter().map(|it| line('-', it));
        let all = comes.chain(goes).chain(self.told.iter().cloned());
        let count = self.comes.len() + self.goes.len() + self.told.len();
        (all.take(most).collect(), count.saturating_sub(most))
    }
}

/// `+ 3f2c1ab fix the total (#12), ada`.
fn line(sign: char, entry: &CommitInfo) -> String {
    format!(
        "{sign} {} {}{}, {}",
        entry.commit.short(),
        entry.subject,
        number_beside(entry),
        entry.author
    )
}

/// ` (#12)`, where the subject does not say it.
pub fn number_beside(entry: &CommitInfo) -> String {
    let number = entry.pull_request.map(|number| format!("#{number}"));
    let number = number.filter(|it| !entry.subject.contains(it));
    number.map_or(String::new(), |it| format!(" ({it})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ObjectId;
    use jiff::Timestamp;

    fn commit(subject: &str) -> CommitInfo {
        let at = Timestamp::UNIX_EPOCH;
        CommitInfo::new(ObjectId::new([0xab; 20]), at, "ada".to_owned(), subject)
    }

    #[test]
    fn it_is_told_in_lines_and_in_a_word() {
        let found = Changelog {
            comes: vec![
                commit("Merge pull request #12 from ada/total\n\nFix the total"),
                commit("two"),
            ],
            goes: vec![commit("three (#7)")],
            more: true,
            ..Changelog::default()
        };
        assert_eq!(found.amount(), "2 commits, 1 taken back, and more");
        let (lines, left) = found.lines(2);
        assert_eq!(left, 1);
        assert_eq!(lines[1], "+ abababa two, ada");
        assert_eq!(found.lines(9).0[2], "- abababa three (#7), ada");
        let whole = Changelog {
            whole: true,
            ..Changelog::default()
        };
        assert_eq!(whole.amount(), "0 commits, other folders' too");
        let told = Changelog {
            told: vec!["* one".to_owned()],
            ..Changelog::default()
        };
        assert_eq!(
            (told.amount(), told.lines(3)),
            (String::new(), (vec!["* one".to_owned()], 0))
        );
    }
}
