//! The record loop: opcodes and keys, one after the other, as far as the bytes in memory reach.

mod ahead;
mod contents;
mod duplicates;
mod group;
mod ids;
mod key;
mod module;
mod opcode;
mod prefixes;
mod rows;
mod stream;
pub(crate) mod stretch;
mod stretch_ends;
mod table;
mod tell;
pub(crate) mod template;
mod templated;
mod text;
mod value;
pub(crate) mod visit;

use ahead::Then;
use key::KeyFacts;
use module::Module;
pub(crate) use module::module_name;
pub(crate) use opcode::unknown;
use serde::{Deserialize, Serialize};
use stretch::Notes;
use tell::string_length;
use template::Templates;
use text::{Closed, Open, Resumable, Shared};
use value::Value;

use crate::{
    bytes::{
        cursor::Cursor,
        stop::{Broken, Result, Stop},
    },
    fault::HazardCode,
    format::{
        Magic,
        opcode::Opcode,
        value_type::{Encoding, TextForm, ValueType},
    },
    pieces::{Length, Piece, Whole},
    scan::visit::{Record, Visitor},
};

/// The state of a scan between two calls, and its visitor.
pub(crate) struct Scan<V> {
    pub(crate) visitor: V,
    pub(crate) magic: Magic,
    /// Whether the file's version is newer than the known ones, so that an unknown record is no damage.
    pub(crate) newer: bool,
    /// The database of the next record, if it is known.
    pub(crate) database: Option<u64>,
    /// Keys read so far.
    pub(crate) keys: u64,
    phase: Phase,
    current: Current,
    shared: Shared,
    // The first bytes of the current key. They may not be in memory otherwise.
    key: Vec<u8>,
    /// Whether faults and hazards may name keys.
    show_keys: bool,
    /// In pieces, keys with an expiry before this time, in milliseconds, have expired.
    expired_before_ms: i64,
    /// What is noted of stretches; none if no types are copied.
    notes: Option<Box<Notes>>,
    /// Whether a template is a fault.
    refuses_templates: bool,
    /// Whether the current record cannot be copied as it is: more belongs to it than key, value, expiry and idle time,
    /// or the scan began inside it.
    mixed: bool,
}

/// The place inside a record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Phase {
    /// Between two records.
    #[default]
    Boundary,
    /// After something that precedes the type.
    Prefixes,
    /// In metadata that modules attach to a key: the number of classes still to come, and the current one.
    Metadata(u64, Module),
    /// Inside a key.
    Key,
    /// After a key.
    ValueBegin,
    Value(Value),
    ModuleAux(Module),
    /// Inside the last string of an opcode's record.
    Opcode,
    /// In a template, with this many fields to come.
    Template {
        id: u64,
        left: u64,
    },
}

/// The current record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Current {
    offset: u64,
    expires_at_ms: Option<i64>,
    value_type: ValueType,
    key: KeyFacts,
    value_start: u64,
    /// The length of a string value, and how the file stores it.
    text: Length,
    #[serde(default)]
    text_form: TextForm,
    /// The opcode of Redis Enterprise before the key, or 0.
    #[serde(default)]
    foreign: u8,
    /// The time since the key was last used, in seconds.
    #[serde(default)]
    idle_seconds: Option<u64>,
    /// Whether a prefix of the next key has been read. It holds across everything that precedes the key.
    #[serde(default)]
    prefixed: bool,
    /// Whether the key has been read, so that a fault can name it.
    key_known: bool,
    broken: bool,
}

/// The state inside a record, as stored in a position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Inside {
    phase: Phase,
    current: Current,
    open: Option<Resumable>,
    #[serde(with = "crate::bytes::encoded::bytes")]
    key: Vec<u8>,
    /// What weighers know about this value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    weighed: Vec<String>,
}

