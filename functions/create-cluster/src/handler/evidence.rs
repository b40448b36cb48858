//! What is known of creates whose clusters show nothing themselves.

use seeder_aws::ReportStore;
use seeding::{ClusterSpec, Evidence, ExecutionFiles, FileKey, StepError};

use super::{Answer, answer::Created};

/// The evidence of one create, in the execution's files.
pub(super) struct Keeper<'a> {
    reports: &'a ReportStore,
    key: FileKey<Evidence>,
    /// What earlier calls have left.
    earlier: Option<Evidence>,
}

impl<'a> Keeper<'a> {
    /// Reads what an earlier attempt has left; `None` if the cluster itself shows who created it.
    pub(super) async fn of(
        reports: &'a ReportStore,
        files: &ExecutionFiles<'_>,
        spec: &ClusterSpec,
        was_called: bool,
    ) -> Result<Option<Self>, StepError> {
        if !spec.exact_id {
            return Ok(None);
        }
        let key = files.evidence();
        let earlier = if was_called { reports.read(&key).await? } else { None };
        Ok(Some(Self { reports, key, earlier }))
    }

    /// What earlier calls have left.
    pub(super) const fn earlier(&self) -> Option<Evidence> {
        self.earlier
    }

    /// Notes that a create is about to be called: until its answer is noted, it is in doubt.
    pub(super) async fn before(&self) -> Result<(), StepError> {
        if self.earlier == Some(Evidence::Created) {
            return Ok(());
        }
        self.reports.write(&self.key, &Evidence::InDoubt).await.map(drop)
    }

    /// Notes the answer. A doubt that an earlier call has left stays, unless this one created the cluster.
    pub(super) async fn after(&self, answer: &Answer) -> Result<(), StepError> {
        match &answer.created {
            Ok(Created::Now { .. }) => self.reports.write(&self.key, &Evidence::Created).await.map(drop),
            // It was refused, and no call before it can have taken effect.
            _ if answer.is_final && self.earlier.is_none() => self.reports.delete(&self.key).await,
            _ => Ok(()),
        }
    }
}
