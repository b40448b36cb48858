//! Numbers and names as text.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};

/// Names are cut to about this many bytes.
const MAX_NAME_BYTES: usize = 300;

/// A name from a backup, in a form that shows everything: control characters, and what changes the direction or has no
/// width, become `\u{…}`.
///
/// The result still has to be escaped for its context.
pub fn name(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(MAX_NAME_BYTES));
    for character in text.chars() {
        if shown.len() >= MAX_NAME_BYTES {
            shown.push('…');
            break;
        }
        if is_hidden(character) {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a character is not seen, or changes how others are seen.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' | '\u{e000}'..='\u{f8ff}')
}

/// The start of a name, with at most this many characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut start: String = text.chars().take(most.saturating_sub(1)).collect();
    start.push('…');
    start
}

/// A size with three digits, such as `1.23 GB`. Units are powers of ten, as in AWS's prices.
pub(crate) fn bytes(bytes: u64) -> String {
    let (mut size, mut unit) = (bytes as f64, 0);
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    while size >= 999.5 && unit + 1 < units.len() {
        size /= 1000.0;
        unit += 1;
    }
    let digits = match size {
        _ if unit == 0 => 0,
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{size:.digits$} {}", units[unit])
}

/// A number with commas.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A part of a whole in percent.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    let percent = ratio(part, whole) * 100.0;
    match percent {
        _ if part == 0 => "0 %".to_owned(),
        ..0.1 => "< 0.1 %".to_owned(),
        ..99.95 => format!("{percent:.1} %"),
        _ => format!("{percent:.0} %"),
    }
}

/// A part of a whole; 0 if the whole is 0.
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A time in UTC.
pub(crate) fn time(ms: i64) -> String {
    let time = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC);
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A duration, such as `3 min 20 s`.
pub(crate) fn duration(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds {
        0 => format!("{} ms", ms.max(0)),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_is_hidden_or_obeyed() {
        assert_eq!(
            name("a\0\u{1b}[31m\u{202e}b\u{200b}\u{2028}"),
            r"a\u{0}\u{1b}[31m\u{202e}b\u{200b}\u{2028}"
        );
        assert_eq!(name("schlüssel:日本:ש"), "schlüssel:日本:ש");
        assert_eq!(name(&"x".repeat(400)), format!("{}…", "x".repeat(300)));
    }

    #[test]
    fn numbers_have_three_digits_and_commas() {
        let sizes = [0, 999, 1000, 9_994, 99_960, 1_234_567_890, u64::MAX].map(bytes);
        assert_eq!(sizes, ["0 B", "999 B", "1.00 kB", "9.99 kB", "100 kB", "1.23 GB", "18.4 EB"]);
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([percent(0, 0), percent(1, 10_000), percent(1, 3)], ["0 %", "< 0.1 %", "33.3 %"]);
        assert_eq!([duration(5), duration(61_000), duration(7_260_000)], ["5 ms", "1 min 1 s", "2 h 1 min"]);
    }
}
