//! Replies to commands.

use std::io::{
    BufRead, ErrorKind, Read, {self},
};

/// The longest line of a reply. Redis cuts what it quotes from a client.
const MAX_LINE_BYTES: u64 = 64 << 10;
/// The longest string of a reply: `INFO` of a server with thousands of replicas, and much more.
const MAX_STRING_BYTES: u64 = 16 << 20;
/// The most items of a list: three for each of 16,384 slots, and more.
const MAX_ITEMS: u64 = 1 << 17;
const MAX_DEPTH: u32 = 8;

/// The reply to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Nil,
    /// A number.
    Integer(i64),
    /// A string, or a status such as `OK`.
    Text(Vec<u8>),
    /// A list.
    List(Vec<Reply>),
    /// An error.
    Error(String),
}

impl Reply {
    /// A string as text; none for other replies.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(bytes) => Some(printable(bytes)),
            _ => None,
        }
    }

    /// The items of a list; none for other replies.
    pub fn list(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// A number; none for other replies.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

/// Reads a reply. `InvalidData` has what it was instead.
pub(crate) fn read_reply(from: &mut dyn BufRead) -> io::Result<Reply> {
    read_nested(from, 0)
}

fn read_nested(from: &mut dyn BufRead, depth: u32) -> io::Result<Reply> {
    let line = read_line(from)?;
    let unexpected = || io::Error::new(ErrorKind::InvalidData, quoted(&line));
    let (kind, rest) = line.split_first().ok_or_else(unexpected)?;
    let number = || std::str::from_utf8(rest).ok().and_then(|text| text.parse::<i64>().ok());
    Ok(match kind {
        b'+' => Reply::Text(rest.to_vec()),
        b'-' => Reply::Error(printable(rest)),
        b':' => Reply::Integer(number().ok_or_else(unexpected)?),
        b'$' | b'*' if number() == Some(-1) => Reply::Nil,
        b'$' => {
            let bytes = number().and_then(|bytes| u64::try_from(bytes).ok());
            let bytes = bytes.filter(|bytes| *bytes <= MAX_STRING_BYTES).ok_or_else(unexpected)?;
            let mut text = Vec::new();
            from.take(bytes + 2).read_to_end(&mut text)?;
            if text.len() as u64 != bytes + 2 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            text.truncate(text.len() - 2);
            Reply::Text(text)
        }
        b'*' if depth < MAX_DEPTH => {
            let items = number().and_then(|items| u64::try_from(items).ok());
            let items = items.filter(|items| *items <= MAX_ITEMS).ok_or_else(unexpected)?;
            Reply::List((0..items).map(|_| read_nested(from, depth + 1)).collect::<io::Result<_>>()?)
        }
        _ => return Err(unexpected()),
    })
}

/// Reads a line, without its end.
pub(crate) fn read_line(from: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    from.take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        let kind = if line.is_empty() { ErrorKind::UnexpectedEof } else { ErrorKind::InvalidData };
        return Err(io::Error::new(kind, quoted(&line)));
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(line)
}

/// The beginning of what came, for messages.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.get(..64).unwrap_or(bytes).escape_ascii())
}

/// Text without characters that move a terminal's cursor.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let hides = |letter: char| letter.is_control() && !['\r', '\n'].contains(&letter);
    text.chars().map(|letter| if hides(letter) { '?' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_of_every_kind_are_read() {
        let text = |text: &str| Reply::Text(text.as_bytes().to_vec());
        let mut bytes =
            &b"+OK\r\n-ERR no\x1b[2J\r\n:-3\r\n$4\r\na\r\nb\r\n$-1\r\n*2\r\n*-1\r\n*1\r\n$0\r\n\r\n"[..];
        let expected = [
            text("OK"),
            Reply::Error("ERR no?[2J".to_owned()),
            Reply::Integer(-3),
            text("a\r\nb"),
            Reply::Nil,
            Reply::List(vec![Reply::Nil, Reply::List(vec![text("")])]),
        ];
        for reply in expected {
            assert_eq!(read_reply(&mut bytes).unwrap(), reply);
        }
        assert_eq!(read_reply(&mut bytes).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_is_no_reply_is_an_error_without_a_large_allocation() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"$9223372036854775807\r\n",
            b"*9223372036854775807\r\n",
            b"$-2\r\n",
            b"\r\n",
            &b"*1\r\n".repeat(100),
            &b"+".repeat(100_000),
        ] {
            assert_eq!(read_reply(&mut &*bytes).unwrap_err().kind(), ErrorKind::InvalidData);
        }
        assert_eq!(read_reply(&mut &b"$5\r\nab"[..]).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
}
