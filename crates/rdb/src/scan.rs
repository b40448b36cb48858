//! The record loop: opcodes and keys, one after the other, up to the end.
use crate::fault::{Fault, FaultCode, Hazard, HazardCode};
use crate::header::{self, AUX, Header};
use crate::inspect::{InspectOptions, Inspected};
use crate::inspection::{BigKey, Crc, Inspection, MAX_BIGGEST_KEYS, Magic, RdbInfo};
use crate::key::{Key, short_text};
use crate::module;
use crate::position::Position;
use crate::reader::Reader;
use crate::stop::{Broken, Result, Stop, broken};
use crate::tally::{Counted, Tally};
use crate::value::{self, Notes, skip_text};

/// Under the magic REDIS, metadata of a key; under VALKEY, a slot on its way into the cluster.
const KEY_META_OR_SLOT_IMPORT: u8 = 243;
const SLOT_INFO: u8 = 244;
const FUNCTION2: u8 = 245;
const FUNCTION_PRE_GA: u8 = 246;
const MODULE_AUX: u8 = 247;
const IDLE: u8 = 248;
const FREQ: u8 = 249;
const RESIZEDB: u8 = 251;
const EXPIRETIME_MS: u8 = 252;
const EXPIRETIME: u8 = 253;
const SELECTDB: u8 = 254;
const EOF: u8 = 255;
/// Redis Enterprise writes it before a key: when the key was last used in RAM.
const ENTERPRISE_RAM_LRU: u8 = 107;

/// The databases that a server has unless it is told otherwise.
const DEFAULT_DATABASES: u64 = 16;
/// A table of more entries than this is no server's.
const MAX_TABLE_SIZE: u64 = 1 << 32;
/// From this version on, a file ends with a checksum.
const FIRST_VERSION_WITH_CRC: u32 = 5;

pub(crate) struct Scan<'s> {
    reader: Reader<'s>,
    options: &'s InspectOptions,
    inspection: Inspection,
    tally: Tally,
    notes: Notes,
    key: Key,
    header: Option<Header>,
    database: u64,
    // The record that is being read: where it begins, its expiry, and whether its key is known.
    record: u64,
    expiry_ms: Option<i64>,
    key_known: bool,
}

/// What ends the record loop without a fault.
enum End {
    Eof(Crc),
    Pause,
}

impl<'s> Scan<'s> {
    pub(crate) fn new(reader: Reader<'s>, start: &Position, options: &'s InspectOptions) -> Self {
        let inspection = Inspection { start: start.offset, end: start.offset, ..Inspection::default() };
        Self {
            reader,
            options,
            inspection,
            tally: Tally::default(),
            notes: Notes::default(),
            key: Key::default(),
            header: start.header.clone(),
            database: start.database,
            record: start.offset,
            expiry_ms: None,
            key_known: false,
        }
    }

    pub(crate) fn run(mut self) -> std::io::Result<Inspected> {
        let (crc, pause) = match self.records() {
            Ok(End::Eof(crc)) => (crc, false),
            Ok(End::Pause) => (Crc::Unchecked, true),
            Err(Stop::Io(error)) => return Err(error),
            Err(Stop::Broken(broken)) => {
                self.fault(*broken);
                (Crc::Unchecked, false)
            }
        };
        self.tally.close_database(self.database, &mut self.inspection);
        self.tally.close(&mut self.inspection);
        self.inspection.complete = !pause;
        self.inspection.end = self.record;
        if let Some(Header { version, magic, .. }) = self.header {
            self.inspection.rdb = Some(RdbInfo { version, magic, bytes: self.record, crc });
        }
        if !pause {
            return Ok(Inspected::Complete(self.inspection));
        }
        let position = Position {
            offset: self.record,
            database: self.database,
            crc: self.reader.crc(),
            header: self.header,
        };
        Ok(Inspected::Paused(self.inspection, position))
    }

    fn records(&mut self) -> Result<End> {
        let header = match self.header.take() {
            Some(header) => header,
            None => header::read(&mut self.reader)?,
        };
        let Header { version, magic, .. } = header;
        self.header.insert(header).check()?;
        let mut first = true;
        loop {
            self.record = self.reader.offset();
            // At least one record is read between a start and a pause, so that resuming always gets on.
            if !first && self.reader.pause {
                return Ok(End::Pause);
            }
            let mut opcode = self.reader.u8()?;
            while self.is_prefix(opcode, magic)? {
                opcode = self.reader.u8()?;
            }
            match opcode {
                EOF => return self.end(version).map(End::Eof),
                opcode if value::is_known(opcode, magic) => self.key_record(opcode, magic)?,
                opcode => self.opcode_record(opcode, magic)?,
            }
            self.expiry_ms = None;
            if first {
                first = false;
                self.reader.tell_watch();
            }
        }
    }

