//! What is to be done on a forge, asked about first.

use crate::domain::{
    delivery::DeliveryId,
    desired::RefName,
    ids::{CellKey, EnvironmentName, ObjectId},
    pull_request::RequestDeed,
    topology::Topology,
    version::Version,
};

/// So many of the cells that a pull request moves are named in a question.
const NAMED: usize = 3;

/// What is to be done on a forge, once that is confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnForge {
    /// Close the pull requests of this delivery, which are called so.
    Drop(DeliveryId, String),
    /// Do something to a pull request that is open.
    Request(OneRequest),
}

/// A pull request that is open, as it was looked at, and what is to be done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneRequest {
    /// What.
    pub deed: RequestDeed,
    /// The ref that it goes into.
    pub into: RefName,
    /// Its number.
    pub number: u64,
    /// Its newest commit: nothing is done to another one. `None`: its forge does not tell.
    pub head: Option<ObjectId>,
    /// Who opened it.
    pub author: String,
    /// The versions that it would bring, the selected cell's first.
    pub moves: Vec<(CellKey, Version)>,
}

impl OnForge {
    /// The question, without its mark: `Merge #12 of renovate: 1.2.0 into web / prod`.
    pub fn words(&self) -> String {
        let one = match self {
            Self::Drop(_, requests) => return format!("Close {requests}, which nobody has merged"),
            Self::Request(one) => one,
        };
        let verb = match one.deed {
            RequestDeed::Approve => "Approve",
            RequestDeed::Merge => "Merge",
        };
        let moves = one.moves.iter().take(NAMED);
        let mut moves: Vec<String> = moves
            .map(|(cell, version)| format!("{version} into {cell}"))
            .collect();
        match one.moves.len().saturating_sub(NAMED) {
            0 => {}
            more => moves.push(format!("and {more} more cells")),
        }
        let moves = moves.join(", ");
        format!("{verb} #{} of {}: {moves}", one.number, one.author)
    }

    /// The protected environments that it moves, whose names are typed.
    pub fn names(&self, topology: &Topology) -> Vec<EnvironmentName> {
        let mut names: Vec<EnvironmentName> = Vec::new();
        let Self::Request(one) = self else {
            return names;
        };
        if one.deed == RequestDeed::Merge {
            for (cell, _) in &one.moves {
                let name = &cell.environment;
                let protected = topology.get(name).is_some_and(|it| it.protected);
                if protected && !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        names
    }
}
