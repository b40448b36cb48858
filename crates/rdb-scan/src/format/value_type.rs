//! The value types of the format: one table, from which everything about a type is derived.

use serde::{Deserialize, Serialize};

use super::Magic;

/// The data type of a value, as users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A string, an integer or a bitmap.
    String,
    /// A list.
    List,
    /// A set.
    Set,
    /// A sorted set.
    Zset,
    /// A hash.
    Hash,
    /// A stream.
    Stream,
    /// A value that only a module understands.
    Module,
    /// An array (Redis 8.8).
    Array,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::String,
        Self::List,
        Self::Set,
        Self::Zset,
        Self::Hash,
        Self::Stream,
        Self::Module,
        Self::Array,
    ];

    /// The type with a [name](Self::name).
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name that the command `TYPE` returns.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::Zset => "zset",
            Self::Hash => "hash",
            Self::Stream => "stream",
            Self::Module => "module",
            Self::Array => "array",
        }
    }
}

/// The layout of a value's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One string.
    Text,
    /// A count, then that many strings.
    Texts,
    /// A count, then that many rows. If expiries count from the least one, it precedes the count.
    Table(TableRow),
    /// One string that is a packed collection.
    Packed(PackedLayout),
    /// A count, then that many nodes, each preceded by its container if `containers`.
    Quicklist { containers: bool },
    /// A stream in this version of its layout.
    Stream(u8),
    /// The id of a module's type, then what the module wrote.
    Module,
    /// A count, then that many numbered elements.
    Array,
    /// A listpack of a template's number and as many values as it has fields.
    TemplateListpack,
    /// A template's number, then as many strings as it has fields.
    TemplateValues,
}

impl Layout {
    /// Whether a template precedes the keys, without which such a value cannot be read.
    const fn needs_template(self) -> bool {
        matches!(self, Self::TemplateListpack | Self::TemplateValues)
    }
}

/// The row of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum TableRow {
    Member,
    MemberAndValue,
    MemberAndScore,
    /// The score is text. Three lengths mean NaN and the infinities.
    MemberAndTextScore,
    /// Valkey: the expiry has eight bytes, -1 for none.
    FieldValueAndExpiry,
    /// Redis: the expiry is a length, 0 for none.
    ExpiryFieldAndValue {
        /// Whether the least expiry precedes the number of rows, and expiries count from it. Otherwise they are
        /// absolute.
        counts_from_least: bool,
    },
}

impl TableRow {
    /// The fewest bytes that a row takes.
    pub(crate) const fn least_bytes(self) -> u64 {
        match self {
            Self::Member => 1,
            Self::MemberAndValue | Self::MemberAndTextScore => 2,
            Self::ExpiryFieldAndValue { .. } => 3,
            Self::MemberAndScore => 9,
            Self::FieldValueAndExpiry => 10,
        }
    }
}

/// The form of a packed collection that is a whole value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PackedLayout {
    Zipmap,
    Ziplist,
    Intset,
    Listpack,
    /// A listpack in which fields have expiries.
    ListpackWithExpiries {
        /// Whether the least expiry precedes the listpack.
        counts_from_least: bool,
    },
}

