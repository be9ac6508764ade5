//! Forges: pull requests on GitHub, GitLab and Gitea. A file per forge; [`connect`] is the one table of them.

mod alike;
mod gitea;
mod github;
mod gitlab;
mod graphql;
mod http;
mod like_github;
mod token;

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use serde_json::Value;

use self::{
    alike::Compared,
    http::{Http, Refused},
};
use super::git::Repo;
use crate::domain::{
    failure::{Failure, FailureKind},
    forge::{ForgeEntry, ForgeKind, Place, escaped},
    ids::ObjectId,
    pull_request::{Asked as AskedOf, Checks, Draft, Guard, Members, PullRequest, PullState},
    source_code::{Changelog, Names, SaidBy},
    text::sanitise,
};

/// What a forge is asked for.
type Asked<'a, T> = BoxFuture<'a, Result<T, Refused>>;

/// What every forge can do. Numbers are those of pull requests.
trait Api: Send + Sync {
    /// Fails where the repository is not there for whoever asks.
    fn check(&self) -> Asked<'_, ()>;
    /// The open one from a branch into another, without approvals and checks.
    fn find<'a>(&'a self, branch: &'a str, base: &'a str) -> Asked<'a, Option<PullRequest>>;
    /// Opens one, and gives it without approvals and checks. What of the draft could not be had is said, a sentence each.
    fn open<'a>(&'a self, draft: &'a Draft) -> Asked<'a, (PullRequest, Vec<String>)>;
    /// How one stands: who approved it, what its checks say.
    fn look(&self, number: u64) -> Asked<'_, PullRequest>;
    /// Puts the checks of these names to those of one that is open or merged, as far as they are not there by name.
    fn name_checks<'a>(
        &'a self,
        request: &'a mut PullRequest,
        names: &'a BTreeSet<String>,
    ) -> Asked<'a, ()>;
    /// Who is of a team, `org/team`; `None`: this identity may not see it, or there is none.
    fn members<'a>(&'a self, team: &'a str) -> Asked<'a, Option<Vec<String>>>;
    /// The open ones into a branch, newest first and so many at most, without approvals and checks.
    fn open_into<'a>(&'a self, base: &'a str, most: usize) -> Asked<'a, Vec<PullRequest>>;
    /// Merges one whose newest commit is `head`: another one is refused.
    fn merge(&self, number: u64, head: ObjectId) -> Asked<'_, ()>;
    /// Asks the forge to merge one by itself once it has what the forge requires, as long as `head` is its newest commit.
    fn merge_later(&self, number: u64, head: ObjectId) -> Asked<'_, ()>;
    /// As whom it knows the token; `None`: it does not say.
    fn who(&self) -> Asked<'_, Option<String>>;
    /// Approves one whose newest commit is `head`, as the owner of the token.
    fn approve(&self, number: u64, head: ObjectId) -> Asked<'_, ()>;
    /// What is said below one, oldest first.
    fn comments(&self, number: u64) -> Asked<'_, Vec<String>>;
    /// Says something below one.
    fn comment<'a>(&'a self, number: u64, body: &'a str) -> Asked<'a, ()>;
    /// Closes one without a merge.
    fn close(&self, number: u64) -> Asked<'_, ()>;
    /// The title and the body of one.
    fn texts(&self, number: u64) -> Asked<'_, (String, String)>;
    /// Gives one another title and body.
    fn rewrite<'a>(&'a self, number: u64, draft: &'a Draft) -> Asked<'a, ()>;
    /// What the commit `to` has that `from` has not, both of them by the names of tags, or by commits; `None`: one of them is not
    /// there.
    fn compare<'a>(&'a self, from: &'a str, to: &'a str) -> Asked<'a, Option<Compared>>;
    /// The commit of a tag; `None`: there is none of that name, whatever branches there are.
    fn tag<'a>(&'a self, name: &'a str) -> Asked<'a, Option<ObjectId>>;
    /// The one commit that begins so; `None`: there is none, or there are several.
    fn commit<'a>(&'a self, digits: &'a str) -> Asked<'a, Option<ObjectId>>;
    /// What the checks of a commit say.
    fn checks_of(&self, commit: ObjectId) -> Asked<'_, Checks>;
    /// Who lets deployments into an environment through; `None`: there is none of this name, or nobody has to.
    fn guard<'a>(&'a self, _: &'a str) -> Asked<'a, Option<Guard>> {
        Box::pin(async { Ok(None) })
    }
    /// The ref that has the commit of one.
    fn head(&self, number: u64) -> String;
}

