use super::*;

fn edit(before: &str, after: &str) -> FileDiff {
    FileDiff::between("a.yaml".into(), before.as_bytes(), after.as_bytes())
}

/// Lines `1` to `count`, of which these are others.
fn numbered(count: usize, others: &[(usize, &str)]) -> String {
    let line = |number: usize| {
        let other = others.iter().find(|(at, _)| *at == number);
        other.map_or_else(|| format!("{number}\n"), |(_, text)| format!("{text}\n"))
    };
    (1..=count).map(line).collect()
}

/// Rows as text, each by its first character.
fn shown(diff: &Diff, shape: Shape, rows: Range<usize>) -> Vec<String> {
    let side = |half: &Option<Half<'_>>| half.as_ref().map_or("", |half| half.text).to_owned();
    let rows = diff.rows(shape, rows).into_iter();
    rows.map(|row| match row {
        Row::Gap => String::new(),
        Row::Name(file) => file.path.to_string(),
        Row::Note(words) => format!("({words})"),
        Row::Header(old, new) => header(&old, &new),
        Row::Kept(_, half) => format!(" {}", half.text),
        Row::Gone(half) => format!("-{}", half.text),
        Row::Come(half) => format!("+{}", half.text),
        Row::Beside(old, new) => format!("{}|{}", side(&old), side(&new)),
    })
    .collect()
}

const SHAPES: [Shape; 8] = [
    Shape {
        extent: Extent::Changed,
        beside: false,
    },
    Shape {
        extent: Extent::Around(0),
        beside: false,
    },
    Shape {
        extent: Extent::Around(3),
        beside: false,
    },
    Shape {
        extent: Extent::Whole,
        beside: false,
    },
    Shape {
        extent: Extent::Changed,
        beside: true,
    },
    Shape {
        extent: Extent::Around(1),
        beside: true,
    },
    Shape {
        extent: Extent::Around(50),
        beside: true,
    },
    Shape {
        extent: Extent::Whole,
        beside: true,
    },
];

/// Two files: two changes far apart and one line more; a file that is new; one that is not shown.
fn several() -> Diff {
    let first = numbered(30, &[]);
    let second = numbered(30, &[(5, "five\nand a half"), (20, "twenty")]);
    Diff {
        files: vec![
            edit(&first, &second),
            FileDiff::between("b.yaml".into(), b"", b"x: 1\n").that_became(Became::Added),
            FileDiff::unshown("c.bin".into(), "not text"),
        ],
        goes_on: true,
    }
}

#[test]
fn text_for_git_apply() {
    let cases = [
        (
            "a: 1\nb: 2",
            "a: 1\nb: 3",
            "@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n\\ No newline at end of file\n+b: 3\n\\ No newline at end of file\n",
        ),
        ("", "a\n", "@@ -0,0 +1 @@\n+a\n"),
        ("a\n", "", "@@ -1 +0,0 @@\n-a\n"),
        (
            "a\r\nb\r\n",
            "a\r\nc\r\n",
            "@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n",
        ),
        // A lone carriage return ends no line.
        ("a\rb\n", "a\rc\n", "@@ -1 +1 @@\n-a\rb\n+a\rc\n"),
        ("a\n", "a\n", ""),
        (
            "a\nb",
            "a\nb\n",
            "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n",
        ),
    ];
    for (before, after, expected) in cases {
        let text = edit(before, after).with_header();
        assert_eq!(
            text,
            format!("--- a/a.yaml\n+++ b/a.yaml\n{expected}"),
            "{before:?} {after:?}"
        );
    }
    // Changes six lines apart are one hunk, those seven apart are two.
    for (second, hunks) in [(10, 1), (12, 2)] {
        let after = numbered(20, &[(3, "x"), (second, "y")]);
        let text = edit(&numbered(20, &[]), &after).with_header();
        assert_eq!(text.matches("@@ -").count(), hunks, "{text}");
    }
}

