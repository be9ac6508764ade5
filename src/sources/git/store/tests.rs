//! Objects of every kind, whole and broken in every way: reading ends, within a bound that is counted in bytes and steps.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;

use super::{
    Found, Hold, LONGEST_CHAIN, Reader, Store, Type,
    fuzzing::{Pack, check_loose, check_pack, deflated, name, spent, store, write_loose},
};
use crate::{
    domain::ids::ObjectId,
    sources::git::{
        objects::name_of,
        tests::support::{Scratch, commit, git, rev},
    },
};

const LIMIT: usize = 1 << 20;

fn folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("tidegate-store-")
        .tempdir()
        .unwrap()
}

/// What reading an object of a git directory gives: its bytes, or what is wrong.
fn read(folder: &Path, id: ObjectId) -> Result<Vec<u8>, String> {
    match Reader::new(&store(folder)).read(&id, LIMIT) {
        Ok(Some(Found::Object(_, data))) => Ok(data.to_vec()),
        Ok(Some(Found::TooLarge(size))) => Err(format!("{size} bytes")),
        Ok(None) => Err("nowhere".to_owned()),
        Err(broken) => Err(broken.why.to_owned()),
    }
}

#[test]
fn loose_objects_that_are_not_what_they_should_be() {
    let whole = deflated(b"blob 5\0hello");
    let mut behind = whole.clone();
    behind.push(0);
    let mut checksum = whole.clone();
    *checksum.last_mut().unwrap() ^= 1;
    let bomb = deflated(&[b"blob 5\0".to_vec(), vec![0; 50 << 20]].concat());
    let empty_blocks = [&whole[..2], &[0, 0, 0, 0xff, 0xff].repeat(100_000)].concat();
    let cases: [(&str, Vec<u8>, Result<&str, &str>); 19] = [
        ("whole", whole.clone(), Ok("hello")),
        ("nothing in it", deflated(b"blob 0\0"), Ok("")),
        ("empty file", vec![], Err("is empty")),
        (
            "zeros, as after a power loss",
            vec![0; 90],
            Err("cannot be inflated"),
        ),
        ("text", b"blob 5\0hello".to_vec(), Err("cannot be inflated")),
        (
            "cut short",
            whole[..whole.len() - 5].to_vec(),
            Err("is cut short"),
        ),
        ("one byte", whole[..1].to_vec(), Err("is cut short")),
        ("other checksum", checksum, Err("cannot be inflated")),
        ("more behind", behind, Err("behind its end")),
        (
            "longer",
            deflated(b"blob 4\0hello"),
            Err("longer than it announces"),
        ),
        (
            "shorter",
            deflated(b"blob 6\0hello"),
            Err("shorter than it announces"),
        ),
        ("bomb", bomb, Err("longer than it announces")),
        ("blocks of nothing", empty_blocks, Err("cut short")),
        (
            "giant",
            deflated(b"blob 99999999999\0x"),
            Err("99999999999 bytes"),
        ),
        (
            "announced for nothing",
            deflated(b"blob 1000000\0x"),
            Err("too short for the size"),
        ),
        (
            "beyond numbers",
            deflated(b"blob 99999999999999999999999\0x"),
            Err("begins like no object"),
        ),
        (
            "negative",
            deflated(b"blob -5\0hello"),
            Err("begins like no object"),
        ),
        (
            "of no kind",
            deflated(b"blub 5\0hello"),
            Err("begins like no object"),
        ),
        (
            "no header",
            deflated(&[b'x'; 100]),
            Err("begins like no object"),
        ),
    ];
    for (case, content, expected) in cases {
        let folder = folder();
        write_loose(folder.path(), name(7), &content);
        match (read(folder.path(), name(7)), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected.as_bytes(), "{case}"),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{case}: {found}"),
            (found, _) => panic!("{case}: {found:?}"),
        }
    }
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_read() {
    let folder = folder();
    let objects = folder.path().join("objects/07");
    fs::create_dir_all(&objects).unwrap();
    let file = objects.join(&name(7).to_string()[2..]);
    let refused = |case: &str, message: &str| {
        let found = read(folder.path(), name(7));
        assert!(
            found.as_ref().is_err_and(|why| why.contains(message)),
            "{case}: {found:?}"
        );
        fs::remove_file(&file)
            .or_else(|_| fs::remove_dir(&file))
            .unwrap();
    };
    let link = |to: &str| std::os::unix::fs::symlink(to, &file).unwrap();
    link("/dev/zero");
    refused("link to a device", "is no file");
    assert!(
        Command::new("mkfifo")
            .arg(&file)
            .status()
            .unwrap()
            .success()
    );
    refused("pipe", "is no file");
    fs::create_dir(&file).unwrap();
    refused("folder", "is no file");
    link(file.to_str().unwrap());
    refused("link to itself", "is no file");
    link("nowhere");
    refused("link to nothing", "nowhere");
    // Git follows such links, too.
    write_loose(folder.path(), name(8), &deflated(b"blob 2\0ok"));
    let other = folder
        .path()
        .join("objects/08")
        .join(&name(8).to_string()[2..]);
    link(other.to_str().unwrap());
    assert_eq!(read(folder.path(), name(7)).unwrap(), b"ok");
    // The list of other places to look at is a pipe.
    fs::create_dir_all(folder.path().join("objects/info")).unwrap();
    let alternates = folder.path().join("objects/info/alternates");
    assert!(
        Command::new("mkfifo")
            .arg(alternates)
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(read(folder.path(), name(8)).unwrap(), b"ok");
}

#[test]
fn borrowed_objects_are_found_and_loops_end() {
    let (one, two) = (folder(), folder());
    let (a, b) = (one.path().join("objects"), two.path().join("objects"));
    write_loose(two.path(), name(7), &deflated(b"blob 2\0ok"));
    let list = |objects: &Path, lines: String| {
        fs::create_dir_all(objects.join("info")).unwrap();
        fs::write(objects.join("info/alternates"), lines).unwrap();
    };
    list(
        &a,
        format!(
            "# borrowed\n\n.\n{}\n{}\n/nowhere\n",
            a.display(),
            b.display()
        ),
    );
    list(&b, format!("{}\n{}/../objects\n", a.display(), b.display()));
    assert_eq!(read(one.path(), name(7)).unwrap(), b"ok");
    assert_eq!(read(one.path(), name(9)).unwrap_err(), "nowhere");
    assert_eq!(store(one.path()).folders.len(), 3);
}

/// `size of base, size of result, operations`
fn delta(base: u8, result: u8, operations: &[u8]) -> Vec<u8> {
    [&[base, result], operations].concat()
}

#[test]
fn packed_objects_that_are_not_what_they_should_be() {
    type Make = fn(&mut Pack);
    // What the objects 0 and 1 are made of, and how the reading of 1 ends.
    let cases: [(&str, Make, Result<&str, &str>); 14] = [
        ("plain", |p| p.put_plain(name(1), 3, b"hello"), Ok("hello")),
        (
            "delta by name",
            |p| {
                p.put_plain(name(0), 3, b"hello");
                p.put_delta(name(1), name(0), &delta(5, 6, &[0x90, 5, 1, b'!']));
            },
            Ok("hello!"),
        ),
        (
            "delta by place",
            |p| {
                p.put_plain(name(0), 3, b"hello");
                p.put_delta_at(name(1), p.bytes.len(), &delta(5, 5, &[0x90, 5]));
            },
            Ok("hello"),
        ),
        (
            "delta on itself by name",
            |p| p.put_delta(name(1), name(1), &delta(5, 5, &[0x90, 5])),
            Err("go round"),
        ),
        (
            "delta on itself by place",
            |p| p.put_delta_at(name(1), 0, &delta(5, 5, &[0x90, 5])),
            Err("is damaged"),
        ),
        (
            "two deltas on each other",
            |p| {
                p.put_delta(name(0), name(1), &delta(5, 5, &[0x90, 5]));
                p.put_delta(name(1), name(0), &delta(5, 5, &[0x90, 5]));
            },
            Err("go round"),
        ),
        (
            "base before the pack's beginning",
            |p| p.put_delta_at(name(1), 5, &delta(5, 5, &[0x90, 5])),
            Err("is damaged"),
        ),
        (
            "base that is nowhere",
            |p| p.put_delta(name(1), name(9), &delta(5, 5, &[0x90, 5])),
            Err("base of a delta is not in it"),
        ),
        (
            "delta that makes more",
            |p| {
                p.put_plain(name(0), 3, b"hello");
                p.put_delta(name(1), name(0), &delta(5, 6, &[0x90, 5, 0x90, 5]));
            },
            Err("is damaged"),
        ),
        (
            "of no kind",
            |p| p.put_plain(name(1), 5, b"hello"),
            Err("is damaged"),
        ),
        (
            "longer than announced",
            |p| p.put(name(1), 3, 4, &[], &deflated(b"hello")),
            Err("is damaged"),
        ),
        (
            "shorter than announced",
            |p| p.put(name(1), 3, 6, &[], &deflated(b"hello")),
            Err("is damaged"),
        ),
        (
            "giant",
            |p| p.put(name(1), 3, 1 << 40, &[], &deflated(b"hello")),
            Err("is damaged"),
        ),
        (
            "no deflated bytes",
            |p| p.put(name(1), 3, 5, &[], b"hello hello hello"),
            Err("is damaged"),
        ),
    ];
    for (case, make, expected) in cases {
        let folder = folder();
        let mut pack = Pack::default();
        make(&mut pack);
        pack.write(folder.path(), "pack-a");
        match (read(folder.path(), name(1)), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected.as_bytes(), "{case}"),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{case}: {found}"),
            (found, _) => panic!("{case}: {found:?}"),
        }
    }
}

