//! A first frame for what takes long to open: a repository without a configuration is recognised by reading it.

use std::{io, time::Duration};

use crossterm::event::{Event, EventStream, KeyCode, KeyModifiers};
use futures::StreamExt as _;
use tokio::task::JoinHandle;

use super::{
    Ended,
    signals::{Signal, Signals},
    terminal::{self, Borrowed},
};
use crate::{sources::waiting, ui};

/// What is open sooner shows its own first frame.
const SOON: Duration = Duration::from_millis(30);

/// How often is looked how long it takes.
const TICK: Duration = Duration::from_secs(1);

/// Waits for `work`. Where that takes longer than a moment, `words` say on the screen what is going on, and `^c`, `q` or a
/// signal leave; the work is then left behind.
///
/// # Errors
/// When the terminal cannot be taken, or the work failed in a way that it does not tell itself.
pub async fn opening<T: Send + 'static>(
    mut work: JoinHandle<T>,
    words: &str,
) -> io::Result<Result<T, Ended>> {
    tokio::select! {
        biased;
        done = &mut work => return done.map(Ok).map_err(io::Error::other),
        () = tokio::time::sleep(SOON) => {}
    }
    let mut signals = Signals::listen()?;
    let mut borrowed = Borrowed::take(false)?;
    let mut keys = EventStream::new();
    loop {
        let long = waiting::longest();
        let long = long.map(|(what, age)| format!("{what} … {} s", age.as_secs()));
        let words = long.as_deref().unwrap_or(words);
        borrowed
            .screen
            .draw(|frame| ui::render_opening(words, frame))?;
        tokio::select! {
            biased;
            done = &mut work => return done.map(Ok).map_err(io::Error::other),
            signal = signals.next() => match signal {
                Signal::Stop => terminal::suspend(&mut borrowed)?,
                other => return Ok(Err(Ended::Signalled(other))),
            },
            key = keys.next() => match key {
                Some(Ok(Event::Key(key)))
                    if key.code == KeyCode::Char('q')
                        || key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) =>
                {
                    return Ok(Err(Ended::Quit));
                }
                Some(Err(error)) => return Err(error),
                None => return Ok(Err(Ended::Signalled(Signal::Hangup))),
                Some(Ok(_)) => {}
            },
            () = tokio::time::sleep(TICK) => {}
        }
    }
}
