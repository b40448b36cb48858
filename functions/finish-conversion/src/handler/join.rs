//! Joining of pieces into one object.

use aws_sdk_s3::types::CompletedPart;
use futures::{StreamExt, TryStreamExt, stream};
use seeder_aws::conversion::{ConversionBucket, Upload};
use seeding::{
    BackupLocation, StepError,
    conversion::{ConversionChunk, LEAST_PART_BYTES, WrittenRange, piece_key},
};

/// The parts that are copied at once.
const PARTS_AT_ONCE: usize = 20;

/// A piece of converted bytes: its key and size.
pub(super) type Piece = (String, u64);

/// A part of the new object: pieces that are too small for a part of their own are joined.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Copied on the side of S3.
    Copied(String),
    /// Read and uploaded. The last one ends with the tail of the file.
    Joined(Vec<String>),
}

/// The pieces of a backup, in order.
pub(super) fn pieces<'w>(
    hash: &str,
    written: impl Iterator<Item = (ConversionChunk, &'w WrittenRange)>,
) -> Vec<Piece> {
    let of_range = |(chunk, range): (ConversionChunk, &WrittenRange)| {
        let key = |number| piece_key(hash, chunk, number);
        range.pieces.iter().enumerate().map(|(number, size)| (key(number), *size)).collect::<Vec<_>>()
    };
    written.flat_map(of_range).collect()
}

/// Joins pieces and the tail into one object.
pub(super) async fn join(
    bucket: &ConversionBucket,
    location: &BackupLocation,
    pieces: Vec<Piece>,
    tail: &[u8],
) -> Result<(), StepError> {
    // An upload whose ID was lost with the answer, or with a function that was killed.
    bucket.abort_uploads(&location.key).await?;
    let upload = bucket.upload(location).await?;
    let parts = parts(pieces);
    let last = parts.len();
    let uploaded = stream::iter(parts.into_iter().zip(1..)).map(|(part, number)| {
        let tail = if usize::try_from(number) == Ok(last) { tail } else { &[] };
        put(bucket, &upload, number, part, tail)
    });
    let uploaded: Vec<CompletedPart> = uploaded.buffered(PARTS_AT_ONCE).try_collect().await?;
    upload.complete(uploaded).await
}

async fn put(
    bucket: &ConversionBucket,
    upload: &Upload<'_>,
    number: i32,
    part: Part,
    tail: &[u8],
) -> Result<CompletedPart, StepError> {
    match part {
        Part::Copied(key) => upload.copy(number, &key).await,
        Part::Joined(keys) => {
            let mut bytes = Vec::new();
            for key in keys {
                bytes.extend_from_slice(&bucket.get(&key).await?);
            }
            bytes.extend_from_slice(tail);
            upload.put(number, bytes.into()).await
        }
    }
}

/// Cuts pieces into parts, of which all but the last have the least size. The last one is always [`Part::Joined`].
fn parts(pieces: Vec<Piece>) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut waiting, mut bytes) = (Vec::new(), 0);
    for (key, size) in pieces {
        if waiting.is_empty() && size >= LEAST_PART_BYTES {
            parts.push(Part::Copied(key));
            continue;
        }
        waiting.push(key);
        bytes += size;
        if bytes >= LEAST_PART_BYTES {
            parts.push(Part::Joined(std::mem::take(&mut waiting)));
            bytes = 0;
        }
    }
    parts.push(Part::Joined(waiting));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pieces_are_joined_and_the_last_part_has_the_tail() {
        const MIB: u64 = 1 << 20;
        let joined = |keys: &[&str]| Part::Joined(keys.iter().map(ToString::to_string).collect());
        let copied = |key: &str| Part::Copied(key.to_owned());
        let of = |pieces: &[(&str, u64)]| {
            parts(pieces.iter().map(|(key, size)| ((*key).to_owned(), *size)).collect())
        };
        assert_eq!(of(&[]), [joined(&[])]);
        assert_eq!(of(&[("a", 1)]), [joined(&["a"])]);
        assert_eq!(of(&[("a", 5 * MIB)]), [copied("a"), joined(&[])]);
        let mixed = [("a", 32 * MIB), ("b", 1), ("c", 3), ("d", 8 * MIB), ("e", 5 * MIB), ("f", 9)];
        assert_eq!(of(&mixed), [copied("a"), joined(&["b", "c", "d"]), copied("e"), joined(&["f"])]);
    }
}
