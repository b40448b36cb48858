//! Reads Redis and Valkey RDB files: structure, checksum and contents, in one pass and in constant memory.
//!
//! [`inspect`] reads a file from any [`std::io::Read`] and gives an [`Inspection`]: what the file holds (keys and
//! bytes by database, type and cluster slot, the biggest keys, AUX fields, functions, modules), its [`Fault`]s (the
//! file is broken) and its [`Hazard`]s (well-formed, but it kills or upsets some servers). It knows every version,
//! type and opcode of Redis (RDB 1 to 14) and of Valkey (RDB 80), and it knows no target: what a fault or a hazard
//! means for one server is the caller's to say.
//!
//! A scan can pause at a record boundary: `watch` answers [`Control::Pause`], and [`Inspected::Paused`] carries the
//! partial inspection and the [`Position`] to resume at. Partial inspections are put together by
//! [`Inspection::join`]; the result is equal to what one pass gives.
//!
//! Memory stays constant whatever the file declares: strings of any length are streamed, compressed ones through
//! the 8 KiB that a back reference can reach, and packed collections are checked while they pass.
//!
//! ```
//! use rdb_scan::{Control, InspectOptions, Inspected, Position, inspect};
//!
//! // The smallest RDB file: a header, the end, and a checksum that says "not checked".
//! let file = b"REDIS0010\xff\0\0\0\0\0\0\0\0";
//! let options = InspectOptions::default();
//! let inspected = inspect(&file[..], &Position::default(), &options, &mut |_| Control::Continue)?;
//! let Inspected::Complete(inspection) = inspected else { panic!("nobody asked for a pause") };
//! assert_eq!(inspection.keys, 0);
//! assert!(inspection.is_sound());
//! # Ok::<(), std::io::Error>(())
//! ```
#![forbid(unsafe_code)]

mod assemble;
mod boundary;
mod cursor;
mod encoded;
mod fault;
mod format;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod hash;
mod header;
mod inspect;
mod inspection;
mod key_text;
mod lzf;
mod members;
mod packed;
mod parallel;
mod position;
mod range;
mod reading;
mod scan;
mod slot;
mod source;
mod stop;
mod visit;
mod window;

pub use crate::assemble::{Assembly, Gap, assemble};
pub use crate::fault::{Fault, FaultCode, Hazard, HazardCode};
pub use crate::format::{Encoding, Kind};
pub use crate::header::{Header, MAX_RDB_VERSION, VALKEY_RDB_VERSION, read_header};
pub use crate::inspect::{Control, InspectOptions, Inspected, Progress, inspect, scan};
pub use crate::inspection::{
    BigKey, Crc, DatabaseCounts, DatabaseReport, Inspection, JoinError, MAX_BIGGEST_KEYS,
    MAX_NAMED_DATABASES, Magic, Prefix, RdbInfo, Report, SCHEMA, SlotCount, SlotCounts, TimesToLive,
    TypeCounts, Unchecked,
};
pub use crate::parallel::inspect_parallel;
pub use crate::position::Position;
pub use crate::range::{RangeInspection, inspect_range, inspect_up_to};
pub use crate::slot::{SLOTS, key_slot};
pub use crate::source::{FileSource, Source};
pub use crate::visit::{Record, Visitor};
