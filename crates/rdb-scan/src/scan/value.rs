//! Values: every type of the format is walked and checked, in steps that can stop wherever the bytes in memory do.

use serde::{Deserialize, Serialize};

use super::{ahead::Then, module::Module, stream::Stream, table::Table, templated::Templated, text::Shared};
use crate::{
    bytes::{
        cursor::{Cursor, Text},
        stop::{Result, broken},
    },
    fault::FaultCode,
    format::value_type::{Kind, Layout, PackedLayout, TableRow, TextForm, ValueType},
    packed::{MAX_FIELD_EXPIRY_MS, Packing, bad_field_expiry},
    pieces::{Piece, lengths},
};

/// The state of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Value {
    /// Elements so far; for a table, all of them from the start.
    pub(crate) elements: u64,
    shape: ValueShape,
}

/// The state of a value, by layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum ValueShape {
    /// One string or packed collection, which may still be open.
    One,
    List {
        left: u64,
    },
    Table(Table),
    Quicklist {
        left: u64,
        node: u64,
        containers: bool,
    },
    Stream(Box<Stream>),
    Module(Module),
    Array {
        left: u64,
        index: u64,
    },
    Templated(Templated),
    /// As the one before, and its rows have been reported.
    Listed(Templated),
}

impl Value {
    /// A string, which may still be open.
    pub(crate) fn string() -> Self {
        Self { elements: 1, shape: ValueShape::One }
    }

    /// Reads the start of a value that is not a string.
    pub(crate) fn begin(cursor: &mut Cursor<'_>, value_type: ValueType, shared: &mut Shared) -> Result<Self> {
        let shape = match value_type.layout() {
            Layout::Packed(layout) => {
                if let PackedLayout::ListpackWithExpiries { counts_from_least: true } = layout {
                    // Servers ignore the least expiry here: each field has its own.
                    cursor.array::<8>()?;
                }
                let packing = packing(value_type.kind(), layout);
                let elements = shared.packed(cursor, packing, Then::Record)?;
                return Ok(Self { elements, shape: ValueShape::One });
            }
            Layout::Table(row) => {
                let mut least_expiry = 0;
                if let TableRow::ExpiryFieldAndValue { counts_from_least: true } = row {
                    least_expiry = u64::from_le_bytes(cursor.array()?);
                    if least_expiry > MAX_FIELD_EXPIRY_MS + 1 {
                        shared.contain(bad_field_expiry::<()>("the first of the fields", least_expiry))?;
                    }
                }
                let table = Table::begin(cursor, row, least_expiry, shared)?;
                return Ok(Self { elements: table.count(), shape: ValueShape::Table(table) });
            }
            Layout::Text => return Ok(Self::string()),
            Layout::Texts => ValueShape::List { left: cursor.count(1)? },
            Layout::Module => ValueShape::Module(Module::value(cursor)?),
            Layout::Quicklist { containers } => {
                ValueShape::Quicklist { left: cursor.count(1)?, node: 0, containers }
            }
            Layout::Stream(version) => ValueShape::Stream(Box::new(Stream::begin(cursor, version)?)),
            Layout::TemplateListpack => {
                let listed = Templated::listpack(cursor, shared)?;
                return Ok(Self { elements: listed.count(), shape: ValueShape::Listed(listed) });
            }
            Layout::TemplateValues => {
                let templated = Templated::begin(cursor, shared)?;
                return Ok(Self { elements: templated.count(), shape: ValueShape::Templated(templated) });
            }
            Layout::Array => ValueShape::Array { left: array_count(cursor)?, index: 0 },
        };
        Ok(Self { elements: 0, shape })
    }

