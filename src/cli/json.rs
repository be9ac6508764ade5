//! The shapes of `-o json`. Fields are added, never taken away or renamed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    domain::{
        agent::{AgentState, Hop, Progress},
        desired::{DesiredCell, Tip},
        diff::FileDiff,
        drift::Skew,
        history::{ChangeKind, CommitInfo, HistoryEntry, ValueChange},
        ids::{CellKey, ObjectId, RepoPath},
        plan::{
            Action, FileEdit, Level, Outcome, Plan, PlannedChange, Skip, Standing, Verdict, Write,
        },
        policy::sync::{SyncWindow, SyncWindows, Syncs},
        problem::Problem,
        pull_request::{Asked, Proposal, PullRequest, PullState},
        rollout::LiveCell,
        signature::Signature,
        subject::Subject,
        version::Version,
    },
    sources::git::Repo,
};

/// Who signed the commits that were looked at.
pub type Signatures = BTreeMap<ObjectId, Signature>;

/// A time as RFC 3339 in UTC, to the second.
pub fn time(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second())
        .unwrap_or(time)
        .to_string()
}

/// `status` → a cell.
#[derive(Debug, Serialize)]
pub struct CellJson<'a> {
    version: Option<&'a Version>,
    inherited: bool,
    path: Option<&'a RepoPath>,
    line: Option<u32>,
    /// What the version is of where that is no image.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Subject>,
    /// Where environments have refs of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    /// Where it is not in the main repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<&'a str>,
    /// Why its version, null then, cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<Value>,
    /// What clusters say, null where they say nothing; left out where they were not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<Value>,
    /// The last change, null where it is not known; left out where nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<Value>,
    /// So many of the upstream's versions behind it; null where it is not, or the count is not known.
    pub behind: Option<usize>,
    /// `behind`, `ahead` or `differs` from the upstream's version; null where it is the same, or there is none.
    pub skew: Option<&'static str>,
    /// Why its version is vetoed; left out where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    vetoed: Option<&'a str>,
    /// What open pull requests would bring; null where no forge was asked.
    pub proposed: Option<Vec<Value>>,
}

impl CellJson<'_> {
    /// Says how the cell stands to its upstream.
    pub fn stands(&mut self, skew: Option<Skew>) {
        (self.skew, self.behind) = match skew {
            None => (None, None),
            Some(Skew::Behind { by }) => (Some("behind"), by),
            Some(Skew::Ahead) => (Some("ahead"), None),
            Some(Skew::Differs) => (Some("differs"), None),
        };
    }
}

impl<'a> CellJson<'a> {
    /// What Git declares.
    pub fn of(cell: &'a DesiredCell, tip: Option<&'a Tip>) -> Self {
        let reference = tip.filter(|tip| tip.origin.refs.is_some());
        let reference = reference.map(|tip| tip.name.reference.as_str());
        // Where the tag's own name is the version, no file says it.
        let source = cell.sources.first();
        let source = source.filter(|source| Some(source.path.as_str()) != reference);
        let unread = cell.unread.as_deref();
        let path = source.map(|source| &source.path);
        let line = source.map(|source| source.line);
        Self {
            version: cell.version.as_ref(),
            inherited: cell.inherited,
            path: path.or_else(|| unread?.path.as_ref()),
            line: line.or_else(|| unread?.line),
            unread: unread.map(problem),
            subject: (cell.subject != Subject::Image).then_some(cell.subject),
            reference,
            repository: cell.origin.repository.as_deref(),
            live: None,
            changed: None,
            behind: None,
            skew: None,
            vetoed: cell.vetoed.as_deref(),
            proposed: None,
        }
    }
}

/// `status` → one of `refs`: where it was read.
pub fn tip(tip: &Tip) -> Value {
    let mut value = json!({ "reference": tip.name.reference, "commit": tip.commit });
    if let Some(repository) = &tip.name.repository {
        value["repository"] = json!(repository);
    }
    value
}

/// `status` → a cell's `changed`.
pub fn changed(change: &ValueChange) -> Value {
    json!({
        "authored": change.authored.commit,
        "landed": change.landed.commit,
        "time": time(change.authored.time),
        "author": change.authored.author,
        "subject": change.authored.subject,
        "pull_request": change.pull_request(),
    })
}

