//! Themes on the screen: which is shown, painted or not, with as many colours as there are.

use ratatui::style::Color;

use super::{
    SMALL, WIDE,
    harness::{draw, screen},
    scenes,
};
use crate::{
    app::{event::Event, fixture::Driver, palette},
    look::colour::{Depth, Rgb},
};

const PAPER: Rgb = Rgb(253, 246, 227);
const NIGHT: Rgb = Rgb(30, 30, 46);

/// The styles of a screen, without what it says.
fn styles(driver: &Driver) -> String {
    let shown = screen(&driver.model);
    shown.rsplit("\n\n").next().unwrap_or_default().to_owned()
}

#[test]
fn the_theme_follows_the_terminals_background_once_that_is_said() {
    let mut driver = Driver::settled(SMALL);
    let dark = styles(&driver);
    driver.send(Event::Ground(PAPER));
    let light = styles(&driver);
    assert_ne!(dark, light);
    driver.keys(": \"theme_light enter");
    assert_eq!(styles(&driver), light);
    driver.keys(": \"theme_auto enter");
    driver.send(Event::Ground(NIGHT));
    assert_eq!(styles(&driver), dark);
    driver.model.ground = None;
    driver.model.setup.look.guessed_light = true;
    assert_eq!(styles(&driver), light, "before it has answered");
}

#[test]
fn themes_are_chosen_by_name_and_what_is_in_the_way_is_said() {
    let mut driver = Driver::settled(SMALL);
    let names = palette::suggestions(&driver.model, "theme sol");
    let names: Vec<&str> = names.iter().map(|s| s.line.as_str()).collect();
    assert_eq!(names, ["theme solarized-dark", "theme solarized-light"]);
    driver.send(Event::Ground(NIGHT));
    for (line, said) in [
        ("theme_nord", ""),
        (
            "theme_nrod",
            "`nrod` is no theme; did you mean `nord`; these are: auto, catppuccin-frappe",
        ),
        (
            "theme_solarized-light",
            "solarized-light is made for light backgrounds, and this one is dark; `background = true`",
        ),
        ("theme_monochrome", ""),
        ("theme_auto", ""),
    ] {
        driver.keys(&format!(": \"{line} enter"));
        assert!(driver.word().starts_with(said), "{line}: {}", driver.word());
        assert_eq!(driver.word().is_empty(), said.is_empty(), "{line}");
    }
    driver.model.setup.look.background = true;
    driver.keys(": \"theme_solarized-light enter");
    assert_eq!(driver.word(), "", "it paints its own");
    driver.model.setup.look.no_colour = true;
    driver.keys(": \"theme_nord enter");
    assert!(driver.word().starts_with("NO_COLOR is set"));
}

#[test]
fn a_painted_background_is_painted_everywhere_and_else_nowhere() {
    for (name, build) in scenes::ALL {
        let mut driver = build(WIDE);
        for depth in [Depth::True, Depth::Indexed, Depth::Sixteen] {
            let look = &mut driver.model.setup.look;
            look.depth = depth;
            look.background = true;
            look.choice.fixed = Some("gruvbox-dark".to_owned());
            let own = |colour| matches!(colour, Color::Reset);
            let buffer = draw(&driver.model);
            let left = buffer
                .content()
                .iter()
                .filter(|cell| own(cell.bg) || own(cell.fg));
            assert_eq!(left.count(), 0, "{name} {depth:?}");
            driver.model.setup.look.background = false;
            let buffer = draw(&driver.model);
            let kept = buffer.content().iter().filter(|cell| own(cell.bg));
            assert!(kept.count() > 120 * 30, "{name} {depth:?}");
        }
    }
}

#[test]
fn fewer_colours_are_fewer_colours() {
    let mut driver = Driver::settled(WIDE);
    for (depth, most) in [(Depth::Indexed, 255), (Depth::Sixteen, 15)] {
        for name in ["nord", "light", "high-contrast"] {
            driver.model.setup.look.depth = depth;
            driver.model.setup.look.choice.fixed = Some(name.to_owned());
            let buffer = draw(&driver.model);
            let colours = buffer.content().iter().flat_map(|cell| [cell.fg, cell.bg]);
            for colour in colours {
                let fits = match colour {
                    Color::Reset => true,
                    Color::Indexed(index) => index <= most,
                    _ => false,
                };
                assert!(fits, "{name} {depth:?}: {colour:?}");
            }
        }
    }
}
