//! The matrix as it is shown: cells with their sources, and what contradicts itself.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use super::{
    assemble::{Assembler, Cell, Contribution},
    bindings::Bindings,
    choice::{Choice, field, written_out},
    compile::Layout,
    containers::or_none,
    level::Finder,
    part::is_digest,
    set::{Fact, Role},
};
use crate::domain::{
    desired::{Desired, DesiredCell, PassedOver, Source},
    grammar::Grammar,
    ids::{CellKey, EnvironmentName, ObjectId, RepoPath, ServiceName},
    policy::veto::Vetoes,
    problem::{Problem, Unreadable},
    subject::Subject,
    version::Version,
};

/// Everything that the assembler knows, as one value.
pub(super) fn desired(assembler: &Assembler, commit: ObjectId) -> Desired {
    let mut problems: Vec<Problem> = assembler
        .files
        .iter()
        .filter_map(|file| file.facts.as_ref())
        .flat_map(|facts| facts.problems().iter().cloned())
        .collect();
    let shown = assembler.cells.iter().filter_map(|cell| {
        let shown = show(assembler, cell, &mut problems)?;
        Some((cell.key.clone(), shown))
    });
    let mut cells: BTreeMap<_, _> = shown.collect();
    allow_digests(&mut cells);
    problems.extend(idle(assembler));
    problems.sort();
    problems.dedup();
    let declared = cells.iter().filter(|(_, cell)| cell.version.is_some());
    let (mut services, mut others): (Vec<ServiceName>, Vec<EnvironmentName>) = declared
        .map(|(key, _)| (key.service.clone(), key.environment.clone()))
        .unzip();
    services.dedup();
    others.retain(|name| !assembler.environments.contains(name));
    others.sort();
    others.dedup();
    let mut environments = assembler.environments.clone();
    environments.extend(others);
    Desired {
        commit,
        tips: Vec::new(),
        services,
        environments,
        cells,
        problems,
        vetoes: Vetoes::default(),
    }
}

/// What is said of each table that finds nothing at all, in files where nothing else is found either. Where environments are
/// refs, one ref does not tell.
fn idle(assembler: &Assembler) -> Vec<Problem> {
    let layouts = &assembler.layouts;
    if !layouts.ref_templates().is_empty() {
        return Vec::new();
    }
    // By table: the files that it looks into, and whether it is known to be of use.
    let mut tables: BTreeMap<usize, (usize, Option<&RepoPath>, bool)> = BTreeMap::new();
    for file in &assembler.files {
        let Some(facts) = &file.facts else { continue };
        let mut entries = facts.entries.iter();
        let is_explained =
            !facts.problems().is_empty() || entries.any(|entry| !entry.facts.is_empty());
        let mut seen = HashSet::new();
        for entry in &facts.entries {
            let spec = layouts.layouts[usize::from(entry.layout)].spec;
            let (files, first, used) = tables.entry(spec).or_default();
            *used |= is_explained || entry.broken;
            if entry.role == Role::Level(0) && seen.insert(spec) {
                *files += 1;
                first.get_or_insert(&file.path);
            }
        }
    }
    let idle = tables.into_iter().filter_map(|(spec, (files, first, used))| {
        let first = first.filter(|_| !used)?;
        let layout = layouts.layouts.iter().find(|layout| layout.spec == spec)?;
        let (place, meant) = match &layout.levels.first()?.finder {
            Finder::Tree(locator) => (locator.source(), locator.meant()),
            Finder::Text(regex) => (regex.as_str(), None),
        };
        let meant = meant.map_or(String::new(), |meant| format!(": {meant}"));
        let which = match files {
            1 => "the one file".to_owned(),
            files => format!("any of the {files} files"),
        };
        Some(Problem::general(format!(
            "layouts[{spec}]: `{place}` finds nothing in {which} that its `path` matches ({first}){meant}; look at a file and \
             at the keys of the layout, or take the layout out"
        )))
    });
    idle.collect()
}

/// The files that decide a cell, its own first, then fall-backs.
pub(super) fn files(assembler: &Assembler, cell: &Cell) -> Vec<RepoPath> {
    let mut own: Vec<RepoPath> = Vec::new();
    let mut inherited: Vec<(u8, RepoPath)> = Vec::new();
    for known in &cell.contributions {
        let Some((layout, raw)) = presence(assembler, known) else {
            continue;
        };
        let source = || assembler.files[known.source].path.clone();
        for (level, place) in layout.levels.iter().enumerate() {
            let level = u8::try_from(level).unwrap_or(u8::MAX);
            // A file that is there because of its own path has the path that the captures make.
            let is_own = level == 0 && known.presence.environment.is_none();
            let filled = if is_own {
                Some(assembler.files[known.presence.file].path.clone())
            } else {
                let filled = place.path.as_ref().and_then(|path| path.fill(&raw));
                filled.map(RepoPath::from)
            };
            let file = filled.or_else(|| (known.rank.level() == level).then(source));
            match file {
                Some(file) if level == 0 => own.push(file),
                Some(file) => inherited.push((level, file)),
                None => {}
            }
        }
        if known.fact.is_some() && known.rank.level() == 0 {
            own.push(source());
        }
    }
    inherited.sort();
    let mut all: Vec<RepoPath> = Vec::new();
    for file in own
        .into_iter()
        .chain(inherited.into_iter().map(|(_, file)| file))
    {
        if !all.contains(&file) {
            all.push(file);
        }
    }
    all.shrink_to_fit();
    all
}

