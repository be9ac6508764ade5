//! The shape of `tidegate.toml` and `config.toml`, for editors. It is read by `crate::config`, which says far more of what is wrong;
//! a test holds the keys of the two against each other.

use std::collections::BTreeMap;

use schemars::JsonSchema;

/// `tidegate.toml`, at the root of a `GitOps` repository: environments in promotion order, and where their versions are written.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Config {
    /// The repository itself.
    pub repository: Option<Repository>,
    /// Other repositories that environments or services live in; a layout names one with `repository`.
    pub repositories: Option<Vec<OtherRepository>>,
    /// For every environment that does not say otherwise.
    pub defaults: Option<Defaults>,
    /// Environments in promotion order: the columns, left to right.
    pub environments: Option<Vec<Environment>>,
    /// Where the version of a service in an environment is written.
    pub layouts: Option<Vec<Layout>>,
    /// When nothing may go, or only then.
    pub windows: Option<Vec<Window>>,
    /// Which service needs which other one.
    pub dependencies: Option<Vec<Dependency>>,
    /// Where versions are marked that must not go anywhere.
    pub vetoes: Option<VetoFile>,
    /// What every cell declares, in a file that each commit keeps in step.
    pub versions: Option<VersionsFile>,
    /// Who is told of deliveries.
    pub notify: Option<Vec<Notify>>,
    /// Where the source code of services is.
    pub sources: Option<Vec<SourceCode>>,
}

/// `config.toml` in the user's own configuration folder: what stands here wins over the team's file, key by key.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct User {
    /// Colours of the screen: a theme, `auto`, or one for dark and one for light backgrounds.
    pub theme: Option<Theme>,
    /// The theme's own background is painted over the terminal's.
    pub background: Option<bool>,
    /// Glyphs and borders in ASCII.
    pub ascii: Option<bool>,
    /// Wheel and click are used; text is then selected with Shift.
    pub mouse: Option<bool>,
    /// How the terminal says that a delivery has ended; not at all by default.
    pub bell: Option<Bell>,
    /// The filter that the console starts with, as it is typed after `/`; `@NAME` of one that was kept.
    pub filter: Option<String>,
    /// The screen starts unlocked for writing.
    pub write: Option<bool>,
    /// A kubeconfig file in place of `KUBECONFIG` and `~/.kube/config`.
    pub kubeconfig: Option<String>,
    /// The kubeconfig context behind a `cluster` of the team's file, where it has another name on this machine.
    pub clusters: Option<BTreeMap<String, String>>,
    /// Keys by the name of the action, as the help names it.
    pub keys: Option<BTreeMap<String, Keys>>,
    /// Programs of your own, run with the values of the selected cell.
    pub commands: Option<Vec<OwnCommand>>,
    /// How commits are made. They are signed as Git is configured.
    pub commit: Option<Commits>,
    /// Servers that checks ask, with their tokens.
    pub servers: Option<Vec<Server>>,
    /// Forges by their addresses, and where their tokens come from.
    pub forges: Option<Vec<Forge>>,
    /// Argo CD by its own API, where the cluster that it is in is not to be had.
    pub argocd: Option<Vec<Argocd>>,
    /// What `[[notify]]` names: tokens, and addresses that are secrets themselves.
    pub secrets: Option<Vec<Secret>>,
    /// The repository itself.
    pub repository: Option<Repository>,
    /// Other repositories; an entry of the same name wins over the team's.
    pub repositories: Option<Vec<OtherRepository>>,
    /// For every environment that does not say otherwise.
    pub defaults: Option<Defaults>,
    /// Joined with the team's by their names.
    pub environments: Option<Vec<Environment>>,
    /// Before the team's.
    pub layouts: Option<Vec<Layout>>,
    /// Beside the team's.
    pub windows: Option<Vec<Window>>,
    /// Beside the team's.
    pub dependencies: Option<Vec<Dependency>>,
    /// Where versions are marked that must not go anywhere.
    pub vetoes: Option<VetoFile>,
    /// What every cell declares, in a file that each commit keeps in step.
    pub versions: Option<VersionsFile>,
    /// Who is told of deliveries.
    pub notify: Option<Vec<Notify>>,
    /// Before the team's.
    pub sources: Option<Vec<SourceCode>>,
}

