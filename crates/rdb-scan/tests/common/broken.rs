//! Expectations of one broken or dangerous record.

use rdb_scan::{FaultCode, HazardCode};

use super::{Rdb, read};

/// Checks the first fault of a file with one record before the broken one and one after it.
#[track_caller]
#[allow(clippy::needless_pass_by_value, reason = "records are built where they are passed")]
pub fn expect(code: FaultCode, record: Rdb) {
    let start = Rdb::new().filler().0;
    let file = Rdb(start.clone()).raw(&record.0).key(0, "after").text(b"value").end();
    let inspection = read(&file);
    let Some(fault) = inspection.faults.first() else { panic!("expected {code}, found nothing") };
    assert_eq!(fault.code, code, "{}", fault.message);
    assert_eq!(fault.offset, start.len() as u64, "{}", fault.message);
    assert!(!inspection.is_sound());
    assert!(inspection.complete);
    // Either nothing after the fault counts, or the fault is inside a string and everything does.
    assert!(matches!(inspection.keys, 1 | 3), "{} keys", inspection.keys);
}

/// Checks a sound record that contradicts itself in a way that some servers refuse.
#[track_caller]
#[allow(clippy::needless_pass_by_value, reason = "records are built where they are passed")]
pub fn contradicts(code: HazardCode, record: Rdb) {
    let start = Rdb::new().filler().0;
    let file = Rdb(start.clone()).raw(&record.0).key(0, "after").text(b"value").end();
    let inspection = read(&file);
    assert_eq!(inspection.faults, []);
    let found: Vec<_> = inspection.hazards.iter().map(|hazard| (hazard.code, hazard.offset)).collect();
    assert_eq!(found, [(code, start.len() as u64)]);
    assert_eq!(inspection.keys, 3);
}

pub fn record() -> Rdb {
    Rdb(Vec::new())
}

pub fn packed(type_id: u8, contents: &[u8]) -> Rdb {
    record().key(type_id, "packed").text(contents)
}

#[track_caller]
pub fn codes(file: &[u8]) -> Vec<FaultCode> {
    read(file).faults.iter().map(|fault| fault.code).collect()
}

#[track_caller]
pub fn hazards(file: &[u8]) -> Vec<HazardCode> {
    let inspection = read(file);
    assert_eq!(inspection.faults, []);
    inspection.hazards.iter().map(|hazard| hazard.code).collect()
}