/// `name` has 256 numbers; chains are longer.
fn numbered(number: usize) -> ObjectId {
    let mut bytes = [1; 20];
    bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
    bytes[0] = u8::try_from(number % 251).unwrap();
    ObjectId::new(bytes)
}

#[test]
fn chains_of_deltas_end() {
    let mut pack = Pack::default();
    pack.put_plain(numbered(0), 3, b"hello");
    for number in 1..=LONGEST_CHAIN + 1 {
        let base = numbered(number - 1);
        pack.put_delta(numbered(number), base, &delta(5, 5, &[0x90, 5]));
    }
    let folder = folder();
    pack.write(folder.path(), "pack-a");
    assert_eq!(
        read(folder.path(), numbered(LONGEST_CHAIN)).unwrap(),
        b"hello"
    );
    let why = read(folder.path(), numbered(LONGEST_CHAIN + 1)).unwrap_err();
    assert!(why.contains("longer than Git makes any"), "{why}");
}

/// Every delta makes as much as is allowed: together they may not make much more.
#[test]
fn deltas_that_make_much_of_little_end() {
    let mut pack = Pack::default();
    pack.put_plain(numbered(0), 3, &vec![b'x'; LIMIT]);
    let size = [0x80, 0x80, 0x40]; // 1 MB, seven bits a byte
    let all = [0xf0, 0xff, 0xff, 0x0f, 0x90, 1]; // nearly all of it, and one byte
    let delta = [&size[..], &size[..], &all[..]].concat();
    for number in 1..1000 {
        pack.put_delta(numbered(number), numbered(number - 1), &delta);
    }
    let folder = folder();
    pack.write(folder.path(), "pack-a");
    let mut reader = Reader::new(&store(folder.path()));
    assert!(spent(&mut reader, &numbered(100), LIMIT) > 100 * LIMIT);
    let why = read(folder.path(), numbered(999)).unwrap_err();
    assert!(why.contains("more than any file is worth"), "{why}");
}