/// Where the source code of services is: what lies between two of their versions is read there.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SourceCode {
    /// Patterns of the services; all by default.
    pub services: Option<Vec<String>>,
    /// The address of the repository, with `{service}`.
    pub repository: Option<String>,
    /// A clone of it on this machine, with `{service}`: a path from the root of this repository, or an absolute one; in the user's own file alone.
    pub clone: Option<String>,
    /// What a version is called there, with `{service}` and `{version}`; by default usual names are looked for.
    pub tag: Option<String>,
    /// The folder of the service in it, with `{service}`.
    pub path: Option<String>,
    /// A program that tells it instead, each argument by itself, with `{service}`, `{from}` and `{to}`; in the user's own file alone.
    pub command: Option<Vec<String>>,
}

/// How commits are made, beside what Git's own configuration says.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Commits {
    /// Hooks of the clone that run over a copy of the message; none by default.
    pub hooks: Option<Vec<MessageHook>>,
    /// `Signed-off-by` of who commits, as Git's `format.signOff`.
    #[serde(rename = "sign-off")]
    pub sign_off: Option<bool>,
}

/// A hook of Git's over a message.
#[derive(JsonSchema)]
pub enum MessageHook {
    /// It writes what people would edit.
    #[serde(rename = "prepare-commit-msg")]
    Prepare,
    /// It adds to the message (Gerrit's `Change-Id`), or refuses it.
    #[serde(rename = "commit-msg")]
    Check,
}

/// The file in the repository that says which versions are vetoed.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct VetoFile {
    /// Its path from the root; `vetoes.toml` by default.
    pub file: Option<String>,
}

/// The file in the repository that says which version every cell declares.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct VersionsFile {
    /// Its path from the root: JSON or YAML, `{SERVICE: {ENV: VERSION}}`, or a table of Markdown.
    pub file: String,
}

/// A program of your own, run with the values of the selected cell.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OwnCommand {
    /// What is typed for it after `:`.
    #[schemars(regex(pattern = "^[a-z0-9-]+$"))]
    pub name: String,
    /// What it does, for help and palette.
    pub description: Option<String>,
    /// Its key on the matrix and on a cell.
    pub key: Option<String>,
    /// The program and each argument by itself; `{service}`, `{env}`, `{version}`, `{commit}`, `{context}`, `{namespace}` are filled in.
    #[schemars(length(min = 1))]
    pub run: Vec<String>,
    /// It is asked about before it runs.
    pub dangerous: Option<bool>,
    /// It changes nothing, and so may run where nothing may be written.
    #[schemars(rename = "read-only")]
    pub read_only: Option<bool>,
    /// It gets the terminal.
    pub screen: Option<bool>,
    /// How long it may run, unless it gets the terminal; default `1m`.
    pub timeout: Option<String>,
}

/// A theme of the screen.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Theme {
    /// `auto`, the name of a theme, or of one of your own in `themes/`.
    Name(String),
    /// Chosen by the terminal's background.
    ByBackground(ThemePair),
}

/// A theme for each background.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ThemePair {
    /// On dark backgrounds; default: `default`.
    pub dark: Option<String>,
    /// On light backgrounds; default: `light`.
    pub light: Option<String>,
}

/// One key, or several: `x`, `X`, `^x`, `f5`, `space`, `enter`, `pgdn`.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Keys {
    /// One.
    One(String),
    /// Several; none takes the action's keys away.
    Several(Vec<String>),
}

/// The repository itself.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Repository {
    /// The branch that declares; default: the remote's default branch.
    pub branch: Option<String>,
}

/// Another repository: a clone by its `path`, or an address by its `url`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OtherRepository {
    /// What layouts call it.
    pub name: String,
    /// A clone, relative to this repository.
    pub path: Option<String>,
    /// A Git address, of which a mirror is kept in the cache folder.
    pub url: Option<String>,
    /// The branch that declares; default: the remote's default branch.
    pub branch: Option<String>,
}

/// Where workloads are.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Defaults {
    /// A template over what a row's layout captures; default `{service}`.
    pub namespace: Option<String>,
    /// The name of a Deployment, `StatefulSet` or `DaemonSet`; default `{service}`.
    pub workload: Option<String>,
    /// Instead of `workload`: all that carry these labels, such as `app={service}`.
    pub selector: Option<String>,
}

