//! The options of `seeder doctor`.

#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// Name of the CloudFormation stack, `$SEEDER_STACK`. [default: elasticache-seeder]
    #[arg(
        long,
        env = "SEEDER_STACK",
        hide_env = true,
        value_name = "NAME",
        default_value = "elasticache-seeder",
        hide_default_value = true
    )]
    pub(crate) stack: String,
    /// Bucket of backups to check too; repeatable. The stack's own buckets are always checked.
    #[arg(long = "bucket", value_name = "BUCKET")]
    pub(crate) buckets: Vec<String>,
    /// Print one JSON object on one line.
    #[arg(long)]
    pub(crate) json: bool,
}
