//! What an RDB file says against a seeding, in the words of findings.

use rdb_scan::{Fault, FaultCode, Hazard, HazardCode, Header};

use crate::{ClusterSpec, Code, Finding, Severity, loaders::refuses};

/// Whether the engine reads files of this version.
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
    // A Valkey 7.2 snapshot of ElastiCache (RDB 11) is documented to restore as Redis 7.1, so its build may read more.
    let undocumented =
        !valkey && header.version == 11 && max == 10 && (version.major, version.minor) == (7, 1);
    let remedy = if valkey && header.version > rdb_scan::VALKEY_RDB_VERSION {
        "no ElastiCache engine is known to read it: it was written by a newer Valkey than ElastiCache offers"
            .to_owned()
    } else if valkey {
        "take Valkey 9.0 or later".to_owned()
    } else if header.version <= 11 {
        "take Valkey 7.2 or later".to_owned()
    } else {
        "no ElastiCache engine is known to read it: replicate into an older server and make the backup there"
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
            .with("writtenBy", header.aux.get("redis-ver").or_else(|| header.aux.get("valkey-ver")).cloned()),
    )
}

/// What to do about a file that another product wrote in a form of its own.
const FOREIGN_REMEDY: &str = "save it in the common format: Dragonfly with --df_snapshot_format=false, KeyDB after \
     deleting its cron jobs, Redis Enterprise by replicating into a Redis or Valkey server and saving there";

/// What to do about a broken file, in half a sentence.
pub fn fault_remedy(code: FaultCode) -> &'static str {
    match code {
        FaultCode::NotAnRdb => "take the .rdb file itself, not packed and not an append-only file",
        FaultCode::EmptyFile => "copy the file again: this one has 0 bytes",
        FaultCode::Truncated => "copy the whole file again, or make a new backup",
        FaultCode::RdbVersionUnknown => {
            "no ElastiCache engine is known to read it: make the backup with an older server"
        }
        FaultCode::ForeignRecord => FOREIGN_REMEDY,
        _ => "copy the file again and compare checksums, or make a new backup",
    }
}

/// A broken file, in the words of the reader.
pub(crate) fn fault_finding(backup: &str, fault: &Fault) -> Finding {
    let code = match fault.code {
        FaultCode::NotAnRdb => Code::NotAnRdb,
        FaultCode::EmptyFile => Code::EmptyBackup,
        FaultCode::Truncated => Code::BackupTruncated,
        FaultCode::RdbVersionUnknown => Code::RdbNewerThanEngine,
        FaultCode::ForeignRecord => Code::ForeignRecord,
        _ => Code::BackupCorrupt,
    };
    Finding::new(code, fault_remedy(fault.code))
        .about(backup)
        .with("fault", fault.code.as_str())
        .with("offset", fault.offset)
        .with("message", fault.message.clone())
}

/// What is well-formed and dangerous. Modules, functions and databases are told with their names elsewhere.
pub(crate) fn hazard_finding(
    backup: &str,
    first: &Hazard,
    count: u64,
    cluster: &ClusterSpec,
) -> Option<Finding> {
    let refused = refuses(first.code, cluster.engine, cluster.engine_version);
    let (code, remedy) = match first.code {
        // Told with their names elsewhere.
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
        HazardCode::DuplicateKey | HazardCode::DuplicateMember => {
            (Code::DuplicateData, "make a new backup: a server ends its load here")
        }
        HazardCode::ForeignRecord => (Code::ForeignRecord, FOREIGN_REMEDY),
        _ if refused == Some(true) => (
            Code::RefusedByEngine,
            "take an engine version that loads it, or write the value anew on the source and make a new backup",
        ),
        _ if refused == Some(false) => (
            Code::RefusedByEngine,
            "this engine loads it as it is; write the value anew on the source before you go to a later engine",
        ),
        _ => (Code::UnusualContent, "nothing needs to be done for most servers"),
    };
    let severity = match refused {
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

/// JSON and Bloom filters exist on ElastiCache as built-in types; whether an import takes the data of the modules of
/// the same purpose is not documented. Everything else is refused by the engine.
pub(crate) fn module_finding(module: &str) -> Finding {
    match module {
        "ReJSON-RL" | "MBbloom--" => Finding::new(
            Code::ModuleData,
            "try it with a small backup first: AWS does not say whether it is taken",
        )
        .severity(Severity::Warn),
        _ => Finding::new(
            Code::ModuleData,
            "delete these keys on the source, or convert them to built-in types",
        ),
    }
}
