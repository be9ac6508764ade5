//! Pull requests that are closed without a merge: ours, of a delivery that was dropped, and older ones that ours take the
//! place of. Each is told once why, whoever was interrupted in between.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;

use super::{Told, Underway};
use crate::domain::{
    delivery::{DeliveryId, Fact, Part},
    failure::{Failure, FailureKind},
    plan::Older,
    pull_request::PullState,
};

/// Deliveries that the operator wants dropped, told to those who drive them.
#[derive(Clone, Debug, Default)]
pub struct Drops(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    ids: Mutex<BTreeSet<DeliveryId>>,
    changed: Notify,
}

impl Drops {
    /// This one is to be dropped.
    pub fn ask(&self, id: DeliveryId) {
        let mut ids = self.0.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.insert(id);
        self.0.changed.notify_waiters();
    }

    /// Takes that away; whether it was asked for.
    fn take(&self, id: &DeliveryId) -> bool {
        let mut ids = self.0.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.remove(id)
    }

    /// Waits until that is asked for, or for something else that comes first.
    pub(super) async fn or(&self, id: &DeliveryId, other: impl Future<Output = ()>) {
        let changed = self.0.changed.notified();
        {
            let ids = self.0.ids.lock().unwrap_or_else(PoisonError::into_inner);
            if ids.contains(id) {
                return;
            }
        }
        tokio::select! {
            () = changed => {}
            () = other => {}
        }
    }
}

impl Underway<'_> {
    /// Drops it where that is asked for, or was before whoever drove it went away: its open pull requests are closed.
    pub(super) async fn drop_if_asked(&mut self) {
        let asked = self.drops.take(&self.delivery.id);
        let goes_on = self.delivery.dropped && self.merging.holds();
        if !(asked || goes_on) {
            return;
        }
        self.apply(Fact::Dropped);
        if let Err(error) = self.drop_requests().await {
            let why = format!("{} is not dropped: {error}", self.delivery.subject);
            (self.tell)(Told::NotTold(why));
            if error.kind == FailureKind::Network {
                return;
            }
            self.delivery.dropped = false;
        }
    }

    async fn drop_requests(&mut self) -> Result<(), Failure> {
        let mark = format!("dropped {}", self.delivery.id);
        let open: Vec<(Part, u64)> = self
            .delivery
            .requests()
            .filter(|(_, request)| request.state == PullState::Open)
            .map(|(part, request)| (part.clone(), request.number))
            .collect();
        for (part, number) in &open {
            let forge = self.forge(&part.tip).await?;
            let why = "Dropped: what it was planned for is not wanted any more.";
            forge.close(*number, why, &mark).await?;
        }
        for (part, number) in &open {
            let request = self.how_it_stands(part, *number).await?;
            self.requested(part, request).await?;
        }
        Ok(())
    }

    /// Closes the older pull requests that its own take the place of, which are open by now. What a forge refuses is said; who
    /// does not answer is asked again.
    pub(super) async fn supersede(&mut self) {
        if !self.merging.holds() || self.delivery.is_over() {
            return;
        }
        for older in self.delivery.supersedes.clone() {
            let own = {
                let mut requests = self.delivery.requests();
                let own = requests.find(|(part, _)| part.tip.name == older.into);
                own.map(|(part, request)| (part.clone(), request.clone()))
            };
            let Some((part, own)) = own.filter(|(_, own)| own.number != older.number) else {
                self.delivery.supersedes.retain(|it| *it != older);
                continue;
            };
            let Older { number, .. } = older;
            let closed = match self.forge(&part.tip).await {
                Ok(forge) => {
                    let why = format!("Superseded by [#{}]({}).", own.number, own.url);
                    let mark = format!("superseded by {}", own.number);
                    forge.close(number, &why, &mark).await
                }
                Err(error) => Err(error),
            };
            let said = match closed {
                Ok(PullState::Open) => {
                    format!("#{number} is closed: #{} takes its place", own.number)
                }
                Ok(PullState::Closed) => format!("#{number} was closed already"),
                Ok(PullState::Merged) => format!("#{number} was merged already, and stays"),
                Err(error) if error.kind == FailureKind::Network => continue,
                Err(error) => format!("#{number} stays open: {error}"),
            };
            self.apply(Fact::Superseded(older, said));
        }
    }
}
