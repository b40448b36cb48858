//! Small backups, written by hand.

/// An RDB of version 10 without a checksum: AUX fields, and these keys with the value `v` in database 0. Names and
/// values are short strings of at most 63 bytes.
pub fn rdb(aux: &[(&str, &str)], keys: &[&str]) -> Vec<u8> {
    let mut bytes = b"REDIS0010".to_vec();
    for (name, value) in aux {
        bytes.push(0xfa);
        string(&mut bytes, name);
        string(&mut bytes, value);
    }
    bytes.extend([0xfe, 0]);
    for key in keys {
        bytes.push(0);
        string(&mut bytes, key);
        string(&mut bytes, "v");
    }
    bytes.push(0xff);
    bytes.extend([0; 8]);
    bytes
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    // The two highest bits say how the length is written: zeros, that it is in the other six.
    bytes.push(u8::try_from(text.len()).ok().filter(|length| *length < 64).expect("a short string"));
    bytes.extend(text.as_bytes());
}
