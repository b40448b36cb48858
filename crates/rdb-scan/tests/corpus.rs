//! Files that other tools wrote, from a folder beside the project; skipped if there is none.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
use std::{
    fs,
    path::{Path, PathBuf},
};

use rdb_scan::{Control, FaultCode, InspectOptions, Inspected, Inspection, Position, inspect};

#[test]
fn foreign_files_read_as_their_names_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/rdb-corpus");
    let files = rdb_files(&root);
    if files.is_empty() {
        println!("skipped: no files under {}", root.display());
        return;
    }
    for file in files {
        let inspection = whole(&file);
        let codes: Vec<_> = inspection.faults.iter().map(|fault| fault.code).collect();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let expected: &[FaultCode] = match name.as_str() {
            // In the second file, the version was changed by hand, and nothing else.
            "invalid_chksum_v8.rdb" | "future_v19.rdb" => &[FaultCode::CrcMismatch],
            _ => &[],
        };
        assert_eq!(codes, expected, "{name}: {:?}", inspection.faults);
        assert!(inspection.complete, "{name}");
    }
}

fn whole(file: &Path) -> Inspection {
    let options =
        InspectOptions { size_bytes: Some(fs::metadata(file).unwrap().len()), ..InspectOptions::default() };
    let source = fs::File::open(file).unwrap();
    match inspect(source, &Position::default(), &options, &mut |_| Control::Continue).unwrap() {
        Inspected::Complete(inspection) => inspection,
        Inspected::Paused(..) => panic!("{} paused", file.display()),
    }
}

fn rdb_files(root: &Path) -> Vec<PathBuf> {
    let Ok(folders) = fs::read_dir(root) else { return Vec::new() };
    let folders = folders.filter_map(|folder| fs::read_dir(folder.ok()?.path()).ok());
    let files = folders.flatten().filter_map(|file| Some(file.ok()?.path()));
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|ext| ext == "rdb")).collect();
    files.sort();
    files
}
