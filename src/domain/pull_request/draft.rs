//! What a pull request of ours says: its title and its body.

use std::{collections::BTreeSet, fmt::Write as _};

use super::MergeBy;
use crate::domain::{
    ids::EnvironmentName,
    plan::{Plan, PlannedChange, Write},
    source_code::{Behind, VersionStep},
    template::{Captures, Template},
    text::{count, sanitise},
    topology::Topology,
    version::Version,
};

/// `[environments.pull-request]`: how pull requests of an environment are opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Labels that they get.
    pub labels: Vec<String>,
    /// Who is asked to review them: `alice`, `@org/team`.
    pub reviewers: Vec<String>,
    /// They are opened as not ready.
    pub draft: bool,
    /// Who merges them.
    pub merge: Option<MergeBy>,
    /// What marks one that goes back, where nothing can be pushed.
    pub urgent: Urgent,
    /// In place of our title.
    pub title: Option<Template>,
    /// In place of our body.
    pub body: Option<Template>,
}

/// `urgent` of `[environments.pull-request]`: how one is marked that goes back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Urgent {
    /// Labels that it gets beside the others.
    pub labels: Vec<String>,
    /// In place of `Urgent: {subject}`.
    pub title: Option<Template>,
}

/// A pull request that is to be opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The branch that is to be merged.
    pub branch: String,
    /// The branch that it is to be merged into.
    pub base: String,
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Labels that it gets.
    pub labels: Vec<String>,
    /// Who is asked to review it.
    pub reviewers: Vec<String>,
    /// It is opened as not ready.
    pub draft: bool,
}

/// Where our own body names the plan.
const PLAN: &str = "Plan: `";

impl Draft {
    /// Whether a body is one of ours that says what another plan does than this one.
    pub fn outdates(&self, body: &str) -> bool {
        let plan = |text: &str| {
            let (_, digest) = text.rsplit_once(PLAN)?;
            Some(digest.split('`').next()?.to_owned())
        };
        match (plan(&self.body), plan(body)) {
            (Some(now), Some(then)) => now != then,
            _ => false,
        }
    }
}

impl Settings {
    /// What a title may be made of.
    pub const TITLE: [&str; 3] = ["subject", "services", "environments"];
    /// What a body may be made of.
    pub const BODY: [&str; 8] = [
        "changes", "source", "gates", "touches", "owners", "revert", "reason", "plan",
    ];
}

/// What is said in a pull request beside its plan.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Whose its files are, a sentence each.
    pub owners: Vec<String>,
    /// What stands behind its changes, in the source code: each step of a service once.
    pub behind: Vec<(VersionStep, Behind)>,
    /// Of how many more nobody was asked.
    pub more: usize,
}

