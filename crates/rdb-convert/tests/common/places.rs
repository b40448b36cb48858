//! Files in memory that several threads write at once.

#![allow(unreachable_pub, missing_docs, reason = "shared by test binaries")]

use std::{
    io::{self, Write},
    sync::Mutex,
};

use rdb_convert::{ConvertError, Options, Plan, Report, write_ranges};

/// A file in memory that is written at several places.
struct At<'f> {
    file: &'f Mutex<Vec<u8>>,
    offset: usize,
}

impl Write for At<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap();
        let end = self.offset + bytes.len();
        let size = file.len().max(end);
        file.resize(size, 0xee);
        file[self.offset..end].copy_from_slice(bytes);
        self.offset = end;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the new files of a plan with several threads.
pub fn write(
    source: &[u8],
    threads: usize,
    options: &Options,
    plan: &Plan,
) -> Result<(Report, Vec<Vec<u8>>), ConvertError> {
    let files: Vec<_> = (0..options.split).map(|_| Mutex::new(Vec::new())).collect();
    let open = |file: usize, offset: u64| At { file: &files[file], offset: offset as usize };
    let report = write_ranges(source, threads, options, plan, &open, &|_| ())?;
    Ok((report, files.into_iter().map(|file| file.into_inner().unwrap()).collect()))
}
