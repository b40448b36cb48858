//! Rewrites RDB files for engines that cannot read them as they are.
//!
//! [`Plan::of`] reads a file and says what a conversion would do: what stands in its way, all of it at once, what it
//! would lose and drop, and how many keys it would write. [`write`] then reads the file again and writes the new one.
//! Both return the same [`Report`] of the same file.
//!
//! - **A record that the target reads is copied byte for byte.** Others are rewritten; their strings are written
//!   uncompressed. Header, AUX fields, database selections, table sizes, end mark and checksum are written anew.
//! - **Nothing is lost unless it is named.** What the target cannot hold is refused, or dropped if [`Policies`] says
//!   so. Either way it is counted. Statistics such as the times of consumers are counted and never refused.
//! - **What has expired stays expired.** A field that loses its expiry is kept only if it has not expired at
//!   [`Options::now_ms`].
//! - **Ranges are planned and written on their own**, by threads ([`Plan::of_ranges`], [`write_ranges`]) or by workers
//!   on many machines: a [`Comparison`] if databases are merged, [`plan_range`] for each [`RecordRange`],
//!   [`merge_plans`], [`write_range`] for each [`Plan::task`], and [`Finished`] for the checksum. What passes between
//!   them is JSON, and every list in it is bounded. The bytes are those of [`write()`], wherever the source is cut.
//! - **What is only copied need not be read**: [`RecordRange::around`] makes ranges of the stretches that an inspection
//!   found. [`RangePlan::of_stretch`] plans such a range, and [`RangeTask::copied`] says what precedes its bytes.
//! - **Memory is bounded** by 4 MiB a thread, the longest packed collection that is rewritten ([`MAX_PACKED_BYTES`]),
//!   16 bytes for each key whose conflicts are looked for ([`MAX_COMPARED_KEYS`]), and [`MAX_GIVEN_BACK`] entries of
//!   streams.
//! - The output depends on the file and the options, and on nothing else.
//!
//! The structure of strings is not checked, unless they are rewritten: [`rdb_scan::inspect`] does that.
#![forbid(unsafe_code)]

mod conflicts;
mod conversion;
mod databases;
mod encoded;
mod error;
mod filter;
mod glob;
mod hash;
mod options;
mod output;
mod plan;
mod preview;
mod range;
mod readings;
mod report;
mod rewrite;
mod survey;
mod target;
mod write;

pub use crate::{
    conflicts::{Comparison, Found, Repeated},
    databases::{DatabaseError, Databases, Destination},
    error::ConvertError,
    glob::Glob,
    options::{MAX_COMPARED_KEYS, OnConflict, Options, Policies, Policy},
    output::{HEAD_BYTES, TAIL_BYTES},
    plan::{OutputTask, Plan, RangePlan, RangeTask, merge_plans, plan_range},
    preview::{Preview, assemble_previews, preview, preview_range, preview_ranges},
    range::RecordRange,
    report::{Conflicts, Count, MAX_LISTED_KEY_BYTES, MAX_LISTED_KEYS, Refusal, Report},
    rewrite::{MAX_GIVEN_BACK, MAX_PACKED_BYTES},
    survey::Survey,
    target::{Engine, Target, TargetError},
    write::{Finished, RangeReport, Written, head_bytes, write, write_range, write_ranges},
};