/// `status` → a cell's `live`; `visible` is false where pods cannot show what is declared.
pub fn live(live: &LiveCell) -> Value {
    let versions: BTreeMap<&str, u32> = live
        .versions
        .iter()
        .map(|(version, pods)| (version.as_str(), *pods))
        .collect();
    let mut digests: BTreeMap<&str, u32> = BTreeMap::new();
    for (_, pulled) in live.pulled() {
        *digests.entry(&pulled.digest).or_default() += 1;
    }
    let mut value = json!({
        "health": live.health,
        "reason": live.reason,
        "since": live.since.map(time),
        "versions": versions,
        "digests": digests,
        "serving": live.serving,
        "ready": live.ready,
        "desired": live.desired,
        "updated": live.updated,
        "as_of": time(live.as_of),
        "stale": live.stale,
        "workloads": live.workloads,
        "agent": live.agent.as_deref().map(agent),
        "hop": live.hop.as_ref().map(hop),
        "step": live.progress.as_deref().and_then(step),
        "progress": live.progress.as_deref().map(progress),
        "beside": live.beside,
        "healthy_since": live.healthy.iter().map(|it| json!({"by": it.by, "from": time(it.from)})).collect::<Vec<_>>(),
        "sync_window": live.windows.as_deref().map(|windows| sync_window(windows, live.as_of)),
    });
    if live.hidden {
        value["visible"] = json!(false);
    }
    value
}

/// What Argo CD's sync windows say of a cell.
fn sync_window(windows: &SyncWindows, now: Timestamp) -> Value {
    let said =
        |state: &str, by: Option<&SyncWindow>, until: Option<Timestamp>, reason: Option<&str>| {
            json!({
                "state": state,
                "name": by.map(SyncWindow::name),
                "project": by.map(|by| &by.project),
                "kind": by.map(|by| &by.kind),
                "until": until.map(time),
                "reason": reason,
            })
        };
    match windows.delivers(now) {
        Syncs::Closed { by, until, wrong } => said("closed", Some(by), until, wrong.as_deref()),
        Syncs::Open { by, until } => said("open", by, until, None),
        Syncs::Unsaid => said("unknown", None, None, windows.unknown.as_deref()),
    }
}

/// Where a cell's version is stuck.
pub fn hop(hop: &Hop) -> Value {
    json!({
        "at": hop.at,
        "reason": hop.reason,
        "next": hop.next.map(time),
        "order": hop.order,
    })
}

/// The step that a progressive delivery is at; `None` where nothing is under way.
fn step(progress: &Progress) -> Option<Value> {
    let step = progress.step?;
    Some(json!({
        "index": step.index,
        "of": step.of,
        "weight": progress.weight,
        "waits": progress.waits,
    }))
}

/// How far a progressive delivery has got, with its controller's own words.
pub fn progress(progress: &Progress) -> Value {
    let services = progress.services.iter();
    let services: BTreeMap<&str, &str> = services
        .map(|it| (it.role.as_str(), it.service.as_str()))
        .collect();
    json!({
        "by": progress.by,
        "object": progress.object,
        "cluster": progress.cluster,
        "way": progress.way,
        "stage": progress.stage,
        "phase": progress.phase,
        "message": progress.message,
        "from": progress.from,
        "to": progress.to,
        "step": step(progress),
        "since": progress.since.map(time),
        "until": progress.until.map(time),
        "analyses": progress.analyses,
        "measured": progress.measured,
        "checks": progress.checks.map(|(failed, of)| json!({"failed": failed, "of": of})),
        "services": services,
    })
}

/// A cell's agent.
pub fn agent(agent: &AgentState) -> Value {
    json!({
        "kind": if agent.kind.is_argocd() { "argocd" } else { "flux" },
        "resource": agent.kind.as_str(),
        "object": agent.object,
        "cluster": agent.cluster,
        "revision": agent.revision,
        "state": agent.phase.word(),
        "reason": agent.reason,
    })
}

