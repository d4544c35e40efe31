//! Damaged inputs that a fixed random sequence chooses.

/// Numbers that look random and are the same in every run (Marsaglia, "Xorshift RNGs").
pub struct Random(pub u64);

impl Random {
    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Changes an input in one to three places; puts in `pieces`, and the ends of `others`.
pub fn damage(input: &[u8], others: &[Vec<u8>], pieces: &[&[u8]], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(3) {
        let (at, end) = (random.below(bytes.len() + 1), random.below(bytes.len() + 1));
        let (at, end) = (at.min(end), at.max(end));
        match random.below(6) {
            0 => bytes.truncate(end),
            1 => drop(bytes.drain(at..end.min(at + 16))),
            2 => drop(bytes.splice(at..at, pieces[random.below(pieces.len())].iter().copied())),
            3 => drop(bytes.splice(at..end.min(at + 2), pieces[random.below(pieces.len())].iter().copied())),
            4 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            _ => {
                let other = &others[random.below(others.len())];
                bytes.splice(at.., other[random.below(other.len() + 1)..].iter().copied());
            }
        }
    }
    bytes
}
