//! The bytes of each slot's keys and values, added up while a file is read. The tables of keys and expiries are not
//! included: they depend on the total number of keys.

use rdb_scan::{
    Encoding, Expiry, KeyPiece, Kind as ValueKind, Length, Mark, PackedPiece, Piece, Pieces, SLOTS, Scales,
    ValueType, Weigher, Whole,
};
use serde::{Deserialize, Serialize};

use crate::{
    engine::settings::{Settings, Thresholds},
    values::{
        costs::{Costs, Kind},
        functions::FunctionCosts,
        keys::{OBJECT_BYTES, Strings},
        lists::List,
        rows::Rows,
        streams::{Stream, StreamCosts},
    },
};

impl Scales for Settings {
    fn id(&self) -> String {
        Self::id(self)
    }

    fn whole(&self) -> Whole {
        let Thresholds { hash_entries, set_entries, zset_entries, set_intset_entries, .. } = self.thresholds;
        Whole { hash: hash_entries, set: set_entries, zset: zset_entries, intset: set_intset_entries }
    }

    fn weigher(&self) -> Box<dyn Weigher> {
        Box::new(Weighing::new(*self))
    }
}

/// Weighs one part of a file.
struct Weighing {
    settings: Settings,
    /// Indexed by [`Encoding::index`].
    forms: [Form; Encoding::COUNT],
    strings: Strings,
    costs: Costs,
    stream_costs: StreamCosts,
    function_costs: FunctionCosts,
    slots: Box<[u64]>,
    /// The memory of function libraries.
    everywhere: u64,
    value: Value,
    /// The mark of the value that is being read.
    mark: Option<Mark>,
    /// The weights that are asked for.
    marked: Vec<(Mark, u64)>,
}

/// The value that is being read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Value {
    form: Form,
    elements: u64,
    /// Whether it is a table that may be packed once loaded.
    small: bool,
    /// The size of a packed collection in the file, and that of a ziplist once it is converted.
    packed: u64,
    repacked: Option<u64>,
    rows: Rows,
    list: List,
    stream: Option<Box<Stream>>,
}

/// How the file stores a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Form {
    /// Something that no engine here has.
    #[default]
    Other,
    /// Row by row.
    Rows(Kind),
    /// One packed collection of rows.
    Packed(Kind),
    Intset,
    /// Nodes, or items one by one; whether a small list is converted to a listpack, and whether the nodes are ziplists.
    List {
        converts: bool,
        ziplists: bool,
    },
    Stream,
}

impl Form {
    fn of(encoding: Encoding) -> Self {
        let Encoding::Value(value_type) = encoding else { return Self::Other };
        let kind = match value_type.kind() {
            ValueKind::Set => Kind::Set,
            ValueKind::Hash => Kind::Hash,
            ValueKind::Zset => Kind::Zset,
            ValueKind::List => {
                return Self::List {
                    converts: value_type != ValueType::ListZiplist,
                    ziplists: matches!(value_type, ValueType::ListZiplist | ValueType::ListQuicklistZiplist),
                };
            }
            ValueKind::Stream => return Self::Stream,
            _ => return Self::Other,
        };
        if value_type == ValueType::SetIntset {
            Self::Intset
        } else if value_type.is_packed() {
            Self::Packed(kind)
        } else {
            Self::Rows(kind)
        }
    }

