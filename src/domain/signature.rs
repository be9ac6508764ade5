//! Who signed a commit, as the user's own Git finds it.

use serde::Serialize;

/// What became of looking at a commit's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signed {
    /// Its key is known, and made it of exactly this commit.
    Good,
    /// The key is here and made it of exactly this commit, and nobody whom the user trusts vouches for whose key it is: it
    /// proves nothing of who signed.
    Untrusted,
    /// It was good, and it or its key has expired since.
    Expired,
    /// The key was revoked.
    Revoked,
    /// Whose key it is, is not known here: it says nothing.
    UnknownKey,
    /// It is not of this commit, or no signature at all.
    Bad,
    /// It has one, which could not be looked at: the program is not there, or failed.
    Unchecked,
    /// It has none.
    Unsigned,
}

/// A commit's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// Whether it counts.
    pub state: Signed,
    /// Who, as the key says; a name, or an address.
    pub by: Option<String>,
    /// The key that was used, as its program names it.
    pub key: Option<String>,
    /// What more is to be known, in a few words.
    pub detail: Option<String>,
}

impl Signature {
    /// What Git's `%G?`, `%GS` and `%GK` say, and its standard error; `has_one`: the commit has a signature, whatever could be said of it.
    pub fn told(status: char, [by, key]: [&str; 2], has_one: bool, said: &str) -> Self {
        let given = |text: &str| {
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let (by, key, said) = (given(by), given(key), given(said));
        let (state, detail) = match status {
            'G' => (Signed::Good, None),
            'U' if by.is_some() => (
                Signed::Untrusted,
                Some("nobody that you trust vouches for the key".to_owned()),
            ),
            'U' => (
                Signed::UnknownKey,
                Some("none of gpg.ssh.allowedSignersFile has this key".to_owned()),
            ),
            'X' => (
                Signed::Expired,
                Some("the signature has expired".to_owned()),
            ),
            'Y' => (Signed::Expired, Some("the key has expired".to_owned())),
            'R' => (Signed::Revoked, None),
            'B' => (Signed::Bad, None),
            'E' if key.is_some() => (Signed::UnknownKey, None),
            'N' if !has_one => (Signed::Unsigned, None),
            _ if said.as_ref().is_some_and(|said| lacks_signers(said)) => (
                Signed::UnknownKey,
                Some("gpg.ssh.allowedSignersFile names no file that is there".to_owned()),
            ),
            // gpgsm says it in words alone.
            _ if said.as_ref().is_some_and(|said| lacks_certificate(said)) => (
                Signed::UnknownKey,
                Some("its certificate is not here".to_owned()),
            ),
            _ => (Signed::Unchecked, said),
        };
        Self {
            state,
            by,
            key,
            detail,
        }
    }

    /// `signed by Jane <jane@example.com>`, `signed with an unknown key 4AEE…`, `not signed`.
    pub fn words(&self) -> String {
        let who = || {
            let who = self.by.as_deref().or(self.key.as_deref());
            who.unwrap_or("somebody").to_owned()
        };
        let key = || {
            let key = self.key.as_ref().map(|key| format!(" {key}"));
            key.unwrap_or_default()
        };
        let mut words = match self.state {
            Signed::Good => format!("signed by {}", who()),
            Signed::Untrusted => format!("signed by somebody who says to be {}, untrusted", who()),
            Signed::Expired => format!("signed by {}, expired", who()),
            Signed::Revoked => format!("signed with a revoked key of {}", who()),
            Signed::UnknownKey => format!("signed with an unknown key{}", key()),
            Signed::Bad => format!("BAD signature of {}", who()),
            Signed::Unchecked => "signed; not verified".to_owned(),
            Signed::Unsigned => "not signed".to_owned(),
        };
        if let Some(detail) = &self.detail {
            words.extend([" (", detail, ")"]);
        }
        words
    }
}

fn lacks_certificate(said: &str) -> bool {
    said.contains("certificate not found")
}

fn lacks_signers(said: &str) -> bool {
    said.contains("allowedSignersFile needs to be configured")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_of_a_signature() {
        for (status, by, key, has_one, said, state, words) in [
            (
                'G',
                "Jane <j@x>",
                "4AEE",
                true,
                "",
                Signed::Good,
                "signed by Jane <j@x>",
            ),
            (
                'U',
                "Jane <j@x>",
                "4AEE",
                true,
                "",
                Signed::Untrusted,
                "signed by somebody who says to be Jane <j@x>, untrusted (nobody that you trust vouches for the key)",
            ),
            (
                'U',
                "",
                "SHA256:x",
                true,
                "",
                Signed::UnknownKey,
                "signed with an unknown key SHA256:x (none of gpg.ssh.allowedSignersFile has this key)",
            ),
            (
                'E',
                "",
                "4AEE",
                true,
                "",
                Signed::UnknownKey,
                "signed with an unknown key 4AEE",
            ),
            (
                'E',
                "",
                "",
                true,
                "cannot run gpg",
                Signed::Unchecked,
                "signed; not verified (cannot run gpg)",
            ),
            (
                'N',
                "",
                "",
                true,
                "error: gpg.ssh.allowedSignersFile needs to be configured and exist",
                Signed::UnknownKey,
                "signed with an unknown key (gpg.ssh.allowedSignersFile names no file that is there)",
            ),
            (
                'N',
                "",
                "",
                true,
                "gpgsm: certificate not found",
                Signed::UnknownKey,
                "signed with an unknown key (its certificate is not here)",
            ),
            ('N', "", "", false, "", Signed::Unsigned, "not signed"),
            (
                'B',
                "Jane",
                "4AEE",
                true,
                "",
                Signed::Bad,
                "BAD signature of Jane",
            ),
            (
                'X',
                "Jane",
                "4AEE",
                true,
                "",
                Signed::Expired,
                "signed by Jane, expired (the signature has expired)",
            ),
            (
                'R',
                "Jane",
                "4AEE",
                true,
                "",
                Signed::Revoked,
                "signed with a revoked key of Jane",
            ),
        ] {
            let told = Signature::told(status, [by, key], has_one, said);
            assert_eq!(told.state, state, "{status}");
            assert_eq!(told.words(), words);
        }
    }
}
