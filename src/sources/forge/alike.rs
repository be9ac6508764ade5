//! What all forges have alike, at paths and by keys of their own.

use serde_json::{Value, json};

use super::{
    http::{Http, Refused},
    text,
};
use crate::sources::web::Method;

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
