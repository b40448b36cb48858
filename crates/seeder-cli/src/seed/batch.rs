//! Upload of all files of one seeding: they become objects together, once each is read to its end and found sound.

use std::path::PathBuf;

use anyhow::{Result, bail};
use aws_sdk_s3::Client;
use seeding::{BackupLocation, Code, Finding};

use crate::{
    judged::{Identity, judged_while_sent},
    multipart::{Upload, Uploaded},
    term::{Size, progress_bar},
};

/// A file and the location to upload it to.
#[derive(Debug, Clone)]
pub(super) struct LocalFile {
    pub(super) path: PathBuf,
    pub(super) location: BackupLocation,
}

/// The result of sending the files.
#[derive(Debug)]
pub(super) enum Sent {
    /// All files are objects now.
    All,
    /// A file cannot be seeded.
    Refused(Vec<Finding>),
    /// The user pressed Ctrl-C.
    Interrupted,
}

/// The uploads and objects so far, so that they can be undone.
#[derive(Debug, Default)]
pub(super) struct Batch {
    uploads: Vec<Upload>,
    objects: Vec<Uploaded>,
}

impl Batch {
    /// Objects that were created in another way.
    pub(super) fn of(objects: Vec<Uploaded>) -> Self {
        Self { uploads: Vec::new(), objects }
    }

    /// Sends all files. Any result other than [`Sent::All`] leaves no object and no part.
    pub(super) async fn send(&mut self, s3: &Client, files: &[LocalFile], allow: &[Code]) -> Result<Sent> {
        if files.is_empty() {
            return Ok(Sent::All);
        }
        let sent = tokio::select! {
            sent = self.send_all(s3, files, allow) => sent,
            interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| Sent::Interrupted).map_err(Into::into),
        };
        if !matches!(sent, Ok(Sent::All)) {
            self.undo(s3).await;
        }
        sent
    }

    async fn send_all(&mut self, s3: &Client, files: &[LocalFile], allow: &[Code]) -> Result<Sent> {
        for file in files {
            eprintln!("reading {} and uploading it to s3://{}", file.path.display(), file.location);
            let before = Identity::of(&file.path)?;
            // Recorded before the first part is sent, so that it can be aborted from here on.
            self.uploads.push(Upload::begin(s3, &file.location).await?);
            let Some(upload) = self.uploads.last_mut() else { bail!("the upload has not begun") };
            let bar = progress_bar("uploading", Some(before.bytes()), Size::Exact);
            let sending = upload.send(s3, &file.path, before.bytes(), &bar);
            let outcome = judged_while_sent(&file.path, sending, allow).await;
            bar.finish_and_clear();
            if let Some(findings) = outcome? {
                return Ok(Sent::Refused(findings));
            }
            before.expect_unchanged(&file.path)?;
        }
        while let Some(upload) = self.uploads.last() {
            let object = upload.complete(s3, true).await?;
            self.uploads.pop();
            self.objects.push(object);
        }
        Ok(Sent::All)
    }

    /// Aborts the uploads and deletes the objects. What cannot be undone is printed.
    pub(super) async fn undo(&mut self, s3: &Client) {
        for upload in self.uploads.drain(..) {
            if let Err(error) = upload.abort(s3).await {
                eprintln!("warning: parts of s3://{} are left: {error:#}", upload.location);
            }
        }
        for object in self.objects.drain(..) {
            match object.delete(s3).await {
                Ok(()) => eprintln!("deleted s3://{}", object.location),
                Err(error) => eprintln!("warning: s3://{} is left: {error:#}", object.location),
            }
        }
    }
}
