//! The account and the Region of the stack, and the names of its buckets.

/// The Region of all resources.
pub const REGION: &str = "us-east-1";
/// The account ID of all resources.
pub const ACCOUNT: &str = "123456789012";
/// The bucket for dropped backups.
pub(crate) const DROP_BUCKET: &str = "elasticache-seeder-local";
/// The bucket for the product's own files.
pub(crate) const REPORTS_BUCKET: &str = "elasticache-seeder-reports";
/// The bucket for converted backups.
pub(crate) const CONVERSION_BUCKET: &str = "elasticache-seeder-converted";