/// What one write of a plan asks for.
pub fn draft(
    plan: &Plan,
    write: &Write,
    branch: &str,
    topology: &Topology,
    beside: &Beside,
) -> Draft {
    let changes: Vec<&PlannedChange> = plan.changes_of(write).collect();
    let mut environments: Vec<&EnvironmentName> = Vec::new();
    for change in &changes {
        if !environments.contains(&&change.cell.environment) {
            environments.push(&change.cell.environment);
        }
    }
    let all = &topology.policy.pull_requests;
    let settings: Vec<&Settings> = environments.iter().filter_map(|it| all.get(*it)).collect();
    let union = |of: fn(&Settings) -> &Vec<String>| {
        let mut names: Vec<String> = Vec::new();
        for name in settings.iter().flat_map(|settings| of(settings)) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    };
    let subject = write.message.lines().next().unwrap_or_default().to_owned();
    let services: BTreeSet<&str> = changes.iter().map(|it| it.cell.service.as_str()).collect();
    let names = |names: Vec<&str>| names.join(", ");
    let of_title: Captures = [
        ("subject", subject.clone()),
        ("services", names(services.into_iter().collect())),
        (
            "environments",
            names(environments.iter().map(|it| it.as_str()).collect()),
        ),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .into();
    let of_body: Captures = [
        ("changes", changes_of(&changes)),
        ("source", source_of(beside)),
        ("gates", gates_of(&changes)),
        ("touches", touches(&changes, &environments, topology)),
        ("owners", owners_of(&beside.owners)),
        ("revert", revert_of(&changes)),
        ("reason", reason_of(plan)),
        ("plan", code(&plan.digest)),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .into();
    let first = |of: fn(&Settings) -> Option<&Template>, texts: &Captures| {
        let template = settings.iter().find_map(|settings| of(settings))?;
        // Names were checked when the configuration was read.
        template.fill(texts).ok()
    };
    let urgent = plan.is_emergency();
    let title = first(|it| it.title.as_ref(), &of_title).unwrap_or(subject);
    let title = match first(|it| it.urgent.title.as_ref(), &of_title) {
        _ if !urgent => title,
        Some(own) => own,
        None => format!("Urgent: {title}"),
    };
    let mut body = first(|it| it.body.as_ref(), &of_body).unwrap_or_else(|| usual(&of_body));
    let mut labels = union(|it| &it.labels);
    let mut reviewers = union(|it| &it.reviewers);
    if urgent {
        labels.extend(union(|it| &it.urgent.labels));
        let approvers = approvers(&environments, topology);
        if !approvers.is_empty() {
            body = format!("{}\n{body}", let_through(&approvers));
            let known = |names: &[String], name: &String| {
                let plain = name.trim_start_matches('@');
                names.iter().any(|it| it.trim_start_matches('@') == plain)
            };
            for name in approvers {
                if !known(&reviewers, &name) {
                    reviewers.push(name);
                }
            }
        }
    }
    Draft {
        branch: branch.to_owned(),
        base: write.tip.branch().to_owned(),
        title: sanitise(title.trim()).into_owned(),
        body,
        labels,
        reviewers,
        // What goes back is ready.
        draft: !urgent && settings.iter().any(|it| it.draft),
    }
}

/// Who may let it through, by the gate `approvals` of its environments, each once.
pub fn approvers(environments: &[&EnvironmentName], topology: &Topology) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for environment in environments {
        let policy = topology.policy.of(environment);
        let asks = policy.and_then(|policy| policy.approvals.as_ref());
        for name in asks.into_iter().flat_map(|asks| &asks.from) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    names
}

/// Calls them by name: that notifies them.
fn let_through(approvers: &[String]) -> String {
    let safe = |name: &String| {
        let plain = name.trim_start_matches('@').chars();
        let plain: String = plain
            .filter(|c| c.is_ascii_alphanumeric() || "-_./".contains(*c))
            .collect();
        format!("@{plain}")
    };
    let names: Vec<String> = approvers.iter().map(safe).collect();
    format!(
        "**Urgent: this goes back.** It can be let through by {}.\n",
        names.join(", ")
    )
}

/// The body where no template stands in its place.
fn usual(texts: &Captures) -> String {
    let text = |name: &str| texts.get(name).map_or("", String::as_str);
    let mut body = String::new();
    let reason = text("reason");
    if !reason.is_empty() {
        let _ = writeln!(body, "{reason}\n");
    }
    for (heading, name) in [
        ("Changes", "changes"),
        ("What it brings", "source"),
        ("Gates", "gates"),
        ("What it touches", "touches"),
        ("Whose it is", "owners"),
        ("How to revert", "revert"),
    ] {
        // Most files are nobody's, and not everybody says where the source code is.
        if !["owners", "source"].contains(&name) || !text(name).is_empty() {
            let _ = writeln!(body, "## {heading}\n\n{}\n", text(name).trim_end());
        }
    }
    let _ = writeln!(body, "Plan: {}", text("plan"));
    body
}

fn changes_of(changes: &[&PlannedChange]) -> String {
    let mut text =
        "| service | environment | from | to | |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for change in changes {
        let along = if change.along.is_some() {
            "comes along"
        } else {
            change.verb()
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {along} |",
            code(change.cell.service.as_str()),
            code(change.cell.environment.as_str()),
            version(change.from.as_ref()),
            version(change.to.as_ref()),
        );
    }
    text
}

fn version(version: Option<&Version>) -> String {
    version.map_or_else(|| "none".to_owned(), |version| code(version.as_str()))
}

fn gates_of(changes: &[&PlannedChange]) -> String {
    let mut text = String::new();
    for change in changes {
        for verdict in &change.verdicts {
            let _ = write!(
                text,
                "| {} | {} | {} | {}",
                code(&change.cell.to_string()),
                verdict.gate,
                verdict.outcome.as_str(),
                plain(&verdict.detail)
            );
            for input in &verdict.inputs {
                let at = input.at.map_or_else(
                    || "not known".to_owned(),
                    |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
                );
                let _ = write!(text, "<br>{}: {at}", plain(&input.what));
            }
            if let Some(reason) = &verdict.overridden {
                let _ = write!(text, "<br>**lifted**: {}", plain(reason));
            }
            text.push_str(" |\n");
        }
    }
    if text.is_empty() {
        return "none asks anything\n".to_owned();
    }
    format!("| cell | gate | says | with |\n| --- | --- | --- | --- |\n{text}")
}

fn touches(
    changes: &[&PlannedChange],
    environments: &[&EnvironmentName],
    topology: &Topology,
) -> String {
    let names: Vec<String> = environments
        .iter()
        .map(|name| {
            let known = topology.get(name);
            let protected = known.is_some_and(|it| it.protected);
            let cluster = known.and_then(|it| it.cluster.as_deref());
            let mut words = code(name.as_str());
            match (protected, cluster) {
                (true, Some(cluster)) => {
                    let _ = write!(words, " (protected, cluster {})", code(cluster));
                }
                (true, None) => words.push_str(" (protected)"),
                (false, Some(cluster)) => {
                    let _ = write!(words, " (cluster {})", code(cluster));
                }
                (false, None) => {}
            }
            words
        })
        .collect();
    format!(
        "{} in {}: {}\n",
        count(changes.len(), "cell"),
        count(environments.len(), "environment"),
        names.join(", ")
    )
}

/// As much as a body has room for: GitHub takes 65,536 characters, and gates and changes need theirs.
fn source_of(beside: &Beside) -> String {
    const ROOM: usize = 20_000;
    let mut text = String::new();
    let mut more = beside.more;
    for (step, behind) in &beside.behind {
        let part = behind.markdown(step, plain);
        if text.len() + part.len() > ROOM {
            more += 1;
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&part);
    }
    if more > 0 {
        let _ = writeln!(
            text,
            "\n{} more: `tidegate changelog SERVICE A..B`",
            count(more, "change")
        );
    }
    text
}

fn owners_of(owners: &[String]) -> String {
    let lines = owners.iter().map(|owner| format!("- {}\n", plain(owner)));
    lines.collect()
}

fn revert_of(changes: &[&PlannedChange]) -> String {
    let mut text = "Close this while it is open. Once it is merged:\n\n```\n".to_owned();
    for change in changes {
        let (service, environment) = (&change.cell.service, &change.cell.environment);
        let _ = match &change.from {
            Some(from) => writeln!(
                text,
                "tidegate revert {service} {environment} --to {}",
                sanitise(from.as_str())
            ),
            None => writeln!(text, "tidegate revert {service} {environment}"),
        };
    }
    text.push_str("```\n");
    text
}

fn reason_of(plan: &Plan) -> String {
    plan.request
        .reason
        .as_deref()
        .map(plain)
        .unwrap_or_default()
}

/// Text as code: nothing in it is Markdown, and nobody is called by it.
fn code(text: &str) -> String {
    let text = sanitise(text).replace('`', "'").replace('|', "\\|");
    format!("`{text}`")
}

/// Text of others in a table: what Markdown or HTML would read is escaped, and nobody is called by it.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in sanitise(text).chars() {
        match c {
            '\\' | '|' | '`' | '*' | '_' | '~' | '[' | ']' | '#' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("@<!-- -->"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        desired::{RefName, Tip},
        ids::{CellKey, ObjectId},
        layout::Origin,
        plan::{Action, Intent, Level, Outcome, Verdict, Wave},
        policy::GatePolicy,
        pull_request::Asks,
        topology::{Deliver, Environment},
    };

    fn plan() -> Plan {
        let cell = CellKey::new("web", "prod");
        let change = PlannedChange {
            cell: cell.clone(),
            intent: Intent::Promote {
                from: "staging".into(),
            },
            from: Some("1.0.0".into()),
            to: Some("1.1.0".into()),
            inherits: None,
            pins: None,
            verdicts: vec![Verdict {
                gate: "upstream".to_owned(),
                outcome: Outcome::Pass,
                detail: "staging runs it | @bob <b>".to_owned(),
                level: Level::Hold,
                inputs: Vec::new(),
                earliest: None,
                overridden: None,
            }],
            along: None,
        };
        let name = RefName {
            repository: None,
            reference: "refs/heads/main".to_owned(),
        };
        let tip = Tip::new(name, Origin::default(), ObjectId::new([1; 20]));
        Plan {
            changes: vec![change],
            digest: "abc".to_owned(),
            waves: vec![Wave {
                after: Vec::new(),
                writes: vec![Write {
                    tip,
                    action: Action::Edit,
                    edits: Vec::new(),
                    message: "promote web 1.0.0 → 1.1.0 to prod\n\nService: web\n".to_owned(),
                    cells: vec![cell],
                    vetoes: Vec::new(),
                    in_step: None,
                }],
            }],
            ..Plan::default()
        }
    }

    fn topology() -> Topology {
        let mut prod = Environment::plain("prod", &["staging"]);
        prod.protected = true;
        Topology {
            environments: vec![prod],
            ..Topology::default()
        }
    }

    #[test]
    fn a_pull_request_says_what_it_does_and_how_to_go_back() {
        let plan = plan();
        let write = plan.writes().next().unwrap();
        let draft = draft(&plan, write, "tidegate/x", &topology(), &Beside::default());
        assert_eq!(draft.title, "promote web 1.0.0 → 1.1.0 to prod");
        assert_eq!(
            (draft.branch.as_str(), draft.base.as_str()),
            ("tidegate/x", "main")
        );
        assert_eq!(
            draft.body,
            "## Changes\n\n\
             | service | environment | from | to | |\n| --- | --- | --- | --- | --- |\n\
             | `web` | `prod` | `1.0.0` | `1.1.0` | promote |\n\n\
             ## Gates\n\n\
             | cell | gate | says | with |\n| --- | --- | --- | --- |\n\
             | `web / prod` | upstream | pass | staging runs it \\| @<!-- -->bob &lt;b&gt; |\n\n\
             ## What it touches\n\n\
             1 cell in 1 environment: `prod` (protected)\n\n\
             ## How to revert\n\n\
             Close this while it is open. Once it is merged:\n\n\
             ```\ntidegate revert web prod --to 1.0.0\n```\n\n\
             Plan: `abc`\n"
        );
    }

    #[test]
    fn what_goes_back_is_urgent_and_calls_those_who_may_let_it_through() {
        let mut plan = plan();
        plan.deliver = Deliver::PullRequest;
        plan.changes[0].intent = Intent::Revert { to: None, at: None };
        let write = plan.writes().next().unwrap();
        let mut topology = topology();
        let settings = Settings {
            labels: vec!["promotion".to_owned()],
            reviewers: vec!["alice".to_owned()],
            draft: true,
            urgent: Urgent {
                labels: vec!["incident".to_owned()],
                title: None,
            },
            ..Settings::default()
        };
        topology.policy.pull_requests = [("prod".into(), settings)].into();
        let asks = Asks {
            need: 1,
            from: vec!["@alice".to_owned(), "@acme/on call".to_owned()],
            checks: Vec::new(),
        };
        let gates = GatePolicy {
            approvals: Some(asks),
            ..GatePolicy::default()
        };
        topology.policy.environments = [("prod".into(), gates)].into();
        let urgent = draft(&plan, write, "tidegate/x", &topology, &Beside::default());
        assert_eq!(urgent.title, "Urgent: promote web 1.0.0 → 1.1.0 to prod");
        assert_eq!(urgent.labels, ["promotion", "incident"]);
        assert_eq!(urgent.reviewers, ["alice", "@acme/on call"]);
        assert!(!urgent.draft);
        let head = "**Urgent: this goes back.** It can be let through by @alice, @acme/oncall.\n\n## Changes";
        assert!(urgent.body.starts_with(head), "{}", urgent.body);
        plan.changes[0].intent = Intent::Promote {
            from: "staging".into(),
        };
        let write = plan.writes().next().unwrap();
        let usual = draft(&plan, write, "tidegate/x", &topology, &Beside::default());
        assert_eq!(usual.title, "promote web 1.0.0 → 1.1.0 to prod");
        assert!(usual.draft && usual.body.starts_with("## Changes"));
    }

    #[test]
    fn only_a_body_of_ours_is_kept_true() {
        let draft = Draft {
            body: "new\n\nPlan: `b`\n".to_owned(),
            ..Draft::default()
        };
        for (body, outdated) in [
            ("old\n\nPlan: `a`\n", true),
            ("old\r\n\r\nPlan: `a`", true),
            ("edited by hand\n\nPlan: `b`\n", false),
            ("somebody's own words", false),
            ("", false),
        ] {
            assert_eq!(draft.outdates(body), outdated, "{body}");
        }
        assert!(!Draft::default().outdates("Plan: `a`"));
    }

    #[test]
    fn templates_take_the_place_of_title_and_body() {
        let plan = plan();
        let write = plan.writes().next().unwrap();
        let mut topology = topology();
        let template = |text| Some(Template::parse(text).unwrap());
        let settings = Settings {
            labels: vec!["promotion".to_owned()],
            reviewers: vec!["alice".to_owned()],
            draft: true,
            merge: None,
            urgent: Urgent::default(),
            title: template("[{environments}] {services}"),
            body: template("{touches}{plan}"),
        };
        topology.policy.pull_requests = [("prod".into(), settings)].into();
        let draft = draft(&plan, write, "tidegate/x", &topology, &Beside::default());
        assert_eq!(draft.title, "[prod] web");
        assert_eq!(
            draft.body,
            "1 cell in 1 environment: `prod` (protected)\n`abc`"
        );
        assert!(draft.draft);
        assert_eq!(
            (draft.labels, draft.reviewers),
            (vec!["promotion".to_owned()], vec!["alice".to_owned()])
        );
    }
}
