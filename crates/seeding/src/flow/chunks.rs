//! Cutting of backups into the chunks that workers read.

use crate::{flow::steps::Chunk, record::seeding::Backup};

/// The most chunks of all backups together. The state machine's payload (256 KiB) carries each chunk and its result,
/// and each chunk starts one function.
pub const MAX_CHUNKS: u64 = 200;
/// The smallest chunk, in bytes, except for the last of a backup. Below this size, starting a function takes longer
/// than reading.
pub const LEAST_CHUNK_BYTES: u64 = 64 << 20;
/// Chunks start at multiples of this, the size of one request to S3.
const CHUNK_STEP_BYTES: u64 = 8 << 20;

/// Cuts all backups without a known inspection into chunks of equal size: as many as [`MAX_CHUNKS`] and
/// `least_chunk_bytes` allow.
pub fn chunks(backups: &[Backup], least_chunk_bytes: u64) -> Vec<Chunk> {
    let unknown = || backups.iter().enumerate().filter(|(_, backup)| backup.known_inspection.is_none());
    let total: u64 = unknown().map(|(_, backup)| backup.size_bytes).sum();
    // Each backup may end with one smaller chunk.
    let places = MAX_CHUNKS.saturating_sub(backups.len() as u64).max(1);
    let step = CHUNK_STEP_BYTES.min(least_chunk_bytes.max(1));
    let bytes = total.div_ceil(places).max(least_chunk_bytes).max(1).next_multiple_of(step);
    let of_backup = |(backup, object): (usize, &Backup)| {
        let size = object.size_bytes;
        // Without the header, no worker can start in the middle of a backup.
        let bytes = if object.header.is_some() { bytes } else { size.max(1) };
        (0..size.div_ceil(bytes).max(1)).map(move |index| {
            let start = index * bytes;
            Chunk { backup, start, end: size.min(start + bytes), resume: None }
        })
    };
    unknown().flat_map(of_backup).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::location::BackupLocation;

    fn location(key: &str) -> BackupLocation {
        BackupLocation { bucket: "backups".into(), key: key.into() }
    }

    #[test]
    fn chunks_cover_every_backup_once_and_stay_within_their_number() {
        const GIB: u64 = 1 << 30;
        let header = rdb_scan::read_header(b"REDIS0010").ok();
        let backup = |size_bytes| Backup {
            location: location("a.rdb"),
            size_bytes,
            etag: "e".into(),
            kms_key_id: None,
            known_inspection: None,
            converted_from: None,
            header: header.clone(),
        };
        let sets: [&[u64]; 6] =
            [&[0], &[100], &[GIB], &[1000 * GIB], &[GIB; 90], &[500 * GIB, 1, 64 << 20, (64 << 20) + 1]];
        for sizes in sets {
            let backups: Vec<_> = sizes.iter().map(|size| backup(*size)).collect();
            let chunks = chunks(&backups, LEAST_CHUNK_BYTES);
            assert!(chunks.len() as u64 <= MAX_CHUNKS, "{} of {sizes:?}", chunks.len());
            for (index, size) in sizes.iter().enumerate() {
                let mut at = 0;
                for chunk in chunks.iter().filter(|chunk| chunk.backup == index) {
                    assert_eq!(chunk.start, at);
                    at = chunk.end;
                    assert!(chunk.end - chunk.start >= LEAST_CHUNK_BYTES || chunk.end == *size);
                }
                assert_eq!(at, *size);
            }
        }
        assert_eq!(chunks(&[backup(GIB)], LEAST_CHUNK_BYTES).len(), 16);
        assert_eq!(chunks(&[Backup { header: None, ..backup(GIB) }], LEAST_CHUNK_BYTES).len(), 1);
    }
}
