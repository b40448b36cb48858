//! Faults, which break a file, and hazards, which are well-formed but dangerous.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Damage at one place of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// What is wrong, for programs.
    pub code: FaultCode,
    /// File offset of the first byte of the broken record, including its expiry and LRU prefixes.
    pub offset: u64,
    /// The database of the record.
    pub database: u64,
    /// The record's key, escaped and cut to 256 bytes; none if keys are hidden or the fault is outside a key.
    pub key: Option<String>,
    /// The exact place, what was expected and what was found; after a semicolon, what was done to the file, if it is
    /// known.
    pub message: String,
    /// What was done to the file, for programs; absent if it is not known.
    ///
    /// Set only once the whole file has been read, so faults that a [`crate::Visitor`] receives have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

impl Fault {
    /// A placeholder for a database that is not known: in a range that does not name one, until it is joined, and for a
    /// duplicate key.
    pub const UNKNOWN_DATABASE: u64 = u64::MAX;
}

/// Something well-formed that crashes or misleads some servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hazard {
    /// What was found, for programs.
    pub code: HazardCode,
    /// File offset of the record's first byte.
    pub offset: u64,
    /// The database of the record.
    pub database: u64,
    /// The record's key, escaped and cut to 256 bytes; none if keys are hidden or there is none.
    pub key: Option<String>,
    /// What was found, with its numbers.
    pub message: String,
}

/// Defines an enum of codes that are kebab-case everywhere: in JSON, in `as_str` and in `Display`.
macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code in kebab-case, as in reports.
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
        /// The file begins like something else; the message names it, if it is known.
        NotAnRdb = "not-an-rdb",
        /// The file is empty.
        EmptyFile = "empty-file",
        /// The file ends inside a record, before its end mark or inside its checksum.
        Truncated = "truncated",
        /// Every record was read, but the checksum does not match the bytes.
        CrcMismatch = "crc-mismatch",
        /// An RDB version that no known server writes, or an unknown record under a version newer than the known ones.
        RdbVersionUnknown = "rdb-version-unknown",
        /// A value type that this version of the format does not have.
        UnknownType = "unknown-type",
        /// A record that is neither a key nor a known opcode.
        UnknownOpcode = "unknown-opcode",
        /// A length in no known encoding, or one that the rest of the file cannot hold.
        BadLength = "bad-length",
        /// A compressed string that does not decompress to the size it declares.
        BadLzf = "bad-lzf",
        /// A broken listpack.
        BadListpack = "bad-listpack",
        /// A broken ziplist.
        BadZiplist = "bad-ziplist",
        /// A broken or unordered intset.
        BadIntset = "bad-intset",
        /// A broken zipmap.
        BadZipmap = "bad-zipmap",
        /// A quicklist node in an unknown container.
        BadQuicklist = "bad-quicklist",
        /// A stream that contradicts itself.
        BadStream = "bad-stream",
        /// A sorted set score that is not a number.
        BadScore = "bad-score",
        /// Module data that cannot be walked.
        BadModule = "bad-module",
        /// An array element of an unknown kind.
        BadArray = "bad-array",
        /// A number out of range, or where the format has none.
        BadValue = "bad-value",
        /// A record of another product, such as Dragonfly or KeyDB, that cannot be walked; the message names it.
        ForeignRecord = "foreign-record",
    }
}

codes! {
    /// What is well-formed but dangerous.
    HazardCode {
        /// A table size hint for more keys than any server has. Some servers allocate until they are killed.
        HugeResizedb = "huge-resizedb",
        /// A database beyond the 16 that a server has by default.
        DatabaseNumber = "database-number",
        /// A value or auxiliary data of a module. It loads only into a server with that module.
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
        /// A cluster slot that was being imported when the file was written.
        SlotImport = "slot-import",
        /// A record that no released Redis or Valkey reads: one of Redis Enterprise or of a release candidate.
        ForeignRecord = "foreign-record",
        /// An RDB version newer than the known ones. Everything up to here could be read.
        NewerFormat = "newer-format",
        /// Under the magic REDIS, a record with the number of keys in a cluster slot. It came with Redis 7.4.
        SlotInfo = "slot-info",
        /// An AUX field `slot-info` that is not three numbers.
        BadSlotInfo = "bad-slot-info",
        /// A stream that declares a number of entries other than that of its nodes.
        StreamLength = "stream-length",
        /// A stream that declares entries but has no node: only Redis before 7.0 loads it.
        StreamWithoutNodes = "stream-without-nodes",
        /// A stream node in which all entries are deleted.
        EmptyStreamNode = "empty-stream-node",
        /// A stream node that contradicts itself in numbers that most servers ignore.
        StreamNode = "stream-node",
        /// An entry that is pending in a consumer group but for no consumer.
        OrphanedPending = "orphaned-pending",
        /// A listpack that declares a wrong number of entries, or has bytes after its end.
        ListpackCount = "listpack-count",
        /// A ziplist that declares a wrong number of entries.
        ZiplistCount = "ziplist-count",
        /// Members of an intset that are not in ascending order.
        IntsetOrder = "intset-order",
        /// As `duplicate-member`, in a hash, set or sorted set that is small enough to stay packed: few servers find
        /// it.
        DuplicatePackedMember = "duplicate-packed-member",
        /// As `duplicate-member`, in a small ziplist: only servers that still store ziplists load it.
        DuplicateZiplistMember = "duplicate-ziplist-member",
        /// A score in a packed sorted set that is not a number.
        PackedScore = "packed-score",
        /// A score as text with bytes after its number. Servers ignore them.
        ScoreTail = "score-tail",
        /// Another RDB file after the end. Servers read nothing of it.
        AnotherRdb = "another-rdb",
        /// The end mark of a replication stream after the end, as `redis-cli --rdb -` leaves it.
        ReplicationEndMark = "replication-end-mark",
        /// Zeros after the end, as storage in whole blocks leaves them.
        Padding = "padding",
        /// The file is the base of an append-only file. Later writes are in another file.
        AofBase = "aof-base",
        /// The file was extracted from an archive of several members, which were read one after the other. No scan
        /// reports this: it is for callers that decompress.
        AnotherMember = "another-member",
    }
}

codes! {
    /// What was done to a file, or what it is instead of an RDB file.
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
        /// Inside a zip archive.
        Zip = "zip",
        /// Inside a 7z archive.
        SevenZip = "7z",
        /// Inside a tar archive.
        Tar = "tar",
        /// Encrypted by openssl.
        Encrypted = "encrypted",
        /// Commands of an append-only file, without an RDB part.
        AppendOnlyFile = "append-only-file",
        /// The list of the files of an append-only file.
        AofManifest = "aof-manifest",
        /// A replication stream with an end mark (`$EOF:`), captured from the wire.
        ReplicationStream = "replication-stream",
        /// A reply or a replication stream with a length (`$LENGTH`), captured from the wire.
        BulkReply = "bulk-reply",
        /// A web page.
        Html = "html",
        /// An XML document, such as an S3 error.
        Xml = "xml",
        /// Written in base64.
        Base64 = "base64",
        /// Written as UTF-16 text.
        Utf16 = "utf-16",
        /// Bytes that are not valid UTF-8 became replacement characters (EF BF BD).
        ReplacementCharacters = "replacement-characters",
        /// Bytes that are not ASCII became question marks.
        QuestionMarks = "question-marks",
        /// Each byte above 7F became two or three, as when Latin-1 is converted to UTF-8.
        RecodedText = "recoded-text",
        /// Every LF became CR LF.
        LineEnds = "line-ends",
        /// Only zeros, from the start or from some offset on.
        Zeros = "zeros",
    }
}