    /// Reads up to the end, or up to a string that is not complete.
    pub(crate) fn go_on(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<()> {
        match &mut self.shape {
            ValueShape::One | ValueShape::Listed(_) => {}
            ValueShape::Templated(templated) => templated.go_on(cursor, shared)?,
            ValueShape::List { left } => {
                // Strings of a list may be integers, like those of small tables.
                shared.seen.pieces.sorts_integers = shared.seen.pieces.is_on();
                while *left > 0 && !shared.is_interrupted() {
                    let length = shared.measure::<{ lengths::ASK }>(cursor)?;
                    shared.seen.pieces.push(Piece::Item(length));
                    *left -= 1;
                    self.elements += 1;
                    cursor.commit();
                }
            }
            ValueShape::Table(table) => table.go_on(cursor, shared)?,
            ValueShape::Quicklist { left, node, containers } => {
                while *left > 0 && !shared.is_interrupted() {
                    self.elements += quicklist_node(cursor, *node, containers.then_some(*left - 1), shared)?;
                    *left -= 1;
                    *node += 1;
                    cursor.commit();
                }
            }
            ValueShape::Stream(stream) => {
                stream.go_on(cursor, shared)?;
                self.elements = stream.length();
            }
            ValueShape::Module(module) => {
                module.go_on(cursor, shared)?;
                self.elements = 1;
            }
            ValueShape::Array { left, index } => {
                while *left > 0 && shared.open.is_none() {
                    array_element(cursor, *index, shared)?;
                    *left -= 1;
                    *index += 1;
                    self.elements += 1;
                    cursor.commit();
                }
            }
        }
        Ok(())
    }

    /// Whether nothing is left to read, except for an open string.
    pub(crate) fn is_done(&self) -> bool {
        match &self.shape {
            ValueShape::One => true,
            ValueShape::Templated(templated) | ValueShape::Listed(templated) => templated.is_done(),
            ValueShape::List { left }
            | ValueShape::Quicklist { left, .. }
            | ValueShape::Array { left, .. } => *left == 0,
            ValueShape::Table(table) => table.is_done(),
            ValueShape::Stream(stream) => stream.is_done(),
            ValueShape::Module(module) => module.is_done(),
        }
    }

    /// Adds the elements of a packed collection that was open and has ended.
    pub(crate) fn add_elements(&mut self, elements: u64) {
        match &mut self.shape {
            // A stream declares its own number of elements.
            ValueShape::Stream(stream) => stream.add_entries(elements),
            _ => self.elements += elements,
        }
    }

    /// The module, if this is a value of a module.
    pub(crate) fn module(&self) -> Option<&Module> {
        match &self.shape {
            ValueShape::Module(module) => Some(module),
            _ => None,
        }
    }

    /// Whether the value is a table, which has its number of elements at the start.
    #[inline]
    pub(crate) fn is_table(&self) -> bool {
        matches!(self.shape, ValueShape::Table(_) | ValueShape::Templated(_) | ValueShape::Listed(_))
    }

    /// Whether the number of elements and the rows have been reported.
    pub(crate) fn has_listed(&self) -> bool {
        matches!(self.shape, ValueShape::Listed(_))
    }

    /// Whether members are being compared with each other. No position can hold that.
    pub(crate) fn is_comparing(&self) -> bool {
        match &self.shape {
            ValueShape::Table(table) => table.is_compared(),
            ValueShape::Stream(stream) => stream.is_comparing(),
            _ => false,
        }
    }

    /// The number of members that were not compared with each other.
    pub(crate) fn uncompared(&self) -> u64 {
        match &self.shape {
            ValueShape::Table(table) if !table.is_compared() => table.count(),
            _ => 0,
        }
    }
}

/// The packing of a packed collection in a value of this kind.
fn packing(kind: Kind, layout: PackedLayout) -> Packing {
    match (layout, kind) {
        (PackedLayout::Zipmap, _) => Packing::ZipmapHash,
        (PackedLayout::Intset, _) => Packing::IntsetSet,
        (PackedLayout::ListpackWithExpiries { .. }, _) => Packing::ListpackHashWithExpiry,
        (PackedLayout::Ziplist, Kind::Zset) => Packing::ZiplistZset,
        (PackedLayout::Ziplist, Kind::Hash) => Packing::ZiplistHash,
        (PackedLayout::Ziplist, _) => Packing::ZiplistList,
        (PackedLayout::Listpack, Kind::Zset) => Packing::ListpackZset,
        (PackedLayout::Listpack, Kind::Hash) => Packing::ListpackHash,
        (PackedLayout::Listpack, Kind::Set) => Packing::ListpackSet,
        (PackedLayout::Listpack, _) => Packing::ListpackList,
    }
}

/// How the file stores a string.
pub(crate) fn text_form(text: Text) -> TextForm {
    match text {
        Text::Raw(_) => TextForm::Raw,
        Text::Int(_) => TextForm::Int,
        Text::Lzf { .. } => TextForm::Lzf,
    }
}

/// Reads a node of a quicklist. `left` is the number of nodes after it, if nodes have containers.
fn quicklist_node(cursor: &mut Cursor<'_>, node: u64, left: Option<u64>, shared: &mut Shared) -> Result<u64> {
    const PLAIN: u64 = 1;
    const PACKED: u64 = 2;
    let Some(left) = left else {
        return shared.packed(cursor, Packing::ZiplistList, Then::Other);
    };
    match cursor.number()? {
        PLAIN => {
            let text = shared.pass(cursor, Then::Nodes(left))?;
            if let Text::Raw(bytes) | Text::Lzf { unpacked: bytes, .. } = text {
                if bytes == 0 {
                    let message =
                        format!("plain quicklist node {node} has no bytes, which every server refuses");
                    shared.contain(broken::<()>(FaultCode::BadQuicklist, message))?;
                }
                shared.seen.pieces.push(Piece::Plain(bytes));
            }
            Ok(1)
        }
        PACKED => shared.packed(cursor, Packing::ListpackList, Then::Nodes(left)),
        other => {
            let message = format!("quicklist node {node} is in container {other}; expected 1 or 2");
            broken(FaultCode::BadQuicklist, message)
        }
    }
}

fn array_count(cursor: &mut Cursor<'_>) -> Result<u64> {
    let count = cursor.count(3)?;
    match cursor.number()? {
        0 => {}
        1 => {
            cursor.number()?;
        }
        flag => return broken(FaultCode::BadArray, format!("array insert flag is {flag}; expected 0 or 1")),
    }
    Ok(count)
}

fn array_element(cursor: &mut Cursor<'_>, index: u64, shared: &mut Shared) -> Result<()> {
    cursor.number()?;
    match cursor.number()? {
        0 | 3 => shared.pass(cursor, Then::Other).map(drop),
        1 | 2 => cursor.take(8).map(drop),
        tag => broken(FaultCode::BadArray, format!("array element {index} has tag {tag}; expected 0 to 3")),
    }
}
