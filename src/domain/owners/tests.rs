//! Whose files are, by what the forges document.

use super::*;

/// The owners of a path, section by section.
fn owners(reader: Reader, file: &str, path: &str) -> String {
    let owned = CodeOwners::parse(reader, file).of(path);
    let owned = owned.iter().map(|owned| owned.owners.join(" "));
    owned.collect::<Vec<_>>().join(", ")
}

#[test]
fn github_takes_the_last_that_matches() {
    const FILE: &str = r"
# A comment
*       @all @more
*.js    @js #An inline comment.
*.go docs@example.com
*.txt @octo/cats
/build/logs/ @logs
docs/* @flat
apps/ @apps
/docs/ @docs
/scripts/ @one @two
**/logs @deep
/owned/ @owned
/owned/nobody
path\ with\ space/ @space
/exact/file.yaml	@tab
/a/**/z.yaml @between
/q?.md @one-letter
";
    // (path, owners)
    let cases = [
        ("x/y/z.rb", "@all @more"),
        ("z.rb", "@all @more"),
        ("x/z.js", "@js"),
        ("lib.js/z.rb", "@js"),
        ("z.go", "docs@example.com"),
        ("x/z.txt", "@octo/cats"),
        ("build/logs/a/b", "@deep"),
        ("x/build/logs.rb", "@all @more"),
        ("x/docs/a.md", "@all @more"),
        ("docs/a.md", "@docs"),
        ("docs/a/b.md", "@docs"),
        ("apps/a", "@apps"),
        ("x/apps/a/b", "@apps"),
        ("apps", "@all @more"),
        ("scripts/a", "@one @two"),
        ("x/scripts/a", "@all @more"),
        ("x/logs", "@deep"),
        ("logs/a", "@deep"),
        ("owned/a", "@owned"),
        ("owned/nobody", ""),
        ("owned/nobody/a", ""),
        ("owned/nobody.txt", "@owned"),
        ("path with space/a", "@space"),
        ("exact/file.yaml", "@tab"),
        ("exact/file.yaml2", "@all @more"),
        ("a/z.yaml", "@between"),
        ("a/b/c/z.yaml", "@between"),
        ("qa.md", "@one-letter"),
        ("qab.md", "@all @more"),
        // Names differ by their case.
        ("Scripts/a", "@all @more"),
    ];
    for (path, expected) in cases {
        assert_eq!(owners(Reader::Github, FILE, path), expected, "{path}");
    }
    let flat = "docs/* @flat\n";
    assert_eq!(owners(Reader::Github, flat, "docs/a.md"), "@flat");
    assert_eq!(owners(Reader::Github, flat, "docs/a/b.md"), "");
    let root = "/* @root\n";
    assert_eq!(owners(Reader::Github, root, "a"), "@root");
    assert_eq!(owners(Reader::Github, root, "a/b"), "");
}

#[test]
fn what_github_does_not_take_is_left_out() {
    for line in [
        "!/apps/ @nobody",
        r"\#apps/ @nobody",
        "[a-z]pps/ @nobody",
        "apps/ nobody",
        "/ @nobody",
        "apps//x @nobody",
    ] {
        let file = format!("* @all\n{line}\n");
        assert_eq!(owners(Reader::Github, &file, "apps/x"), "@all", "{line}");
        assert_eq!(owners(Reader::Github, &file, "#apps/x"), "@all", "{line}");
    }
}

#[test]
fn gitlab_takes_the_last_of_each_section() {
    const FILE: &str = r"
* @default
*.rb @ruby
\#pound.rb @pound
CODEOWNERS @multiple @owners	@tabs
LICENSE @legal this does not match janedoe@example.com
/docs/ @all-docs
/docs/* @root-docs
/docs/**/*.md @md # @comment
lib/ @lib
/config/ @config
path\ with\ spaces/ @space
ee/deep @relative
[0-9]x.txt @set

[Documentation] @docs-team
ee/docs/
/docs/ @inside
!/docs/secret.md

^[Optional][3] @anybody
*.rb

[documentation][2]
/docs/more.md @again
";
    let cases = [
        ("x.yaml", "@default"),
        ("x/y.yaml", "@default"),
        ("a/b.rb", "@ruby, @anybody"),
        ("#pound.rb", "@pound, @anybody"),
        ("x/CODEOWNERS", "@multiple @owners @tabs"),
        ("LICENSE", "@legal janedoe@example.com"),
        ("docs/a.txt", "@root-docs, @inside"),
        ("docs/a/b.txt", "@all-docs, @inside"),
        ("docs/a/b.md", "@md @comment, @inside"),
        ("docs/secret.md", "@md @comment"),
        ("docs/more.md", "@md @comment, @again"),
        ("a/lib/b", "@lib"),
        ("config/a", "@config"),
        ("a/config/b", "@default"),
        ("path with spaces/a", "@space"),
        ("x/ee/deep", "@relative"),
        ("x/ee/deep/a", "@default"),
        ("x/ee/docs/a/b", "@default, @docs-team"),
        ("a/7x.txt", "@set"),
        ("a/ax.txt", "@default"),
    ];
    for (path, expected) in cases {
        assert_eq!(owners(Reader::Gitlab, FILE, path), expected, "{path}");
    }
    let file = CodeOwners::parse(Reader::Gitlab, FILE);
    let said = |path: &str| file.of(path).last().unwrap().sentence();
    assert_eq!(
        said("a.rb"),
        "*.rb is owned by @anybody: @anybody may approve"
    );
    assert_eq!(
        said("docs/more.md"),
        "/docs/more.md is owned by @again: 2 of @again have to approve"
    );
}

#[test]
fn gitea_takes_all_that_match_by_regular_expressions() {
    const FILE: &str = r"
.*\\.go @user1 @user2 # This is comment
frontend/src/.*\\.js @org1/team1 @org1/team2 @user3
!frontend/.* @org1/team3
docs/(aws|google)/[^/]*\\.(md|txt) @user8
dir/with\#hash @hash
path\ with\ space @space
(unclosed @nobody
";
    let cases = [
        ("a/b.go", "@user1 @user2, @org1/team3"),
        ("frontend/src/a.js", "@org1/team1 @org1/team2 @user3"),
        ("frontend/a.js", ""),
        ("docs/aws/a.md", "@org1/team3, @user8"),
        ("docs/aws/x/a.md", "@org1/team3"),
        ("dir/with#hash", "@org1/team3, @hash"),
        ("path with space", "@org1/team3, @space"),
    ];
    for (path, expected) in cases {
        assert_eq!(owners(Reader::Gitea, FILE, path), expected, "{path}");
    }
}

#[test]
fn each_rule_is_told_once() {
    let file = CodeOwners::parse(
        Reader::Github,
        "/apps/** @org/web\n/docs/ @alice b@example.com @bob\n",
    );
    let all = file.of_all(["apps/a/x.yaml", "apps/b/x.yaml", "docs/a", "README.md"]);
    let told: Vec<String> = all.iter().map(Owned::sentence).collect();
    assert_eq!(
        told,
        [
            "/apps/** is owned by @org/web: @org/web has to approve",
            "/docs/ is owned by @alice, b@example.com, @bob: @alice, b@example.com or @bob has to approve",
        ]
    );
}

#[test]
fn no_pattern_takes_long() {
    let deep = "a/".repeat(200);
    let file = format!(
        "/{}b @all\n{}x @all\n",
        "**/a/".repeat(100),
        "*a".repeat(200)
    );
    let path = format!("{deep}{}", "a".repeat(2000));
    assert_eq!(owners(Reader::Github, &file, &path), "");
}
