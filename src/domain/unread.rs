//! Text that stands where a version is expected and is none: variables, templates, what is encrypted, what could be no
//! version at all. It is told, never shown as a version, never copied, never written over.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::grammar::{Grammar, shown};

/// Why a text is no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unread {
    /// `${TAG}`, `$(TAG)`, `$TAG`, `$[ tag ]`, `((tag))`, `%{tag}`, `<TAG>`, `%TAG%`: filled in later.
    Variable,
    /// `{{ .Values.tag }}`, `{% … %}`, `<%= … %>`, ytt's `#@`.
    Template,
    /// `ENC[…]` and the like.
    Encrypted,
    /// It could be no version of what stands there.
    Illegal,
}

impl Unread {
    /// Why `text`, in the place of a version that `grammar` describes, is none; `None` where it may be one.
    pub fn of(text: &str, grammar: Grammar) -> Option<Self> {
        // Nearly every version: nothing in it could be a sign of something else.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if grammar != Grammar::Digest
            && text.bytes().all(plain)
            && !text.starts_with(['.', '-'])
            && text.len() <= 128
        {
            return None;
        }
        if is_encrypted(text) {
            return Some(Self::Encrypted);
        }
        if let Some((_, kind)) = placeholders(text).first() {
            return Some(*kind);
        }
        if matches(&WHOLE, text.trim()) || text.trim_start().starts_with("#@") {
            return Some(Self::Variable);
        }
        // A setting may be in braces; an image, a chart and a ref are not.
        if grammar != Grammar::Text && matches(&BRACED, text.trim()) {
            return Some(Self::Variable);
        }
        if grammar.may_be(text) {
            return None;
        }
        // What a tag cannot hold anyway may say what was meant.
        Some(if matches(&ANYWHERE, text) {
            Self::Variable
        } else {
            Self::Illegal
        })
    }

    /// What is said of `text`: what it is, and what to do.
    pub fn words(self, text: &str) -> String {
        let text = shown(text);
        match self {
            Self::Variable => format!(
                "{text} is a variable that is filled in later, not a version: it is neither read nor written over; \
                 name the place that its value comes from in the layout"
            ),
            Self::Template => "a template's expression stands where the version is expected: write the version itself \
                               here, or name the file that the template takes it from"
                .to_owned(),
            Self::Encrypted => "the value is encrypted: it is neither read nor written over; keep versions plain, \
                                outside of what is encrypted"
                .to_owned(),
            Self::Illegal => format!(
                "{text} can be no image's tag or digest, and no chart's version: it is neither read nor written over; mend it, or look at the \
                 layout's `part`, `match` and `version_of`"
            ),
        }
    }
}

/// Whether `text` can be written where `grammar` says what stands: it is a version of that kind, and nothing that is filled in
/// later, computed or encrypted.
///
/// # Errors
/// A sentence with what it is, or the rule that it breaks.
pub fn writable(text: &str, grammar: Grammar) -> Result<(), String> {
    grammar.check(text)?;
    let what = match Unread::of(text, grammar) {
        None => return Ok(()),
        Some(Unread::Variable) => "a variable that is filled in later",
        Some(Unread::Template) => "a template's expression",
        Some(Unread::Encrypted) => "an encrypted value",
        Some(Unread::Illegal) => "none that could be read back",
    };
    Err(format!(
        "{} is no version: it is {what}; write the version itself",
        shown(text)
    ))
}

/// The whole text is one name that something else replaces.
static WHOLE: Pattern = Pattern::new(|| {
    Regex::new(r"^(?:\$[A-Za-z_]\w*|<[A-Za-z_][\w .-]*>|%[A-Za-z_]\w*%|@@?[A-Za-z_]\w*@@?|\[\[.*\]\]|#\{.*\}#?|\(\(.*\)\)|%\{.*\}|\$\[.*\]|#[A-Za-z_]\w*#)$").ok()
});
/// Anywhere in a text that can be no version as it is.
static ANYWHERE: Pattern = Pattern::new(|| {
    Regex::new(r"\$[A-Za-z_]\w*|<[A-Za-z_][\w .-]*>|%[A-Za-z_]\w*%|@@?[A-Za-z_]\w*@@?|\(\([^()]*\)\)|%?\{[A-Za-z_][\w .-]*\}|\$\[[^\]]*\]|#[A-Za-z_]\w*#").ok()
});
/// A name in braces, and nothing else.
static BRACED: Pattern = Pattern::new(|| Regex::new(r"^\{[A-Za-z_][\w .-]*\}$").ok());
/// What something else replaces wherever it stands.
static INNER: Pattern = Pattern::new(|| {
    Regex::new(
        r"(\$\{[^}]*\}?|\$\([^)]*\)?)|(\{\{[^}]*\}?\}?|\{%[^%]*%?\}?|\(@[^@]*@\)|<%[^%]*%?>?)",
    )
    .ok()
});

