//! What the three forges answer, by their documents.

use serde_json::{Value, json};

use super::fake::{Dialect, Pull, Server, between, head, opened, revision, tagged};
use crate::support::http::Request;

/// An answer: its status and its body.
pub fn answer(server: &Server<'_>, request: &Request, path: &str) -> (u16, Value) {
    server.state().merge_by_itself(server.remote);
    match server.dialect {
        Dialect::Github => {
            // That is in another document.
            if path == "graphql" {
                return graphql(server, request);
            }
            let Some(document) = server.document else {
                return github(server, request, path);
            };
            let whole = format!("/{path}");
            let operation = document.check(&request.method, &whole, &request.query, &request.body);
            let (status, value) = github(server, request, path);
            (status, document.complete(&operation, status, value))
        }
        Dialect::Gitlab => gitlab(server, request, path),
        Dialect::Gitea => gitea(server, request, path),
    }
}

/// Commits between two, as GitHub and Gitea tell them.
fn compared(server: &Server<'_>, span: &str) -> (u16, Value) {
    let (from, to) = span.split_once("...").unwrap();
    let Some(commits) = between(server.remote, from, to) else {
        return (404, json!({ "message": "Not Found" }));
    };
    let commit = |[id, message, author, at]: &[String; 4]| json!({ "sha": id, "commit": { "message": message, "author": { "name": author, "date": at } } });
    let count = commits.len();
    let commits: Vec<Value> = commits.iter().map(commit).collect();
    (200, json!({ "total_commits": count, "commits": commits }))
}

/// A commit as a forge tells it, or the status of a name that nothing has.
fn one_commit(found: Option<String>, told: impl Fn(String) -> Value, unknown: u16) -> (u16, Value) {
    match found {
        Some(id) => (200, told(id)),
        None => (unknown, json!({ "message": "No commit found" })),
    }
}

/// Who the token belongs to.
const WE: &str = "ola";