/// A repository on a forge that can be asked.
pub struct Forge {
    api: Box<dyn Api>,
    place: Place,
}

impl std::fmt::Debug for Forge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Forge({} on {})", self.place.project, self.place.web)
    }
}

/// Why no pull request was opened.
#[derive(Debug)]
pub struct NotOpen {
    /// None is open; else that is not known.
    pub is_known: bool,
    /// What went wrong.
    pub failure: Failure,
}

/// Connects to the forge of a place: its token is fetched; nothing is asked of the forge itself but, where nobody says it, what
/// it speaks.
///
/// # Errors
/// Where no token is to be had, where what it speaks cannot be found out, or where nothing of it is spoken here.
pub async fn connect(repo: &Repo, place: &Place, entries: &[ForgeEntry]) -> Result<Forge, Failure> {
    let entry = place.entry.and_then(|at| entries.get(at));
    let kind = match place.kind {
        Some(kind) => kind,
        None => guess(&place.web).await?,
    };
    let who = token::who(repo, place, kind, entry).await?;
    let (web, project) = (place.web.as_str(), place.project.clone());
    let api: Box<dyn Api> = match kind {
        ForgeKind::Github => Box::new(github::Github::new(web, project, who)?),
        ForgeKind::Gitlab => Box::new(gitlab::Gitlab::new(web, &project, who)?),
        ForgeKind::Gitea => Box::new(gitea::Gitea::new(web, project, who)?),
        ForgeKind::Azure | ForgeKind::Bitbucket => {
            return Err(Failure::new(
                FailureKind::Refused,
                format!("pull requests on {} are not opened from here", kind.words()),
            )
            .hint("deliver = \"branch\" pushes the branch and gives the link that opens one"));
        }
    };
    Ok(Forge {
        api,
        place: Place {
            kind: Some(kind),
            ..place.clone()
        },
    })
}

/// Asks a server what it speaks, without a token.
async fn guess(web: &str) -> Result<ForgeKind, Failure> {
    let nobody = || http::Who {
        header: None,
        secrets: Vec::new(),
        from: "nobody".to_owned(),
    };
    let mut last = None;
    for (kind, path) in [
        (ForgeKind::Gitea, "api/v1/version"),
        (ForgeKind::Github, "api/v3/meta"),
        (ForgeKind::Gitlab, "api/v4/version"),
    ] {
        let http = Http::new(web, nobody(), "application/json")?;
        match http.get(path).await {
            Ok(value) if value.is_object() => return Ok(kind),
            // GitLab answers nobody else.
            Err(refused) if kind == ForgeKind::Gitlab && refused.status == Some(401) => {
                return Ok(kind);
            }
            Err(refused) if refused.status.is_none() => last = Some(refused.failure),
            _ => {}
        }
    }
    Err(last.unwrap_or_else(|| {
        Failure::new(
            FailureKind::Unknown,
            format!("{web} is no forge that is known"),
        )
        .hint("Say what it is: kind = \"github\", \"gitlab\" or \"gitea\" in its [[forges]] of your own config.toml")
    }))
}

impl Forge {
    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Fails where the repository is not there for whoever asks.
    ///
    /// # Errors
    /// In the forge's words.
    pub async fn check(&self) -> Result<(), Failure> {
        Ok(self.api.check().await?)
    }

