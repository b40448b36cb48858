//! JSON documents as applications store them: similar enough to compress well, but with unique data in each record.
use std::fmt::Write;

use crate::random::Random;

const NAMES: [&str; 10] =
    ["ada", "boris", "chloe", "dmitri", "elena", "farid", "greta", "hugo", "ines", "jonas"];
const CITIES: [&str; 8] =
    ["Antwerp", "Bologna", "Cologne", "Dundee", "Esbjerg", "Florence", "Gothenburg", "Hamburg"];

/// Returns a document of at least `length` bytes, and at most one record more.
pub(super) fn json(random: &mut Random, length: u64) -> String {
    let mut text = String::from(r#"{"version":2,"items":["#);
    while (text.len() as u64) < length {
        record(random, &mut text);
    }
    text.push_str("{}]}");
    text
}

fn record(random: &mut Random, text: &mut String) {
    let name = random.one_of(&NAMES).unwrap_or_default();
    let city = random.one_of(&CITIES).unwrap_or_default();
    // Writing to memory cannot fail.
    let _ = write!(
        text,
        concat!(
            r#"{{"id":{},"name":"{}","city":"{}","active":{},"score":{:.3},"token":"{}","#,
            r#""tags":["premium","beta","mobile"],"address":{{"street":"{} Market Street","zip":"{:05}"}}}},"#
        ),
        random.between(1, 10_000_000),
        name,
        city,
        random.between(0, 1) == 1,
        random.fraction(100.0),
        random.hex(8),
        random.between(1, 999),
        random.between(1, 99_999),
    );
}
