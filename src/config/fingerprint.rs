//! Names a configuration by what it asks of changes.

use super::Config;
use crate::domain::{hash, topology::Environment};

impl Config {
    /// Names what is in force of the two files: environments, layouts, branches, gates, windows, dependencies. Two people
    /// whose themes, keys, names of clusters or places of clones differ have the same.
    pub fn policy_hash(&self) -> String {
        let environments = self.topology.environments.iter();
        let environments: Vec<Environment> = environments
            .map(|environment| Environment {
                // That there is one counts: without, nothing of what runs is judged.
                cluster: environment.cluster.as_ref().map(|_| String::new()),
                agent: None,
                ..environment.clone()
            })
            .collect();
        let repositories = self.repositories.iter();
        let repositories: Vec<_> = repositories.map(|it| (&it.name, &it.branch)).collect();
        let parts = [
            format!("{environments:?}"),
            format!("{:?}", self.topology.policy),
            format!("{:?}", self.layout_specs),
            format!("{:?}", self.branch),
            format!("{repositories:?}"),
        ];
        hash::of(parts.iter().map(String::as_bytes))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{LoadRequest, SourceFile, load};

    fn hash(team: &str, user: &str) -> String {
        let file = |name: &str, text: &str| SourceFile {
            name: name.to_owned(),
            bytes: text.as_bytes().to_vec(),
        };
        let request = LoadRequest {
            team: Some(file("tidegate.toml", team)),
            user: Some(file("config.toml", user)),
            detect: &|| None,
        };
        load(&request).unwrap().policy_hash()
    }

    #[test]
    fn what_is_asked_of_changes_counts_and_what_is_the_users_own_does_not() {
        const TEAM: &str = "[[environments]]\nname = \"a\"\ncluster = \"a\"\n[[layouts]]\npreset = \"helm-values\"\npath = \"{env}/{service}.yaml\"\n";
        let known = hash(TEAM, "");
        // (what, team's file, user's file, whether it is another)
        let freeze = "[[windows]]\nname = \"x\"\nkind = \"deny\"\ncron = \"* * * * *\"\nduration = \"1h\"\nzone = \"Europe/Berlin\"\n";
        let cases = [
            ("a comment", format!("# more\n{TEAM}"), "", false),
            ("a theme", TEAM.to_owned(), "theme = \"light\"\n", false),
            (
                "a context",
                TEAM.to_owned(),
                "[clusters]\na = \"b\"\n",
                false,
            ),
            (
                "a cluster's name",
                TEAM.replace("cluster = \"a\"", "cluster = \"b\""),
                "",
                false,
            ),
            (
                "no cluster",
                TEAM.replace("cluster = \"a\"\n", ""),
                "",
                true,
            ),
            ("a freeze", format!("{TEAM}{freeze}"), "", true),
            (
                "a gate",
                TEAM.replace(
                    "[[layouts]]",
                    "[environments.gates]\nhealth = {}\n[[layouts]]",
                ),
                "",
                true,
            ),
            (
                "approvals",
                TEAM.replace(
                    "[[layouts]]",
                    "[environments.gates]\napprovals = { need = 2 }\n[[layouts]]",
                ),
                "",
                true,
            ),
            (
                "protection",
                TEAM.replace("[[layouts]]", "protected = true\n[[layouts]]"),
                "",
                true,
            ),
            ("a path", TEAM.replace("{env}/", "x/{env}/"), "", true),
            ("the user's freeze", TEAM.to_owned(), freeze, true),
        ];
        for (what, team, user, other) in cases {
            assert_eq!(hash(&team, user) != known, other, "{what}");
        }
    }
}
