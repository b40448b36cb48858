//! `DeleteObject` and `DeleteObjects`.

use s3s::{
    S3Request, S3Result,
    dto::{
        DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
        ETagCondition, Error as DeleteError,
    },
    s3_error,
};

use crate::{
    operations::admission::Action,
    service::Service,
    store::{Bucket, NULL_VERSION, Versioning, conditions},
};

/// Most keys of one `DeleteObjects` request, as on S3.
const KEYS_LIMIT: usize = 1000;

/// The result of a delete: a marker, or a removed version.
#[derive(Debug, Default)]
struct Deleted {
    delete_marker: bool,
    version_id: Option<String>,
}

impl Service {
    pub(crate) fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<DeleteObjectOutput> {
        let input = &request.input;
        let version_id = input.version_id.as_deref();
        let action = Action {
            name: if version_id.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" },
            bucket: &input.bucket,
            key: Some(&input.key),
            version_id,
        };
        self.admit(&request, action)?;
        let deleted = self
            .store
            .with(&input.bucket, |bucket| delete(bucket, &input.key, version_id, input.if_match.as_ref()))?;
        Ok(DeleteObjectOutput {
            delete_marker: deleted.delete_marker.then_some(true),
            version_id: deleted.version_id,
            ..DeleteObjectOutput::default()
        })
    }

    pub(crate) fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<DeleteObjectsOutput> {
        let input = &request.input;
        if input.delete.objects.len() > KEYS_LIMIT {
            return Err(s3_error!(MalformedXML, "{} keys, at most {KEYS_LIMIT}", input.delete.objects.len()));
        }
        let (mut done, mut errors) = (Vec::new(), Vec::new());
        for object in &input.delete.objects {
            let action = Action::on_key("s3:DeleteObject", &input.bucket, &object.key);
            let condition = object.e_tag.clone().map(ETagCondition::ETag);
            let deleted = self.admit(&request, action).and_then(|()| {
                self.store.with(&input.bucket, |bucket| {
                    delete(bucket, &object.key, object.version_id.as_deref(), condition.as_ref())
                })
            });
            match deleted {
                Ok(deleted) => done.push(DeletedObject {
                    delete_marker: deleted.delete_marker.then_some(true),
                    delete_marker_version_id: deleted.version_id.filter(|_| deleted.delete_marker),
                    key: Some(object.key.clone()),
                    version_id: object.version_id.clone(),
                }),
                Err(error) => errors.push(DeleteError {
                    code: Some(error.code().as_str().to_owned()),
                    key: Some(object.key.clone()),
                    message: error.message().map(ToOwned::to_owned),
                    version_id: object.version_id.clone(),
                }),
            }
        }
        let quiet = input.delete.quiet == Some(true);
        Ok(DeleteObjectsOutput {
            deleted: (!quiet).then_some(done),
            errors: Some(errors),
            ..DeleteObjectsOutput::default()
        })
    }
}

/// Deletes a version or adds a delete marker. Without versioning, deletes the object. A missing key counts as deleted.
fn delete(
    bucket: &mut Bucket,
    key: &str,
    version_id: Option<&str>,
    if_match: Option<&ETagCondition>,
) -> S3Result<Deleted> {
    conditions::check_match(key, bucket.current_etag(key), if_match)?;
    let doomed = match (version_id, bucket.versioning) {
        (Some(id), _) => id,
        (None, Versioning::Never) => NULL_VERSION,
        (None, Versioning::Enabled | Versioning::Suspended) => {
            let marker = bucket.push(key, None, Vec::new());
            return Ok(Deleted { delete_marker: true, version_id: Some(marker.id) });
        }
    };
    let Some(versions) = bucket.keys.get_mut(key) else { return Ok(Deleted::default()) };
    let mut deleted = Deleted { delete_marker: false, version_id: version_id.map(ToOwned::to_owned) };
    versions.retain(|version| {
        deleted.delete_marker |= version.id == doomed && version.object.is_none();
        version.id != doomed
    });
    if versions.is_empty() {
        bucket.keys.remove(key);
    }
    Ok(deleted)
}
