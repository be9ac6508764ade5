//! The user's own commands: `[[commands]]`.

use std::time::Duration;

use super::{reader::Table, validate::duration};
use crate::actions::{ArgumentTemplate, Keymap, OwnCommand, Press, TABLE, check_run};

pub(super) const KEYS: [&str; 8] = [
    "name",
    "description",
    "key",
    "run",
    "dangerous",
    "read-only",
    "screen",
    "timeout",
];

/// How long a command may run, unless it says otherwise.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Reads them; `keymap` has the keys of Tidegate's own actions.
pub(super) fn commands(root: &Table<'_>, keymap: &Keymap) -> Vec<OwnCommand> {
    let mut read: Vec<OwnCommand> = Vec::new();
    for table in root.tables("commands") {
        let Some(command) = command(&table) else {
            continue;
        };
        if read.iter().any(|other| other.name == command.name) {
            table.error("name", format!("`{}` is there twice", command.name));
        }
        read.push(command);
        if let Err(error) = keymap.clone().with_own(&read) {
            table.error("key", error.to_string());
            // What comes behind it is held against the others.
            if let Some(command) = read.last_mut() {
                command.key = None;
            }
        }
    }
    read
}

fn command(table: &Table<'_>) -> Option<OwnCommand> {
    table.refuse_others(&KEYS, |_| None);
    if !table.has("name") {
        table.error_here("has no `name`; it is what is typed after `:`, such as `name = \"k9s\"`");
    }
    if !table.has("run") {
        table.error_here("has no `run`; name a program and its arguments, such as `run = [\"k9s\", \"--context\", \"{context}\"]`");
    }
    let name = table.string("name").filter(|name| is_name(table, name));
    let key = table.string("key").and_then(|text| {
        let press = Press::parse(&text);
        if press.is_none() {
            table.error(
                "key",
                format!(
                    "`{text}` is no key; write `x`, `X`, `^x`, `f5`, `space`, `enter`, `pgdn` …"
                ),
            );
        }
        press
    });
    let run = run(table);
    let timeout = table.string("timeout").map(|text| {
        duration(&text).unwrap_or_else(|| {
            table.error(
                "timeout",
                format!("`{text}` is no length of time; write one like `10s`, `5m` or `1h30m`"),
            );
            TIMEOUT
        })
    });
    let screen = table.boolean("screen").unwrap_or_default();
    if screen && table.has("timeout") {
        table.error(
            "timeout",
            "stands beside `screen = true`: one that has the terminal ends when you leave it",
        );
    }
    let (name, run) = (name?, run?);
    Some(OwnCommand {
        description: table
            .string("description")
            .unwrap_or_else(|| format!("runs {}", said(table))),
        key,
        run,
        dangerous: table.boolean("dangerous").unwrap_or_default(),
        read_only: table.boolean("read-only").unwrap_or_default(),
        screen,
        timeout: timeout.unwrap_or(TIMEOUT),
        name,
    })
}

fn is_name(table: &Table<'_>, name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.chars().all(plain) {
        table.error(
            "name",
            format!("`{name}` is no name for a command: lower-case letters, digits and `-`"),
        );
        return false;
    }
    let own = TABLE.iter().filter_map(|row| row.typed);
    if own.flat_map(|typed| typed.words).any(|word| *word == name) {
        table.error(
            "name",
            format!("`:{name}` is a command of Tidegate's own; choose another name"),
        );
        return false;
    }
    true
}

fn run(table: &Table<'_>) -> Option<Vec<ArgumentTemplate>> {
    let value = table.value("run")?;
    let Some(items) = value.as_array() else {
        table.wrong_type("run", value, "a list, the program and each argument by itself: `[\"k9s\", \"--context\", \"{context}\"]`");
        return None;
    };
    let mut run = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let at = format!("run[{i}]");
        let Some(text) = item.get_ref().as_str() else {
            table.wrong_type(&at, item.get_ref(), "a string in quotes");
            return None;
        };
        match ArgumentTemplate::parse(text) {
            Ok(argument) => run.push(argument),
            Err(why) => {
                table.error(&at, why);
                return None;
            }
        }
    }
    match check_run(&run) {
        Ok(()) => Some(run),
        Err((at, why)) => {
            let key = if run.is_empty() {
                "run".to_owned()
            } else {
                format!("run[{at}]")
            };
            table.error(&key, why);
            None
        }
    }
}

