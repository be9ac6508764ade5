//! GitLab, by its REST API v4; pull requests are merge requests there.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Api, Asked, address,
    alike::{self, Compared},
    commit,
    http::{Http, Refused, Who},
    if_seen, opened, people, text, title,
};
use crate::{
    domain::{
        failure::Failure,
        forge::escaped,
        ids::ObjectId,
        pull_request::{Approvals, Checks, Draft, PullRequest, PullState},
    },
    sources::web::Method,
};

/// A title that begins so is not ready.
const NOT_READY: &str = "Draft: ";

pub(super) struct Gitlab {
    http: Http,
    project: String,
}

impl Gitlab {
    /// The repository `project` (`group/sub/name`) of the GitLab at `web`.
    ///
    /// # Errors
    /// Where the address is none.
    pub(super) fn new(web: &str, project: &str, who: Who) -> Result<Self, Failure> {
        let http = Http::new(&format!("{web}/api/v4"), who, "application/json")?;
        Ok(Self {
            http,
            project: escaped(project, true),
        })
    }

    fn path(&self, rest: &str) -> String {
        format!("projects/{}{rest}", self.project)
    }

    async fn look_at(&self, number: u64) -> Result<PullRequest, Refused> {
        let value = self
            .http
            .get(&self.path(&format!("/merge_requests/{number}")))
            .await?;
        let mut request = read(&value);
        if request.state == PullState::Closed {
            return Ok(request);
        }
        let path = self.path(&format!("/merge_requests/{number}/approvals"));
        if let Some(approvals) = self.http.look(&path).await? {
            // Without it, nobody has to: it is a feature of other editions.
            let need = approvals["approvals_required"].as_u64().unwrap_or(0);
            request.approvals.need = u32::try_from(need).ok();
            let by = approvals["approved_by"].as_array();
            let by = by.into_iter().flatten();
            let by = by.map(|it| text(&it["user"]["username"]));
            let author = request.author.clone();
            request.approvals.by = by.filter(|it| *it != author && !it.is_empty()).collect();
            request.approvals.by.sort_unstable();
            if !request.approvals.by.is_empty() {
                self.date(&approvals["approved_by"], &mut request).await?;
            }
        }
        if request.state == PullState::Merged {
            return Ok(request);
        }
        let pipeline = &value["head_pipeline"];
        let name = || "pipeline".to_owned();
        // Who may not see pipelines gets none, and not even that there is none.
        request.checks.unknown = value.get("head_pipeline").is_none();
        match pipeline["status"].as_str() {
            None => {}
            Some("success" | "skipped") => request.checks.passed = 1,
            Some("failed" | "canceled") => request.checks.failed.push(name()),
            Some("manual") if pipeline["detailed_status"]["group"].as_str() == Some("success") => {
                request.checks.passed = 1;
            }
            Some(_) => request.checks.pending.push(name()),
        }
        if value["detailed_merge_status"].as_str() == Some("requested_changes") {
            let reviewers = self
                .http
                .list(
                    &self.path(&format!("/merge_requests/{number}/reviewers")),
                    None,
                )
                .await;
            let against = match reviewers {
                Ok(reviewers) => reviewers
                    .iter()
                    .filter(|it| it["state"].as_str() == Some("requested_changes"))
                    .map(|it| text(&it["user"]["username"]))
                    .collect(),
                Err(refused) if refused.is_hidden() => vec!["a reviewer".to_owned()],
                Err(refused) => return Err(refused),
            };
            request.approvals.against = against;
        }
        Ok(request)
    }

    /// Tells which approvals are of an earlier commit: those from before the newest was pushed.
    async fn date(&self, approved: &Value, request: &mut PullRequest) -> Result<(), Refused> {
        let number = request.number;
        let path = self.path(&format!("/merge_requests/{number}/versions?per_page=100"));
        let versions = if_seen(self.http.list(&path, None).await)?.unwrap_or_default();
        // Nothing was pushed since it was opened.
        if versions.len() == 1 {
            return Ok(());
        }
        let time = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
        let newest = versions.iter().max_by_key(|it| it["id"].as_u64());
        let pushed = newest.and_then(|it| time(&it["created_at"]));
        let approvals = &mut request.approvals;
        for who in &approvals.by {
            let all = approved.as_array().into_iter().flatten();
            let own = all.filter(|it| text(&it["user"]["username"]) == *who);
            let at = own.filter_map(|it| time(&it["approved_at"])).max();
            match (at, pushed) {
                (Some(at), Some(pushed)) if at >= pushed => {}
                (Some(_), Some(_)) => approvals.stale.push(who.clone()),
                _ => approvals.undated.push(who.clone()),
            }
        }
        Ok(())
    }

    async fn accept(&self, number: u64, body: Value) -> Result<(), Refused> {
        let path = self.path(&format!("/merge_requests/{number}/merge"));
        self.http.send(Method::PUT, &path, &body).await.map(drop)
    }

