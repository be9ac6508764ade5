//! What containers write: pieces of a stream made into lines that may be shown, and a bounded number of them.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::domain::text::sanitise;

/// What is kept of a line, in bytes; the rest of it is dropped, and that is said.
pub const LINE: usize = 16 << 10;

/// One line of a container's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When the container wrote it, where the server says so.
    pub time: Option<Timestamp>,
    /// The text: no control characters and no escape sequences; `…` at its end where the rest was dropped.
    pub text: String,
}

/// Which log of which pod, and how much of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRequest {
    /// The kubeconfig context.
    pub context: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container; `None`: the pod's only one, or the one that it says is the default.
    pub container: Option<String>,
    /// Of the container that ran before.
    pub previous: bool,
    /// Lines that come later, too.
    pub follow: bool,
    /// So many lines from the end.
    pub tail: Option<u32>,
    /// Not older than so many seconds.
    pub since_seconds: Option<u32>,
}

impl LogRequest {
    /// The command of `kubectl` that does the same.
    pub fn command(&self) -> String {
        let Self {
            context,
            namespace,
            pod,
            ..
        } = self;
        let mut command = format!("kubectl --context {context} -n {namespace} logs {pod}");
        if let Some(container) = &self.container {
            command.push_str(" -c ");
            command.push_str(container);
        }
        if self.previous {
            command.push_str(" --previous");
        }
        if self.follow {
            command.push_str(" -f");
        }
        let tail = self.tail.map(|tail| format!(" --tail={tail}"));
        let since = self.since_seconds.map(|since| format!(" --since={since}s"));
        command.extend(tail.into_iter().chain(since));
        command
    }
}

/// Makes lines of the pieces in which a log comes. Each line begins with its time, as `timestamps=true` has it.
#[derive(Debug, Default)]
pub struct Lines {
    begun: Vec<u8>,
    cut: bool,
}

impl Lines {
    /// The lines that end in this piece.
    pub fn take(&mut self, piece: &[u8]) -> Vec<LogLine> {
        let mut lines = Vec::new();
        let mut parts = piece.split(|byte| *byte == b'\n');
        // The last part has no end yet.
        let last = parts.next_back().unwrap_or_default();
        for part in parts {
            self.add(part);
            lines.extend(self.end());
        }
        self.add(last);
        lines
    }

    /// What is left where nothing more comes.
    pub fn end(&mut self) -> Option<LogLine> {
        let bytes = std::mem::take(&mut self.begun);
        let cut = std::mem::take(&mut self.cut);
        if bytes.is_empty() {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let stamped = text.split_once(' ').or(Some((&*text, "")));
        let stamped = stamped.and_then(|(time, rest)| Some((time.parse().ok()?, rest)));
        let (time, text) = match stamped {
            Some((time, rest)) => (Some(time), rest),
            None => (None, &*text),
        };
        let mut text = sanitise(text.trim_end_matches('\r')).into_owned();
        if cut {
            text.push('…');
        }
        Some(LogLine { time, text })
    }

    fn add(&mut self, part: &[u8]) {
        let room = LINE.saturating_sub(self.begun.len());
        self.cut |= part.len() > room;
        self.begun
            .extend_from_slice(part.get(..room).unwrap_or(part));
    }
}

/// The newest lines of a log: older ones go where there are too many, or they are too long together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    lines: VecDeque<LogLine>,
    bytes: usize,
    dropped: usize,
}

impl Ring {
    /// So many lines are kept.
    const LINES: usize = 10_000;
    /// So many bytes of text.
    const BYTES: usize = 4 << 20;

    /// Adds lines at the end.
    pub fn extend(&mut self, lines: impl IntoIterator<Item = LogLine>) {
        for line in lines {
            self.bytes += line.text.len();
            self.lines.push_back(line);
            while self.lines.len() > Self::LINES || self.bytes > Self::BYTES {
                let Some(first) = self.lines.pop_front() else {
                    break;
                };
                self.bytes -= first.text.len();
                self.dropped += 1;
            }
        }
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &LogLine> {
        self.lines.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many older ones went.
    pub fn dropped(&self) -> usize {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_pieces_are_harmless_and_bounded() {
        // Pieces, and the time and text of each line that they are.
        type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);
        let cases: [Case<'_>; 5] = [
            (
                &[
                    "2026-11-21T10:00:00.5Z he",
                    "llo\n2026-11-21T10:00:01Z bye\n",
                ],
                &[
                    ("2026-11-21T10:00:00.5Z", "hello"),
                    ("2026-11-21T10:00:01Z", "bye"),
                ],
            ),
            (
                &["2026-11-21T10:00:00Z \u{1b}[2J\u{1b}]0;title\u{7}red\u{1b}[0m\r\n"],
                &[("2026-11-21T10:00:00Z", "red")],
            ),
            (&["no time\n"], &[("", "no time")]),
            (&["2026-11-21T10:00:00Z\n"], &[("2026-11-21T10:00:00Z", "")]),
            (
                &["2026-11-21T10:00:00Z not ended"],
                &[("2026-11-21T10:00:00Z", "not ended")],
            ),
        ];
        for (pieces, expected) in cases {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for piece in pieces {
                found.extend(lines.take(piece.as_bytes()));
            }
            found.extend(lines.end());
            let found: Vec<(String, &str)> = found
                .iter()
                .map(|line| {
                    let time = line.time.map_or(String::new(), |time| time.to_string());
                    (time, line.text.as_str())
                })
                .collect();
            let found: Vec<(&str, &str)> = found.iter().map(|(a, b)| (a.as_str(), *b)).collect();
            assert_eq!(found, expected, "{pieces:?}");
        }
        let mut lines = Lines::default();
        for _ in 0..100 {
            assert!(lines.take(&[b'x'; 4096]).is_empty());
        }
        let long = lines.take(b"\n").remove(0);
        assert_eq!(long.text.len(), LINE + '…'.len_utf8());
    }

    #[test]
    fn a_ring_keeps_the_newest() {
        let line = |text: String| LogLine { time: None, text };
        let mut ring = Ring::default();
        ring.extend((0..Ring::LINES + 5).map(|n| line(n.to_string())));
        assert_eq!((ring.len(), ring.dropped()), (Ring::LINES, 5));
        assert_eq!(ring.iter().next().unwrap().text, "5");
        ring.extend((0..600).map(|_| line("x".repeat(LINE))));
        assert!(ring.iter().map(|line| line.text.len()).sum::<usize>() <= Ring::BYTES);
    }

    #[test]
    fn the_command_that_does_the_same() {
        let request = LogRequest {
            context: "edge".to_owned(),
            namespace: "shop".to_owned(),
            pod: "web-1".to_owned(),
            container: Some("app".to_owned()),
            previous: true,
            tail: Some(10),
            ..LogRequest::default()
        };
        let expected = "kubectl --context edge -n shop logs web-1 -c app --previous --tail=10";
        assert_eq!(request.command(), expected);
    }
}
