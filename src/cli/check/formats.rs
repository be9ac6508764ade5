//! Findings as services of CI read them: GitHub's annotations, GitLab's code quality, SARIF.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::{
    config::TEAM_FILE,
    domain::{
        check::{Finding, Severity, rules},
        ids::RepoPath,
    },
};

/// `prod/web.yaml:3`; empty where it is about no file.
pub(super) fn place(finding: &Finding) -> String {
    match (&finding.path, finding.line) {
        (Some(path), Some(line)) => format!("{path}:{line}"),
        (Some(path), None) => path.to_string(),
        (None, _) => String::new(),
    }
}

/// The file that a finding is shown at: that of the policy, where it is about none.
fn path(finding: &Finding) -> &str {
    finding.path.as_ref().map_or(TEAM_FILE, RepoPath::as_str)
}

/// Workflow commands, a line each: `::error file=prod/web.yaml,line=3,title=window::…`.
pub(super) fn github(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|finding| {
        let line = finding
            .line
            .map_or(String::new(), |line| format!(",line={line}"));
        format!(
            "::{} file={}{line},title={}::{}\n",
            finding.severity.as_str(),
            property(path(finding)),
            property(&format!("tidegate {}", finding.rule)),
            data(&finding.message)
        )
    });
    lines.collect()
}

/// What stands behind `::` ends with its line.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property ends at a comma or colon, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A code quality report.
pub(super) fn gitlab(findings: &[Finding]) -> Value {
    let issues = findings.iter().map(|finding| {
        json!({
            "description": finding.message,
            "check_name": format!("tidegate/{}", finding.rule),
            "fingerprint": finding.fingerprint(),
            "severity": match finding.severity {
                Severity::Error => "major",
                Severity::Warning => "minor",
            },
            "location": {
                "path": path(finding),
                "lines": { "begin": finding.line.unwrap_or(1) },
            },
        })
    });
    Value::Array(issues.collect())
}

/// SARIF 2.1.0, one run.
pub(super) fn sarif(findings: &[Finding]) -> Value {
    let all = rules();
    let described = all.iter().map(|(rule, about)| {
        json!({
            "id": rule,
            "name": rule,
            "shortDescription": { "text": about },
        })
    });
    let results = findings.iter().map(|finding| {
        let index = all.iter().position(|(rule, _)| *rule == finding.rule);
        let mut result = json!({
            "ruleId": finding.rule,
            "level": finding.severity.as_str(),
            "message": { "text": finding.message },
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": { "uri": uri(path(finding)), "uriBaseId": "%SRCROOT%" },
                    "region": { "startLine": finding.line.unwrap_or(1) },
                },
            }],
            "partialFingerprints": { "tidegate/v1": finding.fingerprint() },
        });
        if let Some(index) = index {
            result["ruleIndex"] = json!(index);
        }
        result
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "tidegate",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": described.collect::<Vec<_>>(),
                },
            },
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

/// A path of the repository as a relative reference.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::CellKey;

    fn finding() -> Finding {
        Finding {
            rule: "window",
            severity: Severity::Error,
            cell: Some(CellKey::new("web", "prod")),
            path: Some("prod, eu/wéb.yaml".into()),
            line: Some(3),
            message: "100 % closed: yes\nuntil ::error::Monday".to_owned(),
        }
    }

    #[test]
    fn github_is_told_in_one_line_whatever_it_says() {
        let expected = "::error file=prod%2C eu/wéb.yaml,line=3,title=tidegate window::100 %25 closed: yes%0Auntil ::error::Monday\n";
        assert_eq!(github(&[finding()]), expected);
        let nowhere = Finding {
            path: None,
            line: None,
            severity: Severity::Warning,
            ..finding()
        };
        assert!(
            github(&[nowhere])
                .starts_with("::warning file=tidegate.toml,title=tidegate window::100")
        );
    }

    #[test]
    fn gitlab_gets_what_its_report_asks_for() {
        let report = gitlab(&[finding()]);
        let issue = &report[0];
        assert_eq!(issue["severity"], "major");
        assert_eq!(issue["location"]["lines"]["begin"], 3);
        assert_eq!(issue["fingerprint"], finding().fingerprint());
    }

    /// The parts of the 2.1.0 schema that this uses, with what it requires and allows there.
    #[test]
    fn sarif_is_what_its_schema_says() {
        let schema: Value =
            serde_json::from_str(include_str!("../../../tests/it/support/sarif-subset.json"))
                .unwrap();
        let options = jsonschema::options()
            .should_validate_formats(true)
            .build(&schema);
        let validator = options.unwrap();
        for findings in [vec![], vec![finding()]] {
            let log = sarif(&findings);
            let errors: Vec<String> = validator
                .iter_errors(&log)
                .map(|error| error.to_string())
                .collect();
            assert_eq!(errors, Vec::<String>::new(), "{log:#}");
        }
        let log = sarif(&[finding()]);
        let result = &log["runs"][0]["results"][0];
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(
            log["runs"][0]["tool"]["driver"]["rules"][index]["id"],
            "window"
        );
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(place, "prod%2C%20eu/w%C3%A9b.yaml");
    }
}
