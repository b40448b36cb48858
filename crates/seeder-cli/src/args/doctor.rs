//! The options of `seeder doctor`.

use super::StackName;

#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) name: StackName,
    /// Bucket of backups to check too; repeatable. The stack's own buckets are always checked.
    #[arg(long = "bucket", value_name = "BUCKET")]
    pub(crate) buckets: Vec<String>,
    /// Print one JSON object on one line.
    #[arg(long)]
    pub(crate) json: bool,
}