    /// The open pull request from `branch` into `base`, held against what environments ask. Where how it stands is not told, what
    /// it waits for says so.
    ///
    /// # Errors
    /// Where the forge does not say.
    pub async fn find(
        &self,
        branch: &str,
        base: &str,
        asked: &[AskedOf],
    ) -> Result<Option<PullRequest>, Failure> {
        let found = self.found(branch, base, asked).await?;
        Ok(found.map(|(request, _)| request))
    }

    async fn found(
        &self,
        branch: &str,
        base: &str,
        asked: &[AskedOf],
    ) -> Result<Option<(PullRequest, Vec<String>)>, Failure> {
        match self.api.find(branch, base).await? {
            Some(request) => Ok(Some(self.stands(request, Vec::new(), asked).await)),
            None => Ok(None),
        }
    }

    /// How one stands that is there; where that is not told, that is one of the notes.
    async fn stands(
        &self,
        request: PullRequest,
        mut notes: Vec<String>,
        asked: &[AskedOf],
    ) -> (PullRequest, Vec<String>) {
        match self.weighed(request.number, asked).await {
            Ok(request) => (request, notes),
            Err(refused) => {
                let (number, why) = (request.number, refused.failure);
                notes.push(format!(
                    "#{number} is open; how it stands is not known: {why}"
                ));
                let checks = Checks {
                    unknown: true,
                    ..Checks::default()
                };
                let mut request = PullRequest { checks, ..request };
                request.weigh(asked, &Members::new());
                (request, notes)
            }
        }
    }

    /// The open pull request of a draft: found, or opened. Where it is not clear whether it was opened, or where somebody else
    /// was faster, the forge is asked. What of the draft could not be had is said beside it.
    ///
    /// # Errors
    /// In the forge's words, and whether it is known that none is open.
    pub async fn open(
        &self,
        draft: &Draft,
        asked: &[AskedOf],
    ) -> Result<(PullRequest, Vec<String>), NotOpen> {
        let not_known = |failure: Failure| NotOpen {
            is_known: false,
            failure,
        };
        let found = self.found(&draft.branch, &draft.base, asked).await;
        if let Some((mut request, mut notes)) = found.map_err(not_known)? {
            match self.keep_true(request.number, draft).await {
                Ok(true) => request.title.clone_from(&draft.title),
                Ok(false) => {}
                Err(refused) => notes.push(format!(
                    "what #{} says is of an earlier plan: {}",
                    request.number, refused.failure
                )),
            }
            return Ok((request, notes));
        }
        let refused = match self.api.open(draft).await {
            Ok((request, notes)) => return Ok(self.stands(request, notes, asked).await),
            Err(refused) => refused.failure,
        };
        match self.found(&draft.branch, &draft.base, asked).await {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(NotOpen {
                is_known: true,
                failure: refused,
            }),
            Err(asked) => Err(not_known(Failure {
                why: format!("{}; then {}", refused.why, asked.why),
                ..refused
            })),
        }
    }

    /// Has one of ours say what the plan of today does, where it says what an earlier one did; what somebody wrote in its
    /// place stays.
    async fn keep_true(&self, number: u64, draft: &Draft) -> Result<bool, Refused> {
        let (_, body) = self.api.texts(number).await?;
        let outdated = draft.outdates(&body);
        if outdated {
            self.api.rewrite(number, draft).await?;
        }
        Ok(outdated)
    }

    /// Closes a pull request and says why below it, once: `mark` is in what is said, and tells whether it was said before.
    /// How it stood.
    ///
    /// # Errors
    /// In the forge's words. The same call again goes on where it ended.
    pub async fn close(&self, number: u64, why: &str, mark: &str) -> Result<PullState, Failure> {
        let state = self.api.look(number).await?.state;
        if state != PullState::Open {
            return Ok(state);
        }
        let mark = format!("<!-- tidegate: {mark} -->");
        let said = self.api.comments(number).await?;
        if !said.iter().any(|it| it.contains(&mark)) {
            let body = format!("{why}\n\n{mark}");
            self.api.comment(number, &body).await?;
        }
        self.api.close(number).await?;
        Ok(state)
    }

