//! No write path moves a cell which its plan does not list: over repositories that are made up.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

/// How a service's version stands in its environment's file; `of` is the service before it that it may refer to.
fn entry(
    kind: u8,
    service: char,
    of: char,
    version: u8,
    has: &mut BTreeSet<(char, char)>,
) -> String {
    let refers = |anchor: char, has: &BTreeSet<(char, char)>| has.contains(&(anchor, of));
    match kind {
        1 => {
            has.insert(('t', service));
            format!("{service}: {{image: {{tag: &t{service} {version}}}}}\n")
        }
        2 if refers('t', has) => format!("{service}: {{image: {{tag: *t{of}}}}}\n"),
        3 => {
            has.insert(('i', service));
            format!("{service}: {{image: &i{service} {{tag: {version}}}}}\n")
        }
        4 if refers('i', has) => format!("{service}: {{image: *i{of}}}\n"),
        5 => {
            has.insert(('m', service));
            format!("{service}: &m{service}\n  image:\n    tag: {version}\n")
        }
        6 if refers('m', has) => {
            has.insert(('m', service));
            format!("{service}: &m{service}\n  <<: *m{of}\n")
        }
        7 if refers('m', has) => {
            let other = has
                .iter()
                .find(|(anchor, _)| *anchor == 'm')
                .map_or(of, |it| it.1);
            format!("{service}: {{<<: [*m{of}, *m{other}]}}\n")
        }
        8 if refers('m', has) => format!("{service}: {{<<: *m{of}, image: {{tag: {version}}}}}\n"),
        9 => format!("{service}: {{image: {{}}}}\n"),
        _ => format!("{service}: {{image: {{tag: {version}}}}}\n"),
    }
}

/// Compiled once: that costs more than a plan.
static ALL_LAYOUTS: LazyLock<Arc<LayoutSet>> = LazyLock::new(|| {
    let layouts = [FILES, KEYS, DEFAULTS, ONE_LINE, SHARED].join(", ");
    Small::new(&layouts, &ENVIRONMENTS, &[]).layouts
});
const SERVICES: [char; 4] = ['a', 'b', 'c', 'd'];

fn repository(
    entries: &[(u8, u8, u8)],
    keys: &[(u8, u8)],
    values: &[Option<u8>],
    line: u8,
) -> Small {
    let mut files: Vec<(String, String)> = Vec::new();
    for (environment, entries) in ENVIRONMENTS.iter().zip(entries.chunks(SERVICES.len())) {
        let mut has = BTreeSet::new();
        let text = SERVICES
            .iter()
            .zip(entries)
            .map(|(service, (kind, of, version))| {
                let of = SERVICES[usize::from(*of) % SERVICES.len()];
                entry(*kind, *service, of, *version, &mut has)
            });
        files.push((format!("{environment}.yaml"), text.collect()));
    }
    let mut anchored = false;
    let rows = ENVIRONMENTS
        .iter()
        .zip(keys)
        .map(|(environment, (kind, version))| match kind {
            1 => {
                anchored = true;
                format!("{environment}: {{e: &e {version}}}\n")
            }
            2 if anchored => format!("{environment}: {{e: *e}}\n"),
            _ => format!("{environment}: {{e: {version}}}\n"),
        });
    files.push(("versions.yaml".to_owned(), rows.collect()));
    let names = ["values.yaml", "values-staging.yaml", "values-prod.yaml"];
    for (name, value) in names.iter().zip(values) {
        let text = value.map_or("x: y\n".to_owned(), |value| format!("tag: {value}\n"));
        files.push((format!("f/{name}"), text));
    }
    files.push(("all/g".to_owned(), format!("v={line}\n")));
    let shared = format!("tag: {line}\nimage: r/h:{line}-{}\n", 5 - line);
    files.push(("shared/h.yaml".to_owned(), shared));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let mut small = Small::new("", &ENVIRONMENTS, &files);
    small.layouts = Arc::clone(&ALL_LAYOUTS);
    small
}

fn asked(service: u8, environment: u8, kind: u8, version: u8) -> ChangeRequest {
    let services = ["a", "b", "c", "d", "e", "f", "g", "h", "h-chart"];
    let environment = usize::from(environment) % 3;
    let intent = match kind {
        0 if environment > 0 => Intent::Promote {
            from: ENVIRONMENTS[environment - 1].into(),
        },
        1 => Intent::Revert { to: None, at: None },
        2 => Intent::Revert {
            to: Some(version.to_string().as_str().into()),
            at: None,
        },
        _ => Intent::Set {
            version: version.to_string().as_str().into(),
        },
    };
    let service = services[usize::from(service) % services.len()];
    ChangeRequest {
        cell: CellKey::new(service, ENVIRONMENTS[environment]),
        intent,
        came: Came::Named,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// No write path moves a cell which its plan does not list, and what it lists is what comes.
    #[test]
    fn no_cell_moves_unnamed(
        entries in prop::collection::vec((0..10_u8, 0..4_u8, 1..5_u8), 12),
        keys in prop::collection::vec((0..3_u8, 1..5_u8), 3),
        values in prop::collection::vec(prop::option::of(1..5_u8), 3),
        line in 1..5_u8,
        requests in prop::collection::vec((0..9_u8, 0..3_u8, 0..4_u8, 1..7_u8), 1..6),
    ) {
        let small = repository(&entries, &keys, &values, line);
        let mut seen = BTreeSet::new();
        let requests: Vec<ChangeRequest> = requests
            .into_iter()
            .map(|(service, environment, kind, version)| asked(service, environment, kind, version))
            .filter(|request| seen.insert(request.cell.clone()))
            .collect();
        for leave_out in [false, true] {
            let plan = planned(&small, &requests, &[], leave_out);
            prop_assert_eq!(lie(&small, &plan), None);
            let named = |change: &PlannedChange| requests.iter().any(|it| it.cell == change.cell);
            for change in &plan.changes {
                prop_assert!(change.along.is_some() || named(change));
                prop_assert_eq!(change.along.is_some(), change.is_unaccepted());
            }
            // What was asked for is in the plan by its name, or skipped.
            for request in &requests {
                let changed = plan.changes.iter().any(|it| it.cell == request.cell && it.along.is_none());
                let skipped = plan.skipped.iter().any(|skip| skip.cell == request.cell);
                prop_assert!(changed != skipped, "{}", request.cell);
            }
        }
        let without = planned(&small, &requests, &[], true);
        prop_assert!(without.changes.iter().all(|change| change.along.is_none()));
    }
}
