//! Gitea and Forgejo, by their API v1.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Api, Asked, address, commit,
    http::{Http, Refused, Who},
    path_of, text,
};
use crate::{
    domain::{
        failure::Failure,
        forge::escaped,
        pull_request::{Approvals, Checks, Draft, PullRequest, PullState},
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

    async fn open_ones(&self) -> Result<Vec<Value>, Refused> {
        let path = self.path(&format!("/pulls?state=open&sort=recentupdate&limit={PAGE}"));
        self.http.list(&path, None).await
    }

    async fn reviews(&self, number: u64, request: &mut PullRequest) -> Result<(), Refused> {
        let path = self.path(&format!("/pulls/{number}/reviews?limit={PAGE}"));
        let reviews = self.http.list(&path, None).await?;
        let mut words: BTreeMap<String, (&str, bool)> = BTreeMap::new();
        for review in &reviews {
            let who = text(&review["user"]["login"]);
            let dismissed = review["dismissed"].as_bool() == Some(true);
            let newest = review["stale"].as_bool() != Some(true)
                && commit(&review["commit_id"]) == request.head;
            match review["state"].as_str() {
                Some(state @ ("APPROVED" | "REQUEST_CHANGES"))
                    if !who.is_empty() && who != request.author =>
                {
                    let state = if dismissed { "DISMISSED" } else { state };
                    words.insert(who, (state, newest));
                }
                _ => {}
            }
        }
        for (who, (state, newest)) in words {
            match state {
                "APPROVED" => {
                    if !newest {
                        request.approvals.stale.push(who.clone());
                    }
                    request.approvals.by.push(who);
                }
                "REQUEST_CHANGES" => request.approvals.against.push(who),
                _ => {}
            }
        }
        Ok(())
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
        if request.state != PullState::Open {
            return Ok(request);
        }
        let base = value["base"]["ref"].as_str().unwrap_or_default();
        let path = self.path(&format!("/branches/{}", escaped(base, true)));
        let branch = self.http.look(&path).await?;
        let need = branch
            .as_ref()
            .map(|it| it["required_approvals"].as_u64().unwrap_or(0));
        request.approvals.need = need.and_then(|need| u32::try_from(need).ok());
        let Some(head) = request.head else {
            return Ok(request);
        };
        let path = self.path(&format!("/commits/{head}/status?limit={PAGE}"));
        let combined = self.http.look(&path).await?.unwrap_or_default();
        let mut seen = Vec::new();
        for status in combined["statuses"].as_array().into_iter().flatten() {
            let name = text(&status["context"]);
            seen.push(name.clone());
            match status["status"].as_str() {
                Some("success" | "skipped") => request.checks.passed += 1,
                Some("pending") => request.checks.pending.push(name),
                _ => request.checks.failed.push(name),
            }
        }
        let branch = branch.unwrap_or_default();
        if branch["enable_status_check"].as_bool() == Some(true) {
            let required = branch["status_check_contexts"].as_array();
            let required = required.into_iter().flatten().map(text);
            let missing = required.filter(|name| !name.contains('*') && !seen.contains(name));
            request.checks.pending.extend(missing);
        }
        Ok(request)
    }

    async fn create(&self, draft: &Draft) -> Result<(u64, Vec<String>), Refused> {
        let title = if draft.draft {
            format!("{NOT_READY}{}", draft.title)
        } else {
            draft.title.clone()
        };
        let mut notes = Vec::new();
        let mut body = json!({
            "title": title,
            "head": draft.branch,
            "base": draft.base,
            "body": draft.body,
        });
        if !draft.labels.is_empty() {
            let path = self.path(&format!("/labels?limit={PAGE}"));
            let known = self.http.list(&path, None).await?;
            let of = |name: &String| {
                let mut known = known.iter();
                known.find_map(|it| (text(&it["name"]) == *name).then(|| it["id"].as_u64())?)
            };
            let missing = draft.labels.iter().filter(|name| of(name).is_none());
            notes.extend(missing.map(|name| format!("there is no label `{name}`")));
            let ids: Vec<u64> = draft.labels.iter().filter_map(of).collect();
            body["labels"] = json!(ids);
        }
        let made = self
            .http
            .send(Method::POST, &self.path("/pulls"), &body)
            .await?;
        let number = made["number"].as_u64().unwrap_or_default();
        if !draft.reviewers.is_empty() {
            let (teams, people): (Vec<&str>, Vec<&str>) = draft
                .reviewers
                .iter()
                .map(|name| name.trim_start_matches('@'))
                .partition(|name| name.contains('/'));
            let teams: Vec<&str> = teams
                .into_iter()
                .filter_map(|name| Some(name.rsplit_once('/')?.1))
                .collect();
            let path = self.path(&format!("/pulls/{number}/requested_reviewers"));
            let body = json!({ "reviewers": people, "team_reviewers": teams });
            if let Err(refused) = self.http.send(Method::POST, &path, &body).await {
                notes.push(format!(
                    "nobody was asked to review it: {}",
                    refused.failure
                ));
            }
        }
        Ok((number, notes))
    }
}

impl Api for Gitea {
    fn check(&self) -> Asked<'_, ()> {
        Box::pin(async { self.http.get(&self.path("")).await.map(drop) })
    }

    fn find<'a>(&'a self, branch: &'a str, base: &'a str) -> Asked<'a, Option<u64>> {
        Box::pin(async move {
            let open = self.open_ones().await?;
            let mut ours = open.iter().filter(|it| {
                let own = it["head"]["repo_id"] == it["base"]["repo_id"];
                let of = |side: &str| it[side]["ref"].as_str();
                own && of("head") == Some(branch) && of("base") == Some(base)
            });
            Ok(ours.find_map(|it| it["number"].as_u64()))
        })
    }

    fn open<'a>(&'a self, draft: &'a Draft) -> Asked<'a, (u64, Vec<String>)> {
        Box::pin(self.create(draft))
    }

    fn look(&self, number: u64) -> Asked<'_, PullRequest> {
        Box::pin(self.look_at(number))
    }

    fn open_into<'a>(&'a self, base: &'a str) -> Asked<'a, Vec<PullRequest>> {
        Box::pin(async move {
            let open = self.open_ones().await?;
            let into = open
                .iter()
                .filter(|it| it["base"]["ref"].as_str() == Some(base));
            Ok(into.map(read).collect())
        })
    }

    fn head(&self, number: u64) -> String {
        format!("refs/pull/{number}/head")
    }
}

fn read(value: &Value) -> PullRequest {
    let merged = value["merged"].as_bool() == Some(true);
    let state = match value["state"].as_str() {
        _ if merged => PullState::Merged,
        Some("closed") => PullState::Closed,
        _ => PullState::Open,
    };
    PullRequest {
        number: value["number"].as_u64().unwrap_or_default(),
        url: address(&value["html_url"]),
        title: text(&value["title"]),
        author: text(&value["user"]["login"]),
        branch: text(&value["head"]["ref"]),
        head: commit(&value["head"]["sha"]),
        state,
        draft: value["draft"].as_bool().unwrap_or_default(),
        conflicts: false,
        approvals: Approvals::default(),
        checks: Checks::default(),
        merged: commit(&value["merge_commit_sha"]).filter(|_| merged),
    }
}
