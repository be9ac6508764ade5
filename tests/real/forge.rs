//! The few things the journeys ask of Gitea, over its API.

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::rig::Gitea;

/// One repository of Gitea.
pub struct Repository {
    client: Client,
    gitea: Gitea,
    owner: String,
    /// Its name, unique to the run.
    pub name: String,
}

impl Repository {
    /// Creates it, empty, with `main` as its branch to be.
    pub async fn create(gitea: &Gitea, name: &str) -> Self {
        // The rig's own user first; any will do.
        let owner = gitea
            .tokens
            .keys()
            .find(|user| *user == "rig")
            .or(gitea.tokens.keys().next())
            .expect("a user of the forge")
            .clone();
        let repository = Self {
            client: Client::new(),
            gitea: gitea.clone(),
            owner,
            name: name.into(),
        };
        let body = json!({"name": name, "default_branch": "main", "private": false});
        repository
            .ask(Method::POST, "/user/repos", Some(body))
            .await;
        repository
    }

    /// Where anyone may read it.
    pub fn url(&self) -> String {
        format!("{}/{}/{}.git", self.gitea.url, self.owner, self.name)
    }

    /// A line for Git's credential store.
    pub fn credential(&self) -> String {
        let (scheme, rest) = self.gitea.url.split_once("://").expect("a URL");
        format!("{scheme}://{}:{}@{rest}\n", self.owner, self.token())
    }

    /// The owner's token: it must never show anywhere.
    pub fn token(&self) -> &str {
        &self.gitea.tokens[&self.owner]
    }

    /// Nobody may push to `branch` from now on, its owner neither.
    pub async fn protect(&self, branch: &str) {
        let body = json!({"rule_name": branch, "enable_push": false});
        self.ask(Method::POST, &self.path("/branch_protections"), Some(body))
            .await;
    }

    /// A branch's newest commit: its id and its whole message.
    pub async fn tip(&self, branch: &str) -> (String, String) {
        let found = self
            .ask(
                Method::GET,
                &self.path(&format!("/branches/{branch}")),
                None,
            )
            .await;
        let text = |key: &str| found["commit"][key].as_str().unwrap_or_default().to_owned();
        (text("id"), text("message"))
    }

    /// The names of its branches.
    pub async fn branches(&self) -> Vec<String> {
        let found = self.ask(Method::GET, &self.path("/branches"), None).await;
        let list = found.as_array().cloned().unwrap_or_default();
        list.iter()
            .filter_map(|branch| branch["name"].as_str().map(Into::into))
            .collect()
    }

    /// All of its pull requests, closed ones too.
    pub async fn pulls(&self) -> Vec<Value> {
        let path = self.path("/pulls?state=all");
        let found = self.ask(Method::GET, &path, None).await;
        found.as_array().cloned().unwrap_or_default()
    }

    /// A user reviews a pull request.
    pub async fn review(&self, user: &str, number: u64, says: &str) {
        let colleague = self.as_user(user);
        let path = self.path(&format!("/pulls/{number}/reviews"));
        let body = json!({"event": says, "body": "as planned"});
        colleague.ask(Method::POST, &path, Some(body)).await;
    }

    fn as_user(&self, user: &str) -> Self {
        Self {
            owner: user.into(),
            client: self.client.clone(),
            gitea: self.gitea.clone(),
            name: self.name.clone(),
        }
    }

    /// Lets nothing be merged into a branch without so many approvals; it may still be pushed to.
    pub async fn require(&self, branch: &str, approvals: u64) {
        let body =
            json!({"rule_name": branch, "enable_push": true, "required_approvals": approvals});
        let path = self.path("/branch_protections");
        self.ask(Method::POST, &path, Some(body)).await;
    }

    /// Lets somebody write, whose approvals count from then on.
    pub async fn invite(&self, user: &str) {
        let path = self.path(&format!("/collaborators/{user}"));
        let body = json!({"permission": "write"});
        self.ask(Method::PUT, &path, Some(body)).await;
    }

    /// Opens a pull request from a branch, as a colleague. Its number.
    pub async fn open(&self, user: &str, branch: &str) -> u64 {
        let path = self.path("/pulls");
        let body = json!({"head": branch, "base": "main", "title": format!("Update by {user}")});
        let opened = self
            .as_user(user)
            .ask(Method::POST, &path, Some(body))
            .await;
        opened["number"].as_u64().expect("a number")
    }

    /// Merges a pull request, by a commit.
    pub async fn merge(&self, number: u64) {
        let path = self.path(&format!("/pulls/{number}/merge"));
        let body = json!({"Do": "merge"});
        self.ask(Method::POST, &path, Some(body)).await;
    }

    /// Closes a pull request.
    pub async fn close(&self, number: u64) {
        let path = self.path(&format!("/pulls/{number}"));
        let body = json!({"state": "closed"});
        self.ask(Method::PATCH, &path, Some(body)).await;
    }

    /// Takes it away.
    pub async fn delete(&self) -> Result<(), String> {
        self.try_to(Method::DELETE, &self.path(""), None)
            .await
            .map(drop)
    }

    fn path(&self, rest: &str) -> String {
        format!("/repos/{}/{}{rest}", self.owner, self.name)
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        self.try_to(method, path, body)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    async fn try_to(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, String> {
        let what = format!("{method} {path}");
        let mut request = self
            .client
            .request(method, format!("{}/api/v1{path}", self.gitea.url))
            .header("Authorization", format!("token {}", self.token()));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request
            .send()
            .await
            .map_err(|error| format!("{what}: {error}"))?;
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        if !status.is_success() {
            return Err(format!("{what}: {status}: {text}"));
        }
        if status == StatusCode::NO_CONTENT || text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|error| format!("{what}: {error}"))
    }
}
