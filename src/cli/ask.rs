//! Confirmation at a terminal.

use std::io::{self, BufRead, IsTerminal};

use super::{Context, output::Output};
use crate::{
    domain::{failure::Failure, ids::EnvironmentName, plan::Plan},
    stdio::{self, Stream},
    workflow::Project,
};

/// Whether somebody is there to answer.
pub fn somebody_there() -> bool {
    io::stdin().is_terminal() && stdio::is_terminal(Stream::Notes)
}

/// Asks whether to write the plan: yes or no, or a protected environment's name, typed. The target is named.
pub fn confirm(context: &Context, project: &Project, plan: &Plan) -> Result<bool, Failure> {
    let names = plan
        .promised()
        .iter()
        .map(|change| &change.cell.environment);
    let protected = protected(project, names);
    let to = place(plan);
    let asked = (format!("Write this{to}"), format!("write this{to}"));
    agreed(&context.output, &protected, &asked)
}

/// Of these environments, the protected ones, each once.
pub(super) fn protected<'a>(
    project: &Project,
    names: impl IntoIterator<Item = &'a EnvironmentName>,
) -> Vec<&'a str> {
    let mut protected: Vec<&str> = Vec::new();
    for name in names {
        let environment = project.config.topology.get(name);
        if environment.is_some_and(|it| it.protected) && !protected.contains(&name.as_str()) {
            protected.push(name.as_str());
        }
    }
    protected
}

/// Asks yes or no, or for the names of these protected environments, typed. What is asked, as a question begins and behind `To`.
pub(super) fn agreed(
    output: &Output,
    protected: &[&str],
    (question, to): &(String, String),
) -> Result<bool, Failure> {
    if protected.is_empty() {
        output.ask(&format!("{question}? [y/N]"));
        return Ok(matches!(answer()?.as_str(), "y" | "Y" | "yes"));
    }
    for name in protected {
        output.ask(&format!("{name} is protected. To {to}, type its name:"));
        if answer()? != *name {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Where it goes; what gates hold back of a group goes where that is planned when they pass.
fn place(plan: &Plan) -> String {
    match plan.target() {
        target if target.is_empty() => " when its gates pass".to_owned(),
        target => format!(" to {target}"),
    }
}

pub(super) fn answer() -> Result<String, Failure> {
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::failed(format!("cannot read the answer: {error}")))?;
    Ok(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gates_hold_back_of_a_group_goes_nowhere_yet() {
        assert_eq!(place(&Plan::default()), " when its gates pass");
    }
}
