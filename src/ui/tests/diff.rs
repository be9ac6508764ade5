//! Diffs on the screens that show them.

use super::{
    harness::{frame_of, text},
    *,
};

fn scene(name: &str, size: (u16, u16)) -> Driver {
    let (_, build) = scenes::ALL.iter().find(|scene| scene.0 == name).unwrap();
    build(size)
}

/// On a screen of 200 columns both sides have all of its width; one key brings back what stands beside the diff.
#[test]
fn side_by_side_has_all_the_width() {
    for name in ["plan", "cell"] {
        let mut driver = scene(name, (200, 60));
        driver.keys("|");
        let shown = text(&driver.model);
        let both = |row: &&str| {
            let sides: Vec<&str> = row.split('│').collect();
            sides.len() == 4
                && sides[1].contains("-    newTag: ")
                && sides[2].contains("+    newTag: ")
        };
        assert!(shown.lines().any(|row| both(&row)), "{name}\n{shown}");
        assert!(
            shown.contains("7 -    newTag: "),
            "{name}: numbers\n{shown}"
        );
        driver.keys("|");
        assert!(!text(&driver.model).lines().any(|row| both(&row)), "{name}");
    }
}

/// Whatever the screen and the keys, the row on top of the diff names the file.
#[test]
fn the_file_is_named_however_far_it_is_scrolled() {
    for size in [WIDE, SMALL, (200, 60), (60, 14)] {
        let mut driver = scene("plan", size);
        driver.keys("tab m m");
        for _ in 0..12 {
            frame_of(&mut driver.model);
            driver.keys("j");
            let shown = text(&driver.model);
            assert!(
                shown.contains("overlays/prod-us/kustomization.yaml"),
                "{size:?}\n{shown}"
            );
        }
    }
}

/// Where there is room for one pane, the first look at the bytes is at those of the selected change.
#[test]
fn the_first_look_is_at_the_selected_change() {
    let mut driver = scene("plan", SMALL);
    assert!(text(&driver.model).contains("apps/accounts/overlays"));
    driver.keys("j");
    let shown = text(&driver.model);
    assert!(!shown.contains("apps/accounts/overlays"), "{shown}");
    assert!(shown.contains("apps/basket/overlays"), "{shown}");
}
