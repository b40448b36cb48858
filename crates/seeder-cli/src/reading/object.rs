//! S3 objects as seekable sources.

use std::{
    io::{
        Read, {self},
    },
    ops::Range,
    path::Path,
};

use anyhow::{Result, bail};
use aws_sdk_s3::Client;
use rdb_scan::Source;
use seeder_aws::{objects::look_at_object, reader::ObjectReader, service_error};
use seeding::{Backup, BackupLocation, objects::ObjectLook};
use tokio::runtime::Handle;

/// Whether a name is that of an object. A file may have a name like a URL, as long as it exists.
pub(crate) fn is_object(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.starts_with("arn:") || (text.contains("://") && !path.exists()))
}

/// Opens objects from threads that are not async.
pub(crate) struct Objects {
    s3: Client,
    runtime: Handle,
}

impl Objects {
    pub(crate) fn new(s3: Client, runtime: Handle) -> Self {
        Self { s3, runtime }
    }

    pub(crate) fn s3(&self) -> &Client {
        &self.s3
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Waits for an answer, on a thread that may be blocked.
    pub(crate) fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.runtime.block_on(answer)
    }

    /// Opens an object. Every read is of this version: if the object is overwritten meanwhile, reading fails.
    pub(crate) fn open(&self, location: &BackupLocation) -> Result<ObjectSource<'_>> {
        let look = self.runtime.block_on(look_at_object(&self.s3, location, None))?;
        let view = match look {
            ObjectLook::Found(view) => view,
            ObjectLook::Missing => bail!("there is no such object"),
            ObjectLook::Forbidden => {
                bail!(
                    "access denied: s3:GetObject is required, and s3:ListBucket to distinguish a missing object from a forbidden one"
                )
            }
            ObjectLook::CustomerKey => bail!("it is encrypted with a customer-provided key (SSE-C)"),
        };
        let backup = Backup {
            location: location.clone(),
            size_bytes: view.size_bytes,
            etag: view.etag,
            kms_key_id: None,
            known_inspection: None,
            converted_from: None,
            header: None,
        };
        Ok(ObjectSource { objects: self, backup })
    }
}

/// One version of an object.
pub(crate) struct ObjectSource<'o> {
    objects: &'o Objects,
    backup: Backup,
}

impl ObjectSource<'_> {
    /// Reads the first bytes by a request of their own, since readers request large parts.
    pub(crate) fn beginning(&self, bytes: usize) -> Result<Vec<u8>> {
        if self.backup.size_bytes == 0 {
            return Ok(Vec::new());
        }
        let Backup { location, etag, .. } = &self.backup;
        let request = self.objects.s3.get_object().bucket(&location.bucket).key(&location.key);
        let request = request.if_match(etag).range(format!("bytes=0-{}", bytes.saturating_sub(1)));
        let doing = format!("read the beginning of {location}");
        self.objects.runtime.block_on(async {
            let answer = request.send().await.map_err(|error| service_error(&doing, &error))?;
            Ok(answer.body.collect().await?.to_vec())
        })
    }
}

impl Source for ObjectSource<'_> {
    fn open(&self, range: Range<u64>) -> io::Result<Box<dyn Read + Send + '_>> {
        let _runtime = self.objects.runtime.enter();
        let (s3, backup) = (self.objects.s3.clone(), self.backup.clone());
        Ok(Box::new(ObjectReader::start(s3, backup, range.start, range.end)))
    }

    fn size_bytes(&self) -> u64 {
        self.backup.size_bytes
    }
}
