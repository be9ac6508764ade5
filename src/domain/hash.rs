//! A name for a list of bytes that nobody can give to another list.

use sha2::{Digest, Sha256};

/// SHA-256 of the parts, each with its length before it, in hexadecimal digits.
pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let digits = |byte: u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
    let bytes = digest.finalize();
    bytes
        .iter()
        .flat_map(|byte| digits(*byte))
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart() {
        let hash = |parts: &[&str]| of(parts.iter().map(|part| part.as_bytes()));
        assert_eq!(
            hash(&[]),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        let all = [
            hash(&["ab"]),
            hash(&["a", "b"]),
            hash(&["", "ab"]),
            hash(&["ab", ""]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one));
        }
    }
}
