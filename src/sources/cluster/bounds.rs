//! What a server may send, how long it may take and how often it is asked: bodies and lines have a limit, answers a deadline
//! (but for watches, beside which signs of life are asked for, and logs), a watch that ends at once is not begun again at
//! once, and a server that says when to come again (`Retry-After`) is asked then.
//!
//! All of it stands between kube's client and the connection, because kube reads bodies whole and begins a watch that
//! ended again without a pause.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{FutureExt, Stream, future::BoxFuture};
use http::{Method, Request, Response, StatusCode, header::RETRY_AFTER};
use http_body_util::{BodyExt, BodyStream, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Body as HttpBody, Bytes, Frame};
use kube::client::Body;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout_at};
use tower::{BoxError, Layer, Service, ServiceExt, buffer::Buffer};

use super::Options;
use crate::sources::{children::size, web::seconds};

/// The longest body of an answer: a page of a list has 500 objects, and etcd takes none above 1.5 MB.
const BODY: usize = 64 << 20;
/// The longest line of a watch: one object, as JSON.
const LINE: usize = 8 << 20;
/// A watch that lasted so long was none that ends at once.
pub(super) const STEADY: Duration = Duration::from_secs(10);
/// The longest `Retry-After` that is kept to.
const LONGEST_HOLD: Duration = Duration::from_mins(5);
/// Pages of one list, of 500 objects each where the server keeps to what it is asked for; more are no list that ends.
const PAGES: u32 = 1_000;
/// How long the whole answer to what watches ask for may take: a page of a list comes over a slow line, too.
const LONGEST_ANSWER: Duration = Duration::from_mins(2);
/// Requests that wait for their turn.
const QUEUE: usize = 256;

/// How one server is to be asked; it outlives connections.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    state: Arc<Mutex<State>>,
    options: Options,
    /// How long an answer may take.
    answer: Duration,
    /// The cluster, where it is asked by hand: it is named where it does not answer, and what it puts off is not waited for.
    by_hand: Option<Arc<str>>,
}

#[derive(Debug, Default)]
struct State {
    hold: Option<Instant>,
    watches: BTreeMap<String, Watched>,
    /// How many pages of the list of a path have been asked for.
    pages: BTreeMap<String, u32>,
}

#[derive(Debug, Default)]
struct Watched {
    /// How many in a row ended at once.
    short: u32,
    not_before: Option<Instant>,
}

