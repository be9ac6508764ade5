//! Signs of life of a server, asked for beside the watches.

use std::sync::Arc;

use kube::Client;
use tokio::{
    sync::{Notify, mpsc},
    time::sleep,
};

use super::{Options, connect::probe, watcher::Word};

/// Asks now and then, and at once when a watch broke: a server that is dead or silent is noticed
/// within `heartbeat` + `patience`, whatever TCP believes.
pub(super) async fn run(
    client: Client,
    options: Options,
    hiccup: Arc<Notify>,
    message: mpsc::Sender<(u32, Word)>,
) {
    loop {
        tokio::select! {
            () = sleep(options.heartbeat) => {}
            () = hiccup.notified() => {}
        }
        let word = match probe(&client, options.patience).await {
            Ok(()) => Word::Alive,
            Err(failure) => Word::Failed(failure),
        };
        if message.send((0, word)).await.is_err() {
            return;
        }
    }
}
