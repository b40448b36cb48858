//! Records that are not keys.

use super::{Module, Phase, Scan, ahead::Then};
use crate::{
    bytes::{
        cursor::{Cursor, Text},
        stop::{Result, broken},
    },
    fault::{FaultCode, HazardCode},
    format::{
        Magic, foreign,
        lzf::Unpacker,
        opcode::{Opcode, Place},
        slot::SLOTS,
        value_type::ValueType,
    },
    scan::visit::Visitor,
};

/// The number of databases that a server has by default.
const DEFAULT_DATABASES: u64 = 16;
/// No server has a table with more entries.
const MAX_TABLE_SIZE: u64 = 1 << 32;
/// AUX values are cut to this many bytes.
const MAX_AUX_BYTES: u64 = 256;
/// The longest name. A longer compressed AUX value is not shown.
const MAX_NAME_BYTES: u64 = 64 << 10;

impl<V: Visitor> Scan<V> {
    /// Reads the record of an opcode between keys, entirely or up to its last string.
    pub(super) fn opcode(&mut self, cursor: &mut Cursor<'_>, opcode: Opcode) -> Result<()> {
        debug_assert_eq!(opcode.place(), Place::BetweenKeys);
        match opcode {
            Opcode::SelectDb => self.select_database(cursor)?,
            Opcode::ResizeDb => self.resize_database(cursor)?,
            Opcode::Aux => self.aux(cursor)?,
            Opcode::ModuleAux => self.phase = Phase::ModuleAux(Module::auxiliary(cursor)?),
            Opcode::Functions => {
                let (code_bytes, functions) = self.shared.code(cursor)?;
                self.function(code_bytes);
                self.visitor.functions(functions);
            }
            Opcode::FunctionsPreGa => {
                name(cursor, &mut self.shared.unpacker)?;
                name(cursor, &mut self.shared.unpacker)?;
                if cursor.number()? != 0 {
                    name(cursor, &mut self.shared.unpacker)?;
                }
                let code = self.shared.pass(cursor, Then::Other)?;
                self.function(code.length().bytes());
                let message =
                    "functions as a release candidate of Redis 7.0 wrote them; releases refuse them";
                self.hazard(HazardCode::ForeignRecord, message.to_owned());
            }
            Opcode::SlotInfo => {
                for _ in 0..3 {
                    cursor.opcode_number()?;
                }
                if self.magic == Magic::Redis {
                    self.hazard(HazardCode::SlotInfo, "the number of keys in a cluster slot".to_owned());
                }
            }
            Opcode::SlotImport => self.slot_import(cursor)?,
            // These are read with the key that follows, or end the file.
            Opcode::EnterpriseRamLru
            | Opcode::EnterpriseSlot
            | Opcode::KeyMetadata
            | Opcode::Idle
            | Opcode::Freq
            | Opcode::ExpireTimeMs
            | Opcode::ExpireTime
            | Opcode::Eof => {}
        }
        if self.shared.open.is_some() {
            self.phase = Phase::Opcode;
        } else if let Some(flaw) = self.shared.flaw.take() {
            self.fault(*flaw);
        }
        Ok(())
    }

    fn select_database(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let index = cursor.opcode_number()?;
        self.database = Some(index);
        self.visitor.select_database(index);
        if index >= DEFAULT_DATABASES {
            let message = format!(
                "database {index}; a server with the default of {DEFAULT_DATABASES} databases refuses it"
            );
            self.hazard(HazardCode::DatabaseNumber, message);
        }
        Ok(())
    }

    fn resize_database(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let keys = cursor.opcode_number()?;
        let expires = cursor.opcode_number()?;
        self.visitor.announce(keys, expires);
        // A smaller wrong hint costs the memory that is predicted for it, and nothing else.
        if keys.max(expires) > MAX_TABLE_SIZE {
            let message = format!(
                "table size hint of {keys} keys and {expires} expiries; no server has more than {MAX_TABLE_SIZE}"
            );
            self.hazard(HazardCode::HugeResizedb, message);
        }
        Ok(())
    }

