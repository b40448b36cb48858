//! Open multipart uploads and their parts.

use std::collections::BTreeMap;

use s3s::dto::{Checksum, ChecksumAlgorithm, ChecksumType, Timestamp};

use crate::{
    access::acl::Grant,
    store::{attributes::Attributes, blob::Segment},
};

/// An open upload.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) key: String,
    pub(crate) initiated: Timestamp,
    pub(crate) attributes: Attributes,
    pub(crate) acl: Vec<Grant>,
    pub(crate) checksum_algorithm: Option<ChecksumAlgorithm>,
    pub(crate) checksum_type: Option<ChecksumType>,
    pub(crate) parts: BTreeMap<i32, UploadedPart>,
}

/// A part on disk.
#[derive(Debug, Clone)]
pub(crate) struct UploadedPart {
    pub(crate) segments: Vec<Segment>,
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    pub(crate) checksum: Checksum,
    pub(crate) modified: Timestamp,
}

impl Upload {
    /// Whether the object gets a checksum of all its bytes, which those of the parts make up.
    pub(crate) fn has_whole_checksum(&self) -> bool {
        let algorithm = self.checksum_algorithm.as_ref().map(ChecksumAlgorithm::as_str);
        algorithm == Some(ChecksumAlgorithm::CRC64NVME)
    }
}
