//! A plan as a file: what `tidegate plan … --out` writes and `tidegate apply` reads.
//!
//! The file is the plan as programs get it (`tidegate.plan/v1`), with what is needed to go on with it beside that:
//!
//! ```text
//! schema, base, changes, edits, … digest   what people and programs read
//! pinned   form, policy and the whole plan: request, base commits, bytes before and after, verdicts
//! seal     the hash of each of these fields: what was changed by hand is named
//! ```
//!
//! A seal keeps nobody from forging one. It need not: what is applied is planned anew from the request, and goes on only where
//! that comes to the digest that the file pins, which names every byte; and what people read is told anew from what is pinned,
//! and compared: what was looked at is what is applied.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Plan;
use crate::domain::{
    failure::{Failure, FailureKind},
    hash,
};

/// The form of what is pinned. One that reads another says so.
pub const FORM: u32 = 1;
/// The release that writes and reads.
const RELEASE: &str = env!("CARGO_PKG_VERSION");
/// The name of the form that people and programs read.
pub const SCHEMA: &str = "tidegate.plan/v1";
/// The fields that make a plan's JSON a file of one.
const PINNED: &str = "pinned";
const SEAL: &str = "seal";

/// A plan that was read from a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanFile {
    form: u32,
    /// The release of Tidegate that wrote it; none: one that did not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    /// Names the configuration that it was judged by.
    pub policy: String,
    /// As it was judged.
    pub plan: Plan,
}

impl PlanFile {
    /// What pins `plan`, judged by a policy of this name.
    pub fn new(plan: Plan, policy: String) -> Self {
        Self {
            form: FORM,
            release: Some(RELEASE.to_owned()),
            policy,
            plan,
        }
    }

    /// That another release wrote it, which may have judged otherwise and said it in other words; `None`: this one did.
    pub fn other_release(&self) -> Option<String> {
        (self.release.as_deref() != Some(RELEASE)).then(|| other_release(self.release.as_deref()))
    }

