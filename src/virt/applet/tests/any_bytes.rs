//! The token responds to arbitrary bytes.

use super::*;

/// Xorshift: sufficiently random, and the same in every run.
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % bound
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.byte()).collect()
    }
}

/// Sends the bytes and checks that the response fits into the expected length.
fn send(applet: &mut Applet, bytes: &[u8]) -> u16 {
    let response = match applet.respond(bytes) {
        Outcome::Answer(response) => response,
        Outcome::Touch(pending) => applet.complete(&pending, Touch::Given),
    };
    assert!(response.data.len() <= 256, "{bytes:02x?}");
    response.status.0
}

#[test]
fn random_bytes_get_a_response() {
    let mut noise = Noise(0x2545_f491_4f6c_dd1d);
    let mut applet = oath("");
    for _ in 0..20_000 {
        let bytes = noise.bytes(24);
        send(&mut applet, &bytes);
    }
}

#[test]
fn damaged_commands_get_a_response() {
    let mut noise = Noise(88_172_645_463_325_252);
    let good = [
        SELECT_OATH.to_owned(),
        put(&format!("73 16 21 08 {SHA1_KEY} 78 02 7A 04 00000005")),
        calculate(ALICE, "74 08 0000000000000001"),
        "00 A4 00 01 0A 74 08 0000000000000001".to_owned(),
        "00 05 00 00 14 71 09 4157533A616C696365 71 07 4157533A626F62".to_owned(),
        "00 A5 00 00 00".to_owned(),
        format!("00 03 00 00 33 73 11 21 {} 74 08 A0A1A2A3A4A5A6A7 75 14 {SHA1_KEY}", "AB".repeat(16)),
        format!("00 A3 00 00 20 75 14 {SHA1_KEY} 74 08 A0A1A2A3A4A5A6A7"),
    ]
    .map(|text| hex(&text));
    let mut applet = oath("");
    let mut done = 0;
    for round in 0..40_000 {
        let mut bytes = good[noise.below(good.len())].clone();
        if round % 4 != 0 {
            let place = noise.below(bytes.len());
            bytes[place] = noise.byte();
        }
        if round % 16 == 1 {
            bytes.truncate(noise.below(bytes.len()));
        }
        done += usize::from(send(&mut applet, &bytes) == 0x9000);
    }
    assert!(done > 4_000, "many commands must pass the first checks: {done}");
}
