//! The matrix in JSON: see [`StatusJson`].

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::Shown;
use crate::{
    cli::json::{self, CellJson},
    domain::{
        desired::DesiredCell,
        drift::{self, Skew},
        ids::{CellKey, EnvironmentName, ObjectId, ServiceName},
    },
};

impl Shown<'_> {
    pub(super) fn json<'a>(&'a self, guessed: Option<&'a str>) -> impl Serialize + 'a {
        let desired = self.desired;
        StatusJson {
            schema: "tidegate.status/v1",
            commit: desired.commit,
            refs: desired.tips.iter().map(json::tip).collect(),
            environments: self.columns,
            services: Rows(self),
            problems: self.problems().map(json::problem).collect(),
            alerts: self.alerts(),
            guessed,
            counted: self.uncounted.is_none(),
        }
    }

    /// Versions that came past an upstream: `skipped-upstream`.
    fn alerts(&self) -> Vec<Value> {
        let rows = self.rows();
        let shown = self.skews.iter().filter(|(cell, skewed)| {
            skewed.skew == Skew::Ahead
                && self.columns.contains(&cell.environment)
                && rows.contains(&cell.service)
        });
        let alerts = shown.filter_map(|(cell, skewed)| {
            let own = self.desired.version(cell)?;
            let theirs = self.desired.version(&skewed.upstream_of(cell))?;
            Some(serde_json::json!({
                "service": cell.service,
                "environment": cell.environment,
                "kind": "skipped-upstream",
                "message": drift::words(skewed, own, theirs),
            }))
        });
        alerts.collect()
    }
}

/// What `status -o json` prints.
#[derive(Serialize)]
struct StatusJson<'a> {
    schema: &'static str,
    commit: ObjectId,
    refs: Vec<Value>,
    environments: &'a [EnvironmentName],
    services: Rows<'a>,
    problems: Vec<Value>,
    /// Cells that are ahead of their upstream.
    alerts: Vec<Value>,
    guessed: Option<&'a str>,
    counted: bool,
}

/// `services`, written row by row: a large matrix is not put together twice.
struct Rows<'a>(&'a Shown<'a>);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.0.rows();
        let rows = names.iter().map(|name| RowJson {
            name,
            cells: Cells(self.0, name),
        });
        serializer.collect_seq(rows.filter(|row| row.cells.declared().next().is_some()))
    }
}

#[derive(Serialize)]
struct RowJson<'a> {
    name: &'a ServiceName,
    cells: Cells<'a>,
}

/// A row's cells in the order of the columns.
struct Cells<'a>(&'a Shown<'a>, &'a ServiceName);

impl<'a> Cells<'a> {
    /// A cell that exists and declares nothing (null, empty) is no part of the matrix. One that cannot be read is: its
    /// version is null, and `unread` says why.
    fn declared(&self) -> impl Iterator<Item = (&'a CellKey, &'a DesiredCell)> + use<'a> {
        let row = self.0.desired.row(self.1);
        row.filter(|(_, cell)| cell.version.is_some() || cell.unread.is_some())
    }

    fn json(&self, key: &CellKey, cell: &'a DesiredCell) -> CellJson<'a> {
        let matrix = self.0;
        let mut value = CellJson::of(cell, matrix.desired.tip_of(cell));
        let live = matrix.live.map(|asked| asked.running.cell(key));
        value.live = live.map(|live| live.map_or(Value::Null, json::live));
        let changed = matrix.changed.map(|changed| changed.get(key));
        value.changed = changed.map(|change| change.map_or(Value::Null, json::changed));
        value.stands(matrix.skew(key));
        let tip = matrix.desired.tip_of(cell).map(|tip| &tip.name);
        value.proposed = matrix.proposed.zip(tip).and_then(|(proposed, tip)| {
            let found = proposed.cells.get(key).into_iter().flatten();
            let asked = proposed.asked.contains(tip);
            asked.then(|| found.map(json::proposal).collect())
        });
        value
    }
}

impl Serialize for Cells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let declared: Vec<_> = self.declared().collect();
        let columns = self.0.columns.iter();
        serializer.collect_map(columns.filter_map(|name| {
            let mut cells = declared.iter();
            let (key, cell) = cells.find(|(key, _)| key.environment == *name)?;
            Some((name, self.json(key, cell)))
        }))
    }
}
