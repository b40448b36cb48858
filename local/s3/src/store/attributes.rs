//! Object attributes: headers, metadata, storage class, encryption.

use s3s::{
    S3Result,
    dto::{Checksum, Metadata, StorageClass, Timestamp},
    s3_error,
};

use crate::store::encryption::Encryption;

/// Most bytes of user metadata, the sum of names and values, as on S3.
const METADATA_LIMIT: usize = 2048;
/// Everything about an object except its bytes, time and key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attributes {
    pub(crate) content_type: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) website_redirect_location: Option<String>,
    pub(crate) metadata: Option<Metadata>,
    /// `None` for STANDARD.
    pub(crate) storage_class: Option<StorageClass>,
    pub(crate) encryption: Encryption,
    /// Checksums of the whole object that its writer requested.
    pub(crate) checksum: Checksum,
    /// Number of parts, if the object is from a multipart upload.
    pub(crate) parts_count: Option<i32>,
}

impl Attributes {
    /// Rejects metadata above the limit.
    pub(crate) fn check(&self) -> S3Result<()> {
        let bytes: usize = self.metadata.iter().flatten().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > METADATA_LIMIT {
            return Err(s3_error!(MetadataTooLarge, "{bytes} bytes of metadata, at most {METADATA_LIMIT}"));
        }
        Ok(())
    }

    /// Whether the object must be restored from an archive before it can be read.
    pub(crate) fn is_archived(&self) -> bool {
        let class = self.storage_class.as_ref().map(StorageClass::as_str);
        matches!(class, Some(StorageClass::GLACIER | StorageClass::DEEP_ARCHIVE))
    }
}

/// Returns the storage class to store: `None` for STANDARD.
pub(crate) fn storage_class(asked: Option<StorageClass>) -> S3Result<Option<StorageClass>> {
    const KNOWN: [&str; 7] = [
        StorageClass::DEEP_ARCHIVE,
        StorageClass::GLACIER,
        StorageClass::GLACIER_IR,
        StorageClass::INTELLIGENT_TIERING,
        StorageClass::ONEZONE_IA,
        StorageClass::REDUCED_REDUNDANCY,
        StorageClass::STANDARD_IA,
    ];
    match asked {
        Some(class) if class.as_str() == StorageClass::STANDARD => Ok(None),
        Some(class) if !KNOWN.contains(&class.as_str()) => {
            Err(s3_error!(InvalidStorageClass, "unknown storage class {}", class.as_str()))
        }
        class => Ok(class),
    }
}
