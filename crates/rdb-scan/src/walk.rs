//! A walk over the records of a file, for programs that write another file from it: every record's bytes can be passed
//! on as they are, left out, or read and replaced.
//!
//! A walk checks lengths, opcodes and the checksum, and nothing inside strings: [`crate::inspect`] does that. It takes
//! 1 MiB, and what a caller reads into memory.

mod body;
mod input;
mod salvage;
mod templates;

use std::io::{
    Read, {self},
};

use input::Input;
use thiserror::Error;

pub use self::{
    body::Body,
    input::{Crc64, Sink},
    salvage::Salvage,
    templates::{FieldNames, Names},
};
use crate::{
    bytes::stop::Stop,
    fault::FaultCode,
    format::{
        FIRST_VERSION_WITH_CRC, HEADER_BYTES, Magic,
        opcode::Opcode,
        value_type::{Layout, PackedLayout, TableRow, ValueType},
    },
    reading::{
        header::{Header, parse},
        position::Boundary,
    },
    scan::{module_name, template::TEMPLATE, unknown},
};
pub use crate::{
    format::MAX_WALKED_KEY_BYTES,
    packed::{ListpackEntries as Listpack, PackedEntry},
};

/// Why a walk ended early.
#[derive(Debug, Error)]
pub enum WalkError {
    /// The file could not be read, or what was passed on could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is broken, or has what a walk cannot pass.
    #[error("{message} (in the record at offset {offset})")]
    Broken {
        /// What is wrong, for programs.
        code: FaultCode,
        /// File offset of the record's first byte.
        offset: u64,
        /// The exact place, what was expected and what was found.
        message: String,
    },
}

/// The next record of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An AUX field; see [`Walk::aux`].
    Aux,
    /// Another database begins.
    Database(u64),
    /// The announced number of keys, and of those with an expiry.
    Announced(u64, u64),
    /// A library of functions. Its body is one string, the code.
    Functions,
    /// A library as a release candidate of Redis 7.0 wrote it. Releases refuse it.
    FunctionsPreGa,
    /// Auxiliary data of the module type with this id; see [`name_of_module`].
    ModuleAux(u64),
    /// A template; see [`Walk::templates`].
    Template,
    /// The number of keys in a cluster slot.
    SlotInfo,
    /// Cluster slots that were on their way into the cluster.
    SlotImport,
    /// A key; see [`Walk::head`]. Its body is the value.
    Record,
    /// The end mark, or the end of the range. The checksum was right, or the file has none, or only a range is read.
    End,
}

/// What precedes the value of a key.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// File offset of the first byte, which may be that of a prefix.
    pub offset: u64,
    /// The database.
    pub database: u64,
    /// The type of the value.
    pub value_type: ValueType,
    /// The key.
    pub key: Vec<u8>,
    /// The key as it is stored.
    pub raw_key: Vec<u8>,
    /// Expiry, idle time and frequency as they are stored: what every version reads.
    pub prefixes: Vec<u8>,
    /// When the key expires, in Unix milliseconds.
    pub expires_at_ms: Option<i64>,
    /// The number of classes of metadata that modules attached to the key. They are not in `prefixes`.
    pub metadata: u64,
}

/// What follows the step that was returned last, and has not been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    Nothing,
    Value,
    Functions,
    FunctionsPreGa,
}

/// A walk over a file.
#[derive(Debug)]
pub struct Walk<R> {
    input: Input<R>,
    header: Header,
    head: Head,
    /// Whether prefixes of a key have been read.
    prefixed: bool,
    aux: (Vec<u8>, Vec<u8>),
    pending: Pending,
    /// Where the walk began, and where it ends if that is before the end mark.
    start: u64,
    end: Option<u64>,
    templates: FieldNames,
}

