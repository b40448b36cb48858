//! The domain of seeding an ElastiCache cluster from RDB files.
//!
//! Nothing here talks to AWS: this crate says what a seeding *is*, the functions do it.
//!
//! - [`Request`] is what a person asks for; [`prepare`] turns it into a [`Seeding`], the record that every step reads.
//! - [`Finding`]s say what speaks against it, a [`Verdict`] sums them up; [`judge`] makes both from inspected files, and [`assess`]
//!   the report of a seeding.
//! - [`Plan`] is the cluster that will be created: node type and slots per shard.
//! - [`ClusterPhase`] is what a polled cluster means for the flow, [`FailureReason`] why one did not come up.
//! - [`ErrorName`] is what the state machine matches on, [`StepError`] one such error with its text and hint.
//! - [`steps`] has the input and output of each function, in the order of the state machine.
#![forbid(unsafe_code)]

pub mod access;
pub mod assess;
mod auth;
mod cluster;
mod contents;
mod drops;
mod engine;
mod error;
mod failure;
mod finding;
pub mod judge;
mod known;
mod loaders;
mod location;
mod memory;
mod node_types;
mod options;
mod plan;
pub mod policy;
pub mod prepare;
mod reports;
mod request;
mod seeding;
mod slots;
mod status;
pub mod steps;
mod tags;
mod user_group;

pub use crate::{
    auth::{AuthTokenError, auth_token_in},
    cluster::{
        ClusterIdError, ClusterSpec, OpenClusterMode, check_cluster_id, default_cluster_id, owner_text,
    },
    contents::{compressed_finding, fault_finding, fault_remedy},
    drops::{Drop, DropKind, DroppedObject, execution_name},
    engine::{Engine, EngineVersion},
    error::{ErrorName, StepError},
    failure::FailureReason,
    finding::{Code, Finding, Severity, Verdict},
    known::KnownInspection,
    location::{BackupLocation, LocationError, dns_compliant_bucket_name},
    memory::MemoryParameters,
    node_types::{NodeTypes, near_names},
    options::{Access, OnRestoreFailed, Options},
    plan::{Need, NextSmaller, Plan, Reserve, ShardPlan, unknown_node_type},
    reports::Reports,
    request::{ClusterMode, ClusterRequest, Request, RequestError, SlotsRequest},
    seeding::{Backup, Partition, Seeding},
    slots::{SLOTS, SlotRange, SlotsError},
    status::{ClusterPhase, ClusterView, MemberView},
    tags::EXECUTION_TAG,
    user_group::{UserGroupView, user_group_finding},
};