/// Why a scan returned.
#[derive(Debug)]
pub(crate) enum Advance {
    /// At least this many bytes are needed from the last committed position on.
    More(usize),
    /// The next record begins at or after the limit.
    Boundary,
    /// The end mark was read.
    End,
    /// Nothing after this can be trusted.
    Broken(Box<Broken>),
}

impl<V: Visitor> Scan<V> {
    pub(crate) fn new(visitor: V, magic: Magic, database: Option<u64>, show_keys: bool) -> Self {
        Self {
            visitor,
            magic,
            newer: false,
            database,
            keys: 0,
            phase: Phase::Boundary,
            current: Current::default(),
            shared: Shared::default(),
            key: Vec::new(),
            show_keys,
            expired_before_ms: i64::MIN,
            notes: None,
            refuses_templates: false,
            mixed: false,
        }
    }

    /// Hashes may refer to these templates; none if the file has none, or they are not known.
    pub(crate) fn know_templates(&mut self, templates: Option<&Templates>) {
        self.shared.templates = templates.cloned();
    }

    /// The templates of the file, as far as it has been read.
    pub(crate) fn templates(&self) -> Option<Templates> {
        self.shared.templates.as_ref().map(|templates| templates.after(self.keys))
    }

    /// Starts to report the pieces of values.
    pub(crate) fn tell_pieces(&mut self, now_ms: u64, whole: Whole) {
        // 0 means that no time is known.
        self.expired_before_ms = if now_ms > 0 { now_ms.cast_signed() } else { i64::MIN };
        self.shared.seen.pieces.switch_on(whole);
    }

    /// Stops comparing the members of values.
    pub(crate) fn compare_nothing(&mut self) {
        self.shared.seen.members.switch_off();
    }

    /// Drops the current record and the database.
    pub(crate) fn restart(&mut self) {
        self.phase = Phase::Boundary;
        self.mixed = false;
        self.database = None;
        self.shared.open = None;
        self.shared.flaw = None;
        self.shared.seen.members.end();
        self.shared.seen.field_expires = 0;
        self.shared.seen.stream_state = 0;
        self.shared.seen.contradictions.take();
        self.shared.seen.pieces.clear();
    }