impl<R: Read> Walk<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// If the file cannot be read, or does not begin like an RDB file of a known version.
    pub fn new(source: R) -> Result<Self, WalkError> {
        let mut input = Input::new(source);
        input.fill_to(HEADER_BYTES)?;
        let header = parse(input.start()).and_then(|header| header.check().map(|()| header));
        let header = header.map_err(|stop| broken(stop, 0))?;
        let mut ignored = ();
        Body::new(&mut input, &mut ignored).skip(HEADER_BYTES as u64)?;
        let (head, aux) = (Head::default(), <(Vec<u8>, Vec<u8>)>::default());
        let pending = Pending::Nothing;
        Ok(Self {
            input,
            header,
            head,
            prefixed: false,
            aux,
            pending,
            start: 0,
            end: None,
            templates: FieldNames::default(),
        })
    }

    /// Walks from a boundary to another one, or to the end mark. `source` has been opened at the first. Hashes may
    /// refer to these templates: those of the file's head, or none if the range has the head.
    ///
    /// The checksum of the file is not compared: the bytes before are not known.
    pub fn of_range(
        source: R,
        header: &Header,
        from: Boundary,
        end: Option<u64>,
        templates: FieldNames,
    ) -> Self {
        let header = Header { version: header.version, magic: header.magic, ..Header::default() };
        Self {
            input: Input::at(source, from.offset),
            header,
            head: Head { database: from.database, ..Head::default() },
            prefixed: false,
            aux: <(Vec<u8>, Vec<u8>)>::default(),
            pending: Pending::Nothing,
            start: from.offset,
            end,
            templates,
        }
    }

    /// Version and magic, without AUX fields.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The key of the last [`Step::Record`], without its value.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The templates so far: names of fields that hashes refer to.
    pub fn templates(&self) -> &FieldNames {
        &self.templates
    }

    /// Name and value of the last [`Step::Aux`].
    pub fn aux(&self) -> (&[u8], &[u8]) {
        (&self.aux.0, &self.aux.1)
    }

    /// File offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// Whether the value of the last [`Step::Record`], which has not been read, is a collection without elements.
    ///
    /// # Errors
    /// Those of reading.
    pub fn is_empty_collection(&mut self) -> Result<bool, WalkError> {
        if self.pending != Pending::Value {
            return Ok(false);
        }
        let (at, empty) = match self.head.value_type.layout() {
            Layout::Text
            | Layout::Stream(_)
            | Layout::Module
            | Layout::TemplateListpack
            | Layout::TemplateValues => return Ok(false),
            Layout::Table(TableRow::ExpiryFieldAndValue { counts_from_least: true }) => (8, 0),
            Layout::Texts | Layout::Table(_) | Layout::Quicklist { .. } | Layout::Array => (0, 0),
            Layout::Packed(PackedLayout::ListpackWithExpiries { counts_from_least: true }) => (8, 7),
            Layout::Packed(PackedLayout::Listpack | PackedLayout::ListpackWithExpiries { .. }) => (0, 7),
            Layout::Packed(PackedLayout::Ziplist) => (0, 11),
            Layout::Packed(PackedLayout::Intset) => (0, 8),
            Layout::Packed(PackedLayout::Zipmap) => (0, 2),
        };
        // The number of rows, or the length of a packed collection that has nothing but its header and its end.
        Ok(self.input.peek(at + 1)?.get(at) == Some(&empty))
    }

    /// The body of the last step, which has to be read as a whole, together with what precedes it.
    pub fn body<'w, S: Sink>(&'w mut self, sink: &'w mut S) -> (&'w Head, Body<'w, R, S>) {
        self.pending = Pending::Nothing;
        (&self.head, Body::new(&mut self.input, sink))
    }

    /// Passes the body of the last step on as it is.
    pub fn pass<S: Sink>(&mut self, sink: &mut S) -> Result<(), WalkError> {
        let pending = std::mem::replace(&mut self.pending, Pending::Nothing);
        let mut body = Body::new(&mut self.input, sink);
        let passed = match pending {
            Pending::Nothing => Ok(()),
            Pending::Value if self.head.value_type == ValueType::HashTemplateValues => {
                self.templates.of_next(&mut body).and_then(|names| body.texts_of(names.count()))
            }
            Pending::Value => body.value(self.head.value_type),
            Pending::Functions => body.text(),
            Pending::FunctionsPreGa => body.functions_pre_ga(),
        };
        passed.and_then(|()| body.keep())
    }

    /// Reads up to the next step. Leaves out what has not been read of the last one.
    ///
    /// # Errors
    /// Those of reading and of the file, a wrong checksum included.
    pub fn step(&mut self) -> Result<Step, WalkError> {
        self.pass(&mut ())?;
        if !self.prefixed {
            self.head.prefixes.clear();
            (self.head.expires_at_ms, self.head.metadata) = (None, 0);
            self.head.offset = self.input.offset();
            self.input.record = self.head.offset;
            if let Some(end) = self.end.filter(|end| self.head.offset >= *end) {
                return if self.head.offset == end {
                    Ok(Step::End)
                } else {
                    Err(beyond(end, self.head.offset))
                };
            }
        }
        let mut ignored = ();
        let mut body = Body::new(&mut self.input, &mut ignored);
        body.cut()?;
        let step = loop {
            let id = body.byte()?;
            let templated = self.header.may_have_templates();
            if templated && id == TEMPLATE {
                self.templates.read(&mut body)?;
                break Step::Template;
            }
            let with_template = || ValueType::with_template(id).filter(|_| templated);
            if let Some(value_type) = ValueType::of(id, self.header.magic).or_else(with_template) {
                let Head { key, raw_key, .. } = &mut self.head;
                body.read_key(key, raw_key)?;
                self.head.value_type = value_type;
                (self.pending, self.prefixed) = (Pending::Value, false);
                break Step::Record;
            }
            let Some(opcode) = Opcode::of(id, self.header.magic) else {
                let newer = self.header.is_newer();
                let stop = unknown(id, self.header.magic, newer).err();
                return Err(stop.map_or_else(
                    || WalkError::Io(io::ErrorKind::InvalidData.into()),
                    |stop| broken(stop, self.input.record),
                ));
            };
            let prefixes = &mut self.head.prefixes;
            match opcode {
                Opcode::ExpireTime => {
                    let seconds: [u8; 4] = body.array()?;
                    prefixes.push(id);
                    prefixes.extend(seconds);
                    self.head.expires_at_ms = Some(i64::from(i32::from_le_bytes(seconds)) * 1000);
                }
                Opcode::ExpireTimeMs => {
                    let at: [u8; 8] = body.array()?;
                    prefixes.push(id);
                    prefixes.extend(at);
                    self.head.expires_at_ms = Some(i64::from_le_bytes(at)).filter(|at| *at != -1);
                }
                Opcode::Idle => {
                    prefixes.push(id);
                    body.stored_number(prefixes)?;
                }
                Opcode::Freq => prefixes.extend([id, body.byte()?]),
                Opcode::EnterpriseRamLru | Opcode::EnterpriseSlot => drop(body.number()?),
                Opcode::KeyMetadata => {
                    let classes = body.count(5)?;
                    for _ in 0..classes {
                        body.skip(4)?;
                        body.module_parts()?;
                    }
                    self.head.metadata += classes;
                }
                Opcode::Eof => {
                    let crc = body.crc();
                    if let Some(end) = self.end {
                        return Err(beyond(end, self.head.offset));
                    }
                    if self.start == 0 && self.header.version >= FIRST_VERSION_WITH_CRC {
                        self.check_crc(crc)?;
                    }
                    break Step::End;
                }
                Opcode::SelectDb => {
                    self.head.database = body.number()?;
                    break Step::Database(self.head.database);
                }
                Opcode::ResizeDb => break Step::Announced(body.number()?, body.number()?),
                Opcode::Aux => {
                    body.read_text(&mut self.aux.0, MAX_WALKED_KEY_BYTES)?;
                    body.read_text(&mut self.aux.1, MAX_WALKED_KEY_BYTES)?;
                    break Step::Aux;
                }
                Opcode::ModuleAux => {
                    let module = body.number()?;
                    body.number()?;
                    body.number()?;
                    body.module_parts()?;
                    break Step::ModuleAux(module);
                }
                Opcode::Functions => {
                    self.pending = Pending::Functions;
                    break Step::Functions;
                }
                Opcode::FunctionsPreGa => {
                    self.pending = Pending::FunctionsPreGa;
                    break Step::FunctionsPreGa;
                }
                Opcode::SlotInfo => {
                    for _ in 0..3 {
                        body.number()?;
                    }
                    break Step::SlotInfo;
                }
                Opcode::SlotImport => {
                    body.text()?;
                    for _ in 0..2 * body.count(2)?.min(1 << 15) {
                        body.number()?;
                    }
                    break Step::SlotImport;
                }
            }
            self.prefixed = true;
        };
        // What follows belongs to the step, and may be passed on.
        Body::new(&mut self.input, &mut ignored).uncut();
        Ok(step)
    }

    fn check_crc(&mut self, crc: u64) -> Result<(), WalkError> {
        let mut ignored = ();
        let stored = u64::from_le_bytes(Body::new(&mut self.input, &mut ignored).array()?);
        if stored == 0 || stored == crc {
            return Ok(());
        }
        let message = format!("the checksum is {stored:016x}, that of the bytes {crc:016x}");
        Err(WalkError::Broken { code: FaultCode::CrcMismatch, offset: self.input.record, message })
    }
}

