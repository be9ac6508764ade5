//! The forge of a ref: found from the remote's address and the user's own file.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::OnceCell;

use crate::{
    domain::{
        address,
        desired::Tip,
        failure::{Failure, FailureKind},
        forge::{self, ForgeKind, Place},
        ids::EnvironmentName,
        pull_request::Guard,
    },
    sources::{
        forge::{Forge, connect},
        git::Repo,
    },
    workflow::Project,
};

/// What only shows is waited for so long.
const SOON: Duration = Duration::from_secs(10);

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

    /// Who lets a deployment into an environment through on the forge of a ref, by the name that it has here; `None`: nobody
    /// has to.
    ///
    /// # Errors
    /// Where the forge does not answer.
    pub(super) async fn guard(
        &self,
        tip: &Tip,
        environment: &EnvironmentName,
        forges: &Forges,
    ) -> Result<Option<Guard>, Failure> {
        let place = self.forge_place(tip)?;
        if place.kind.is_some_and(|kind| !kind.has_environments()) {
            return Ok(None);
        }
        let repo = self.repository(&tip.name)?;
        let asked = async {
            let forge = forges.at(self, repo, &place).await?;
            forge.guard(environment.as_str()).await
        };
        // It only shows: nobody waits for the pause that a forge asks for.
        match tokio::time::timeout(SOON, asked).await {
            Ok(found) => found,
            Err(_) => Err(Failure::failed(format!(
                "{} has not answered within {} s",
                place.web,
                SOON.as_secs()
            ))),
        }
    }

    /// Whether the forge of a ref gives a link alone to open a pull request by.
    pub(super) fn only_links(&self, tip: &Tip) -> Result<bool, Failure> {
        let kind = self.forge_place(tip)?.kind;
        Ok(kind.is_some_and(|kind: ForgeKind| !kind.is_asked()))
    }
}

/// One that was connected to, or why it cannot be; empty while somebody is at it.
type Connected = Arc<OnceCell<Result<Arc<Forge>, Failure>>>;

/// Forges that some questions are asked of: each is connected to once, as its token may come from a program, and none waits for
/// another one.
#[derive(Default)]
pub(super) struct Forges(Mutex<HashMap<(String, String), Connected>>);

impl Forges {
    /// The forge of a place, whose credentials are those of `repo`.
    pub(super) async fn at(
        &self,
        project: &Project,
        repo: &Repo,
        place: &Place,
    ) -> Result<Arc<Forge>, Failure> {
        let key = (place.web.clone(), place.project.clone());
        let known = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(key).or_default())
        };
        let connected = known.get_or_init(|| async {
            let found = connect(repo, place, &project.config.user.forges).await;
            found.map(Arc::new)
        });
        connected.await.clone()
    }
}
