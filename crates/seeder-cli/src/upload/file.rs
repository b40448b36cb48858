//! One file of a set, and its way to S3.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result};
use aws_sdk_s3::{
    Client,
    primitives::{ByteStream, Length},
    types::CompletedPart,
};
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use seeding::{BackupLocation, Code, Finding};
use tokio::task::spawn_blocking;

use super::{
    checksum::Checksum,
    resume::{Arrived, Present, open_upload, present},
};
use crate::{
    judged::{Identity, judged_while_sent},
    multipart::{PART_BYTES, PARTS_AT_ONCE, Upload, part_bytes},
    term::{Size, progress_bar, thousands},
    usage::Usage,
};

/// A file, and the object that it becomes.
#[derive(Debug)]
pub(super) struct UploadFile {
    pub(super) path: PathBuf,
    pub(super) location: BackupLocation,
    pub(super) bytes: u64,
}

/// What a file was found to be while it was sent.
pub(super) enum Judged {
    Sound(Pending),
    Refused(Vec<Finding>),
}

/// A file whose parts are all at S3.
pub(super) enum Pending {
    Upload {
        upload: Upload,
        checksum: Checksum,
        resumed_bytes: u64,
    },
    /// The object is there already.
    WasThere,
}

/// How a file became an object.
pub(super) enum Complete {
    /// Of its bytes, this many were sent by an earlier run.
    Sent { resumed: u64 },
    /// It was one, with the same contents.
    WasThere,
}

impl UploadFile {
    /// Sends what is missing, and reads the file meanwhile.
    pub(super) async fn send(&self, s3: &Client, replaces: bool, allow: &[Code]) -> Result<Judged> {
        let before = Identity::of(&self.path)?;
        if let Present::Object(bytes, checksum) = present(s3, &self.location).await? {
            let is_as_long = bytes.and_then(|bytes| u64::try_from(bytes).ok()) == Some(before.bytes());
            if let Some(checksum) = checksum.filter(|_| is_as_long)
                && checksum == self.checksum_of(0, before.bytes()).await?.encoded()
            {
                return Ok(Judged::Sound(Pending::WasThere));
            }
            if !replaces {
                return Err(Usage::of(format!(
                    "s3://{} exists, with other contents or without a checksum of them\nhint: name another set by --set, or replace it by --force",
                    self.location
                )));
            }
        }
        let (mut upload, arrived) = match open_upload(s3, &self.location).await? {
            Some(found) => found,
            None => (Upload::begin_resumable(s3, &self.location).await?, BTreeMap::new()),
        };
        let (path, to) = (self.path.display(), &self.location);
        eprintln!("reading {path} and uploading it to s3://{to}");
        let bar = progress_bar("uploading", Some(before.bytes()), Size::Exact);
        let mut sent = Sent { checksum: Checksum::empty(), resumed_bytes: 0 };
        let sending = async {
            sent = self.send_parts(s3, &mut upload, &arrived, before.bytes(), &bar).await?;
            Ok(())
        };
        let findings = judged_while_sent(&self.path, sending, allow).await;
        bar.finish_and_clear();
        if let Some(findings) = findings? {
            if let Err(error) = upload.abort(s3).await {
                eprintln!("warning: parts of s3://{} are left: {error:#}", self.location);
            }
            return Ok(Judged::Refused(findings));
        }
        before.expect_unchanged(&self.path)?;
        if sent.resumed_bytes > 0 {
            eprintln!("{} bytes of it were there from before", thousands(sent.resumed_bytes));
        }
        Ok(Judged::Sound(Pending::Upload {
            upload,
            checksum: sent.checksum,
            resumed_bytes: sent.resumed_bytes,
        }))
    }

    async fn send_parts(
        &self,
        s3: &Client,
        upload: &mut Upload,
        arrived: &BTreeMap<i32, Arrived>,
        bytes: u64,
        bar: &ProgressBar,
    ) -> Result<Sent> {
        let part_bytes = part_bytes(bytes, PART_BYTES);
        let open = &*upload;
        let parts: Vec<(CompletedPart, Checksum, bool)> =
            stream::iter((1..).zip((0..bytes).step_by(usize::try_from(part_bytes)?)))
                .map(|(number, offset)| async move {
                    let length = part_bytes.min(bytes - offset);
                    let checksum = self.checksum_of(offset, length).await?;
                    let same = arrived.get(&number).and_then(|part| part.same(number, checksum));
                    let was_there = same.is_some();
                    let part = match same {
                        Some(part) => part,
                        None => self.send_part(s3, open, number, offset, checksum).await?,
                    };
                    bar.inc(length);
                    anyhow::Ok((part, checksum, was_there))
                })
                .buffered(PARTS_AT_ONCE)
                .try_collect()
                .await?;
        let checksums = parts.iter().map(|(_, checksum, _)| *checksum);
        let checksum = checksums.fold(Checksum::empty(), Checksum::followed_by);
        let resumed = parts.iter().filter(|(_, _, was_there)| *was_there);
        let resumed_bytes = resumed.map(|(_, checksum, _)| checksum.bytes()).sum();
        upload.parts = parts.into_iter().map(|(part, ..)| part).collect();
        Ok(Sent { checksum, resumed_bytes })
    }

    /// Sends a part. S3 refuses it if it has not this checksum.
    async fn send_part(
        &self,
        s3: &Client,
        upload: &Upload,
        number: i32,
        offset: u64,
        checksum: Checksum,
    ) -> Result<CompletedPart> {
        let body =
            ByteStream::read_from().path(&self.path).offset(offset).length(Length::Exact(checksum.bytes()));
        let body = body.build().await.with_context(|| self.reading(offset))?;
        upload.checked_part(s3, number, body, checksum.encoded()).await
    }

    async fn checksum_of(&self, offset: u64, bytes: u64) -> Result<Checksum> {
        let path = self.path.clone();
        let checksum = spawn_blocking(move || Checksum::of(&path, offset, bytes)).await?;
        checksum.with_context(|| self.reading(offset))
    }

    fn reading(&self, offset: u64) -> String {
        format!("failed to read {} at offset {offset}", self.path.display())
    }
}

/// The parts of a file together.
struct Sent {
    checksum: Checksum,
    resumed_bytes: u64,
}

impl Pending {
    /// Makes it an object. S3 refuses parts that do not have the checksum of the file together.
    pub(super) async fn finish(self, s3: &Client, replaces: bool) -> Result<Complete> {
        match self {
            Self::WasThere => Ok(Complete::WasThere),
            Self::Upload { upload, checksum, resumed_bytes } => {
                upload.complete_checked(s3, replaces, checksum.encoded()).await?;
                Ok(Complete::Sent { resumed: resumed_bytes })
            }
        }
    }
}