#[test]
fn as_much_is_shown_as_is_wanted() {
    let diff = Diff {
        files: vec![edit(&numbered(9, &[]), &numbered(9, &[(5, "five")]))],
        goes_on: false,
    };
    let all = |extent, beside| shown(&diff, Shape { extent, beside }, 0..99).join("\n");
    assert_eq!(all(Extent::Changed, false), "a.yaml\n-5\n+five");
    assert_eq!(all(Extent::Changed, true), "a.yaml\n5|five");
    assert_eq!(
        all(Extent::Around(1), false),
        "a.yaml\n@@ -4,3 +4,3 @@\n 4\n-5\n+five\n 6"
    );
    assert_eq!(all(Extent::Around(0), true), "a.yaml\n@@ -5 +5 @@\n5|five");
    assert_eq!(
        all(Extent::Whole, false),
        "a.yaml\n 1\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n 9"
    );
    let several = several();
    let all = |extent, beside| shown(&several, Shape { extent, beside }, 0..99).join("\n");
    assert_eq!(
        all(Extent::Changed, true),
        "a.yaml\n5|five\n|and a half\n20|twenty\n\nb.yaml\n|x: 1\n\nc.bin\n(not text)\n\n(the diff goes on)"
    );
}

#[test]
fn any_rows_are_those_of_the_whole() {
    let diff = several();
    for shape in SHAPES {
        let all = shown(&diff, shape, 0..usize::MAX);
        assert_eq!(all.len(), diff.count(shape), "{shape:?}");
        for start in 0..all.len() {
            for length in [1, 2, 7] {
                let end = (start + length).min(all.len());
                assert_eq!(
                    shown(&diff, shape, start..start + length),
                    all[start..end],
                    "{shape:?} {start}"
                );
            }
        }
    }
}

#[test]
fn a_place_is_found_again_in_every_shape() {
    let diff = several();
    for shape in SHAPES {
        for row in 0..diff.count(shape) {
            let place = diff.position(shape, row);
            let back = diff.row(shape, place);
            assert_eq!(diff.position(shape, back), place, "{shape:?} {row}");
            for other in SHAPES {
                let there = diff.position(other, diff.row(other, place));
                assert_eq!(there.file, place.file, "{shape:?} {row} {other:?}");
            }
        }
    }
    // The line that changes stays in view from the changed lines to the whole file.
    let changed = Shape {
        extent: Extent::Changed,
        beside: false,
    };
    let whole = Shape {
        extent: Extent::Whole,
        beside: true,
    };
    let place = diff.position(changed, 4);
    assert_eq!(shown(&diff, changed, 4..5), ["-20"]);
    let row = diff.row(whole, place);
    assert_eq!(shown(&diff, whole, row..row + 1), ["20|twenty"]);
    assert_eq!(Diff::default().position(whole, 3), DiffPosition::default());
    assert_eq!(
        Diff::default().row(
            whole,
            DiffPosition {
                file: 7,
                line: Some(3)
            }
        ),
        0
    );
}

#[test]
fn a_change_begins_below_the_name_of_its_file_or_with_its_header() {
    let diff = several();
    let shape = Shape {
        extent: Extent::Around(3),
        beside: false,
    };
    let begins = |file, line| {
        let row = diff.row_above_change(shape, DiffPosition { file, line });
        shown(&diff, shape, row..row + 2).join(" ")
    };
    assert_eq!(begins(0, Some(4)), "a.yaml @@ -2,7 +2,8 @@");
    assert_eq!(begins(0, Some(20)), " 8 @@ -17,7 +18,7 @@");
    assert_eq!(begins(0, None), "a.yaml @@ -2,7 +2,8 @@");
    assert_eq!(begins(1, Some(0)), "b.yaml @@ -0,0 +1 @@");
    assert_eq!(begins(2, Some(0)), "c.bin (not text)");
    assert_eq!(begins(9, Some(0)), "a.yaml @@ -2,7 +2,8 @@");
}

#[test]
fn hunks_that_cannot_be_of_the_texts_are_left_out() {
    let hunk = |old: Range<usize>, new: Range<usize>| Hunk { old, new };
    let found = vec![
        hunk(1..2, 1..2),
        // Another number of lines between them on both sides.
        hunk(2..3, 5..6),
        hunk(3..4, 3..4),
        // Past the end.
        hunk(7..90, 7..90),
    ];
    let file = FileDiff::with_hunks(
        "a".into(),
        numbered(8, &[]).as_bytes(),
        numbered(8, &[]).as_bytes(),
        found,
    );
    assert_eq!(file.hunks, [hunk(1..2, 1..2), hunk(3..4, 3..4)]);
    let empty = FileDiff::with_hunks("a".into(), b"", b"", vec![hunk(0..1, 0..1)]);
    assert!(empty.hunks.is_empty());
}
