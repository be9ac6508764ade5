//! Where a secret of the user's is, without having it.

/// Where a token or a password comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A variable of the environment.
    Env(String),
    /// What a program prints.
    Command(Vec<String>),
}
