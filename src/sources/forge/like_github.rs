//! What Gitea and Forgejo speak as GitHub does: the words of a pull request, reviews, statuses, and asking for reviews.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    address, commit,
    http::{Http, Refused},
    text,
};
use crate::{
    domain::pull_request::{Approvals, Checks, PullRequest, PullState},
    sources::web::Method,
};

/// What a pull request says of itself; `merged` where the forge has a word of its own for that.
pub(super) fn read(value: &Value, merged: bool) -> PullRequest {
    let merged = merged || value["merged"].as_bool() == Some(true);
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
        base: text(&value["base"]["ref"]),
        head: commit(&value["head"]["sha"]),
        state,
        draft: value["draft"].as_bool().unwrap_or_default(),
        conflicts: false,
        clean: None,
        auto: None,
        then: None,
        approvals: Approvals::default(),
        checks: Checks::default(),
        asked: Vec::new(),
        merged: commit(&value["merge_commit_sha"]).filter(|_| merged),
    }
}

/// What somebody's review says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Approves,
    Refuses,
    /// It was taken back.
    Dismissed,
}

/// Takes the last word of each but the author, which a comment does not take back; `word` reads a review's, and whether the forge
/// says that it is of an older commit.
pub(super) fn reviews(
    reviews: &[Value],
    request: &mut PullRequest,
    word: impl Fn(&Value) -> Option<(Word, bool)>,
) {
    let mut words: BTreeMap<String, (Word, bool)> = BTreeMap::new();
    for review in reviews {
        let who = text(&review["user"]["login"]);
        let Some((word, stale)) = word(review) else {
            continue;
        };
        if !who.is_empty() && who != request.author {
            let stale = stale || commit(&review["commit_id"]) != request.head;
            words.insert(who, (word, stale));
        }
    }
    let approvals = &mut request.approvals;
    for (who, (word, stale)) in words {
        match word {
            Word::Approves => {
                if stale {
                    approvals.stale.push(who.clone());
                }
                approvals.by.push(who);
            }
            Word::Refuses => approvals.against.push(who),
            Word::Dismissed => {}
        }
    }
}

/// Counts the statuses of a commit, all pages of `path` that are named, whose states stand below `key`, and gives their names.
pub(super) async fn statuses(
    http: &Http,
    path: &str,
    key: &str,
    checks: &mut Checks,
) -> Result<Vec<String>, Refused> {
    let all = match http.list(path, Some("statuses")).await {
        Ok(all) => Some(all),
        Err(refused) if refused.is_hidden() => None,
        Err(refused) => return Err(refused),
    };
    Ok(counted(all.as_deref(), key, checks))
}

/// Counts them; `None`: this identity may not see them.
fn counted(all: Option<&[Value]>, key: &str, checks: &mut Checks) -> Vec<String> {
    let mut seen = Vec::new();
    checks.unknown |= all.is_none();
    for status in all.into_iter().flatten() {
        let name = text(&status["context"]);
        seen.push(name.clone());
        match status[key].as_str() {
            Some(how @ ("success" | "skipped")) => {
                checks.passed += 1;
                checks.pass(name, how == "success");
            }
            Some("pending") => checks.pending.push(name),
            _ => checks.failed.push(name),
        }
    }
    seen
}

/// Asks people and teams (`@owner/team`) to review the pull request at `path`; why nobody was asked, where that is so.
pub(super) async fn ask_to_review(http: &Http, path: &str, reviewers: &[String]) -> Option<String> {
    if reviewers.is_empty() {
        return None;
    }
    let names = reviewers.iter().map(|name| name.trim_start_matches('@'));
    let (teams, people): (Vec<&str>, Vec<&str>) = names.partition(|name| name.contains('/'));
    let teams: Vec<&str> = teams
        .into_iter()
        .filter_map(|name| Some(name.rsplit_once('/')?.1))
        .collect();
    let body = json!({ "reviewers": people, "team_reviewers": teams });
    let path = format!("{path}/requested_reviewers");
    let asked: Result<Value, Refused> = http.send(Method::POST, &path, &body).await;
    let refused = asked.err()?;
    Some(format!(
        "nobody was asked to review it: {}",
        refused.failure
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_that_are_not_seen_have_not_passed() {
        let good = json!({ "context": "smoke", "state": "success" });
        for (all, unknown, passed) in [
            (None, true, 0),
            (Some(vec![]), false, 0),
            (Some(vec![good.clone()]), false, 1),
        ] {
            let mut checks = Checks::default();
            let said = format!("{all:?}");
            counted(all.as_deref(), "state", &mut checks);
            assert_eq!((checks.unknown, checks.passed), (unknown, passed), "{said}");
        }
    }
}