    fn aux(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let name = name(cursor, &mut self.shared.unpacker)?;
        let value = match cursor.text()? {
            Text::Int(number) => number.to_string().into_bytes(),
            Text::Raw(bytes) => {
                let start = cursor.take(bytes.min(MAX_AUX_BYTES) as usize)?.to_vec();
                self.shared.pass_bytes(cursor, bytes - start.len() as u64);
                start
            }
            Text::Lzf { packed, unpacked } if packed.max(unpacked) <= MAX_NAME_BYTES => {
                let packed = cursor.take(packed as usize)?;
                let value = self.shared.unpacker.unpack(packed, unpacked as usize)?;
                value[..value.len().min(MAX_AUX_BYTES as usize)].to_vec()
            }
            Text::Lzf { packed, unpacked } => {
                self.shared.pass_lzf(cursor, packed, unpacked, Then::Other)?;
                Vec::new()
            }
        };
        if name.eq_ignore_ascii_case(b"slot-info") && !is_slot_info(&value) {
            let message =
                format!("AUX field slot-info is \"{}\"; expected three numbers", value.escape_ascii());
            self.hazard(HazardCode::BadSlotInfo, message);
        }
        self.visitor.aux(&name, &value);
        Ok(())
    }

    fn function(&mut self, code_bytes: u64) {
        self.visitor.function(code_bytes);
        self.hazard(HazardCode::Functions, "a library of functions".to_owned());
    }

    fn slot_import(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        name(cursor, &mut self.shared.unpacker)?;
        let ranges = cursor.count(2)?;
        if ranges > SLOTS as u64 {
            return broken(
                FaultCode::BadLength,
                format!("import of {ranges} slot ranges; there are {SLOTS} slots"),
            );
        }
        for _ in 0..2 * ranges {
            cursor.number()?;
        }
        self.hazard(HazardCode::SlotImport, format!("{ranges} slot ranges on their way into the cluster"));
        Ok(())
    }
}

/// Whether Valkey finds the three numbers that it expects: slot, keys and keys with an expiry, separated by commas.
fn is_slot_info(value: &[u8]) -> bool {
    let numbers = value.split(|byte| *byte == b',').take(3);
    let begins_with_digit = |number: &[u8]| number.trim_ascii_start().first().is_some_and(u8::is_ascii_digit);
    numbers.filter(|number| begins_with_digit(number)).count() == 3
}

/// Reads a string that is short in every file that a server wrote.
pub(super) fn name(cursor: &mut Cursor<'_>, unpacker: &mut Unpacker) -> Result<Vec<u8>> {
    let at = cursor.offset();
    match cursor.text()? {
        Text::Int(number) => Ok(number.to_string().into_bytes()),
        Text::Raw(bytes) if bytes <= MAX_NAME_BYTES => Ok(cursor.take(bytes as usize)?.to_vec()),
        Text::Lzf { packed, unpacked } if packed.max(unpacked) <= MAX_NAME_BYTES => {
            let packed = cursor.take(packed as usize)?;
            Ok(unpacker.unpack(packed, unpacked as usize)?.to_vec())
        }
        Text::Raw(bytes) | Text::Lzf { unpacked: bytes, .. } => broken(
            FaultCode::BadLength,
            format!("name of {bytes} bytes at offset {at}; at most {MAX_NAME_BYTES} are expected"),
        ),
    }
}

/// The fault of a number that is neither a value type nor an opcode under this magic.
#[cold]
pub(crate) fn unknown(opcode: u8, magic: Magic, newer: bool) -> Result<()> {
    let name = match magic {
        Magic::Redis => "the magic REDIS",
        Magic::Valkey => "the magic VALKEY",
    };
    let id = if opcode < 128 { "value type" } else { "opcode" };
    if newer {
        let message = format!(
            "{id} {opcode} came with a version newer than those known here; nothing after it is read"
        );
        return broken(FaultCode::RdbVersionUnknown, message);
    }
    if let Some(name) = foreign(opcode) {
        let message =
            format!("{id} {opcode} is {name}, which Redis and Valkey refuse; nothing after it is read");
        return broken(FaultCode::ForeignRecord, message);
    }
    match opcode {
        ValueType::MODULE_PRE_GA_ID => {
            let message = "module value of a 4.0 release candidate (type 6), which cannot be walked";
            broken(FaultCode::UnknownType, message)
        }
        0..128 => broken(FaultCode::UnknownType, format!("value type {opcode} is unknown under {name}")),
        _ => broken(FaultCode::UnknownOpcode, format!("opcode {opcode} is unknown under {name}")),
    }
}
