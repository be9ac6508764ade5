//! What a child says: taken as it comes, kept within bounds, and waited for no longer than it may take.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use super::{
    GRACE, Keep, Kind, LOOK_EVERY, Limits, Running, Said, Stopped, beside, interrupted, size, stop,
};

/// How long the words of a program are waited for that has ended: somebody else may hold its output open for ever.
const LINGER: Duration = Duration::from_millis(500);

/// A piece of what a child says.
enum Piece {
    Output(Vec<u8>),
    Error(Vec<u8>),
}

pub(super) fn listen(
    running: &mut Running,
    limits: &Limits,
    input: Option<Vec<u8>>,
    hear: &mut dyn FnMut(&[u8]),
) -> Result<Said, Stopped> {
    let began = Instant::now();
    if let (Some(mut pipe), Some(input)) = (running.child.stdin.take(), input) {
        // A child that ends without reading says why on its standard error.
        beside(move || pipe.write_all(&input)).map_err(Stopped::Io)?;
    }
    let (sender, heard) = sync_channel(8);
    if let Some(pipe) = running.child.stdout.take() {
        forward(pipe, sender.clone(), Piece::Output).map_err(Stopped::Io)?;
    }
    if let Some(pipe) = running.child.stderr.take() {
        forward(pipe, sender.clone(), Piece::Error).map_err(Stopped::Io)?;
    }
    drop(sender);
    let (mut stdout, mut stderr) = (Kept::new(limits.stdout), Kept::new(limits.stderr));
    let (mut spoke, mut ended) = (began, None);
    loop {
        match heard.recv_timeout(LOOK_EVERY * 5) {
            Ok(Piece::Output(bytes)) => {
                spoke = Instant::now();
                stdout.take(&bytes)?;
            }
            Ok(Piece::Error(bytes)) => {
                spoke = Instant::now();
                hear(&bytes);
                stderr.take(&bytes)?;
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(patience) = limits
            .patience
            .filter(|patience| spoke.elapsed() > *patience)
        {
            return Err(Stopped::Late(patience));
        }
        if began.elapsed() > limits.deadline {
            return Err(Stopped::Late(limits.deadline));
        }
        running.go_on();
        if ended.is_none() && running.has_ended().map_err(Stopped::Io)? {
            ended = Some(Instant::now());
        } else if ended.is_some() {
            running.tell_the_rest();
        }
        if ended.is_some_and(|ended| ended.elapsed() > LINGER && spoke.elapsed() > LINGER) {
            break;
        }
    }
    let status = loop {
        // It may close its output and go on.
        if let Some(status) = running.end()? {
            break status;
        }
        running.go_on();
        if began.elapsed() > limits.deadline {
            return Err(Stopped::Late(limits.deadline));
        }
        thread::sleep(LOOK_EVERY / 4);
    };
    // It may be gone while what it started goes on.
    if limits.kind == Kind::Work && interrupted() {
        stop(&[running.group.0], GRACE);
    }
    Ok(Said {
        status,
        stdout: stdout.whole(),
        stderr: stderr.whole(),
    })
}

fn forward(
    mut pipe: impl Read + Send + 'static,
    sender: SyncSender<Piece>,
    piece: fn(Vec<u8>) -> Piece,
) -> io::Result<()> {
    let work = move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            if sender.send(piece(buffer[..count].to_vec())).is_err() {
                break;
            }
        }
    };
    beside(work).map(drop)
}

/// What is kept of a stream.
struct Kept {
    keep: Keep,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Kept {
    fn new(keep: Keep) -> Self {
        Self {
            keep,
            head: Vec::new(),
            tail: VecDeque::new(),
            left_out: 0,
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        let most = match self.keep {
            Keep::Whole(most) if self.head.len() + bytes.len() > most => {
                return Err(Stopped::TooMuch(most));
            }
            Keep::Whole(most) | Keep::Ends(most) => most,
        };
        let (head, rest) = bytes.split_at(bytes.len().min(most - self.head.len()));
        self.head.extend_from_slice(head);
        // Of one piece, what comes before its last bytes would be pushed out at once.
        let (skipped, rest) = rest.split_at(rest.len().saturating_sub(most));
        self.left_out += skipped.len() as u64;
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(most);
        self.left_out += over as u64;
        self.tail.drain(..over);
        Ok(())
    }

    fn whole(self) -> Vec<u8> {
        let mut whole = self.head;
        if self.left_out > 0 {
            let words = format!("\n… {} left out …\n", size(self.left_out));
            whole.extend_from_slice(words.as_bytes());
        }
        whole.extend(self.tail);
        whole
    }
}