#[test]
fn a_broken_copy_is_passed_over_for_a_whole_one() {
    let folder = folder();
    let mut broken = Pack::default();
    broken.put_delta(name(1), name(1), &delta(5, 5, &[0x90, 5]));
    broken.write(folder.path(), "pack-a");
    assert!(read(folder.path(), name(1)).is_err());
    write_loose(folder.path(), name(1), &deflated(b"blob 5\0hello"));
    assert_eq!(read(folder.path(), name(1)).unwrap(), b"hello");
    write_loose(folder.path(), name(1), b"");
    assert!(read(folder.path(), name(1)).is_err());
    let mut whole = Pack::default();
    whole.put_plain(name(1), 3, b"hello");
    whole.write(folder.path(), "pack-b");
    assert_eq!(read(folder.path(), name(1)).unwrap(), b"hello");
}

#[test]
fn what_comes_and_goes_meanwhile_is_found() {
    let folder = folder();
    let mut pack = Pack::default();
    pack.put_plain(name(1), 3, b"one");
    pack.write(folder.path(), "pack-a");
    for hold in [Hold::None, Hold::Small, Hold::Many] {
        let shared = Store::open(folder.path(), hold);
        let mut reader = Reader::new(&shared);
        assert!(matches!(reader.read(&name(2), LIMIT), Ok(None)), "{hold:?}");
        // As `git gc` does: another pack has all of it, and the first is gone.
        let mut both = Pack::default();
        both.put_plain(name(2), 3, b"two");
        both.put_plain(name(1), 3, b"one");
        both.write(folder.path(), "pack-b");
        fs::remove_file(folder.path().join("objects/pack/pack-a.pack")).unwrap();
        for number in [1, 2] {
            let found = reader.read(&name(number), LIMIT);
            assert!(
                matches!(found, Ok(Some(Found::Object(Type::Blob, _)))),
                "{hold:?}: {found:?}"
            );
        }
        fs::remove_file(folder.path().join("objects/pack/pack-b.pack")).unwrap();
        fs::remove_file(folder.path().join("objects/pack/pack-b.idx")).unwrap();
        pack.write(folder.path(), "pack-a");
    }
}