fn value_of(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A part of a query, deciphered.
fn query(request: &Request, name: &str) -> Option<String> {
    let mut pairs = request.query.split('&').filter_map(|it| it.split_once('='));
    let (_, value) = pairs.find(|(known, _)| *known == name)?;
    Some(value.replace("%2F", "/").replace("%3A", ":"))
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

fn of(server: &Server<'_>, number: &str) -> Option<Pull> {
    let number: u64 = number.parse().ok()?;
    let state = server.state();
    state.pulls.iter().find(|it| it.number == number).cloned()
}

const MISSING: &str = "Not Found";

fn missing() -> (u16, Value) {
    (404, json!({ "message": MISSING }))
}

/// Who is of a team of `acme`; `key`: where their names stand.
fn members(server: &Server<'_>, team: &str, key: &str) -> (u16, Value) {
    let teams = server.state().teams.clone();
    let known = teams.into_iter().find(|(name, _)| name == team);
    let Some(people) = known.and_then(|(_, people)| people) else {
        return missing();
    };
    let people = people.iter().map(|name| {
        let mut person = json!({ key: name });
        if key == "username" {
            person["state"] = json!("active");
        }
        person
    });
    (200, people.collect())
}

/// Merges one as somebody asks for it: refused where it is not at that commit, or lacks something.
fn merge(server: &Server<'_>, number: &str, head_of: &Value) -> Result<(), (u16, &'static str)> {
    let Some(pull) = of(server, number) else {
        return Err((404, MISSING));
    };
    let mut state = server.state();
    if text(head_of) != head(server.remote, &pull.branch) {
        return Err((
            409,
            "Head branch was modified. Review and try the merge again.",
        ));
    }
    if pull.state != "open" || !state.is_approved(&pull) {
        return Err((405, "At least 1 approving review is required."));
    }
    state.merge(server.remote, pull.number);
    Ok(())
}

/// Changes one.
fn change(server: &Server<'_>, number: &str, change: impl FnOnce(&mut Pull)) {
    let number: u64 = number.parse().unwrap();
    let mut state = server.state();
    let mut pulls = state.pulls.iter_mut();
    change(pulls.find(|it| it.number == number).unwrap());
}

/// Takes an approval of the owner of the token, of the newest commit.
fn approve(server: &Server<'_>, number: &str, commit: &Value) {
    let pull = of(server, number).unwrap();
    assert_ne!(pull.author, WE, "nobody approves their own");
    let commit = text(commit);
    assert_eq!(commit, head(server.remote, &pull.branch));
    change(server, number, |pull| {
        let review = (WE.to_owned(), "APPROVED".to_owned(), commit.clone());
        pull.reviews.push(review);
    });
}

/// Marks one as to be merged by itself.
fn merge_later(server: &Server<'_>, number: u64) {
    let mut state = server.state();
    let mut pulls = state.pulls.iter_mut();
    pulls.find(|it| it.number == number).unwrap().auto = true;
}

/// The one mutation that GitHub has no other way for.
fn graphql(server: &Server<'_>, request: &Request) -> (u16, Value) {
    let body = value_of(request);
    let query = text(&body["query"]);
    for part in [
        "mutation(",
        "$id: ID!",
        "$head: GitObjectID!",
        "$method: PullRequestMergeMethod!",
        "enablePullRequestAutoMerge(input: {",
        "pullRequestId: $id",
        "expectedHeadOid: $head",
        "mergeMethod: $method",
    ] {
        assert!(query.contains(part), "{part} is not in {query}");
    }
    let with = &body["variables"];
    let id = text(&with["id"]);
    let number = id.strip_prefix("PR_").expect("a node of a pull request");
    let pull = of(server, number).unwrap();
    assert_eq!(text(&with["head"]), head(server.remote, &pull.branch));
    assert_eq!(with["method"], "MERGE");
    let refused = |words: &str| {
        (
            200,
            json!({ "data": null, "errors": [{ "type": "UNPROCESSABLE", "message": words }] }),
        )
    };
    if server.state().no_auto {
        return refused("Pull request Auto merge is not allowed for this repository");
    }
    if server.state().is_approved(&pull) && server.state().is_green() {
        return refused("Pull request Pull request is in clean status");
    }
    merge_later(server, pull.number);
    let told =
        json!({ "enablePullRequestAutoMerge": { "pullRequest": { "number": pull.number } } });
    (200, json!({ "data": told }))
}

fn github(server: &Server<'_>, request: &Request, path: &str) -> (u16, Value) {
    if path == "user" {
        return (200, json!({ "login": WE }));
    }
    if let Some(team) = path.strip_prefix("orgs/acme/teams/") {
        let team = team.strip_suffix("/members").expect("the members");
        return members(server, team, "login");
    }
    let rest = path
        .strip_prefix("repos/acme/deploy")
        .expect("our repository");
    let parts: Vec<&str> = rest.split('/').skip(1).collect();
    let body = value_of(request);
    let read = |pull: &Pull, whole: bool| {
        let mut value = json!({
            "number": pull.number,
            "node_id": format!("PR_{}", pull.number),
            "auto_merge": pull.auto.then(|| json!({ "merge_method": "merge" })),
            "html_url": format!("http://127.0.0.1:{}/acme/deploy/pull/{}", server.port, pull.number),
            "title": pull.title,
            "body": pull.body,
            "state": if pull.state == "open" { "open" } else { "closed" },
            "draft": pull.draft,
            "user": { "login": pull.author },
            "head": { "ref": pull.branch, "sha": head(server.remote, &pull.branch), "label": format!("acme:{}", pull.branch) },
            "base": { "ref": pull.base },
            "merged_at": pull.merged.as_ref().map(|_| "2026-11-28T12:00:00Z"),
            "merge_commit_sha": pull.merged,
        });
        if whole {
            value["merged"] = json!(pull.merged.is_some());
            value["mergeable"] = json!(true);
            let state = server.state();
            value["mergeable_state"] = json!(match (state.is_approved(pull), state.is_green()) {
                (false, _) => "blocked",
                (true, false) => "unstable",
                (true, true) => "clean",
            });
        }
        value
    };
    match (request.method.as_str(), &parts[..]) {
        ("GET", []) => (
            200,
            json!({ "full_name": "acme/deploy", "allow_merge_commit": true, "allow_squash_merge": true }),
        ),
        ("GET", ["compare", span]) => compared(server, span),
        ("PUT", ["pulls", number, "merge"]) => {
            assert_eq!(body["merge_method"], "merge");
            match merge(server, number, &body["sha"]) {
                Ok(()) => {
                    let merged = of(server, number).unwrap().merged;
                    (
                        200,
                        json!({ "sha": merged, "merged": true, "message": "Pull Request successfully merged" }),
                    )
                }
                Err((status, why)) => (status, json!({ "message": why })),
            }
        }
        ("GET", ["pulls"]) => {
            assert_eq!(query(request, "state").as_deref(), Some("open"));
            let (branch, base) = (query(request, "head"), query(request, "base"));
            let branch =
                branch.map(|it| it.strip_prefix("acme:").expect("owner:branch").to_owned());
            let state = server.state();
            let found = state.pulls.iter().rev().filter(|it| {
                it.state == "open"
                    && branch.as_ref().is_none_or(|branch| *branch == it.branch)
                    && base.as_ref().is_none_or(|base| *base == it.base)
            });
            (200, found.map(|it| read(it, false)).collect())
        }
        ("POST", ["pulls"]) => {
            let pull = Pull {
                branch: text(&body["head"]),
                base: text(&body["base"]),
                title: text(&body["title"]),
                body: text(&body["body"]),
                draft: body["draft"] == true,
                author: WE.to_owned(),
                ..Pull::default()
            };
            let mut state = server.state();
            if state
                .pulls
                .iter()
                .any(|it| it.branch == pull.branch && it.state == "open")
            {
                let told = json!({ "message": "Validation Failed", "errors": [
                    { "resource": "PullRequest", "code": "custom", "message": "A pull request already exists for it." },
                ] });
                return (422, told);
            }
            opened(&mut state, server.remote, server.dialect, pull);
            let pull = state.pulls.last().unwrap().clone();
            drop(state);
            (201, read(&pull, true))
        }
        (method, ["issues", number, "comments"]) => {
            let pull = of(server, number).unwrap();
            if method == "POST" {
                let said = text(&body["body"]);
                change(server, number, |pull| pull.comments.push(said.clone()));
                return (201, json!({ "body": said }));
            }
            let said = pull.comments.iter().map(|it| json!({ "body": it }));
            (200, said.collect())
        }
        ("PATCH", ["pulls", number]) => {
            change(server, number, |pull| {
                if body["state"] == "closed" {
                    "closed".clone_into(&mut pull.state);
                }
                if body["title"].is_string() {
                    pull.title = text(&body["title"]);
                    pull.body = text(&body["body"]);
                }
            });
            (200, read(&of(server, number).unwrap(), true))
        }
        ("GET", ["pulls", number]) => match of(server, number) {
            Some(pull) => (200, read(&pull, true)),
            None => missing(),
        },
        ("POST", ["pulls", number, "reviews"]) => {
            assert_eq!(body["event"], "APPROVE");
            approve(server, number, &body["commit_id"]);
            (
                200,
                json!({ "state": "APPROVED", "commit_id": body["commit_id"] }),
            )
        }
        ("GET", ["pulls", number, "reviews"]) => {
            let pull = of(server, number).unwrap();
            let reviews = pull.reviews.iter().map(|(who, says, commit)| {
                json!({ "user": { "login": who }, "state": says, "commit_id": commit })
            });
            (200, reviews.collect())
        }
        ("POST", ["pulls", number, "requested_reviewers"]) => {
            let number: u64 = number.parse().unwrap();
            let mut state = server.state();
            let pull = state
                .pulls
                .iter_mut()
                .find(|it| it.number == number)
                .unwrap();
            pull.reviewers = texts(&body["reviewers"]);
            pull.reviewers.extend(texts(&body["team_reviewers"]));
            (201, read(pull, false))
        }
        ("POST", ["issues", number, "labels"]) => {
            let number: u64 = number.parse().unwrap();
            let mut state = server.state();
            let pull = state
                .pulls
                .iter_mut()
                .find(|it| it.number == number)
                .unwrap();
            pull.labels = texts(&body["labels"]);
            let labels = pull.labels.iter().map(|name| json!({ "name": name }));
            (200, labels.collect())
        }
        ("GET", ["rules", "branches", "main"]) => {
            let need = server.state().need;
            if need == 0 {
                return (200, json!([]));
            }
            (
                200,
                json!([{ "type": "pull_request", "parameters": {
                    "required_approving_review_count": need,
                    "dismiss_stale_reviews_on_push": false,
                    "require_code_owner_review": false,
                    "require_last_push_approval": false,
                    "required_review_thread_resolution": false,
                } }]),
            )
        }
        ("GET", ["branches", "main"]) => (200, json!({ "name": "main", "protected": false })),
        ("GET", ["environments"]) => {
            let guard = server.state().guard.clone();
            let all = guard.map(|rules| json!({ "name": "prod", "protection_rules": rules, "deployment_branch_policy": null }));
            let all: Vec<Value> = all.into_iter().collect();
            (
                200,
                json!({ "total_count": all.len(), "environments": all }),
            )
        }
        ("GET", ["commits", name]) => match name.strip_prefix("tags%2F") {
            Some(tag) => one_commit(tagged(server.remote, tag), |id| json!({ "sha": id }), 422),
            None => one_commit(
                revision(server.remote, name),
                |id| json!({ "sha": id }),
                422,
            ),
        },
        ("GET", ["commits", sha, "check-runs"]) => {
            assert_eq!(sha.len(), 40);
            let state = server.state();
            let runs: Vec<Value> = state
                .checks
                .iter()
                .map(|(name, says)| match says.as_str() {
                    "pending" => {
                        json!({ "name": name, "status": "in_progress", "conclusion": null })
                    }
                    says => json!({ "name": name, "status": "completed", "conclusion": says }),
                })
                .collect();
            (
                200,
                json!({ "total_count": runs.len(), "check_runs": runs }),
            )
        }
        ("GET", ["commits", sha, "status"]) => {
            let state = server.state();
            let statuses = state.statuses.iter();
            let statuses: Vec<Value> = statuses
                .map(|(name, says)| json!({ "context": name, "state": says }))
                .collect();
            let (count, state) = (statuses.len(), "pending");
            (
                200,
                json!({ "sha": sha, "state": state, "statuses": statuses, "total_count": count }),
            )
        }
        _ => panic!("{} {path} is not served", request.method),
    }
}

fn gitea(server: &Server<'_>, request: &Request, path: &str) -> (u16, Value) {
    if path == "user" {
        return (200, json!({ "login": WE }));
    }
    let teams = server.state().teams.clone();
    if path == "orgs/acme/teams" {
        let teams = teams.iter().enumerate();
        let teams = teams.map(|(id, (name, _))| json!({ "id": id + 1, "name": name }));
        return (200, teams.collect());
    }
    if let Some(rest) = path.strip_prefix("teams/") {
        let id: usize = rest.strip_suffix("/members").unwrap().parse().unwrap();
        return members(server, &teams[id - 1].0, "login");
    }
    let rest = path
        .strip_prefix("repos/acme/deploy")
        .expect("our repository");
    let parts: Vec<&str> = rest.split('/').skip(1).collect();
    let body = value_of(request);
    let read = |pull: &Pull| {
        json!({
            "number": pull.number,
            "html_url": format!("http://127.0.0.1:{}/acme/deploy/pulls/{}", server.port, pull.number),
            "title": pull.title,
            "body": pull.body,
            "state": if pull.state == "open" { "open" } else { "closed" },
            "draft": pull.title.starts_with("WIP: "),
            "mergeable": true,
            "user": { "login": pull.author },
            "head": { "ref": pull.branch, "sha": head(server.remote, &pull.branch), "repo_id": 1 },
            "base": { "ref": pull.base, "repo_id": 1 },
            "merged": pull.merged.is_some(),
            "merge_commit_sha": pull.merged,
        })
    };
    match (request.method.as_str(), &parts[..]) {
        ("GET", []) => (
            200,
            json!({ "full_name": "acme/deploy", "default_merge_style": "merge" }),
        ),
        ("GET", ["compare", span]) => compared(server, span),
        ("POST", ["pulls", number, "merge"]) => {
            assert_eq!(body["Do"], "merge");
            let pull = of(server, number).unwrap();
            if body["merge_when_checks_succeed"] == true {
                assert_eq!(
                    text(&body["head_commit_id"]),
                    head(server.remote, &pull.branch)
                );
                if server.state().no_auto {
                    return (405, json!({ "message": "Please try again later" }));
                }
                if pull.auto {
                    return (409, json!({ "message": "it is scheduled already" }));
                }
                merge_later(server, pull.number);
                server.state().merge_by_itself(server.remote);
                return (201, Value::Null);
            }
            match merge(server, number, &body["head_commit_id"]) {
                Ok(()) => (200, Value::Null),
                Err((status, why)) => (status, json!({ "message": why })),
            }
        }
        ("GET", ["pulls"]) => {
            assert_eq!(query(request, "state").as_deref(), Some("open"));
            let state = server.state();
            let open = state.pulls.iter().filter(|it| it.state == "open");
            // By creation, where nothing else is asked for.
            assert_eq!(query(request, "sort"), None);
            (200, open.rev().map(read).collect())
        }
        ("POST", ["pulls"]) => {
            let pull = Pull {
                branch: text(&body["head"]),
                base: text(&body["base"]),
                title: text(&body["title"]),
                body: text(&body["body"]),
                author: WE.to_owned(),
                labels: body["labels"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(Value::to_string)
                    .collect(),
                ..Pull::default()
            };
            let mut state = server.state();
            if state
                .pulls
                .iter()
                .any(|it| it.branch == pull.branch && it.state == "open")
            {
                return (
                    409,
                    json!({ "message": "pull request already exists for these targets" }),
                );
            }
            opened(&mut state, server.remote, server.dialect, pull);
            (201, read(state.pulls.last().unwrap()))
        }
        ("GET", ["labels"]) => (200, json!([{ "id": 7, "name": "promotion" }])),
        (method, ["issues", number, "comments"]) => {
            let pull = of(server, number).unwrap();
            if method == "POST" {
                let said = text(&body["body"]);
                change(server, number, |pull| pull.comments.push(said.clone()));
                return (201, json!({ "body": said }));
            }
            let said = pull.comments.iter().map(|it| json!({ "body": it }));
            (200, said.collect())
        }
        ("PATCH", ["pulls", number]) => {
            change(server, number, |pull| {
                if body["state"] == "closed" {
                    "closed".clone_into(&mut pull.state);
                }
                if body["title"].is_string() {
                    pull.title = text(&body["title"]);
                    pull.body = text(&body["body"]);
                }
            });
            (200, read(&of(server, number).unwrap()))
        }
        ("GET", ["pulls", number]) => match of(server, number) {
            Some(pull) => (200, read(&pull)),
            None => missing(),
        },
        ("POST", ["pulls", number, "reviews"]) => {
            assert_eq!(body["event"], "APPROVED");
            approve(server, number, &body["commit_id"]);
            (
                200,
                json!({ "state": "APPROVED", "commit_id": body["commit_id"] }),
            )
        }
        ("GET", ["pulls", number, "reviews"]) => {
            let pull = of(server, number).unwrap();
            let reviews = pull.reviews.iter().map(|(who, says, commit)| {
                let says = says.replace("CHANGES_REQUESTED", "REQUEST_CHANGES");
                json!({ "user": { "login": who }, "state": says, "commit_id": commit, "dismissed": false, "stale": false, "official": who != "guest" })
            });
            (200, reviews.collect())
        }
        ("POST", ["pulls", number, "requested_reviewers"]) => {
            let number: u64 = number.parse().unwrap();
            let mut state = server.state();
            let pull = state
                .pulls
                .iter_mut()
                .find(|it| it.number == number)
                .unwrap();
            pull.reviewers = texts(&body["reviewers"]);
            pull.reviewers.extend(texts(&body["team_reviewers"]));
            (201, json!([]))
        }
        ("GET", ["branches", "main"]) => (
            200,
            json!({ "name": "main", "protected": true, "required_approvals": server.state().need,
                    "enable_status_check": false, "status_check_contexts": [] }),
        ),
        ("GET", ["tags", tag]) => {
            let told = |id| json!({ "name": tag, "commit": { "sha": id } });
            one_commit(tagged(server.remote, tag), told, 404)
        }
        ("GET", ["git", "commits", name]) => one_commit(
            revision(server.remote, name),
            |id| json!({ "sha": id }),
            404,
        ),
        ("GET", ["commits", _, "status"]) => {
            let state = server.state();
            let statuses: Vec<Value> = state
                .checks
                .iter()
                .map(|(name, says)| json!({ "context": name, "status": says }))
                .collect();
            (
                200,
                // It says nothing where there are none.
                match statuses.as_slice() {
                    [] => json!({ "state": "", "statuses": null, "total_count": 0 }),
                    all => json!({ "state": "", "statuses": all, "total_count": all.len() }),
                },
            )
        }
        _ => panic!("{} {path} is not served", request.method),
    }
}

fn gitlab(server: &Server<'_>, request: &Request, path: &str) -> (u16, Value) {
    if path == "user" {
        return (200, json!({ "username": WE }));
    }
    if path == "users" {
        let known = query(request, "username").filter(|it| it == "alice");
        return (
            200,
            known.map_or(json!([]), |name| json!([{ "id": 11, "username": name }])),
        );
    }
    if let Some(rest) = path.strip_prefix("groups/acme%2F") {
        let group = rest.strip_suffix("/members/all").expect("all members");
        return members(server, group, "username");
    }
    let rest = path
        .strip_prefix("projects/acme%2Fdeploy")
        .expect("our repository");
    let parts: Vec<&str> = rest.split('/').skip(1).collect();
    let body = value_of(request);
    let read = |pull: &Pull| {
        let (checks, approved) = {
            let state = server.state();
            (state.checks.clone(), state.is_approved(pull))
        };
        let green = checks.iter().all(|(_, says)| says == "success");
        let pipeline = checks.first().map(|(_, says)| {
            let status = match says.as_str() {
                "failure" => "failed",
                "pending" => "running",
                says => says,
            };
            json!({ "id": 5, "status": status })
        });
        json!({
            "id": 1000 + pull.number,
            "iid": pull.number,
            "web_url": format!("http://127.0.0.1:{}/acme/deploy/-/merge_requests/{}", server.port, pull.number),
            "title": pull.title,
            "description": pull.body,
            "state": if pull.state == "open" { "opened" } else { pull.state.as_str() },
            "draft": pull.title.starts_with("Draft: "),
            "author": { "id": 3, "username": pull.author },
            "source_branch": pull.branch,
            "target_branch": pull.base,
            "source_project_id": 9,
            "target_project_id": 9,
            "sha": head(server.remote, &pull.branch),
            "merge_commit_sha": pull.merged,
            "squash_commit_sha": null,
            "has_conflicts": false,
            "detailed_merge_status": match (approved, green) {
                (false, _) => "not_approved",
                (true, false) => "ci_still_running",
                (true, true) => "mergeable",
            },
            "merge_when_pipeline_succeeds": pull.auto,
            "head_pipeline": pipeline,
        })
    };
    let open = |branch: Option<String>| -> Vec<Pull> {
        let state = server.state();
        let all = state.pulls.iter().rev().filter(|it| it.state == "open");
        all.filter(|it| branch.as_ref().is_none_or(|branch| *branch == it.branch))
            .cloned()
            .collect()
    };
    match (request.method.as_str(), &parts[..]) {
        ("GET", []) => (200, json!({ "path_with_namespace": "acme/deploy" })),
        ("GET", ["repository", "compare"]) => {
            let end = |name: &str| query(request, name).unwrap();
            let Some(commits) = between(server.remote, &end("from"), &end("to")) else {
                return (404, json!({ "message": "404 Not Found" }));
            };
            let commit = |[id, message, author, at]: &[String; 4]| json!({ "id": id, "message": message, "author_name": author, "authored_date": at });
            let commits: Vec<Value> = commits.iter().map(commit).collect();
            (200, json!({ "commits": commits, "compare_timeout": false }))
        }
        ("GET", ["merge_requests"]) => {
            assert_eq!(query(request, "state").as_deref(), Some("opened"));
            let found = open(query(request, "source_branch"));
            (200, found.iter().map(read).collect())
        }
        ("POST", ["merge_requests"]) => {
            let pull = Pull {
                branch: text(&body["source_branch"]),
                base: text(&body["target_branch"]),
                title: text(&body["title"]),
                body: text(&body["description"]),
                author: WE.to_owned(),
                labels: text(&body["labels"])
                    .split(',')
                    .map(str::to_owned)
                    .collect(),
                reviewers: body["reviewer_ids"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(Value::to_string)
                    .collect(),
                ..Pull::default()
            };
            if !open(Some(pull.branch.clone())).is_empty() {
                return (
                    409,
                    json!({ "message": ["Another open merge request already exists for this source branch: !1"] }),
                );
            }
            let number = opened(&mut server.state(), server.remote, server.dialect, pull);
            (201, read(&of(server, &number.to_string()).unwrap()))
        }
        ("GET", ["merge_requests", number]) => match of(server, number) {
            Some(pull) => (200, read(&pull)),
            None => missing(),
        },
        (method, ["merge_requests", number, "notes"]) => {
            let pull = of(server, number).unwrap();
            if method == "POST" {
                let said = text(&body["body"]);
                change(server, number, |pull| pull.comments.push(said.clone()));
                return (201, json!({ "body": said }));
            }
            let said = pull.comments.iter().map(|it| json!({ "body": it }));
            (200, said.collect())
        }
        ("PUT", ["merge_requests", number]) => {
            change(server, number, |pull| {
                if body["state_event"] == "close" {
                    "closed".clone_into(&mut pull.state);
                }
                if body["title"].is_string() {
                    pull.title = text(&body["title"]);
                    pull.body = text(&body["description"]);
                }
            });
            (200, read(&of(server, number).unwrap()))
        }
        ("POST", ["merge_requests", number, "approve"]) => {
            approve(server, number, &body["sha"]);
            (201, json!({ "approved": true }))
        }
        ("PUT", ["merge_requests", number, "merge"]) => {
            let pull = of(server, number).unwrap();
            assert_eq!(body["auto_merge"], body["merge_when_pipeline_succeeds"]);
            if body["auto_merge"] == true {
                assert_eq!(text(&body["sha"]), head(server.remote, &pull.branch));
                if server.state().no_auto || pull.state != "open" {
                    return (405, json!({ "message": "405 Method Not Allowed" }));
                }
                merge_later(server, pull.number);
                server.state().merge_by_itself(server.remote);
            } else if let Err((status, why)) = merge(server, number, &body["sha"]) {
                return (status, json!({ "message": why }));
            }
            (200, read(&of(server, number).unwrap()))
        }
        ("GET", ["merge_requests", number, "versions"]) => {
            let pull = of(server, number).unwrap();
            let now = head(server.remote, &pull.branch);
            let earlier = pull.reviews.iter().any(|(.., commit)| *commit != now);
            let mut versions = vec![
                json!({ "id": 2, "head_commit_sha": now, "created_at": "2026-11-28T13:00:00.000Z" }),
            ];
            if earlier {
                versions.push(json!({ "id": 1, "created_at": "2026-11-28T11:00:00.000Z" }));
            }
            (200, json!(versions))
        }
        ("GET", ["repository", "tags", tag]) => {
            let told = |id| json!({ "name": tag, "commit": { "id": id } });
            one_commit(tagged(server.remote, tag), told, 404)
        }
        ("GET", ["repository", "commits", name]) => {
            one_commit(revision(server.remote, name), |id| json!({ "id": id }), 404)
        }
        ("GET", ["repository", "commits", _, "statuses"]) => {
            let state = server.state();
            let statuses = state.checks.iter().map(|(name, says)| {
                let status = match says.as_str() {
                    "failure" => "failed",
                    "pending" => "running",
                    says => says,
                };
                json!({ "name": name, "status": status })
            });
            (200, statuses.collect())
        }
        ("GET", ["merge_requests", number, "approvals"]) => {
            let pull = of(server, number).unwrap();
            let need = server.state().need;
            let by = pull
                .reviews
                .iter()
                .filter(|(_, says, _)| says == "APPROVED");
            let now = head(server.remote, &pull.branch);
            // Who approves it again has approved it once, and now.
            let by: std::collections::BTreeMap<_, _> =
                by.map(|(who, _, commit)| (who, commit)).collect();
            let by: Vec<Value> = by
                .into_iter()
                .map(|(who, commit)| {
                    let hour = if *commit == now { 14 } else { 12 };
                    json!({ "user": { "username": who }, "approved_at": format!("2026-11-28T{hour}:00:00Z") })
                })
                .collect();
            (
                200,
                json!({ "approvals_required": need, "approvals_left": 0, "approved_by": by }),
            )
        }
        _ => panic!("{} {path} is not served", request.method),
    }
}
