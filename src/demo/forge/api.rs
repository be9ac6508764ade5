//! The part of Gitea's API v1 that a client needs for pull requests.
//! <https://docs.gitea.com/api/>

use git2::Oid;
use hyper::Method;
use serde_json::{Value, json};

use super::{
    OPERATOR, PROJECT,
    pulls::{CHECK, MAIN, Pull, Pulls, State},
};

/// A status and a body; a text is a message.
type Answer = (u16, Value);

/// Answers one request.
pub(super) fn answer(
    pulls: &mut Pulls,
    method: &Method,
    path: &str,
    body: &Value,
) -> Result<Answer, git2::Error> {
    pulls.pass()?;
    if path == "/api/v1/user" {
        return Ok((200, json!({ "login": OPERATOR.0 })));
    }
    let prefix = format!("/api/v1/repos/{PROJECT}");
    let Some(rest) = path.strip_prefix(&prefix) else {
        return Ok(missing());
    };
    let parts: Vec<&str> = rest.split('/').skip(1).collect();
    let numbered = |text: &str| text.parse::<u64>().unwrap_or_default();
    match (method.as_str(), &parts[..]) {
        ("GET", []) => Ok((
            200,
            json!({ "full_name": PROJECT, "default_merge_style": "merge" }),
        )),
        ("GET", ["branches", MAIN]) => Ok((
            200,
            json!({
                "name": MAIN,
                "protected": true,
                "required_approvals": 1,
                "enable_status_check": true,
                "status_check_contexts": [CHECK.0],
            }),
        )),
        ("GET", ["labels"]) => Ok((200, json!([{ "id": 1, "name": "promotion" }]))),
        ("GET", ["commits", commit, "status"]) => Ok((200, status(pulls, commit))),
        ("GET", ["pulls"]) => {
            let open = pulls.all.iter().rev();
            let open = open.filter(|it| it.state == State::Open);
            Ok((200, open.map(|it| read(&pulls.url, it)).collect()))
        }
        ("POST", ["pulls"]) => open(pulls, body),
        ("POST", ["pulls", number, "merge"]) => merge(pulls, numbered(number), body),
        (method, [kind @ ("pulls" | "issues"), number, rest @ ..]) => {
            let url = pulls.url.clone();
            let Some(pull) = pulls.find(numbered(number)) else {
                return Ok(missing());
            };
            Ok(one(&url, pull, (method, *kind, rest), body))
        }
        _ => Ok(missing()),
    }
}

fn missing() -> Answer {
    (404, json!("Not Found"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn read(url: &str, pull: &Pull) -> Value {
    let merged = match pull.state {
        State::Merged(commit) => Some(commit.to_string()),
        State::Open | State::Closed => None,
    };
    json!({
        "number": pull.number,
        "html_url": format!("{url}/{PROJECT}/pulls/{}", pull.number),
        "title": pull.title,
        "body": pull.body,
        "state": if pull.state == State::Open { "open" } else { "closed" },
        "draft": pull.title.starts_with("WIP: "),
        "mergeable": true,
        "user": { "login": pull.author },
        "head": { "ref": pull.branch, "sha": pull.head.to_string(), "repo_id": 1 },
        "base": { "ref": MAIN, "repo_id": 1 },
        "merged": merged.is_some(),
        "merge_commit_sha": merged,
    })
}

fn status(pulls: &Pulls, commit: &str) -> Value {
    let passed = Oid::from_str(commit).is_ok_and(|commit| pulls.is_checked(commit));
    let state = if passed { "success" } else { "pending" };
    json!({ "state": state, "statuses": [{ "context": CHECK.0, "status": state }] })
}

fn open(pulls: &mut Pulls, body: &Value) -> Result<Answer, git2::Error> {
    let branch = text(&body["head"]);
    let mut all = pulls.all.iter();
    if all.any(|it| it.branch == branch && it.state == State::Open) {
        let words = "pull request already exists for these targets";
        return Ok((409, json!(words)));
    }
    if text(&body["base"]) != MAIN {
        return Ok(missing());
    }
    let url = pulls.url.clone();
    let (title, words) = (text(&body["title"]), text(&body["body"]));
    let opened = pulls.open(OPERATOR.0, branch, title, words)?;
    Ok(opened.map_or_else(missing, |pull| (201, read(&url, pull))))
}

fn merge(pulls: &mut Pulls, number: u64, body: &Value) -> Result<Answer, git2::Error> {
    let Some(at) = pulls.all.iter().position(|it| it.number == number) else {
        return Ok(missing());
    };
    if text(&body["head_commit_id"]) != pulls.all[at].head.to_string() {
        return Ok((409, json!("head out of date")));
    }
    if pulls.all[at].state != State::Open {
        return Ok((405, json!("The PR is not open")));
    }
    if body["merge_when_checks_succeed"].as_bool() == Some(true) {
        if pulls.all[at].auto {
            return Ok((409, json!("it is scheduled already")));
        }
        pulls.all[at].auto = true;
        pulls.pass()?;
        return Ok((201, Value::Null));
    }
    if let Some(why) = pulls.lacks(at) {
        return Ok((405, json!(why)));
    }
    pulls.merge(at)?;
    Ok((200, Value::Null))
}

/// What is asked of one.
fn one(
    url: &str,
    pull: &mut Pull,
    (method, kind, rest): (&str, &str, &[&str]),
    body: &Value,
) -> Answer {
    match (method, kind, rest) {
        ("GET", "pulls", []) => (200, read(url, pull)),
        ("PATCH", "pulls", []) => {
            if text(&body["state"]) == "closed" && pull.state == State::Open {
                pull.state = State::Closed;
            }
            for (key, kept) in [("title", &mut pull.title), ("body", &mut pull.body)] {
                if let Some(text) = body[key].as_str() {
                    text.clone_into(kept);
                }
            }
            (200, read(url, pull))
        }
        ("GET", "pulls", ["reviews"]) => {
            let reviews = pull.reviews.iter().map(|review| {
                json!({
                    "user": { "login": review.who },
                    "state": if review.approves { "APPROVED" } else { "REQUEST_CHANGES" },
                    "commit_id": review.commit.to_string(),
                    "dismissed": false,
                    "stale": review.commit != pull.head,
                    "official": true,
                })
            });
            (200, reviews.collect())
        }
        ("POST", "pulls", ["reviews"]) => {
            if pull.author == OPERATOR.0 {
                let words = "approve your own pull is not allowed";
                return (422, json!(words));
            }
            Pulls::approve(pull);
            (200, json!({ "state": "APPROVED" }))
        }
        ("POST", "pulls", ["requested_reviewers"]) => (201, json!([])),
        ("GET", "issues", ["comments"]) => {
            let said = pull.comments.iter().map(|it| json!({ "body": it }));
            (200, said.collect())
        }
        ("POST", "issues", ["comments"]) => {
            pull.comments.push(text(&body["body"]).to_owned());
            (201, json!({ "body": body["body"] }))
        }
        _ => missing(),
    }
}