/// An environment: a column.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Its upstreams: where versions are promoted from.
    pub from: Option<Vec<String>>,
    /// Whether any or all of the upstreams must declare and run a version before it may come here.
    pub require: Option<Require>,
    /// A kubeconfig context; without it, Git alone is used.
    pub cluster: Option<String>,
    /// Where the objects of its agent are, if not in its own cluster.
    pub agent: Option<AgentPlace>,
    /// Where its workloads are, a template.
    pub namespace: Option<String>,
    /// The name of a Deployment, `StatefulSet` or `DaemonSet`.
    pub workload: Option<String>,
    /// Instead of `workload`: all that carry these labels.
    pub selector: Option<String>,
    /// Its name is typed before anything is written, and what is not known holds.
    pub protected: Option<bool>,
    /// Its address, for people and checks.
    #[schemars(regex(pattern = "^https?://"))]
    pub url: Option<String>,
    /// How a commit leaves the clone.
    pub deliver: Option<Deliver>,
    /// A rollout that takes longer has failed; default `15m`.
    pub timeout: Option<String>,
    /// How much each gate's no weighs, and what those ask that act only where they are configured.
    pub gates: Option<Gates>,
    /// What is asked once a rollout is healthy: it is done when that is as it should be.
    pub verify: Option<Verify>,
    /// A Prometheus that knows when its cells were healthy, for `soak`, `together` and what is gone back to.
    pub healthy: Option<Healthy>,
    /// How pull requests are opened, where it is delivered by these.
    #[schemars(rename = "pull-request")]
    pub pull_request: Option<PullRequest>,
}

/// Where agents' objects are: a hub.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AgentPlace {
    /// A kubeconfig context.
    pub cluster: String,
    /// The namespace that they are in; default: they are looked for in all.
    pub namespace: Option<String>,
}

/// Argo CD by its own API.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Argocd {
    /// Its address: `https://argocd.example.com`.
    #[schemars(regex(pattern = "^https?://"))]
    pub url: String,
    /// Where the token is that opens it.
    pub token: Option<Token>,
}

/// A forge, and where its token comes from.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Forge {
    /// Its address: `https://git.example.com`.
    #[schemars(regex(pattern = "^https?://"))]
    pub url: String,
    /// What it speaks; default: by its name, else it is asked.
    pub kind: Option<ForgeKind>,
    /// Where the token comes from, in one of these ways.
    pub token: Option<ForgeToken>,
}

/// What a forge speaks.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum ForgeKind {
    /// GitHub, and GitHub Enterprise.
    Github,
    /// GitLab.
    Gitlab,
    /// Gitea and Forgejo.
    Gitea,
}

/// Where a token comes from, in one way.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ForgeToken {
    /// A variable of the environment.
    pub env: Option<String>,
    /// A program that prints it, and its arguments.
    pub command: Option<Vec<String>>,
    /// `git credential fill`; the default.
    #[schemars(rename = "git-credential")]
    pub git_credential: Option<bool>,
}

/// How pull requests are opened.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PullRequest {
    /// Labels that they get.
    pub labels: Option<Vec<String>>,
    /// Who is asked to review them: `alice`, `@org/team`.
    pub reviewers: Option<Vec<String>>,
    /// They are opened as not ready.
    pub draft: Option<bool>,
    /// Who merges them; default: somebody, on the forge.
    pub merge: Option<MergeBy>,
    /// How one is marked that goes back, where nothing can be pushed.
    pub urgent: Option<Urgent>,
    /// A template over `{subject}`, `{services}`, `{environments}`.
    pub title: Option<String>,
    /// A template over `{changes}`, `{source}`, `{gates}`, `{touches}`, `{owners}`, `{revert}`, `{reason}`, `{plan}`, in Markdown.
    pub body: Option<String>,
}

/// How a pull request is marked that goes back.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Urgent {
    /// Labels that it gets beside the others.
    pub labels: Option<Vec<String>>,
    /// A template over `{subject}`, `{services}`, `{environments}`, in place of `Urgent: {subject}`.
    pub title: Option<String>,
}

/// Who merges pull requests of an environment.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum MergeBy {
    /// Somebody does, on the forge.
    ByHand,
    /// Tidegate does, once everything required is there, as long as it follows the delivery.
    WhenReady,
    /// The forge does, which is asked to; where it cannot, Tidegate does.
    Auto,
}

