//! What can be wrong with a file, and what is well-formed but dangerous.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The file is broken at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// What is wrong, for programs.
    pub code: FaultCode,
    /// File offset of the first byte of the record that is broken, its expiry and LRU prefixes included.
    pub offset: u64,
    /// The database that the record belongs to.
    pub database: u64,
    /// The record's key, escaped and cut to 256 bytes; none when keys are hidden or the fault is outside a key.
    pub key: Option<String>,
    /// The exact place, what was expected and what was found; behind a semicolon, what was done to the file, if that
    /// can be seen.
    pub message: String,
    /// What was done to the file, for programs. Known once the whole file has been read: a [`crate::Visitor`] is not
    /// told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

impl Fault {
    /// Stands for the database of a record in a range that does not say which it is, until the range is joined.
    pub const UNKNOWN_DATABASE: u64 = u64::MAX;
}

/// The file is well-formed, but holds something that kills or upsets some servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hazard {
    /// What it is, for programs.
    pub code: HazardCode,
    /// File offset of the record's first byte.
    pub offset: u64,
    /// The database that the record belongs to.
    pub database: u64,
    /// The record's key, escaped and cut to 256 bytes; none when keys are hidden or there is none.
    pub key: Option<String>,
    /// What was found, with its numbers.
    pub message: String,
}

/// An enum of codes that is written in kebab-case everywhere: in JSON, by `as_str` and by `Display`.
macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as it is written in reports, in kebab-case.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

codes! {
    /// What is wrong with a file.
    FaultCode {
        /// The file begins like something else; the message names what, if it is known.
        NotAnRdb = "not-an-rdb",
        /// The file has no bytes.
        EmptyFile = "empty-file",
        /// The file ends inside a record, before its end mark or inside its checksum.
        Truncated = "truncated",
        /// Every record was read, but the checksum is not that of the bytes.
        CrcMismatch = "crc-mismatch",
        /// A version that no known server writes, or a record that came with a version newer than those known here.
        RdbVersionUnknown = "rdb-version-unknown",
        /// A value type that this version of the format does not have.
        UnknownType = "unknown-type",
        /// A record that is neither a key nor a known opcode.
        UnknownOpcode = "unknown-opcode",
        /// A length in no known encoding, or one that the rest of the file cannot hold.
        BadLength = "bad-length",
        /// A compressed string whose tokens do not give what it declares.
        BadLzf = "bad-lzf",
        /// A broken listpack.
        BadListpack = "bad-listpack",
        /// A broken ziplist.
        BadZiplist = "bad-ziplist",
        /// A broken or unordered intset.
        BadIntset = "bad-intset",
        /// A broken zipmap.
        BadZipmap = "bad-zipmap",
        /// A quicklist node in no known container.
        BadQuicklist = "bad-quicklist",
        /// A stream whose parts contradict each other.
        BadStream = "bad-stream",
        /// A sorted set score that is not a number.
        BadScore = "bad-score",
        /// Module data that cannot be walked.
        BadModule = "bad-module",
        /// An array element of no known kind.
        BadArray = "bad-array",
        /// A number out of its range, or where the format has none.
        BadValue = "bad-value",
        /// A record of another product, such as Dragonfly or KeyDB, that cannot be walked; the message names it.
        ForeignRecord = "foreign-record",
    }
}

