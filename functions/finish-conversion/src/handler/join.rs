//! Joining of pieces into one object.

use std::ops::Range;

use aws_sdk_s3::types::CompletedPart;
use futures::{StreamExt, TryStreamExt, stream};
use seeder_aws::conversion::{ConversionBucket, Upload};
use seeding::{Backup, BackupLocation, StepError, conversion::LEAST_PART_BYTES};

/// The parts that are copied at once. S3 copies some 100 MB/s for each.
const PARTS_AT_ONCE: usize = 50;
/// The largest part that is copied from the source, in bytes: one takes some seconds.
const MOST_PART_BYTES: u64 = 512 << 20;

/// A piece of a new file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// An object that a worker has written.
    Stored { key: String, bytes: u64 },
    /// Bytes of the source.
    Source(Range<u64>),
    /// A few bytes that are nowhere else.
    Made(Vec<u8>),
}

impl Piece {
    fn bytes(&self) -> u64 {
        match self {
            Self::Stored { bytes, .. } => *bytes,
            Self::Source(range) => range.end.saturating_sub(range.start),
            Self::Made(bytes) => bytes.len() as u64,
        }
    }

    /// The bytes that no function has read.
    pub(super) fn copied_bytes(&self) -> u64 {
        if matches!(self, Self::Source(_)) { self.bytes() } else { 0 }
    }
}

/// A part of the new object.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Copied on the side of S3.
    Copied(Piece),
    /// Read and uploaded: pieces that are too small for a part of their own.
    Joined(Vec<Piece>),
}

/// Joins pieces into one object.
pub(super) async fn join(
    bucket: &ConversionBucket,
    location: &BackupLocation,
    source: &Backup,
    pieces: Vec<Piece>,
) -> Result<(), StepError> {
    // An upload whose ID was lost with the answer, or with a function that was killed.
    bucket.abort_uploads(&location.key).await?;
    let upload = bucket.upload(location).await?;
    let uploaded = stream::iter(parts(pieces).into_iter().zip(1..))
        .map(|(part, number)| put(bucket, &upload, source, number, part));
    let uploaded: Vec<CompletedPart> = uploaded.buffered(PARTS_AT_ONCE).try_collect().await?;
    upload.complete(uploaded).await
}

async fn put(
    bucket: &ConversionBucket,
    upload: &Upload<'_>,
    source: &Backup,
    number: i32,
    part: Part,
) -> Result<CompletedPart, StepError> {
    let pieces = match part {
        Part::Copied(Piece::Stored { key, .. }) => return upload.copy(number, &key).await,
        Part::Copied(Piece::Source(range)) => return upload.copy_range(number, source, range).await,
        Part::Copied(made @ Piece::Made(_)) => vec![made],
        Part::Joined(pieces) => pieces,
    };
    let mut bytes = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Stored { key, .. } => bytes.extend_from_slice(&bucket.get(&key).await?),
            Piece::Source(range) => bytes.extend_from_slice(&bucket.get_range(source, range).await?),
            Piece::Made(made) => bytes.extend_from_slice(&made),
        }
    }
    upload.put(number, bytes.into()).await
}

/// Cuts pieces into parts, of which all but the last have the least size.
fn parts(pieces: Vec<Piece>) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut waiting, mut bytes) = (Vec::new(), 0);
    for piece in pieces {
        let mut rest = Some(piece).filter(|piece| piece.bytes() > 0);
        while let Some(piece) = rest.take() {
            if waiting.is_empty() && piece.bytes() >= LEAST_PART_BYTES {
                let (part, more) = cut(piece, MOST_PART_BYTES);
                parts.push(Part::Copied(part));
                rest = more;
                continue;
            }
            let (part, more) = cut(piece, LEAST_PART_BYTES - bytes);
            (bytes, rest) = (bytes + part.bytes(), more);
            waiting.push(part);
            if bytes >= LEAST_PART_BYTES {
                parts.push(Part::Joined(std::mem::take(&mut waiting)));
                bytes = 0;
            }
        }
    }
    parts.extend(Some(waiting).filter(|waiting| !waiting.is_empty()).map(Part::Joined));
    parts
}

/// Cuts what comes from the source after some bytes. Objects are whole pieces.
fn cut(piece: Piece, most: u64) -> (Piece, Option<Piece>) {
    match piece {
        Piece::Source(range) if range.end - range.start > most => {
            let at = range.start + most;
            (Piece::Source(range.start..at), Some(Piece::Source(at..range.end)))
        }
        piece => (piece, None),
    }
}

