//! One notification on its way: to Slack, to Teams, to an address, to a program.

use std::{sync::Arc, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::{
    checks,
    web::{self, Method, Request, header},
};
use crate::domain::{gate::CommandQuestion, text::sanitise};

/// Slack's API.
pub const SLACK: &str = "https://slack.com/api";

/// How long one try may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// So much of an answer is read.
const MOST_BYTES: usize = 64 << 10;

/// Why somebody was not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotTold {
    /// In words without secrets.
    pub why: String,
    /// It may go well the next time; the server asks to wait so long before.
    pub again: Option<Option<Duration>>,
}

impl NotTold {
    /// It will not go well the next time either.
    fn for_good(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            again: None,
        }
    }
}

/// Sends JSON to an address, whatever that answers in its body.
///
/// # Errors
/// Where it is not taken.
pub async fn post(url: &str, body: Vec<u8>) -> Result<(), NotTold> {
    let url = web::url(url).map_err(|_| NotTold::for_good("its address is none"))?;
    asked(request(url, body)?).await.map(drop)
}

/// Sends a message to a channel of Slack, into a thread where it has one; what names the message.
///
/// # Errors
/// Where it is not taken.
pub async fn slack(
    api: &str,
    token: &SecretString,
    (channel, thread): (&str, Option<&str>),
    text: &str,
) -> Result<Option<String>, NotTold> {
    let url = format!("{}/chat.postMessage", api.trim_end_matches('/'));
    let url = web::url(&url).map_err(NotTold::for_good)?;
    let mut body = json!({ "channel": channel, "text": escaped(text), "unfurl_links": false });
    if let Some(thread) = thread {
        body["thread_ts"] = Value::from(thread);
    }
    let bearer = format!("Bearer {}", token.expose_secret());
    let request = request(url, body.to_string().into_bytes())?
        .with(header::AUTHORIZATION, &bearer)
        .map_err(NotTold::for_good)?;
    let answer = asked(request).await?;
    let answer: Value = serde_json::from_slice(&answer)
        .map_err(|_| NotTold::for_good("what it answers is not what Slack answers"))?;
    if answer["ok"].as_bool() != Some(true) {
        let error = sanitise(answer["error"].as_str().unwrap_or("no reason given")).into_owned();
        let again = matches!(
            &*error,
            "ratelimited"
                | "rate_limited"
                | "internal_error"
                | "fatal_error"
                | "service_unavailable"
        );
        return Err(NotTold {
            why: error,
            again: again.then_some(None),
        });
    }
    Ok(answer["ts"].as_str().map(str::to_owned))
}

/// Makes an annotation of Grafana, or changes the one that is called so; what names a new one.
/// <https://grafana.com/docs/grafana/latest/developers/http_api/annotations/>
///
/// # Errors
/// Where it is not taken.
pub async fn grafana(
    url: &str,
    token: &SecretString,
    known: Option<&str>,
    body: &Value,
) -> Result<Option<String>, NotTold> {
    let path = known.map_or(String::new(), |id| format!("/{id}"));
    let url = format!("{}/api/annotations{path}", url.trim_end_matches('/'));
    let url = web::url(&url).map_err(NotTold::for_good)?;
    let bearer = format!("Bearer {}", token.expose_secret());
    let mut request = request(url, body.to_string().into_bytes())?
        .with(header::AUTHORIZATION, &bearer)
        .map_err(NotTold::for_good)?;
    if known.is_some() {
        request.method = Method::PATCH;
    }
    let answer = asked(request).await?;
    let answer: Value = serde_json::from_slice(&answer)
        .map_err(|_| NotTold::for_good("what it answers is not what Grafana answers"))?;
    Ok(answer["id"].as_u64().map(|id| id.to_string()))
}

/// The body of a message for Slack's webhooks.
pub fn slack_body(text: &str) -> Vec<u8> {
    json!({ "text": escaped(text) }).to_string().into_bytes()
}

/// The body of a message for Teams' webhooks: a card of one text.
pub fn teams_body(text: &str) -> Vec<u8> {
    let card = json!({
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "body": [{ "type": "TextBlock", "text": text, "wrap": true }],
    });
    let attachment = json!({
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": null,
        "content": card,
    });
    let message = json!({ "type": "message", "attachments": [attachment] });
    message.to_string().into_bytes()
}

/// Runs a program that tells somebody; it reads `input`.
///
/// # Errors
/// Where it does not end well.
pub async fn run(run: &[String], event: &str, input: Vec<u8>) -> Result<(), NotTold> {
    let asked = CommandQuestion {
        run: run.to_vec(),
        variables: vec![("TIDEGATE_EVENT", event.to_owned())],
        input: Arc::from(input),
        timeout: DEADLINE,
        consent: None,
    };
    let ran = checks::run(&asked).await.map_err(NotTold::for_good)?;
    match ran.code {
        Some(0) => Ok(()),
        code => {
            let code = code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
            let said = ran
                .said
                .last()
                .map_or(String::new(), |it| format!(": {it}"));
            Err(NotTold::for_good(format!("it ended by {code}{said}")))
        }
    }
}

fn request(url: web::Url, body: Vec<u8>) -> Result<Request, NotTold> {
    let request = Request {
        method: Method::POST,
        body,
        follow: false,
        ..Request::get(url, MOST_BYTES, DEADLINE)
    };
    request
        .with(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .map_err(NotTold::for_good)
}

async fn asked(request: Request) -> Result<Vec<u8>, NotTold> {
    let reply = web::send(request).await.map_err(|why| NotTold {
        why,
        again: Some(None),
    })?;
    let status = reply.status;
    if (200..300).contains(&status) {
        return Ok(reply.body);
    }
    let pause = reply.header("retry-after").and_then(|it| it.parse().ok());
    let said = reply.text();
    let said = said.lines().next().unwrap_or_default();
    let said: String = sanitise(said).chars().take(120).collect();
    let said = match said.trim() {
        "" => String::new(),
        said => format!(": {said}"),
    };
    Err(NotTold {
        why: format!("it answers {status}{said}"),
        again: (status == 429 || status >= 500).then(|| pause.map(Duration::from_secs)),
    })
}

/// Text for Slack, which calls nobody and links nothing by what others wrote.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