fn show(assembler: &Assembler, cell: &Cell, problems: &mut Vec<Problem>) -> Option<DesiredCell> {
    let first = cell.contributions.first()?;
    let chosen = cell.chosen().map(|at| &cell.contributions[at]);
    let shown = chosen.unwrap_or(first);
    let (layout, raw) = presence(assembler, shown)?;
    // Another way to write the version in a file that is this cell's alone inherits nothing.
    let is_own = shown.source == shown.presence.file
        && shown.presence.environment.is_none()
        && layout.cell(&raw).is_some();
    let raw = match shown.fact.and_then(|at| fact(assembler, shown, at)) {
        Some(fact) => raw.join(&fact.bindings)?,
        None => raw,
    };
    let version = chosen.and_then(|known| known.version.clone());
    let level = layout.levels.get(usize::from(shown.rank.level()));
    let subject = layout.subject.unwrap_or_else(|| {
        level.map_or(Subject::Unsure, |level| {
            level.subject.subject(&raw, version.as_ref())
        })
    });
    // An override of what is inherited is written into the cell's own place.
    let own = layout.levels.first();
    let grammar = own.map_or(Grammar::Ref, |level| {
        level.grammar(subject, &raw, version.as_ref().map(Version::as_str))
    });
    let paired = |known: &Contribution| {
        let fact = known.fact.and_then(|at| fact(assembler, known, at));
        fact.is_some_and(|fact| fact.paired)
    };
    let grammar = match grammar {
        Grammar::Tag | Grammar::Digest if cell.contributions.iter().any(paired) => Grammar::Image,
        grammar => grammar,
    };
    let captures = layout.captures(raw);
    let (mut sources, mut told) = (Vec::new(), HashSet::new());
    let mut conflict = None;
    for known in &cell.contributions {
        if let Some(chosen) = chosen
            && known.rank.copies() == chosen.rank.copies()
            && known.version.is_some()
            && !known.passed_over
        {
            let source = Source {
                path: assembler.files[known.source].path.clone(),
                line: known.line,
            };
            if known.version == chosen.version {
                if told.insert((known.source, known.line)) {
                    sources.push(source);
                }
            } else if known.rank.layout() == chosen.rank.layout() {
                let problem = contradiction(assembler, cell, chosen, known);
                conflict.get_or_insert_with(|| Arc::new(problem.clone()));
                problems.push(problem);
            }
        }
    }
    // Most cells have one.
    sources.shrink_to_fit();
    let own = chosen.and_then(|known| Some((known, fact(assembler, known, known.fact?)?)));
    if conflict.is_none()
        && let Some((known, fact)) = own
        && let Some(other) = &fact.other
    {
        let path = assembler.files[known.source].path.clone();
        let message = format!(
            "another container runs the same image as {}, and the cell's, on line {}, as {}: make them equal",
            or_none(&other.version),
            known.line,
            version.as_ref().map_or("", Version::as_str)
        );
        let problem = Problem::file(path, Some(other.line), message);
        conflict = Some(Arc::new(problem.clone()));
        problems.push(problem);
    }
    let mut unread = None;
    if chosen.is_none() {
        let unclear = unclear(assembler, cell);
        problems.extend(unclear.clone());
        unread = hidden(assembler, cell).or(unclear).map(Arc::new);
    }
    Some(DesiredCell {
        version,
        subject,
        grammar,
        inherited: chosen.is_some_and(|known| known.rank.level() > 0 && !is_own),
        sources,
        captures,
        layout: layout.spec,
        files: files(assembler, cell),
        origin: assembler.origins[assembler.files[shown.presence.file].origin]
            .0
            .clone(),
        unread,
        conflict,
        passed_over: passed_over(assembler, cell),
        vetoed: None,
        policy: chosen.and_then(|known| fact(assembler, known, known.fact?)?.policy.clone()),
    })
}

/// The places of a cell that another one is the version of.
fn passed_over(assembler: &Assembler, cell: &Cell) -> Vec<PassedOver> {
    let known = cell.contributions.iter().filter(|known| known.passed_over);
    let places = known.filter_map(|known| {
        let layout = assembler.layouts.layouts.get(known.presence.layout)?;
        let fact = fact(assembler, known, known.fact?)?;
        Some(PassedOver {
            place: written_out(layout.levels.first()?, &fact.bindings)?,
            version: known.version.clone()?,
            source: Source {
                path: assembler.files[known.source].path.clone(),
                line: known.line,
            },
        })
    });
    places.collect()
}

