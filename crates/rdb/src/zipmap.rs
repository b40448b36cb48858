//! Zipmaps, the small hashes of Redis 2.4 and before.
use crate::blob::Blob;
use crate::fault::FaultCode;
use crate::listpack::{Look, Want, look, unsigned};
use crate::members::Members;
use crate::stop::{Result, broken};

const END: u8 = 0xff;
const BIG_LENGTH: u8 = 0xfe;

/// Checks a zipmap; gives the number of its fields.
pub(crate) fn check(blob: &mut Blob<'_, '_>, members: &mut Members) -> Result<u64> {
    let bytes = blob.bytes();
    let Some(&[declared]) = blob.peek(1)? else { return bad("zipmap of no bytes".to_owned()) };
    blob.advance(1);
    let mut fields = 0;
    loop {
        if let Some(&[END]) = blob.peek(1)? {
            blob.advance(1);
            break;
        }
        if let Some(hash) = item(blob, false, Want::Hash)?.hash {
            members.push(hash);
        }
        item(blob, true, Want::Nothing)?;
        fields += 1;
    }
    if blob.left() != 0 {
        let left = blob.left();
        return bad(format!("zipmap of {bytes} bytes ends {left} bytes early, after field {fields}"));
    }
    if declared < BIG_LENGTH && u64::from(declared) != fields {
        return bad(format!("zipmap says it has {declared} fields but it has {fields}"));
    }
    Ok(fields)
}

/// A field, or a value with the unused bytes behind it.
fn item(blob: &mut Blob<'_, '_>, value: bool, want: Want) -> Result<Look> {
    let at = blob.at();
    let Some(&[first]) = blob.peek(1)? else { return overrun(blob, at) };
    let (header, length) = match first {
        BIG_LENGTH => {
            let Some([_, length @ ..]) = blob.peek(5)? else { return overrun(blob, at) };
            (5, unsigned(length))
        }
        END => return overrun(blob, at),
        small => (1, u64::from(small)),
    };
    blob.advance(header);
    let mut unused = 0;
    if value {
        let Some(&[free]) = blob.peek(1)? else { return overrun(blob, at) };
        blob.advance(1);
        unused = u64::from(free);
    }
    let Some(look) = look(blob, length, want)? else { return overrun(blob, at) };
    if !blob.skip(unused)? {
        return overrun(blob, at);
    }
    Ok(look)
}

#[cold]
fn overrun<T>(blob: &Blob<'_, '_>, at: u64) -> Result<T> {
    let bytes = blob.bytes();
    bad(format!("zipmap item at byte {at} runs past the end at byte {bytes}"))
}

fn bad<T>(message: String) -> Result<T> {
    broken(FaultCode::BadZipmap, message)
}
