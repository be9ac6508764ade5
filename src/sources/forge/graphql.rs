//! What a forge can be asked by GraphQL alone.

use serde_json::{Value, json};

use super::http::{Http, Refused};
use crate::{
    domain::failure::{Failure, FailureKind},
    sources::web::Method,
};

impl Http {
    /// Asks by GraphQL at `path`, with values that stand in no query's text. What is answered with errors is refused.
    pub(super) async fn graphql(
        &self,
        path: &str,
        query: &str,
        variables: Value,
    ) -> Result<Value, Refused> {
        let body = json!({ "query": query, "variables": variables });
        let mut answer = self.send(Method::POST, path, &body).await?;
        if answer["errors"].as_array().is_none_or(Vec::is_empty) {
            return Ok(answer["data"].take());
        }
        let words = self.words(answer.to_string().as_bytes());
        Err(Refused {
            status: None,
            failure: Failure::new(FailureKind::Refused, words),
        })
    }
}