    async fn put(&self, number: u64, body: Value) -> Result<(), Refused> {
        let path = self.path(&format!("/merge_requests/{number}"));
        self.http.send(Method::PUT, &path, &body).await.map(drop)
    }

    async fn create(&self, draft: &Draft) -> Result<(PullRequest, Vec<String>), Refused> {
        let title = title(draft, NOT_READY);
        let mut notes = Vec::new();
        let mut body = json!({
            "title": title,
            "source_branch": draft.branch,
            "target_branch": draft.base,
            "description": draft.body,
            "remove_source_branch": true,
        });
        if !draft.labels.is_empty() {
            body["labels"] = json!(draft.labels.join(","));
        }
        let mut reviewers = Vec::new();
        for name in &draft.reviewers {
            let name = name.trim_start_matches('@');
            let path = format!("users?username={}", escaped(name, true));
            let found = match self.http.list(&path, None).await {
                Ok(found) => found,
                Err(refused) => {
                    let why = refused.failure;
                    notes.push(format!("`{name}` was not asked to review it: {why}"));
                    continue;
                }
            };
            match found.first().and_then(|it| it["id"].as_u64()) {
                Some(id) => reviewers.push(id),
                None => notes.push(format!("there is nobody called `{name}` to review it")),
            }
        }
        if !reviewers.is_empty() {
            body["reviewer_ids"] = json!(reviewers);
        }
        let path = self.path("/merge_requests");
        let made = self.http.send(Method::POST, &path, &body).await?;
        Ok((opened(read(&made))?, notes))
    }

    /// Takes the statuses of a commit, those of these names alone where some are given.
    async fn statuses(
        &self,
        commit: ObjectId,
        checks: &mut Checks,
        names: Option<&BTreeSet<String>>,
    ) -> Result<(), Refused> {
        let path = self.path(&format!(
            "/repository/commits/{commit}/statuses?per_page=100"
        ));
        let statuses = if_seen(self.http.list(&path, None).await)?;
        checks.unknown |= statuses.is_none();
        for status in statuses.into_iter().flatten() {
            let name = text(&status["name"]);
            if names.is_some_and(|names| !names.contains(&name)) {
                continue;
            }
            // What may fail stops nobody.
            let may_fail = names.is_none() && status["allow_failure"].as_bool() == Some(true);
            match status["status"].as_str() {
                Some(how @ ("success" | "skipped")) => checks.pass(name, how == "success"),
                Some(_) if may_fail => {}
                Some("failed" | "canceled") => checks.failed.push(name),
                // Nobody has to start it.
                Some("manual") if names.is_none() => {}
                _ => checks.pending.push(name),
            }
        }
        Ok(())
    }
}

