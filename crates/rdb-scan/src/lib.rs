//! Reads Redis and Valkey RDB files: structure, checksum and contents, in one pass, in constant memory and on all
//! cores.
//!
//! # Overview
//!
//! - [`inspect`] reads a file from any [`std::io::Read`]. [`inspect_parallel`] reads one that can be opened at any
//!   offset (a [`Source`], such as [`FileSource`]) with several threads. Both return the same [`Inspection`]: the
//!   contents of the file (keys, elements and bytes by database, type, encoding and cluster slot, times to live, the
//!   biggest keys, key prefixes, AUX fields, functions, modules), its [`Fault`]s (the file is broken) and its
//!   [`Hazard`]s (well-formed, but crashes or misleads some servers). [`Inspection::report`] is the form for people
//!   and scripts.
//! - [`scan`] does the same and passes everything on the way to a [`Visitor`], including every [`Record`] with its key,
//!   slot, expiry and bytes.
//! - A scan can pause at a record boundary or inside a large value: `watch` returns [`Control::Pause`], and
//!   [`Inspected::Paused`] holds the partial inspection and the [`Position`] to continue from. [`Inspection::join`]
//!   joins partial inspections.
//! - [`inspect_range`] reads one range of a file without knowing what precedes it. [`assemble`] makes one inspection of
//!   many ranges, or returns the [`Gap`]s between them that [`inspect_up_to`] has to read. This is how many machines
//!   read one file; [`inspect_parallel`] does it with threads.
//! - With [`InspectOptions::copied`], an inspection also has the [`Stretch`]es of a file whose bytes can be copied into
//!   another file as they are.
//! - [`read_header`] reads only the first bytes, and [`key_slot`] returns a key's cluster slot.
//!
//! The crate knows every version, type and opcode of Redis (RDB 1 to 15) and of Valkey (RDB 80). It knows no target:
//! what a fault or a hazard means for one server is up to the caller.
//!
//! # Guarantees
//!
//! - **Parts count only where they meet.** A range's first record is found by searching for bytes that read like
//!   records. It counts only if the records before it end exactly there. So the result equals that of a single pass in
//!   every field, however a file is cut.
//! - **Memory stays constant** whatever a file declares. Strings of any length pass through a window, compressed ones
//!   through the 8 KiB that a back reference can reach, and packed collections are checked as they pass. A scan takes
//!   some 5 MiB; a file made to need more takes at most 32 MiB.
//! - **Reading continues after a fault inside a string**, so that all broken keys are reported. After a fault between
//!   strings nothing can be trusted, and the scan ends.
//! - **Duplicates are found** among the members of a value with up to 262,144 members of up to 64 KiB, and among the
//!   keys of a file with up to [`InspectOptions::max_compared_keys`]. [`Inspection::unchecked`] counts what exceeds
//!   these limits. Members and keys are compared by 64-bit hashes.
//!
//! # Examples
//!
//! ```
//! use rdb_scan::{Control, InspectOptions, Inspected, Position, inspect};
//!
//! // The smallest RDB file: a header, the end, and a checksum that says "not checked".
//! let file = b"REDIS0010\xff\0\0\0\0\0\0\0\0";
//! let options = InspectOptions::default();
//! let inspected = inspect(&file[..], &Position::default(), &options, &mut |_| Control::Continue)?;
//! let Inspected::Complete(inspection) = inspected else { panic!("no pause was requested") };
//! assert_eq!(inspection.keys, 0);
//! assert!(inspection.is_sound());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Every key that never expires:
//!
//! ```
//! use rdb_scan::{Control, InspectOptions, Position, Record, Visitor, scan};
//!
//! #[derive(Default)]
//! struct Eternal(Vec<Vec<u8>>);
//!
//! impl Visitor for Eternal {
//!     fn record(&mut self, record: &Record<'_>) {
//!         if record.expires_at_ms.is_none() {
//!             self.0.push(record.key.to_vec());
//!         }
//!     }
//! }
//!
//! let file = b"REDIS0010\xfe\0\0\x03key\x05value\xff\0\0\0\0\0\0\0\0";
//! let start = Position::default();
//! let options = InspectOptions::default();
//! let (_, keys) = scan(&file[..], &start, &options, Eternal::default(), &mut |_| Control::Continue)?;
//! assert_eq!(keys.0, [b"key"]);
//! # Ok::<(), std::io::Error>(())
//! ```
#![forbid(unsafe_code)]
#![allow(
    clippy::inline_always,
    reason = "the few that say so are called for every string or token, and were measured"
)]

mod bytes;
mod fault;
mod format;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod inspection;
mod packed;
mod parallel;
mod parts;
mod pieces;
mod reading;
mod scan;
pub mod walk;

pub use crate::{
    bytes::{
        key_text::key_prefix_text,
        source::{FileSource, Source},
    },
    fault::{Cause, Fault, FaultCode, Hazard, HazardCode},
    format::{
        Magic,
        slot::{SLOTS, key_slot},
        type_set::TypeSet,
        value_type::{Encoding, Kind, TextForm, ValueType},
    },
    inspection::{
        BigKey, Crc, DatabaseCounts, DatabaseReport, EmptyCounts, IdleTimes, Inspection, JoinError, KeyGroup,
        KeyGroups, MAX_BIGGEST_KEYS, MAX_GROUPS, MAX_NAMED_DATABASES, MAX_START_DEPTH, OtherDatabases,
        Prefix, REPORT_SCHEMA, RdbInfo, Report, SCHEMA, SlotCount, SlotCounts, TimesToLive, TypeCounts,
        Unchecked,
        inspect::{InspectOptions, Inspected, inspect, scan},
        shorter_start,
        weigh::{Scales, Weigher, Weighing, Weights},
        writer::written_by,
    },
    parallel::{inspect_parallel, inspect_with_boundaries},
    parts::{
        assemble::{Assembly, Gap, assemble, assemble_with_boundaries},
        range::{RangeInspection, inspect_range, inspect_up_to},
    },
    pieces::{Expiry, KeyPiece, Length, Mark, PackedPiece, Piece, Pieces, Row, RowPlaces, TextPlace, Whole},
    reading::{
        header::{Header, MAX_RDB_VERSION, VALKEY_RDB_VERSION, read_header},
        position::{Boundary, Position},
        progress::{Control, Progress},
    },
    scan::{
        stretch::{LEAST_STRETCH_BYTES, Stretch},
        template::{Digest, MAX_TEMPLATES_BYTES, Templates},
        visit::{Record, Visitor},
    },
};

/// Runs the example in the README with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