#[test]
fn an_index_that_is_none_is_told() {
    let folder = folder();
    let mut pack = Pack::default();
    pack.put_plain(name(1), 3, b"one");
    pack.write(folder.path(), "pack-a");
    let index = folder.path().join("objects/pack/pack-a.idx");
    let whole = fs::read(&index).unwrap();
    let mut beyond = whole.clone();
    beyond[8 + 255 * 4..8 + 256 * 4].copy_from_slice(&[0xff; 4]);
    let mut disordered = whole.clone();
    disordered[8..12].copy_from_slice(&[0, 0, 0, 9]);
    for (case, bytes) in [
        ("empty", &b""[..]),
        ("cut short", &whole[..whole.len() - 30]),
        ("text", b"not an index"),
        ("more objects than bytes", &beyond),
        ("drawers that end before they begin", &disordered),
    ] {
        fs::write(&index, bytes).unwrap();
        for hold in [Hold::None, Hold::Small, Hold::Many] {
            let store = Store::open(folder.path(), hold);
            assert!(!store.has(&name(1)), "{case}");
            assert!(store.broken_index().is_some(), "{case}: {hold:?}");
        }
    }
}

/// A repository with a commit, a tag, folders, a file that changed a little, and one that repeats itself.
fn small() -> (Scratch, std::path::PathBuf, Vec<ObjectId>) {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    let lines = (0..60).map(|line| format!("line {line}: {}\n", line * 7919));
    let text = lines.collect::<Vec<_>>().concat();
    commit(
        &path,
        &[("apps/web/values.yaml", &text), ("zeros", &"0".repeat(500))],
        "one",
        1_700_000_000,
    );
    let changed = text.replace("line 30", "line thirty");
    commit(
        &path,
        &[("apps/web/values.yaml", &changed)],
        "two",
        1_700_000_100,
    );
    git(&path, &["tag", "-a", "v1", "-m", "first"]);
    let list = git(&path, &["rev-list", "--objects", "--all"]);
    let mut ids: Vec<ObjectId> = list
        .lines()
        .map(|line| line[..40].parse().unwrap())
        .collect();
    ids.push(rev(&path, "v1"));
    (scratch, path.join(".git"), ids)
}

/// Every object, as it is named: anything else is an error.
fn read_all(folder: &Path, ids: &[ObjectId], size: usize, case: &str) -> usize {
    let mut found = 0;
    for hold in [Hold::None, Hold::Small] {
        let mut reader = Reader::new(&Store::open(folder, hold));
        for id in ids {
            let spent = spent(&mut reader, id, LIMIT);
            let most = 2 * 1100 * (size + 64) + ids.len() * (8192 + 64);
            assert!(spent <= most, "{case}: {spent} of {most}");
            if let Ok(Some(Found::Object(kind, data))) = reader.read(id, LIMIT)
                && name_of(kind, &data) == Some(*id)
            {
                found += 1;
            }
        }
    }
    found
}