/// What an environment asks of changes, gate by gate.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Gates {
    /// Some upstream environment declares and runs exactly this version.
    pub upstream: Option<Rule>,
    /// What is there is not newer than what comes, and holds no fix that it lacks.
    pub ahead: Option<Rule>,
    /// The version was not reverted here since it last came.
    pub reverted: Option<Rule>,
    /// Which versions may come at all.
    pub eligible: Option<EligibleRule>,
    /// The version has been healthy upstream, without interruption, for long enough.
    pub soak: Option<LastingRule>,
    /// The versions of this plan have run side by side, healthy, upstream for long enough.
    pub together: Option<LastingRule>,
    /// Target and upstream are not degraded before the change.
    pub health: Option<Rule>,
    /// No freeze holds.
    pub window: Option<Rule>,
    /// The version names one build, today and tomorrow.
    pub immutable: Option<ImmutableRule>,
    /// The registry has the version, for the platform, attested, and its tag means what it meant.
    pub registry: Option<RegistryRule>,
    /// The version is not vetoed.
    pub veto: Option<Rule>,
    /// What the service needs is there, or comes with it.
    pub dependency: Option<Rule>,
    /// The commit that the version was built of has passed its checks.
    pub evidence: Option<EvidenceRule>,
    /// The pull request has these approvals and checks; another delivery is held.
    pub approvals: Option<ApprovalsRule>,
    /// Addresses that answer as they should, before a change.
    pub http: Option<OneOrMore<HttpCheck>>,
    /// Queries of which every sample is where it should be.
    pub promql: Option<OneOrMore<PromqlCheck>>,
    /// Programs that read the changed files and end well.
    pub command: Option<OneOrMore<CommandCheck>>,
}

/// What is asked after a rollout.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Verify {
    /// Addresses that answer as they should.
    pub http: Option<OneOrMore<HttpCheck>>,
    /// Queries of which every sample is where it should be.
    pub promql: Option<OneOrMore<PromqlCheck>>,
}

/// One, or a list.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum OneOrMore<T> {
    /// One.
    One(T),
    /// Several: all of them have to be good.
    More(Vec<T>),
}

/// An address that answers as it should.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct HttpCheck {
    /// In place of `hold`.
    pub level: Option<GateLevel>,
    /// What is not known; default: it holds where the environment is protected.
    pub unknown: Option<Unknown>,
    /// Reverts are judged too.
    pub reverts: Option<bool>,
    /// The address; `{url}`, `{from.url}`, `{service}`, `{version}`, `{env}` and `{from}` are filled in.
    pub url: String,
    /// The status that is good; default: 200 to 299.
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<u16>,
    /// What the answer has to say; the same is filled in.
    pub contains: Option<String>,
    /// How long it may take; default `10s`.
    pub timeout: Option<String>,
}

/// A query of which every sample is where it should be; none is not known.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PromqlCheck {
    /// In place of `hold`.
    pub level: Option<GateLevel>,
    /// What is not known; default: it holds where the environment is protected.
    pub unknown: Option<Unknown>,
    /// Reverts are judged too.
    pub reverts: Option<bool>,
    /// The name of a `[[servers]]` table of the user's own file.
    pub server: String,
    /// The query; `{service}`, `{version}`, `{env}` and their like are filled in, other braces stay.
    pub query: String,
    /// Every sample is below this.
    pub below: Option<f64>,
    /// Every sample is above this.
    pub above: Option<f64>,
    /// How long it may take; default `10s`.
    pub timeout: Option<String>,
}

/// When cells were healthy, by a Prometheus: from before anybody else looked.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Healthy {
    /// The name of a `[[servers]]` table of the user's own file.
    pub server: String,
    /// The query; `{service}` and `{env}` are filled in, other braces stay. Each series is of one version.
    pub query: String,
    /// The label that names the version; default `version`.
    pub label: Option<String>,
    /// It was healthy where every sample is below this.
    pub below: Option<f64>,
    /// It was healthy where every sample is above this.
    pub above: Option<f64>,
    /// So far back it is asked; default `336h`.
    pub back: Option<String>,
    /// And so often within that; default `5m`.
    pub step: Option<String>,
    /// How long it may take; default `10s`.
    pub timeout: Option<String>,
}

/// A program that reads the changed files' new content on its standard input; exit 0 is good.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CommandCheck {
    /// In place of `hold`.
    pub level: Option<GateLevel>,
    /// What is not known; default: it holds where the environment is protected.
    pub unknown: Option<Unknown>,
    /// Reverts are judged too.
    pub reverts: Option<bool>,
    /// The program and each argument by itself; it finds the change in `TIDEGATE_…` variables.
    #[schemars(length(min = 1))]
    pub run: Vec<String>,
    /// How long it may run; default `1m`.
    pub timeout: Option<String>,
}

