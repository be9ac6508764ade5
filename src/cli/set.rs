//! `tidegate set SERVICE ENV VERSION`, and `set --changes FILE` for many in one plan.

use std::{collections::BTreeSet, io::Read, path::Path};

use serde::Deserialize;

use super::{Context, args::SetArgs, change, fail::Exit};
use crate::{
    domain::{
        failure::Failure,
        grammar::Grammar,
        ids::CellKey,
        layout::no_name,
        plan::{Came, ChangeRequest, Intent},
        unread::writable,
        version::Version,
    },
    sources::files::{self, Links},
    workflow::Project,
};

/// One item of the list in `--changes`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    service: String,
    environment: String,
    version: String,
}

pub(super) async fn run(context: &Context, args: &SetArgs) -> Result<Exit, Failure> {
    let wanted = wanted(args)?;
    let start = change::start(context, &args.write).await?;
    let mut changes = Vec::new();
    let mut seen = BTreeSet::new();
    for item in wanted {
        let service = Project::service(start.desired(), &item.service)?;
        let environment = Project::environment(start.desired(), &item.environment)?;
        let cell = CellKey::new(service, environment);
        let known = start.desired().cells.get(&cell);
        let grammar = known.map_or(Grammar::Text, |cell| cell.grammar);
        if let Err(why) = writable(&item.version, grammar) {
            return Err(Failure::usage(format!("{cell}: {why}")));
        }
        let version = Version::from(item.version.as_str());
        if let Some(why) = no_name(&start.reading.layouts, start.desired(), &cell, &version) {
            return Err(Failure::usage(format!("{cell}: {why}")));
        }
        if !seen.insert(cell.clone()) {
            return Err(Failure::usage(format!(
                "{cell} is asked for twice; once is enough"
            )));
        }
        changes.push(ChangeRequest {
            cell,
            intent: Intent::Set { version },
            came: Came::Named,
        });
    }
    change::carry_out(context, start, changes, &args.write).await
}

fn wanted(args: &SetArgs) -> Result<Vec<Wanted>, Failure> {
    match (
        &args.changes,
        &args.service,
        &args.environment,
        &args.version,
    ) {
        (Some(path), ..) => read(path),
        (None, Some(service), Some(environment), Some(version)) => Ok(vec![Wanted {
            service: service.clone(),
            environment: environment.clone(),
            version: version.clone(),
        }]),
        _ => Err(Failure::usage(
            "set takes SERVICE ENV VERSION, or --changes FILE",
        )),
    }
}

/// A list of changes is not larger, in bytes.
const LARGEST: u64 = 16 << 20;

fn read(path: &Path) -> Result<Vec<Wanted>, Failure> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin()
            .lock()
            .take(LARGEST + 1)
            .read_to_end(&mut bytes);
        read.map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
        if bytes.len() as u64 > LARGEST {
            return Err(Failure::usage(format!(
                "standard input is larger than {} MB; give fewer changes at once",
                LARGEST >> 20
            )));
        }
        bytes
    } else {
        let read = files::read(path, Links::Followed, LARGEST);
        let read = read.map_err(|error| {
            Failure::usage(format!(
                "--changes {error}; `--changes -` reads standard input"
            ))
        })?;
        read.ok_or_else(|| {
            Failure::usage(format!(
                "cannot read {}: there is no such file",
                path.display()
            ))
        })?
    };
    parse(path, &bytes)
}

/// The changes that a list names. An empty list asks for nothing, which is a slip of what wrote it and no success.
fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<Wanted>, Failure> {
    const EXPECTED: &str = "expected [{\"service\": …, \"environment\": …, \"version\": …}]";
    let wanted: Vec<Wanted> = serde_json::from_slice(bytes)
        .map_err(|error| Failure::usage(format!("{}: {error}; {EXPECTED}", path.display())))?;
    if wanted.is_empty() {
        return Err(Failure::usage(format!(
            "{}: nothing was asked for: the list of changes is empty; {EXPECTED}",
            path.display()
        )));
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::FailureKind;

    #[test]
    fn an_empty_list_of_changes_asks_for_nothing_and_is_wrong_usage() {
        let one = r#"[{"service": "web", "environment": "prod", "version": "1"}]"#;
        // (list, how many changes, or what is said)
        let cases = [
            (one, Ok(1)),
            ("[]", Err("nothing was asked for")),
            (" [\n] ", Err("nothing was asked for")),
            ("{}", Err("expected [")),
            ("", Err("expected [")),
        ];
        for (list, expected) in cases {
            let found = parse(Path::new("changes.json"), list.as_bytes());
            match (found, expected) {
                (Ok(wanted), Ok(count)) => assert_eq!(wanted.len(), count, "{list}"),
                (Err(failure), Err(words)) => {
                    assert_eq!(failure.kind, FailureKind::Usage, "{list}");
                    assert!(failure.why.contains(words), "{list}: {}", failure.why);
                }
                (found, _) => panic!("{list}: {:?}", found.map(|wanted| wanted.len())),
            }
        }
    }
}
