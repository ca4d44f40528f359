//! Keys that report no serial number.

use std::collections::BTreeSet;

use oathbridge::dbus::names::ROOT;
use oathbridge::virt::VirtualToken;
use testkit::client::Options;
use testkit::scenario::World;

use super::{Bench, KEY, SERIAL};

/// The serial number in the token file of another key, which a key without one never tells.
const OTHER_SERIAL: u32 = 86_104_124;

/// Pulls a key out, and plugs it in as one that reports no serial number.
async fn hide(world: &World, key: &VirtualToken) {
    world.unplug(key).await.unwrap();
    key.hide_token2_serial();
    world.plug(key).await.unwrap();
    world.client.find(&[]).await.unwrap();
}

/// The paths of the tokens.
async fn tokens(world: &World) -> BTreeSet<String> {
    let objects = world.client.objects().await.unwrap();
    let is_token = |path: &String| path.starts_with(&format!("{ROOT}/tokens/"));
    objects.into_keys().filter(is_token).collect()
}

#[testkit::test]
async fn two_keys_are_two_tokens_by_their_places() {
    let other = KEY.replace(&SERIAL.to_string(), &OTHER_SERIAL.to_string());
    let bench = Bench::with(&format!("{KEY}{other}")).await;
    let (first, daemon) = (&bench.key, bench.world.daemon.as_ref().unwrap());
    let second = daemon.virtual_token(OTHER_SERIAL).unwrap();
    hide(&bench.world, first).await;
    hide(&bench.world, &second).await;
    let both = tokens(&bench.world).await;
    assert_eq!(both.len(), 2, "{both:?}");
    bench.set_time(59);
    let credentials = bench.client().find(&[("account", "alice")]).await.unwrap().0;
    assert_eq!(credentials.len(), 2, "{credentials:?}");
    for credential in &credentials {
        let reply = bench.client().calculate(credential, Options::new()).await.unwrap();
        assert_eq!(reply.code, "94287082");
    }
    for token in &both {
        assert!(token.starts_with(&format!("{ROOT}/tokens/token2_")), "{token}");
        for (name, value) in [("Serial", ""), ("State", "ready")] {
            let has: String = bench.client().property(token, "Token", name).await.unwrap();
            assert_eq!(has, value, "{name} of {token}");
        }
    }

    bench.world.unplug(first).await.unwrap();
    let left = tokens(&bench.world).await;
    assert_eq!((left.len(), left.is_subset(&both)), (1, true), "{left:?}");
    bench.world.plug(first).await.unwrap();
    bench.client().find(&[]).await.unwrap();
    assert_eq!(tokens(&bench.world).await, both, "each place keeps its path");
}
