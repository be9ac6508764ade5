//! Gitea and Forgejo, by their API v1.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Api, Asked,
    alike::{self, Compared},
    http::{Http, Refused, Who},
    if_seen,
    like_github::{self, Word},
    opened, path_of, people, text, title,
};
use crate::{
    domain::{
        failure::Failure,
        forge::escaped,
        ids::ObjectId,
        pull_request::{Checks, Draft, PullRequest, PullState},
    },
    sources::web::Method,
};

/// No page of a list is longer, as servers are set up.
const PAGE: usize = 50;
/// A title that begins so is not ready.
const NOT_READY: &str = "WIP: ";

pub(super) struct Gitea {
    http: Http,
    project: String,
}

impl Gitea {
    /// The repository `project` (`owner/name`) of the Gitea at `web`.
    ///
    /// # Errors
    /// Where the address is none.
    pub(super) fn new(web: &str, project: String, who: Who) -> Result<Self, Failure> {
        let http = Http::new(&format!("{web}/api/v1"), who, "application/json")?;
        Ok(Self { http, project })
    }

    fn path(&self, rest: &str) -> String {
        format!("repos/{}{rest}", path_of(&self.project))
    }

    /// The first open ones that are `wanted`, newest first, as they come where no order is asked for.
    async fn open_ones(
        &self,
        most: usize,
        wanted: impl Fn(&Value) -> bool + Send,
    ) -> Result<Vec<Value>, Refused> {
        let path = self.path(&format!("/pulls?state=open&limit={PAGE}"));
        self.http.first(&path, None, most, wanted).await
    }

    /// Who approved one. Where its branch asks for approvals, those of people count alone who may write to it: the others' are
    /// not `official`. Of a branch that asks for none, none are.
    async fn reviews(&self, number: u64, request: &mut PullRequest) -> Result<(), Refused> {
        let path = self.path(&format!("/pulls/{number}/reviews?limit={PAGE}"));
        let reviews = self.http.list(&path, None).await?;
        let is_asked = request.approvals.need.is_some_and(|need| need > 0);
        like_github::reviews(&reviews, request, |review| {
            let word = match review["state"].as_str()? {
                "APPROVED" | "REQUEST_CHANGES" if review["dismissed"].as_bool() == Some(true) => {
                    Word::Dismissed
                }
                "APPROVED" if is_asked && review["official"].as_bool() == Some(false) => {
                    return None;
                }
                "APPROVED" => Word::Approves,
                "REQUEST_CHANGES" => Word::Refuses,
                _ => return None,
            };
            Some((word, review["stale"].as_bool() == Some(true)))
        });
        Ok(())
    }

    /// Counts the checks of a commit, and gives their names.
    async fn checks(&self, head: &str, checks: &mut Checks) -> Result<Vec<String>, Refused> {
        let path = self.path(&format!("/commits/{head}/status?limit={PAGE}"));
        let seen = like_github::statuses(&self.http, &path, "status", checks).await?;
        // A full page says of no other whether there is one.
        checks.unknown |= seen.len() == PAGE;
        Ok(seen)
    }

    async fn look_at(&self, number: u64) -> Result<PullRequest, Refused> {
        let value = self
            .http
            .get(&self.path(&format!("/pulls/{number}")))
            .await?;
        let mut request = read(&value);
        match request.state {
            PullState::Open => {}
            PullState::Merged => {
                self.reviews(number, &mut request).await?;
                return Ok(request);
            }
            PullState::Closed => return Ok(request),
        }
        let base = value["base"]["ref"].as_str().unwrap_or_default();
        let path = self.path(&format!("/branches/{}", escaped(base, true)));
        let branch = self.http.look(&path).await?;
        let need = branch
            .as_ref()
            .map(|it| it["required_approvals"].as_u64().unwrap_or(0));
        request.approvals.need = need.and_then(|need| u32::try_from(need).ok());
        self.reviews(number, &mut request).await?;
        let Some(head) = request.head else {
            return Ok(request);
        };
        let checks = &mut request.checks;
        let seen = self.checks(&head.to_string(), checks).await?;
        // Which checks have to be there stands with the branch.
        request.checks.unknown |= branch.is_none();
        let branch = branch.unwrap_or_default();
        if branch["enable_status_check"].as_bool() == Some(true) {
            let required = branch["status_check_contexts"].as_array();
            let required = required.into_iter().flatten().map(text);
            let missing = required.filter(|name| !name.contains('*') && !seen.contains(name));
            request.checks.pending.extend(missing);
        }
        Ok(request)
    }

