//! Who asked for it is told of a delivery, beside it: it never waits, and who could not be told is named when it has ended.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{sync::mpsc, task::JoinSet};

use super::{Project, trust::Allowed};
use crate::{
    domain::{
        delivery::{Delivery, Step},
        ids::EnvironmentName,
        notify::{About, Address, Notification, Notify, Secret, Target},
        plan::Plan,
        pull_request::approvers,
    },
    sources::{
        credential,
        notify::{self, NotTold},
        web,
    },
};

/// So often it is tried to tell somebody something.
const TRIES: u32 = 3;
/// The wait before the second try; each further one is three times as long.
const FIRST: Duration = Duration::from_millis(500);
/// A server that asks for a longer pause is not waited for.
const LONGEST: Duration = Duration::from_secs(20);
/// How long those who are still to be told are waited for once a delivery has ended.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Tells of one delivery.
#[derive(Clone, Default)]
pub struct Notifier {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    about: About,
    /// Who is told, each by a queue of its own: in order, and nobody waits for another.
    queues: Vec<(Notify, mpsc::UnboundedSender<Notification>)>,
    workers: JoinSet<(usize, Option<String>)>,
    /// Who is not told, and why.
    refused: Vec<String>,
}

impl Inner {
    fn send(&self, told: &Notification) {
        for (notify, queue) in self.queues.iter().filter(|(it, _)| it.wants(told)) {
            // Its worker ends with the queue alone.
            let _ = queue.send(told.clone());
            tracing::info!(
                event = told.event.as_str(),
                to = notify.to.words(),
                "telling"
            );
        }
    }
}

