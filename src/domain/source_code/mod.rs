//! The source code of services: where it is (`[[sources]]`), what lies between two versions, and what a version was built of.

mod behind;
mod changelog;
mod evidence;

pub use behind::{Behind, VersionStep};
pub use changelog::{Changelog, number_beside};
pub use evidence::{Evidence, SaidBy};

use super::{
    glob,
    ids::ServiceName,
    policy::check::Consent,
    template::{Captures, Template, TemplateError},
    version::Version,
};

/// One `[[sources]]` entry: where the source code of services is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceCode {
    /// Patterns of the services whose it is.
    pub services: Vec<String>,
    /// The address of its repository, by `{service}`.
    pub repository: Option<Template>,
    /// A clone of that on this machine, by `{service}`: a path from the root of this repository, or an absolute one.
    pub clone: Option<Template>,
    /// What a version is called there, by `{service}` and `{version}`; `None`: it is looked for.
    pub tag: Option<Template>,
    /// The folder that the service is in, where others are beside it, by `{service}`.
    pub path: Option<Template>,
    /// A program that tells it instead, and its arguments, by `{service}`, `{from}` and `{to}`.
    pub command: Option<Vec<Template>>,
    /// What the user has to have allowed, where a repository's file names it.
    pub consent: Option<Consent>,
}

impl SourceCode {
    /// The entry for a service: the first whose patterns it matches.
    pub fn of<'a>(all: &'a [Self], service: &ServiceName) -> Option<&'a Self> {
        all.iter().find(|it| {
            let mut patterns = it.services.iter();
            patterns.any(|pattern| glob::is_match(pattern, service.as_str()))
        })
    }

    /// One of its templates with the service's name, and the version where there is one.
    ///
    /// # Errors
    /// Where it asks for what there is not.
    pub fn fill(
        template: &Template,
        service: &ServiceName,
        version: Option<&Version>,
    ) -> Result<String, TemplateError> {
        let mut captures = Captures::from([("service".to_owned(), service.to_string())]);
        if let Some(version) = version {
            captures.insert("version".to_owned(), version.to_string());
        }
        template.fill(&captures)
    }

    /// What a version may be called in the source code, the likeliest first: tags, and what may be the beginning of a commit.
    ///
    /// # Errors
    /// Where `tag` asks for what there is not.
    pub fn names(&self, service: &ServiceName, version: &Version) -> Result<Names, TemplateError> {
        // What a registry knows it by is no part of its name.
        let plain = version.as_str();
        let plain = plain.split_once('@').map_or(plain, |(tag, _)| tag);
        if let Some(tag) = &self.tag {
            return Ok(Names {
                tags: vec![Self::fill(tag, service, Some(&plain.into()))?],
                commits: Vec::new(),
            });
        }
        let number = plain.strip_prefix('v').unwrap_or(plain);
        let service = service.as_str();
        let own = [
            format!("{service}-{number}"),
            format!("{service}-v{number}"),
            format!("{service}/v{number}"),
            format!("{service}/{number}"),
            format!("{service}@{number}"),
        ];
        let bare = [
            plain.to_owned(),
            format!("v{number}"),
            number.to_owned(),
            format!("release-{number}"),
        ];
        // Where several services may be, the bare name is that of the whole, or of another one.
        let places = [&self.repository, &self.clone];
        let is_alone =
            (places.into_iter().flatten()).any(|place| place.names().any(|name| name == "service"));
        let names: Vec<String> = if is_alone && self.path.is_none() {
            bare.into_iter().chain(own).collect()
        } else {
            own.into_iter().chain(bare).collect()
        };
        let mut tags: Vec<String> = Vec::new();
        for name in names {
            if !tags.contains(&name) {
                tags.push(name);
            }
        }
        Ok(Names {
            tags,
            commits: commits_in(plain),
        })
    }
}

/// What a version may be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Names of tags.
    pub tags: Vec<String>,
    /// What commits may begin with.
    pub commits: Vec<String>,
}

/// The parts of a version that may be the beginning of a commit: `main-3f2c1ab-1712`, `sha-3f2c1ab`. A number alone is none: it
/// is a date, or a build.
fn commits_in(version: &str) -> Vec<String> {
    let is_commit = |part: &&str| {
        let hexadecimal = part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let digits = part.bytes().all(|b| b.is_ascii_digit());
        (7..=40).contains(&part.len()) && hexadecimal && !digits
    };
    let parts = version.split(|c: char| !c.is_ascii_alphanumeric());
    // `git describe` puts a letter before it.
    let parts = parts.map(|part| {
        part.strip_prefix('g')
            .filter(|it| is_commit(it))
            .unwrap_or(part)
    });
    parts.filter(is_commit).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> SourceCode {
        SourceCode {
            services: vec!["*".to_owned()],
            repository: None,
            clone: None,
            tag: None,
            path: None,
            command: None,
            consent: None,
        }
    }

    #[test]
    fn a_version_is_looked_for_under_the_names_that_people_use() {
        let alone = SourceCode {
            repository: Some(Template::parse("https://git.example.com/acme/{service}").unwrap()),
            ..source()
        };
        let names = |version: &str| alone.names(&"web".into(), &version.into()).unwrap();
        let found = names("1.4.0");
        for name in [
            "1.4.0",
            "v1.4.0",
            "web-1.4.0",
            "web-v1.4.0",
            "web/v1.4.0",
            "web@1.4.0",
        ] {
            assert!(found.tags.contains(&name.to_owned()), "{name}");
        }
        assert_eq!(found.tags[0], "1.4.0");
        assert_eq!(found.commits, Vec::<String>::new());
        assert_eq!(names("v1.4.0@sha256:00").tags[..2], ["v1.4.0", "1.4.0"]);
        for (version, commits) in [
            ("main-3f2c1ab-1712", vec!["3f2c1ab"]),
            ("sha-3f2c1abd", vec!["3f2c1abd"]),
            ("1.4.0-5-g3f2c1ab", vec!["3f2c1ab"]),
            ("20240817", vec![]),
            ("release", vec![]),
        ] {
            assert_eq!(names(version).commits, commits, "{version}");
        }
        // Beside others its own come first.
        let beside = source().names(&"web".into(), &"1.4.0".into()).unwrap();
        assert_eq!(beside.tags[0], "web-1.4.0");
        assert!(beside.tags.contains(&"v1.4.0".to_owned()));
        let tagged = SourceCode {
            tag: Some(Template::parse("{service}/{version}").unwrap()),
            ..source()
        };
        let names = tagged.names(&"web".into(), &"2@sha256:00".into()).unwrap();
        assert_eq!(
            (names.tags, names.commits),
            (vec!["web/2".to_owned()], vec![])
        );
    }

    #[test]
    fn the_first_entry_whose_pattern_a_service_matches_is_its_own() {
        let of = |pattern: &str| SourceCode {
            services: vec![pattern.to_owned()],
            ..source()
        };
        let all = [of("web-*"), of("*")];
        assert_eq!(SourceCode::of(&all, &"web-a".into()), Some(&all[0]));
        assert_eq!(SourceCode::of(&all, &"api".into()), Some(&all[1]));
        assert_eq!(SourceCode::of(&all[..1], &"api".into()), None);
    }
}
