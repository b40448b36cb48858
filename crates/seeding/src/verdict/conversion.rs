//! Which files have to be converted before the engine reads them, and what a conversion loses.

use std::collections::BTreeMap;

use rdb_convert::Policy;
use rdb_scan::{HazardCode, Header, Inspection, MAX_RDB_VERSION, Magic, VALKEY_RDB_VERSION};
use serde::{Deserialize, Serialize};

use crate::{
    facts::engine::{Engine, EngineVersion},
    finding::{Code, Finding},
    record::seeding::Target,
    request::{cluster::ClusterSpec, convert::When, options::Options},
};

/// How a file becomes one that the engine reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It is seeded as it is, or cannot be seeded.
    AsItIs,
    /// It is converted, with the same contents: its inspection is that of the new file.
    Converted,
    /// It is converted, with other contents: an inspection of the new file decides.
    Changed,
}

/// Something that a file has and the target cannot hold.
struct Loss {
    /// The field of the request that names it, in `convert`.
    field: &'static str,
    count: u64,
    policy: Policy,
}

/// The format that a file is converted to: the version that the engine reads, and the magic that keeps the expiries of
/// hash fields if the file has any.
pub fn format_for(cluster: &ClusterSpec, field_expiries: bool) -> Option<(rdb_convert::Target, Header)> {
    let target = conversion_target(cluster.engine, cluster.engine_version)?;
    let header = if field_expiries && target.has_field_expiries() {
        Header { version: VALKEY_RDB_VERSION, magic: Magic::Valkey, ..Header::default() }
    } else {
        Header { version: target.version(), magic: Magic::Redis, ..Header::default() }
    };
    Some((target, header))
}

/// The engine as a conversion's target; none if files are not converted for it.
fn conversion_target(engine: Engine, version: EngineVersion) -> Option<rdb_convert::Target> {
    format!("{engine}-{}.{}", version.major, version.minor).parse().ok()
}

/// Whether a file of this version is converted if the engine does not read it. Its contents decide later.
pub(crate) fn may_convert(header: &Header, cluster: &ClusterSpec, options: &Options) -> bool {
    let known = match header.magic {
        Magic::Redis => header.version <= MAX_RDB_VERSION,
        Magic::Valkey => header.version <= VALKEY_RDB_VERSION,
    };
    let changes = &options.convert.changes;
    let as_it_is =
        options.allow.contains(&Code::RdbNewerThanEngine) && changes.is_empty() && !changes.salvage;
    let has_target = conversion_target(cluster.engine, cluster.engine_version).is_some();
    options.convert.when == When::Needed && known && !as_it_is && has_target
}

/// Says how a file is converted. If it keeps its contents, replaces the findings that this removes.
///
/// If a conversion would lose something that the request does not give up, the findings stay, and name the field that
/// gives it up.
pub(crate) fn convert(
    target: &Target,
    name: &str,
    inspection: &Inspection,
    findings: &mut Vec<Finding>,
) -> How {
    let (cluster, options) = (&target.cluster, &target.options);
    let changes = &options.convert.changes;
    let Some(rdb) = &inspection.rdb else { return How::AsItIs };
    let header = Header { version: rdb.version, magic: rdb.magic, ..Header::default() };
    let is_sound = inspection.is_sound();
    if !(is_sound || changes.salvage) {
        return How::AsItIs;
    }
    if !may_convert(&header, cluster, options) {
        if !changes.is_empty() {
            findings.push(refused_target(name, cluster));
        }
        return How::AsItIs;
    }
    if !changes.is_empty() || !is_sound {
        return How::Changed;
    }
    let Some((to, new_header)) = format_for(cluster, inspection.field_expires > 0) else {
        return How::AsItIs;
    };
    let needs = |finding: &Finding| finding.forbids(&options.allow) && is_removed(finding);
    if !findings.iter().any(needs) {
        return How::AsItIs;
    }
    let losses = losses(target, to, inspection);
    let refused: Vec<_> = losses.iter().filter(|loss| loss.policy == Policy::Refuse).collect();
    if !refused.is_empty() {
        for finding in findings.iter_mut().filter(|finding| needs(finding)) {
            finding.remedy = format!("{}; {}", in_words(&refused), finding.remedy);
            finding.evidence.insert("conversionWouldLose".to_owned(), counts(&refused).into());
        }
        return How::AsItIs;
    }
    if !losses.is_empty() {
        return How::Changed;
    }
    let removes: Vec<_> =
        findings.iter().filter(|finding| needs(finding)).map(|finding| finding.code.as_str()).collect();
    findings.retain(|finding| !needs(finding));
    let finding = Finding::new(Code::Converted, NOTHING_LOST)
        .about(name)
        .with("from", header.name())
        .with("to", new_header.name())
        .with("removes", removes);
    // Before the other notes.
    findings.insert(0, finding);
    How::Converted
}