impl Notifier {
    /// Tells whom the configuration of a project names and the user has allowed. Needs a runtime, where anybody is named.
    pub(super) fn of(project: &Project) -> Self {
        let mut inner = Inner::default();
        let all = &project.config.notify;
        if project.opened.offline || all.is_empty() {
            return Self::default();
        }
        let allowed = Allowed::of(project);
        for one in all {
            if let Some(why) = refused(one, &allowed, &project.config.user.secrets) {
                inner.refused.push(why);
                continue;
            }
            let (sender, receiver) = mpsc::unbounded_channel();
            let secrets = project.config.user.secrets.clone();
            let (number, to) = (inner.queues.len(), one.to.clone());
            inner
                .workers
                .spawn(async move { (number, tell(to, secrets, receiver).await) });
            inner.queues.push((one.clone(), sender));
        }
        Self {
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the delivery is about.
    pub(super) fn is_about(&self, project: &Project, plan: &Plan) {
        let environments = plan.changes.iter().map(|it| &it.cell.environment);
        let environments: Vec<&EnvironmentName> = environments.collect();
        let names = approvers(&environments, &project.config.topology);
        self.inner().about = About::plan(plan).let_through_by(names);
    }

    /// The same, of one that was kept.
    pub(super) fn is_about_kept(&self, project: &Project, delivery: &Delivery) {
        let environments = delivery.cells.iter().map(|it| &it.cell.environment);
        let environments: Vec<&EnvironmentName> = environments.collect();
        let names = approvers(&environments, &project.config.topology);
        self.inner().about = About::kept(delivery).let_through_by(names);
    }

    /// Tells of something urgent that waits still, when it is time for that again: of how many minutes. Never waits.
    pub(super) fn clock(&self, delivery: &Delivery, now: Timestamp) -> Option<i64> {
        let inner = self.inner();
        let (told, minutes) = inner.about.clock(delivery, now)?;
        inner.send(&told);
        Some(minutes)
    }

    /// Tells of steps. Never waits.
    pub(super) fn steps(&self, delivery: &Delivery, steps: &[Step]) {
        let inner = self.inner();
        if inner.queues.is_empty() {
            return;
        }
        for told in steps
            .iter()
            .flat_map(|step| inner.about.told(delivery, step))
        {
            inner.send(&told);
        }
    }

    /// Waits until everybody is told, so long at most. Who was not, a sentence each.
    pub async fn finish(&self, patience: Duration) -> Vec<String> {
        let (queues, mut workers, mut problems) = {
            let mut inner = self.inner();
            let queues = std::mem::take(&mut inner.queues);
            let workers = std::mem::take(&mut inner.workers);
            (queues, workers, std::mem::take(&mut inner.refused))
        };
        // What comes no more, they learn by their queues' ends.
        let mut left: Vec<Option<String>> = queues
            .into_iter()
            .map(|(notify, _)| Some(notify.to.words()))
            .collect();
        let all = async {
            while let Some(ended) = workers.join_next().await {
                if let Ok((number, problem)) = ended {
                    left[number] = None;
                    problems.extend(problem);
                }
            }
        };
        if tokio::time::timeout(patience, all).await.is_err() {
            workers.abort_all();
            let left: Vec<String> = left.into_iter().flatten().collect();
            problems.push(format!(
                "whether {} was told is not known: no answer within {} s",
                left.join(", "),
                patience.as_secs()
            ));
        }
        problems
    }
}

/// Why one is not told, in a sentence: nobody has allowed it, or it would be sent a secret that is another's.
pub(super) fn refused(one: &Notify, allowed: &Allowed, secrets: &[Secret]) -> Option<String> {
    if !one.consent.as_ref().is_none_or(|it| allowed.covers(it)) {
        return Some(format!(
            "{} was not told: the repository's file names it, and that is not allowed yet: tidegate trust",
            one.to.words()
        ));
    }
    elsewhere(one, secrets)
}

/// Why a secret does not go where a repository's file sends it: a token is of the server that the user's own file says.
fn elsewhere(one: &Notify, secrets: &[Secret]) -> Option<String> {
    let (Target::Grafana { url, secret, .. }, Some(_)) = (&one.to, &one.consent) else {
        return None;
    };
    // That there is none of this name is said by whoever looks for it.
    let known = secrets.iter().find(|it| it.name == *secret)?;
    let origin = |url: &str| web::url(url).ok().map(|url| url.origin());
    let is_its = known
        .url
        .as_deref()
        .is_some_and(|its| origin(its).is_some_and(|its| Some(its) == origin(url)));
    (!is_its).then(|| {
        format!(
            "{} was not told: the repository's file sends the secret `{secret}` there, and your own config.toml does not say that \
             it is of that server: url = \"{url}\" in its [[secrets]]",
            one.to.words()
        )
    })
}

/// Tells one target everything that comes; who it is and why not all of it went, where that is so.
async fn tell(
    to: Target,
    secrets: Vec<Secret>,
    mut queue: mpsc::UnboundedReceiver<Notification>,
) -> Option<String> {
    let mut way = Way::new(to, secrets);
    let mut lost = 0_usize;
    let mut why = String::new();
    while let Some(told) = queue.recv().await {
        if let Err(error) = way.tell(&told).await {
            tracing::warn!(to = way.to.words(), why = error.why, "not told");
            lost += 1;
            why = format!("{} ({})", error.why, told.event.as_str());
        }
    }
    let words = way.to.words();
    match lost {
        0 => None,
        1 => Some(format!("{words} was not told: {why}")),
        _ => Some(format!(
            "{words} was not told {lost} times, the last: {why}"
        )),
    }
}

/// A target on its way.
pub(super) struct Way {
    to: Target,
    secrets: Vec<Secret>,
    secret: Option<SecretString>,
    /// The thread of each delivery.
    threads: BTreeMap<String, String>,
}

impl Way {
    pub(super) fn new(to: Target, secrets: Vec<Secret>) -> Self {
        Self {
            to,
            secrets,
            secret: None,
            threads: BTreeMap::new(),
        }
    }

    /// Tells it, and again where that may help.
    pub(super) async fn tell(&mut self, told: &Notification) -> Result<(), NotTold> {
        let mut pause = FIRST;
        let mut tries = 1;
        loop {
            let Err(error) = self.once(told).await else {
                return Ok(());
            };
            let asked = match error.again {
                Some(asked) if tries < TRIES => asked,
                _ => return Err(error),
            };
            let wait = asked.unwrap_or(pause).max(pause);
            if wait > LONGEST {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            pause *= 3;
            tries += 1;
        }
    }

    async fn once(&mut self, told: &Notification) -> Result<(), NotTold> {
        match self.to.clone() {
            Target::Slack { channel, secret } => {
                let token = self.secret(&secret).await?;
                let mut secrets = self.secrets.iter();
                let api = secrets.find(|it| it.name == secret);
                let api = api.and_then(|it| it.url.clone());
                let api = api.unwrap_or_else(|| notify::SLACK.to_owned());
                let thread = self.threads.get(&told.delivery).map(String::as_str);
                let to = (&*channel, thread);
                let sent = notify::slack(&api, &token, to, &told.text()).await?;
                if let Some(thread) = sent {
                    let of = told.delivery.clone();
                    self.threads.entry(of).or_insert(thread);
                }
                Ok(())
            }
            Target::SlackWebhook(name) => {
                let url = self.secret(&name).await?;
                notify::post(url.expose_secret(), notify::slack_body(&told.text())).await
            }
            Target::Teams(name) => {
                let url = self.secret(&name).await?;
                notify::post(url.expose_secret(), notify::teams_body(&told.text())).await
            }
            Target::Webhook { address, template } => {
                let url = match address {
                    Address::Plain(url) => SecretString::from(url),
                    Address::Secret(name) => self.secret(&name).await?,
                };
                let body = match &template {
                    Some(template) => told.fill(template),
                    None => told.json().to_string(),
                };
                notify::post(url.expose_secret(), body.into_bytes()).await
            }
            Target::Grafana {
                url,
                secret,
                tags,
                dashboard,
            } => {
                let token = self.secret(&secret).await?;
                let known = self.threads.get(&told.delivery).map(String::as_str);
                let mut body = told.annotation(&tags);
                let now = Timestamp::now().as_millisecond();
                if known.is_none() {
                    body["time"] = now.into();
                    if let Some(dashboard) = dashboard {
                        body["dashboardUID"] = dashboard.into();
                    }
                }
                // One that ends with what it began with is a region of no length: a line.
                body["timeEnd"] = now.into();
                let made = notify::grafana(&url, &token, known, &body).await?;
                match made {
                    _ if told.event.is_end() => self.threads.remove(&told.delivery),
                    Some(id) => self.threads.insert(told.delivery.clone(), id),
                    None => None,
                };
                Ok(())
            }
            Target::Command(run) => {
                let input = told.json().to_string().into_bytes();
                notify::run(&run, told.event.as_str(), input).await
            }
        }
    }

    /// The secret of a name; fetched once.
    async fn secret(&mut self, name: &str) -> Result<SecretString, NotTold> {
        if let Some(known) = &self.secret {
            return Ok(known.clone());
        }
        let for_good = |why| NotTold { why, again: None };
        let mut secrets = self.secrets.iter();
        let Some(secret) = secrets.find(|it| it.name == name) else {
            return Err(for_good(format!(
                "your own config.toml has no [[secrets]] with name = \"{name}\""
            )));
        };
        let value = credential::read(&secret.value).await.map_err(for_good)?;
        self.secret = Some(value.clone());
        Ok(value)
    }
}
