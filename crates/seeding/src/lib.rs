//! The domain of seeding an ElastiCache cluster from RDB files.
//!
//! Nothing here talks to AWS: this crate says what a seeding *is*, the functions do it.
//!
//! - [`Request`] is what a person asks for; [`resolve`] turns it into a [`Seeding`], the record that every step reads.
//! - [`Finding`]s say what speaks against it, a [`Verdict`] sums them up; [`judge`] makes both from inspected files,
//!   and [`report`] the report of a seeding.
//! - [`Plan`] is the cluster that will be created: node type and slots per shard.
//! - [`ClusterPhase`] is what a polled cluster means for the flow, [`FailureReason`] why one did not come up.
//! - [`ErrorName`] is what the state machine matches on, [`StepError`] one such error with its text and hint.
//! - [`steps`] has the input and output of each function, in the order of the state machine.
//! - [`sweep`] decides which ended executions are cleaned up for.

#![forbid(unsafe_code)]

mod error;
mod facts;
mod finding;
mod flow;
pub mod policy;
mod record;
mod request;
mod verdict;

pub use crate::{
    error::{ErrorName, MACHINE_CODES, StepError},
    facts::{
        engine::{Engine, EngineVersion},
        location::{BackupLocation, LocationError, dns_compliant_bucket_name},
        memory::MemoryParameters,
        node_types::{NodeTypes, near_names},
        partition::Partition,
        slots::{SLOTS, SlotRange, SlotsError},
    },
    finding::{Code, Finding, Severity, Verdict},
    flow::{
        chunks,
        drops::{DropKind, DroppedBackup, DroppedObject, execution_name},
        failure::FailureReason,
        grant, polling,
        status::{ClusterPhase, ClusterView, MemberView},
        steps, sweep,
    },
    record::{
        file_key::FileKey,
        files::ExecutionFiles,
        identity::Identity,
        known::KnownInspection,
        partial::StoredPartial,
        seeding::{Backup, Seeding, Target},
    },
    request::{
        ClusterMode, ClusterRequest, Request, RequestError, SlotsRequest,
        auth::{AuthTokenError, auth_token_in},
        cluster::{ClusterIdError, ClusterSpec, OpenClusterMode, check_cluster_id, default_cluster_id},
        options::{Access, OnRestoreFailed, Options},
        resolve::{Resolved, resolve},
        tags::EXECUTION_TAG,
        user_group::{UserGroupView, user_group_finding},
    },
    verdict::{
        backup::{compressed_finding, fault_finding, fault_remedy},
        judge, objects,
        plan::{Need, NextSmaller, Plan, Reserve, ShardPlan, unknown_node_type},
        report,
    },
};