codes! {
    /// What is well-formed but dangerous.
    HazardCode {
        /// A table size hint for more keys than any server has, which makes some servers allocate until they die.
        HugeResizedb = "huge-resizedb",
        /// A database beyond the 16 that a server has by default.
        DatabaseNumber = "database-number",
        /// A value or auxiliary data of a module, which only loads where the module is.
        ModuleData = "module-data",
        /// A library of functions.
        Functions = "functions",
        /// Bytes after the end, which every server ignores.
        TrailingBytes = "trailing-bytes",
        /// Commands of an append-only file after the end: writes that a restore of the RDB alone loses.
        AofTail = "aof-tail",
        /// A collection without elements, which servers skip.
        EmptyCollection = "empty-collection",
        /// A key that occurs twice in one database: servers panic.
        DuplicateKey = "duplicate-key",
        /// A set member, sorted set member or hash field that occurs twice in one value.
        DuplicateMember = "duplicate-member",
        /// Slots under way into a cluster when the file was written.
        SlotImport = "slot-import",
        /// A record that no released Redis or Valkey reads: of Redis Enterprise, or of a release candidate.
        ForeignRecord = "foreign-record",
        /// A version newer than those known here, of which everything up to this could be read.
        NewerFormat = "newer-format",
        /// Under the magic REDIS, the number of keys in a cluster slot as a record of its own, which came with Redis
        /// 7.4.
        SlotInfo = "slot-info",
        /// An AUX field `slot-info` that is not three numbers.
        BadSlotInfo = "bad-slot-info",
        /// A stream that says it has another number of entries than its nodes have.
        StreamLength = "stream-length",
        /// A stream that says it has entries and has no node: only Redis before 7.0 loads it.
        StreamWithoutNodes = "stream-without-nodes",
        /// A node of a stream in which all entries are deleted.
        EmptyStreamNode = "empty-stream-node",
        /// A node of a stream that contradicts itself in numbers that most servers pass over.
        StreamNode = "stream-node",
        /// An entry that is pending in a consumer group and no consumer's.
        OrphanedPending = "orphaned-pending",
        /// A listpack with another number of entries than it says, or with bytes behind its end.
        ListpackCount = "listpack-count",
        /// A ziplist with another number of entries than it says.
        ZiplistCount = "ziplist-count",
        /// Members of an intset that are not in ascending order.
        IntsetOrder = "intset-order",
        /// As `duplicate-member`, in a hash, set or sorted set that stays as small as it is: found by few servers.
        DuplicatePackedMember = "duplicate-packed-member",
        /// As `duplicate-member`, in a small ziplist: only servers that still keep ziplists load it.
        DuplicateZiplistMember = "duplicate-ziplist-member",
        /// A score of a packed sorted set that is not a number.
        PackedScore = "packed-score",
        /// A score that is written as text, and has bytes past its number. Servers leave them out.
        ScoreTail = "score-tail",
        /// Another RDB file after the end, of which servers read nothing.
        AnotherRdb = "another-rdb",
        /// The end mark of a replication stream after the end, as `redis-cli --rdb -` leaves it.
        ReplicationEndMark = "replication-end-mark",
        /// Zeros after the end, as storage in whole blocks leaves them.
        Padding = "padding",
        /// The file is the base of an append-only file: what was written since is in another one.
        AofBase = "aof-base",
        /// The file came out of an archive of several members, which were read one after the other. No scan says so:
        /// it is for those who decompress.
        AnotherMember = "another-member",
    }
}

codes! {
    /// What was done to a file on its way, or what it is in place of an RDB file.
    Cause {
        /// Compressed by gzip.
        Gzip = "gzip",
        /// Compressed by zstd.
        Zstd = "zstd",
        /// Compressed by lz4.
        Lz4 = "lz4",
        /// Compressed by xz.
        Xz = "xz",
        /// Compressed by bzip2.
        Bzip2 = "bzip2",
        /// In a zip archive.
        Zip = "zip",
        /// In a 7z archive.
        SevenZip = "7z",
        /// In a tar archive.
        Tar = "tar",
        /// Encrypted by openssl.
        Encrypted = "encrypted",
        /// Commands of an append-only file, without an RDB part.
        AppendOnlyFile = "append-only-file",
        /// The list of the files that an append-only file is made of.
        AofManifest = "aof-manifest",
        /// A replication stream with an end mark (`$EOF:`), caught as it came over the wire.
        ReplicationStream = "replication-stream",
        /// A reply or a replication stream with a length (`$LENGTH`), caught as it came over the wire.
        BulkReply = "bulk-reply",
        /// A page of a web server.
        Html = "html",
        /// An XML document, such as an error of S3.
        Xml = "xml",
        /// Written in base64.
        Base64 = "base64",
        /// Written as UTF-16 text.
        Utf16 = "utf-16",
        /// What is no UTF-8 text became replacement characters (EF BF BD).
        ReplacementCharacters = "replacement-characters",
        /// What is no ASCII text became question marks.
        QuestionMarks = "question-marks",
        /// Bytes above 7F became two or three each, as Latin-1 becomes UTF-8.
        RecodedText = "recoded-text",
        /// Every LF became CR LF.
        LineEnds = "line-ends",
        /// Nothing but zeros, from the beginning or from some offset on.
        Zeros = "zeros",
    }
}
