//! What Git declares at one commit: the matrix of cells, and where each version is written.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    grammar::Grammar,
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath, ServiceName},
    layout::{Bindings, Origin},
    policy::veto::Vetoes,
    problem::Problem,
    subject::Subject,
    version::Version,
};

/// The matrix as one commit declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The commit it was read from; of several refs, the first one's.
    pub commit: ObjectId,
    /// Every ref that it was read from. Empty where nobody asked for more than one commit.
    pub tips: Vec<Tip>,
    /// Rows that declare a version somewhere, in name order.
    pub services: Vec<ServiceName>,
    /// Columns: the declared environments in their order, then others that the layouts found.
    pub environments: Vec<EnvironmentName>,
    /// Every cell that exists, a version declared or not.
    pub cells: BTreeMap<CellKey, DesiredCell>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Versions that must not go anywhere, as the refs that it was read from say.
    pub vetoes: Vetoes,
}

/// One ref of one repository: what a commit goes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RefName {
    /// The `[[repositories]]` entry; `None` is the main repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<Arc<str>>,
    /// The full name on the remote: `refs/heads/prod`, `refs/tags/prod-1.2.0`.
    pub reference: String,
}

/// A ref with its commit: what cells are read from, and what a write goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    /// The ref, as the remote calls it.
    pub name: RefName,
    /// What its files are read as.
    #[serde(default)]
    pub origin: Origin,
    /// The remote that it is fetched from and pushed to; `None`: the ref itself moves.
    pub remote: Option<String>,
    /// The ref that was read here, in full: `refs/remotes/origin/main`.
    pub read: String,
    /// The same as people write it: `origin/main`, or `main` where there is no remote.
    pub shown: String,
    /// Its commit; of a tag, the commit that it names.
    pub commit: ObjectId,
}

impl Tip {
    /// A ref that is not followed from anywhere: it is read where it stands, and moves itself.
    pub fn new(name: RefName, origin: Origin, commit: ObjectId) -> Self {
        Self {
            read: name.reference.clone(),
            shown: name.short().to_owned(),
            name,
            origin,
            remote: None,
            commit,
        }
    }

    /// The branch or tag on the remote, without `refs/heads/`.
    pub fn branch(&self) -> &str {
        self.name.short()
    }
}

/// Where refs are: each with its commit, in the order in which they are read. What "it moved" compares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refs(Vec<(RefName, ObjectId)>);

impl<'a> FromIterator<&'a Tip> for Refs {
    fn from_iter<I: IntoIterator<Item = &'a Tip>>(tips: I) -> Self {
        let tips = tips.into_iter();
        Self(tips.map(|tip| (tip.name.clone(), tip.commit)).collect())
    }
}

/// One cell, as declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DesiredCell {
    /// The version, or `None` where the cell exists but declares nothing (absent, null or empty).
    pub version: Option<Version>,
    /// What it is a version of: whether pods can show it.
    pub subject: Subject,
    /// What a version of it may be.
    pub grammar: Grammar,
    /// Read from a fall-back file instead of the cell's own.
    pub inherited: bool,
    /// Where the version stands: the first is shown, all move together.
    pub sources: Vec<Source>,
    /// What the layout captured: templates of namespaces and workloads are filled from it.
    pub captures: Bindings,
    /// Index of the layout that gave the cell.
    pub layout: usize,
    /// The files that decide it, its own first, then fall-backs, whether they exist or not.
    pub files: Vec<RepoPath>,
    /// The ref and repository they are read from.
    pub origin: Origin,
    /// What hides its version, where something stands in its place that cannot be read. Nothing is inherited instead.
    pub unread: Option<Arc<Problem>>,
    /// Another place that says something else than `version`: which of the two is meant, nobody knows.
    pub conflict: Option<Arc<Problem>>,
    /// What else of its object says a version, and is not the cell's: the chart of a release whose image is promoted.
    pub passed_over: Vec<PassedOver>,
    /// Why its version is vetoed; `None` where it is not.
    pub vetoed: Option<Arc<str>>,
    /// The `ImagePolicy` that is marked where its version stands: `NAMESPACE/NAME`.
    pub policy: Option<Arc<str>>,
}

