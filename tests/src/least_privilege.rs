//! Each action that a role has is taken away in turn, and something has to fail without it.
//!
//! The [`scenario`]s run once with the roles of the template, which shows the permissions that allowed their calls.
//! Each of these [`Permission`]s is then removed, and a scenario that used it runs again. A permission that no call
//! needs has to have a [`reason`] that this machine cannot show.

mod audit;
mod ground;
mod permission;
mod reasons;
mod scenario;

pub use self::{
    audit::{Options, Row, audit},
    permission::Permission,
    reasons::reason,
};
