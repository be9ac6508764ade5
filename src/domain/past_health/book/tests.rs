use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_764_288_000 + seconds).unwrap()
}

fn cell() -> CellKey {
    CellKey::new("web", "staging")
}

/// What is seen: `1.2` is that version, healthy; `~` moves, `!` is broken, `?` is not known.
fn sight<'a>(word: &str, since: &'a [Since], now: Timestamp) -> Sight<'a> {
    match word {
        "~" => Sight::Moving,
        "!" => Sight::Broken { at: now },
        "?" => Sight::Nothing,
        version => Sight::Healthy {
            version: version.into(),
            at: now,
            since,
        },
    }
}

/// A look: what is seen, when, and since when it is watched.
type Look = (&'static str, i64, i64);

fn book(looks: &[Look]) -> Book {
    let mut book = Book::default();
    for (word, now, watched) in looks {
        book.see(&cell(), &sight(word, &[], at(*now)), at(*watched), at(*now));
    }
    book
}

/// `1.2 0..60`, with `<` where its beginning was not seen.
fn told(book: &Book) -> Vec<String> {
    let kept = book.of(&cell()).cloned().unwrap_or_default();
    let seconds = |it: Timestamp| it.as_second() - at(0).as_second();
    let stretches = kept.stretches.iter();
    stretches
        .map(|it| {
            let cut = if it.cut { "<" } else { "" };
            format!(
                "{} {cut}{}..{}",
                it.version,
                seconds(it.from),
                seconds(it.to)
            )
        })
        .collect()
}

#[test]
fn what_is_watched_without_a_gap_is_one_stretch() {
    let cases: [(&str, &[Look], &[&str]); 12] = [
        ("nothing seen", &[("?", 0, 0), ("~", 30, 0)], &[]),
        ("one look", &[("1", 0, 0)], &["1 <0..0"]),
        (
            "watched",
            &[("1", 0, 0), ("1", 30, 0), ("1", 60, 0)],
            &["1 <0..60"],
        ),
        (
            "two looks that nobody followed",
            &[("1", 0, 0), ("1", 30, 30)],
            &["1 <30..30"],
        ),
        (
            "watched, and watched again later",
            &[("1", 0, 0), ("1", 60, 0), ("1", 90, 90), ("1", 120, 90)],
            &["1 <0..60", "1 <90..120"],
        ),
        (
            "nothing was heard for a while",
            &[("1", 0, 0), ("1", 60, 0), ("?", 90, 0), ("1", 600, 0)],
            &["1 <0..60", "1 <600..600"],
        ),
        (
            "a pod is made anew",
            &[("1", 0, 0), ("~", 30, 0), ("1", 60, 0)],
            &["1 <0..60"],
        ),
        (
            "it moves for too long",
            &[
                ("1", 0, 0),
                ("1", 60, 0),
                ("~", 160, 0),
                ("~", 260, 0),
                ("~", 360, 0),
                ("~", 460, 0),
                ("~", 560, 0),
                ("~", 660, 0),
                ("1", 700, 0),
            ],
            &["1 <0..60", "1 700..700"],
        ),
        (
            "broken for a moment",
            &[
                ("1", 0, 0),
                ("1", 30, 0),
                ("!", 60, 0),
                ("1", 90, 0),
                ("1", 99, 0),
            ],
            &["1 <0..30", "1 90..99"],
        ),
        (
            "replaced, and its beginning seen",
            &[
                ("1", 0, 0),
                ("1", 9, 0),
                ("~", 30, 0),
                ("2", 60, 0),
                ("2", 90, 0),
            ],
            &["1 <0..9", "2 60..90"],
        ),
        (
            "the clock is set back",
            &[("1", 0, 0), ("1", 90, 0), ("1", 10, 10), ("1", 40, 10)],
            &["1 <0..90", "1 <10..40"],
        ),
        (
            "the clock is set back while it is watched",
            &[("1", 0, 0), ("1", 90, 0), ("1", 10, 0), ("1", 40, 0)],
            &["1 <0..90", "1 <10..40"],
        ),
    ];
    for (name, looks, expected) in cases {
        assert_eq!(told(&book(looks)), expected, "{name}");
    }
}

#[test]
fn what_others_say_is_kept_beside_it() {
    let mut book = Book::default();
    let mut look = |from: i64, now: i64| {
        let since = [Since {
            by: Source::ArgoCd,
            from: at(from),
        }];
        book.see(&cell(), &sight("1", &since, at(now)), at(now), at(now));
        let mut told = told(&book);
        told.retain(|it| !it.starts_with("1 <"));
        told
    };
    assert_eq!(look(-600, 0), ["1 -600..0"]);
    assert_eq!(look(-600, 60), ["1 -600..60"], "it goes on");
    assert_eq!(
        look(100, 160),
        ["1 -600..60", "1 100..160"],
        "it began anew meanwhile"
    );
    assert_eq!(
        look(130, 200),
        ["1 -600..60", "1 100..129", "1 130..200"],
        "and was interrupted in what was thought to be whole"
    );
}

#[test]
fn several_that_watch_put_together_what_they_saw() {
    let mut one = book(&[("1", 0, 0), ("1", 60, 0), ("!", 90, 0), ("!", 100, 0)]);
    let other = book(&[("1", 30, 30), ("1", 80, 30), ("!", 95, 30), ("2", 120, 30)]);
    one.merge(other.clone());
    assert_eq!(told(&one), ["1 <0..80", "2 120..120"]);
    let kept = one.of(&cell()).unwrap().clone();
    assert_eq!((kept.since, kept.looked), (Some(at(0)), Some(at(120))));
    assert_eq!(
        kept.broken,
        [Span {
            from: at(90),
            to: at(100)
        }]
    );
    let before = one.clone();
    one.merge(other);
    assert_eq!(one, before, "what is known already changes nothing");
}

/// A book as it was before an interruption is put together with the one after it: nothing is bridged, whichever comes first.
#[test]
fn what_was_interrupted_meanwhile_stays_so_where_books_are_put_together() {
    let look = |book: &mut Book, from: i64, now: i64| {
        let since = [Since {
            by: Source::ArgoCd,
            from: at(from),
        }];
        book.see(&cell(), &sight("1", &since, at(now)), at(now), at(now));
    };
    let mut before = Book::default();
    look(&mut before, -600, 200);
    let mut after = Book::default();
    look(&mut after, -600, 60);
    look(&mut after, 100, 260);
    for (mut one, other) in [
        (before.clone(), after.clone()),
        (after.clone(), before.clone()),
    ] {
        one.merge(other);
        let mut told = told(&one);
        told.retain(|it| !it.starts_with("1 <"));
        assert_eq!(told, ["1 -600..99", "1 100..260"]);
    }
}

#[test]
fn what_was_broken_and_is_forgotten_is_not_bridged() {
    let kept = |looked: i64, hole: (i64, i64)| Kept {
        looked: Some(at(looked)),
        stretches: vec![Stretch {
            version: "1".into(),
            from: at(0),
            to: at(looked),
            by: Source::Flux,
            cut: false,
        }],
        broken: vec![Span {
            from: at(hole.0),
            to: at(hole.1),
        }],
        ..Kept::default()
    };
    let day = 86_400;
    let later = at(90 * day + 500);
    for (name, looked, hole, expected) in [
        ("in it", 91 * day, (100, 400), Some((401, 91 * day))),
        (
            "at its beginning",
            91 * day,
            (0, 400),
            Some((401, 91 * day)),
        ),
        ("beside it", 91 * day, (-50, -10), Some((0, 91 * day))),
    ] {
        let mut book = Book([(cell(), kept(looked, hole))].into());
        book.trim(later);
        let left = book.of(&cell()).cloned().unwrap_or_default();
        assert_eq!(left.broken, [], "{name}");
        let seconds = |it: Timestamp| it.as_second() - at(0).as_second();
        let left = left.stretches.first();
        let left = left.map(|it| (seconds(it.from), seconds(it.to)));
        assert_eq!(left, expected, "{name}");
    }
    let mut at_its_end = kept(1_000, (900, 1_000));
    at_its_end.forget(&[Span {
        from: at(900),
        to: at(1_000),
    }]);
    assert_eq!(at_its_end.stretches[0].to, at(899));
}

#[test]
fn it_is_bounded_in_age_and_number() {
    let day = 86_400;
    let mut book = Book::default();
    for number in 0..100 {
        let (now, version) = (number * day, format!("{number}"));
        for (now, word) in [(now, &*version), (now + 60, &version), (now + 90, "!")] {
            book.see(
                &cell(),
                &sight(word, &[], at(now)),
                at(number * day),
                at(now),
            );
        }
    }
    let kept = book.of(&cell()).unwrap();
    assert_eq!(kept.stretches.len(), MOST_STRETCHES);
    assert_eq!(kept.broken.len(), MOST_BROKEN);
    book.trim(at(99 * day));
    assert!(!book.is_empty());
    book.trim(at(99 * day + 91 * day));
    assert!(book.is_empty(), "too old, and not looked at since");
}

#[test]
fn it_is_written_and_read_as_it_is() {
    let book = book(&[("1", 0, 0), ("1", 60, 0), ("!", 90, 0), ("2", 120, 0)]);
    let text = serde_json::to_string(&book).unwrap();
    assert!(
        text.starts_with(r#"[{"service":"web","environment":"staging","since":"#),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<Book>(&text).unwrap(), book);
    // What somebody else made of it has no shape that is trusted.
    let back = r#"[{"service":"web","environment":"staging","since":null,"looked":null,
        "stretches":[{"version":"1","from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z","by":"flux"}]}]"#;
    let book: Book = serde_json::from_str(back).unwrap();
    let past = crate::domain::past_health::PastHealth::of(book.of(&cell()).unwrap(), at(0));
    assert_eq!(past.healthy(&"1".into()), []);
}