    async fn merge_by(&self, number: u64, head: ObjectId, later: bool) -> Result<(), Refused> {
        let repository = self.http.get(&self.path("")).await?;
        let way = repository["default_merge_style"].as_str();
        let mut body = json!({
            "Do": way.filter(|way| !way.is_empty()).unwrap_or("merge"),
            "head_commit_id": head.to_string(),
        });
        if later {
            body["merge_when_checks_succeed"] = json!(true);
        }
        let path = self.path(&format!("/pulls/{number}/merge"));
        self.http.send(Method::POST, &path, &body).await.map(drop)
    }

    async fn patch(&self, number: u64, body: Value) -> Result<(), Refused> {
        let path = self.path(&format!("/pulls/{number}"));
        self.http.send(Method::PATCH, &path, &body).await.map(drop)
    }

    async fn create(&self, draft: &Draft) -> Result<(PullRequest, Vec<String>), Refused> {
        let title = title(draft, NOT_READY);
        let mut notes = Vec::new();
        let mut body = json!({
            "title": title,
            "head": draft.branch,
            "base": draft.base,
            "body": draft.body,
        });
        if !draft.labels.is_empty() {
            let path = self.path(&format!("/labels?limit={PAGE}"));
            let mut ids: Vec<u64> = Vec::new();
            match self.http.list(&path, None).await {
                Ok(known) => {
                    for name in &draft.labels {
                        let found = known.iter().find(|it| text(&it["name"]) == *name);
                        match found.and_then(|it| it["id"].as_u64()) {
                            Some(id) => ids.push(id),
                            None => notes.push(format!("there is no label `{name}`")),
                        }
                    }
                }
                Err(refused) => notes.push(format!("it has no labels: {}", refused.failure)),
            }
            body["labels"] = json!(ids);
        }
        let made = self
            .http
            .send(Method::POST, &self.path("/pulls"), &body)
            .await?;
        let made = opened(read(&made))?;
        let path = self.path(&format!("/pulls/{}", made.number));
        notes.extend(like_github::ask_to_review(&self.http, &path, &draft.reviewers).await);
        Ok((made, notes))
    }
}