impl Pace {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            state: Arc::default(),
            options: options.clone(),
            answer: LONGEST_ANSWER,
            by_hand: None,
        }
    }

    /// For what is asked by hand of the cluster of this context: somebody waits for it.
    pub(super) fn by_hand(context: &str, options: &Options) -> Self {
        Self {
            answer: options.answer,
            by_hand: Some(context.into()),
            ..Self::new(options)
        }
    }

    /// What is said where an answer has not come in time.
    fn unanswered(&self, method: &Method) -> BoxError {
        let time = seconds(self.answer);
        let doubt = match *method {
            Method::GET => "",
            _ => "; whether it was done is not known: look before it is told again",
        };
        match &self.by_hand {
            Some(context) => format!("cluster {context} did not answer within {time}{doubt}"),
            None => format!("no answer within {time}{doubt}"),
        }
        .into()
    }

    /// Waits until the server wants to be asked again.
    async fn turn(&self, path: &str, watch: bool) -> Result<(), BoxError> {
        let wait = self.wait(path, watch);
        if let Some(context) = self.by_hand.as_ref().filter(|_| wait > self.answer) {
            let wait = wait.as_secs();
            return Err(format!("cluster {context} wants to be left alone for {wait} s").into());
        }
        if !wait.is_zero() {
            sleep(wait).await;
        }
        Ok(())
    }

    /// How long the server still wants to be left alone.
    pub(super) fn hold(&self) -> Duration {
        left(self.lock().hold)
    }

    fn wait(&self, path: &str, watch: bool) -> Duration {
        let state = self.lock();
        let watched = state.watches.get(path).filter(|_| watch);
        let own = left(watched.and_then(|watched| watched.not_before));
        // The sign of life is asked for as ever: its answer says that the server still wants to be left alone.
        if path == "/version" {
            return own;
        }
        own.max(left(state.hold))
    }

    fn answered<B>(&self, response: &Response<B>) {
        let busy = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ];
        let after = response.headers().get(RETRY_AFTER);
        let seconds = after.and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
        if let Some(seconds) = seconds.filter(|_| busy.contains(&response.status())) {
            let hold = Duration::from_secs(seconds).min(LONGEST_HOLD);
            self.lock().hold = Some(Instant::now() + hold);
        }
    }

    /// Counts the pages of a list: kube asks for the next one as long as the server says that there is one, and tells
    /// nothing of a page without objects.
    fn page(&self, path: &str, query: &str) -> Result<(), BoxError> {
        let further = query.split('&').any(|part| part.starts_with("continue="));
        let mut state = self.lock();
        if !further {
            state.pages.remove(path);
            return Ok(());
        }
        let count = state.pages.entry(path.to_owned()).or_insert(1);
        *count += 1;
        if *count > PAGES {
            return Err(format!("the list does not end: more than {PAGES} pages").into());
        }
        Ok(())
    }

    /// A watch has ended by itself.
    fn ended(&self, path: &str, lasted: Duration) {
        let mut state = self.lock();
        let watched = state.watches.entry(path.to_owned()).or_default();
        watched.short = if lasted >= STEADY {
            0
        } else {
            watched.short.saturating_add(1)
        };
        watched.not_before = match watched.short {
            0 => None,
            // What others define only tells more, and there are many kinds of it: a server that ends all watches is not stormed.
            short if is_custom(path) => Some(Instant::now() + backoff(short + 2, &self.options)),
            short => Some(Instant::now() + backoff(short - 1, &self.options)),
        };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a path is of a kind that is not Kubernetes' own.
fn is_custom(path: &str) -> bool {
    let group = path
        .strip_prefix("/apis/")
        .and_then(|it| it.split('/').next());
    group.is_some_and(|group| group.contains('.'))
}

fn left(until: Option<Instant>) -> Duration {
    until.map_or(Duration::ZERO, |until| {
        until.saturating_duration_since(Instant::now())
    })
}

/// Doubles from the first wait to the longest, up to a quarter more or less so that many do not come at once.
pub(super) fn backoff(failures: u32, options: &Options) -> Duration {
    let doubled = options
        .first_wait
        .saturating_mul(2_u32.saturating_pow(failures.min(16)))
        .min(options.longest_wait);
    // A hasher with a fresh key is random enough for this.
    let random = RandomState::new().hash_one(failures) % 500;
    let thousandths = u32::try_from(random).unwrap_or_default() + 750;
    (doubled * thousandths / 1000).min(options.longest_wait)
}

impl<S, B> Layer<S> for Pace
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError> + Send + 'static,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes, Error = BoxError> + Send + Unpin + 'static,
{
    type Service = Bounded<S::Future>;

    fn layer(&self, inner: S) -> Self::Service {
        Bounded {
            inner: Buffer::new(inner, QUEUE),
            pace: self.clone(),
        }
    }
}

/// The service in between.
pub(super) struct Bounded<F> {
    inner: Buffer<Request<Body>, F>,
    pace: Pace,
}

impl<F, B> Service<Request<Body>> for Bounded<F>
where
    F: Future<Output = Result<Response<B>, BoxError>> + Send + 'static,
    B: HttpBody<Data = Bytes, Error = BoxError> + Send + Unpin + 'static,
{
    type Response = Response<UnsyncBoxBody<Bytes, BoxError>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (inner, pace) = (self.inner.clone(), self.pace.clone());
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default();
        let watch = query.split('&').any(|part| part.starts_with("watch="));
        // Its lines are cut by whoever reads them, and it may never end.
        let log = path.ends_with("/log");
        // A kubelet answers when a container that is followed first writes, which may be never.
        let silent = watch || log && query.split('&').any(|part| part == "follow=true");
        let page = pace.page(&path, query);
        let method = request.method().clone();
        async move {
            page?;
            pace.turn(&path, watch).await?;
            let until = (!silent).then(|| Instant::now() + pace.answer);
            let response = inner.oneshot(request);
            let response = match until {
                Some(until) => timeout_at(until, response)
                    .await
                    .unwrap_or_else(|_| Err(pace.unanswered(&method)))?,
                None => response.await?,
            };
            pace.answered(&response);
            // A refusal is one body, whatever was asked for.
            let watch = (watch && response.status().is_success()).then_some(path);
            Ok(response.map(|body| {
                let metered = Metered {
                    body: BodyStream::new(body),
                    until: until
                        .filter(|_| !log)
                        .map(|until| (Box::pin(sleep_until(until)), method)),
                    watch,
                    began: Instant::now(),
                    pace,
                    log,
                    count: 0,
                };
                StreamBody::new(metered).boxed_unsync()
            }))
        }
        .boxed()
    }
}

/// A body that is counted as it comes.
struct Metered<B> {
    body: BodyStream<B>,
    /// When it must have come whole, and what was asked.
    until: Option<(Pin<Box<Sleep>>, Method)>,
    /// The path of a watch, whose lines are counted; else the whole is.
    watch: Option<String>,
    began: Instant,
    pace: Pace,
    /// What a container writes: neither is counted.
    log: bool,
    count: usize,
}

impl<B> Stream for Metered<B>
where
    B: HttpBody<Data = Bytes, Error = BoxError> + Unpin,
{
    type Item = Result<Frame<Bytes>, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.body).poll_next(context);
        if next.is_pending()
            && let Some((until, method)) = &mut self.until
            && until.as_mut().poll(context).is_ready()
        {
            let method = method.clone();
            self.until = None;
            return Poll::Ready(Some(Err(self.pace.unanswered(&method))));
        }
        let next = ready!(next);
        let next = match next {
            Some(Ok(frame)) => {
                let counted = frame.data_ref().filter(|_| !self.log);
                let counted = counted.map_or(Ok(()), |data| {
                    let mut count = self.count;
                    let counted = tally(&mut count, data, self.watch.is_some());
                    self.count = count;
                    counted
                });
                Some(counted.map(|()| frame))
            }
            other => other,
        };
        if !matches!(next, Some(Ok(_)))
            && let Some(path) = self.watch.take()
        {
            self.pace.ended(&path, self.began.elapsed());
        }
        Poll::Ready(next)
    }
}

