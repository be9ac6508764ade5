//! The terminal, borrowed and always given back: at the end, on a panic, on a signal, while suspended.

use std::{
    io::{self, Stdout, Write},
    mem::ManuallyDrop,
    sync::atomic::{AtomicBool, Ordering},
};

use crossterm::{
    cursor, event, execute, queue,
    terminal::{
        self, BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen,
        LeaveAlternateScreen,
    },
};
use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    layout::{Position, Rect},
};

use crate::{guardian, stdio};

/// What the screen is drawn on.
pub type Screen = Terminal<CrosstermBackend<Frames<Stdout>>>;

/// Collects what is drawn and passes it on whole: one frame is one write, between the marks that keep a terminal which knows
/// them from showing half of it. Others ignore the marks. <https://github.com/contour-terminal/vt-extensions>
#[derive(Debug)]
pub struct Frames<W> {
    out: W,
    frame: Vec<u8>,
}

impl<W: Write> Frames<W> {
    fn to(out: W) -> Self {
        let frame = Vec::new();
        Self { out, frame }
    }
}

impl<W: Write> Write for Frames<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.frame.is_empty() {
            queue!(self.frame, BeginSynchronizedUpdate)?;
        }
        self.frame.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        queue!(self.frame, EndSynchronizedUpdate)?;
        // What could not be written is not written again in the middle of the next.
        let mut frame = std::mem::take(&mut self.frame);
        let written = self.out.write_all(&frame).and_then(|()| self.out.flush());
        frame.clear();
        self.frame = frame;
        written
    }
}

/// Whether the terminal is ours at this moment; process-wide because the terminal is.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The borrowed terminal; dropping it gives the terminal back.
pub struct Borrowed {
    /// What to draw on. Never dropped: ratatui would tell on standard error that it cannot show the cursor, which is a panic
    /// where the terminal is gone; [`release`] shows it.
    pub screen: ManuallyDrop<Screen>,
    mouse: bool,
}

impl Borrowed {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste, and the mouse where asked for.
    pub fn take(mouse: bool) -> io::Result<Self> {
        let screen = Terminal::new(CrosstermBackend::new(Frames::to(stdio::screen())))?;
        let mut borrowed = Self {
            screen: ManuallyDrop::new(screen),
            mouse,
        };
        borrowed.enter()?;
        Ok(borrowed)
    }

    /// Takes the terminal again after [`release`], and forgets what was drawn.
    pub fn enter(&mut self) -> io::Result<()> {
        guardian::take_terminal();
        TAKEN.store(true, Ordering::SeqCst);
        terminal::enable_raw_mode()?;
        execute!(
            stdio::screen(),
            EnterAlternateScreen,
            event::EnableBracketedPaste,
            cursor::Hide
        )?;
        if self.mouse {
            execute!(stdio::screen(), event::EnableMouseCapture)?;
        }
        // Not `clear`, which asks the terminal where the cursor is and waits for the answer: a round trip before the first
        // frame, and seconds where nothing answers.
        let size = self.screen.size()?;
        self.screen.resize(Rect::from((Position::ORIGIN, size)))
    }

    /// Asks the terminal something; what it answers comes with the keys.
    pub fn ask(&mut self, question: &str) -> io::Result<()> {
        let mut out = stdio::screen();
        out.write_all(question.as_bytes())?;
        out.flush()
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        release();
    }
}

/// Gives the terminal back, once; harmless when it is not ours. Errors are of no use to anyone here.
pub fn release() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = stdio::screen();
        let _ = execute!(
            out,
            EndSynchronizedUpdate,
            event::DisableMouseCapture,
            event::DisableBracketedPaste,
            LeaveAlternateScreen,
            cursor::Show
        );
        let _ = terminal::disable_raw_mode();
        let _ = out.flush();
        guardian::release_terminal();
    }
}

/// Gives the terminal back, stops this process as ^Z does, and takes the terminal again when it is continued.
#[cfg(unix)]
pub fn suspend(borrowed: &mut Borrowed) -> io::Result<()> {
    release();
    signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
    borrowed.enter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_written_whole_and_between_marks() {
        let mut frames = Frames::to(Vec::new());
        frames.flush().unwrap();
        frames.write_all(b"one").unwrap();
        frames.write_all(b" two").unwrap();
        assert_eq!(frames.out, b"");
        frames.flush().unwrap();
        frames.flush().unwrap();
        assert_eq!(frames.out, b"\x1b[?2026hone two\x1b[?2026l");
    }
}