/// Whom to tell what of a delivery: one of `slack`, `teams`, `webhook`, `grafana` and `command`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Notify {
    /// Of what.
    pub on: Vec<Event>,
    /// In which environments: names, or patterns with `*` and `?`; in all where it is left out.
    pub environments: Option<Vec<String>>,
    /// A channel of Slack.
    pub slack: Option<NotifySlack>,
    /// A channel of Microsoft Teams.
    pub teams: Option<NotifyTeams>,
    /// Whoever takes JSON at an address.
    pub webhook: Option<NotifyWebhook>,
    /// Annotations of Grafana, one for each delivery.
    pub grafana: Option<NotifyGrafana>,
    /// A program and its arguments, one by one; it reads JSON on its standard input.
    pub command: Option<Vec<String>>,
}

/// How the terminal says that a delivery has ended.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Bell {
    /// Not at all.
    Off,
    /// By its bell.
    #[serde(rename = "bell")]
    Sound,
    /// By a notification of the desktop, where it knows OSC 9.
    Desktop,
}

/// What people are told of.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A plan is confirmed.
    Planned,
    /// It is pushed, or its pull request is open.
    Delivered,
    /// All of it is healthy.
    Healthy,
    /// It does not become healthy, or did not arrive.
    Failed,
    /// Something of it goes back.
    Reverted,
    /// A hold was lifted.
    Overridden,
    /// A version was marked bad.
    Vetoed,
    /// A version went to where its upstream does not have it.
    SkippedUpstream,
    /// What goes back waits for somebody to let its pull request through.
    Urgent,
}

/// Annotations of Grafana.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NotifyGrafana {
    /// Where it is.
    #[schemars(regex(pattern = "^https?://"))]
    pub url: String,
    /// The name of the secret that is its token; `grafana` by default.
    pub secret: Option<String>,
    /// Tags beside the event, services and environments; `tidegate` by default.
    pub tags: Option<Vec<String>>,
    /// The uid of the dashboard that they are of; of all by default.
    pub dashboard: Option<String>,
}

/// A channel of Slack: by the API and a token, or by a webhook.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NotifySlack {
    /// `#releases`, or the channel's id.
    pub channel: Option<String>,
    /// The name of the secret that is the token; `slack` by default.
    pub secret: Option<String>,
    /// The name of the secret that is the webhook's address.
    pub webhook: Option<String>,
}

/// A channel of Microsoft Teams.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NotifyTeams {
    /// The name of the secret that is the webhook's address.
    pub webhook: String,
}

/// Whoever takes JSON at an address.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct NotifyWebhook {
    /// Where.
    #[schemars(regex(pattern = "^https?://"))]
    pub url: Option<String>,
    /// The name of the secret that is the address.
    pub secret: Option<String>,
    /// The body, with `{event}`, `{text}`, `{subject}`, `{target}`, `{services}`, `{environments}`, `{commit}`, `{url}`, `{detail}`, each as it
    /// stands within quotes of JSON.
    pub template: Option<String>,
}

/// A secret that `[[notify]]` names.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Secret {
    /// What it is called there.
    pub name: String,
    /// Where it comes from.
    pub value: Token,
    /// Where the API is that it opens; Slack's own by default. A token of Grafana goes to no server that the repository's file
    /// names but the one of this address.
    pub url: Option<String>,
}

/// A Prometheus.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Server {
    /// What checks call it.
    pub name: String,
    /// Its address: what stands before `/api/v1`.
    #[schemars(regex(pattern = "^https?://"))]
    pub url: String,
    /// The token that goes to it alone.
    pub token: Option<Token>,
}

/// Where a secret is.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Token {
    /// A variable of the environment.
    pub env: Option<String>,
    /// A program that prints it, and its arguments.
    pub command: Option<Vec<String>>,
}

/// How much a gate's no weighs.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Rule {
    /// In place of the gate's own.
    pub level: Option<GateLevel>,
    /// What is not known; default: it holds where the environment is protected.
    pub unknown: Option<Unknown>,
    /// Reverts are judged too.
    pub reverts: Option<bool>,
}

