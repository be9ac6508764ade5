//! The last matrix, kept small on disk, so that the next start has something to show at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{event::ReadFrom, model::Model};
use crate::domain::{
    desired::{Desired, DesiredCell},
    ids::{CellKey, EnvironmentName, ServiceName},
    rollout::{Few, Health, LiveCell},
    subject::Subject,
    version::Version,
};

/// What was on the screen, all of it stale the moment it is read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When it was kept.
    pub kept: Timestamp,
    /// What the matrix was read from.
    pub base: ReadFrom,
    /// The columns, in promotion order.
    pub environments: Vec<EnvironmentName>,
    /// The cells that were declared.
    pub cells: Vec<SnapshotCell>,
}

/// One cell of a [`Snapshot`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotCell {
    /// The service, a row.
    pub service: ServiceName,
    /// The environment, a column.
    pub environment: EnvironmentName,
    /// What Git declared.
    pub version: Option<Version>,
    /// What it was a version of.
    #[serde(default)]
    pub subject: Subject,
    /// Read from a fall-back file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inherited: bool,
    /// What the cluster said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<SnapshotLive>,
}

/// The running side of a [`SnapshotCell`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotLive {
    /// How it did.
    pub health: Health,
    /// Why not better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Versions in pods.
    pub versions: Few<Version, u32>,
    /// Pods cannot show what is declared.
    #[serde(default)]
    pub hidden: bool,
    /// Ready pods.
    pub ready: u32,
    /// Wanted pods.
    pub desired: u32,
    /// When the cluster last confirmed it.
    pub as_of: Timestamp,
}

impl Snapshot {
    /// What there is to keep; `None` before the matrix has been read.
    pub fn of(model: &Model) -> Option<Self> {
        let desired = model.git.desired.as_ref()?;
        let cells = desired.cells.iter().map(|(key, cell)| SnapshotCell {
            service: key.service.clone(),
            environment: key.environment.clone(),
            version: cell.version.clone(),
            subject: cell.subject,
            inherited: cell.inherited,
            live: model.live.cells().get(key).map(|live| SnapshotLive {
                health: live.health,
                reason: live.reason.clone(),
                since: live.since,
                versions: live.versions.clone(),
                hidden: live.hidden,
                ready: live.ready,
                desired: live.desired,
                as_of: live.as_of,
            }),
        });
        Some(Self {
            kept: model.now,
            base: model.git.base.clone()?,
            environments: desired.environments.clone(),
            cells: cells.collect(),
        })
    }

    /// Puts it on the screen: every cell stale, and the matrix marked as remembered.
    pub(super) fn restore(self, model: &mut Model) {
        let mut cells = BTreeMap::new();
        let mut services = BTreeSet::new();
        for cell in self.cells {
            let key = CellKey::new(cell.service, cell.environment);
            services.insert(key.service.clone());
            // What a cluster said that is configured no more is not kept for the day on which it comes back.
            let watched = model.setup.topology.cluster(&key.environment).is_some();
            if let Some(live) = cell.live.filter(|_| watched) {
                model
                    .live
                    .take(None, [(key.clone(), Arc::new(live.into()))]);
            }
            let desired = DesiredCell {
                version: cell.version,
                subject: cell.subject,
                inherited: cell.inherited,
                ..DesiredCell::default()
            };
            cells.insert(key, desired);
        }
        let Some(first) = self.base.tips.first() else {
            return;
        };
        model.git.remembered = Some(self.kept);
        model.git.desired = Some(Arc::new(Desired {
            commit: first.commit,
            tips: self.base.tips.clone(),
            services: services.into_iter().collect(),
            environments: self.environments,
            cells,
            problems: Vec::new(),
            vetoes: crate::domain::policy::veto::Vetoes::default(),
        }));
        model.git.base = Some(self.base);
    }
}

impl From<SnapshotLive> for LiveCell {
    fn from(live: SnapshotLive) -> Self {
        Self {
            health: live.health,
            reason: live.reason,
            since: live.since,
            serving: None,
            hidden: live.hidden,
            batch: false,
            versions: live.versions,
            ready: live.ready,
            desired: live.desired,
            updated: 0,
            as_of: live.as_of,
            stale: true,
            workloads: Vec::new(),
            counts: Few::default(),
            pods: Vec::new(),
            agent: None,
            hop: None,
            progress: None,
            beside: Vec::new(),
            healthy: Vec::new(),
            windows: None,
            next_write: None,
        }
    }
}
