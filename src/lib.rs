//! Tidegate: a promotion console for GitOps in the terminal.
//!
//! ```text
//!              ┌ environments: columns, in promotion order; each has upstreams it is promoted from
//!  SERVICE     dev        staging      prod-eu ▌PROD     WHY
//!  checkout    ✓ 1.42.0   ✓ 1.42.0     ✗ 1.42.0  2/6     CrashLoop ×14, 3m    ← live: what the cluster runs
//!  identity    ✓ 5.1.0    + 5.0.9→5.1.0  ✓ 5.0.9
//!  └ service   └ cell: one service in one environment; its version is desired, what Git declares
//!                         └ staged: becomes a plan against a base commit, then a commit, then a delivery
//! ```
//!
//! # Where things are
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`domain`] | pure: versions, layouts and guessing them, byte-exact edits, the matrix, history, health, a cell's status, policy, gates, plans, deliveries |
//! | [`config`] | TOML to validated configuration; every error names file, line and key |
//! | [`sources`] | Git, clusters, forges, what checks ask and remembered state: I/O that speaks domain types |
//! | [`workflow`] | plan, deliver, follow: the flows that the commands and the screen share |
//! | [`actions`] | the one vocabulary of what can be asked for: names, words, keys, what is typed |
//! | [`look`] | the table of glyphs, words and tones of a cell's states, for the screen and the commands; how the screen may look |
//! | [`app`] | the state machine: `update(&mut Model, Event) -> Vec<Command>`; `app::screen` a file per screen, `app::areas` all sizes |
//! | [`ui`] | `render(&Model, &mut Frame) -> Drawn`, a file per screen and band |
//! | [`runtime`] | the terminal and the loop: wait, drain, draw once |
//! | [`executor`] | the one place where a command becomes a task and its answer an event |
//! | [`cli`] | arguments and commands, one file per subcommand |
//! | [`stdio`] | the one door to the terminal: what is printed is made safe, coloured behind that, and missed when it is lost |
//! | [`guardian`] | a small process that gives the terminal back and ends children when this one is gone |
//! | [`demo`] | a seeded repository, simulated clusters and the agents that roll out what is pushed |
//!
//! # What never happens
//!
//! - `actions` and `domain` import nothing else of ours, `look` imports `domain`; `sources` imports `domain` only (and
//!   `sources::children` the guardian), `config` and `app` import `domain`, `actions` and `look`, `ui` imports these and `app`,
//!   `workflow` imports `sources`, `config` and `domain`. A test reads what the sources name.
//! - `actions`, `look`, `domain`, `app` and `ui` name no I/O, no runtime and no clock: time enters as a value.
//! - Crossterm's key types do not leave `app::event`.
//! - No state of a cell is decided but in `domain::cell`, and none has a glyph, a word or a tone that is not in `look`.
//! - No area that is clicked, paged or scrolled is computed but in `app::areas`, from which it is drawn too.
//! - Git is written in `sources::git::publish` alone, and there only objects and refs: never a work tree, an index or a
//!   checked-out branch. What a fetch brings goes to remote-tracking refs, tags that are not here yet, and below `refs/tidegate`. A mirror of an address is made and fetched in the cache folder, by `sources::git::mirror`.
//! - Nothing of a repository runs, and nothing that its file names is reached before `workflow::trust` has the user's consent;
//!   another repository is seen through `sources::git::view`, and no child of ours has a variable of Git's that
//!   `sources::git::environment` does not name.
//! - A secret of an address is in no argument, message or file of ours: `domain::address` prints, `sources::git::remotes` tells Git.
//! - What the terminal answers is read where its keys are, by `runtime::answers`: no second reader, and no frame that waits.
//! - Standard output and standard error are named in `stdio` alone: text that a file, a server or an argument brought passes
//!   its filter before it is printed, and the screen draws cells that passed the same one.
//! - The log is written by `sources::log` alone, beside everything else; no line of it is printed, or passes without the filters
//!   of secrets and of the terminal.
//! - No program that is waited for is started but by `sources::children`: in a group of its own, with a deadline and a limit
//!   on what it says; none outlives Tidegate, however that ends, but for a browser that was opened and what a clipboard
//!   program leaves to answer pastes.
//! - No read of a disk holds the screen up: it is done on threads that nobody joins, and what takes long is named by
//!   `sources::waiting`.
//! - libgit2 reads no object of a repository: `sources::git::store` does, and each reading ends within a budget of bytes and
//!   steps. No commit is built on an object whose content is not what its name says.
//! - No callback travels in a message: events and commands are plain data.
//! - No cell moves that the plan does not list: the matrix with the edits is compared with the matrix without them, in
//!   `domain::plan`, and what nobody named holds the plan until it is accepted. One value that several
//!   layouts read is every cell that they name.
//! - No command, screen or log decides what becomes of a delivery: `domain::delivery` does, and they observe its steps. What is
//!   left behind is asked about and followed, and never pushed again; later waves of its plan go on as they were confirmed, judged again like any.
//! - No program that a repository's file names runs before `workflow::trust` knows exactly that one; no command of the user's own
//!   stands in such a file, runs through a shell that the user did not write, or has a value of a
//!   cell in a shell's text.
//! - No object of a cluster is changed but by `control` (what an agent is told), `conduct` (a canary) and `objects` (a workload) of
//!   `sources::cluster`.
//! - Nothing of a Secret is kept, shown or logged but that it is there and which of the keys that pods refer to it lacks:
//!   `sources::cluster::held` asks, and passes over its values as they are parsed.
//! - No gate reads a clock, a cluster or a history: it asks questions, and judges by answers that carry their times.
//! - HTTP is spoken by `sources::web`, and to clusters, and to Argo CD's own API as to one, by `kube`: each answer within a deadline and a limit of bytes, which
//!   `sources::cluster::bounds` holds `kube` to. Only a watch, beside which signs of life are asked for, and a log that is read
//!   last as long as somebody wants them. A redirect is followed on the
//!   same host alone; of registries also to where they keep what they serve, without what was sent along.
//! - A pull request that somebody else opened is approved and merged by `workflow::pull_requests` alone, once the operator confirmed that.
//! - No pull request is opened but by a delivery that was confirmed; what is left behind is looked for, and never opened. None of ours is
//!   merged but where its environments say so, in `workflow::deliver::merging`, at the commit that was planned; none is closed
//!   but by a delivery that was dropped or confirmed to take its place, or by a command that names it. A forge's token
//!   is read by `sources::forge` alone, and goes to that forge's server.
//! - Nobody is told of a delivery but by `workflow::notify`, which no delivery waits for; whom a repository's file names, after consent.
//! - No commit or tag of ours is pushed unsigned where Git is configured to sign: `sources::git::publish` looks at what it made, and all
//!   of a wave is made before any of it is pushed. What signs has the terminal only where it needs it, while `workflow::deliver`
//!   has borrowed it from the screen; no hook over a message runs but by the user's own file.
//! - No kind of failure becomes an exit code but in `cli::fail`.
//! - Nothing is pushed but a fast-forward from the commit that the operator saw, or a new branch or tag.

pub mod actions;
pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
#[cfg(test)]
mod dependencies;
pub mod domain;
pub mod executor;
#[cfg(test)]
mod fuzz_seeds;
pub mod guardian;
pub mod look;
pub mod runtime;
pub mod sources;
pub mod stdio;
pub mod ui;
pub mod workflow;
