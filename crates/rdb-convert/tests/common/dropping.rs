//! Policies that give up everything that a target does not hold.

#![allow(unreachable_pub, missing_docs, reason = "a part of several test programs")]

use rdb_convert::{Policies, Policy};

pub const DROP_ALL: Policies = Policies {
    field_expiries: Policy::Drop,
    stream_state: Policy::Drop,
    modules: Policy::Drop,
    unsupported_types: Policy::Drop,
    functions: Policy::Drop,
};