/// What to do about a conversion without a loss.
pub(super) const NOTHING_LOST: &str = "no action needed: nothing is lost";

/// The finding for changes that are asked for, and an engine or a file that cannot be converted.
fn refused_target(name: &str, cluster: &ClusterSpec) -> Finding {
    let remedy =
        "use Valkey, or Redis 6.2 or later, and a backup of a known RDB version: others are not converted";
    Finding::new(Code::ConversionRefused, remedy)
        .about(name)
        .with("reason", "target")
        .with("engine", format!("{} {}", cluster.engine, cluster.engine_version))
}

/// Whether a converted file no longer has what the finding is about.
fn is_removed(finding: &Finding) -> bool {
    let hazard = finding.evidence.get("hazard").and_then(|hazard| hazard.as_str());
    match finding.code {
        Code::RdbNewerThanEngine | Code::ModuleData | Code::FunctionsUnsupported | Code::HugeResizeDb => true,
        Code::RefusedByEngine => {
            finding.evidence.contains_key("cameWithRdbVersion")
                || hazard == Some(HazardCode::SlotInfo.as_str())
                || hazard == Some(HazardCode::BadSlotInfo.as_str())
        }
        _ => false,
    }
}

fn losses(target: &Target, to: rdb_convert::Target, inspection: &Inspection) -> Vec<Loss> {
    let policies = &target.options.convert.policies;
    let field_expiries = if to.has_field_expiries() { 0 } else { inspection.field_expires };
    let functions = if to.has_functions() { 0 } else { inspection.functions };
    let modules = inspection.hazard_counts.get(&HazardCode::ModuleData).copied().unwrap_or(0);
    let arrays = inspection.types.get("array").map_or(0, |counts| counts.keys);
    [
        ("fieldExpiries", field_expiries, policies.field_expiries),
        ("streamState", inspection.stream_state, policies.stream_state),
        ("modules", modules, policies.modules),
        ("unsupportedTypes", arrays, policies.unsupported_types),
        ("functions", functions, policies.functions),
    ]
    .into_iter()
    .filter(|(_, count, _)| *count > 0)
    .map(|(field, count, policy)| Loss { field, count, policy })
    .collect()
}

fn counts(losses: &[&Loss]) -> serde_json::Map<String, serde_json::Value> {
    losses.iter().map(|loss| (loss.field.to_owned(), loss.count.into())).collect()
}

/// What to do about losses that the request does not give up, as half a sentence.
fn in_words(refused: &[&Loss]) -> String {
    let remedies: BTreeMap<&str, &str> = [
        ("fieldExpiries", "use Valkey 9.0 (engineVersion), which keeps the expiries of hash fields, or set convert.fieldExpiries to drop"),
        ("streamState", "set convert.streamState to drop, which keeps the streams without their deduplication"),
        ("modules", "set convert.modules to drop, which leaves out the keys of modules"),
        ("unsupportedTypes", "set convert.unsupportedTypes to drop, which leaves out arrays"),
        ("functions", "set convert.functions to drop, or use an engine with functions"),
    ]
    .into();
    let words: Vec<_> = refused.iter().filter_map(|loss| remedies.get(loss.field).copied()).collect();
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_converted_for_every_version_since_redis_6_2() {
        for engine in [Engine::Redis, Engine::Valkey] {
            for text in engine.known_versions() {
                let version = EngineVersion::parse(text).unwrap();
                let expected = (version.major, version.minor) >= (6, 2);
                assert_eq!(conversion_target(engine, version).is_some(), expected, "{engine} {text}");
            }
        }
    }
}
