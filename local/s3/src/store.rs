//! The store: buckets, keys and versions in memory, under one lock that is never held across an await point.

pub(crate) mod attributes;
pub(crate) mod blob;
pub(crate) mod body;
pub(crate) mod conditions;
pub(crate) mod encryption;
pub(crate) mod multipart_upload;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use s3s::{
    S3Result,
    dto::{NotificationConfiguration, PublicAccessBlockConfiguration, Timestamp},
    s3_error,
};
use uuid::Uuid;

use crate::{
    access::{acl::Grant, policy::PolicyHistory},
    errors::{no_such_bucket, no_such_key},
    store::{attributes::Attributes, blob::Segment, encryption::Encryption, multipart_upload::Upload},
};

/// Most buckets, the default quota of an account on S3.
pub(crate) const BUCKET_LIMIT: usize = 10_000;
/// The version ID of objects written without versioning.
pub(crate) const NULL_VERSION: &str = "null";

/// All buckets.
#[derive(Debug)]
pub(crate) struct Store {
    buckets: Mutex<BTreeMap<String, Bucket>>,
    sequence: AtomicU64,
}

/// A bucket, its settings and its content.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) region: String,
    pub(crate) created: Timestamp,
    pub(crate) versioning: Versioning,
    /// `None` after the ownership controls were deleted: objects then belong to their writers.
    pub(crate) ownership: Option<String>,
    pub(crate) acl: Vec<Grant>,
    pub(crate) policy: PolicyHistory,
    pub(crate) encryption: Encryption,
    pub(crate) public_access_block: Option<PublicAccessBlockConfiguration>,
    pub(crate) notification: NotificationConfiguration,
    /// The versions of each key, newest last. No list is empty.
    pub(crate) keys: BTreeMap<String, Vec<Version>>,
    pub(crate) uploads: HashMap<String, Upload>,
}

/// The versioning state of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versioning {
    Never,
    Enabled,
    Suspended,
}

/// One version of a key.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    /// [`NULL_VERSION`] unless versioning was enabled.
    pub(crate) id: String,
    pub(crate) modified: Timestamp,
    /// `None` for a delete marker.
    pub(crate) object: Option<Arc<Object>>,
    pub(crate) acl: Vec<Grant>,
}

/// The content and the attributes of an object.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) segments: Vec<Segment>,
    pub(crate) attributes: Attributes,
}

impl Store {
    /// Creates an empty store.
    pub(crate) fn new() -> Self {
        let micros = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
        let sequence = AtomicU64::new(u64::try_from(micros).unwrap_or_default());
        Self { buckets: Mutex::new(BTreeMap::new()), sequence }
    }

    /// Runs `work` on all buckets, under the lock.
    pub(crate) fn with_all<R>(&self, work: impl FnOnce(&mut BTreeMap<String, Bucket>) -> R) -> R {
        work(&mut self.buckets.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs `work` on one bucket, under the lock. Fails with `NoSuchBucket` if it does not exist.
    pub(crate) fn with<R>(&self, bucket: &str, work: impl FnOnce(&mut Bucket) -> S3Result<R>) -> S3Result<R> {
        self.with_all(|buckets| work(buckets.get_mut(bucket).ok_or_else(|| no_such_bucket(bucket))?))
    }

    /// Returns a value larger than all earlier ones, which orders the events of a key.
    pub(crate) fn sequencer(&self) -> String {
        format!("{:018X}", self.sequence.fetch_add(1, Ordering::Relaxed))
    }
}

impl Bucket {
    /// Whether ACLs are disabled.
    pub(crate) fn is_owner_enforced(&self) -> bool {
        self.ownership.as_deref() == Some("BucketOwnerEnforced")
    }

    /// The newest version of a key, unless it is a delete marker.
    pub(crate) fn current(&self, key: &str) -> Option<(&Version, &Arc<Object>)> {
        let version = self.keys.get(key)?.last()?;
        version.object.as_ref().map(|object| (version, object))
    }

    /// The `ETag` of the current object of a key.
    pub(crate) fn current_etag(&self, key: &str) -> Option<&str> {
        self.current(key).map(|(_, object)| object.etag.as_str())
    }

    /// Finds the requested version, or the newest one. Delete markers are errors, as on S3.
    pub(crate) fn find(&self, key: &str, version_id: Option<&str>) -> S3Result<(&Version, &Arc<Object>)> {
        let Some(id) = version_id else { return self.current(key).ok_or_else(|| no_such_key(key)) };
        let version = self
            .keys
            .get(key)
            .and_then(|versions| versions.iter().find(|version| version.id == id))
            .ok_or_else(|| s3_error!(NoSuchVersion, "The specified version does not exist: {id}"))?;
        let object = version.object.as_ref();
        let object = object.ok_or_else(|| s3_error!(MethodNotAllowed, "version {id} is a delete marker"))?;
        Ok((version, object))
    }

    /// Like [`Self::find`], for changes to the grants of the version.
    pub(crate) fn find_mut(&mut self, key: &str, version_id: Option<&str>) -> S3Result<&mut Version> {
        let id = self.find(key, version_id)?.0.id.clone();
        let versions = self.keys.get_mut(key).into_iter().flatten();
        versions.into_iter().find(|version| version.id == id).ok_or_else(|| no_such_key(key))
    }

    /// Adds an object or a delete marker as the newest version of a key. Returns the version.
    pub(crate) fn push(&mut self, key: &str, object: Option<Arc<Object>>, acl: Vec<Grant>) -> Version {
        let id = match self.versioning {
            Versioning::Enabled => Uuid::new_v4().simple().to_string(),
            Versioning::Never | Versioning::Suspended => NULL_VERSION.to_owned(),
        };
        let version = Version { id, modified: SystemTime::now().into(), object, acl };
        let versions = self.keys.entry(key.to_owned()).or_default();
        versions.retain(|old| old.id != version.id);
        versions.push(version.clone());
        version
    }

    /// The visible ID of a version; `None` if versioning was never enabled.
    pub(crate) fn shown_id(&self, version: &Version) -> Option<String> {
        (self.versioning != Versioning::Never).then(|| version.id.clone())
    }

    /// Finds an open upload of a key.
    pub(crate) fn open_upload(&mut self, key: &str, upload_id: &str) -> S3Result<&mut Upload> {
        let upload = self.uploads.get_mut(upload_id).filter(|upload| upload.key == key);
        upload.ok_or_else(|| {
            s3_error!(NoSuchUpload, "The specified multipart upload does not exist: {upload_id}")
        })
    }
}
