//! An RDB file captured from the wire, with the protocol around it.

use super::Look;
use crate::fault::Cause;

/// The number of hexadecimal digits in the mark that a master chooses for a stream of unknown length. Source:
/// `CONFIG_RUN_ID_SIZE`, and `rdbSaveRioWithEOFMark` of rdb.c.
pub(crate) const END_MARK_BYTES: usize = 40;

/// Whether these bytes are such a mark.
pub(crate) fn is_end_mark(bytes: &[u8]) -> bool {
    bytes.len() == END_MARK_BYTES && bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Recognizes what a server answers to SYNC, PSYNC or commands like DUMP, captured as it came.
pub(super) fn caught(start: &[u8]) -> Option<Look> {
    let payload = behind_lines(start)?;
    let line = start.get(payload..)?.strip_prefix(b"$")?;
    let end = line.windows(2).position(|two| two == b"\r\n")?;
    let (line, rdb) = (line.get(..end)?, payload + 1 + end + 2);
    let rest = start.get(rdb..)?;
    if !rest.is_empty() && !rest.starts_with(b"REDIS") && !rest.starts_with(b"VALKEY") {
        return None;
    }
    if line.strip_prefix(b"EOF:").is_some_and(is_end_mark) {
        return Some(Look::new(
            Cause::ReplicationStream,
            format!(
                "the file is a replication stream caught raw: the RDB begins at offset {rdb} and ends before the last \
                 {END_MARK_BYTES} bytes, which repeat the mark after $EOF"
            ),
        ));
    }
    let digits = std::str::from_utf8(line).ok().filter(|line| line.bytes().all(|byte| byte.is_ascii_digit()));
    let bytes: u64 = digits?.parse().ok()?;
    let message = format!(
        "the file is a server's reply caught raw: the RDB begins at offset {rdb} and is {bytes} bytes long"
    );
    Some(Look::new(Cause::BulkReply, message))
}

/// The index where the payload begins: after the line feeds that keep a connection alive, and the answers to earlier
/// commands (`+OK`, `+FULLRESYNC …`).
fn behind_lines(start: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += match start.get(at..)? {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            rest @ [b'+', ..] => rest.windows(2).position(|two| two == b"\r\n")? + 2,
            _ => return Some(at),
        };
    }
}