    /// The key of the current record, once it has been read.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        (self.phase != Phase::Boundary && self.current.key_known).then_some(&self.key)
    }

    /// Continues inside a record.
    pub(crate) fn resume(&mut self, inside: Inside) {
        self.phase = inside.phase;
        self.mixed = true;
        self.current = inside.current;
        self.key = inside.key;
        self.visitor.resume(&inside.weighed);
        self.shared.open = inside.open.map(|open| match open {
            Resumable::Raw(left) => Open::Raw(left),
            Resumable::Lzf(tokens) => Open::Lzf(tokens),
        });
    }

    /// What is needed to continue later from the last committed position; none if that is not possible here.
    pub(crate) fn inside(&mut self) -> Option<Inside> {
        let open = match &self.shared.open {
            None => None,
            Some(Open::Raw(left)) => Some(Resumable::Raw(*left)),
            Some(Open::Lzf(tokens)) => Some(Resumable::Lzf(*tokens)),
            Some(Open::Packed(_) | Open::Key(_)) => return None,
        };
        let comparing = matches!(&self.phase, Phase::Value(value) if value.is_comparing());
        // Whoever continues reads whole templates from the head.
        let in_template = matches!(self.phase, Phase::Template { .. });
        let noted = self.shared.flaw.is_some() || !self.shared.seen.contradictions.is_empty();
        if comparing || in_template || matches!(self.phase, Phase::Key) || noted {
            return None;
        }
        let fields = std::mem::take(&mut self.shared.seen.field_expires);
        self.visitor.field_expires(fields);
        let state = std::mem::take(&mut self.shared.seen.stream_state);
        self.visitor.stream_state(state);
        self.flush_pieces();
        let weighed = self.visitor.suspend();
        Some(Inside {
            phase: self.phase.clone(),
            current: self.current.clone(),
            open,
            key: self.key.clone(),
            weighed,
        })
    }

    /// Whether the next byte begins a record.
    pub(crate) fn is_at_boundary(&self) -> bool {
        self.phase == Phase::Boundary
    }

    /// The offset of the current record.
    pub(crate) fn record_offset(&self) -> u64 {
        self.current.offset
    }

    /// Reads as far as the bytes reach, up to the first record that begins at or after `limit`.
    pub(crate) fn advance(&mut self, cursor: &mut Cursor<'_>, limit: u64) -> Advance {
        loop {
            let step = if self.shared.open.is_some() {
                self.close(cursor)
            } else if self.phase == Phase::Boundary {
                if cursor.offset() >= limit {
                    self.flush_pieces();
                    return Advance::Boundary;
                }
                self.record(cursor)
            } else {
                self.go_on(cursor)
            };
            match step {
                Ok(true) => {}
                Ok(false) => {
                    self.flush_pieces();
                    return Advance::End;
                }
                Err(Stop::More(bytes)) => return Advance::More(bytes),
                Err(Stop::Broken(broken)) => return Advance::Broken(broken),
            }
        }
    }

    /// Reads a record from its start. Returns false at the end mark.
    #[inline]
    fn record(&mut self, cursor: &mut Cursor<'_>) -> Result<bool> {
        let offset = cursor.offset();
        self.current.offset = offset;
        (self.current.key_known, self.current.foreign, self.current.prefixed) = (false, 0, false);
        self.current.idle_seconds = None;
        let mut opcode = cursor.u8()?;
        let mut expires_at_ms = None;
        if opcode == Opcode::ExpireTimeMs.id() {
            expires_at_ms = expiry(i64::from_le_bytes(cursor.array()?));
            opcode = cursor.u8()?;
        }
        // The fast path: most records are strings that are entirely in memory.
        let plain = if opcode == ValueType::String.id() { cursor.plain() } else { None };
        let Some(text) = plain else {
            (self.current.expires_at_ms, self.current.prefixed) = (expires_at_ms, expires_at_ms.is_some());
            return self.prefixes(cursor, opcode);
        };
        let value_start = cursor.offset();
        let value = match self.shared.pass(cursor, Then::Record) {
            Ok(value) => value,
            Err(stop) => {
                self.keep_key(text, KeyFacts::of(text));
                if matches!(stop, Stop::Broken(_)) {
                    return Err(stop);
                }
                // The key is done, just as if it had come before the value was in memory.
                self.current.expires_at_ms = expires_at_ms;
                self.current.value_type = ValueType::String;
                self.phase = Phase::ValueBegin;
                cursor.go_back(value_start);
                cursor.commit();
                return Ok(true);
            }
        };
        let facts = KeyFacts::of(text);
        let length = self.string_length(value, cursor);
        if self.shared.open.is_some() || self.shared.flaw.is_some() {
            self.keep_key(text, facts);
            self.current = Current {
                offset,
                expires_at_ms,
                value_type: ValueType::String,
                key: facts,
                value_start,
                text: length,
                text_form: value::text_form(value),
                foreign: 0,
                idle_seconds: None,
                prefixed: false,
                key_known: true,
                broken: false,
            };
            self.phase = Phase::Value(Value::string());
            cursor.commit();
            return Ok(true);
        }
        let record = Record {
            span: offset..cursor.offset(),
            raw: cursor.from(offset),
            value_start,
            type_id: opcode,
            database: self.database,
            key: text,
            key_bytes: facts.bytes,
            key_hash: facts.hash,
            slot: facts.slot,
            expires_at_ms,
            idle_seconds: None,
            encoding: Encoding::String(value::text_form(value)),
            elements: 1,
        };
        self.visitor.record(&record);
        let mark = self.visitor.mark(&record);
        self.push_string(facts, expires_at_ms, length, mark);
        self.keys += 1;
        cursor.commit();
        Ok(true)
    }

    fn value_begin(&mut self, cursor: &mut Cursor<'_>) -> Result<bool> {
        self.phase = Phase::ValueBegin;
        self.current.value_start = cursor.offset();
        cursor.commit();
        let Self { current, shared, .. } = self;
        let mut value = match current.value_type {
            ValueType::String => {
                let text = shared.pass(cursor, Then::Record)?;
                current.text =
                    if shared.seen.pieces.is_on() { string_length(text, cursor) } else { text.length() };
                current.text_form = value::text_form(text);
                Value::string()
            }
            value_type => {
                let before = shared.seen.pieces.begin(Encoding::Value(value_type));
                match Value::begin(cursor, value_type, shared) {
                    Ok(value) => value,
                    Err(stop) => {
                        shared.seen.pieces.undo(before);
                        return Err(stop);
                    }
                }
            }
        };
        cursor.commit();
        if value.is_table() && !value.has_listed() {
            shared.seen.pieces.push(Piece::Elements(value.elements));
        }
        let step = value.go_on(cursor, shared);
        self.phase = Phase::Value(value);
        step?;
        self.finish_value(cursor);
        Ok(true)
    }

    /// Continues inside a record, with no open string.
    fn go_on(&mut self, cursor: &mut Cursor<'_>) -> Result<bool> {
        match &mut self.phase {
            Phase::Boundary | Phase::Opcode => {
                self.end_opcode(cursor);
                if let Some(flaw) = self.shared.flaw.take() {
                    self.fault(*flaw);
                }
            }
            Phase::Prefixes => {
                let opcode = cursor.u8()?;
                return self.prefixes(cursor, opcode);
            }
            Phase::Metadata(classes, module) => {
                module.go_on(cursor, &mut self.shared)?;
                if module.is_done() {
                    let classes = *classes;
                    return self.metadata(cursor, classes);
                }
            }
            Phase::Key | Phase::ValueBegin => return self.value_begin(cursor),
            Phase::Value(value) => {
                value.go_on(cursor, &mut self.shared)?;
                self.finish_value(cursor);
            }
            Phase::Template { id, left } => {
                let (id, left) = (*id, *left);
                return self.template_fields(cursor, id, left);
            }
            Phase::ModuleAux(module) => {
                module.go_on(cursor, &mut self.shared)?;
                if module.is_done() {
                    let name = module.name();
                    self.visitor.module(&name);
                    self.hazard(HazardCode::ModuleData, format!("auxiliary data of module type {name}"));
                    self.end_opcode(cursor);
                    cursor.commit();
                }
            }
        }
        Ok(true)
    }

    /// Ends the record of an opcode. What precedes the opcode and belongs to the next key still holds: KeyDB writes AUX
    /// fields between a key's expiry and the key, and servers keep the expiry (`rdbLoadRioWithLoadingCtx`).
    fn end_opcode(&mut self, cursor: &Cursor<'_>) {
        if self.current.prefixed {
            self.phase = Phase::Prefixes;
            self.mixed = true;
        } else {
            self.phase = Phase::Boundary;
            self.note_opcode(cursor.offset());
        }
    }

    /// Continues with the open string.
    fn close(&mut self, cursor: &mut Cursor<'_>) -> Result<bool> {
        match (self.shared.go_on(cursor)?, &mut self.phase) {
            (Closed::Packed(elements), Phase::Value(value)) => value.add_elements(elements),
            (Closed::Packed(functions), Phase::Opcode) => self.visitor.functions(functions),
            (Closed::Key(long), _) => {
                self.current.key = long.facts();
                self.current.key_known = true;
                self.key = long.start;
            }
            _ => {}
        }
        if self.shared.seen.pieces.is_full() {
            self.flush_pieces();
        }
        Ok(true)
    }
}

/// An expiry in milliseconds. Servers read -1 as none (`rdbLoadRioWithLoadingCtx`).
#[inline(always)]
fn expiry(at_ms: i64) -> Option<i64> {
    (at_ms != -1).then_some(at_ms)
}
