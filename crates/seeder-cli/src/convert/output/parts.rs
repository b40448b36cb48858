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
    check::Objects,
    upload::{PART_BYTES, Upload, part_bytes as enough_bytes},
};

/// The parts of all objects that are written at once have about this many bytes together.
const ALL_PARTS_BYTES: u64 = 256 * 1024 * 1024;
/// The smallest part that S3 accepts, except for the last one.
const LEAST_PART_BYTES: u64 = 5 * 1024 * 1024;

/// Returns the size of the parts of one of several objects that are written at once.
pub(super) fn part_bytes(object_bytes: u64, objects: usize) -> u64 {
    let share = ALL_PARTS_BYTES / (objects as u64).max(1);
    enough_bytes(object_bytes, share.clamp(LEAST_PART_BYTES, PART_BYTES))
}

/// Writes one object. Parts are sent while others are written.
pub(super) struct PartWriter<'o> {
    objects: &'o Objects,
    upload: Upload,
    part_bytes: u64,
    part: Vec<u8>,
    /// Parts that are on their way, and those that have arrived.
    sent: VecDeque<JoinHandle<Result<CompletedPart>>>,
    arrived: Vec<CompletedPart>,
    permits: &'o Arc<Semaphore>,
    number: i32,
}

impl<'o> PartWriter<'o> {
    pub(super) fn new(
        objects: &'o Objects,
        upload: Upload,
        part_bytes: u64,
        permits: &'o Arc<Semaphore>,
    ) -> Self {
        let (part, sent, arrived) = (Vec::new(), VecDeque::new(), Vec::new());
        Self { objects, upload, part_bytes, part, sent, arrived, permits, number: 0 }
    }

    /// Sends the part, as soon as few enough are on their way.
    fn send(&mut self) -> Result<()> {
        let permit = self.objects.wait(Arc::clone(self.permits).acquire_owned())?;
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
    pub(super) fn finish(mut self) -> Result<Upload> {
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
        if self.part.len() as u64 == self.part_bytes {
            self.send().map_err(|error| io::Error::other(format!("{error:#}")))?;
        }
        let room = usize::try_from(self.part_bytes).unwrap_or(usize::MAX) - self.part.len();
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
                let part = part_bytes(bytes, objects);
                assert!(part >= LEAST_PART_BYTES && bytes.div_ceil(part) <= 10_000, "{objects} of {bytes}");
            }
        }
        assert_eq!((part_bytes(GIB, 1), part_bytes(GIB, 500)), (16 << 20, 5 << 20));
        assert_eq!(part_bytes(1000 * GIB, 1), (1000 * GIB).div_ceil(10_000));
    }
}
