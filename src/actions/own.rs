//! The user's own commands: a program with its arguments, into which a cell's values are filled.

use std::{borrow::Cow, time::Duration};

use super::Press;

/// A command of the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCommand {
    /// What is typed for it after `:`.
    pub name: String,
    /// What it does, for help and palette.
    pub description: String,
    /// Its key on the matrix and on a cell.
    pub key: Option<Press>,
    /// The program and its arguments.
    pub run: Vec<ArgumentTemplate>,
    /// It is asked about before it runs.
    pub dangerous: bool,
    /// It changes nothing, and so may run where nothing may be written.
    pub read_only: bool,
    /// It gets the terminal.
    pub screen: bool,
    /// How long it may run where it does not get the terminal.
    pub timeout: Duration,
}

/// A value of the selected cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellValue {
    /// The row.
    Service,
    /// The column.
    Environment,
    /// The version that Git declares.
    Version,
    /// The commit that brought it.
    Commit,
    /// The kubeconfig context of its cluster.
    Context,
    /// The namespace of its workload.
    Namespace,
}

impl CellValue {
    /// All of them, with their names in the configuration.
    pub const NAMED: [(&'static str, Self); 6] = [
        ("service", Self::Service),
        ("env", Self::Environment),
        ("version", Self::Version),
        ("commit", Self::Commit),
        ("context", Self::Context),
        ("namespace", Self::Namespace),
    ];
}

/// One argument: text and values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentTemplate(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(CellValue),
}

/// A command with the values of a cell, as it is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRun {
    /// The command's name.
    pub name: String,
    /// The program and its arguments; never empty.
    pub arguments: Vec<String>,
    /// What is run in its place where there is no such program.
    pub instead: Option<Vec<String>>,
    /// It gets the terminal.
    pub screen: bool,
    /// How long it may run where it does not.
    pub timeout: Duration,
}

/// Shells, whose text is run: a value in it would be run with it.
const SHELLS: [&str; 8] = ["sh", "bash", "dash", "zsh", "ksh", "fish", "nu", "pwsh"];

impl ArgumentTemplate {
    /// Reads `--context={context}`; `{{` and `}}` are braces.
    ///
    /// # Errors
    /// A sentence: a brace that is not closed, or a value that no cell has.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '{' | '}' if chars.peek() == Some(&c) => {
                    chars.next();
                    plain.push(c);
                }
                '{' => {
                    let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
                    let known = CellValue::NAMED.into_iter();
                    let value = known
                        .clone()
                        .find_map(|(n, value)| (n == name).then_some(value));
                    let value = value.ok_or_else(|| {
                        let names: Vec<_> = known.map(|(name, _)| format!("{{{name}}}")).collect();
                        format!(
                            "`{{{name}}}` is no value of a cell; there are {}; a brace itself is written twice: `{{{{`",
                            names.join(", ")
                        )
                    })?;
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Value(value));
                }
                c => plain.push(c),
            }
        }
        if !plain.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }

    /// It has no values in it.
    pub fn is_plain(&self) -> bool {
        !self.0.iter().any(|piece| matches!(piece, Piece::Value(_)))
    }

    fn text(&self) -> Cow<'_, str> {
        match self.0.as_slice() {
            [Piece::Text(text)] => Cow::Borrowed(text),
            _ => Cow::Borrowed(""),
        }
    }

    fn fill(&self, value: &impl Fn(CellValue) -> Result<String, String>) -> Result<String, String> {
        let mut filled = String::new();
        for (at, piece) in self.0.iter().enumerate() {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Value(wanted) => {
                    let text = value(*wanted)?;
                    // It comes from a repository: it must not become an option of the program.
                    if at == 0 && text.starts_with('-') {
                        return Err(format!("`{text}` would be an option: it begins with `-`"));
                    }
                    filled.push_str(&text);
                }
            }
        }
        Ok(filled)
    }
}

/// What is wrong with a program and its arguments, with the place in the list.
pub fn check_run(run: &[ArgumentTemplate]) -> Result<(), (usize, String)> {
    let Some(program) = run.first() else {
        return Err((
            0,
            "is empty; name a program and its arguments, such as `[\"k9s\", \"--context\", \"{context}\"]`".to_owned(),
        ));
    };
    let name = program.text();
    if !program.is_plain() || name.trim().is_empty() {
        return Err((0, "is no program: its name is written out".to_owned()));
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err((
            0,
            format!(
                "`{name}` is in the folder that it is run in; name a program of your PATH, or its whole path"
            ),
        ));
    }
    let base = name.rsplit('/').next().unwrap_or_default();
    if SHELLS.contains(&base)
        && let Some(flag) = run.iter().position(|it| {
            let text = it.text();
            text.starts_with('-') && !text.starts_with("--") && text.contains('c')
        })
        && run.get(flag + 1).is_some_and(|text| !text.is_plain())
    {
        return Err((
            flag + 1,
            format!(
                "a value in a shell's text is run with it; give it as an argument of its own: \
                 `[\"{name}\", \"-c\", \"echo \\\"$1\\\"\", \"{name}\", \"{{service}}\"]`"
            ),
        ));
    }
    Ok(())
}

