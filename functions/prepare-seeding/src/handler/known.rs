//! Backups with an inspection by an earlier seeding.

use seeding::{ExecutionFiles, Seeding};

use super::PrepareSeeding;

impl PrepareSeeding {
    /// Records the kept inspections of the backups. They only save time: one that cannot be read counts as missing.
    pub(super) async fn recognise(&self, seeding: &mut Seeding) {
        let memory = seeding.target.memory_settings();
        for backup in &mut seeding.backups {
            let key = ExecutionFiles::inspection(backup, seeding.target.options.hide_keys, &memory);
            match self.reports.read(&key).await {
                Ok(Some(known)) if known.is_usable(seeding.target.looked_at_ms, &memory) => {
                    tracing::info!(%key, "the backup is known");
                    backup.known_inspection = Some(key);
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%key, message = error.message, "an inspection cannot be used"),
            }
        }
    }
}
