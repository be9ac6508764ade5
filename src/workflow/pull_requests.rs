//! One pull request of what is read, named by its number.

use crate::{
    domain::{
        desired::Tip,
        failure::{Failure, FailureKind},
        forge::ForgeKind,
        pull_request::PullRequest,
    },
    sources::forge::Forge,
    workflow::{Project, Reading},
};

/// A pull request as its forge tells it, ready for something to be done to it.
#[derive(Debug)]
pub struct Seen {
    /// The forge that has it.
    pub forge: Forge,
    /// The ref that it goes into.
    pub into: Tip,
    /// As it stands.
    pub request: PullRequest,
}

/// Looks for the pull request of this number in the repository of this name (`None`: the only one that is read from a forge).
///
/// # Errors
/// Where there is none, where it goes into a branch that is not read, and in the forge's words.
pub async fn pull_request(
    project: &Project,
    reading: &Reading,
    number: u64,
    repository: Option<&str>,
) -> Result<Seen, Failure> {
    let tips: Vec<&Tip> = reading
        .tips
        .iter()
        .filter(|tip| tip.name.reference.starts_with("refs/heads/"))
        .filter(|tip| repository.is_none_or(|name| tip.name.repository.as_deref() == Some(name)))
        .collect();
    let known = |tip: &Tip| {
        let place = project.forge_place(tip);
        place.is_ok_and(|place| place.kind.is_none_or(ForgeKind::is_asked))
    };
    let Some(first) = tips.iter().copied().find(|tip| known(tip)) else {
        return Err(match (tips.first(), repository) {
            (Some(tip), _) => match project.forge_place(tip) {
                Err(failure) => failure,
                Ok(_) => Failure::new(
                    FailureKind::Refused,
                    format!("pull requests of {} are not asked for from here", tip.shown),
                ),
            },
            (None, Some(name)) => Failure::usage(format!(
                "no repository is called `{name}`; [[repositories]] names them"
            )),
            (None, None) => {
                Failure::usage("no branch is read, and so no pull request goes into one")
            }
        });
    };
    let other = tips
        .iter()
        .filter(|tip| known(tip))
        .find(|tip| tip.name.repository != first.name.repository);
    if let Some(other) = other {
        let name = |tip: &Tip| {
            tip.name
                .repository
                .as_deref()
                .unwrap_or("this one")
                .to_owned()
        };
        return Err(Failure::usage(format!(
            "#{number} may be in {} or in {}: say which with --repository",
            name(first),
            name(other)
        )));
    }
    let forge = project.forge(first).await?;
    let request = forge.look(number, &[]).await?;
    let into = tips
        .iter()
        .find(|tip| tip.name.repository == first.name.repository && tip.branch() == request.base);
    let Some(into) = into else {
        return Err(Failure::new(
            FailureKind::Refused,
            format!(
                "#{number} goes into {}, which is not read here",
                request.base
            ),
        ));
    };
    Ok(Seen {
        forge,
        into: (*into).clone(),
        request,
    })
}