/// The magic, the version and the letters of both at the start of a file.
pub fn header_bytes(magic: Magic, version: u32) -> [u8; HEADER_BYTES] {
    let header = Header { version, magic, ..Header::default() };
    let mut bytes = [0; HEADER_BYTES];
    for (place, byte) in bytes.iter_mut().zip(header.name().bytes()) {
        *place = byte;
    }
    bytes
}

/// The name of the module type with this id: nine characters.
pub fn name_of_module(id: u64) -> String {
    module_name(id)
}

/// Appends a number in the encoding of lengths.
pub fn push_number(out: &mut Vec<u8>, number: u64) {
    match number {
        0..0x40 => out.push(number as u8),
        0x40..0x4000 => out.extend((0x4000 | number as u16).to_be_bytes()),
        0x4000..0x1_0000_0000 => {
            out.push(0x80);
            out.extend((number as u32).to_be_bytes());
        }
        _ => {
            out.push(0x81);
            out.extend(number.to_be_bytes());
        }
    }
}

#[cold]
fn beyond(end: u64, offset: u64) -> WalkError {
    let message = format!("no record begins at offset {end}, where one began before");
    WalkError::Broken { code: FaultCode::Truncated, offset, message }
}

fn broken(stop: Stop, offset: u64) -> WalkError {
    match stop {
        Stop::Broken(broken) => WalkError::Broken { code: broken.code, offset, message: broken.message },
        Stop::More(_) => truncated(offset),
    }
}

#[cold]
fn truncated(offset: u64) -> WalkError {
    let message = "the file ends inside a record".to_owned();
    WalkError::Broken { code: FaultCode::Truncated, offset, message }
}