/// Which versions may come at all.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct EligibleRule {
    /// In place of the gate's own.
    pub level: Option<GateLevel>,
    /// What is not known; default: it holds where the environment is protected.
    pub unknown: Option<Unknown>,
    /// Reverts are judged too.
    pub reverts: Option<bool>,
    /// Versions in this range: `>=1.0.0`.
    pub range: Option<String>,
    /// Whether pre-releases may come; default: where the range names one.
    pub prerelease: Option<bool>,
}

/// Whether a version names one build.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ImmutableRule {
    /// In place of the gate's own.
    pub level: Option<GateLevel>,
    /// What is not known; default: it holds where the environment is protected.
    pub unknown: Option<Unknown>,
    /// Reverts are judged too.
    pub reverts: Option<bool>,
    /// Versions have to be pinned by a digest.
    pub digest: Option<bool>,
    /// A tag that comes is written with the digest that it means at its registry.
    pub pin: Option<bool>,
}

/// For how long something has to have been healthy.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct LastingRule {
    /// In place of the gate's own.
    pub level: Option<GateLevel>,
    /// What is not known; default: it holds where the environment is protected.
    pub unknown: Option<Unknown>,
    /// Reverts are judged too.
    pub reverts: Option<bool>,
    /// For how long, such as `24h`.
    pub r#for: String,
}

/// What a pull request has to have before a delivery goes on.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ApprovalsRule {
    /// In place of the gate's own.
    pub level: Option<GateLevel>,
    /// An approval of which nobody says whether it counts; default: it does not where the environment is protected.
    pub unknown: Option<Unknown>,
    /// Reverts wait too.
    pub reverts: Option<bool>,
    /// So many people approve its newest commit, its author left out.
    #[schemars(range(min = 1, max = 20))]
    pub need: Option<u32>,
    /// They are of these: `alice`, `@org/team`; default: anybody.
    #[schemars(length(min = 1))]
    pub from: Option<Vec<String>>,
    /// Checks that have to pass, by name.
    #[schemars(length(min = 1))]
    pub checks: Option<Vec<String>>,
}

/// What the commit has to have passed that a version was built of.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct EvidenceRule {
    /// In place of the gate's own.
    pub level: Option<GateLevel>,
    /// What is not known; default: it holds where the environment is protected.
    pub unknown: Option<Unknown>,
    /// Reverts are judged too.
    pub reverts: Option<bool>,
    /// Checks that have to have passed, by name; default: all that it has.
    #[schemars(length(min = 1))]
    pub checks: Option<Vec<String>>,
}

/// What a registry has to say of a version.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RegistryRule {
    /// In place of the gate's own.
    pub level: Option<GateLevel>,
    /// What is not known; default: it holds where the environment is protected.
    pub unknown: Option<Unknown>,
    /// Reverts are judged too.
    pub reverts: Option<bool>,
    /// It is for this platform: `linux/amd64`.
    pub platform: Option<String>,
    /// What is attested of it, or of what is for the platform; its signature is not verified.
    pub attestation: Option<Attestation>,
}

/// What is attested.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Attestation {
    /// Anything, a signature too.
    Any(bool),
    /// A predicate type.
    Predicate(String),
}

/// How much a gate's no weighs.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum GateLevel {
    /// No override lifts it.
    Hard,
    /// It holds until it is overridden with a reason.
    Hold,
    /// It is said, and holds nothing.
    Warn,
}

/// What is not known.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Unknown {
    /// It holds.
    Hold,
    /// It is said, and holds nothing.
    Warn,
}

/// A time in which nothing may go, or in which alone something may.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Window {
    /// What people call it.
    pub name: String,
    /// What it does.
    pub kind: WindowKind,
    /// When it begins: minute, hour, day of the month, month, day of the week.
    pub cron: String,
    /// How long it lasts: `62h`.
    pub duration: String,
    /// The time zone of `cron`, as in the IANA database: `Europe/Berlin`.
    pub zone: String,
    /// Names of environments, with `*` and `?`; default: all.
    pub environments: Option<Vec<String>>,
    /// Names of services, with `*` and `?`; default: all.
    pub services: Option<Vec<String>>,
}

/// What a window does.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum WindowKind {
    /// Nothing goes while it is active.
    Deny,
    /// Something goes only while one of these is.
    Allow,
}