/// A place that might have been a cell's version, and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// Which, as the keys of a layout that would read it.
    pub place: String,
    /// What it says.
    pub version: Version,
    /// Where it stands.
    pub source: Source,
}

/// One place in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub path: RepoPath,
    /// The line of the version, from 1.
    pub line: u32,
}

impl Desired {
    /// Takes the vetoes that its refs have, and marks the cells whose versions they are of.
    pub fn judge_by(&mut self, vetoes: Vetoes) {
        for (key, cell) in &mut self.cells {
            let version = cell.version.as_ref();
            let veto = version.and_then(|version| vetoes.of(&key.service, version));
            cell.vetoed = veto.map(|veto| veto.reason.as_str().into());
        }
        self.vetoes = vetoes;
    }

    /// Rows with a version somewhere, or with one that cannot be read, in name order.
    pub fn rows(&self) -> Vec<ServiceName> {
        let hidden = self.cells.iter().filter(|(_, cell)| cell.unread.is_some());
        let hidden = hidden.map(|(key, _)| &key.service);
        let mut rows: Vec<ServiceName> = hidden.chain(&self.services).cloned().collect();
        rows.sort();
        rows.dedup();
        rows
    }

    /// What hides the version of a cell.
    pub fn unread(&self, key: &CellKey) -> Option<&Problem> {
        self.cells.get(key)?.unread.as_deref()
    }

    /// The declared version of a cell.
    pub fn version(&self, key: &CellKey) -> Option<&Version> {
        self.cells.get(key)?.version.as_ref()
    }

    /// The cells of one row, in the order of the columns' names.
    pub fn row(&self, service: &ServiceName) -> impl Iterator<Item = (&CellKey, &DesiredCell)> {
        let first = CellKey::new(service.clone(), "");
        let from = self.cells.range(first..);
        from.take_while(move |(key, _)| key.service == *service)
    }

    /// Whether it was read from these refs where they stand; what it was read from is `tips`, or one commit without a name.
    pub fn is_at(&self, base: &[Tip]) -> bool {
        match (self.tips.as_slice(), base) {
            ([], [only]) => only.commit == self.commit,
            (tips, base) => Refs::from_iter(tips) == Refs::from_iter(base),
        }
    }

    /// The ref that a cell is read from.
    pub fn tip(&self, key: &CellKey) -> Option<&Tip> {
        self.tip_of(self.cells.get(key)?)
    }

    /// The ref that this cell of the matrix is read from.
    pub fn tip_of(&self, cell: &DesiredCell) -> Option<&Tip> {
        self.tips.iter().find(|tip| tip.origin == cell.origin)
    }

    /// One matrix of several refs, in the order of `parts`; `environments` are the declared columns.
    ///
    /// Where two give the same cell, one that declares a version comes before one that cannot be read, this before one that
    /// declares nothing, then the earlier layout wins. A problem says which ref it is about.
    pub fn join(mut parts: Vec<(Tip, Self)>, environments: &[EnvironmentName]) -> Self {
        if let [(tip, _)] = &parts[..] {
            let tip = tip.clone();
            let only = parts.remove(0).1;
            return Self {
                commit: tip.commit,
                tips: vec![tip],
                ..only
            };
        }
        let several = parts.iter().any(|(tip, _)| tip.name != parts[0].0.name);
        let mut joined = Self {
            commit: parts
                .first()
                .map_or(ObjectId::new([0; 20]), |(tip, _)| tip.commit),
            tips: Vec::new(),
            services: Vec::new(),
            environments: environments.to_vec(),
            cells: BTreeMap::new(),
            problems: Vec::new(),
            vetoes: Vetoes::default(),
        };
        let mut others = Vec::new();
        for (tip, part) in parts {
            joined.services.extend(part.services);
            others.extend(part.environments);
            for (key, mut cell) in part.cells {
                if several && let Some(problem) = &mut cell.unread {
                    let problem = Arc::make_mut(problem);
                    problem.message = format!("on {}: {}", tip.name, problem.message);
                }
                let rank = |cell: &DesiredCell| {
                    let nothing = cell.version.is_none();
                    (nothing, nothing && cell.unread.is_none(), cell.layout)
                };
                let known = joined.cells.get(&key);
                if known.is_none_or(|known| rank(&cell) < rank(known)) {
                    joined.cells.insert(key, cell);
                }
            }
            joined
                .problems
                .extend(part.problems.into_iter().map(|mut problem| {
                    if several {
                        problem.message = format!("on {}: {}", tip.name, problem.message);
                    }
                    problem
                }));
            joined.tips.push(tip);
        }
        joined.services.sort();
        joined.services.dedup();
        others.retain(|name| !environments.contains(name));
        others.sort();
        others.dedup();
        joined.environments.extend(others);
        joined.problems.sort();
        joined.problems.dedup();
        joined
    }
}

