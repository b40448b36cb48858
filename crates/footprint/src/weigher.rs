//! The bytes of each slot's keys and values, added up while a file is read. What tables take is not in them: that
//! depends on how many keys there are in all.
use rdb_scan::{
    Encoding, Expiry, KeyPiece, Kind as ValueKind, Length, Piece, Pieces, SLOTS, Scales, Weigher,
};
use serde::{Deserialize, Serialize};

use crate::allocator::Quantum;
use crate::generation::Generation;
use crate::lists::List;
use crate::rows::{Costs, Kind, Rows, intset};
use crate::settings::Settings;
use crate::streams::Stream;
use crate::strings::{object, string};
use crate::tables::ENTRY_BYTES;

impl Scales for Settings {
    fn id(&self) -> String {
        Self::id(self)
    }

    fn weigher(&self) -> Box<dyn Weigher> {
        Box::new(Weighing::new(*self))
    }
}

/// Weighs one part of a file.
struct Weighing {
    settings: Settings,
    costs: Costs,
    slots: Vec<u64>,
    value: Value,
}

/// The value that is being read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Value {
    form: Form,
    elements: u64,
    /// The bytes of a packed collection as it is in the file, and of what a ziplist becomes.
    packed: u64,
    repacked: Option<u64>,
    rows: Rows,
    list: List,
    stream: Stream,
}

/// How the file holds a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Form {
    /// Something that no engine here holds.
    #[default]
    Other,
    /// Row by row.
    Rows(Kind),
    /// One packed collection of rows.
    Packed(Kind),
    Intset,
    /// Nodes, or items one by one; whether a small list becomes a listpack then, and whether the nodes are ziplists.
    List {
        converts: bool,
        ziplists: bool,
    },
    Stream,
}

impl Form {
    fn of(encoding: Encoding) -> Self {
        let kind = match encoding.kind() {
            ValueKind::Set => Kind::Set,
            ValueKind::Hash => Kind::Hash,
            ValueKind::Zset => Kind::Zset,
            ValueKind::List => {
                let ziplists = encoding.name().ends_with("ziplist");
                return Self::List { converts: encoding.name() != "ziplist", ziplists };
            }
            ValueKind::Stream => return Self::Stream,
            _ => return Self::Other,
        };
        match encoding.name() {
            "intset" => Self::Intset,
            "listpack" | "ziplist" | "zipmap" | "listpack-expiry" => Self::Packed(kind),
            _ => Self::Rows(kind),
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Rows(kind) | Self::Packed(kind) => kind,
            _ => Kind::Set,
        }
    }
}

impl Weighing {
    fn new(settings: Settings) -> Self {
        Self { settings, costs: Costs::new(settings), slots: vec![0; SLOTS], value: Value::default() }
    }

    #[inline]
    fn add(&mut self, key: KeyPiece, bytes: u64) {
        if let Some(slot) = self.slots.get_mut(usize::from(key.slot)) {
            *slot += bytes;
        }
    }

    #[inline]
    fn text(&mut self, key: KeyPiece, value: Length) {
        if key.expiry == Expiry::Past {
            return;
        }
        let Settings { generation, quantum, shares_integers, .. } = self.settings;
        let expires = key.expiry == Expiry::ToCome;
        let key_bytes = u64::from(key.bytes);
        let mut bytes = if value.is_integer() {
            // A shared integer of an older server is no object of its own.
            let shared = shares_integers && value.is_small_integer() && generation < Generation::Valkey81;
            object(generation, quantum, key_bytes, expires) - if shared { quantum.allocation(16) } else { 0 }
        } else {
            string(generation, quantum, key_bytes, value.bytes(), expires)
        };
        bytes += entries(generation, quantum, key_bytes, expires);
        self.add(key, bytes);
    }

    /// A packed collection as it is in the file.
    fn packed(&mut self, bytes: u64) {
        let keeps_ziplists = self.settings.generation == Generation::Redis6;
        match self.value.form {
            Form::Stream => self.value.stream.listpack(bytes, &self.settings),
            Form::List { ziplists, .. } if keeps_ziplists || !ziplists => {
                self.value.list.packed(bytes, &self.settings);
            }
            _ => self.value.packed = bytes,
        }
    }

