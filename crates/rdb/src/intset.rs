//! Intsets: ascending integers of one width.
use crate::blob::Blob;
use crate::fault::FaultCode;
use crate::listpack::{little_endian, unsigned};
use crate::stop::{Result, broken};

/// Checks an intset; gives the number of its members.
pub(crate) fn check(blob: &mut Blob<'_, '_>) -> Result<u64> {
    let bytes = blob.bytes();
    let Some(header) = blob.peek(8)? else {
        return bad(format!("intset of {bytes} bytes has no room for its header"));
    };
    let width = unsigned(&header[..4]);
    let count = unsigned(&header[4..]);
    blob.advance(8);
    if !matches!(width, 2 | 4 | 8) {
        return bad(format!("intset of width {width}; expected 2, 4 or 8"));
    }
    let expected = 8 + width * count;
    if expected != bytes {
        return bad(format!(
            "intset of {count} members of {width} bytes needs {expected} bytes but has {bytes}"
        ));
    }
    let width = width as usize;
    let mut last = None;
    let mut index = 0;
    while blob.left() > 0 {
        let window = blob.window()?;
        // Windows are multiples of the width: 64 KiB, or what is left of a size that was just checked.
        let used = window.len() - window.len() % width;
        for member in window.chunks_exact(width) {
            let number = little_endian(member);
            if last.is_some_and(|last| last >= number) {
                return bad(format!(
                    "intset member {index}, {number}, does not come after the one before it"
                ));
            }
            last = Some(number);
            index += 1;
        }
        if used == 0 {
            return bad(format!("intset ends inside member {index}"));
        }
        blob.advance(used);
    }
    Ok(count)
}

fn bad<T>(message: String) -> Result<T> {
    broken(FaultCode::BadIntset, message)
}
