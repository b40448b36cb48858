//! The request: the execution's input, or a dropped file with the settings in its folder.

use seeder_aws::objects::read_settings;
use seeding::{
    BackupLocation, Code, DropKind, DroppedBackup, Finding, Identity, Resolved, StepError, resolve,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::PrepareSeeding;

const DEFAULTS: &str = "the stack's defaults";

impl PrepareSeeding {
    /// Resolves the request with its defaults; `None` if it is invalid. Also returns what is wrong with it.
    pub(super) async fn resolve(
        &self,
        request: &Value,
        execution: &Identity,
    ) -> Result<(Option<Resolved>, Vec<Finding>), StepError> {
        if request.get("dropped").is_none() {
            return Ok(resolve(&[(DEFAULTS, &self.defaults), ("request", request)], execution));
        }
        let drop = match DroppedBackup::deserialize(request) {
            Ok(drop) => drop,
            Err(error) => return Ok((None, vec![invalid("request", &error.to_string())])),
        };
        if !self.backup_buckets.contains(&drop.dropped.bucket) {
            let findings =
                seeding::objects::bucket_findings(&drop.dropped.bucket, &self.backup_buckets, None, "");
            return Ok((None, findings));
        }
        if let Some(finding) = self.refused(&drop).await? {
            return Ok((None, vec![finding]));
        }
        let is_set = drop.kind() == DropKind::Set;
        let settings = if is_set { drop.dropped.clone() } else { drop.folder_settings() };
        let beside = match read_settings::<Value>(&self.s3, &settings).await? {
            Some(Ok(value)) => Some(value),
            Some(Err(reason)) => return Ok((None, vec![invalid(&settings.to_string(), &reason)])),
            None => None,
        };
        let origin = settings.to_string();
        Ok(match (is_set, beside) {
            (true, Some(set)) => resolve(&[(DEFAULTS, &self.defaults), (&origin, &set)], execution),
            (true, None) => {
                let finding =
                    Finding::new(Code::BackupMissing, "drop the list again: it was deleted meanwhile");
                (None, vec![finding.about(&settings)])
            }
            (false, beside) => {
                let folder = beside.unwrap_or_else(|| json!({}));
                let backup = just(&drop.dropped);
                resolve(
                    &[(DEFAULTS, &self.defaults), (&origin, &folder), ("the dropped file", &backup)],
                    execution,
                )
            }
        })
    }
}

/// A request for one backup and nothing else. It is a list, since the key may contain a comma.
fn just(location: &BackupLocation) -> Value {
    json!({"backups": [format!("s3://{location}")]})
}

fn invalid(origin: &str, reason: &str) -> Finding {
    Finding::new(Code::InvalidRequest, "correct the file and drop it again; docs/REQUEST.md has every field")
        .with("reason", format!("{origin}: {reason}"))
}
