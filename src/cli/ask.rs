//! Confirmation at a terminal.

use std::io::{self, BufRead, IsTerminal};

use super::Context;
use crate::{
    domain::{failure::Failure, plan::Plan},
    stdio::{self, Stream},
    workflow::Project,
};

/// Whether somebody is there to answer.
pub fn somebody_there() -> bool {
    io::stdin().is_terminal() && stdio::is_terminal(Stream::Notes)
}

/// Asks whether to write the plan: yes or no, or a protected environment's name, typed. The target is named.
pub fn confirm(context: &Context, project: &Project, plan: &Plan) -> Result<bool, Failure> {
    let mut protected: Vec<&str> = Vec::new();
    for change in plan.promised() {
        let name = &change.cell.environment;
        let environment = project.config.topology.get(name);
        if environment.is_some_and(|environment| environment.protected)
            && !protected.contains(&name.as_str())
        {
            protected.push(name.as_str());
        }
    }
    let output = &context.output;
    let to = place(plan);
    if protected.is_empty() {
        output.ask(&format!("Write this{to}? [y/N]"));
        return Ok(matches!(answer()?.as_str(), "y" | "Y" | "yes"));
    }
    for name in protected {
        output.ask(&format!(
            "{name} is protected. To write this{to}, type its name:"
        ));
        if answer()? != name {
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
