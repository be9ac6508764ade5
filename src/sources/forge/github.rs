//! GitHub and GitHub Enterprise, by their REST API of 2022-11-28.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Api, Asked,
    alike::{self, Compared},
    http::{Http, Refused, Who},
    if_seen,
    like_github::{self, Word},
    opened, path_of, people, text,
};
use crate::{
    domain::{
        failure::Failure,
        forge::escaped,
        ids::ObjectId,
        pull_request::{Checks, Draft, Guard, PullRequest, PullState},
    },
    sources::web::Method,
};

/// No page of a list is longer.
const PAGE: usize = 100;

pub(super) struct Github {
    http: Http,
    project: String,
}

/// Has a pull request merged once it has what is required. It is not in the REST API.
const MERGE_LATER: &str = "mutation($id: ID!, $head: GitObjectID!, $method: PullRequestMergeMethod!) { \
    enablePullRequestAutoMerge(input: {pullRequestId: $id, expectedHeadOid: $head, mergeMethod: $method}) { \
    pullRequest { number } } }";

/// What a branch asks of pull requests into it.
#[derive(Default)]
struct Asks {
    /// `None`: this identity may not know.
    approvals: Option<u32>,
    checks: Vec<String>,
    /// This identity may not see whether there are more checks.
    is_hidden: bool,
}

impl Github {
    /// The repository `project` (`owner/name`) of the GitHub at `web`.
    ///
    /// # Errors
    /// Where the address is none.
    pub(super) fn new(web: &str, project: String, who: Who) -> Result<Self, Failure> {
        let http = Http::new(&api(web), who, "application/vnd.github+json")?;
        Ok(Self { http, project })
    }

    fn path(&self, rest: &str) -> String {
        format!("repos/{}{rest}", path_of(&self.project))
    }

    fn owner(&self) -> &str {
        self.project.split('/').next().unwrap_or_default()
    }

    async fn reviews(&self, number: u64, request: &mut PullRequest) -> Result<(), Refused> {
        let path = self.path(&format!("/pulls/{number}/reviews?per_page=100"));
        let reviews = self.http.list(&path, None).await?;
        like_github::reviews(&reviews, request, |review| {
            let word = match review["state"].as_str()? {
                "APPROVED" => Word::Approves,
                "CHANGES_REQUESTED" => Word::Refuses,
                "DISMISSED" => Word::Dismissed,
                _ => return None,
            };
            Some((word, false))
        });
        Ok(())
    }

    /// By its rules and by its protection, as far as this identity may see them.
    async fn asks(&self, base: &str) -> Result<Asks, Refused> {
        let base = escaped(base, true);
        let mut checks = Vec::new();
        let path = self.path(&format!("/rules/branches/{base}?per_page=100"));
        let rules = match self.http.list(&path, None).await {
            Ok(rules) => Some(rules),
            Err(refused) if refused.is_hidden() => None,
            Err(refused) => return Err(refused),
        };
        let mut need: Option<u64> = rules.is_some().then_some(0);
        for rule in rules.iter().flatten() {
            let with = &rule["parameters"];
            match rule["type"].as_str() {
                Some("pull_request") => {
                    need = need.max(with["required_approving_review_count"].as_u64());
                }
                Some("required_status_checks") => {
                    let asked = with["required_status_checks"].as_array();
                    let names = asked.into_iter().flatten().map(|it| text(&it["context"]));
                    checks.extend(names);
                }
                _ => {}
            }
        }
        let branch = self
            .http
            .look(&self.path(&format!("/branches/{base}")))
            .await?;
        let is_hidden = branch.is_none();
        let branch = branch.unwrap_or_default();
        let contexts = branch["protection"]["required_status_checks"]["contexts"].as_array();
        checks.extend(contexts.into_iter().flatten().map(text));
        if branch["protected"].as_bool() == Some(true) && need.unwrap_or(0) == 0 {
            let path = self.path(&format!(
                "/branches/{base}/protection/required_pull_request_reviews"
            ));
            match self.http.look(&path).await? {
                Some(reviews) => {
                    need = need.max(reviews["required_approving_review_count"].as_u64());
                }
                // Only who administers it may see that: by rules alone it would be none.
                None if rules.as_ref().is_none_or(Vec::is_empty) => need = None,
                None => {}
            }
        }
        checks.sort_unstable();
        checks.dedup();
        let approvals = need.and_then(|need| u32::try_from(need).ok());
        Ok(Asks {
            approvals,
            checks,
            is_hidden,
        })
    }

