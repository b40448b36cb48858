//! The domain of seeding an ElastiCache cluster from RDB files.
//!
//! Nothing here calls AWS: this crate defines what a seeding *is*, the functions carry it out.
//!
//! - [`Request`] is what a user asks for. [`resolve`] turns it into a [`Seeding`], the record that every step reads.
//! - [`Finding`]s are the results of checks, a [`Verdict`] is their sum. [`judge`] derives both from inspected files,
//!   and [`report`] is the report of a seeding.
//! - [`Plan`] is the cluster to create: node type and slots of each shard.
//! - [`ClusterPhase`] is what a polled cluster means for the flow; [`FailureReason`] is why one failed.
//! - [`ErrorName`] is what the state machine matches; [`StepError`] is one such error with its message and hint.
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
        identity::Identity,
        location::{BackupLocation, LocationError, dns_compliant_bucket_name},
        memory::MemoryParameters,
        node_types::{NodeTypes, near_names},
        partition::Partition,
        prices::{Currency, HOURS_PER_MONTH, Money, NodePrices, Price, PriceList, PriceListError},
        slots::{SLOTS, SlotRange, SlotsError},
    },
    finding::{Code, Finding, Severity, Verdict},
    flow::{
        chunks, conversion,
        drops::{DropKind, DroppedBackup, DroppedObject, execution_name},
        failure::FailureReason,
        files::ExecutionFiles,
        grant, handover, outcome,
        ownership::{Evidence, Mark, Ownership},
        polling,
        status::{ClusterPhase, ClusterView, MemberView},
        steps, sweep,
    },
    record::{
        file_key::FileKey,
        known::KnownInspection,
        partial::StoredPartial,
        seeding::{Backup, Seeding, Target},
    },
    request::{
        ClusterMode, ClusterRequest, ConvertRequest, Request, RequestError, ServerlessRequest, SlotsRequest,
        auth::{AuthTokenError, auth_token_in},
        cluster::{ClusterSpec, OpenClusterMode},
        convert::{Changes, Convert, When},
        id::ClusterIdError,
        kind::ClusterKind,
        options::{Access, Approval, OnRestoreFailed, Options},
        resolve::{Resolved, resolve},
        serverless::ServerlessSpec,
        tags::EXECUTION_TAG,
        user_group::{UserGroupView, user_group_finding},
    },
    verdict::{
        backup::{compressed_finding, fault_finding, fault_remedy},
        changed,
        conversion::{How, format_for},
        judge,
        memory::{DatabaseMemory, MemoryMap, PrefixMemory, SLOT_RANGES, TypeMemory},
        objects,
        plan::{
            Alternative, Need, NextSmaller, Plan, Reserve, SERVERLESS, ShardPlan, in_words as plan_in_words,
            price_in_words, too_many_nodes, unknown_node_type,
        },
        report,
    },
};
