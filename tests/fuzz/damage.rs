//! Damages seeds: the same ones in every run.

/// The most changes of one input.
const MAX_CHANGES: usize = 4;

/// A source of damaged seeds, with a generator of random numbers (Marsaglia, xorshift64).
pub(crate) struct Damage {
    seeds: Vec<Vec<u8>>,
    state: u64,
}

impl Damage {
    pub(crate) fn new(seeds: Vec<Vec<u8>>) -> Self {
        Self { seeds, state: 0x9e37_79b9_7f4a_7c15 }
    }

    /// A seed with one to four changes.
    pub(crate) fn next_input(&mut self) -> Vec<u8> {
        let place = self.below(self.seeds.len());
        let mut bytes = self.seeds[place].clone();
        for _ in 0..=self.below(MAX_CHANGES) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let start = self.below(bytes.len() + 1);
        let end = start + self.below((bytes.len() - start).min(16) + 1);
        match self.below(6) {
            0 => bytes.truncate(start),
            1 => bytes.insert(start, self.byte()),
            2 => drop(bytes.drain(start..end)),
            3 => {
                let part = bytes[start..end].to_vec();
                bytes.splice(start..start, part);
            }
            4 => {
                let other = self.below(self.seeds.len());
                let other = self.seeds[other].clone();
                bytes.extend(&other[self.below(other.len())..]);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(start) {
                    *byte ^= 1 << self.below(8);
                }
            }
        }
    }

    fn byte(&mut self) -> u8 {
        self.below(256).to_le_bytes()[0]
    }

    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 8).unwrap() % end
    }
}
