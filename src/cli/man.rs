//! `man`: the manual page of the program, or of one of its commands.

use clap::CommandFactory as _;
use clap_mangen::Man;

use super::{
    args::{Cli, ManArgs},
    fail::Exit,
    output::Output,
};
use crate::domain::{failure::Failure, suggest};

pub(super) fn run(args: &ManArgs) -> Result<Exit, Failure> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let command = match &args.command {
        None => root,
        Some(name) => {
            let found = root.find_subcommand(name).filter(|it| !it.is_hide_set());
            let unknown = || {
                let names = root.get_subcommands().map(clap::Command::get_name);
                let hint = suggest::hint(name, names);
                Failure::usage(format!("there is no command `{name}`{hint}"))
            };
            found.ok_or_else(unknown)?.clone()
        }
    };
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure::failed(format!("the page could not be written: {error}")))?;
    Output::raw(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}
