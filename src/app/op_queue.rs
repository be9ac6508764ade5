//! One operation of a kind at a time, and which answers are still wanted.

use super::event::Epoch;

/// Something that takes a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Asking the remote.
    Fetch,
    /// Reading the matrix.
    Desired,
    /// Walking the history.
    History,
    /// Reading a commit's diff.
    Diff,
    /// Freezing a plan.
    Plan,
    /// Judging what waits for its gates.
    Waiting,
    /// Writing a plan and following it.
    Publish,
    /// Telling an agent something.
    Tell,
    /// Finding out what is to be known before that.
    Weigh,
    /// Following a log.
    Log,
    /// Reading an object.
    Object,
    /// A command of the user's own.
    Own,
    /// Looking at the layouts.
    Layouts,
    /// Looking for a better guess of them.
    Guess,
}

impl Operation {
    /// How it is named to the operator.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Desired => "reading the matrix",
            Self::History => "reading the history",
            Self::Diff => "reading a diff",
            Self::Plan => "planning",
            Self::Waiting => "judging what waits",
            Self::Publish => "delivery",
            Self::Tell => "telling an agent",
            Self::Weigh => "finding out who would undo it",
            Self::Log => "following a log",
            Self::Object => "reading an object",
            Self::Own => "a command",
            Self::Layouts => "looking at the layouts",
            Self::Guess => "looking for a better guess of the layouts",
        }
    }
}

/// The operations in flight. Their number is small and fixed, so a list serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpQueue {
    last: u64,
    running: Vec<(Operation, Epoch)>,
}

impl OpQueue {
    /// Starts `operation`, or refuses (`None`) while one of its kind is in flight.
    pub fn start(&mut self, operation: Operation) -> Option<Epoch> {
        if self.is_running(operation) {
            None
        } else {
            Some(self.supersede(operation))
        }
    }

    /// Starts `operation`; answers to an earlier one of its kind are not wanted any more.
    pub fn supersede(&mut self, operation: Operation) -> Epoch {
        self.running.retain(|(kind, _)| *kind != operation);
        self.last += 1;
        let epoch = Epoch(self.last);
        self.running.push((operation, epoch));
        epoch
    }

    /// Whether one of this kind is in flight.
    pub fn is_running(&self, operation: Operation) -> bool {
        self.running.iter().any(|(kind, _)| *kind == operation)
    }

    /// The asking of this kind that is in flight.
    pub fn current(&self, operation: Operation) -> Option<Epoch> {
        let running = self.running.iter().find(|(kind, _)| *kind == operation);
        running.map(|(_, epoch)| *epoch)
    }

    /// Whether an answer that carries `epoch` is still wanted.
    pub fn is_current(&self, operation: Operation, epoch: Epoch) -> bool {
        self.running.contains(&(operation, epoch))
    }

    /// Ends an operation; `false`: the answer is late and must be dropped.
    pub fn finish(&mut self, operation: Operation, epoch: Epoch) -> bool {
        let wanted = self.is_current(operation, epoch);
        self.running
            .retain(|running| *running != (operation, epoch));
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_kind_and_late_answers_dropped() {
        let mut queue = OpQueue::default();
        let first = queue.start(Operation::Fetch).unwrap();
        assert_eq!(queue.start(Operation::Fetch), None, "refused, not queued");
        assert!(queue.start(Operation::Plan).is_some(), "kinds are apart");
        let second = queue.supersede(Operation::Fetch);
        assert!(!queue.finish(Operation::Fetch, first), "late");
        assert!(queue.is_running(Operation::Fetch));
        assert!(queue.finish(Operation::Fetch, second));
        assert!(!queue.is_running(Operation::Fetch));
    }
}