/// One row of `problems`, or a cell's `unread`: `hides` is the kind of reason for which what stands there cannot be read, and
/// `whole` says that nothing of the file can be.
pub fn problem(problem: &Problem) -> Value {
    let mut value = json!({
        "path": problem.path,
        "line": problem.line,
        "message": problem.message,
    });
    if let Some(context) = &problem.context {
        value["context"] = json!(context);
    }
    if let Some(hides) = &problem.hides {
        value["hides"] = json!(hides.why);
        value["whole"] = json!(hides.whole);
    }
    value
}

/// `history` → a value.
pub fn entry(entry: &HistoryEntry) -> Value {
    let (kind, from) = kind(&entry.kind);
    json!({
        "version": entry.change.version,
        "kind": kind,
        "from": from,
        "authored": commit(&entry.change.authored),
        "landed": commit(&entry.change.landed),
        "pull_request": entry.change.pull_request(),
        "approved_by": entry.change.approved_by(),
        "stayed_seconds": entry.stayed_seconds,
        "moved": entry.change.moved.as_ref().map(|moved| json!({
            "from": moved.from,
            "commit": moved.authored.commit,
        })),
    })
}

/// Puts who signed its commits beside them in what [`entry`] gave: null where that was not looked at.
pub fn signed(value: &mut Value, entry: &HistoryEntry, signatures: &Signatures) {
    let change = &entry.change;
    for (name, commit) in [("authored", &change.authored), ("landed", &change.landed)] {
        value[name]["signature"] = json!(signatures.get(&commit.commit));
    }
}

/// A kind's word, and the environment that a promotion came from.
pub fn kind(kind: &ChangeKind) -> (&'static str, Option<&str>) {
    match kind {
        ChangeKind::Promotion { from } => ("promotion", Some(from.as_str())),
        ChangeKind::Revert => ("revert", None),
        ChangeKind::Bump => ("bump", None),
        ChangeKind::Initial => ("initial", None),
        ChangeKind::Removed => ("removed", None),
        ChangeKind::Unread => ("unread", None),
    }
}

fn commit(commit: &CommitInfo) -> Value {
    json!({
        "commit": commit.commit,
        "time": time(commit.time),
        "author": commit.author,
        "subject": commit.subject,
        "signature": null,
    })
}

/// A plan, without its `schema`.
#[derive(Debug, Serialize)]
pub struct PlanJson<'a> {
    base: Option<ObjectId>,
    changes: Vec<ChangeJson<'a>>,
    writes: Vec<WriteJson<'a>>,
    edits: Vec<EditJson<'a>>,
    skipped: Vec<SkipJson<'a>>,
}

#[derive(Debug, Serialize)]
struct ChangeJson<'a> {
    service: &'a str,
    environment: &'a str,
    from: Option<&'a Version>,
    to: Option<&'a Version>,
    /// The cell gives its own version up: `to` is what it inherits then, null where that is not known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    inherited: bool,
    intent: &'static str,
    along: bool,
    held: bool,
    verdicts: Vec<VerdictJson<'a>>,
}

/// What a gate says.
#[derive(Debug, Serialize)]
pub struct VerdictJson<'a> {
    gate: &'a str,
    level: Level,
    outcome: Outcome,
    detail: &'a str,
    /// What it rests on, and when that was known.
    inputs: Vec<Value>,
    earliest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overridden: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct WriteJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<&'a str>,
    reference: &'a str,
    base: ObjectId,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    files: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct EditJson<'a> {
    path: &'a str,
    before: ObjectId,
    after: ObjectId,
    diff: String,
}

#[derive(Debug, Serialize)]
struct SkipJson<'a> {
    service: &'a str,
    environment: &'a str,
    cause: &'static str,
    detail: &'a str,
    /// It was named, and so nothing is written.
    stops: bool,
    /// The gate that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<&'a str>,
    /// What it would get if no gate held all of its group.
    #[serde(skip_serializing_if = "Option::is_none")]
    would: Option<Value>,
}

impl<'a> PlanJson<'a> {
    /// The plan's shape.
    pub fn of(plan: &'a Plan) -> Self {
        Self {
            base: plan
                .writes()
                .map(|write| &write.tip)
                .chain(&plan.base)
                .map(|tip| tip.commit)
                .next(),
            changes: plan.changes.iter().map(change).collect(),
            writes: plan.writes().map(write).collect(),
            edits: plan.edits().map(edit).collect(),
            skipped: plan.skipped.iter().map(|it| skip(it, plan)).collect(),
        }
    }
}

