//! `[commit]` of the user's own file: what of the user's clone runs when a commit is made, and who signs it off.

use super::reader::Table;
use crate::domain::commit::{CommitSettings, MessageHook};

pub(super) const KEYS: [&str; 2] = ["hooks", "sign-off"];

/// Reads it.
pub(super) fn commit(root: &Table<'_>) -> CommitSettings {
    let Some(table) = root.table("commit") else {
        return CommitSettings::default();
    };
    table.refuse_others(&KEYS, |_| None);
    let mut hooks = Vec::new();
    for name in table.strings("hooks").unwrap_or_default() {
        let mut named = MessageHook::NAMED.into_iter();
        if let Some((_, hook)) = named.find(|(known, _)| *known == name) {
            hooks.push(hook);
            continue;
        }
        let names = MessageHook::NAMED.map(|(name, _)| format!("`{name}`"));
        table.error(
            "hooks",
            format!(
                "`{name}` is none of {}: those alone are about the message, and the others about a work tree",
                names.join(" and ")
            ),
        );
    }
    hooks.sort();
    hooks.dedup();
    CommitSettings {
        hooks,
        sign_off: table.boolean("sign-off").unwrap_or_default(),
    }
}