#[cfg(test)]
mod tests {
    use lambda::test_util::{script, xml};
    use seeding::ErrorName;

    use super::*;

    const MIB: u64 = 1 << 20;

    /// S3 begins to answer before a copy is done. If it then fails, the error is in the body of a success.
    #[tokio::test]
    async fn an_error_in_a_success_is_an_error() {
        let began = "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>";
        let failed = "<Error><Code>InternalError</Code><Message>try again</Message></Error>";
        let wire = script()
            .on("GET conversions.s3/?uploads…", xml("<ListMultipartUploadsResult/>"))
            .on("POST conversions.s3/h/backup.rdb?uploads…", xml(began))
            .on("PUT conversions.s3/h/backup.rdb?…", xml(failed));
        let bucket = ConversionBucket::new(wire.clients().s3(), "conversions".into(), "123456789012".into());
        let location = BackupLocation { bucket: "conversions".into(), key: "h/backup.rdb".into() };
        let source = Backup {
            location: BackupLocation { bucket: "backups".into(), key: "a b/orders.rdb".into() },
            size_bytes: 12 * MIB,
            etag: "\"e1\"".into(),
            kms_key_id: None,
            known_inspection: None,
            converted_from: None,
            header: None,
        };
        let error = join(&bucket, &location, &source, vec![Piece::Source(0..6 * MIB)]).await.unwrap_err();
        assert_eq!(error.name, ErrorName::ServiceBusy, "{error}");
        wire.done();
    }

    fn stored(key: &str, bytes: u64) -> Piece {
        Piece::Stored { key: key.to_owned(), bytes }
    }

    #[test]
    fn small_pieces_are_joined() {
        let tail = || Piece::Made(vec![0; 9]);
        let copied = |key: &str, bytes| Part::Copied(stored(key, bytes));
        assert_eq!(parts(vec![tail()]), [Part::Joined(vec![tail()])]);
        assert_eq!(parts(vec![stored("a", 1), tail()]), [Part::Joined(vec![stored("a", 1), tail()])]);
        assert_eq!(
            parts(vec![stored("a", 5 * MIB), tail()]),
            [copied("a", 5 * MIB), Part::Joined(vec![tail()])]
        );
        let (b, c, d) = (stored("b", 1), stored("c", 3), stored("d", 8 * MIB));
        let mixed =
            vec![stored("a", 32 * MIB), b.clone(), c.clone(), d.clone(), stored("e", 5 * MIB), tail()];
        let expected = [
            copied("a", 32 * MIB),
            Part::Joined(vec![b, c, d]),
            copied("e", 5 * MIB),
            Part::Joined(vec![tail()]),
        ];
        assert_eq!(parts(mixed), expected);
    }

    #[test]
    fn stretches_are_copied_but_for_what_a_part_before_lacks() {
        let made = |bytes| Piece::Made(vec![0; bytes]);
        let source = |range| Part::Copied(Piece::Source(range));
        let file = vec![stored("head", 100), made(0), Piece::Source(1_000..1_000 + 1_100 * MIB), made(9)];
        let first = 1_000 + 5 * MIB - 100;
        let expected = [
            Part::Joined(vec![stored("head", 100), Piece::Source(1_000..first)]),
            source(first..first + 512 * MIB),
            source(first + 512 * MIB..first + 1_024 * MIB),
            source(first + 1_024 * MIB..1_000 + 1_100 * MIB),
            Part::Joined(vec![made(9)]),
        ];
        assert_eq!(parts(file), expected);
        // What is left of a stretch may be too small for a part.
        let small = vec![Piece::Source(0..6 * MIB), made(20), Piece::Source(7 * MIB..12 * MIB), made(9)];
        let lacking = 12 * MIB - 20;
        let expected = [
            source(0..6 * MIB),
            Part::Joined(vec![made(20), Piece::Source(7 * MIB..lacking)]),
            Part::Joined(vec![Piece::Source(lacking..12 * MIB), made(9)]),
        ];
        assert_eq!(parts(small), expected);
        for parts in [&expected[..]] {
            for part in &parts[..parts.len() - 1] {
                let pieces = match part {
                    Part::Copied(piece) => std::slice::from_ref(piece),
                    Part::Joined(pieces) => pieces,
                };
                assert!(pieces.iter().map(Piece::bytes).sum::<u64>() >= LEAST_PART_BYTES, "{part:?}");
            }
        }
    }
}
