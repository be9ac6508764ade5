//! What layouts read is what was written, to the letter: a promotion writes it elsewhere.

use super::{USUAL, kind};

/// Path, text, and how a version stands in it.
const CASES: [(&str, &str, &str); 5] = [
    (
        "apps/SERVICE/overlays/ENV/kustomization.yaml",
        "resources: [../../base]\nconfigMapGenerator:\n- name: SERVICE-config\n  literals:\n  - MODE=fast\n  - PACKAGE=https://ENV.example.org/SERVICE/vVERSION/SERVICE.zip\n",
        "v",
    ),
    (
        "apps/SERVICE/overlays/ENV/kustomization.yaml",
        "resources: [../../base]\nconfigMapGenerator:\n- name: SERVICE-config\n  literals:\n  - PACKAGE=https://10.0.0.1/SERVICE/VERSION/SERVICE.zip\n",
        "",
    ),
    (
        "apps/SERVICE/overlays/ENV/kustomization.yaml",
        "resources: [../../base]\nconfigMapGenerator:\n- name: SERVICE-config\n  literals:\n  - SOURCE=https://ENV.example.org/x/SERVICE?ref=vVERSION\n",
        "v",
    ),
    (
        "releases/ENV/SERVICE.yaml",
        "name: SERVICE\npackage: https://10.0.2.1/SERVICE/vVERSION/SERVICE.zip\n",
        "v",
    ),
    (
        "releases/ENV/SERVICE.hcl",
        "name = \"SERVICE\"\npackage = \"https://10.0.2.1/SERVICE/vVERSION/SERVICE.zip\"\n",
        "v",
    ),
];

#[test]
fn the_version_of_an_address_is_read_alone() {
    for (path, text, before) in CASES {
        let (guess, mut cells) = kind(path, text, "", &USUAL).guess().unwrap();
        cells.sort();
        let versions = ["1.3.7", "2.4.7", "3.5.7"];
        let mut expected: Vec<(String, String)> = USUAL
            .iter()
            .flat_map(|name| versions.map(|it| ((*name).to_owned(), format!("{before}{it}"))))
            .collect();
        expected.sort();
        assert_eq!(cells, expected, "{text}\n{:?}", guess.layouts);
    }
}