impl OwnCommand {
    /// With a cell's values in it.
    ///
    /// # Errors
    /// The sentence that `value` says of a value that the cell does not have.
    pub fn fill(
        &self,
        value: impl Fn(CellValue) -> Result<String, String>,
    ) -> Result<OwnRun, String> {
        let arguments = self.run.iter().map(|argument| argument.fill(&value));
        Ok(OwnRun {
            name: self.name.clone(),
            arguments: arguments.collect::<Result<_, _>>()?,
            instead: None,
            screen: self.screen,
            timeout: self.timeout,
        })
    }
}

impl OwnRun {
    /// As it would be typed.
    pub fn line(&self) -> String {
        let plain = |c: char| c.is_alphanumeric() || "-_./:@+=,%".contains(c);
        let word = |word: &String| {
            if !word.is_empty() && word.chars().all(plain) {
                word.clone()
            } else {
                format!("'{}'", word.replace('\'', r"'\''"))
            }
        };
        self.arguments
            .iter()
            .map(word)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(run: &[&str]) -> Result<Vec<ArgumentTemplate>, String> {
        let run: Vec<_> = run
            .iter()
            .map(|text| ArgumentTemplate::parse(text))
            .collect::<Result<_, _>>()?;
        check_run(&run).map_err(|(at, why)| format!("{at}: {why}"))?;
        Ok(run)
    }

    fn value(value: CellValue) -> Result<String, String> {
        match value {
            CellValue::Service => Ok("web".to_owned()),
            CellValue::Version => Ok("--help".to_owned()),
            CellValue::Namespace => Ok("it's; rm -rf".to_owned()),
            _ => Err("the cell has none".to_owned()),
        }
    }

    #[test]
    fn arguments_take_values_and_nothing_else_is_read_into_them() {
        let cases: &[(&[&str], Result<&str, &str>)] = &[
            (&["k9s"], Ok("k9s")),
            (&["echo", "a={service}/{service}"], Ok("echo a=web/web")),
            (&["echo", "{{.items}}", "}}{{"], Ok("echo '{.items}' '}{'")),
            (&["echo", ""], Ok("echo ''")),
            (&["echo", "{namespace}"], Ok(r"echo 'it'\''s; rm -rf'")),
            (&["echo", "v{version}"], Ok("echo v--help")),
            (
                &["echo", "{version}"],
                Err("`--help` would be an option: it begins with `-`"),
            ),
            (&["echo", "{commit}"], Err("the cell has none")),
            (
                &["echo", "{servce}"],
                Err("`{servce}` is no value of a cell; there are {service}, {env}, {version}"),
            ),
            (&["echo", "{"], Err("`{}` is no value of a cell")),
            (&[], Err("0: is empty")),
            (&["{service}"], Err("0: is no program")),
            (&[" "], Err("0: is no program")),
            (
                &["./deploy"],
                Err("0: `./deploy` is in the folder that it is run in"),
            ),
            (&["/bin/echo", "x"], Ok("/bin/echo x")),
            (
                &["sh", "-c", "echo {service}"],
                Err("2: a value in a shell's text is run with it"),
            ),
            (
                &["/bin/bash", "-euc", "echo {service}"],
                Err("2: a value in a shell's text"),
            ),
            (
                &["sh", "-c", "echo \"$1\"", "sh", "{service}"],
                Ok("sh -c 'echo \"$1\"' sh web"),
            ),
        ];
        for (run, expected) in cases {
            let line = parsed(run).and_then(|run| {
                let command = OwnCommand {
                    name: "x".to_owned(),
                    description: String::new(),
                    key: None,
                    run,
                    dangerous: false,
                    read_only: false,
                    screen: false,
                    timeout: Duration::ZERO,
                };
                command.fill(value).map(|run| run.line())
            });
            match (line, expected) {
                (Ok(line), Ok(expected)) => assert_eq!(line, *expected),
                (Err(why), Err(expected)) => assert!(why.starts_with(expected), "{run:?}: {why}"),
                (found, _) => panic!("{run:?}: {found:?}"),
            }
        }
    }
}