fn change(change: &PlannedChange) -> ChangeJson<'_> {
    let (service, environment) = names(&change.cell);
    ChangeJson {
        service,
        environment,
        from: change.from.as_ref(),
        to: change.to.as_ref().or(change.inherits.as_ref()),
        inherited: change.is_restored(),
        intent: change.verb(),
        along: change.along.is_some(),
        held: change.is_held(),
        verdicts: change.verdicts.iter().map(verdict).collect(),
    }
}

/// One verdict.
pub fn verdict(verdict: &Verdict) -> VerdictJson<'_> {
    let inputs = verdict.inputs.iter();
    VerdictJson {
        gate: &verdict.gate,
        level: verdict.level,
        outcome: verdict.outcome,
        detail: &verdict.detail,
        inputs: inputs
            .map(|input| json!({ "what": input.what, "at": input.at.map(time) }))
            .collect(),
        earliest: verdict.earliest.map(time),
        overridden: verdict.overridden.as_deref(),
    }
}

fn write(write: &Write) -> WriteJson<'_> {
    let (action, from) = match &write.action {
        Action::Edit => ("commit", None),
        Action::Merge {
            from, fast_forward, ..
        } => (
            if *fast_forward {
                "fast-forward"
            } else {
                "merge"
            },
            Some(from),
        ),
        Action::Tag { from } => ("tag", from.as_ref()),
    };
    WriteJson {
        repository: write.tip.name.repository.as_deref(),
        reference: &write.tip.name.reference,
        base: write.tip.commit,
        action,
        from: from.map(|from| from.reference.clone()),
        files: write.edits.iter().map(|edit| edit.path.as_str()).collect(),
    }
}

fn edit(edit: &FileEdit) -> EditJson<'_> {
    EditJson {
        path: edit.path.as_str(),
        before: Repo::blob_id(&edit.before),
        after: Repo::blob_id(&edit.after),
        diff: FileDiff::of(edit).with_header(),
    }
}

fn skip<'a>(skip: &'a Skip, plan: &Plan) -> SkipJson<'a> {
    let mut held_back = plan.held_back.iter();
    let would = held_back.find(|change| change.cell == skip.cell);
    let (service, environment) = names(&skip.cell);
    SkipJson {
        service,
        environment,
        cause: skip.cause.as_str(),
        detail: &skip.detail,
        stops: skip.standing == Standing::Stops,
        gate: skip.gate.as_deref(),
        would: would.map(|change| json!({ "from": change.from, "to": change.to })),
    }
}

fn names(cell: &CellKey) -> (&str, &str) {
    (cell.service.as_str(), cell.environment.as_str())
}

/// A pull request.
pub(super) fn pull_request(request: &PullRequest) -> Value {
    let (have, need) = request.have_and_need();
    json!({
        "number": request.number,
        "url": request.url,
        "title": request.title,
        "author": request.author,
        "branch": request.branch,
        "state": request.state.as_str(),
        "draft": request.draft,
        "approvals": {
            "have": have,
            "need": need,
            "by": request.approvals.by,
            "stale": request.approvals.stale,
            "against": request.approvals.against,
            "asked": request.asked.iter().map(asked).collect::<Vec<_>>(),
        },
        "checks": request.checks.state().as_str(),
        "checks_known": !request.checks.unknown,
        "waits": request.waits(),
        "then": request.then.as_ref().filter(|_| request.state == PullState::Open),
        "merged": request.merged,
        "merged_without": request.merged_without().filter(|_| request.state == PullState::Merged).map(|it| it.trim_start_matches([';', ' ']).to_owned()),
    })
}

/// What an environment asks of a pull request, and who of those that it asks for approved it.
fn asked(asked: &Asked) -> Value {
    json!({
        "environment": asked.environment,
        "need": asked.asks.need,
        "from": asked.asks.from,
        "checks": asked.asks.checks,
        "by": asked.by,
        "not_known": asked.unsure,
    })
}

/// What an open pull request would bring into a cell.
pub(super) fn proposal(proposal: &Proposal) -> Value {
    json!({
        "version": proposal.version,
        "number": proposal.number,
        "url": proposal.url,
        "author": proposal.author,
        "waits": proposal.waits,
    })
}
