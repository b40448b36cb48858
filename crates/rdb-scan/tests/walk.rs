//! A walk passes every record on byte for byte, and counts what a scan counts.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on should say where")]

#[path = "common/filling.rs"]
mod filling;
#[path = "common/server.rs"]
mod server;

use rdb_scan::{
    Control, InspectOptions, Position, Record, Visitor, scan,
    walk::{Sink, Step, Walk},
};
use server::{Server, engines};

/// Database, key, expiry, slot and value.
type Key = (Option<u64>, Vec<u8>, Option<i64>, u64, Vec<u8>);

#[derive(Default)]
struct Keys(Vec<Key>);

impl Visitor for Keys {
    fn record(&mut self, record: &Record<'_>) {
        let value = record.raw.map(|raw| raw[(record.value_start - record.span.start) as usize..].to_vec());
        self.0.push((
            record.database,
            record.key.to_vec(),
            record.expires_at_ms,
            record.slot.into(),
            value.unwrap_or_default(),
        ));
    }
}

fn walked(file: &[u8]) -> Keys {
    let mut keys = Keys::default();
    let mut walk = Walk::new(file).unwrap();
    loop {
        match walk.step().unwrap() {
            Step::End => return keys,
            Step::Record => {
                let mut value = Vec::new();
                walk.pass(&mut value).unwrap();
                value.put(&[]).unwrap();
                let head = walk.head();
                let slot = rdb_scan::key_slot(&head.key).into();
                keys.0.push((Some(head.database), head.key.clone(), head.expires_at_ms, slot, value));
            }
            _ => {}
        }
    }
}

#[test]
fn a_walk_yields_what_a_scan_does() {
    for engine in engines() {
        let mut server = Server::start(&engine, &[]);
        filling::fill(&mut server);
        let file = server.save();
        let options = InspectOptions::default();
        let (_, keys) =
            scan(&file[..], &Position::default(), &options, Keys::default(), &mut |_| Control::Continue)
                .unwrap();
        let walked = walked(&file);
        assert_eq!(walked.0.len(), keys.0.len(), "{}", engine.name);
        for (one, other) in walked.0.iter().zip(&keys.0) {
            // A scan keeps the first 64 KiB of a key.
            assert!(one.1.starts_with(&other.1) && other.1.len() == one.1.len().min(64 << 10));
            assert_eq!((one.0, one.2, one.3), (other.0, other.2, other.3));
            assert!(other.4.is_empty() || one.4 == other.4, "{}", engine.name);
        }
    }
}

#[test]
fn a_walk_of_a_cut_or_changed_file_ends_with_an_error() {
    let engine = &engines()[0];
    let mut server = Server::start(engine, &[]);
    server.run(&["SET", "key", "value"]);
    server.run(&["RPUSH", "list", "one", "two"]);
    let file = server.save();
    let end = |file: &[u8]| {
        let mut walk = Walk::new(file)?;
        while walk.step()? != Step::End {}
        Ok::<_, rdb_scan::walk::WalkError>(())
    };
    end(&file).unwrap();
    for length in 0..file.len() {
        assert!(end(&file[..length]).is_err(), "{length} bytes");
        let mut changed = file.clone();
        changed[length] ^= 1;
        assert!(end(&changed).is_err(), "changed at {length}");
    }
}
