//! Conversions of whole files, of which everything is checked that holds for each.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::io::Read;

use rdb_convert::{ConvertError, Options, Plan, Report, write};
use rdb_scan::{Control, InspectOptions, Inspected, Position, inspect};

/// Plans a conversion and writes its new files, which have no fault; `open` opens the source at its start. Panics if it
/// is refused.
pub fn convert<R: Read>(open: impl Fn() -> R, options: &Options) -> (Plan, Vec<Vec<u8>>) {
    let plan = Plan::of(|| Ok(open()), options).unwrap();
    assert_eq!(plan.report.refused, [], "{}", options.target);
    let written = written(open(), options, &plan).unwrap();
    let keys: u64 = written.iter().map(|file| sound_keys(file)).sum();
    assert_eq!(keys, plan.report.keys_written);
    (plan, written)
}

/// Plans a conversion and writes its only new file.
pub fn convert_one(file: &[u8], options: &Options) -> (Report, Vec<u8>) {
    let (plan, mut written) = convert(|| file, options);
    assert_eq!(written.len(), 1);
    (plan.report, written.remove(0))
}

/// Writes the new files of a plan: they have the bytes that it names.
pub fn written(source: impl Read, options: &Options, plan: &Plan) -> Result<Vec<Vec<u8>>, ConvertError> {
    let mut files = vec![Vec::new(); usize::from(options.split)];
    let report = write(source, options, plan, files.iter_mut().collect());
    if report.is_err() && !plan.report.refused.is_empty() {
        assert!(files.iter().all(Vec::is_empty), "a refused conversion has written");
    }
    assert_eq!(report?, plan.report);
    let bytes: Vec<u64> = files.iter().map(|file| file.len() as u64).collect();
    assert_eq!(plan.file_bytes().collect::<Vec<_>>(), bytes);
    assert_eq!(plan.report.bytes_written, bytes.iter().sum::<u64>());
    Ok(files)
}

/// The number of keys in a file without a fault.
fn sound_keys(file: &[u8]) -> u64 {
    let options = InspectOptions { size_bytes: Some(file.len() as u64), ..InspectOptions::default() };
    let checked = inspect(file, &Position::default(), &options, &mut |_| Control::Continue);
    let Inspected::Complete(inspection) = checked.unwrap() else { panic!("paused") };
    assert!(inspection.is_sound(), "{:?}", inspection.faults);
    inspection.keys
}