/// Adds `data` to what has come of a body, or of the line of a watch.
fn tally(count: &mut usize, data: &[u8], lines: bool) -> Result<(), BoxError> {
    if !lines {
        *count += data.len();
        return match *count {
            0..=BODY => Ok(()),
            _ => Err(format!("an answer is longer than {}", size(BODY as u64)).into()),
        };
    }
    for (at, part) in data.split(|byte| *byte == b'\n').enumerate() {
        *count = if at == 0 {
            *count + part.len()
        } else {
            part.len()
        };
        if *count > LINE {
            return Err(format!("a line of a watch is longer than {}", size(LINE as u64)).into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_bodies_are_counted_across_pieces() {
        let piece = vec![b'x'; LINE / 2];
        let mut broken = piece.clone();
        broken[7] = b'\n';
        let mut count = 0;
        for piece in [&piece, &broken, &piece, &broken] {
            tally(&mut count, piece, true).unwrap();
        }
        tally(&mut count, &piece, true).unwrap();
        let error = tally(&mut count, b"123456789", true).unwrap_err();
        assert!(error.to_string().contains("longer than 8.4 MB"), "{error}");

        let mut count = 0;
        for _ in 0..BODY / piece.len() {
            tally(&mut count, &piece, false).unwrap();
        }
        assert!(tally(&mut count, b"x", false).is_err());
    }

    #[test]
    fn watches_that_end_at_once_wait_longer_and_longer_until_one_lasts() {
        let pace = Pace::new(&Options::default());
        let mut last = Duration::ZERO;
        for _ in 0..5 {
            pace.ended("/pods", Duration::ZERO);
            let wait = pace.wait("/pods", true);
            assert!(wait > last, "{wait:?} after {last:?}");
            last = wait;
        }
        assert!(last >= Duration::from_secs(5), "{last:?}");
        assert_eq!(pace.wait("/pods", false), Duration::ZERO, "lists");
        assert_eq!(pace.wait("/other", true), Duration::ZERO);
        pace.ended("/pods", STEADY);
        assert_eq!(pace.wait("/pods", true), Duration::ZERO);
    }

    #[test]
    fn kinds_that_only_tell_more_are_no_storm_where_watches_end_at_once() {
        let pace = Pace::new(&Options::default());
        let own = [
            "/api/v1/pods",
            "/apis/apps/v1/deployments",
            "/apis/batch/v1/jobs",
        ];
        let others = [
            "/apis/argoproj.io/v1alpha1/applications",
            "/apis/source.toolkit.fluxcd.io/v1/gitrepositories",
        ];
        for path in own.iter().chain(&others) {
            pace.ended(path, Duration::ZERO);
        }
        let waits = |path: &&str| pace.wait(path, true);
        let (longest, shortest) = (own.iter().map(waits).max(), others.iter().map(waits).min());
        assert!(longest < shortest, "{longest:?} {shortest:?}");
    }

    #[test]
    fn a_list_has_so_many_pages() {
        let pace = Pace::new(&Options::default());
        let further = "limit=500&continue=x";
        for _ in 0..2 {
            pace.page("/pods", "limit=500").unwrap();
            for _ in 1..PAGES {
                pace.page("/pods", further).unwrap();
            }
            let error = pace.page("/pods", further).unwrap_err().to_string();
            assert!(error.contains("more than 1000 pages"), "{error}");
            pace.page("/other", further).unwrap();
        }
    }

    #[test]
    fn a_server_that_says_when_is_asked_then() {
        let answer = |status: u16, after: &str| {
            let pace = Pace::new(&Options::default());
            let response = Response::builder().status(status);
            pace.answered(&response.header(RETRY_AFTER, after).body(()).unwrap());
            let hold = pace.hold().as_millis().div_ceil(1000);
            assert_eq!(pace.wait("/pods", false).is_zero(), hold == 0);
            assert!(pace.wait("/version", false).is_zero());
            hold
        };
        assert_eq!(answer(429, "7"), 7);
        assert_eq!(answer(503, "999999999999"), 300);
        assert_eq!(answer(200, "7"), 0);
        assert_eq!(answer(503, "soon"), 0);
    }

    #[test]
    fn waits_grow_to_the_longest_and_no_further() {
        let options = Options::default();
        for (failures, low, high) in [
            (0, 375, 625),
            (1, 750, 1250),
            (3, 3000, 5000),
            (6, 22_500, 30_000),
            (4_000_000, 22_500, 30_000),
        ] {
            let wait = backoff(failures, &options).as_millis();
            assert!((low..=high).contains(&wait), "{failures}: {wait} ms");
        }
    }
}
