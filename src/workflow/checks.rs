//! What checks ask outside, found out: side by side, so many at once, each within its own deadline, and none that nobody
//! has allowed.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{Project, Reading, forges::Forges, registry, trust::Allowed};
use crate::{
    config::Server,
    domain::{
        gate::{Answer, HealthyQuestion, PromqlQuestion, Question},
        policy::{check::Consent, healthy::Series},
    },
    sources::{checks, credential, prometheus},
};

/// So many addresses and servers are asked at once, and so many programs run.
const AT_ONCE: usize = 8;
/// An answer is good for this long: what is planned and confirmed within it asks once. That there was none is not kept.
const FRESH: Duration = Duration::from_secs(20);

/// What was answered lately, shared by all copies of a session.
#[derive(Clone, Debug, Default)]
pub struct Lately(Arc<Mutex<BTreeMap<Question, Answered>>>);

/// When somebody was asked, by two clocks, and what was said.
type Answered = (Instant, Timestamp, Answer);

impl Lately {
    fn get(&self, question: &Question) -> Option<(Timestamp, Answer)> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (asked, ..)| asked.elapsed() < FRESH);
        known
            .get(question)
            .map(|(_, at, answer)| (*at, answer.clone()))
    }

    fn keep(&self, question: Question, at: Timestamp, answer: Answer) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(question, (Instant::now(), at, answer));
    }

    /// Forgets everything: whoever asks again wants to know anew.
    pub fn forget(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

/// Whether a question leads outside.
pub(super) fn is_outside(question: &Question) -> bool {
    match question {
        Question::Http(_)
        | Question::Promql(_)
        | Question::Healthy(_)
        | Question::Command(_)
        | Question::Image(_)
        | Question::Evidence(..)
        | Question::Guard(..) => true,
        Question::Running(_) | Question::Past(_) | Question::PastHealth(_) => false,
    }
}

/// Answers with their times. Blocking, on a runtime of its own; `stop` ends it, and what was not answered then is not known.
/// What was answered a moment ago is not asked again.
pub(super) fn ask_blocking(
    (project, reading): (&Project, &Reading),
    questions: Vec<Question>,
    stop: &CancellationToken,
) -> Vec<(Question, Timestamp, Answer)> {
    if questions.is_empty() {
        return Vec::new();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let why = format!("the system gives no means to ask: {error}");
            let all = questions.into_iter();
            return all
                .map(|question| {
                    let answer = unanswered(&question, &why);
                    (question, Timestamp::now(), answer)
                })
                .collect();
        }
    };
    let answers = runtime.block_on(ask((project, Some(reading)), questions, stop, true));
    runtime.shutdown_background();
    answers
}

/// The same within a runtime; `lately`: what was answered a moment ago is good enough.
pub(super) async fn ask(
    (project, reading): (&Project, Option<&Reading>),
    questions: Vec<Question>,
    stop: &CancellationToken,
    lately: bool,
) -> Vec<(Question, Timestamp, Answer)> {
    let by = By {
        allowed: Allowed::of(project),
        secrets: Secrets::default(),
        forges: Forges::default(),
    };
    let one = |question: Question| {
        let by = &by;
        async move {
            if lately && let Some((at, answer)) = project.lately.get(&question) {
                return (question, at, answer);
            }
            let answer = tokio::select! {
                answer = answer((project, reading), &question, by) => answer,
                () = stop.cancelled() => Err("nobody waits for the answer any more".to_owned()),
            };
            let at = Timestamp::now();
            match answer {
                Ok(answer) => {
                    let answered = !matches!(
                        answer,
                        Answer::Http(Err(_))
                            | Answer::Samples(Err(_))
                            | Answer::Healthy(Err(_))
                            | Answer::Ran(Err(_))
                            | Answer::Image(Err(_))
                            | Answer::Evidence(Err(_))
                            | Answer::Guard(Err(_))
                    );
                    if answered {
                        project.lately.keep(question.clone(), at, answer.clone());
                    }
                    (question, at, answer)
                }
                Err(why) => {
                    let answer = unanswered(&question, &why);
                    (question, at, answer)
                }
            }
        }
    };
    let asked = stream::iter(questions).map(one).buffer_unordered(AT_ONCE);
    asked.collect().await
}

/// What all questions that are asked together share.
struct By {
    allowed: Allowed,
    secrets: Secrets,
    forges: Forges,
}

/// Those of the questions that may be asked.
pub(super) fn allowed(project: &Project, questions: &[Question]) -> BTreeSet<Question> {
    let allowed = Allowed::of(project);
    let may = |question: &&Question| {
        let consent = match question {
            Question::Http(asked) => asked.consent.as_ref(),
            Question::Command(asked) => asked.consent.as_ref(),
            _ => None,
        };
        consent.is_none_or(|consent| allowed.covers(consent))
    };
    questions.iter().filter(may).cloned().collect()
}

