//! History that is kept on disk and caught up.

use super::*;

/// Everything that is told of all cells, depths and authors included.
fn all_of(repo: &Repo, tip: ObjectId, layouts: &Arc<LayoutSet>) -> (Changes, u32) {
    let found = history(repo, tip, layouts, &Want::default());
    (found.changes, found.walked)
}

fn index_file(folder: &Path) -> std::path::PathBuf {
    let mut entries = std::fs::read_dir(folder).unwrap();
    entries.next().unwrap().unwrap().path()
}

#[test]
fn an_index_tells_what_a_whole_walk_tells() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    let fallback = |version: &str| format!("tag: {version}\n");
    commit(
        &path,
        &[("apps/api/all.yaml", &fallback("0"))],
        "fall-back",
        1_699_999_999,
    );
    set(&path, "prod", "1", "one", 0);
    git(&path, &["switch", "-qc", "a"]);
    set(&path, "prod", "2", "a", 10);
    git(&path, &["switch", "-q", "main"]);
    set(&path, "dev", "1", "dev", 15);
    merge(&path, "a", "M", 20);
    commit(
        &path,
        &[("apps/gone/prod.yaml", "tag: 1\n")],
        "gone comes",
        1_700_000_025,
    );
    let first = rev(&path, "main");
    let folder = scratch.path("cache");
    let plain = open(&path);
    let cached = open(&path).with_cache(&folder);
    let layouts = layouts(
        &["apps/{service}/{env:dev|prod}.yaml"],
        &["apps/{service}/all.yaml"],
    );
    let one = Want {
        cells: Some([CellKey::new("api", "dev")].into()),
        last_only: false,
        newest: None,
    };
    let found = history(&cached, first, &layouts, &one).changes;
    assert_eq!(
        found,
        history(&plain, first, &layouts, &one).changes,
        "one cell"
    );
    assert!(
        index_file(&folder).exists(),
        "a question about one cell keeps all"
    );
    std::fs::remove_file(index_file(&folder)).unwrap();
    assert_eq!(
        all_of(&cached, first, &layouts),
        all_of(&plain, first, &layouts),
        "cold"
    );
    assert_eq!(
        all_of(&cached, first, &layouts),
        all_of(&plain, first, &layouts),
        "warm"
    );

    // Ordinary changes, a merge that brings the same value anew, a cell that goes and one that comes.
    set(&path, "dev", "2", "two", 30);
    git(&path, &["switch", "-qc", "b"]);
    set(&path, "prod", "9", "b1", 40);
    commit(
        &path,
        &[("apps/api/prod.yaml", "tag: 2\nreplicas: 1\n")],
        "b2",
        1_700_000_050,
    );
    git(&path, &["switch", "-q", "main"]);
    commit(&path, &[("README", "x")], "meanwhile", 1_700_000_055);
    merge(&path, "b", "N", 60);
    git(&path, &["rm", "-q", "apps/gone/prod.yaml"]);
    commit(
        &path,
        &[("apps/new/prod.yaml", "tag: 7\n")],
        "new",
        1_700_000_070,
    );
    let second = rev(&path, "main");
    let expected = all_of(&plain, second, &layouts);
    let prod = &expected.0[&CellKey::new("api", "prod")];
    assert_eq!(prod[0].authored.subject, "b2");
    assert_eq!(all_of(&cached, second, &layouts), expected, "caught up");
    assert_eq!(all_of(&cached, second, &layouts), expected, "warm again");
    let last = Want {
        cells: None,
        last_only: true,
        newest: None,
    };
    let found = history(&cached, second, &layouts, &last).changes;
    assert_eq!(
        found,
        history(&plain, second, &layouts, &last).changes,
        "last changes"
    );

    // A question about one cell reads a part of the index: damage anywhere in it changes no answer.
    let file = index_file(&folder);
    let whole = std::fs::read(&file).unwrap();
    let asked = history(&plain, second, &layouts, &one).changes;
    for at in (0..whole.len()).step_by(37) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        std::fs::write(&file, &bytes).unwrap();
        assert_eq!(
            history(&cached, second, &layouts, &one).changes,
            asked,
            "byte {at}"
        );
    }
    std::fs::write(&file, &whole).unwrap();

    // A damaged index, one cut short, and one for a branch that was rewritten are as if they were not there.
    let file = index_file(&folder);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(all_of(&cached, second, &layouts), expected, "damaged");
    std::fs::write(&file, &bytes[..middle]).unwrap();
    assert_eq!(all_of(&cached, second, &layouts), expected, "cut short");
    git(&path, &["reset", "-q", "--hard", &first.to_string()]);
    set(&path, "dev", "8", "rewritten", 90);
    let third = rev(&path, "main");
    assert_eq!(
        all_of(&cached, third, &layouts),
        all_of(&plain, third, &layouts),
        "rewritten"
    );
}

#[test]
fn an_index_is_left_aside_where_a_file_moved_since() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    commit(
        &path,
        &[("old/api/prod.yaml", "tag: 1\n")],
        "one",
        1_700_000_000,
    );
    commit(
        &path,
        &[("old/api/prod.yaml", "tag: 2\n")],
        "two",
        1_700_000_010,
    );
    let folder = scratch.path("cache");
    let (plain, cached) = (open(&path), open(&path).with_cache(&folder));
    let layouts = layouts(&[PATH, "old/{service}/{env}.yaml"], &[]);
    all_of(&cached, rev(&path, "main"), &layouts);
    std::fs::create_dir_all(path.join("apps/api")).unwrap();
    git(&path, &["mv", "old/api/prod.yaml", "apps/api/prod.yaml"]);
    commit(&path, &[], "move", 1_700_000_020);
    set(&path, "prod", "3", "three", 30);
    let tip = rev(&path, "main");
    let found = history(&cached, tip, &layouts, &Want::default());
    assert_eq!(
        lines(&found, "prod"),
        ["3 three three", "2 two two", "1 one one"]
    );
    assert_eq!(
        all_of(&cached, tip, &layouts),
        all_of(&plain, tip, &layouts)
    );
}

