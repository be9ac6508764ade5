//! A first frame for what takes long to open: a repository without a configuration is recognised by reading it, the demo
//! makes one.

use std::{io, time::Duration};

use crossterm::event::{Event, EventStream, KeyCode, KeyModifiers};
use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::{
    Ended,
    signals::{Signal, Signals},
    terminal::{self, Borrowed},
};
use crate::{
    app::{event, model::Model, update},
    sources::waiting,
    ui,
};

/// What is open sooner shows its own first frame.
const SOON: Duration = Duration::from_millis(30);

/// How often is looked how long it takes.
const TICK: Duration = Duration::from_secs(1);

/// What is shown while something opens, with the terminal once it is taken. The console goes on with both.
pub struct Opening {
    first: First,
    mouse: bool,
    pub(super) borrowed: Option<Borrowed>,
    /// What was typed at the first frame: the console answers it.
    pub(super) typed: Vec<Event>,
}

enum First {
    /// What is going on.
    Words(String),
    /// The screen, as far as it is known.
    Screen(Box<Model>),
}

impl Opening {
    /// Words are shown, where that takes longer than a moment.
    pub fn words(words: &str) -> Self {
        Self::new(First::Words(words.to_owned()), false)
    }

    /// The screen is shown at once as it is known already, and fills in.
    pub fn screen(model: Model, mouse: bool) -> Self {
        Self::new(First::Screen(Box::new(model)), mouse)
    }

    fn new(first: First, mouse: bool) -> Self {
        Self {
            first,
            mouse,
            borrowed: None,
            typed: Vec::new(),
        }
    }

    /// The screen that was shown.
    pub(super) fn model(self) -> Option<Model> {
        match self.first {
            First::Words(_) => None,
            First::Screen(model) => Some(*model),
        }
    }

    /// Waits for `work`. `^c`, `q` or a signal leave; the work is then left behind.
    ///
    /// # Errors
    /// When the terminal cannot be taken, or the work failed in a way that it does not tell itself.
    pub async fn wait<T: Send + 'static>(
        &mut self,
        work: &mut JoinHandle<T>,
    ) -> io::Result<Result<T, Ended>> {
        let soon = match (&self.first, &self.borrowed) {
            (First::Words(_), None) => SOON,
            _ => Duration::ZERO,
        };
        tokio::select! {
            biased;
            done = &mut *work => return done.map(Ok).map_err(io::Error::other),
            () = tokio::time::sleep(soon) => {}
        }
        let mut signals = Signals::listen()?;
        let mut borrowed = match self.borrowed.take() {
            Some(borrowed) => borrowed,
            None => Borrowed::take(self.mouse)?,
        };
        let mut keys = EventStream::new();
        loop {
            self.draw(&mut borrowed)?;
            tokio::select! {
                biased;
                done = &mut *work => {
                    if let First::Screen(_) = self.first {
                        self.borrowed = Some(borrowed);
                    }
                    return done.map(Ok).map_err(io::Error::other);
                }
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
                    Some(Ok(event)) => if let First::Screen(_) = self.first {
                        self.typed.push(event);
                    },
                },
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    fn draw(&mut self, borrowed: &mut Borrowed) -> io::Result<()> {
        match &mut self.first {
            First::Words(words) => {
                let long = waiting::longest();
                let long = long.map(|(what, age)| format!("{what} … {} s", age.as_secs()));
                let words = long.as_deref().unwrap_or(words);
                borrowed
                    .screen
                    .draw(|frame| ui::render_opening(words, frame))?;
            }
            First::Screen(model) => {
                let (width, height) = crossterm::terminal::size()?;
                let at = Timestamp::now();
                let input = event::Input::Resize { width, height };
                // What it asks for is asked when there is somebody to ask.
                let _ = update::update(model, event::Event::Input { at, input });
                super::draw(borrowed, model)?;
            }
        }
        Ok(())
    }
}
