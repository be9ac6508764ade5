//! `SelfSubjectAccessReview` as newer clients send it: in protobuf, which this server speaks nowhere else.
//!
//! ```text
//! "k8s\0" Unknown { typeMeta = 1, raw = 2 }     raw: SelfSubjectAccessReview { metadata = 1, spec = 2 }
//!   spec { resourceAttributes = 1 }   resourceAttributes { namespace = 1, verb = 2, group = 3, version = 4, resource = 5, … }
//! ```

use serde_json::{Value, json};

/// What every message of Kubernetes in protobuf begins with.
const MAGIC: &[u8] = b"k8s\0";

/// The review that a body holds, in the shape of its JSON; `None` where it holds none.
pub(super) fn read(body: &[u8]) -> Option<Value> {
    let raw = field(body.strip_prefix(MAGIC)?, 2)?;
    let spec = field(raw, 2)?;
    let mut attributes = json!({});
    if let Some(asked) = field(spec, 1) {
        let names = [
            "namespace",
            "verb",
            "group",
            "version",
            "resource",
            "subresource",
            "name",
        ];
        for (number, name) in (1_u64..).zip(names) {
            let text = field(asked, number).and_then(|it| std::str::from_utf8(it).ok());
            if let Some(text) = text.filter(|it| !it.is_empty()) {
                attributes[name] = json!(text);
            }
        }
    }
    Some(json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "metadata": {}, "spec": {"resourceAttributes": attributes},
    }))
}

/// The last field of that number in a message, where it has a length.
fn field(mut message: &[u8], number: u64) -> Option<&[u8]> {
    let mut found = None;
    while !message.is_empty() {
        let key = varint(&mut message)?;
        let length = match key & 7 {
            0 => {
                varint(&mut message)?;
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (value, rest) = message.split_at_checked(length)?;
        message = rest;
        if key >> 3 == number && key & 7 == 2 {
            found = Some(value);
        }
    }
    found
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = message.split_first()?;
        *message = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(number: u8, value: &[u8]) -> Vec<u8> {
        let length = u8::try_from(value.len()).unwrap();
        assert!(length < 128, "a length of one byte");
        [&[number << 3 | 2, length], value].concat()
    }

    #[test]
    fn a_review_is_read_and_anything_else_is_none() {
        let asked = [part(1, b"shop"), part(2, b"list"), part(5, b"pods")].concat();
        let review = [part(1, b""), part(2, &part(1, &asked))].concat();
        let body = [MAGIC, &part(1, &part(1, b"v1")), &part(2, &review)].concat();
        let read_back = read(&body).unwrap();
        assert_eq!(
            read_back["spec"]["resourceAttributes"],
            json!({"namespace": "shop", "verb": "list", "resource": "pods"})
        );
        for cut in 0..body.len() {
            let _ = read(&body[..cut]);
        }
        assert_eq!(
            read(b"k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            None
        );
        assert_eq!(read(b"{}"), None);
    }
}
