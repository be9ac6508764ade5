//! What is attested of an image: by `BuildKit` beside it, by what refers to it, and by cosign's tags. That it is there is looked
//! at; who signed it is not verified.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use super::{
    Content, Descriptor, INDEXES, Method, Platform, Reply, Repository, header, parsed,
    predicates_of,
};
use crate::domain::{
    gate::{Attested, AttestedOf},
    text::sanitise,
};

/// So many manifests are looked at for attestations.
const MOST_MANIFESTS: usize = 24;
/// And of so many images at most.
const MOST_IMAGES: usize = 12;
/// What says of an entry of an index that it is about another one, and of which.
const ABOUT: (&str, &str) = ("vnd.docker.reference.type", "vnd.docker.reference.digest");
/// Where a referrer says what it attests.
const PREDICATES: [&str; 3] = [
    "dev.sigstore.bundle.predicateType",
    "in-toto.io/predicate-type",
    "predicateType",
];

/// Whether an entry of an index is an image, and no attestation of one.
pub(super) fn is_image(entry: &Descriptor) -> bool {
    entry.annotation(ABOUT.0) != Some("attestation-manifest")
}

/// Looks through what is attested, as far as anybody would wait for.
pub(super) struct Looking<'a> {
    repository: &'a Repository,
    manifests: usize,
    images: usize,
    is_part: bool,
}

impl<'a> Looking<'a> {
    pub(super) fn through(repository: &'a Repository) -> Self {
        Self {
            repository,
            manifests: MOST_MANIFESTS,
            images: MOST_IMAGES,
            is_part: false,
        }
    }

    /// What is attested of what `digest` means; where that is an index, also of its images that are asked about.
    pub(super) async fn at(
        mut self,
        digest: &str,
        content: &Content,
        of: &AttestedOf,
    ) -> Result<Attested, String> {
        let whole = self.of(digest).await?;
        let mut parts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let (images, about): (Vec<&Descriptor>, Vec<&Descriptor>) =
            content.manifests.iter().partition(|it| is_image(it));
        for image in images {
            let name = image.platform.as_ref().and_then(Platform::name);
            if let AttestedOf::Platform(asked) = of
                && name.as_ref() != Some(asked)
            {
                continue;
            }
            let mut found = self.of(&image.digest).await?;
            for beside in &about {
                if beside.annotation(ABOUT.1) == Some(&image.digest) {
                    self.predicates(&beside.digest, &mut found).await?;
                }
            }
            // Several may be for one platform, such as versions of Windows: it has what all of them have.
            match parts.entry(name.unwrap_or_else(|| image.digest.clone())) {
                Entry::Vacant(free) => drop(free.insert(found)),
                Entry::Occupied(mut known) => known.get_mut().retain(|it| found.contains(it)),
            }
        }
        let clean = |found: BTreeSet<String>| -> BTreeSet<String> {
            found.iter().map(|it| sanitise(it).into_owned()).collect()
        };
        let parts = parts.into_iter();
        Ok(Attested {
            whole: clean(whole),
            parts: parts
                .map(|(name, found)| (sanitise(&name).into_owned(), clean(found)))
                .collect(),
            is_part: self.is_part,
        })
    }

    /// Of one digest: by what refers to it, and by cosign's tags.
    async fn of(&mut self, digest: &str) -> Result<BTreeSet<String>, String> {
        let mut found = BTreeSet::new();
        if self.images == 0 {
            self.is_part = true;
            return Ok(found);
        }
        self.images -= 1;
        for referrer in self.referrers(digest).await? {
            let told = PREDICATES.iter().find_map(|key| referrer.annotation(key));
            match (told, &referrer.artifact) {
                (Some(predicate), _) => drop(found.insert(predicate.to_owned())),
                (None, Some(kind)) if kind.contains("signature") => {
                    found.insert("signature".to_owned());
                }
                (None, kind) => {
                    let before = found.len();
                    self.predicates(&referrer.digest, &mut found).await?;
                    if found.len() == before {
                        found.extend(kind.clone());
                    }
                }
            }
        }
        let tag = digest.replace(':', "-");
        let signed = self.repository.manifest(&format!("{tag}.sig")).await?;
        if signed.is_some() {
            found.insert("signature".to_owned());
        }
        let attested = self.repository.manifest(&format!("{tag}.att")).await?;
        if let Some(attested) = attested {
            predicates_of(&attested.bytes, &mut found)?;
        }
        Ok(found)
    }

    async fn predicates(
        &mut self,
        digest: &str,
        found: &mut BTreeSet<String>,
    ) -> Result<(), String> {
        if self.manifests == 0 {
            self.is_part = true;
            return Ok(());
        }
        self.manifests -= 1;
        match self.repository.manifest(digest).await? {
            Some(manifest) => predicates_of(&manifest.bytes, found),
            None => Ok(()),
        }
    }

    /// What refers to a digest, by the API or, where a registry has none, by the tag that stands in for it.
    async fn referrers(&mut self, digest: &str) -> Result<Vec<Descriptor>, String> {
        let url = format!("{}/referrers/{digest}", self.repository.base);
        let reply = self.repository.ask(Method::GET, &url, &INDEXES, None);
        let reply = reply.await?;
        let is_index = |reply: &Reply| {
            let kind = reply.header("content-type").unwrap_or_default();
            INDEXES.iter().any(|known| kind.starts_with(known))
        };
        let bytes = match reply.status {
            200 if is_index(&reply) => {
                // The rest is on more pages.
                self.is_part |= reply.headers.contains_key(header::LINK);
                Some(reply.body)
            }
            // As registries answer that do not know the question.
            200 | 400 | 404..=406 => {
                let tag = digest.replace(':', "-");
                let manifest = self.repository.manifest(&tag).await?;
                manifest.map(|manifest| manifest.bytes)
            }
            // One that does not say now has not said that there is nothing.
            status => return Err(self.repository.refused(status)),
        };
        Ok(match bytes {
            Some(bytes) => parsed::<Content>(&bytes)?.manifests,
            None => Vec::new(),
        })
    }
}