/// A literal that the tests below compile.
type Pattern = LazyLock<Option<Regex>>;

fn matches(pattern: &Pattern, text: &str) -> bool {
    pattern.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// Variables and template expressions inside a text, in order, with their bytes.
pub fn placeholders(text: &str) -> Vec<(Range<usize>, Unread)> {
    if !text.contains(['$', '{', '(', '<']) {
        return Vec::new();
    }
    let captures = INNER.as_ref().map(|regex| regex.captures_iter(text));
    let found = captures.into_iter().flatten().filter_map(|captures| {
        let kind = if captures.get(1).is_some() {
            Unread::Variable
        } else {
            Unread::Template
        };
        Some((captures.get(0)?.range(), kind))
    });
    found.collect()
}

/// The text with its placeholders as `_`, of the same length: what is told apart by signs is not told apart by theirs.
pub fn masked(text: &str) -> String {
    let mut masked = text.to_owned();
    for (range, _) in placeholders(text) {
        masked.replace_range(range.clone(), &"_".repeat(range.len()));
    }
    masked
}

/// Whether a value is encrypted by SOPS, eyaml, Ansible Vault, age or PGP.
pub fn is_encrypted(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("ENC[AES256_GCM,")
        || text.starts_with("ENC[") && text.ends_with(']')
        || text.starts_with("$ANSIBLE_VAULT;")
        || text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----")
        || text.starts_with("-----BEGIN PGP MESSAGE-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_version_is_told_apart() {
        use Unread::{Encrypted, Illegal, Template, Variable};
        let everywhere = [
            ("${TAG}", Variable),
            ("${TAG:-1.2.3}", Variable),
            ("${TAG:=v1}", Variable),
            ("v${MAJOR}.2", Variable),
            ("${A}-${B}", Variable),
            ("$(TAG)", Variable),
            ("1.2-$(BUILD)", Variable),
            ("$TAG", Variable),
            ("$tag_1", Variable),
            ("<TAG>", Variable),
            ("<your tag>", Variable),
            ("%TAG%", Variable),
            ("@TAG@", Variable),
            ("@@TAG@@", Variable),
            ("[[ tag ]]", Variable),
            ("#{TAG}#", Variable),
            ("#TAG#", Variable),
            ("((tag))", Variable),
            ("((vault:web.tag))", Variable),
            ("%{tag}", Variable),
            ("$[ variables.tag ]", Variable),
            ("${TAG", Variable),
            ("{{ .Values.tag }}", Template),
            ("{{tag}}", Template),
            ("v{{ minor }}", Template),
            ("{{- if x }}1{{ end }}", Template),
            ("{% if x %}1{% endif %}", Template),
            ("(@= data.values.tag @)", Template),
            ("<%= tag %>", Template),
            ("v<%= minor %>.1", Template),
            (
                "ENC[AES256_GCM,data:MS4w,iv:aaaa,tag:bbbb,type:str]",
                Encrypted,
            ),
            ("ENC[PKCS7,MIIB]", Encrypted),
            ("$ANSIBLE_VAULT;1.1;AES256\n6138", Encrypted),
            ("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n", Encrypted),
            ("-----BEGIN PGP MESSAGE-----\n\nhQ\n", Encrypted),
        ];
        for (text, kind) in everywhere {
            for grammar in [Grammar::Image, Grammar::Text, Grammar::Chart, Grammar::Ref] {
                assert_eq!(Unread::of(text, grammar), Some(kind), "{text} {grammar:?}");
            }
        }
        for text in ["{TAG}", "{tag}", "{my tag}"] {
            for grammar in [
                Grammar::Image,
                Grammar::Chart,
                Grammar::ChartOwn,
                Grammar::Ref,
            ] {
                assert_eq!(
                    Unread::of(text, grammar),
                    Some(Variable),
                    "{text} {grammar:?}"
                );
            }
        }
        let of_charts = [
            ("1.2-{BUILD}", Some(Variable)),
            ("1.2-((build))", Some(Variable)),
            ("1.2.3 (beta)", Some(Illegal)),
            ("'1.2.3'", Some(Illegal)),
            ("1.2.3+build", None),
            (">=1.0 <2 || ^3.1", None),
            ("1.x", None),
            ("*", None),
            ("~1.2, !=1.2.4", None),
        ];
        for (text, expected) in of_charts {
            assert_eq!(Unread::of(text, Grammar::Chart), expected, "{text}");
        }
        for text in ["feature/#12", "a(b)", "50%", "release/1.2"] {
            assert_eq!(Unread::of(text, Grammar::Ref), None, "{text}");
        }
        let digest = format!("sha256:{}", "0a".repeat(32));
        let (pinned, more) = (format!("v1@{digest}"), format!("{digest}0"));
        let long = format!("v1@sha512:{}", "0a".repeat(64));
        let upper = format!("sha256:{}", "0A".repeat(32));
        let of_images = [
            ("1-$SUFFIX", Some(Variable)),
            ("1.2 3", Some(Illegal)),
            ("a,b", Some(Illegal)),
            (":::", Some(Illegal)),
            ("r/web:1", Some(Illegal)),
            (">=1.0", Some(Illegal)),
            ("it's", Some(Illegal)),
            ("-x", Some(Illegal)),
            ("1.2.3", None),
            ("latest", None),
            (&digest, None),
            (&pinned, None),
            (&long, None),
            (&upper, None),
            ("sha256:aa", Some(Illegal)),
            ("v1@sha256:1234", Some(Illegal)),
            (&digest[..70], Some(Illegal)),
            (&pinned[..73], Some(Illegal)),
            (&more, Some(Illegal)),
            ("v1@", Some(Illegal)),
            ("v1@v2", Some(Illegal)),
            ("sha256:", Some(Illegal)),
            ("__TAG__", None),
        ];
        for (text, expected) in of_images {
            assert_eq!(Unread::of(text, Grammar::Image), expected, "{text}");
        }
        let settings = [
            "costs $5",
            "^v(.*)$",
            "a$b",
            "50%",
            "<5",
            "a < b > c",
            "100% of %d",
            "$2a$10$abc",
            "$",
            "{}",
            "{a}",
            "(x)",
            "a@b",
            "ENC",
            "it's",
            "[1]",
            "#x",
            "1 - 2",
        ];
        for text in settings {
            assert_eq!(Unread::of(text, Grammar::Text), None, "{text}");
        }
    }

    #[test]
    fn what_is_filled_in_computed_or_encrypted_is_not_written() {
        let cases = [
            ("${TAG}", "it is a variable"),
            ("((tag))", "it is a variable"),
            ("{{ x }}", "it is a template's expression"),
            ("<%= x %>", "it is a template's expression"),
            (
                "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]",
                "it is an encrypted value",
            ),
            ("", "an empty text is no version"),
        ];
        for (text, expected) in cases {
            let said = writable(text, Grammar::Text).unwrap_err();
            assert!(said.contains(expected), "{text}: {said}");
        }
        for text in ["1.2.3", "{a}", "costs $5"] {
            assert_eq!(writable(text, Grammar::Text), Ok(()), "{text}");
        }
    }

    #[test]
    fn signs_inside_placeholders_count_for_nothing() {
        assert_eq!(
            masked("${A:-ghcr.io/o}/web:v1"),
            format!("{}/web:v1", "_".repeat(15))
        );
        assert_eq!(
            masked("r/web:{{ é }}"),
            format!("r/web:{}", "_".repeat("{{ é }}".len()))
        );
        assert_eq!(masked("r/web:v1"), "r/web:v1");
    }
}
