//! Journeys in the screen, as an operator goes them: keys in, screen out.

use crate::{terminal::SOON, world::World};

#[test]
fn the_screen_opens() {
    let Some(world) = World::start("screen") else {
        return;
    };
    let terminal = world.screen(&[]).start();
    terminal.until("the matrix", SOON, |view| view.has("shop"));
}
