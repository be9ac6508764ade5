//! What YAML readers take a plain scalar for.

/// What a plain scalar means to a reader of YAML 1.1 or 1.2, whichever sees more in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalarType {
    /// A string to every reader.
    Text,
    /// `true`, `no`, `On`…
    Bool,
    /// An integer or a float in any notation.
    Number,
    /// Empty, `~`, `null`.
    Null,
    /// A date, with or without a time; in YAML 1.1.
    Timestamp,
    /// `<<` and `=`, which have a meaning of their own in YAML 1.1.
    Special,
}

/// What a plain scalar of this text means.
pub fn scalar_type(text: &str) -> ScalarType {
    match text.to_ascii_lowercase().as_str() {
        "" | "~" | "null" => ScalarType::Null,
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" => ScalarType::Bool,
        _ => ScalarType::Text,
    }
}
