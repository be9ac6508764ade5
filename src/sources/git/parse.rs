//! Commits and trees from their bytes: the formats are small and stable.

use jiff::Timestamp;

use crate::domain::{
    failure::{Failure, FailureKind},
    history::CommitInfo,
    ids::ObjectId,
};

/// What an entry of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    Submodule,
}

/// One entry of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TreeEntry<'a> {
    pub(super) kind: Kind,
    /// As stored: `100644`.
    pub(super) mode: &'a [u8],
    /// As stored; not always UTF-8.
    pub(super) name: &'a [u8],
    pub(super) id: ObjectId,
}

impl<'a> TreeEntry<'a> {
    /// How many bytes of the tree it takes: `mode name\0id`.
    pub(super) fn length(&self) -> usize {
        self.mode.len() + self.name.len() + 22
    }

    /// Git sorts a folder as if its name ended in `/`.
    pub(super) fn sort_key(&self) -> impl Iterator<Item = u8> + 'a {
        let slash = (self.kind == Kind::Folder).then_some(b'/');
        self.name.iter().copied().chain(slash)
    }
}

/// The largest merge that is known has 66 parents (of Linux, by hand); libraries take what they are given.
pub(super) const MOST_PARENTS: usize = 1_000;

/// What walks need of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) tree: ObjectId,
    /// In a shallow clone, without those that were not fetched.
    pub(super) parents: Vec<ObjectId>,
}

/// What people see of a commit, from its text: (as authored, as landed); they differ in the time.
pub(super) fn read_info(
    commit: ObjectId,
    data: &[u8],
) -> Result<(CommitInfo, CommitInfo), Failure> {
    parse_info(commit, data).ok_or_else(|| damaged(commit, "is no readable commit"))
}

/// The entries of a tree's bytes; ends early where they are damaged.
pub(super) fn entries(data: &[u8]) -> impl Iterator<Item = TreeEntry<'_>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let space = rest.iter().position(|b| *b == b' ')?;
        let nul = space + rest[space..].iter().position(|b| *b == 0)?;
        let id: [u8; 20] = rest.get(nul + 1..nul + 21)?.try_into().ok()?;
        let mode = &rest[..space];
        let kind = match mode {
            b"40000" | b"040000" => Kind::Folder,
            b"120000" => Kind::Link,
            b"160000" => Kind::Submodule,
            _ => Kind::File,
        };
        let name = &rest[space + 1..nul];
        rest = &rest[nul + 21..];
        Some(TreeEntry {
            kind,
            mode,
            name,
            id: ObjectId::new(id),
        })
    })
}

/// Tree and parents of a commit's text; of these no more than one above [`MOST_PARENTS`].
pub(super) fn parse_header(data: &[u8]) -> Option<Header> {
    let mut lines = data.split(|b| *b == b'\n');
    let tree = hex(lines.next()?.strip_prefix(b"tree ")?)?;
    let mut parents = Vec::with_capacity(2);
    for line in lines {
        match line.strip_prefix(b"parent ") {
            Some(_) if parents.len() > MOST_PARENTS => break,
            Some(id) => parents.push(hex(id)?),
            None => break,
        }
    }
    Some(Header { tree, parents })
}

fn parse_info(commit: ObjectId, data: &[u8]) -> Option<(CommitInfo, CommitInfo)> {
    let (author, authored) = person(field(data, b"author ")?);
    let (_, committed) = person(field(data, b"committer ")?);
    let time = |seconds: Option<i64>| {
        let time = seconds.and_then(|s| Timestamp::from_second(s).ok());
        time.unwrap_or(Timestamp::UNIX_EPOCH)
    };
    let author = String::from_utf8_lossy(author).into_owned();
    let message = String::from_utf8_lossy(body(data));
    let authored = CommitInfo::new(commit, time(authored), author, &message);
    let landed = CommitInfo {
        time: time(committed),
        ..authored.clone()
    };
    Some((authored, landed))
}

/// The value of a header line of a commit.
pub(super) fn field<'a>(data: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    data.split(|b| *b == b'\n')
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix(key))
}