/// Every length that a power loss may leave of every kind of object, and every byte that a disk may turn over.
#[test]
fn every_truncation_and_every_flipped_byte_of_a_loose_object_ends() {
    let (_scratch, folder, ids) = small();
    for id in ids {
        let name = id.to_string();
        let file = folder.join("objects").join(&name[..2]).join(&name[2..]);
        let whole = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let check = |bytes: &[u8], case: &str| {
            fs::write(&file, bytes).unwrap();
            read_all(&folder, &[id], bytes.len(), case)
        };
        for length in 0..whole.len() {
            let case = format!("{length} bytes of {id}");
            assert_eq!(check(&whole[..length], &case), 0, "{case}");
        }
        for place in 0..whole.len() {
            for bit in [1, 0x80] {
                let mut flipped = whole.clone();
                flipped[place] ^= bit;
                // Some bits mean nothing: the level of compression, and what fills up the last byte.
                check(&flipped, &format!("byte {place} of {id}"));
            }
        }
        fs::write(&file, &whole).unwrap();
    }
}

#[test]
fn every_truncation_and_every_flipped_byte_of_a_pack_and_its_index_ends() {
    let (_scratch, folder, ids) = small();
    git(&folder, &["repack", "-adfq", "--depth=10", "--window=10"]);
    let packs = folder.join("objects/pack");
    let files = fs::read_dir(&packs)
        .unwrap()
        .map(|file| file.unwrap().path());
    let files: Vec<_> = files.collect();
    let deltas = git(
        &folder,
        &[
            "verify-pack",
            "-v",
            files[0].with_extension("idx").to_str().unwrap(),
        ],
    );
    assert!(deltas.contains("chain length = 1"), "{deltas}");
    let sizes = files.iter().map(|file| fs::metadata(file).unwrap().len());
    let size = usize::try_from(sizes.sum::<u64>()).unwrap();
    assert_eq!(read_all(&folder, &ids, size, "whole"), 2 * ids.len());
    for file in files {
        let whole = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        for length in (0..whole.len()).step_by(3) {
            fs::write(&file, &whole[..length]).unwrap();
            read_all(
                &folder,
                &ids,
                size,
                &format!("{length} bytes of {}", file.display()),
            );
        }
        for place in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[place] ^= if place % 2 == 0 { 0x80 } else { 1 };
            fs::write(&file, &flipped).unwrap();
            read_all(
                &folder,
                &ids,
                size,
                &format!("byte {place} of {}", file.display()),
            );
        }
        fs::write(&file, &whole).unwrap();
    }
}

#[test]
fn indexes_of_both_versions_are_read_in_every_way() {
    let (_scratch, folder, ids) = small();
    for version in ["1", "2"] {
        git(
            &folder,
            &[
                "-c",
                &format!("pack.indexVersion={version}"),
                "repack",
                "-adfq",
            ],
        );
        for hold in [Hold::None, Hold::Small, Hold::Many] {
            let store = Store::open(&folder, hold);
            let mut reader = Reader::new(&store);
            for id in &ids {
                let Ok(Some(Found::Object(kind, data))) = reader.read(id, LIMIT) else {
                    panic!("{id} with version {version}, {hold:?}");
                };
                assert_eq!(name_of(kind, &data), Some(*id));
                let alike = store.beginning_with(&id.to_string()[..12], 5);
                assert_eq!(alike, [*id], "version {version}, {hold:?}");
            }
        }
    }
}

#[test]
fn every_seed_of_the_fuzz_targets_holds() {
    type Check = fn(&[u8]);
    let targets: [(&str, Check); 2] = [("objects", check_loose), ("pack", check_pack)];
    for (target, check) in targets {
        let folder = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
        let mut count = 0;
        for seed in fs::read_dir(&folder).unwrap() {
            let path = seed.unwrap().path();
            println!("{}", path.display());
            check(&fs::read(&path).unwrap());
            count += 1;
        }
        assert!(count > 8, "{count} seeds in {folder}");
    }
}
