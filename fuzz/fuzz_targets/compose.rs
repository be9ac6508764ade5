//! Several edits of one file at once: the first bytes choose them, the rest is the file. What comes
//! out must be what the edits give one after the other.
#![no_main]

#[allow(dead_code)]
#[path = "check.rs"]
mod check;
#[allow(dead_code, unused_imports)]
#[path = "../../src/domain/mod.rs"]
mod domain;

use domain::manifest;

use manifest::{Edit, apply, parse};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((choices, file)) = bytes.split_at_checked(9) else {
        return;
    };
    let Ok(yaml) = parse(file) else { return };
    let Some(document) = yaml.documents.first() else {
        return;
    };
    let mut places = Vec::new();
    check::walk(document.root(), &mut Vec::new(), &mut places);
    let edits: Vec<Edit> = choices
        .chunks(3)
        .map(|choice| {
            let path = places[usize::from(choice[1]) % places.len()].0.clone();
            let value = check::VALUES[usize::from(choice[2]) % check::VALUES.len()].to_owned();
            match choice[0] % 5 {
                0 => Edit::Insert {
                    document: 0,
                    parent: path,
                    key: format!("k{}", choice[2] % 3),
                    value,
                    typed: choice[0] > 99,
                },
                1 => Edit::Remove {
                    document: 0,
                    path,
                    prune: choice[2] % 2 == 0,
                },
                2 => Edit::Comment {
                    document: 0,
                    path,
                    from: "v1".into(),
                    to: "v2".into(),
                },
                _ => Edit::Set {
                    document: 0,
                    path,
                    value,
                },
            }
        })
        .collect();
    let together = apply(file, &edits);
    let one_by_one = edits.iter().try_fold(file.to_vec(), |file, edit| {
        apply(&file, std::slice::from_ref(edit))
    });
    if let (Ok(together), Ok(one_by_one)) = (&together, &one_by_one) {
        assert_eq!(together, one_by_one, "{edits:?}");
    }
    assert_eq!(
        together.is_ok(),
        one_by_one.is_ok(),
        "{edits:?}: {together:?} {one_by_one:?}"
    );
});