/// `Name <address> seconds zone` → name and seconds.
pub(super) fn person(line: &[u8]) -> (&[u8], Option<i64>) {
    let close = line.iter().rposition(|b| *b == b'>');
    let open = line.iter().position(|b| *b == b'<').unwrap_or(line.len());
    let seconds = close.and_then(|at| {
        std::str::from_utf8(&line[at + 1..])
            .ok()?
            .split_ascii_whitespace()
            .next()?
            .parse()
            .ok()
    });
    (line[..open].trim_ascii(), seconds)
}

/// When a commit was made, in seconds since 1970.
pub(super) fn committed(data: &[u8]) -> Option<i64> {
    person(field(data, b"committer ")?).1
}

/// What a tag with words of its own says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    /// What it names.
    pub(super) object: ObjectId,
    /// Who made it and when, in seconds since 1970.
    pub(super) tagger: Option<(String, i64)>,
    /// Its words.
    pub(super) message: String,
}

/// A tag's text: `object ID`, `type KIND`, `tag NAME`, `tagger PERSON`, an empty line and its words.
pub(super) fn parse_tag(data: &[u8]) -> Option<Tag> {
    let object = hex(field(data, b"object ")?)?;
    let tagger = field(data, b"tagger ").map(person);
    let tagger = tagger.and_then(|(name, time)| {
        let name = String::from_utf8_lossy(name).into_owned();
        Some((name, time?))
    });
    Some(Tag {
        object,
        tagger,
        message: String::from_utf8_lossy(body(data)).into_owned(),
    })
}

/// What stands behind the first empty line.
pub(super) fn body(data: &[u8]) -> &[u8] {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    end.map_or(&[][..], |at| &data[at + 2..])
}

fn hex(text: &[u8]) -> Option<ObjectId> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// An object that is not what it should be.
pub(super) fn damaged(id: ObjectId, why: &str) -> Failure {
    Failure::new(FailureKind::Damaged, format!("object {id} {why}")).hint(MEND)
}

/// How an object that is there, and broken, comes back.
pub(super) const MEND: &str = "See what else is damaged: git fsck --full. What the remote has comes \
    back with git fetch --refetch (Git 2.36), or clone anew";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_commits_as_git_writes_them() {
        let id = ObjectId::new([7; 20]);
        let a = "a".repeat(40);
        let b = "b".repeat(40);
        let data = format!(
            "tree {a}\nparent {b}\nparent {a}\nauthor Jane <j@x> 1700000000 +0100\ncommitter Bot <b@x> 1700000060 +0000\n\
             gpgsig -----BEGIN\n \n author Eve <e@x> 1 +0000\n\nMerge pull request #12 from x/y\n\nUpdate tag\n"
        );
        let header = parse_header(data.as_bytes()).unwrap();
        assert_eq!(header.tree.to_string(), a);
        assert_eq!(header.parents.len(), 2);
        let (authored, landed) = parse_info(id, data.as_bytes()).unwrap();
        assert_eq!(authored.author, "Jane");
        assert_eq!(authored.subject, "Merge pull request #12 from x/y");
        assert_eq!(authored.pull_request, Some(12));
        assert_eq!(authored.time.as_second(), 1_700_000_000);
        assert_eq!(landed.time.as_second(), 1_700_000_060);
        assert!(parse_header(b"nonsense").is_none());
    }

    #[test]
    fn reads_trees_and_stops_at_damage() {
        let mut data = Vec::new();
        for (mode, name) in [
            ("40000", "dir"),
            ("100644", "file"),
            ("120000", "link"),
            ("160000", "sub"),
        ] {
            data.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            data.extend_from_slice(&[1; 20]);
        }
        let kinds: Vec<_> = entries(&data).map(|e| e.kind).collect();
        assert_eq!(
            kinds,
            [Kind::Folder, Kind::File, Kind::Link, Kind::Submodule]
        );
        assert_eq!(entries(&data[..data.len() - 1]).count(), 3);
    }
}
