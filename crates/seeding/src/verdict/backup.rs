//! Findings about an RDB file.

use rdb_scan::{Cause, Fault, FaultCode, Hazard, HazardCode, Header, written_by};

use crate::{
    facts::loaders::refuses,
    finding::{Code, Finding, Severity},
    request::cluster::ClusterSpec,
};

/// The finding for a file whose version the engine does not load.
pub(crate) fn version_finding(backup: &str, header: &Header, cluster: &ClusterSpec) -> Option<Finding> {
    let (engine, version) = (cluster.engine, cluster.engine_version);
    let valkey = header.magic == rdb_scan::Magic::Valkey;
    let max = engine.max_rdb_version(version);
    let readable = if valkey {
        engine.reads_valkey_magic(version) && header.version <= rdb_scan::VALKEY_RDB_VERSION
    } else {
        header.version <= max
    };
    if readable {
        return None;
    }
    // AWS documents that a Valkey 7.2 snapshot of ElastiCache (RDB 11) restores as Redis 7.1, so its build may load
    // more.
    let undocumented =
        !valkey && header.version == 11 && max == 10 && (version.major, version.minor) == (7, 1);
    let remedy = if valkey && header.version > rdb_scan::VALKEY_RDB_VERSION {
        "no ElastiCache engine is known to read it: it was written by a newer Valkey than ElastiCache offers"
            .to_owned()
    } else if valkey {
        "use Valkey 9.0 or later".to_owned()
    } else if header.version <= 11 {
        "use Valkey 7.2 or later".to_owned()
    } else {
        "no ElastiCache engine is known to read it: let it be converted (convert.when: needed), or use seeder convert"
            .to_owned()
    };
    let severity = if undocumented { Severity::Warn } else { Severity::Fail };
    Some(
        Finding::new(Code::RdbNewerThanEngine, remedy)
            .severity(severity)
            .about(backup)
            .with("rdbVersion", header.version)
            .with("magic", if valkey { "VALKEY" } else { "REDIS" })
            .with("engine", format!("{engine} {version}"))
            .with("engineReads", max)
            .with("writtenBy", written_by(&header.aux)),
    )
}

/// The remedy for a file that another product wrote in a format of its own.
const FOREIGN_REMEDY: &str = "save it in the common format: Dragonfly with --df_snapshot_format=false, KeyDB after \
     deleting its cron jobs, Redis Enterprise by replicating into a Redis or Valkey server and saving there";

/// The remedy for a damaged file, as half a sentence.
pub fn fault_remedy(fault: &Fault) -> &'static str {
    if let Some(remedy) = fault.cause.and_then(cause_remedy) {
        return remedy;
    }
    match fault.code {
        FaultCode::NotAnRdb => "use the .rdb file itself, not packed and not an append-only file",
        FaultCode::EmptyFile => "copy the file again: this one has 0 bytes",
        FaultCode::Truncated => "copy the whole file again, or make a new backup",
        FaultCode::RdbVersionUnknown => {
            "no ElastiCache engine is known to read it: copy the keys into an older server with a tool that reads this version, and make the backup there"
        }
        FaultCode::ForeignRecord => FOREIGN_REMEDY,
        _ => "copy the file again and compare checksums, or make a new backup",
    }
}

/// The remedy for a known cause of damage, if there is one.
fn cause_remedy(cause: Cause) -> Option<&'static str> {
    Some(match cause {
        Cause::Gzip
        | Cause::Zstd
        | Cause::Lz4
        | Cause::Xz
        | Cause::Bzip2
        | Cause::Zip
        | Cause::SevenZip
        | Cause::Tar => "decompress it, and use the .rdb file inside",
        Cause::Encrypted => "decrypt it, and use the .rdb file inside",
        Cause::AppendOnlyFile | Cause::AofManifest => "create an RDB file with SAVE or BGSAVE, and use that",
        Cause::ReplicationStream => {
            "cut the RDB out of it: from the given offset, without the last 40 bytes; or save it with redis-cli --rdb FILE"
        }
        Cause::BulkReply => {
            "cut the RDB out of it: the given number of bytes, from the given offset; or save it with redis-cli --rdb FILE"
        }
        Cause::Html | Cause::Xml => "download the file again, and check the status of the response",
        Cause::Base64 => "decode it with base64 -d, and use the output",
        Cause::ReplacementCharacters | Cause::QuestionMarks | Cause::RecodedText | Cause::Utf16 => {
            "copy the file from the server again, in binary: through no editor, no PowerShell pipe and no text field"
        }
        Cause::LineEnds => {
            "copy the file from the server again without a terminal (docker exec without -t, ssh without -t, ftp in binary mode)"
        }
        Cause::Zeros => "copy the whole file again and compare checksums: the copy was never filled",
        _ => return None,
    })
}