    /// The file's content: `shown`, the plan as programs get it, with what it is pinned to.
    pub fn sealed(&self, shown: Value) -> Value {
        let mut fields = match shown {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let pinned = serde_json::to_value(self).unwrap_or_default();
        fields.insert(PINNED.to_owned(), pinned);
        let seals = serde_json::to_value(seals(&fields)).unwrap_or_default();
        fields.insert(SEAL.to_owned(), seals);
        Value::Object(fields)
    }

    /// Reads a file; `name` is what it is called, `shown` tells a plan as programs get it.
    ///
    /// # Errors
    /// `Usage` where it is no plan, cut off, of another form, or of another release that this one cannot go on with; `Moved` where
    /// it was changed since it was written, or tells another plan than it pins, with the fields.
    pub fn read(
        name: &str,
        bytes: &[u8],
        shown: impl FnOnce(&Plan) -> Value,
    ) -> Result<Self, Failure> {
        const WRITE: &str = "`tidegate plan promote|set|revert … --out FILE` writes one";
        let no_plan = |why: String| Failure::usage(format!("{name} {why}")).hint(WRITE);
        if bytes.trim_ascii().is_empty() {
            return Err(no_plan("is empty, and no plan".to_owned()));
        }
        let value: Value = serde_json::from_slice(bytes).map_err(|error| {
            let cut = error.is_eof();
            no_plan(if cut {
                format!("ends in the middle of the plan ({error}): it was cut off")
            } else {
                format!("is no plan: it is no JSON ({error})")
            })
        })?;
        let Value::Object(mut fields) = value else {
            return Err(no_plan("is no plan: it is no JSON object".to_owned()));
        };
        match fields.get("schema").and_then(Value::as_str) {
            Some(SCHEMA) => {}
            Some(other) => {
                return Err(no_plan(format!(
                    "is no plan that this version reads: it is `{other}`, and a plan is `{SCHEMA}`"
                )));
            }
            None => return Err(no_plan("is no plan: it has no `schema`".to_owned())),
        }
        let Some(pinned) = fields.get(PINNED) else {
            return Err(no_plan(
                "tells a plan and does not pin one: it is what a command printed, not what `tidegate plan` did"
                    .to_owned(),
            ));
        };
        match pinned.get("form").and_then(Value::as_u64) {
            Some(form) if form == u64::from(FORM) => {}
            form => {
                let form = form.map_or("none".to_owned(), |form| form.to_string());
                return Err(Failure::usage(format!(
                    "{name} was written by another version of Tidegate (form {form}, this one reads form {FORM})"
                ))
                .hint("Plan it again with this version"));
            }
        }
        let seal = fields.shift_remove(SEAL);
        let by_hand = changed(&fields, seal.as_ref());
        if !by_hand.is_empty() {
            return Err(altered(name, &format!("{} changed", by_hand.join(", "))));
        }
        let pinned = fields.shift_remove(PINNED).unwrap_or_default();
        // As it was written, it is: what is the matter beyond here is the matter with this release, where another wrote it.
        let release = pinned.get("release").and_then(Value::as_str);
        let release = release.map(str::to_owned);
        let altered = |name: &str, how: &str| {
            if release.as_deref() == Some(RELEASE) {
                return altered(name, how);
            }
            let other = other_release(release.as_deref());
            Failure::usage(format!(
                "{name} cannot be applied: {other} ({how}); nothing was written"
            ))
            .hint(AGAIN)
        };
        let file: Self = serde_json::from_value(pinned)
            .map_err(|error| altered(name, &format!("what it pins cannot be read ({error})")))?;
        let digest = fields.get("digest").and_then(Value::as_str);
        if file.plan.digest != file.plan.digest_of() || digest != Some(file.plan.digest.as_str()) {
            return Err(altered(
                name,
                "its digest is not that of its bytes and verdicts",
            ));
        }
        let told = match shown(&file.plan) {
            Value::Object(told) => told,
            _ => Map::new(),
        };
        let told = serde_json::to_value(seals(&told)).unwrap_or_default();
        let other = changed(&fields, Some(&told));
        if !other.is_empty() {
            let tells = if other.len() == 1 { "tells" } else { "tell" };
            let what = format!("{} {tells} another plan than it pins", other.join(", "));
            return Err(altered(name, &what));
        }
        Ok(file)
    }
}

fn altered(name: &str, how: &str) -> Failure {
    Failure::new(
        FailureKind::Moved,
        format!("{name} is not as it was written: {how}; nothing was written"),
    )
    .hint(AGAIN)
}

/// What to do with a plan that cannot be gone on with.
const AGAIN: &str = "Plan it again with this version, and look at what it tells then";

fn other_release(release: Option<&str>) -> String {
    let wrote = release.map_or("another release of Tidegate".to_owned(), |release| {
        format!("Tidegate {release}")
    });
    format!("{wrote} wrote it, and this is {RELEASE}, which may plan, judge and word it otherwise")
}

/// The hash of each field.
fn seals(fields: &Map<String, Value>) -> BTreeMap<String, String> {
    let seal = |(name, value): (&String, &Value)| {
        let mut text = String::new();
        canonical(value, &mut text);
        (name.clone(), hash::of([text.as_bytes()]))
    };
    fields.iter().map(seal).collect()
}

/// Names of fields that are not what their seal says, that have none, or that are gone.
fn changed(fields: &Map<String, Value>, seal: Option<&Value>) -> Vec<String> {
    let Some(seal) = seal.and_then(Value::as_object) else {
        return vec![format!("`{SEAL}`")];
    };
    let mut now = seals(fields);
    let mut changed = Vec::new();
    for (name, then) in seal {
        if now.remove(name).as_deref() != then.as_str() {
            changed.push(format!("`{name}`"));
        }
    }
    changed.extend(now.keys().map(|name| format!("`{name}`")));
    changed
}

/// JSON in one way only: whoever formats a file, or orders its fields, changes nothing.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, &Value> = fields.iter().collect();
            text.push('{');
            for (name, value) in fields {
                text.push_str(&Value::String(name.clone()).to_string());
                text.push(':');
                canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                canonical(item, text);
                text.push(',');
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::domain::{
        desired::{RefName, Tip},
        ids::{CellKey, ObjectId},
        layout::Origin,
        plan::{Action, FileEdit, Intent, Outcome, PlannedChange, Verdict, Wave, Write},
    };

    fn plan(edits: Vec<FileEdit>, outcome: Outcome) -> Plan {
        let name = RefName {
            repository: None,
            reference: "refs/heads/main".to_owned(),
        };
        let tip = Tip::new(name, Origin::default(), ObjectId::new([1; 20]));
        let cell = CellKey::new("web", "prod");
        let mut plan = Plan {
            base: vec![tip.clone()],
            changes: vec![PlannedChange {
                cell: cell.clone(),
                intent: Intent::Promote {
                    from: "staging".into(),
                },
                from: Some("1".into()),
                to: Some("2".into()),
                inherits: None,
                pins: None,
                verdicts: vec![Verdict::beside("upstream", outcome, "seen 2 s ago")],
                along: None,
            }],
            waves: vec![Wave {
                after: Vec::new(),
                writes: vec![Write {
                    tip,
                    action: Action::Edit,
                    edits,
                    message: "promote".to_owned(),
                    cells: vec![cell],
                    vetoes: Vec::new(),
                    in_step: None,
                }],
            }],
            ..Plan::default()
        };
        plan.digest = plan.digest_of();
        plan
    }

    fn edit(path: &str, before: &[u8], after: &[u8]) -> FileEdit {
        FileEdit {
            path: path.into(),
            before: before.to_vec(),
            after: after.to_vec(),
        }
    }

    fn shown(plan: &Plan) -> Value {
        json!({
            "schema": SCHEMA,
            "changes": [{ "service": "web", "to": "2" }],
            "digest": plan.digest,
        })
    }

    fn written(plan: &Plan) -> Value {
        PlanFile::new(plan.clone(), "policy".to_owned()).sealed(shown(plan))
    }

    fn read(value: &Value) -> Result<PlanFile, Failure> {
        PlanFile::read("plan.json", value.to_string().as_bytes(), shown)
    }

    #[test]
    fn it_comes_back_as_it_was_however_it_is_formatted() {
        let plan = plan(vec![edit("a.yaml", b"\xff1\r\n", b"2")], Outcome::Pass);
        let value = written(&plan);
        let file = read(&value).unwrap();
        assert_eq!((&file.plan, file.policy.as_str()), (&plan, "policy"));
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        assert_eq!(PlanFile::read("p", pretty.as_bytes(), shown).unwrap(), file);
        let Value::Object(fields) = value else {
            panic!("an object");
        };
        let turned: Map<String, Value> = fields.into_iter().rev().collect();
        assert_eq!(read(&Value::Object(turned)).unwrap(), file);
    }

    #[test]
    fn what_is_no_plan_or_was_changed_is_told_apart() {
        let plan = plan(vec![edit("a.yaml", b"1", b"2")], Outcome::Pass);
        let text = written(&plan).to_string();
        let usage = FailureKind::Usage;
        let cases: [(&str, FailureKind, &str); 9] = [
            ("", usage, "is empty"),
            ("tag: 1", usage, "it is no JSON"),
            ("[1]", usage, "no JSON object"),
            ("{}", usage, "has no `schema`"),
            (
                r#"{"schema":"tidegate.plan/v2"}"#,
                usage,
                "`tidegate.plan/v2`",
            ),
            (
                r#"{"schema":"tidegate.plan/v1"}"#,
                usage,
                "does not pin one",
            ),
            (
                r#"{"schema":"tidegate.plan/v1","pinned":{"form":2}}"#,
                usage,
                "form 2, this one reads form 1",
            ),
            (&text[..text.len() / 2], usage, "it was cut off"),
            (
                &text.replace("\"service\":\"web\"", "\"service\":\"pay\""),
                FailureKind::Moved,
                "`changes`, `pinned` changed",
            ),
        ];
        for (text, kind, words) in cases {
            let error = PlanFile::read("plan.json", text.as_bytes(), shown).unwrap_err();
            assert_eq!(error.kind, kind, "{text}");
            assert!(error.why.contains(words), "{words} is not in {error}");
        }
        let more = |change: fn(&mut Value)| {
            let mut value = written(&plan);
            change(&mut value);
            read(&value).unwrap_err().why
        };
        assert!(more(|it| it["note"] = json!("hi")).contains("`note` changed"));
        let mut told = shown(&plan);
        told["changes"][0]["to"] = json!("9");
        let forged = PlanFile::new(plan.clone(), "policy".to_owned()).sealed(told);
        let error = read(&forged).unwrap_err();
        assert_eq!(error.kind, FailureKind::Moved);
        assert!(
            error
                .why
                .contains("`changes` tells another plan than it pins"),
            "{error}"
        );
        assert!(more(|it| it["seal"] = json!(1)).contains("`seal` changed"));
        assert!(
            more(|it| drop(it.as_object_mut().unwrap().remove("changes"))).contains("`changes`")
        );
        // Sealed again by whoever changed it.
        let forged = PlanFile {
            plan: Plan {
                deliver: crate::domain::topology::Deliver::Branch,
                ..plan.clone()
            },
            ..PlanFile::new(plan.clone(), "policy".to_owned())
        };
        let forged = forged.sealed(json!({ "schema": SCHEMA, "digest": plan.digest }));
        assert!(read(&forged).unwrap_err().why.contains("its digest is not"));
    }

    #[test]
    fn what_another_release_wrote_is_told_as_that() {
        let pinned = plan(vec![edit("a.yaml", b"1", b"2")], Outcome::Pass);
        let own = PlanFile::new(pinned.clone(), "policy".to_owned());
        assert_eq!(own.other_release(), None);
        let (other, none) = (Some("0.0.9".to_owned()), None);
        for (release, wrote) in [
            (other, "Tidegate 0.0.9"),
            (none, "another release of Tidegate"),
        ] {
            let file = PlanFile {
                release,
                ..own.clone()
            };
            // What it says is understood: it can be gone on with.
            let same = read(&file.sealed(shown(&pinned))).unwrap();
            assert_eq!(same.plan, pinned);
            let said = same.other_release().unwrap();
            assert!(
                said.starts_with(&format!("{wrote} wrote it, and this is {RELEASE}")),
                "{said}"
            );
            // It told the plan in other words, named it otherwise, or pins what is not known any more.
            let mut told = shown(&pinned);
            told["more"] = json!(1);
            let mut named = file.clone();
            named.plan.digest = "other".to_owned();
            let named = named.sealed(json!({ "schema": SCHEMA, "digest": "other" }));
            let mut fields = serde_json::to_value(&file).unwrap();
            fields["plan"]["deliver"] = json!("pigeon");
            let mut unread = Map::from_iter([
                ("schema".to_owned(), json!(SCHEMA)),
                (PINNED.to_owned(), fields),
            ]);
            let sealed = serde_json::to_value(seals(&unread)).unwrap();
            unread.insert(SEAL.to_owned(), sealed);
            for value in [file.sealed(told), named, Value::Object(unread)] {
                let error = read(&value).unwrap_err();
                assert_eq!(error.kind, FailureKind::Usage, "{error}");
                let words = format!("plan.json cannot be applied: {wrote} wrote it");
                assert!(error.why.starts_with(&words), "{error}");
            }
            // What somebody changed since is not the release's doing.
            let mut by_hand = file.sealed(shown(&pinned));
            by_hand["changes"] = json!([]);
            assert_eq!(read(&by_hand).unwrap_err().kind, FailureKind::Moved);
        }
    }

    fn edits() -> impl Strategy<Value = Vec<FileEdit>> {
        let one = ("[ab]", "[a-c]{0,3}", "[a-c]{0,3}");
        let all = proptest::collection::vec(one, 1..3);
        all.prop_map(|all| {
            let edits = all.iter();
            let made =
                edits.map(|(path, before, after)| edit(path, before.as_bytes(), after.as_bytes()));
            made.collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        /// What a file pins is what is planned anew, to the byte, or the two have other digests.
        #[test]
        fn no_file_is_applied_to_other_bytes(one in edits(), other in edits(), holds in any::<bool>()) {
            let outcome = if holds { Outcome::Hold } else { Outcome::Pass };
            let (pinned, again) = (plan(one.clone(), Outcome::Pass), plan(other.clone(), outcome));
            let file = read(&written(&pinned)).unwrap();
            let same = one == other && !holds;
            prop_assert_eq!(file.plan.digest == again.digest, same);
        }

        /// Whatever byte of a file is another, it is refused, or says the same.
        #[test]
        fn no_changed_file_says_anything_else(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let plan = plan(vec![edit("a.yaml", b"tag: 1", b"tag: 2")], Outcome::Pass);
            let mut bytes = written(&plan).to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(file) = PlanFile::read("plan.json", &bytes, shown) {
                prop_assert_eq!(file.plan, plan);
            }
        }
    }
}
