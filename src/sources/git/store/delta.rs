//! Deltas: copy from the base, or take what follows.

/// The size of the result, which stands in the delta's second number.
pub(super) fn size(delta: &[u8]) -> Option<usize> {
    let mut rest = delta;
    number(&mut rest)?;
    number(&mut rest)
}

/// Applies `delta` to `base`, into `out`; `None` where it is damaged. Makes no more bytes than the delta announces.
pub(super) fn apply(base: &[u8], delta: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = delta;
    if number(&mut rest)? != base.len() {
        return None;
    }
    let size = number(&mut rest)?;
    out.clear();
    out.try_reserve_exact(size).ok()?;
    let room = |out: &Vec<u8>, length: usize| (length <= size - out.len()).then_some(());
    while let Some((&operation, tail)) = rest.split_first() {
        rest = tail;
        if operation & 0x80 == 0 {
            // Git keeps the operation 0 for later.
            let length = Some(usize::from(operation)).filter(|length| *length > 0)?;
            let (literal, tail) = rest.split_at_checked(length)?;
            room(out, length)?;
            out.extend_from_slice(literal);
            rest = tail;
            continue;
        }
        let mut offset = 0;
        for shift in 0..4 {
            if operation & (1 << shift) != 0 {
                offset |= usize::from(take(&mut rest)?) << (8 * shift);
            }
        }
        let mut length = 0;
        for shift in 0..3 {
            if operation & (0x10 << shift) != 0 {
                length |= usize::from(take(&mut rest)?) << (8 * shift);
            }
        }
        if length == 0 {
            length = 0x10000;
        }
        room(out, length)?;
        out.extend_from_slice(base.get(offset..offset.checked_add(length)?)?);
    }
    (out.len() == size).then_some(())
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    let mut shift = 0;
    loop {
        let byte = take(rest)?;
        value |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
        shift += 7;
    }
}

fn take(rest: &mut &[u8]) -> Option<u8> {
    let (first, tail) = rest.split_first()?;
    *rest = tail;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_inserts_and_refuses_damage() {
        let base = b"hello world";
        type Case = (&'static str, &'static [u8], Option<&'static [u8]>);
        // (name, delta, result)
        let cases: [Case; 11] = [
            ("copy all", &[11, 11, 0x90, 11], Some(b"hello world")),
            ("copy from 6", &[11, 5, 0x91, 6, 5], Some(b"world")),
            ("insert", &[11, 2, 2, b'o', b'k'], Some(b"ok")),
            ("beyond the base", &[11, 5, 0x91, 9, 5], None),
            ("other base", &[10, 1, 1, b'x'], None),
            ("cut short", &[11, 2, 2, b'o'], None),
            ("makes more than announced", &[11, 5, 0x90, 11], None),
            ("inserts more than announced", &[11, 1, 2, b'o', b'k'], None),
            ("makes less than announced", &[11, 9, 2, b'o', b'k'], None),
            ("an operation of no kind", &[11, 2, 0, 2, b'o', b'k'], None),
            (
                "a size without end",
                &[
                    11, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1,
                ],
                None,
            ),
        ];
        for (name, delta, expected) in cases {
            let mut out = Vec::new();
            let found = apply(base, delta, &mut out).map(|()| &*out);
            assert_eq!(found, expected, "{name}");
        }
        assert_eq!(size(&[11, 0x80, 1]), Some(128));
    }
}
