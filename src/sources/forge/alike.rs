//! What all forges have alike, at paths and by keys of their own.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    commit,
    http::{Http, Refused},
    text,
};
use crate::{
    domain::{history::CommitInfo, ids::ObjectId},
    sources::web::Method,
};

/// What one commit has that another has not, newest first; and whether there is more than was told.
pub(super) type Compared = (Vec<CommitInfo>, bool);

/// The comments at `path`, of all pages.
///
/// # Errors
/// What the forge says.
pub(super) async fn comments(http: &Http, path: String) -> Result<Vec<String>, Refused> {
    let found = http.list(&path, None).await?;
    let body = |it: &Value| it["body"].as_str().map(str::to_owned);
    Ok(found.iter().filter_map(body).collect())
}

/// Adds a comment at `path`.
///
/// # Errors
/// What the forge says.
pub(super) async fn comment(http: &Http, path: String, body: &str) -> Result<(), Refused> {
    let body = json!({ "body": body });
    http.send(Method::POST, &path, &body).await.map(drop)
}

/// The title of what is at `path`, and its text, which has that key.
///
/// # Errors
/// What the forge says.
pub(super) async fn texts(
    http: &Http,
    path: String,
    key: &str,
) -> Result<(String, String), Refused> {
    let found = http.get(&path).await?;
    let body = found[key].as_str().unwrap_or_default();
    Ok((text(&found["title"]), body.to_owned()))
}

/// Whose token it is, by the key of that name; `None`: that may not be known.
///
/// # Errors
/// What the forge says.
pub(super) async fn who(http: &Http, key: &str) -> Result<Option<String>, Refused> {
    let user = http.look("user").await?;
    Ok(user.map(|user| text(&user[key])))
}

/// What is told at `path` of the commits between two, as GitHub and Gitea write it; `None`: one of the two is not there.
///
/// # Errors
/// What the forge says.
pub(super) async fn compared(http: &Http, path: String) -> Result<Option<Compared>, Refused> {
    let Some(found) = http.look(&path).await? else {
        return Ok(None);
    };
    let entry = |it: &Value| {
        let said = &it["commit"];
        entry(
            &it["sha"],
            &said["message"],
            &said["author"]["name"],
            &said["author"]["date"],
        )
    };
    let told = found["commits"].as_array().map_or(&[][..], Vec::as_slice);
    let all = found["total_commits"].as_u64();
    let more = all.is_some_and(|all| all > told.len() as u64);
    Ok(Some((newest_first(told.iter().filter_map(entry)), more)))
}

/// The commit that is at `path`, where the JSON pointer says; `None`: nothing there is called so.
///
/// # Errors
/// What the forge says.
pub(super) async fn commit_at(
    http: &Http,
    path: String,
    pointer: &str,
) -> Result<Option<ObjectId>, Refused> {
    match http.get(&path).await {
        Ok(found) => Ok(found.pointer(pointer).and_then(commit)),
        // GitHub's word for a name that no commit has.
        Err(refused) if refused.is_hidden() || refused.status == Some(422) => Ok(None),
        Err(refused) => Err(refused),
    }
}

/// A commit in an answer.
pub(super) fn entry(id: &Value, message: &Value, author: &Value, at: &Value) -> Option<CommitInfo> {
    let at = at.as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let at = at.unwrap_or(Timestamp::UNIX_EPOCH);
    let message = message.as_str().unwrap_or_default();
    Some(CommitInfo::new(commit(id)?, at, text(author), message))
}

/// As people read it, in whatever order the forge tells it.
pub(super) fn newest_first(entries: impl Iterator<Item = CommitInfo>) -> Vec<CommitInfo> {
    let mut all: Vec<CommitInfo> = entries.collect();
    all.sort_by_key(|entry| std::cmp::Reverse(entry.time));
    all
}
