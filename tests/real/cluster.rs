//! The clusters as they are, seen with other eyes than Tidegate's.

use std::path::Path;

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Namespace};
use kube::{
    Api, Client, Config, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};

/// Asks Argo CD to compare an Application again; it takes the annotation away when it has.
const REFRESH: &str = "argocd.argoproj.io/refresh";

/// One cluster, with its administrator's rights.
#[derive(Clone)]
pub struct Cluster(Client);

/// What a Deployment says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// The image its pod template asks for.
    pub image: String,
    /// Pods of that template, ready or not.
    pub updated: i32,
    /// Pods that serve.
    pub available: i32,
    /// All its pods.
    pub total: i32,
    /// Pods it wants.
    pub wanted: i32,
}

impl Running {
    /// Everything it wants serves `version`, and nothing else is left.
    pub fn serves(&self, version: &str) -> bool {
        self.image.ends_with(&format!(":{version}"))
            && self.wanted > 0
            && [self.updated, self.available, self.total] == [self.wanted; 3]
    }
}

impl Cluster {
    /// Connects through `context` of `kubeconfig`.
    pub async fn connect(kubeconfig: &Path, context: &str) -> Self {
        let options = KubeConfigOptions {
            context: Some(context.into()),
            ..KubeConfigOptions::default()
        };
        let file = Kubeconfig::read_from(kubeconfig).expect("the kubeconfig");
        let config = Config::from_custom_kubeconfig(file, &options)
            .await
            .expect("a context");
        Self(Client::try_from(config).expect("a client"))
    }

    /// What a Deployment says, if it is there and answers.
    pub async fn running(&self, namespace: &str, name: &str) -> Option<Running> {
        let api: Api<Deployment> = Api::namespaced(self.0.clone(), namespace);
        let found = api.get_opt(name).await.ok()??;
        let observed = found.metadata.generation;
        let spec = found.spec;
        let status = found.status?;
        if status.observed_generation < observed {
            return None;
        }
        Some(Running {
            image: spec.template.spec?.containers.first()?.image.clone()?,
            updated: status.updated_replicas.unwrap_or_default(),
            available: status.available_replicas.unwrap_or_default(),
            total: status.replicas.unwrap_or_default(),
            wanted: spec.replicas.unwrap_or(1),
        })
    }

    /// Does its API server answer?
    pub async fn answers(&self) -> bool {
        self.0.apiserver_version().await.is_ok()
    }

    /// An Argo CD Application that keeps `namespace` of the cluster at `server` as `path` of `repository` says.
    pub async fn follow(
        &self,
        name: &str,
        repository: &str,
        path: &str,
        server: &str,
        namespace: &str,
    ) {
        let application = json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": name, "namespace": ARGOCD},
            "spec": {
                "project": "default",
                "source": {"repoURL": repository, "targetRevision": "main", "path": path},
                "destination": {"server": server, "namespace": namespace},
                "syncPolicy": {
                    "automated": {"prune": true, "selfHeal": true},
                    "syncOptions": ["CreateNamespace=true"],
                },
            },
        });
        self.applications()
            .patch(
                name,
                &PatchParams::apply("real-tests"),
                &Patch::Apply(application),
            )
            .await
            .expect("the Application");
    }

    /// Has an Application synced by hand alone from now on, and asks for the comparison that knows it.
    pub async fn manual(&self, name: &str) {
        let patch = json!({
            "metadata": {"annotations": {REFRESH: "normal"}},
            "spec": {"syncPolicy": {"automated": null}},
        });
        self.applications()
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .expect("the Application");
    }

    /// Whether an Application has been compared since that was asked for.
    pub async fn is_compared(&self, name: &str) -> bool {
        let found = self.applications().get_opt(name).await.ok().flatten();
        found.is_some_and(|found| !found.annotations().contains_key(REFRESH))
    }

    /// Gives an Application, which stays at a revision, to what is to have made it so.
    pub async fn own(&self, name: &str, maker: &Value, revision: &Value) {
        let patch = json!({
            "metadata": {"ownerReferences": [maker]},
            "spec": {"source": {"targetRevision": revision}},
        });
        self.applications()
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .expect("the Application");
    }

    /// What Argo CD says about an Application: sync, health, and its message where there is one.
    pub async fn application(&self, name: &str) -> String {
        let found = self.applications().get_opt(name).await;
        let status = found
            .ok()
            .flatten()
            .map_or(Value::Null, |found| found.data["status"].clone());
        let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
        let messages: Vec<_> = conditions
            .iter()
            .map(|condition| &condition["message"])
            .collect();
        format!(
            "{} {} {} {messages:?}",
            status["sync"]["status"],
            status["health"]["status"],
            status["operationState"]["message"]
        )
    }

    /// Takes an Application away, and nothing that it deployed.
    pub async fn unfollow(&self, name: &str) -> Result<(), String> {
        let gone = self
            .applications()
            .delete(name, &DeleteParams::default())
            .await;
        gone.map(drop)
            .or_else(absent)
            .map_err(|error| format!("Application {name}: {error}"))
    }

    /// Applies an object of any kind, as `kubectl apply` would.
    pub async fn apply(&self, object: &Value) {
        let text = |at: &Value| at.as_str().unwrap_or_default().to_owned();
        let api = text(&object["apiVersion"]);
        let (group, version) = api.split_once('/').expect("a group");
        let kind = GroupVersionKind::gvk(group, version, &text(&object["kind"]));
        let meta = &object["metadata"];
        let resource = match kind.kind.as_str() {
            "GitRepository" => ApiResource::from_gvk_with_plural(&kind, "gitrepositories"),
            "Canary" => ApiResource::from_gvk_with_plural(&kind, "canaries"),
            _ => ApiResource::from_gvk(&kind),
        };
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.0.clone(), &text(&meta["namespace"]), &resource);
        api.patch(
            &text(&meta["name"]),
            &PatchParams::apply("real-tests").force(),
            &Patch::Apply(object),
        )
        .await
        .expect("an object that is taken");
    }

    /// Takes a namespace away.
    pub async fn delete_namespace(&self, name: &str) -> Result<(), String> {
        let api: Api<Namespace> = Api::all(self.0.clone());
        let gone = api.delete(name, &DeleteParams::background()).await;
        gone.map(drop)
            .or_else(absent)
            .map_err(|error| format!("namespace {name}: {error}"))
    }

    /// Is a namespace there, or on its way out?
    pub async fn has_namespace(&self, name: &str) -> bool {
        let api: Api<Namespace> = Api::all(self.0.clone());
        !matches!(api.get_opt(name).await, Ok(None))
    }

    fn applications(&self) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application");
        Api::namespaced_with(self.0.clone(), ARGOCD, &ApiResource::from_gvk(&kind))
    }
}

const ARGOCD: &str = "argocd";

fn absent(error: kube::Error) -> Result<(), kube::Error> {
    match error {
        kube::Error::Api(status) if status.code == 404 => Ok(()),
        other => Err(other),
    }
}
