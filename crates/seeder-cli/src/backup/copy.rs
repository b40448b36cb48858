//! Copies the data sets of servers to files or objects, and checks them on the way.

use std::{
    io::{
        ErrorKind, Read, Write, {self},
    },
    iter::{repeat, zip},
};

use jiff::Timestamp;
use rdb_scan::{Control, InspectOptions, Inspected, Inspection, Position};
use replication::{Address, Error, Payload};

use super::{failure::Failure, report::FileDone, servers::Found, survey::Survey, waiting::Waiting};
use crate::{
    multipart::Uploaded,
    output::Outputs,
    reading::{Meter, Objects},
};

/// A backup as the command line asks for it.
pub(crate) struct Backup<'b> {
    pub(crate) found: &'b Found,
    pub(crate) outputs: &'b Outputs,
    pub(crate) objects: Option<&'b Objects>,
    pub(crate) quiet: bool,
}

/// What a backup has become.
pub(crate) struct Copied {
    pub(crate) files: Vec<FileDone>,
    /// The objects, if they are some.
    pub(crate) objects: Vec<Uploaded>,
}

impl Backup<'_> {
    /// Writes a file for each shard, one after the other. They get their names when all of them are complete and sound.
    pub(crate) fn run(&self) -> Result<Copied, Failure> {
        // Nothing is asked of the server before it is known that its data can be written.
        let mut opened = self.outputs.open(repeat(None), self.objects)?;
        let mut files = Vec::new();
        let names = self.outputs.names();
        for ((servers, mut writer), name) in zip(zip(&self.found.shards, opened.writers()?), &names) {
            let (address, payload, used_memory) = self.payload(servers)?;
            let meter = Meter::new(&address.to_string(), self.quiet);
            match (payload.size_bytes(), used_memory) {
                (Some(bytes), _) => meter.begin(Some(bytes)),
                (None, Some(bytes)) => meter.begin_about(bytes),
                (None, None) => meter.begin(None),
            }
            let copied = copy(payload, &mut *writer, &meter);
            meter.finish();
            let (inspection, bytes) = copied.map_err(|error| failed(error, name))?;
            if let Some(fault) = inspection.faults.first() {
                let damaged =
                    format!("what {address} sent is damaged: {} at offset {}", fault.message, fault.offset);
                return Err(Failure::refused(damaged, self.what_is_left()));
            }
            for (code, number) in &inspection.hazard_counts {
                eprintln!("warning: {} ({number}): seeder check describes it", code.as_str());
            }
            files.push(FileDone::new(&address, name, bytes, &inspection));
        }
        self.found.expect_same_slots()?;
        let objects = opened.publish()?;
        Ok(Copied { files, objects })
    }

    /// A hint about a damaged backup.
    fn what_is_left(&self) -> &'static str {
        if self.outputs.is_stdout() {
            "what was written to standard output is no backup; check the server's memory, and try again"
        } else {
            "nothing is left of it; check the server's memory, and try again"
        }
    }

    /// The data set of the first of these servers that passes it on, and the memory that the server uses.
    fn payload(&self, servers: &[Address]) -> Result<(Address, Payload, Option<u64>), Failure> {
        let mut left = servers.iter();
        loop {
            let Some(address) = left.next() else {
                return Err(Failure::refused("there is no server".to_owned(), "name another source"));
            };
            match self.request(address) {
                Ok((payload, used_memory)) => return Ok((address.clone(), payload, used_memory)),
                Err(failure) if !left.as_slice().is_empty() => {
                    eprintln!("warning: {failure}; the next server of this shard is asked");
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    fn request(&self, address: &Address) -> Result<(Payload, Option<u64>), Failure> {
        let mut connection = self.found.login.connect(address)?;
        let survey = Survey::of(&mut connection)?;
        if !self.quiet {
            survey.describe(address);
        }
        if survey.is_sentinel() {
            let found = format!("{address} is a sentinel, which has no data");
            return Err(Failure::refused(found, "name the master that it watches: --sentinel MASTER-NAME"));
        }
        let announced = connection.announce()?;
        survey.warn(self.found.cluster.is_some());
        survey.warn_of_transfer(announced);
        let mut waiting = Waiting::new(self.quiet);
        let what = format!("waiting until {address} has prepared its data");
        let payload = connection.replicate(&mut || waiting.show(&what))?;
        Ok((payload, survey.used_memory()))
    }
}

/// Why bytes were not copied.
enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

fn failed(error: CopyError, name: &str) -> Failure {
    match error {
        CopyError::Write(error) => anyhow::anyhow!("{name}: failed to write: {error}").into(),
        CopyError::Read(error) => match error.downcast::<Error>() {
            Ok(error) => error.into(),
            Err(error) => anyhow::Error::from(error).into(),
        },
    }
}

/// Copies everything, unless it is damaged. Returns what it has, and the number of its bytes.
fn copy(payload: Payload, to: &mut dyn Write, meter: &Meter) -> Result<(Inspection, u64), CopyError> {
    let mut passing = Passing { from: payload, to, meter, bytes: 0, write_error: None };
    let inspected = passing.inspect();
    match (inspected, passing.write_error) {
        (_, Some(error)) => Err(CopyError::Write(error)),
        (Err(error), None) => Err(CopyError::Read(error)),
        (Ok(inspection), None) => {
            passing.to.flush().map_err(CopyError::Write)?;
            Ok((inspection, passing.bytes))
        }
    }
}

/// Writes everything that is read of it.
struct Passing<'p, R> {
    from: R,
    to: &'p mut dyn Write,
    meter: &'p Meter,
    bytes: u64,
    write_error: Option<io::Error>,
}

impl<R: Read> Passing<'_, R> {
    fn inspect(&mut self) -> io::Result<Inspection> {
        let options = InspectOptions {
            // They would be in messages.
            hide_keys: true,
            now_ms: u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0),
            top: 0,
            ..InspectOptions::default()
        };
        let inspected =
            rdb_scan::inspect(&mut *self, &Position::default(), &options, &mut |_| Control::Continue)?;
        let (Inspected::Complete(inspection) | Inspected::Paused(inspection, _)) = inspected;
        if inspection.faults.is_empty() {
            // The data is complete only if reading it ends without an error.
            io::copy(self, &mut io::sink())?;
        }
        Ok(inspection)
    }
}

impl<R: Read> Read for Passing<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = loop {
            match self.from.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        if let Err(error) = self.to.write_all(bytes) {
            self.write_error = Some(error);
            return Err(ErrorKind::WriteZero.into());
        }
        self.bytes += read as u64;
        self.meter.show(self.bytes);
        Ok(read)
    }
}