/// The finding for a compressed backup: sound inside, but ElastiCache does not decompress it.
pub fn compressed_finding(backup: &str, compression: &str) -> Finding {
    let remedy = "decompress it and use the .rdb file: ElastiCache reads plain RDB files only";
    Finding::new(Code::CompressedBackup, remedy).about(backup).with("compression", compression)
}

/// The finding for a damaged file, with the reader's message.
pub fn fault_finding(backup: &str, fault: &Fault) -> Finding {
    let compressed = matches!(
        fault.cause,
        Some(
            Cause::Gzip | Cause::Zstd | Cause::Lz4 | Cause::Xz | Cause::Bzip2 | Cause::Zip | Cause::SevenZip
        )
    );
    let code = match fault.code {
        FaultCode::NotAnRdb if compressed => Code::CompressedBackup,
        FaultCode::NotAnRdb => Code::NotAnRdb,
        FaultCode::EmptyFile => Code::EmptyBackup,
        FaultCode::Truncated => Code::BackupTruncated,
        FaultCode::RdbVersionUnknown => Code::RdbNewerThanEngine,
        FaultCode::ForeignRecord => Code::ForeignRecord,
        _ => Code::BackupCorrupt,
    };
    let finding = Finding::new(code, fault_remedy(fault))
        .about(backup)
        .with("fault", fault.code.as_str())
        .with("offset", fault.offset)
        .with("message", fault.message.clone());
    match fault.cause {
        Some(cause) => finding.with("cause", cause.as_str()),
        None => finding,
    }
}

/// The finding for a hazard. Modules, functions and databases have findings of their own, with their names.
pub(crate) fn hazard_finding(
    backup: &str,
    first: &Hazard,
    count: u64,
    cluster: &ClusterSpec,
) -> Option<Finding> {
    let refused = refuses(first.code, cluster.engine, cluster.engine_version);
    let (code, remedy) = match first.code {
        // These have findings of their own, with their names.
        HazardCode::ModuleData
        | HazardCode::Functions
        | HazardCode::DatabaseNumber
        | HazardCode::NewerFormat => return None,
        HazardCode::HugeResizedb => {
            (Code::HugeResizeDb, "make a new backup: the server would reserve more memory than it has")
        }
        HazardCode::TrailingBytes => {
            (Code::TrailingBytes, "check how the file was copied: something was appended to it")
        }
        HazardCode::AofTail => (
            Code::WritesAfterBackup,
            "make the backup with SAVE or BGSAVE: writes in the append-only part are lost",
        ),
        HazardCode::AofBase => (
            Code::WritesAfterBackup,
            "make the backup with SAVE or BGSAVE, and use dump.rdb: writes since the last rewrite are in another file",
        ),
        HazardCode::AnotherRdb => (
            Code::AnotherRdbFollows,
            "cut the file at this offset and name the files one by one: servers load the first one only",
        ),
        HazardCode::ReplicationEndMark => {
            (Code::TrailingBytes, "no action needed: servers ignore the end mark that redis-cli leaves")
        }
        HazardCode::Padding => (Code::TrailingBytes, "no action needed: servers ignore zeros after the end"),
        HazardCode::DuplicateKey | HazardCode::DuplicateMember => {
            (Code::DuplicateData, "make a new backup: a server aborts loading here")
        }
        HazardCode::ForeignRecord => (Code::ForeignRecord, FOREIGN_REMEDY),
        _ if refused == Some(true) => (
            Code::RefusedByEngine,
            "use an engine version that loads it, or rewrite the value on the source and make a new backup",
        ),
        _ if refused == Some(false) => (
            Code::RefusedByEngine,
            "this engine loads it as it is; rewrite the value on the source before you upgrade to a later engine",
        ),
        _ => (Code::UnusualContent, "no action needed for most servers"),
    };
    // What was appended holds no data.
    let harmless = matches!(first.code, HazardCode::ReplicationEndMark | HazardCode::Padding);
    let severity = match refused {
        None if harmless => Severity::Note,
        None => code.severity(),
        Some(true) => Severity::Fail,
        Some(false) => Severity::Warn,
    };
    Some(
        Finding::new(code, remedy)
            .severity(severity)
            .about(backup)
            .with("hazard", first.code.as_str())
            .with("count", count)
            .with("offset", first.offset)
            .with("message", first.message.clone()),
    )
}

/// The finding for a module's data. JSON and Bloom filters are built-in types on ElastiCache, but AWS does not document
/// whether an import accepts the data of the corresponding modules. The engine refuses the data of any other module.
pub(crate) fn module_finding(module: &str) -> Finding {
    match module {
        "ReJSON-RL" | "MBbloom--" => Finding::new(
            Code::ModuleData,
            "try a small backup first: AWS does not document whether an import accepts it",
        )
        .severity(Severity::Warn),
        _ => Finding::new(
            Code::ModuleData,
            "delete these keys on the source, or convert them to built-in types",
        ),
    }
}
