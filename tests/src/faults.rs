//! Every call that a seeding makes meets every fault that fits it, one at a time.
//!
//! A [`Scenario`] runs once without a fault, which gives the trace of its calls. Each call of the trace and each
//! [`Injection`] that fits it make a [`Case`]: the scenario once more, with that fault. Whatever the fault, nothing is
//! orphaned, nothing that belongs to others is changed, no good cluster is deleted, and the end is reported as it is.

mod announced;
mod backups;
mod campaign;
mod case;
mod checks;
mod ending;
mod injection;
mod lease;
mod scenario;
mod site;

pub(crate) use self::backups::{Backups, Content};
pub use self::{
    campaign::{Options, Progress, Result as CampaignResult, Violation, run},
    case::Case,
    injection::Injection,
    scenario::Scenario,
};