    /// How a pull request stands, held against what environments ask.
    ///
    /// # Errors
    /// In the forge's words.
    pub async fn look(&self, number: u64, asked: &[AskedOf]) -> Result<PullRequest, Failure> {
        Ok(self.weighed(number, asked).await?)
    }

    async fn weighed(&self, number: u64, asked: &[AskedOf]) -> Result<PullRequest, Refused> {
        let mut request = self.api.look(number).await?;
        if request.state == PullState::Closed {
            return Ok(request);
        }
        let names = asked.iter().flat_map(|one| &one.asks.checks);
        let names: BTreeSet<String> = names.cloned().collect();
        if !names.is_empty() {
            self.api.name_checks(&mut request, &names).await?;
        }
        let mut members = Members::new();
        for team in request.teams_not_known(asked) {
            let known = match self.api.members(&team).await {
                Ok(Some(people)) => Ok(people),
                Ok(None) => {
                    Err("this identity may not see it, or there is no such team".to_owned())
                }
                // Who does not answer now is asked again.
                Err(refused) if refused.failure.kind == FailureKind::Network => {
                    return Err(refused);
                }
                Err(refused) => Err(refused.failure.why),
            };
            members.insert(team, known);
        }
        request.weigh(asked, &members);
        Ok(request)
    }

    /// The open pull requests into a branch, newest first and so many at most, without approvals and checks.
    ///
    /// # Errors
    /// In the forge's words.
    pub async fn open_into(&self, base: &str, most: usize) -> Result<Vec<PullRequest>, Failure> {
        Ok(self.api.open_into(base, most).await?)
    }

    /// Merges a pull request whose newest commit is `head`. It has what is required; where it does not, the forge refuses.
    ///
    /// # Errors
    /// In the forge's words. Where it did not answer, whether it is merged is not known.
    pub async fn merge(&self, number: u64, head: ObjectId) -> Result<(), Failure> {
        Ok(self.api.merge(number, head).await?)
    }

    /// Asks the forge to merge a pull request by itself once it has what the forge requires, as long as `head` is its newest
    /// commit. One that has all of that is merged at once by some forges.
    ///
    /// # Errors
    /// In the forge's words: also where it has no such thing, or has all that it requires already.
    pub async fn merge_later(&self, number: u64, head: ObjectId) -> Result<(), Failure> {
        Ok(self.api.merge_later(number, head).await?)
    }

    /// What lies between two versions, which are called so here, each by the same kind of name.
    ///
    /// # Errors
    /// Where the forge does not say, or knows neither name.
    pub async fn changelog(&self, from: &Names, to: &Names) -> Result<Changelog, Failure> {
        let tags = from.tags.iter().zip(&to.tags);
        let commits = from.commits.iter().zip(&to.commits);
        for (old, new) in tags.chain(commits) {
            let Some((comes, more)) = self.api.compare(old, new).await? else {
                continue;
            };
            let (goes, more_goes) = self.api.compare(new, old).await?.unwrap_or_default();
            return Ok(Changelog {
                comes,
                goes,
                more: more || more_goes,
                url: self.place.compare_url(old, new),
                ..Changelog::default()
            });
        }
        // Of all that were tried, the one that says the version with the least around it.
        let named = |names: &Names| -> String {
            let shortest = names.tags.iter().min_by_key(|tag| tag.len());
            shortest.cloned().unwrap_or_default()
        };
        let words = format!(
            "{} on {} knows no tags for {} and {}",
            self.place.project,
            self.place.web,
            named(from),
            named(to)
        );
        Err(Failure::new(FailureKind::Refused, words)
            .hint("Say in `tag` of [[sources]] what versions are called there"))
    }