    async fn checks(&self, head: &str, asks: &Asks) -> Result<Checks, Refused> {
        let mut checks = Checks {
            unknown: asks.is_hidden,
            ..Checks::default()
        };
        let mut seen = Vec::new();
        let path = self.path(&format!(
            "/commits/{head}/check-runs?filter=latest&per_page=100"
        ));
        let runs = match self.http.list(&path, Some("check_runs")).await {
            Ok(runs) => runs,
            Err(refused) if refused.is_hidden() => {
                checks.unknown = true;
                Vec::new()
            }
            Err(refused) => return Err(refused),
        };
        for run in &runs {
            let name = text(&run["name"]);
            seen.push(name.clone());
            match (run["status"].as_str(), run["conclusion"].as_str()) {
                (Some("completed"), Some(how @ ("success" | "neutral" | "skipped"))) => {
                    checks.passed += 1;
                    checks.pass(name, how != "skipped");
                }
                (Some("completed"), _) => checks.failed.push(name),
                _ => checks.pending.push(name),
            }
        }
        let path = self.path(&format!("/commits/{head}/status?per_page={PAGE}"));
        seen.extend(like_github::statuses(&self.http, &path, "state", &mut checks).await?);
        for name in &asks.checks {
            if !seen.contains(name) {
                checks.pending.push(name.clone());
            }
        }
        Ok(checks)
    }

    async fn look_at(&self, number: u64) -> Result<PullRequest, Refused> {
        let value = self
            .http
            .get(&self.path(&format!("/pulls/{number}")))
            .await?;
        let mut request = read(&value);
        if request.state != PullState::Closed {
            self.reviews(number, &mut request).await?;
        }
        if request.state == PullState::Open {
            let base = value["base"]["ref"].as_str().unwrap_or_default();
            let asks = self.asks(base).await?;
            request.approvals.need = asks.approvals;
            if let Some(head) = request.head {
                request.checks = self.checks(&head.to_string(), &asks).await?;
            }
        }
        Ok(request)
    }

    /// How the repository lets pull requests be merged: as a commit that says so, where it does.
    async fn method(&self) -> Result<&'static str, Refused> {
        let repository = self.http.get(&self.path("")).await?;
        let ways = [
            ("allow_merge_commit", "merge"),
            ("allow_squash_merge", "squash"),
            ("allow_rebase_merge", "rebase"),
        ];
        // Who may not push is not told.
        let allowed = ways
            .iter()
            .find(|(key, _)| repository[*key].as_bool() != Some(false));
        Ok(allowed.map_or("merge", |(_, way)| *way))
    }

    async fn merge_now(&self, number: u64, head: ObjectId) -> Result<(), Refused> {
        let body = json!({ "sha": head.to_string(), "merge_method": self.method().await? });
        let path = self.path(&format!("/pulls/{number}/merge"));
        self.http.send(Method::PUT, &path, &body).await.map(drop)
    }

    async fn merge_by_itself(&self, number: u64, head: ObjectId) -> Result<(), Refused> {
        let path = self.path(&format!("/pulls/{number}"));
        let request = self.http.get(&path).await?;
        let with = json!({
            "id": request["node_id"],
            "head": head.to_string(),
            "method": self.method().await?.to_uppercase(),
        });
        // Beside the API: `api/v3` and `api/graphql`, or both at the root.
        let asked = self.http.graphql("../graphql", MERGE_LATER, with).await;
        asked.map(drop)
    }

    async fn patch(&self, number: u64, body: Value) -> Result<(), Refused> {
        let path = self.path(&format!("/pulls/{number}"));
        self.http.send(Method::PATCH, &path, &body).await.map(drop)
    }

    async fn create(&self, draft: &Draft) -> Result<(PullRequest, Vec<String>), Refused> {
        let body = json!({
            "title": draft.title,
            "head": draft.branch,
            "base": draft.base,
            "body": draft.body,
            "draft": draft.draft,
        });
        let path = self.path("/pulls");
        let made = self.http.send(Method::POST, &path, &body).await?;
        let made = opened(read(&made))?;
        let number = made.number;
        let mut notes = Vec::new();
        if !draft.labels.is_empty() {
            let path = self.path(&format!("/issues/{number}/labels"));
            let body = json!({ "labels": draft.labels });
            if let Err(refused) = self.http.send(Method::POST, &path, &body).await {
                notes.push(format!("it has no labels: {}", refused.failure));
            }
        }
        let path = self.path(&format!("/pulls/{number}"));
        notes.extend(like_github::ask_to_review(&self.http, &path, &draft.reviewers).await);
        Ok((made, notes))
    }
}

