//! A hash that refers to a template weighs what a plain hash with the same fields does.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on should say where")]

#[path = "../../rdb-scan/tests/common/mod.rs"]
mod common;

use common::{Rdb, listpack, read_with};
use rdb_footprint::{Footprint, Generation, Settings};
use rdb_scan::{InspectOptions, Weighing};

fn bytes(file: &[u8], generation: Generation) -> u64 {
    let settings = Settings::new(generation);
    let weighings = vec![Weighing::by(settings)];
    let options =
        InspectOptions { size_bytes: Some(file.len() as u64), weighings, ..InspectOptions::default() };
    let inspection = read_with(file, &options);
    assert!(inspection.is_sound(), "{:?}", inspection.faults);
    Footprint::of([&inspection], settings, false).unwrap().used_memory_bytes()
}

#[test]
fn hashes_with_templates_weigh_as_plain_ones() {
    for value in ["a@example.com".to_owned(), "long ".repeat(100)] {
        let templated = Rdb::with_header("REDIS0015").raw(b"\xf2\x03\x02\x03age\x05email").database(0);
        let templated = templated.key(30, "packed").text(&listpack(&["3", "42", &value]));
        let templated = templated.key(32, "values").len(3).raw(&[0xc0, 42]).text(value.as_bytes()).end();
        let mut plain = Rdb::with_header("REDIS0011").database(0);
        for key in ["packed", "values"] {
            plain =
                plain.key(4, key).len(2).text(b"age").raw(&[0xc0, 42]).text(b"email").text(value.as_bytes());
        }
        let plain = plain.end();
        for generation in [Generation::Redis6, Generation::Valkey9] {
            assert_eq!(bytes(&templated, generation), bytes(&plain, generation), "{generation:?}, {value}");
        }
    }
}