/// Where some place of a service has a digest, its others take one too: they are of the same chart.
fn allow_digests(cells: &mut BTreeMap<CellKey, DesiredCell>) {
    let pinned = cells.iter().filter(|(_, cell)| {
        let version = cell.version.as_ref().map_or("", Version::as_str);
        cell.grammar == Grammar::Image && (is_digest(version) || version.contains('@'))
    });
    let pinned: BTreeSet<(ServiceName, usize)> = pinned
        .map(|(key, cell)| (key.service.clone(), cell.layout))
        .collect();
    if pinned.is_empty() {
        return;
    }
    for (key, cell) in cells {
        if cell.grammar == Grammar::Tag && pinned.contains(&(key.service.clone(), cell.layout)) {
            cell.grammar = Grammar::Image;
        }
    }
}

/// What hides the version of a cell: the problem of the very place that is read first, or of its whole file.
fn hidden(assembler: &Assembler, cell: &Cell) -> Option<Problem> {
    let mut known = cell.contributions.iter();
    let known = known.find(|known| known.broken && !known.passed_over)?;
    let problems = assembler.files[known.source].facts.as_ref()?.problems();
    let mut hiding = problems.iter().filter(|problem| problem.hides.is_some());
    let here = |problem: &&Problem| {
        known.fact.is_some() && problem.line == Some(known.line) && !problem.hides_all()
    };
    let whole = problems.iter().find(|problem| problem.hides_all());
    let found = problems.iter().find(here).or(whole);
    // A file of nothing but templates hides what would be inherited: any of them says why.
    found.or_else(|| hiding.next()).cloned()
}

fn contradiction(
    assembler: &Assembler,
    cell: &Cell,
    chosen: &Contribution,
    other: &Contribution,
) -> Problem {
    let path = &assembler.files[other.source].path;
    let place = if chosen.source == other.source {
        format!("line {}", chosen.line)
    } else {
        format!("{}:{}", assembler.files[chosen.source].path, chosen.line)
    };
    let version =
        |known: &Contribution| known.version.as_ref().map_or("", |v| v.as_str()).to_owned();
    Problem::file(
        path.clone(),
        Some(other.line),
        format!(
            "{} is {} here and {} at {place}, which is used; make them equal, or tell them apart in `row`",
            cell.key,
            version(other),
            version(chosen)
        ),
    )
}

/// What is said of a cell of which several places may be the version, with nothing to tell which.
fn unclear(assembler: &Assembler, cell: &Cell) -> Option<Problem> {
    let service = &cell.key.service;
    let places = cell.contributions.iter().filter_map(|known| {
        let (layout, field) = field(assembler, known)?;
        let Some(Choice::Unclear { of, .. }) = assembler.layouts.choice(layout.spec, service)
        else {
            return None;
        };
        (known.version.is_some() && of.contains(&field)).then_some((known, layout))
    });
    let places: Vec<(&Contribution, &Layout)> = places.collect();
    let (first, layout) = places.first()?;
    let choice = assembler.layouts.choice(layout.spec, service);
    let shown = places.iter().take(4).filter_map(|(known, layout)| {
        let fact = fact(assembler, known, known.fact?)?;
        let keys = written_out(layout.levels.first()?, &fact.bindings)?;
        let version = known.version.as_ref()?;
        Some(format!("{version} (line {}: `{keys}`)", known.line))
    });
    let shown: Vec<String> = shown.collect();
    let more = match places.len().saturating_sub(4) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (why, next) = match choice {
        Some(Choice::Unclear { cut: Some(cut), .. }) => (
            format!("is what changed most often, and {}", cut.why),
            format!("{}, or ", cut.next),
        ),
        _ => ("cannot be told".to_owned(), String::new()),
    };
    let problem = Problem::file(
        assembler.files[first.source].path.clone(),
        Some(first.line),
        format!(
            "which of these is the version of {} {why}: {}{more}; {next}write a layout with the keys of the one that is, \
             before this one or in its place",
            cell.key,
            shown.join(", ")
        ),
    );
    Some(problem.hiding(Unreadable::Ambiguous))
}

/// The layout of a contribution, and what is captured of the cell without its source.
fn presence<'a>(assembler: &'a Assembler, known: &Contribution) -> Option<(&'a Layout, Bindings)> {
    let presence = known.presence;
    let layout = assembler.layouts.layouts.get(presence.layout)?;
    let file = &assembler.files[presence.file];
    let entry = file.facts.as_ref()?.entries.get(presence.entry)?;
    let ref_bindings = &assembler.origins[file.origin].1;
    let raw = match presence.environment {
        Some(at) => assembler.proven(layout, &entry.path, ref_bindings, at)?,
        None => ref_bindings.join(&entry.path)?,
    };
    Some((layout, raw))
}

pub(super) fn fact<'a>(
    assembler: &'a Assembler,
    known: &Contribution,
    at: usize,
) -> Option<&'a Fact> {
    let facts = assembler.files[known.source].facts.as_ref()?;
    let (entry, _) = known.rank.place();
    facts.entries.get(entry)?.facts.get(at).map(|fact| &**fact)
}