    /// The memory of a packed collection of `bytes` bytes in the file, without its object.
    #[inline]
    fn packed(self, rows: &Rows, bytes: u64, elements: u64, settings: &Settings) -> u64 {
        match self {
            Self::Packed(kind) => rows.unpacked(kind, bytes, elements, settings),
            Self::Intset => rows.intset(bytes, elements, settings),
            Self::Other | Self::Rows(_) | Self::List { .. } | Self::Stream => 0,
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
        let mut forms = [Form::Other; Encoding::COUNT];
        for encoding in Encoding::all() {
            forms[encoding.index()] = Form::of(encoding);
        }
        Self {
            settings,
            forms,
            strings: Strings::new(settings.generation, settings.quantum),
            costs: Costs::new(settings),
            stream_costs: StreamCosts::new(settings),
            function_costs: FunctionCosts::new(settings),
            everywhere: 0,
            slots: vec![0; SLOTS].into_boxed_slice(),
            value: Value::default(),
            mark: None,
            marked: Vec::new(),
        }
    }

    #[inline]
    fn add(&mut self, key: KeyPiece, bytes: u64) {
        if let Some(slot) = self.slots.get_mut(usize::from(key.slot)) {
            *slot += bytes;
        }
    }

    /// The bytes of a string with its key; 0 if it is not loaded.
    #[inline]
    fn text(&mut self, key: KeyPiece, value: Length) -> u64 {
        if key.expiry == Expiry::Past {
            return 0;
        }
        let (key_bytes, expires) = (u64::from(key.bytes), key.expiry == Expiry::ToCome);
        if value.is_integer() {
            self.integer(key_bytes, value, expires)
        } else {
            self.strings.bytes(key_bytes, value.bytes(), expires)
        }
    }

    fn integer(&self, key: u64, value: Length, expires: bool) -> u64 {
        let Settings { generation, quantum, shares_integers, .. } = self.settings;
        // A shared integer has no object of its own, unless objects hold their keys.
        let shared = shares_integers && value.is_small_integer() && generation.has_dictionaries();
        let own = if shared { quantum.allocation(OBJECT_BYTES) } else { 0 };
        self.strings.object(key, expires) - own
    }

    fn stream(&mut self, tell: impl FnOnce(&mut Stream, &StreamCosts)) {
        tell(self.value.stream.get_or_insert_default(), &self.stream_costs);
    }

    /// Sets the number of elements, which for a table comes before its rows.
    fn elements(&mut self, elements: u64) {
        self.value.elements = elements;
        if let Form::Rows(kind) = self.value.form {
            self.value.small = Rows::may_be_packed(kind, elements, &self.settings);
        }
    }

    /// Adds a packed collection as stored in the file.
    fn packed(&mut self, bytes: u64) {
        let keeps_ziplists = self.settings.generation.layout().keeps_ziplists;
        match self.value.form {
            Form::Stream => self.stream(|stream, costs| stream.listpack(bytes, costs)),
            Form::List { ziplists, .. } if keeps_ziplists || !ziplists => {
                self.value.list.packed(bytes, &self.settings);
            }
            _ => self.value.packed = bytes,
        }
    }

    /// Adds the size of a ziplist or zipmap once it is converted.
    fn repacked(&mut self, bytes: u64) {
        match self.value.form {
            _ if self.settings.generation.layout().keeps_ziplists => {}
            Form::List { .. } => self.value.list.packed(bytes, &self.settings),
            _ => self.value.repacked = Some(bytes),
        }
    }

    fn end(&mut self, key: KeyPiece) {
        let may_be_empty = !matches!(self.value.form, Form::Other | Form::Stream);
        let is_skipped =
            may_be_empty && self.value.elements == 0 && self.settings.generation.layout().skips_empty;
        let bytes = self.value.end(&self.settings, &self.stream_costs);
        let bytes = if is_skipped { 0 } else { self.with_key(key, bytes) };
        self.add(key, bytes);
        self.marked.extend(self.mark.take().map(|mark| (mark, bytes)));
    }

    /// The bytes of a value that is one packed collection; 0 if it is not loaded.
    fn whole(&self, piece: &PackedPiece) -> u64 {
        if piece.elements == 0 && self.settings.generation.layout().skips_empty {
            return 0;
        }
        let form = self.forms[piece.encoding.index() % Encoding::COUNT];
        let bytes = form.packed(&Rows::default(), piece.bytes, piece.elements, &self.settings);
        self.with_key(piece.key, bytes)
    }

    /// A collection of `bytes` bytes with its key; 0 if it is not loaded.
    #[inline]
    fn with_key(&self, key: KeyPiece, bytes: u64) -> u64 {
        if key.expiry == Expiry::Past {
            return 0;
        }
        bytes + self.strings.object(u64::from(key.bytes), key.expiry == Expiry::ToCome)
    }
}

impl Value {
    /// The bytes of the value, without its object. Resets the value.
    fn end(&mut self, settings: &Settings, stream_costs: &StreamCosts) -> u64 {
        let Self { form, elements, packed, repacked, .. } = *self;
        let bytes = match form {
            Form::Other => 0,
            Form::Rows(kind) => self.rows.loaded(kind, settings),
            Form::Packed(_) | Form::Intset => {
                form.packed(&self.rows, repacked.unwrap_or(packed), elements, settings)
            }
            Form::List { converts, .. } => std::mem::take(&mut self.list).bytes(elements, converts, settings),
            Form::Stream => self.stream.take().unwrap_or_default().bytes(stream_costs),
        };
        (self.form, self.elements, self.small, self.packed, self.repacked) = (Form::Other, 0, false, 0, None);
        if !self.rows.is_empty() {
            self.rows = Rows::default();
        }
        bytes
    }
}

impl Weigher for Weighing {
    fn weigh(&mut self, pieces: &Pieces) {
        for (key, value) in pieces.strings() {
            let bytes = self.text(*key, *value);
            self.add(*key, bytes);
        }
        for piece in pieces.packed() {
            let bytes = self.whole(piece);
            self.add(piece.key, bytes);
        }
        for (mark, key, value) in pieces.marked_strings() {
            let bytes = self.text(key, value);
            self.marked.push((mark, bytes));
        }
        for (mark, piece) in pieces.marked_packed() {
            let bytes = self.whole(piece);
            self.marked.push((mark, bytes));
        }
        for piece in pieces.list() {
            match *piece {
                Piece::Rows(places) => {
                    let (kind, small) = (self.value.form.kind(), self.value.small);
                    self.value.rows.add(kind, pieces.rows(places), small, &self.costs);
                }
                Piece::Members => {
                    let (kind, small) = (self.value.form.kind(), self.value.small);
                    self.value.rows.add_members(kind, pieces.members(), small, &self.costs);
                }
                Piece::ExpiringRow(row) => self.value.rows.add_expiring(row, &self.costs),
                Piece::FieldExpiry(at_ms) => self.value.rows.add_expiry(at_ms),
                Piece::Begin(encoding) => self.value.form = self.forms[encoding.index() % Encoding::COUNT],
                Piece::Marked(mark) => self.mark = Some(mark),
                Piece::End(key) => self.end(key),
                Piece::Elements(elements) => self.elements(elements),
                Piece::Packed(bytes) => self.packed(bytes),
                Piece::Repacked(bytes) => self.repacked(bytes),
                Piece::Plain(bytes) => self.value.list.plain(bytes, &self.settings),
                Piece::Item(length) => self.value.list.item(length, &self.settings),
                Piece::StreamNode(id) => {
                    self.stream(|stream, costs| stream.node(pieces.text(id), costs));
                }
                Piece::Group(name) => {
                    self.stream(|stream, costs| stream.group(pieces.text(name), costs));
                }
                Piece::Pending(ids) => {
                    self.stream(|stream, costs| stream.pending(pieces.text(ids), costs));
                }
                Piece::Consumer(name) => {
                    self.stream(|stream, costs| stream.consumer(pieces.text(name), costs));
                }
                Piece::Owned(ids) => self.stream(|stream, costs| stream.owned(pieces.text(ids), costs)),
                Piece::Beyond(bytes) => self.value.rows.add_beyond(bytes),
                _ => {}
            }
        }
    }

    fn marked(&mut self, tell: &mut dyn FnMut(Mark, u64)) {
        for (mark, bytes) in self.marked.drain(..) {
            tell(mark, bytes);
        }
    }

    fn library(&mut self, code_bytes: u64) {
        self.everywhere = self.everywhere.saturating_add(self.function_costs.library(code_bytes));
    }

    fn functions(&mut self, registered: u64) {
        self.everywhere = self.everywhere.saturating_add(self.function_costs.functions(registered));
    }

    fn take_everywhere(&mut self) -> u64 {
        std::mem::take(&mut self.everywhere)
    }

    fn take(&mut self) -> Vec<(u16, u64)> {
        self.value = Value::default();
        self.mark = None;
        let slots = (0..).zip(self.slots.iter_mut()).filter(|(_, bytes)| **bytes > 0);
        slots.map(|(slot, bytes)| (slot, std::mem::take(bytes))).collect()
    }

    fn suspend(&mut self) -> String {
        // Numbers and lists of numbers can always be serialized.
        serde_json::to_string(&std::mem::take(&mut self.value)).unwrap_or_default()
    }

    fn resume(&mut self, known: &str) {
        self.value = serde_json::from_str(known).unwrap_or_default();
    }
}
