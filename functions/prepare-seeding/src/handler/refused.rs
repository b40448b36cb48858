//! Dropped files that are easily mistaken for backups: they are read only to report what they are.

use seeder_aws::objects::{look_at_object, read_prefix};
use seeding::{
    DropKind, DroppedBackup, Finding, StepError,
    objects::{HEADER_BYTES, ObjectLook, object_findings},
};

use super::PrepareSeeding;

impl PrepareSeeding {
    /// The finding because of which a dropped file cannot be seeded; `None` for a file named like a backup or a list.
    pub(super) async fn refused(&self, drop: &DroppedBackup) -> Result<Option<Finding>, StepError> {
        if matches!(drop.kind(), DropKind::Backup | DropKind::Set) {
            return Ok(None);
        }
        let look = look_at_object(&self.s3, &drop.dropped, None).await?;
        let ObjectLook::Found(view) = &look else {
            return Ok(object_findings(&drop.dropped, &look).into_iter().next());
        };
        // A file that is unreadable or empty is judged by its name alone.
        let beginning = match view.size_bytes {
            0 => None,
            _ => read_prefix(&self.s3, &drop.dropped, &view.etag, HEADER_BYTES).await?,
        };
        Ok(drop.refusal(&beginning.unwrap_or_default()))
    }
}
