//! The parts of `make corpora`, `make bench` and `make calibrate`.
//!
//! [`corpora`] defines the contents of each file and writes it through a [`server`] of its own, over a [`connection`]
//! that waits for no replies. [`random`] makes the contents reproducible, and [`big_value`] writes the only file that
//! needs no server. The benchmark compares [`tools`], each [`run`] as a process of its own on a known [`machine`], and
//! prints a [`table`]. [`cost`] is independent: the cost of inspecting a large backup with many functions.
//! [`calibration`] loads files into the [`engines`] of `make servers` and compares their memory with the prediction.
//! [`limits`] measures what each part of reading costs alone. The first part is [`floor`].

pub mod big_value;
pub mod calibration;
pub mod connection;
pub mod corpora;
pub mod cost;
pub mod engines;
pub mod floor;
pub mod limits;
pub mod machine;
pub mod random;
pub mod run;
pub mod server;
pub mod table;
pub mod tools;