macro_rules! value_types {
    ($($id:literal $magic:ident $variant:ident $kind:ident $name:literal $since:literal $layout:expr;)*) => {
        /// The type of a value in the file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[non_exhaustive]
        #[allow(missing_docs, reason = "each is described by kind and name")]
        pub enum ValueType {
            #[default]
            $($variant,)*
        }

        impl ValueType {
            /// All types.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The type's number in the file. Redis and Valkey may use one number for different types.
            pub const fn id(self) -> u8 {
                match self { $(Self::$variant => $id,)* }
            }

            /// The type that this number has under this magic, in any version, unless it refers to a template.
            #[inline]
            pub(crate) const fn of(id: u8, magic: Magic) -> Option<Self> {
                match (id, magic) {
                    $(($id, value_types!(@magic $magic)) if !$layout.needs_template() => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The type that refers to a template and has this number.
            pub(crate) const fn with_template(id: u8) -> Option<Self> {
                match id {
                    $($id if $layout.needs_template() => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The data type, as users see it.
            #[inline]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            /// The type's name in reports, such as `listpack` or `hashtable`. Types of different kinds may share a
            /// name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The RDB version that introduced the type (`rdb.h`).
            pub const fn since(self) -> u32 {
                match self { $(Self::$variant => $since,)* }
            }

            /// The layout of the type's bytes.
            #[inline]
            pub(crate) const fn layout(self) -> Layout {
                match self { $(Self::$variant => $layout,)* }
            }
        }
    };
    (@magic Both) => { Magic::Redis | Magic::Valkey };
    (@magic Redis) => { Magic::Redis };
    (@magic Valkey) => { Magic::Valkey };
}

use Layout::{
    Array, Module, Packed, Quicklist, Stream, Table, TemplateListpack, TemplateValues, Text, Texts,
};
use PackedLayout::{Intset, Listpack, ListpackWithExpiries, Ziplist, Zipmap};
use TableRow::{
    ExpiryFieldAndValue, FieldValueAndExpiry, Member, MemberAndScore, MemberAndTextScore, MemberAndValue,
};

// Sources: rdb.h of Redis 8.10 and Valkey 9.1. 8 is not used; 6 is `ValueType::MODULE_PRE_GA_ID`.
value_types! {
    //  magic  variant              kind   name                since layout
    0   Both   String               String "raw"               1  Text;
    1   Both   ListOfStrings        List   "linkedlist"        1  Texts;
    2   Both   SetTable             Set    "hashtable"         1  Table(Member);
    3   Both   ZsetTableTextScores  Zset   "skiplist-text"     1  Table(MemberAndTextScore);
    4   Both   HashTable            Hash   "hashtable"         1  Table(MemberAndValue);
    5   Both   ZsetTable            Zset   "skiplist"          8  Table(MemberAndScore);
    7   Both   Module               Module "module"            8  Module;
    9   Both   HashZipmap           Hash   "zipmap"            1  Packed(Zipmap);
    10  Both   ListZiplist          List   "ziplist"           1  Packed(Ziplist);
    11  Both   SetIntset            Set    "intset"            1  Packed(Intset);
    12  Both   ZsetZiplist          Zset   "ziplist"           1  Packed(Ziplist);
    13  Both   HashZiplist          Hash   "ziplist"           1  Packed(Ziplist);
    14  Both   ListQuicklistZiplist List   "quicklist-ziplist" 7  Quicklist { containers: false };
    15  Both   Stream1              Stream "listpacks"         9  Stream(1);
    16  Both   HashListpack         Hash   "listpack"          10 Packed(Listpack);
    17  Both   ZsetListpack         Zset   "listpack"          10 Packed(Listpack);
    18  Both   ListQuicklist        List   "quicklist"         10 Quicklist { containers: true };
    19  Both   Stream2              Stream "listpacks-2"       10 Stream(2);
    20  Both   SetListpack          Set    "listpack"          11 Packed(Listpack);
    21  Both   Stream3              Stream "listpacks-3"       11 Stream(3);
    // Redis: hashes of a release candidate of 7.4, which releases refuse.
    22  Redis  HashExpiriesPreGa    Hash   "hashtable-expiry"  12 Table(ExpiryFieldAndValue { counts_from_least: false });
    22  Valkey HashExpiriesValkey   Hash   "hashtable-expiry"  12 Table(FieldValueAndExpiry);
    23  Redis  HashListpackExpiriesPreGa Hash "listpack-expiry" 12 Packed(ListpackWithExpiries { counts_from_least: false });
    24  Redis  HashExpiries         Hash   "hashtable-expiry"  12 Table(ExpiryFieldAndValue { counts_from_least: true });
    25  Redis  HashListpackExpiries Hash   "listpack-expiry"   12 Packed(ListpackWithExpiries { counts_from_least: true });
    26  Redis  Stream4              Stream "listpacks-4"       13 Stream(4);
    27  Redis  Stream5              Stream "listpacks-5"       14 Stream(5);
    28  Redis  Array                Array  "array"             14 Array;
    // Hashes that refer to a template, which precedes the keys. 29 and 31 have the fields in them, for DUMP only.
    30  Redis  HashTemplateListpack Hash   "template-listpack" 15 TemplateListpack;
    32  Redis  HashTemplateValues   Hash   "template-array"    15 TemplateValues;
}

impl ValueType {
    /// The type of module values in release candidates of Redis 4.0, which cannot be walked.
    pub(crate) const MODULE_PRE_GA_ID: u8 = 6;

    /// The highest type number that a record may have without a template.
    pub(crate) const MAX_ID: u8 = Self::highest_id(false);

    /// The highest type number of a record that may refer to a template.
    pub(crate) const MAX_TEMPLATED_ID: u8 = Self::highest_id(true);

    const fn highest_id(with_templates: bool) -> u8 {
        let (mut highest, mut index) = (0, 0);
        while index < Self::ALL.len() {
            let one = Self::ALL[index];
            if one.id() > highest && (with_templates || !one.needs_template()) {
                highest = one.id();
            }
            index += 1;
        }
        highest
    }

    /// Whether values refer to a template.
    #[inline]
    pub(crate) const fn needs_template(self) -> bool {
        self.layout().needs_template()
    }

    /// Whether only a release candidate wrote this type. Releases refuse it.
    pub const fn is_pre_ga(self) -> bool {
        matches!(self, Self::HashExpiriesPreGa | Self::HashListpackExpiriesPreGa)
    }

    /// Whether the whole value is one packed collection.
    pub const fn is_packed(self) -> bool {
        matches!(self.layout(), Layout::Packed(_))
    }

    /// Whether a type has this number under either magic.
    #[inline]
    pub(crate) const fn is_id(id: u8) -> bool {
        Self::of(id, Magic::Redis).is_some() || Self::of(id, Magic::Valkey).is_some()
    }

    /// The lowest RDB version that has this kind and encoding, by their names in reports; 1 if none has.
    pub fn first_version(kind: &str, encoding: &str) -> u32 {
        let named = Self::ALL.iter().filter(|one| one.kind().name() == kind && one.name() == encoding);
        named.map(|one| one.since()).min().unwrap_or(1)
    }
}

/// How the file stores a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TextForm {
    /// As plain bytes.
    #[default]
    Raw,
    /// As an integer.
    Int,
    /// Compressed.
    Lzf,
}

/// The encoding of a value: the form of a string, or the type of any other value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// A string.
    String(TextForm),
    /// Any other value.
    Value(ValueType),
}

impl Encoding {
    const TEXT_FORMS: [TextForm; 3] = [TextForm::Raw, TextForm::Int, TextForm::Lzf];
    /// The number of encodings; greater than every index.
    pub const COUNT: usize = Self::TEXT_FORMS.len() + ValueType::ALL.len();

    /// All encodings.
    pub fn all() -> impl Iterator<Item = Self> {
        let texts = Self::TEXT_FORMS.into_iter().map(Self::String);
        let others = ValueType::ALL.iter().copied().filter(|one| one.kind() != Kind::String);
        texts.chain(others.map(Self::Value))
    }

    /// An index below [`Self::COUNT`].
    #[inline]
    pub const fn index(self) -> usize {
        match self {
            Self::String(form) => form as usize,
            Self::Value(value_type) => Self::TEXT_FORMS.len() + value_type as usize,
        }
    }

    /// The data type of the value.
    #[inline]
    pub const fn kind(self) -> Kind {
        match self {
            Self::String(_) => Kind::String,
            Self::Value(value_type) => value_type.kind(),
        }
    }

    /// The encoding's name in reports, such as `int` or `listpack`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String(TextForm::Raw) => "raw",
            Self::String(TextForm::Int) => "int",
            Self::String(TextForm::Lzf) => "lzf",
            Self::Value(value_type) => value_type.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_that_of_one_type_under_each_magic() {
        for magic in [Magic::Redis, Magic::Valkey] {
            for id in 0..=u8::MAX {
                let found = ValueType::of(id, magic);
                assert!(found.is_none_or(|one| one.id() == id && id <= ValueType::MAX_ID), "{id}");
            }
        }
        assert_eq!(ValueType::of(22, Magic::Valkey), Some(ValueType::HashExpiriesValkey));
        assert_eq!(ValueType::of(24, Magic::Valkey), None);
        assert_eq!(ValueType::of(6, Magic::Redis), None);
    }

    #[test]
    fn every_encoding_has_a_place_of_its_own() {
        let mut places: Vec<_> = Encoding::all().map(Encoding::index).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), Encoding::all().count());
        assert!(places.iter().all(|place| *place < Encoding::COUNT));
    }

    #[test]
    fn a_version_is_known_by_the_names_of_reports() {
        assert_eq!(ValueType::first_version("set", "listpack"), 11);
        assert_eq!(ValueType::first_version("hash", "listpack"), 10);
        assert_eq!(ValueType::first_version("hash", "hashtable"), 1);
        assert_eq!(ValueType::first_version("string", "lzf"), 1);
    }
}