impl Api for Gitea {
    fn check(&self) -> Asked<'_, ()> {
        Box::pin(async { self.http.get(&self.path("")).await.map(drop) })
    }

    fn find<'a>(&'a self, branch: &'a str, base: &'a str) -> Asked<'a, Option<PullRequest>> {
        Box::pin(async move {
            let ours = |it: &Value| {
                let own = it["head"]["repo_id"] == it["base"]["repo_id"];
                let of = |side: &str| it[side]["ref"].as_str();
                own && of("head") == Some(branch) && of("base") == Some(base)
            };
            let found = self.open_ones(1, ours).await?;
            Ok(found.first().map(read).filter(|it| it.number > 0))
        })
    }

    fn open<'a>(&'a self, draft: &'a Draft) -> Asked<'a, (PullRequest, Vec<String>)> {
        Box::pin(self.create(draft))
    }

    fn look(&self, number: u64) -> Asked<'_, PullRequest> {
        Box::pin(self.look_at(number))
    }

    fn name_checks<'a>(
        &'a self,
        request: &'a mut PullRequest,
        _: &'a BTreeSet<String>,
    ) -> Asked<'a, ()> {
        Box::pin(async move {
            // Of an open one they are known.
            if let (PullState::Merged, Some(head)) = (request.state, request.head) {
                let checks = &mut request.checks;
                self.checks(&head.to_string(), checks).await?;
            }
            Ok(())
        })
    }

    fn members<'a>(&'a self, team: &'a str) -> Asked<'a, Option<Vec<String>>> {
        Box::pin(async move {
            let Some((org, name)) = team.split_once('/') else {
                return Ok(None);
            };
            let path = format!("orgs/{}/teams?limit={PAGE}", escaped(org, true));
            let Some(teams) = if_seen(self.http.list(&path, None).await)? else {
                return Ok(None);
            };
            let own = |it: &&Value| text(&it["name"]).eq_ignore_ascii_case(name);
            let Some(id) = teams.iter().find(own).and_then(|it| it["id"].as_u64()) else {
                return Ok(None);
            };
            let path = format!("teams/{id}/members?limit={PAGE}");
            let found = if_seen(self.http.list(&path, None).await)?;
            Ok(found.map(|found| people(&found, "login")))
        })
    }

    fn open_into<'a>(&'a self, base: &'a str, most: usize) -> Asked<'a, Vec<PullRequest>> {
        Box::pin(async move {
            let into = |it: &Value| it["base"]["ref"].as_str() == Some(base);
            let open = self.open_ones(most, into).await?;
            Ok(open.iter().map(read).collect())
        })
    }

    fn merge(&self, number: u64, head: ObjectId) -> Asked<'_, ()> {
        Box::pin(self.merge_by(number, head, false))
    }

    fn merge_later(&self, number: u64, head: ObjectId) -> Asked<'_, ()> {
        Box::pin(async move {
            match self.merge_by(number, head, true).await {
                // It was asked before.
                Err(refused) if refused.status == Some(409) => Ok(()),
                asked => asked,
            }
        })
    }

    fn who(&self) -> Asked<'_, Option<String>> {
        Box::pin(alike::who(&self.http, "login"))
    }

    fn approve(&self, number: u64, head: ObjectId) -> Asked<'_, ()> {
        Box::pin(async move {
            let body = json!({ "event": "APPROVED", "commit_id": head.to_string(), "body": "" });
            let path = self.path(&format!("/pulls/{number}/reviews"));
            self.http.send(Method::POST, &path, &body).await.map(drop)
        })
    }

    fn comments(&self, number: u64) -> Asked<'_, Vec<String>> {
        let path = self.path(&format!("/issues/{number}/comments?limit={PAGE}"));
        Box::pin(alike::comments(&self.http, path))
    }

    fn comment<'a>(&'a self, number: u64, body: &'a str) -> Asked<'a, ()> {
        let path = self.path(&format!("/issues/{number}/comments"));
        Box::pin(alike::comment(&self.http, path, body))
    }

    fn close(&self, number: u64) -> Asked<'_, ()> {
        Box::pin(self.patch(number, json!({ "state": "closed" })))
    }

    fn texts(&self, number: u64) -> Asked<'_, (String, String)> {
        let path = self.path(&format!("/pulls/{number}"));
        Box::pin(alike::texts(&self.http, path, "body"))
    }

    fn rewrite<'a>(&'a self, number: u64, draft: &'a Draft) -> Asked<'a, ()> {
        let title = title(draft, NOT_READY);
        let body = json!({ "title": title, "body": draft.body });
        Box::pin(self.patch(number, body))
    }

    fn compare<'a>(&'a self, from: &'a str, to: &'a str) -> Asked<'a, Option<Compared>> {
        let (from, to) = (escaped(from, true), escaped(to, true));
        let path = self.path(&format!("/compare/{from}...{to}"));
        Box::pin(alike::compared(&self.http, path))
    }

    fn tag<'a>(&'a self, name: &'a str) -> Asked<'a, Option<ObjectId>> {
        let name = escaped(name, true);
        let path = self.path(&format!("/tags/{name}"));
        Box::pin(alike::commit_at(&self.http, path, "/commit/sha"))
    }

    fn commit<'a>(&'a self, digits: &'a str) -> Asked<'a, Option<ObjectId>> {
        let path = self.path(&format!(
            "/git/commits/{digits}?stat=false&verification=false&files=false"
        ));
        Box::pin(alike::commit_at(&self.http, path, "/sha"))
    }

    fn checks_of(&self, commit: ObjectId) -> Asked<'_, Checks> {
        Box::pin(async move {
            let mut checks = Checks::default();
            self.checks(&commit.to_string(), &mut checks).await?;
            Ok(checks)
        })
    }

    fn head(&self, number: u64) -> String {
        format!("refs/pull/{number}/head")
    }
}

fn read(value: &Value) -> PullRequest {
    PullRequest {
        // Conflicts, and that it is being found out whether there are some.
        clean: (value["mergeable"].as_bool() == Some(false)).then_some(false),
        ..like_github::read(value, false)
    }
}