/// The answer; an error where the question was not asked at all.
async fn answer(
    (project, reading): (&Project, Option<&Reading>),
    question: &Question,
    By {
        allowed,
        secrets,
        forges,
    }: &By,
) -> Result<Answer, String> {
    if project.opened.offline {
        return Err("nobody is asked with --offline".to_owned());
    }
    match question {
        Question::Http(asked) => {
            permitted(allowed, asked.consent.as_ref(), "it is not asked")?;
            Ok(Answer::Http(checks::http(asked).await))
        }
        Question::Command(asked) => {
            permitted(allowed, asked.consent.as_ref(), "it is not run")?;
            Ok(Answer::Ran(checks::run(asked).await))
        }
        Question::Image(asked) => {
            let reading = reading.ok_or_else(|| "no matrix is read here".to_owned())?;
            Ok(Answer::Image(
                registry::image(project, reading, asked, allowed).await,
            ))
        }
        Question::Evidence(cell, version) => {
            let reading = reading.ok_or_else(|| "no matrix is read here".to_owned())?;
            let found = project
                .evidence(Some(reading), (cell, version), forges)
                .await;
            Ok(Answer::Evidence(found.map_err(|failure| failure.why)))
        }
        Question::Guard(environment, place) => {
            let reading = reading.ok_or_else(|| "no matrix is read here".to_owned())?;
            let Some(tip) = reading.line(place) else {
                return Ok(Answer::Guard(Ok(None)));
            };
            let found = project.guard(tip, environment, forges).await;
            Ok(Answer::Guard(found.map_err(|failure| failure.why)))
        }
        Question::Promql(asked) => Ok(Answer::Samples(samples(project, asked, secrets).await)),
        Question::Healthy(asked) => Ok(Answer::Healthy(series(project, asked, secrets).await)),
        Question::Running(_) | Question::Past(_) | Question::PastHealth(_) => {
            Err("that is not found outside".to_owned())
        }
    }
}

fn permitted(allowed: &Allowed, consent: Option<&Consent>, what: &str) -> Result<(), String> {
    if consent.is_none_or(|consent| allowed.covers(consent)) {
        return Ok(());
    }
    Err(not_allowed("it", what))
}

/// What the repository's own files name, and nobody has allowed.
pub(super) fn not_allowed(named: &str, what: &str) -> String {
    format!(
        "the repository's file names {named}, and {what} before you have allowed it: tidegate trust; in a pipeline: --trust"
    )
}

async fn samples(
    project: &Project,
    asked: &PromqlQuestion,
    secrets: &Secrets,
) -> Result<Vec<crate::domain::gate::Sample>, String> {
    let server = server(project, &asked.server, secrets).await?;
    server.instant(&asked.query, None, asked.timeout).await
}

async fn series(
    project: &Project,
    asked: &HealthyQuestion,
    secrets: &Secrets,
) -> Result<Vec<Series>, String> {
    let server = server(project, &asked.server, secrets).await?;
    let now = Timestamp::now();
    let back = SignedDuration::try_from(asked.back).unwrap_or(SignedDuration::MAX);
    let from = now.checked_sub(back).unwrap_or(Timestamp::UNIX_EPOCH);
    server
        .range(&asked.query, (from, now), asked.step, asked.timeout)
        .await
}

/// A `[[servers]]` entry of the user's own file, ready to be asked.
///
/// # Errors
/// Where there is none, or its token cannot be had.
pub(super) async fn server(
    project: &Project,
    name: &str,
    secrets: &Secrets,
) -> Result<prometheus::Server, String> {
    let mut servers = project.config.user.servers.iter();
    let server = servers.find(|server| server.name == name);
    let server = server.ok_or_else(|| {
        format!("no server is called `{name}`: name it in `[[servers]]` of your own config.toml")
    })?;
    Ok(prometheus::Server {
        url: server.url.clone(),
        token: secrets.of(server).await?,
    })
}

/// Tokens, each fetched once.
#[derive(Default)]
pub(super) struct Secrets(tokio::sync::Mutex<HashMap<String, Result<SecretString, String>>>);

impl Secrets {
    async fn of(&self, server: &Server) -> Result<Option<SecretString>, String> {
        let Some(token) = &server.token else {
            return Ok(None);
        };
        let mut known = self.0.lock().await;
        if let Some(known) = known.get(&server.name) {
            return known.clone().map(Some);
        }
        let read = credential::read(token).await.map_err(|why| {
            format!(
                "the token of `[[servers]]` {} cannot be had: {why}",
                server.name
            )
        });
        known.insert(server.name.clone(), read.clone());
        read.map(Some)
    }
}

/// That nobody could say.
fn unanswered(question: &Question, why: &str) -> Answer {
    let why = why.to_owned();
    match question {
        Question::Http(_) => Answer::Http(Err(why)),
        Question::Promql(_) => Answer::Samples(Err(why)),
        Question::Healthy(_) => Answer::Healthy(Err(why)),
        Question::Command(_) => Answer::Ran(Err(why)),
        Question::Image(_) => Answer::Image(Err(why)),
        Question::Evidence(..) => Answer::Evidence(Err(why)),
        Question::Guard(..) => Answer::Guard(Err(why)),
        Question::Past(_) => Answer::Past(Err(why)),
        Question::PastHealth(_) => Answer::PastHealth(Box::default()),
        Question::Running(_) => Answer::Running(Box::default()),
    }
}
