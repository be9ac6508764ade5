//! Journeys by commands, as a script would go them.

use crate::world::{FIRST, SERVICES, World};

#[test]
fn argo_cd_deploys_what_is_pushed() {
    let Some(world) = World::start("argo") else {
        return;
    };
    for (service, _) in SERVICES {
        assert!(world.serves(service, "prod", FIRST));
    }
    world.bump("shop", "staging", "1.1.0");
    let took = world.until_served("shop", "staging", "1.1.0");
    world.note(&format!("a push was served after {took:.1?}"));
}