impl DesiredCell {
    /// Its version; where it has none, in a word why: `not set`, or what stands there instead.
    pub fn shown(&self) -> &str {
        match (&self.version, &self.unread) {
            (Some(version), _) => version.as_str(),
            (None, Some(problem)) => problem.word(),
            (None, None) => "not set",
        }
    }
}

impl RefName {
    /// The name without `refs/heads/` or `refs/tags/`.
    pub fn short(&self) -> &str {
        let name = self.reference.as_str();
        name.strip_prefix("refs/heads/")
            .or_else(|| name.strip_prefix("refs/tags/"))
            .unwrap_or(name)
    }

    /// Whether it is a tag, which never moves.
    pub fn is_tag(&self) -> bool {
        self.reference.starts_with("refs/tags/")
    }
}

/// `prod`, or `deploy:prod` in another repository than the main one.
impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(repository) = &self.repository {
            write!(f, "{repository}:")?;
        }
        f.write_str(self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(reference: &str, cells: &[(&str, &str, Option<&str>, usize)]) -> (Tip, Desired) {
        let name = RefName {
            repository: None,
            reference: reference.to_owned(),
        };
        let commit = ObjectId::new([u8::try_from(cells.len()).unwrap(); 20]);
        let tip = Tip::new(name, Origin::default(), commit);
        let cells = cells.iter().map(|(service, environment, version, layout)| {
            let cell = DesiredCell {
                version: version.map(Version::from),
                layout: *layout,
                ..DesiredCell::default()
            };
            (CellKey::new(*service, *environment), cell)
        });
        let cells: BTreeMap<_, _> = cells.collect();
        let desired = Desired {
            vetoes: Vetoes::default(),
            commit: tip.commit,
            tips: Vec::new(),
            services: cells.keys().map(|key| key.service.clone()).collect(),
            environments: cells.keys().map(|key| key.environment.clone()).collect(),
            cells,
            problems: vec![Problem::file("a.yaml", Some(3), "is no YAML")],
        };
        (tip, desired)
    }

    #[test]
    fn refs_are_joined_to_one_matrix() {
        let joined = Desired::join(
            vec![
                part(
                    "refs/heads/dev",
                    &[("api", "dev", Some("1"), 1), ("web", "dev", None, 0)],
                ),
                part(
                    "refs/heads/prod",
                    &[
                        ("api", "prod", Some("2"), 0),
                        ("api", "dev", Some("9"), 0),
                        ("web", "dev", Some("3"), 2),
                    ],
                ),
            ],
            &["prod".into(), "dev".into()],
        );
        let shown: Vec<String> = joined
            .cells
            .iter()
            .map(|(key, cell)| {
                format!(
                    "{key} {}",
                    cell.version.as_ref().map_or("-", Version::as_str)
                )
            })
            .collect();
        assert_eq!(shown, ["api / dev 9", "api / prod 2", "web / dev 3"]);
        assert_eq!(joined.environments, ["prod".into(), "dev".into()]);
        assert_eq!(joined.services, ["api".into(), "web".into()]);
        let problems: Vec<&str> = joined
            .problems
            .iter()
            .map(|it| it.message.as_str())
            .collect();
        assert_eq!(problems, ["on dev: is no YAML", "on prod: is no YAML"]);
    }
}
