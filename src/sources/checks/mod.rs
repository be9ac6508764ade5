//! What checks ask: an address, and a program. (A Prometheus is asked by [`prometheus`](super::prometheus).)

mod command;

pub use command::run;

use super::web::{self, Request};
use crate::domain::gate::{HttpQuestion, HttpReply};

/// So much of an answer is read: whoever looks for a word in it finds it there or not.
const MOST_BYTES: usize = 1 << 20;

/// Asks an address.
///
/// # Errors
/// Why there is no answer, in words.
pub async fn http(asked: &HttpQuestion) -> Result<HttpReply, String> {
    let request = Request {
        follow: asked.follow,
        ..Request::get(web::url(&asked.url)?, MOST_BYTES, asked.timeout)
    };
    let reply = web::send(request).await?;
    Ok(HttpReply {
        status: reply.status,
        body: reply.text(),
        cut: reply.cut,
    })
}