    /// The commit of a version, which is called so here, and what says that; `None`: it knows none of these names.
    ///
    /// # Errors
    /// In the forge's words.
    pub async fn commit_of(&self, names: &Names) -> Result<Option<(ObjectId, SaidBy)>, Failure> {
        for tag in &names.tags {
            if let Some(commit) = self.api.tag(tag).await? {
                return Ok(Some((commit, SaidBy::Tag(tag.clone()))));
            }
        }
        for digits in &names.commits {
            let found = self.api.commit(digits).await?;
            // A branch may be called like the beginning of a commit.
            let found = found.filter(|commit| commit.to_string().starts_with(digits));
            if let Some(commit) = found {
                return Ok(Some((commit, SaidBy::Version)));
            }
        }
        Ok(None)
    }

    /// What the checks of a commit say.
    ///
    /// # Errors
    /// In the forge's words.
    pub async fn checks_of(&self, commit: ObjectId) -> Result<Checks, Failure> {
        Ok(self.api.checks_of(commit).await?)
    }

    /// Who lets deployments into an environment of this name through, where the forge has it and asks for that.
    ///
    /// # Errors
    /// In the forge's words.
    pub async fn guard(&self, environment: &str) -> Result<Option<Guard>, Failure> {
        let found = if_seen(self.api.guard(environment).await);
        let found = found.map_err(|refused| refused.failure)?;
        Ok(found.flatten().filter(Guard::asks))
    }

    /// As whom the forge knows the token; `None`: it does not say.
    ///
    /// # Errors
    /// In the forge's words.
    pub async fn who(&self) -> Result<Option<String>, Failure> {
        let who = self.api.who().await?;
        Ok(who.filter(|who| !who.is_empty()))
    }

    /// Approves a pull request whose newest commit is `head`, as the owner of the token.
    ///
    /// # Errors
    /// In the forge's words: also where it does not count that person's word.
    pub async fn approve(&self, number: u64, head: ObjectId) -> Result<(), Failure> {
        Ok(self.api.approve(number, head).await?)
    }

    /// What it is, as people call it.
    pub fn name(&self) -> &'static str {
        self.place.kind.map_or("the forge", ForgeKind::words)
    }

    /// The ref of the remote that has a pull request's commit.
    pub fn head(&self, number: u64) -> String {
        self.api.head(number)
    }
}

/// What was opened, by what the forge answers; it is said to be open only where its number is told.
fn opened(request: PullRequest) -> Result<PullRequest, Refused> {
    if request.number > 0 {
        return Ok(request);
    }
    Err(Refused {
        status: None,
        failure: Failure::new(
            FailureKind::Network,
            "the forge took the pull request, and does not say its number",
        ),
    })
}

/// A text of an answer, in one line that is safe to show; empty where there is none.
fn text(value: &Value) -> String {
    sanitise(value.as_str().unwrap_or_default()).into_owned()
}

/// The names of people in a list of an answer, which stand at `key`.
fn people(list: &[Value], key: &str) -> Vec<String> {
    list.iter().map(|it| text(&it[key])).collect()
}

/// A list that this identity may not see is none.
fn if_seen<T>(got: Result<T, Refused>) -> Result<Option<T>, Refused> {
    match got {
        Ok(list) => Ok(Some(list)),
        Err(refused) if refused.is_hidden() => Ok(None),
        Err(refused) => Err(refused),
    }
}

/// A commit of an answer.
fn commit(value: &Value) -> Option<ObjectId> {
    value.as_str()?.parse().ok()
}

/// An address of an answer that may be opened.
fn address(value: &Value) -> String {
    let url = text(value);
    let web = url.starts_with("https://") || url.starts_with("http://");
    if web { url } else { String::new() }
}

/// A draft's title; where the forge knows by it that one is not ready, behind its mark for that.
fn title(draft: &Draft, not_ready: &str) -> String {
    let mark = if draft.draft { not_ready } else { "" };
    format!("{mark}{}", draft.title)
}

/// `owner/name` as parts of a path.
fn path_of(project: &str) -> String {
    escaped(project, false)
}
