//! What `make corpora`, `make bench` and `make calibrate` are made of.
//!
//! [`corpora`] says what is in each file and writes it through a [`server`] of its own, over a [`connection`] that
//! waits for no reply; [`random`] makes the contents the same every time, and [`big_value`] makes the one file that no
//! server is needed for. The comparison is of [`tools`], each [`run`] as a process of its own on a known [`machine`],
//! and ends in a [`table`]. [`cost`] is apart: what the inspection of a large backup by many functions takes.
//! [`calibration`] loads files into the [`engines`] of `make servers` and compares the memory that they take with what
//! was predicted. [`limits`] tells what each part of reading costs alone, of which [`floor`] is the first.

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
