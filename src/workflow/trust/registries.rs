//! Registries that a repository's images name, where its own file has them asked: allowed host by host.

use std::collections::BTreeSet;

use super::Untrusted;
use crate::{
    config::CheckEntry,
    domain::{ids::EnvironmentName, policy::check::Consent},
    workflow::{Project, Reading, registry},
};

/// What stands for one registry being asked for an environment.
pub(super) fn consent(environment: &EnvironmentName, host: &str) -> Consent {
    Consent::to(["registry", environment.as_str(), host])
}

impl Untrusted {
    /// With the registries that the images of what is read name.
    #[must_use]
    pub fn with_registries(mut self, project: &Project, reading: &Reading) -> Self {
        let cells = reading.desired.cells.keys();
        let asked = cells.filter(|cell| project.config.registries.contains_key(&cell.environment));
        let hosts: BTreeSet<(EnvironmentName, String)> = asked
            .filter_map(|cell| {
                let name = registry::name_of(project, reading, cell).ok()?;
                Some((cell.environment.clone(), name.registry))
            })
            .collect();
        for (environment, host) in hosts {
            let Some(at) = project.config.registries.get(&environment) else {
                continue;
            };
            self.checks.push(CheckEntry {
                line: format!(
                    "asks the registry {host}, which its images name, before a change, with what Docker's configuration has for it"
                ),
                consent: consent(&environment, &host),
                at: at.clone(),
                environment,
            });
        }
        self
    }
}
