//! Small handwritten backups.

/// Returns an RDB file of version 10 without a checksum: AUX fields, and these keys with the value `v` in database 0.
/// Names and values are at most 63 bytes long.
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
    // The two highest bits encode the form of the length: zeros mean that the other six bits hold it.
    bytes.push(u8::try_from(text.len()).ok().filter(|length| *length < 64).expect("a short string"));
    bytes.extend(text.as_bytes());
}
