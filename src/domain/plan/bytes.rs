//! A file's bytes in JSON: the text that it is, or its hexadecimal digits where it is none.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form<'a> {
    Text(#[serde(borrow)] std::borrow::Cow<'a, str>),
    Hex(String),
}

pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    use std::fmt::Write;

    let form = match std::str::from_utf8(bytes) {
        Ok(text) => Form::Text(text.into()),
        Err(_) => Form::Hex(bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })),
    };
    form.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let digits = match Form::deserialize(deserializer)? {
        Form::Text(text) => return Ok(text.into_owned().into_bytes()),
        Form::Hex(digits) => digits,
    };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(pair).collect();
    bytes.ok_or_else(|| D::Error::custom("not pairs of hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use crate::domain::plan::FileEdit;

    #[test]
    fn bytes_come_back_as_they_were() {
        let cases: [&[u8]; 4] = [b"", b"tag: 1\r\n", "\u{feff}ä".as_bytes(), &[0xff, 0, 0x1b]];
        for bytes in cases {
            let edit = FileEdit {
                path: "a.yaml".into(),
                before: bytes.to_vec(),
                after: Vec::new(),
            };
            let json = serde_json::to_string(&edit).unwrap();
            assert_eq!(serde_json::from_str::<FileEdit>(&json).unwrap(), edit);
        }
        let odd = r#"{"path":"a","before":{"hex":"f"},"after":{"text":""}}"#;
        assert!(serde_json::from_str::<FileEdit>(odd).is_err());
    }
}