    /// Reads what may stand before a key: expiry, idle time, frequency, metadata.
    fn is_prefix(&mut self, opcode: u8, magic: Magic) -> Result<bool> {
        match opcode {
            EXPIRETIME => {
                let seconds = i64::from(i32::from_le_bytes(self.reader.array()?));
                self.expiry_ms = Some(seconds * 1000);
            }
            EXPIRETIME_MS => self.expiry_ms = Some(i64::from_le_bytes(self.reader.array()?)),
            IDLE | ENTERPRISE_RAM_LRU => {
                self.reader.number()?;
            }
            FREQ => {
                self.reader.u8()?;
            }
            KEY_META_OR_SLOT_IMPORT if magic == Magic::Redis => {
                module::key_metadata(&mut self.reader, &mut self.notes)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn key_record(&mut self, type_id: u8, magic: Magic) -> Result<()> {
        self.key.read(&mut self.reader)?;
        self.key_known = true;
        let walked = value::walk(&mut self.reader, type_id, magic, &mut self.notes)?;
        self.reader.keys += 1;
        let bytes = self.reader.offset() - self.record;
        let counted = Counted { walked, slot: self.key.slot, bytes, expires: self.expiry_ms.is_some() };
        self.tally.add(&counted, &mut self.inspection);
        if let Some(expiry_ms) = self.expiry_ms
            && expiry_ms <= self.options.now_ms.cast_signed()
            && self.options.now_ms > 0
        {
            self.inspection.already_expired += 1;
        }
        self.remember_if_big(&counted);
        self.settle_notes();
        self.key_known = false;
        Ok(())
    }

    fn opcode_record(&mut self, opcode: u8, magic: Magic) -> Result<()> {
        match opcode {
            SELECTDB => self.select_database()?,
            RESIZEDB => self.resize_database()?,
            AUX => {
                let name = short_text(&mut self.reader)?;
                let value = short_text(&mut self.reader)?;
                self.inspection.add_aux(name, value);
            }
            MODULE_AUX => module::auxiliary(&mut self.reader, &mut self.notes)?,
            FUNCTION2 => {
                skip_text(&mut self.reader)?;
                self.inspection.functions += 1;
                self.note(HazardCode::Functions, "a library of functions".to_owned());
            }
            FUNCTION_PRE_GA => self.early_function()?,
            SLOT_INFO if magic == Magic::Redis => {
                for _ in 0..3 {
                    self.reader.number()?;
                }
            }
            KEY_META_OR_SLOT_IMPORT if magic == Magic::Valkey => self.slot_import()?,
            6 => {
                let message = "module value of a 4.0 release candidate (type 6), which cannot be walked";
                return broken(FaultCode::UnknownType, message);
            }
            0..128 => {
                let name = magic_name(magic);
                return broken(
                    FaultCode::UnknownType,
                    format!("value type {opcode} is unknown under {name}"),
                );
            }
            _ => {
                let name = magic_name(magic);
                return broken(FaultCode::UnknownOpcode, format!("opcode {opcode} is unknown under {name}"));
            }
        }
        self.settle_notes();
        Ok(())
    }

    fn select_database(&mut self) -> Result<()> {
        let index = self.reader.number()?;
        self.tally.close_database(self.database, &mut self.inspection);
        self.database = index;
        if index >= DEFAULT_DATABASES {
            self.note(
                HazardCode::DatabaseNumber,
                format!(
                    "database {index}; a server with the default of {DEFAULT_DATABASES} databases refuses it"
                ),
            );
        }
        Ok(())
    }

    fn resize_database(&mut self) -> Result<()> {
        let keys = self.reader.number()?;
        let expires = self.reader.number()?;
        // Each key takes at least three bytes, so more keys than bytes is a lie.
        let most = self.reader.left().unwrap_or(u64::MAX).min(MAX_TABLE_SIZE);
        if keys.max(expires) > most {
            self.note(
                HazardCode::HugeResizedb,
                format!("table size hint of {keys} keys and {expires} expiries; at most {most} can follow"),
            );
        }
        Ok(())
    }

    fn early_function(&mut self) -> Result<()> {
        skip_text(&mut self.reader)?;
        skip_text(&mut self.reader)?;
        if self.reader.number()? != 0 {
            skip_text(&mut self.reader)?;
        }
        skip_text(&mut self.reader)?;
        self.inspection.functions += 1;
        let message = "a library of functions of a 7.0 release candidate, which releases refuse";
        self.note(HazardCode::Functions, message.to_owned());
        Ok(())
    }

    fn slot_import(&mut self) -> Result<()> {
        skip_text(&mut self.reader)?;
        let ranges = self.reader.count(2)?;
        for _ in 0..ranges {
            self.reader.number()?;
            self.reader.number()?;
        }
        self.note(HazardCode::SlotImport, format!("{ranges} slot ranges on their way into the cluster"));
        Ok(())
    }

    /// The checksum, and what stands behind it.
    fn end(&mut self, version: u32) -> Result<Crc> {
        // Eight bytes behind an early version's end are a checksum too: its version may be what was damaged.
        let checked = version >= FIRST_VERSION_WITH_CRC || self.reader.fill(9)?.len() == 8;
        let crc = if checked { self.checksum()? } else { Crc::Absent };
        self.record = self.reader.offset();
        self.trailing()?;
        Ok(crc)
    }

    fn checksum(&mut self) -> Result<Crc> {
        let computed = self.reader.crc();
        let at = self.reader.offset();
        let stored = u64::from_le_bytes(self.reader.array()?);
        if stored == 0 {
            return Ok(Crc::Absent);
        }
        if stored == computed {
            return Ok(Crc::Ok);
        }
        let message =
            format!("checksum at offset {at} is {stored:016x}, that of the bytes is {computed:016x}");
        self.fault(Broken { code: FaultCode::CrcMismatch, message });
        Ok(Crc::Mismatch)
    }

    fn trailing(&mut self) -> Result<()> {
        let start = self.reader.fill(2)?;
        if start.is_empty() {
            return Ok(());
        }
        let aof = matches!(start, [b'*', digit, ..] if digit.is_ascii_digit());
        let bytes = if let Some(left) = self.reader.left().filter(|left| *left > 0) {
            left
        } else {
            let end = self.reader.offset();
            while !self.reader.fill(1)?.is_empty() {
                let step = self.reader.buffered().len();
                self.reader.advance(step);
            }
            self.reader.offset() - end
        };
        if aof {
            let message =
                format!("{bytes} bytes of append-only commands follow the end; a restore loses them");
            self.note(HazardCode::AofTail, message);
        } else {
            self.note(
                HazardCode::TrailingBytes,
                format!("{bytes} bytes follow the end; servers ignore them"),
            );
        }
        Ok(())
    }

    fn remember_if_big(&mut self, counted: &Counted) {
        let biggest = &mut self.inspection.biggest;
        if biggest.len() >= MAX_BIGGEST_KEYS && biggest.last().is_some_and(|last| counted.bytes < last.bytes)
        {
            return;
        }
        let key = BigKey {
            key: (!self.options.hide_keys).then(|| self.key.escaped()),
            database: self.database,
            kind: counted.walked.kind.name().to_owned(),
            bytes: counted.bytes,
            elements: counted.walked.elements,
        };
        let place = biggest.partition_point(|other| other.by_size(&key).is_lt());
        biggest.insert(place, key);
        biggest.truncate(MAX_BIGGEST_KEYS);
    }

    fn settle_notes(&mut self) {
        self.inspection.field_expires += std::mem::take(&mut self.notes.field_expires);
        while let Some(module) = self.notes.modules.pop() {
            self.inspection.add_module(module, 1);
        }
        for (code, message) in std::mem::take(&mut self.notes.hazards) {
            self.note(code, message);
        }
    }

    fn note(&mut self, code: HazardCode, message: String) {
        let hazard =
            Hazard { code, offset: self.record, database: self.database, key: self.shown_key(), message };
        self.inspection.add_hazard(hazard);
    }

    fn fault(&mut self, Broken { code, message }: Broken) {
        let fault =
            Fault { code, offset: self.record, database: self.database, key: self.shown_key(), message };
        self.inspection.faults.push(fault);
    }

    fn shown_key(&self) -> Option<String> {
        (self.key_known && !self.options.hide_keys).then(|| self.key.escaped())
    }
}

fn magic_name(magic: Magic) -> &'static str {
    match magic {
        Magic::Redis => "the magic REDIS",
        Magic::Valkey => "the magic VALKEY",
    }
}
