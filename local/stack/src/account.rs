//! The account and the Region of the stack.

/// The Region of all resources.
pub const REGION: &str = "us-east-1";
/// The account ID of all resources.
pub const ACCOUNT: &str = "123456789012";
