//! Small repositories in memory, for tests of layouts.

use std::{collections::BTreeMap, sync::Arc};

use super::{Assembler, LayoutSet, LayoutSpec};
use crate::domain::{
    desired::Desired,
    ids::{EnvironmentName, ObjectId, RepoPath},
};

/// A repository: layouts as TOML (`layouts = [{ … }]`), declared environments, files.
pub(crate) struct Small {
    pub(crate) layouts: Arc<LayoutSet>,
    pub(crate) environments: Vec<EnvironmentName>,
    pub(crate) files: BTreeMap<RepoPath, Vec<u8>>,
}

#[derive(serde::Deserialize)]
struct Written {
    layouts: Vec<LayoutSpec>,
}

impl Small {
    pub(crate) fn new(layouts: &str, environments: &[&str], files: &[(&str, &str)]) -> Self {
        let environments: Vec<EnvironmentName> = environments
            .iter()
            .map(|name| EnvironmentName::new(*name))
            .collect();
        Self {
            layouts: Arc::new(LayoutSet::compile(&specs(layouts), &environments).unwrap()),
            environments,
            files: files
                .iter()
                .map(|(path, text)| (RepoPath::new(*path), text.as_bytes().to_vec()))
                .collect(),
        }
    }

    pub(crate) fn assembler(&self) -> Assembler {
        let mut assembler = Assembler::new(Arc::clone(&self.layouts), &self.environments);
        for (path, bytes) in &self.files {
            let facts = self.layouts.extract(path, bytes);
            assembler.update(path.clone(), Some(Arc::new(facts)));
        }
        assembler
    }

    pub(crate) fn desired(&self) -> Desired {
        let mut assembler = self.assembler();
        assembler.decide();
        assembler.desired(ObjectId::new([0; 20]))
    }
}

/// The specs of a text such as `{ path = "…" }, { … }`.
pub(crate) fn specs(layouts: &str) -> Vec<LayoutSpec> {
    let written: Written = toml::from_str(&format!("layouts = [{layouts}]")).unwrap();
    written.layouts
}

/// The declared cells, one line each: `service env version path:line inherited`.
pub(crate) fn lines(desired: &Desired) -> Vec<String> {
    desired
        .cells
        .iter()
        .map(|(key, cell)| {
            let version = cell
                .version
                .as_ref()
                .map_or("-", |version| version.as_str());
            let sources: Vec<String> = cell
                .sources
                .iter()
                .map(|source| format!(" {}:{}", source.path, source.line))
                .collect();
            let inherited = if cell.inherited { " inherited" } else { "" };
            format!(
                "{} {} {version}{}{inherited}",
                key.service,
                key.environment,
                sources.concat()
            )
        })
        .collect()
}