impl Api for Github {
    fn check(&self) -> Asked<'_, ()> {
        Box::pin(async { self.http.get(&self.path("")).await.map(drop) })
    }

    fn find<'a>(&'a self, branch: &'a str, base: &'a str) -> Asked<'a, Option<PullRequest>> {
        Box::pin(async move {
            let head = format!("{}:{branch}", self.owner());
            let path = self.path(&format!(
                "/pulls?state=open&head={}&base={}&per_page=100",
                escaped(&head, true),
                escaped(base, true)
            ));
            let found = self.http.list(&path, None).await?;
            let mut found = found
                .iter()
                .map(read)
                .filter(|it| it.branch == branch && it.number > 0);
            Ok(found.next())
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
                request.checks = self.checks(&head.to_string(), &Asks::default()).await?;
            }
            Ok(())
        })
    }

    fn members<'a>(&'a self, team: &'a str) -> Asked<'a, Option<Vec<String>>> {
        Box::pin(async move {
            let Some((org, slug)) = team.split_once('/') else {
                return Ok(None);
            };
            let (org, slug) = (escaped(org, true), escaped(slug, true));
            let path = format!("orgs/{org}/teams/{slug}/members?per_page=100");
            let found = if_seen(self.http.list(&path, None).await)?;
            Ok(found.map(|found| people(&found, "login")))
        })
    }

    fn open_into<'a>(&'a self, base: &'a str, most: usize) -> Asked<'a, Vec<PullRequest>> {
        Box::pin(async move {
            let path = self.path(&format!(
                "/pulls?state=open&base={}&sort=created&direction=desc&per_page=100",
                escaped(base, true)
            ));
            let found = self.http.first(&path, None, most, |_| true).await?;
            Ok(found.iter().map(read).collect())
        })
    }

    fn merge(&self, number: u64, head: ObjectId) -> Asked<'_, ()> {
        Box::pin(self.merge_now(number, head))
    }

    fn merge_later(&self, number: u64, head: ObjectId) -> Asked<'_, ()> {
        Box::pin(self.merge_by_itself(number, head))
    }

    fn who(&self) -> Asked<'_, Option<String>> {
        Box::pin(alike::who(&self.http, "login"))
    }

    fn approve(&self, number: u64, head: ObjectId) -> Asked<'_, ()> {
        Box::pin(async move {
            let body = json!({ "event": "APPROVE", "commit_id": head.to_string() });
            let path = self.path(&format!("/pulls/{number}/reviews"));
            self.http.send(Method::POST, &path, &body).await.map(drop)
        })
    }

    fn comments(&self, number: u64) -> Asked<'_, Vec<String>> {
        let path = self.path(&format!("/issues/{number}/comments?per_page={PAGE}"));
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
        let title = &draft.title;
        let body = json!({ "title": title, "body": draft.body });
        Box::pin(self.patch(number, body))
    }

    fn compare<'a>(&'a self, from: &'a str, to: &'a str) -> Asked<'a, Option<Compared>> {
        let (from, to) = (escaped(from, true), escaped(to, true));
        let path = self.path(&format!("/compare/{from}...{to}"));
        Box::pin(alike::compared(&self.http, path))
    }

    fn tag<'a>(&'a self, name: &'a str) -> Asked<'a, Option<ObjectId>> {
        let name = escaped(&format!("tags/{name}"), true);
        let path = self.path(&format!("/commits/{name}"));
        Box::pin(alike::commit_at(&self.http, path, "/sha"))
    }

    fn commit<'a>(&'a self, digits: &'a str) -> Asked<'a, Option<ObjectId>> {
        let path = self.path(&format!("/commits/{digits}"));
        Box::pin(alike::commit_at(&self.http, path, "/sha"))
    }

    fn checks_of(&self, commit: ObjectId) -> Asked<'_, Checks> {
        Box::pin(async move { self.checks(&commit.to_string(), &Asks::default()).await })
    }

    fn guard<'a>(&'a self, environment: &'a str) -> Asked<'a, Option<Guard>> {
        Box::pin(async move {
            // Of all of them: what it answers for one that is not there stands nowhere.
            let path = self.path("/environments?per_page=100");
            let all = self.http.list(&path, Some("environments")).await?;
            let found = all.iter().find(|it| text(&it["name"]) == environment);
            Ok(found.map(|it| guard(it, self.owner())))
        })
    }

    fn head(&self, number: u64) -> String {
        format!("refs/pull/{number}/head")
    }
}

