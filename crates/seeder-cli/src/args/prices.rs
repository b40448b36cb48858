//! The options of `seeder prices`.

#[derive(Debug, clap::Args)]
pub(crate) struct PricesArgs {
    /// Region, such as `eu-west-1`. [default: that of the AWS configuration]
    #[arg(value_name = "REGION")]
    pub(crate) of_region: Option<String>,
    /// Fetch AWS's public price list, and keep it with the day. Needs no credentials.
    #[arg(long)]
    pub(crate) update: bool,
    /// Price list to take instead: `index.json` of the region as a file, or its address.
    #[arg(long, value_name = "FILE", requires = "update")]
    pub(crate) from: Option<String>,
    /// Name of the CloudFormation stack that gets the prices too, for its plans.
    #[arg(long, value_name = "NAME", requires = "update")]
    pub(crate) stack: Option<String>,
    /// Bucket of that stack's own files, `$SEEDER_REPORTS_BUCKET`. [default: the stack's reports bucket]
    #[arg(long, env = "SEEDER_REPORTS_BUCKET", hide_env = true, value_name = "BUCKET")]
    pub(crate) reports_bucket: Option<String>,
    /// Print one JSON object on one line.
    #[arg(long)]
    pub(crate) json: bool,
}