/// An index made while the file was broken says that the value is gone; it is not gone on from there.
#[test]
fn an_index_of_a_broken_tip_is_left_aside_once_it_is_mended() {
    let (_, scratch, path) = told_of(&["1", "2", "!"]);
    let layouts = layouts(&[PATH], &[]);
    let repo = || open(&path).with_cache(&scratch.path("cache"));
    let broken = all_of(&repo(), rev(&path, "HEAD"), &layouts).0;
    let key = CellKey::new("api", "prod");
    assert_eq!(broken[&key].len(), 3);
    set(&path, "prod", "2", "mended", 4_000);
    let mended = all_of(&repo(), rev(&path, "HEAD"), &layouts).0;
    let whole = all_of(&open(&path), rev(&path, "HEAD"), &layouts).0;
    assert_eq!(mended, whole);
    assert_eq!(whole[&key].len(), 2, "the value of before goes on");
}

/// The last changes are found without walking to the end; they are kept by themselves, and gone on from.
#[test]
fn last_changes_are_kept_and_gone_on_from() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    for n in 0..20 {
        set(&path, "prod", &n.to_string(), &format!("p{n}"), n);
    }
    set(&path, "dev", "1", "d1", 30);
    let folder = scratch.path("cache");
    let (plain, cached) = (open(&path), open(&path).with_cache(&folder));
    let layouts = layouts(&[PATH], &[]);
    let last = Want {
        cells: None,
        last_only: true,
        newest: None,
    };
    let ask = |repo: &Repo| history(repo, rev(&path, "HEAD"), &layouts, &last).changes;
    assert_eq!(ask(&cached), ask(&plain), "cold");
    let kept = index_file(&folder);
    assert_eq!(kept.extension().unwrap(), "last");
    let written = std::fs::metadata(&kept).unwrap().modified().unwrap();
    assert_eq!(ask(&cached), ask(&plain), "warm");
    git(&path, &["switch", "-qc", "b"]);
    set(&path, "prod", "20", "b", 40);
    git(&path, &["switch", "-q", "main"]);
    merge(&path, "b", "M", 50);
    assert_eq!(ask(&cached), ask(&plain), "gone on from");
    let found = history(&cached, rev(&path, "HEAD"), &layouts, &last);
    assert_eq!(lines(&found, "prod"), ["20 M b"]);
    let again = std::fs::metadata(&kept).unwrap().modified().unwrap();
    assert_eq!(written, again, "a few commits are not worth writing");
    // It says nothing of older values.
    let one = Want {
        cells: Some([CellKey::new("api", "prod")].into()),
        last_only: false,
        newest: None,
    };
    let found = history(&cached, rev(&path, "HEAD"), &layouts, &one);
    assert_eq!(lines(&found, "prod").len(), 21);
}

/// Environments that are refs have an index each: asking for all of them forgets none.
#[test]
fn every_line_keeps_its_index() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    set(&path, "prod", "1", "one", 0);
    let folder = scratch.path("cache");
    let cached = open(&path).with_cache(&folder);
    let tip = rev(&path, "HEAD");
    for environment in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
        let layouts = layouts(
            &[&format!("apps/{{service}}/{{env:prod|{environment}}}.yaml")],
            &[],
        );
        history(&cached, tip, &layouts, &Want::default());
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 9);
}

/// What is asked of the newest commits is answered by the same changes with and without an index, and keeps none.
#[test]
fn the_newest_commits_are_the_same_with_and_without_an_index() {
    let scratch = Scratch::new();
    let path = scratch.init("r");
    for number in 1..=30_i64 {
        set(&path, "dev", &number.to_string(), "change", number * 10);
    }
    let first = rev(&path, "main");
    set(&path, "prod", "7", "later", 400);
    set(&path, "dev", "31", "later", 410);
    let second = rev(&path, "main");
    let layouts = layouts(&["apps/{service}/{env:dev|prod}.yaml"], &[]);
    let folder = scratch.path("cache");
    let plain = open(&path);
    let cached = open(&path).with_cache(&folder);
    let newest = |newest: u32| Want {
        newest: Some(newest),
        ..Want::default()
    };
    let told = |repo: &Repo, tip, most| {
        let changes = history(repo, tip, &layouts, &newest(most)).changes;
        let depths = changes.into_values().flatten().map(|change| change.depth);
        let mut depths: Vec<u32> = depths.collect();
        depths.sort_unstable();
        depths
    };
    assert_eq!(told(&cached, first, 5), [0, 1, 2, 3, 4], "without an index");
    let kept = std::fs::read_dir(&folder).map_or(0, Iterator::count);
    assert_eq!(kept, 0, "a part is not kept as if it were all");
    all_of(&cached, first, &layouts);
    assert_eq!(told(&cached, first, 5), [0, 1, 2, 3, 4], "from the index");
    for most in [1, 2, 3, 5, 100] {
        let expected = told(&plain, second, most);
        assert_eq!(expected.len(), most.min(32) as usize);
        assert_eq!(told(&cached, second, most), expected, "behind an index");
    }
}
