//! Backups that an earlier seeding has read already.

use seeding::{Backup, KnownInspection, Reports};

use super::PrepareSeeding;

impl PrepareSeeding {
    /// Notes what is known of the backups. It only saves time: what cannot be read is as good as not there.
    pub(super) async fn recognise(&self, backups: &mut [Backup], hide_keys: bool, now_ms: u64) {
        for backup in backups {
            let key = Reports::inspection(backup, hide_keys);
            match self.reports.read::<KnownInspection>(&key).await {
                Ok(Some(known)) if known.is_usable(now_ms) => {
                    tracing::info!(key, "the backup is known");
                    backup.known_inspection = Some(key);
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(key, message = error.message, "an inspection cannot be used"),
            }
        }
    }
}