/// What an environment asks for, of a repository of `owner`.
fn guard(value: &Value, owner: &str) -> Guard {
    let mut guard = Guard {
        protected_branches: value["deployment_branch_policy"]["protected_branches"].as_bool()
            == Some(true),
        ..Guard::default()
    };
    for rule in value["protection_rules"].as_array().into_iter().flatten() {
        guard.minutes = guard.minutes.max(rule["wait_timer"].as_u64().unwrap_or(0));
        guard.not_oneself |= rule["prevent_self_review"].as_bool() == Some(true);
        for it in rule["reviewers"].as_array().into_iter().flatten() {
            let reviewer = &it["reviewer"];
            guard.reviewers.push(match it["type"].as_str() {
                Some("Team") => format!("@{owner}/{}", text(&reviewer["slug"])),
                _ => text(&reviewer["login"]),
            });
        }
    }
    guard
}

/// Where the API of a GitHub is.
fn api(web: &str) -> String {
    let host = web.split_once("://").map_or(web, |(_, host)| host);
    match host {
        "github.com" | "www.github.com" => "https://api.github.com".to_owned(),
        host if host.ends_with(".ghe.com") => format!("https://api.{host}"),
        _ => format!("{web}/api/v3"),
    }
}

fn read(value: &Value) -> PullRequest {
    let clean = match value["mergeable_state"].as_str() {
        // Checks that are not required are weighed where these are.
        Some("clean" | "has_hooks" | "unstable") => Some(true),
        Some("behind" | "blocked" | "dirty" | "draft") => Some(false),
        // It is being found out, or not told in lists.
        _ => None,
    };
    PullRequest {
        conflicts: value["mergeable"].as_bool() == Some(false),
        clean,
        auto: value.get("auto_merge").map(Value::is_object),
        ..like_github::read(value, value["merged_at"].is_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_api_is() {
        for (web, expected) in [
            ("https://github.com", "https://api.github.com"),
            ("https://shop.ghe.com", "https://api.shop.ghe.com"),
            (
                "https://git.example.com/x",
                "https://git.example.com/x/api/v3",
            ),
        ] {
            assert_eq!(api(web), expected);
        }
    }
}
