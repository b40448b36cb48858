//! What each engine's loader does with a self-contradictory file: some refuse what others load. docs/READER.md has the
//! table, with the function in the engine's source for each row; `make differential` tests it on real servers.

use rdb_scan::HazardCode;

use crate::facts::engine::{Engine, EngineVersion};

/// Engine versions whose loaders behave alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Loader {
    /// Redis up to 6.2: ziplists are kept as they are.
    Redis6,
    /// Redis 7.0 and ElastiCache's 7.1: ziplists are converted to listpacks, and checked on the way.
    Redis70,
    /// Redis 7.2 and Valkey 7.2.
    Redis72,
    /// Redis 7.4 to 8.5: hash tables are allocated on demand.
    Redis74,
    /// Redis 8.6 and later.
    Redis86,
    /// Valkey 8.0: hash tables are allocated on demand.
    Valkey80,
    /// Valkey 8.1 and ElastiCache's 8.2.
    Valkey81,
    /// Valkey 9.0 and later: the contents of every packed value are checked.
    Valkey9,
}

impl Loader {
    fn of(engine: Engine, version: EngineVersion) -> Self {
        match (engine, version.major, version.minor) {
            (Engine::Redis, ..=6, _) => Self::Redis6,
            (Engine::Redis, 7, 0 | 1) => Self::Redis70,
            (Engine::Redis, 7, 2 | 3) | (Engine::Valkey, ..=7, _) => Self::Redis72,
            (Engine::Redis, 7, _) | (Engine::Redis, 8, ..=5) => Self::Redis74,
            (Engine::Redis, ..) => Self::Redis86,
            (Engine::Valkey, 8, 0) => Self::Valkey80,
            (Engine::Valkey, 8, _) => Self::Valkey81,
            (Engine::Valkey, ..) => Self::Valkey9,
        }
    }
}

/// Whether the engine's loader refuses a file with this hazard, or crashes on it. `None` if that does not depend on the
/// engine.
pub(crate) fn refuses(code: HazardCode, engine: Engine, version: EngineVersion) -> Option<bool> {
    let loader = Loader::of(engine, version);
    Some(match code {
        HazardCode::HugeResizedb => !matches!(loader, Loader::Redis74 | Loader::Valkey80),
        HazardCode::SlotInfo => !matches!(loader, Loader::Redis74 | Loader::Redis86 | Loader::Valkey9),
        HazardCode::BadSlotInfo => matches!(loader, Loader::Valkey80 | Loader::Valkey81 | Loader::Valkey9),
        HazardCode::EmptyStreamNode => loader == Loader::Redis86,
        HazardCode::ZiplistCount | HazardCode::DuplicateZiplistMember | HazardCode::StreamWithoutNodes => {
            loader != Loader::Redis6
        }
        HazardCode::StreamLength
        | HazardCode::StreamNode
        | HazardCode::OrphanedPending
        | HazardCode::ListpackCount
        | HazardCode::IntsetOrder
        | HazardCode::DuplicatePackedMember
        | HazardCode::PackedScore => loader == Loader::Valkey9,
        HazardCode::ScoreTail => false,
        _ => return None,
    })
}