/// A service that needs another one.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Dependency {
    /// Who needs it.
    pub service: String,
    /// What is needed, in the same environment.
    pub needs: String,
    /// In which versions: `>=3.9`.
    pub version: String,
}

/// Of several upstreams.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Require {
    /// One of them is enough.
    Any,
    /// Each of them.
    All,
}

/// How a commit leaves the clone.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Deliver {
    /// To the branch itself.
    Push,
    /// To a branch of its own, to open a pull request from.
    Branch,
    /// The same, and the pull request is opened and followed.
    PullRequest,
}

/// Where the version of a service in an environment is written.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Layout {
    /// A common way of writing versions.
    pub preset: Option<String>,
    /// A template of paths: `apps/{service}/overlays/{env}/kustomization.yaml`.
    pub path: Option<String>,
    /// Branches or tags by their full names: `refs/heads/{env}`.
    pub refs: Option<String>,
    /// Environments as ranges over tags that they share.
    pub range: Option<BTreeMap<String, String>>,
    /// The `[[repositories]]` entry that it reads; default: this one.
    pub repository: Option<String>,
    /// How a branch per environment is promoted.
    pub promote: Option<PromoteBy>,
    /// The way to the version in a YAML document: `image.tag`.
    pub yaml: Option<String>,
    /// The way to the version in a JSON document.
    pub json: Option<String>,
    /// The version by a regular expression, its group `v`.
    pub regex: Option<String>,
    /// Only YAML documents of these kinds: `Deployment|StatefulSet`.
    pub kind: Option<String>,
    /// Captures `{name}` from elsewhere in the document.
    pub name: Option<String>,
    /// The first match only.
    pub first: Option<bool>,
    /// The part of the text that is the version: `tag`, `query:ref`, `/regex/`.
    pub part: Option<String>,
    /// Texts that do not match this regular expression are no versions.
    pub r#match: Option<String>,
    /// Builds the service's name from captures; default `{service}`.
    pub row: Option<String>,
    /// Builds the environment's name from captures; default `{env}`.
    pub env_name: Option<String>,
    /// The environment of everything that it reads, where no name says it.
    pub env: Option<String>,
    /// Other spellings in the repository: column = spelling.
    pub alias: Option<BTreeMap<String, String>>,
    /// Captures that are folded to lower case.
    pub lowercase: Option<Vec<String>>,
    /// Fall-backs, in order; a cell read from one is inherited.
    pub r#else: Option<Vec<Fallback>>,
    /// Other places that get the same version.
    pub also: Option<Vec<Place>>,
    /// What is kept in step with where the version comes from: `trailing-comment` for the comment behind it, or a regular
    /// expression whose group `v` is a text of the same file.
    pub carry: Option<OneOrMore<String>>,
    /// What the version is of.
    pub version_of: Option<VersionOf>,
    /// A path that proves the service: it then has a cell in every environment that `{env}` takes.
    pub service: Option<String>,
    /// A file or folder that must be there for a place to count, a template over what `path` captures.
    pub only_if: Option<String>,
    /// Its places are rendered from something else, or items of a list that grows: shown, and never edited.
    pub read_only: Option<bool>,
}

/// How a branch per environment is promoted.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum PromoteBy {
    /// The upstream's branch is merged.
    Merge,
    /// The version alone is written.
    Edit,
}

/// What a version is of.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum VersionOf {
    /// An image: compared with what runs.
    Image,
    /// A chart.
    Chart,
    /// A branch, tag or commit.
    Git,
    /// A flag, a number: nothing that is built.
    Setting,
}

/// Where a version is read that stands nowhere before.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Fallback {
    /// A template of paths.
    pub path: String,
    /// The way to the version in a YAML document.
    pub yaml: Option<String>,
    /// The way to the version in a JSON document.
    pub json: Option<String>,
    /// The version by a regular expression, its group `v`.
    pub regex: Option<String>,
    /// Only YAML documents of these kinds.
    pub kind: Option<String>,
    /// The part of the text that is the version.
    pub part: Option<String>,
}

/// Another place that gets the same version.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Place {
    /// A template of paths; default: the layout's own.
    pub path: Option<String>,
    /// The way to the version in a YAML document.
    pub yaml: Option<String>,
    /// The way to the version in a JSON document.
    pub json: Option<String>,
    /// The version by a regular expression, its group `v`.
    pub regex: Option<String>,
    /// The part of the text that is the version.
    pub part: Option<String>,
}
