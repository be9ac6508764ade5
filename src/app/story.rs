//! The demo's stories: each begins in the middle, as soon as what it is about is known.

use super::{
    command::Command,
    model::Model,
    screen::{Screen, matrix},
    update::act_everywhere,
};
use crate::{
    actions::Action,
    domain::{
        ids::CellKey,
        rollout::{Connection, Health},
    },
};

/// What the demo begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// Something broke in production a few minutes ago.
    Incident,
    /// A batch goes to production, but for what may not.
    Batch,
    /// Environments, clusters and Git are not the same.
    Drift,
    /// Production is delivered by pull requests.
    Review,
}

impl Story {
    /// The cell that it begins at.
    fn cell(self) -> CellKey {
        match self {
            Self::Incident => CellKey::new("checkout", "prod-us"),
            Self::Batch => CellKey::new("cart", "prod-eu"),
            Self::Drift => CellKey::new("mailer", "prod-eu"),
            Self::Review => CellKey::new("cart", "prod-us"),
        }
    }

    /// What is said as it begins.
    fn words(self) -> &'static str {
        match self {
            Self::Incident => {
                "checkout crashes in prod-us since 1.42.0 came: enter plans going back"
            }
            Self::Batch => {
                "what staging has and prod-eu has not goes in three waves; the second fails, and B puts the batch back"
            }
            Self::Drift => "what differs, and is forgotten: enter opens the cell",
            Self::Review => {
                "cart goes to prod-us by a pull request, which aiko approves; tomasz refuses ledger; catalog has one of a bot"
            }
        }
    }
}

impl Model {
    /// Begins the story that waits, once what it is about is known; whoever types has a story of their own.
    pub(super) fn tell_story(&mut self, out: &mut Vec<Command>) {
        let Some(story) = self.story.filter(|story| self.is_known_for(*story)) else {
            return;
        };
        self.story = None;
        self.select(&story.cell());
        match story {
            Story::Incident => {
                matrix::act(self, Action::Open, false, out);
                act_everywhere(self, Action::Revert, out);
            }
            Story::Batch | Story::Review => {
                if story == Story::Batch {
                    matrix::act(self, Action::MarkColumn, false, out);
                }
                act_everywhere(self, Action::Promote, out);
                if !matches!(self.screens.last(), Some(Screen::Plan(_))) {
                    act_everywhere(self, Action::Plan, out);
                }
            }
            Story::Drift => act_everywhere(self, Action::Drift, out),
        }
        self.say(story.words());
    }

    fn is_known_for(&self, story: Story) -> bool {
        let told = |connection: &Connection| *connection != Connection::Connecting;
        let live = self.live.connections.values().all(told);
        let broken = self.live.cells().get(&story.cell());
        let broken = broken.is_some_and(|live| live.health == Health::Degraded);
        self.git.remembered.is_none()
            && self.history.done
            && live
            && (story != Story::Incident || broken)
    }
}