/// The program and its arguments as they are written.
fn said(table: &Table<'_>) -> String {
    let items = table.value("run").and_then(|value| value.as_array());
    let words = items.into_iter().flat_map(|items| items.iter());
    let words: Vec<&str> = words.filter_map(|item| item.get_ref().as_str()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::{Config, LoadRequest, SourceFile, load};

    fn user(text: &str) -> Result<Config, String> {
        let file = |name: &str, text: &str| {
            Some(SourceFile {
                name: name.to_owned(),
                bytes: text.as_bytes().to_vec(),
            })
        };
        let layout = "[[layouts]]\npath = \"{env}/{service}.yaml\"\nyaml = \"tag\"\n";
        load(&LoadRequest {
            team: file("tidegate.toml", layout),
            user: file("config.toml", text),
            detect: &|| None,
        })
        .map_err(|errors| errors.to_string())
    }

    #[test]
    fn commands_are_read_with_what_they_do_not_say() {
        let config = user(
            "[keys]\nplan = \"Z\"\n[[commands]]\nname = \"k9s\"\nkey = \"s\"\nrun = [\"k9s\", \"-n\", \"{namespace}\"]\n\
             screen = true\nread-only = true\n[[commands]]\nname = \"restart-it\"\nrun = [\"true\"]\ndangerous = true\ntimeout = \"5s\"\n",
        )
        .unwrap();
        let [k9s, restart] = config.user.commands.as_slice() else {
            panic!("two commands");
        };
        assert_eq!(k9s.key.unwrap().to_string(), "s", "free, as `plan` moved");
        assert_eq!(k9s.description, "runs k9s -n {namespace}");
        assert!(k9s.screen && k9s.read_only && !k9s.dangerous);
        assert!(!restart.screen && !restart.read_only && restart.dangerous);
        assert_eq!((restart.timeout.as_secs(), k9s.timeout.as_secs()), (5, 60));
    }

    #[test]
    fn what_is_wrong_with_a_command_is_told_at_its_place() {
        let cases = [
            ("name = \"x\"", "config.toml:1: commands[0]: has no `run`"),
            ("run = [\"x\"]", "config.toml:1: commands[0]: has no `name`"),
            (
                "name = \"X y\"\nrun = [\"x\"]",
                "config.toml:2: commands[0].name: `X y` is no name for a command",
            ),
            (
                "name = \"write\"\nrun = [\"x\"]",
                "config.toml:2: commands[0].name: `:write` is a command of Tidegate's own",
            ),
            (
                "name = \"x\"\nrun = \"ls -l\"",
                "config.toml:3: commands[0].run: is a string; expected a list",
            ),
            (
                "name = \"x\"\nrun = []",
                "config.toml:3: commands[0].run: is empty",
            ),
            (
                "name = \"x\"\nrun = [\"ls\", \"{what}\"]",
                "config.toml:3: commands[0].run[1]: `{what}` is no value of a cell",
            ),
            (
                "name = \"x\"\nrun = [\"sh\", \"-c\", \"{env}\"]",
                "config.toml:3: commands[0].run[2]: a value in a shell's text",
            ),
            (
                "name = \"x\"\nrun = [\"x\"]\nkey = \"^c\"",
                "config.toml:4: commands[0].key: `^c` means both `quit-now` and `x`",
            ),
            (
                "name = \"x\"\nrun = [\"x\"]\nkey = \"ctrl-x\"",
                "config.toml:4: commands[0].key: `ctrl-x` is no key",
            ),
            (
                "name = \"x\"\nrun = [\"x\"]\ntimeout = \"soon\"",
                "config.toml:4: commands[0].timeout: `soon` is no length",
            ),
            (
                "name = \"x\"\nrun = [\"x\"]\nscreen = true\ntimeout = \"1s\"",
                "config.toml:5: commands[0].timeout: stands beside",
            ),
            (
                "name = \"x\"\nrun = [\"x\"]\nkey = \"U\"\n[[commands]]\nname = \"y\"\nrun = [\"y\"]\nkey = \"U\"",
                "config.toml:8: commands[1].key: `U` means both `x` and `y`",
            ),
            (
                "name = \"x\"\nrun = [\"x\"]\nkey = \"f7\"\n[keys]\nrevert = [\"r\", \"f7\"]",
                "config.toml:4: commands[0].key: `f7` means both `revert` and `x` in Matrix",
            ),
            (
                "name = \"x\"\nrun = [\"x\"]\n[[commands]]\nname = \"x\"\nrun = [\"y\"]",
                "config.toml:5: commands[1].name: `x` is there twice",
            ),
        ];
        for (text, expected) in cases {
            let error = user(&format!("[[commands]]\n{text}\n")).unwrap_err();
            assert!(error.starts_with(expected), "{text}\n{error}");
        }
    }

    #[test]
    fn a_repository_has_no_commands() {
        let team = SourceFile {
            name: "tidegate.toml".to_owned(),
            bytes: b"[[commands]]\nname = \"x\"\nrun = [\"x\"]\n".to_vec(),
        };
        let error = load(&LoadRequest {
            team: Some(team),
            user: None,
            detect: &|| None,
        });
        let error = error.unwrap_err().to_string();
        assert!(
            error.starts_with("tidegate.toml:1: commands: only the user's own"),
            "{error}"
        );
    }
}
