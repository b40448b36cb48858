//! Predicts `used_memory` after a Redis or Valkey server has loaded an RDB file.
//!
//! The prediction models the engine's own structures: allocator size classes, objects, strings, tables, listpacks,
//! quicklists, skip lists, radix trees. Each constant names the structure that it comes from.
//!
//! - [`Settings`] describe the target: a [`Generation`] of engines, the [`Quantum`] of its allocator and the
//!   [`Thresholds`] up to which collections stay packed. They implement [`rdb_scan::Scales`]: given to a scan as
//!   [`rdb_scan::InspectOptions::weighings`], they weigh the keys and values of each slot while it runs.
//! - [`Footprint`] combines the weights: the memory of a whole server, or of a shard with some of the slots.
//! - [`Groups`] divide the memory up by database, encoding and the start of names, and [`Keys`] predict what some of
//!   them take alone.
//!
//! ```
//! use rdb_footprint::{Footprint, Generation, Settings};
//! use rdb_scan::{Control, InspectOptions, Inspected, Position, Weighing, inspect};
//!
//! let settings = Settings::new(Generation::Valkey81);
//! let options = InspectOptions { weighings: vec![Weighing::by(settings)], ..InspectOptions::default() };
//! let file = b"REDIS0010\xfe\0\0\x03key\x05value\xff\0\0\0\0\0\0\0\0";
//! let inspected = inspect(&file[..], &Position::default(), &options, &mut |_| Control::Continue)?;
//! let Inspected::Complete(inspection) = inspected else { panic!("no pause was requested") };
//! let footprint = Footprint::of([&inspection], settings, false).unwrap();
//! assert!((100..400).contains(&footprint.used_memory_bytes()));
//! # Ok::<(), std::io::Error>(())
//! ```

#![forbid(unsafe_code)]
#![allow(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "counts of keys are far below 2^52")]

mod engine;
mod groups;
mod prediction;
mod structures;
mod values;
mod weigher;

pub use crate::{
    engine::{
        allocator::Quantum,
        generation::{Compared, Generation},
        settings::{Settings, Thresholds},
    },
    groups::{Groups, Share},
    prediction::{Footprint, Keys},
};

/// Runs the example in the README with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
