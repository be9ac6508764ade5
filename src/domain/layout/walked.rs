//! What a walk saw of the places of services, commit by commit: from it is counted, and where commits come on top, only
//! those are walked.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    choice::{Field, Places, Row, Values, is_same},
    past::{Changes, Cut, Past, Said, ServicePast},
};

/// What was seen of the landed line, from its tip down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walked {
    /// The services that were followed.
    rows: BTreeSet<Row>,
    /// How many files differed between each commit and its first parent.
    commits: Vec<u32>,
    seen: Vec<Seen>,
    /// Why it ended before every service began.
    cut: Option<Cut>,
}

/// What one commit did to the places of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    /// The commit, counted from the tip.
    commit: usize,
    row: Row,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum What {
    /// It brought the service, with this in its places.
    Began(Vec<(Field, Said)>),
    /// It changed these places; the values that came to them.
    Changed(Vec<(Field, Said)>),
}

impl Walked {
    /// Of these services; nothing was seen yet.
    pub(super) fn of(rows: BTreeSet<Row>) -> Self {
        Self {
            rows,
            ..Self::default()
        }
    }

    /// Goes on to the next commit, in which so many files differ from its first parent.
    pub(super) fn next(&mut self, files: usize) {
        self.commits.push(u32::try_from(files).unwrap_or(u32::MAX));
    }

    /// The commit brought a service with this in its places.
    pub(super) fn began(&mut self, row: &Row, places: Places) {
        let said = places
            .into_iter()
            .map(|(field, values)| (field, said(values)));
        self.see(row, What::Began(said.collect()));
    }

    /// The commit changed these places.
    pub(super) fn changed(&mut self, row: &Row, places: Vec<(Field, Values)>) {
        let said = places
            .into_iter()
            .map(|(field, values)| (field, said(values)));
        self.see(row, What::Changed(said.collect()));
    }

    fn see(&mut self, row: &Row, what: What) {
        self.seen.push(Seen {
            commit: self.commits.len().saturating_sub(1),
            row: row.clone(),
            what,
        });
    }

    pub(super) fn ended(mut self, cut: Option<Cut>) -> Self {
        self.cut = cut;
        self
    }

    /// Whether something of it is not known here: that may change with what is fetched.
    pub fn is_lacking(&self) -> bool {
        matches!(self.cut, Some(Cut::Unknown(_)))
    }

    /// Whether these services were all followed.
    pub fn has(&self, rows: &BTreeSet<Row>) -> bool {
        self.rows.is_superset(rows)
    }

    /// The services that have not begun in it.
    fn open(&self) -> BTreeSet<Row> {
        let mut open = self.rows.clone();
        for seen in &self.seen {
            if matches!(seen.what, What::Began(_)) {
                open.remove(&seen.row);
            }
        }
        open
    }

    /// What is seen from a new tip: what was seen of the commits down to the old one, and from there what was seen before,
    /// as far as `commits` and `files` allow. Just what walking anew would see, where the older walk followed every service
    /// that has not begun in this one.
    #[must_use]
    pub fn onto(mut self, older: &Self, commits: usize, files: usize) -> Self {
        let open = self.open();
        let shift = self.commits.len();
        self.commits.extend(&older.commits);
        let goes_on = older.seen.iter().filter(|seen| open.contains(&seen.row));
        self.seen.extend(goes_on.map(|seen| Seen {
            commit: seen.commit + shift,
            ..seen.clone()
        }));
        self.cut.clone_from(&older.cut);
        self.within(commits, files)
    }

    /// The same, of so many commits in which so many files differ.
    #[must_use]
    pub(super) fn within(mut self, commits: usize, files: usize) -> Self {
        let mut left = files;
        let room = self.commits.iter().take(commits);
        let kept = room.take_while(|files| {
            let rest = left.checked_sub(**files as usize);
            left = rest.unwrap_or_default();
            rest.is_some()
        });
        let kept = kept.count();
        if kept < self.commits.len() {
            self.commits.truncate(kept);
            self.seen.retain(|seen| seen.commit < kept);
            self.cut = Some(Cut::Window);
        }
        self
    }

    /// What it counts to.
    pub fn past(&self) -> Past {
        let mut services: BTreeMap<&Row, ServicePast> = BTreeMap::new();
        for row in &self.rows {
            services.insert(row, ServicePast::of(row.clone()));
        }
        let mut changes: BTreeMap<(&Row, &Field), Changes> = BTreeMap::new();
        for seen in &self.seen {
            let Some(service) = services.get_mut(&seen.row) else {
                continue;
            };
            match &seen.what {
                What::Began(said) => service.begin(said.clone()),
                What::Changed(fields) => {
                    let fields: Vec<(&Field, Values)> = fields
                        .iter()
                        .map(|(field, said)| (field, said.iter().cloned().collect()))
                        .collect();
                    for (field, came) in &fields {
                        let others = fields.iter().filter(|(other, _)| other != field);
                        let along =
                            others.filter(|(_, same)| !came.is_empty() && is_same(came, same));
                        let known = changes.entry((&seen.row, field)).or_default();
                        known.add(came);
                        for (other, _) in along {
                            known.add_along(other);
                        }
                    }
                }
            }
        }
        for ((row, field), changes) in changes {
            if let Some(service) = services.get_mut(row) {
                service.change(field.clone(), changes);
            }
        }
        let services: Vec<ServicePast> = services.into_values().collect();
        let is_open = services.iter().any(ServicePast::is_open);
        Past::of(services, self.cut.clone().filter(|_| is_open))
    }
}

fn said(values: Values) -> Said {
    values.into_iter().collect()
}
