//! The syntax of Terraform's configuration, as `terraform fmt` writes it.
//!
//! Source: HCL native syntax specification, "Quoted and Unquoted Templates".

use std::fmt::Write as _;

/// The value of an attribute.
pub(super) enum Value {
    Text(String),
    Number(u64),
    Bool(bool),
    List(Vec<String>),
}

impl<T: AsRef<str> + ?Sized> From<&T> for Value {
    fn from(text: &T) -> Self {
        Self::Text(text.as_ref().to_owned())
    }
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Number(number) => number.to_string(),
            Self::Bool(is_set) => is_set.to_string(),
            Self::List(texts) => {
                let texts: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
                format!("[{}]", texts.join(", "))
            }
        }
    }
}

/// The lines of attributes in a block.
pub(super) fn attributes(members: &[(&str, Value)]) -> String {
    let width = members.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    members.iter().fold(String::new(), |mut text, (name, value)| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name:width$} = {}", value.text());
        text
    })
}

/// A text in quotes that means itself: no template, no end of the quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let begins_template = matches!(letter, '$' | '%') && letters.peek() == Some(&'{');
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // `$${` would mean the same, but not after another `$`.
            _ if begins_template || must_be_escaped(letter) => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            _ => quoted.push(letter),
        }
    }
    quoted + "\""
}

/// Whether a letter would not be seen, or would change how its line is shown.
fn must_be_escaped(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
