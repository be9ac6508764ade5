//! `watch=true`: a stream of JSON lines that ends at its timeout, with its client, or with a 410.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use futures::Stream;
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};

use super::{Mode, query::Query, state::Change, status::ApiError, store::Store, view::View};

/// What one watch asked for.
pub struct Watch {
    /// Where the objects are.
    pub store: Store,
    /// Which objects.
    pub query: Query,
    /// The shape they are sent in.
    pub view: View,
    /// From where: `None` starts with the present objects.
    pub from: Option<u64>,
    /// Send a bookmark with the mark of completeness after the present objects.
    pub initial_bookmark: bool,
    /// Send a bookmark this often.
    pub bookmarks: Option<Duration>,
    /// End after this long.
    pub timeout: Duration,
    /// How the server behaves.
    pub mode: watch::Receiver<Mode>,
    /// Changes when it is to end.
    pub ending: watch::Receiver<u64>,
}

struct Running {
    watch: Watch,
    cursor: u64,
    epoch: u64,
    ready: VecDeque<Value>,
    changed: watch::Receiver<u64>,
    ends: Instant,
    next_bookmark: Option<Instant>,
    last: bool,
}

/// The response body of a watch.
pub fn body(
    watch: Watch,
) -> StreamBody<impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Send> {
    let running = Running::new(watch);
    StreamBody::new(futures::stream::unfold(running, |mut running| async {
        let line = running.next().await?;
        Some((Ok(Frame::data(line)), running))
    }))
}

impl Running {
    fn new(watch: Watch) -> Self {
        let changed = watch.store.changed();
        let epoch = watch.store.epoch();
        let now = Instant::now();
        let mut running = Self {
            cursor: watch.from.unwrap_or_default(),
            epoch,
            ready: VecDeque::new(),
            changed,
            ends: now + watch.timeout,
            next_bookmark: watch.bookmarks.map(|every| now + every),
            last: false,
            watch,
        };
        if running.watch.from.is_none() {
            running.present();
        }
        running
    }

    /// Queues the present objects, and the bookmark that ends them where one was asked for.
    fn present(&mut self) {
        match self.watch.store.page(&self.watch.query, 0, None, None) {
            Ok(page) => {
                self.cursor = page.version;
                for object in &page.items {
                    self.push("ADDED", object);
                }
                if self.watch.initial_bookmark {
                    self.bookmark(true);
                }
            }
            Err(error) => self.fail(&error),
        }
    }

    /// The next line; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if *self.watch.mode.borrow_and_update() == Mode::Hanging {
                self.watch.mode.changed().await.ok()?;
                continue;
            }
            if let Some(event) = self.ready.pop_front() {
                let mut line = event.to_string();
                line.push('\n');
                return Some(Bytes::from(line));
            }
            if self.last || !self.watch.mode.borrow().serves() {
                return None;
            }
            // Marked before looking, so that a change in between wakes the wait below.
            self.changed.mark_unchanged();
            self.collect();
            if !self.ready.is_empty() {
                continue;
            }
            let bookmark = self.next_bookmark.unwrap_or(self.ends);
            tokio::select! {
                changed = self.changed.changed() => changed.ok()?,
                changed = self.watch.mode.changed() => changed.ok()?,
                ended = self.watch.ending.changed() => {
                    ended.ok()?;
                    self.end();
                }
                () = tokio::time::sleep_until(self.ends) => self.end(),
                () = tokio::time::sleep_until(bookmark), if self.next_bookmark.is_some() => {
                    self.bookmark(false);
                    self.next_bookmark = self.watch.bookmarks.map(|every| Instant::now() + every);
                }
            }
        }
    }

    /// Ends when its time is over: the last that it says is how far it has got.
    fn end(&mut self) {
        self.collect();
        if self.watch.bookmarks.is_some() && !self.last {
            self.bookmark(false);
        }
        self.last = true;
    }

    /// Queues what changed since the cursor.
    fn collect(&mut self) {
        match self.watch.store.since(self.cursor) {
            Ok((epoch, _)) if epoch != self.epoch => {
                self.fail(&ApiError::expired(self.cursor, self.watch.store.version()));
            }
            Ok((_, changes)) => {
                for change in &changes {
                    self.cursor = change.version;
                    self.change(change);
                }
            }
            Err(error) => self.fail(&error),
        }
    }

    /// An object that starts to match is added, one that stops to match is deleted.
    fn change(&mut self, change: &Change) {
        let query = &self.watch.query;
        if change.plural != query.resource.plural {
            return;
        }
        let before = change.before.as_ref().is_some_and(|o| query.matches(o));
        let after = !change.deleted && query.matches(&change.after);
        let kind = match (before, after) {
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
            (false, false) => return,
        };
        self.push(kind, &change.after);
    }

    fn push(&mut self, kind: &str, object: &Arc<Value>) {
        let object = self.watch.view.object(&self.watch.query.resource, object);
        self.ready
            .push_back(json!({"type": kind, "object": object}));
    }

    fn bookmark(&mut self, initial: bool) {
        let mut meta = json!({"resourceVersion": self.cursor.to_string()});
        if initial {
            meta["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let resource = &self.watch.query.resource;
        let (api_version, kind) = self.watch.view.types(resource);
        self.ready.push_back(json!({"type": "BOOKMARK", "object": {
            "kind": kind, "apiVersion": api_version, "metadata": meta}}));
    }

    /// An error is the last thing that a watch says.
    fn fail(&mut self, error: &ApiError) {
        self.last = true;
        self.ready
            .push_back(json!({"type": "ERROR", "object": error.body()}));
    }
}
