//! The forge of a ref: found from the remote's address and the user's own file.

use crate::{
    domain::{
        address,
        desired::Tip,
        failure::{Failure, FailureKind},
        forge::{self, ForgeKind, Place},
        ids::CellKey,
        pull_request::Guard,
    },
    sources::forge::{Forge, connect},
    workflow::{Project, Reading},
};

impl Project {
    /// Where the repository of a ref is on its forge.
    ///
    /// # Errors
    /// Where it has no remote, or that is on no forge that is known.
    pub fn forge_place(&self, tip: &Tip) -> Result<Place, Failure> {
        let Some(remote) = &tip.remote else {
            return Err(Failure::new(
                FailureKind::Refused,
                format!("{} has no remote, and so no pull requests", tip.shown),
            )
            .hint(
                "Deliver it otherwise: --deliver push or branch, or `deliver` of the environment",
            ));
        };
        let repo = self.repository(&tip.name)?;
        let url = repo.remote_url(remote);
        let url = url.map(|url| address::plain(&url)).unwrap_or_default();
        let found = forge::place(&url, &self.config.user.forges).or_else(|| {
            // Git may fetch it from somewhere else (`insteadOf`), such as a mirror on this machine.
            let called = repo.remote_called(remote)?;
            forge::place(&address::plain(&called), &self.config.user.forges)
        });
        found.ok_or_else(|| {
            Failure::new(
                FailureKind::Refused,
                format!("{remote} is at {url}, which is no forge that is known"),
            )
            .hint(
                "Name it in [[forges]] of your own config.toml, with `url` and `kind`; or deliver it otherwise: --deliver push or branch",
            )
        })
    }

    /// The forge of a ref, ready to be asked.
    ///
    /// # Errors
    /// As [`Project::forge_place`], and where there is no token for it.
    pub async fn forge(&self, tip: &Tip) -> Result<Forge, Failure> {
        let place = self.forge_place(tip)?;
        connect(
            self.repository(&tip.name)?,
            &place,
            &self.config.user.forges,
        )
        .await
    }

    /// Who lets a deployment into the environment of a cell through on its forge, by the name that it has here; `None`: nobody
    /// has to.
    ///
    /// # Errors
    /// Where the forge does not answer.
    pub(super) async fn guard(
        &self,
        reading: &Reading,
        cell: &CellKey,
    ) -> Result<Option<Guard>, Failure> {
        let Some(tip) = reading.desired.tip(cell).or(reading.tips.first()) else {
            return Ok(None);
        };
        let place = self.forge_place(tip)?;
        if place.kind.is_some_and(|kind| !kind.has_environments()) {
            return Ok(None);
        }
        let forge = self.forge(tip).await?;
        forge.guard(cell.environment.as_str()).await
    }

    /// Whether the forge of a ref gives a link alone to open a pull request by.
    pub(super) fn only_links(&self, tip: &Tip) -> Result<bool, Failure> {
        let kind = self.forge_place(tip)?.kind;
        Ok(kind.is_some_and(|kind: ForgeKind| !kind.is_asked()))
    }
}