impl Api for Gitlab {
    fn check(&self) -> Asked<'_, ()> {
        Box::pin(async { self.http.get(&self.path("")).await.map(drop) })
    }

    fn find<'a>(&'a self, branch: &'a str, base: &'a str) -> Asked<'a, Option<PullRequest>> {
        Box::pin(async move {
            let path = self.path(&format!(
                "/merge_requests?state=opened&source_branch={}&target_branch={}&per_page=100",
                escaped(branch, true),
                escaped(base, true)
            ));
            let found = self.http.list(&path, None).await?;
            let mut own = found
                .iter()
                .filter(|it| it["source_project_id"] == it["target_project_id"]);
            Ok(own.next().map(read).filter(|it| it.number > 0))
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
        names: &'a BTreeSet<String>,
    ) -> Asked<'a, ()> {
        Box::pin(async move {
            let Some(head) = request.head else {
                return Ok(());
            };
            self.statuses(head, &mut request.checks, Some(names)).await
        })
    }

    fn members<'a>(&'a self, team: &'a str) -> Asked<'a, Option<Vec<String>>> {
        Box::pin(async move {
            // A group; who is of the groups above it is of it too.
            let path = format!("groups/{}/members/all?per_page=100", escaped(team, true));
            let found = if_seen(self.http.list(&path, None).await)?;
            Ok(found.map(|mut found| {
                found.retain(|it| it["state"].as_str() == Some("active"));
                people(&found, "username")
            }))
        })
    }

    fn open_into<'a>(&'a self, base: &'a str, most: usize) -> Asked<'a, Vec<PullRequest>> {
        Box::pin(async move {
            let path = self.path(&format!(
                "/merge_requests?state=opened&target_branch={}&order_by=created_at&sort=desc&per_page=100",
                escaped(base, true)
            ));
            let found = self.http.first(&path, None, most, |_| true).await?;
            Ok(found.iter().map(read).collect())
        })
    }

    fn merge(&self, number: u64, head: ObjectId) -> Asked<'_, ()> {
        let body = json!({ "sha": head.to_string() });
        Box::pin(self.accept(number, body))
    }

    fn merge_later(&self, number: u64, head: ObjectId) -> Asked<'_, ()> {
        // Its name of today, and that of releases before 17.11.
        let body = json!({
            "sha": head.to_string(),
            "auto_merge": true,
            "merge_when_pipeline_succeeds": true,
        });
        Box::pin(self.accept(number, body))
    }

    fn who(&self) -> Asked<'_, Option<String>> {
        Box::pin(alike::who(&self.http, "username"))
    }

    fn approve(&self, number: u64, head: ObjectId) -> Asked<'_, ()> {
        Box::pin(async move {
            let body = json!({ "sha": head.to_string() });
            let path = self.path(&format!("/merge_requests/{number}/approve"));
            self.http.send(Method::POST, &path, &body).await.map(drop)
        })
    }

    fn comments(&self, number: u64) -> Asked<'_, Vec<String>> {
        let path = self.path(&format!("/merge_requests/{number}/notes?per_page=100"));
        Box::pin(alike::comments(&self.http, path))
    }

    fn comment<'a>(&'a self, number: u64, body: &'a str) -> Asked<'a, ()> {
        let path = self.path(&format!("/merge_requests/{number}/notes"));
        Box::pin(alike::comment(&self.http, path, body))
    }

    fn close(&self, number: u64) -> Asked<'_, ()> {
        Box::pin(self.put(number, json!({ "state_event": "close" })))
    }

    fn texts(&self, number: u64) -> Asked<'_, (String, String)> {
        let path = self.path(&format!("/merge_requests/{number}"));
        Box::pin(alike::texts(&self.http, path, "description"))
    }

    fn rewrite<'a>(&'a self, number: u64, draft: &'a Draft) -> Asked<'a, ()> {
        let title = title(draft, NOT_READY);
        let body = json!({ "title": title, "description": draft.body });
        Box::pin(self.put(number, body))
    }

    fn compare<'a>(&'a self, from: &'a str, to: &'a str) -> Asked<'a, Option<Compared>> {
        let (from, to) = (escaped(from, true), escaped(to, true));
        let path = self.path(&format!("/repository/compare?from={from}&to={to}"));
        Box::pin(async move {
            let Some(found) = self.http.look(&path).await? else {
                return Ok(None);
            };
            let entry = |it: &Value| {
                let (author, at) = (&it["author_name"], &it["authored_date"]);
                alike::entry(&it["id"], &it["message"], author, at)
            };
            let told = found["commits"].as_array().map_or(&[][..], Vec::as_slice);
            let cut = found["compare_timeout"].as_bool() == Some(true);
            Ok(Some((
                alike::newest_first(told.iter().filter_map(entry)),
                cut,
            )))
        })
    }

    fn tag<'a>(&'a self, name: &'a str) -> Asked<'a, Option<ObjectId>> {
        let name = escaped(name, true);
        let path = self.path(&format!("/repository/tags/{name}"));
        Box::pin(alike::commit_at(&self.http, path, "/commit/id"))
    }

    fn commit<'a>(&'a self, digits: &'a str) -> Asked<'a, Option<ObjectId>> {
        let path = self.path(&format!("/repository/commits/{digits}"));
        Box::pin(alike::commit_at(&self.http, path, "/id"))
    }

    fn checks_of(&self, commit: ObjectId) -> Asked<'_, Checks> {
        Box::pin(async move {
            let mut checks = Checks::default();
            self.statuses(commit, &mut checks, None).await?;
            checks.passed = checks.good.len();
            Ok(checks)
        })
    }

    fn head(&self, number: u64) -> String {
        format!("refs/merge-requests/{number}/head")
    }
}

fn read(value: &Value) -> PullRequest {
    let state = match value["state"].as_str() {
        Some("merged") => PullState::Merged,
        Some("closed") => PullState::Closed,
        _ => PullState::Open,
    };
    // A fast-forward makes no commit of its own.
    let merged = ["merge_commit_sha", "squash_commit_sha", "sha"];
    let merged = merged.iter().find_map(|key| commit(&value[*key]));
    PullRequest {
        number: value["iid"].as_u64().unwrap_or_default(),
        url: address(&value["web_url"]),
        title: text(&value["title"]),
        author: text(&value["author"]["username"]),
        branch: text(&value["source_branch"]),
        base: text(&value["target_branch"]),
        head: commit(&value["sha"]),
        state,
        draft: value["draft"].as_bool().unwrap_or_default(),
        conflicts: value["has_conflicts"].as_bool().unwrap_or_default(),
        clean: match value["detailed_merge_status"].as_str() {
            Some("mergeable") => Some(true),
            // It is being found out.
            None | Some("approvals_syncing" | "checking" | "preparing" | "unchecked") => None,
            Some(_) => Some(false),
        },
        auto: value["merge_when_pipeline_succeeds"].as_bool(),
        then: None,
        approvals: Approvals::default(),
        checks: Checks::default(),
        asked: Vec::new(),
        merged: merged.filter(|_| state == PullState::Merged),
    }
}