    /// What a ziplist or zipmap becomes.
    fn repacked(&mut self, bytes: u64) {
        match self.value.form {
            _ if self.settings.generation == Generation::Redis6 => {}
            Form::List { .. } => self.value.list.packed(bytes, &self.settings),
            _ => self.value.repacked = Some(bytes),
        }
    }

    fn end(&mut self, key: KeyPiece) {
        let value = std::mem::take(&mut self.value);
        if key.expiry == Expiry::Past {
            return;
        }
        let Settings { generation, quantum, .. } = self.settings;
        let (key_bytes, expires) = (u64::from(key.bytes), key.expiry == Expiry::ToCome);
        let bytes = value.bytes(&self.settings)
            + object(generation, quantum, key_bytes, expires)
            + entries(generation, quantum, key_bytes, expires);
        self.add(key, bytes);
    }
}

/// A key's entry in the table of keys, and in that of expiries.
#[inline]
fn entries(generation: Generation, quantum: Quantum, key: u64, expires: bool) -> u64 {
    if !generation.has_dictionaries() {
        return 0;
    }
    let entry = if generation == Generation::Valkey8 {
        // The key is in the entry, behind value, next and the length of its header (`embeddedDictEntry`).
        quantum.allocation(17 + crate::strings::sds(key))
    } else {
        quantum.allocation(ENTRY_BYTES)
    };
    entry + if expires { quantum.allocation(ENTRY_BYTES) } else { 0 }
}

impl Value {
    fn bytes(self, settings: &Settings) -> u64 {
        match self.form {
            Form::Other => 0,
            Form::Rows(kind) => self.rows.loaded(kind, settings),
            Form::Packed(kind) => self.rows.unpacked(kind, self.repacked.unwrap_or(self.packed), settings),
            Form::Intset => intset(self.packed, self.elements, settings),
            Form::List { converts, .. } => self.list.bytes(self.elements, converts, settings),
            Form::Stream => self.stream.bytes(settings),
        }
    }
}

impl Weigher for Weighing {
    fn weigh(&mut self, pieces: &Pieces) {
        let mut rest = pieces.list();
        while let Some((piece, behind)) = rest.split_first() {
            rest = behind;
            match *piece {
                Piece::Text { key, value } => self.text(key, value),
                Piece::Row { .. } => {
                    let kind = self.value.form.kind();
                    let mut rows = self.value.rows;
                    let mut next = Some(piece);
                    while let Some(&Piece::Row { member, value, expires }) = next {
                        rows.add(kind, member, value, expires, &self.costs);
                        next = rest.first();
                        if let Some(Piece::Row { .. }) = next {
                            rest = &rest[1..];
                        }
                    }
                    self.value.rows = rows;
                }
                Piece::Begin(encoding) => self.value = Value { form: Form::of(encoding), ..Value::default() },
                Piece::End(key) => self.end(key),
                Piece::Elements(elements) => self.value.elements = elements,
                Piece::Packed(bytes) => self.packed(bytes),
                Piece::Repacked(bytes) => self.repacked(bytes),
                Piece::Plain(bytes) => self.value.list.plain(bytes, &self.settings),
                Piece::Item(length) => self.value.list.item(length, &self.settings),
                Piece::StreamNode(id) => self.value.stream.node(pieces.text(id), &self.settings),
                Piece::Group(name) => self.value.stream.group(pieces.text(name), &self.settings),
                Piece::Pending(id) => self.value.stream.pending(pieces.text(id), &self.settings),
                Piece::Consumer(name) => self.value.stream.consumer(pieces.text(name), &self.settings),
                Piece::Owned(id) => self.value.stream.owned(pieces.text(id), &self.settings),
                Piece::Beyond(bytes) => self.value.rows.add_beyond(bytes),
                _ => {}
            }
        }
    }

    fn take(&mut self) -> Vec<(u16, u64)> {
        self.value = Value::default();
        let slots = (0..).zip(&mut self.slots).filter(|(_, bytes)| **bytes > 0);
        slots.map(|(slot, bytes)| (slot, std::mem::take(bytes))).collect()
    }

    fn suspend(&mut self) -> String {
        // Numbers and lists of them can always be written.
        serde_json::to_string(&std::mem::take(&mut self.value)).unwrap_or_default()
    }

    fn resume(&mut self, known: &str) {
        self.value = serde_json::from_str(known).unwrap_or_default();
    }
}
