//! An object that is written part by part.

use std::{
    collections::VecDeque,
    io::{
        Write, {self},
    },
    sync::Arc,
};

use anyhow::Result;
use aws_sdk_s3::types::CompletedPart;
use tokio::{sync::Semaphore, task::JoinHandle};

use crate::{
    multipart::{PART_BYTES, PARTS_AT_ONCE, Upload, part_bytes as enough_bytes},
    reading::Objects,
};

/// The parts of all objects that are written at once have about this many bytes together.
const ALL_PARTS_BYTES: u64 = 256 * 1024 * 1024;
/// The smallest part that S3 accepts, except for the last one.
const LEAST_PART_BYTES: u64 = 5 * 1024 * 1024;

/// Parts of an object of unknown size double each time that this many have been sent: 10,000 are 5.3 TB, and the memory
/// that they take is a small share of the object.
const PARTS_OF_ONE_SIZE: u32 = 1250;
/// The most bytes of a part for each permit that it takes.
const BYTES_OF_A_PERMIT: u64 = ALL_PARTS_BYTES / PARTS_AT_ONCE as u64;

/// The sizes of the parts of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PartSizes {
    /// All parts have this size.
    Equal(u64),
    /// The size of the object is not known, so that the parts grow.
    Growing,
}

impl PartSizes {
    /// Sizes for one of several objects that are written at once.
    pub(crate) fn of(object_bytes: Option<u64>, objects: usize) -> Self {
        let Some(bytes) = object_bytes else { return Self::Growing };
        let share = ALL_PARTS_BYTES / (objects as u64).max(1);
        Self::Equal(enough_bytes(bytes, share.clamp(LEAST_PART_BYTES, PART_BYTES)))
    }

    /// The size of the part after this many.
    fn after(self, parts: i32) -> u64 {
        match self {
            Self::Equal(bytes) => bytes,
            Self::Growing => PART_BYTES << (parts.unsigned_abs() / PARTS_OF_ONE_SIZE).min(7),
        }
    }
}

/// Writes one object. Parts are sent while others are written.
pub(crate) struct PartWriter<'o> {
    objects: &'o Objects,
    upload: Upload,
    sizes: PartSizes,
    part: Vec<u8>,
    /// Parts that are on their way, and those that have arrived.
    sent: VecDeque<JoinHandle<Result<CompletedPart>>>,
    arrived: Vec<CompletedPart>,
    permits: &'o Arc<Semaphore>,
    number: i32,
}

impl<'o> PartWriter<'o> {
    pub(crate) fn new(
        objects: &'o Objects,
        upload: Upload,
        sizes: PartSizes,
        permits: &'o Arc<Semaphore>,
    ) -> Self {
        let (part, sent, arrived) = (Vec::new(), VecDeque::new(), Vec::new());
        Self { objects, upload, sizes, part, sent, arrived, permits, number: 0 }
    }

    /// Sends the part, as soon as few enough are on their way.
    fn send(&mut self) -> Result<()> {
        // Large parts are on their way one at a time.
        let most = u64::try_from(PARTS_AT_ONCE)?;
        let permits = (self.part.len() as u64).div_ceil(BYTES_OF_A_PERMIT).clamp(1, most);
        let permits = u32::try_from(permits)?;
        let permit = self.objects.wait(Arc::clone(self.permits).acquire_many_owned(permits))?;
        // A part that has failed ends the upload at the next one, and not at the end.
        while self.sent.front().is_some_and(JoinHandle::is_finished) {
            self.receive()?;
        }
        self.number += 1;
        let (number, part) = (self.number, std::mem::take(&mut self.part));
        let (s3, upload) = (self.objects.s3().clone(), self.upload.clone());
        self.sent.push_back(self.objects.runtime().spawn(async move {
            let sent = upload.part(&s3, number, part.into()).await;
            drop(permit);
            sent
        }));
        Ok(())
    }

    /// Waits for the first of the parts that are on their way.
    fn receive(&mut self) -> Result<()> {
        if let Some(part) = self.sent.pop_front() {
            self.arrived.push(self.objects.wait(part)??);
        }
        Ok(())
    }

    /// Sends the last part. Returns the upload with all parts.
    pub(crate) fn finish(mut self) -> Result<Upload> {
        self.send()?;
        while !self.sent.is_empty() {
            self.receive()?;
        }
        self.upload.parts = self.arrived;
        Ok(self.upload)
    }
}

impl Write for PartWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The last part is never empty.
        if self.part.len() as u64 == self.sizes.after(self.number) {
            self.send().map_err(|error| io::Error::other(format!("{error:#}")))?;
        }
        let part_bytes = self.sizes.after(self.number);
        let room = usize::try_from(part_bytes).unwrap_or(usize::MAX) - self.part.len();
        let (now, _) = bytes.split_at(bytes.len().min(room));
        self.part.extend_from_slice(now);
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_parts_are_enough_and_none_is_too_small() {
        const GIB: u64 = 1 << 30;
        for objects in [1, 2, 16, 17, 90, 500] {
            for bytes in [18, GIB, 60 * GIB, 5000 * GIB] {
                let part = PartSizes::of(Some(bytes), objects).after(0);
                assert!(part >= LEAST_PART_BYTES && bytes.div_ceil(part) <= 10_000, "{objects} of {bytes}");
            }
        }
        let part = |bytes, objects| PartSizes::of(Some(bytes), objects).after(0);
        assert_eq!((part(GIB, 1), part(GIB, 500)), (16 << 20, 5 << 20));
        assert_eq!(part(1000 * GIB, 1), (1000 * GIB).div_ceil(10_000));
    }

    #[test]
    fn growing_parts_suffice_for_the_largest_object() {
        let sizes = PartSizes::of(None, 1);
        let all: Vec<_> = (0..10_000).map(|part| sizes.after(part)).collect();
        assert!(all.iter().sum::<u64>() > 5_000_000_000_000);
        assert_eq!((all[0], all[1249], all[1250], all[9999]), (16 << 20, 16 << 20, 32 << 20, 2 << 30));
        assert!(all.is_sorted());
        // The largest part that S3 accepts.
        assert!(all.iter().all(|part| *part <= 5 << 30));
        // Within an upload of 100 GB, no part is large.
        let mut left = 100_000_000_000_u64;
        let parts = all.iter().take_while(|part| {
            left = left.saturating_sub(**part);
            left > 0
        });
        assert!(parts.max().unwrap() <= &(64 << 20));
    }
}
