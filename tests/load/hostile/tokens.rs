//! Hostile tokens that are plugged in and out all the time, behind a real pcscd.

use std::fmt::Write;
use std::iter::repeat_with;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use oathbridge::virt::{Fault, VirtualToken};
use testkit::scenario::World;

use super::dice::Dice;

/// The number of tokens.
const TOKENS: usize = 20;

/// One fewer than the maximum of pcscd, which ends by itself with eight. Each has one token at a time, because a token
/// that hangs blocks the other slot of its reader.
pub(crate) const READERS: usize = 7;

/// The time in which pcscd notices that a reader is empty; it looks every 0.4 s. It does not notice a token that is
/// plugged in before.
const NOTICED_AFTER: Duration = Duration::from_secs(1);

const PAUSE: Duration = Duration::from_millis(5);

/// The time in which the daemon asks a token, if it asks at all.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The token file.
pub(crate) fn file() -> String {
    let mut file = String::new();
    for serial in 0..TOKENS {
        writeln!(
            file,
            "[[token]]\nserial = {}\ntouch = {{ after-seconds = 0.01 }}\n\
             credential = [{{ issuer = 'AWS', account = 'hostile', seed = 'GEZDGNBV' }}]",
            20_000_000 + serial
        )
        .unwrap();
    }
    file
}

/// The content of a reader.
#[derive(Clone, Copy, Debug)]
enum Place {
    Card(usize),
    EmptySince(Instant),
}

/// Plugs the tokens in and out in turn, each with other faults. Returns how often one was plugged in.
pub(crate) fn plug(world: &mut World, dice: &mut Dice, stop: &AtomicBool) -> usize {
    let cards = world.cards.clone();
    let empty = || [Place::EmptySince(Instant::now()); READERS];
    let (mut places, mut plugged) = (empty(), 0);
    while !stop.load(Ordering::SeqCst) {
        let reader = dice.roll(READERS);
        match places[reader] {
            Place::Card(_) => {
                world.pcscd().unwrap().remove(reader).unwrap();
                places[reader] = Place::EmptySince(Instant::now());
                continue;
            }
            Place::EmptySince(since) if since.elapsed() < NOTICED_AFTER => {
                thread::sleep(PAUSE);
                continue;
            }
            Place::EmptySince(_) => {}
        }
        let is_absent =
            |card: &usize| !places.iter().any(|place| matches!(place, Place::Card(one) if one == card));
        let absent: Vec<usize> = (0..TOKENS).filter(is_absent).collect();
        let card = *dice.pick(&absent);
        misbehave(&cards[card], dice);
        if let Err(error) = world.pcscd().unwrap().insert(reader, &cards[card]) {
            // The virtual reader does not get over every fault, so its service is started again, as after a crash.
            println!("{error}, after {plugged} insertions");
            pull_all_out(world);
            world.pcscd().unwrap().restart().unwrap();
            places = empty();
            continue;
        }
        places[reader] = Place::Card(card);
        plugged += 1;
        wait_until_asked(&cards[card]);
    }
    pull_all_out(world);
    plugged
}

/// Plugs a token into each reader and pulls all out, so that the daemon has an idle context for each reader.
pub(crate) fn warm_up(world: &mut World) {
    let cards = world.cards[..READERS].to_vec();
    world.pcscd().unwrap().insert_all(&cards).unwrap();
    cards.iter().for_each(wait_until_asked);
    pull_all_out(world);
}

fn wait_until_asked(card: &VirtualToken) {
    let begun = Instant::now();
    while card.log().is_empty() && begun.elapsed() < MAX_WAIT {
        thread::sleep(PAUSE);
    }
}

fn pull_all_out(world: &mut World) {
    for reader in 0..READERS {
        world.pcscd().unwrap().remove(reader).unwrap();
    }
}

/// Sets the next faults of a token. Those that are left over come after its next insertion.
fn misbehave(card: &VirtualToken, dice: &mut Dice) {
    for _ in 0..dice.roll(8) {
        card.fail_next(match dice.roll(12) {
            0 => Fault::Vanish,
            1 => Fault::Answer(Vec::new()),
            _ => Fault::Answer(answer(dice)),
        });
    }
    if dice.roll(10) == 0 {
        card.fail_next(Fault::Hang);
    }
}

/// A response of any length. Half of them begin like a response to SELECT or a list, and most end like a success.
fn answer(dice: &mut Dice) -> Vec<u8> {
    const BEGINS: [&[u8]; 6] = [
        &[0x79, 3, 5, 4, 3, 0x71, 8, 1, 2, 3, 4, 5, 6, 7, 8],
        &[0x79, 3, 5, 4, 3, 0x71, 0x82, 0xff, 0xff],
        &[0x71, 0x83, 0xff, 0xff, 0xff],
        &[0x72, 9, 0x21, b'h', b'o', b's', b't', b'i', b'l', b'e', b'!'],
        &[0x76, 5, 6, 0, 0, 0, 0],
        &[],
    ];
    const ENDS: [&[u8]; 5] = [&[0x90, 0], &[0x90, 0], &[0x61, 0xff], &[0x69, 0x82], &[]];
    let begin = if dice.roll(2) == 0 { *dice.pick(&BEGINS) } else { &[] };
    let length = *dice.pick(&[0, 1, 20, 256, 2_000, 60_000]);
    let filler: Vec<u8> = repeat_with(|| u8::try_from(dice.roll(256)).unwrap()).take(length).collect();
    [begin, &filler, *dice.pick(&ENDS)].concat()
}
