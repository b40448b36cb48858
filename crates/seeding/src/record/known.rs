//! The inspection of a backup, kept from an earlier seeding of the same object.

use rdb_footprint::Settings;
use rdb_scan::{Boundary, Inspection, SCHEMA};
use serde::{Deserialize, Serialize};

/// The maximum age of an inspection. An object's contents do not change while its ETag stays, but which keys have
/// expired depends on the time of the inspection.
const MAX_AGE_MS: u64 = 24 * 60 * 60 * 1000;

/// The inspection of a whole backup, kept for later seedings of the same object under
/// `ExecutionFiles::inspection`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownInspection {
    /// The time against which keys count as expired, in milliseconds since the Unix epoch.
    pub looked_at_ms: u64,
    /// The contents of the backup, with the stretches that a conversion copies as they are.
    pub inspection: Inspection,
    /// Boundaries between its records, at which a conversion can begin.
    #[serde(default)]
    pub boundaries: Vec<Boundary>,
}

impl KnownInspection {
    /// Whether it can replace reading the backup now, with memory predicted for this target.
    pub fn is_usable(&self, now_ms: u64, memory: &Settings) -> bool {
        let weighed = self.inspection.weights.iter().any(|weights| weights.id == memory.id());
        let fresh = now_ms.checked_sub(self.looked_at_ms).is_some_and(|age| age <= MAX_AGE_MS);
        fresh
            && weighed
            && self.inspection.complete
            && self.inspection.start == 0
            && self.inspection.schema == SCHEMA
    }
}

#[cfg(test)]
mod tests {
    use rdb_footprint::Generation;
    use rdb_scan::{Control, InspectOptions, Inspected, Position, TypeSet, ValueType, Weighing, inspect};

    use super::*;

    #[test]
    fn an_inspection_stands_for_reading_for_a_day_and_for_the_engine_that_it_was_weighed_for() {
        let memory = Settings::new(Generation::Valkey81);
        let options = InspectOptions { weighings: vec![Weighing::by(memory)], ..InspectOptions::default() };
        let file = b"REDIS0010\xff\0\0\0\0\0\0\0\0";
        let inspected = inspect(&file[..], &Position::default(), &options, &mut |_| Control::Continue);
        let Ok(Inspected::Complete(inspection)) = inspected else { panic!("no pause was requested") };
        let known = KnownInspection { looked_at_ms: 1000, inspection, boundaries: Vec::new() };
        assert!(known.is_usable(1000, &memory));
        assert!(known.is_usable(1000 + MAX_AGE_MS, &memory));
        assert!(!known.is_usable(1001 + MAX_AGE_MS, &memory));
        assert!(!known.is_usable(999, &memory));
        assert!(!known.is_usable(1000, &Settings::new(Generation::Valkey9)));
        let of = |change: fn(&mut Inspection)| {
            let mut known = known.clone();
            change(&mut known.inspection);
            known.is_usable(1000, &memory)
        };
        assert!(!of(|inspection| inspection.complete = false));
        assert!(!of(|inspection| inspection.start = 9));
        assert!(!of(|inspection| inspection.schema = SCHEMA + 1));
    }

    #[test]
    fn stretches_are_kept_with_what_is_needed_to_copy_them() {
        let options = InspectOptions {
            copied: TypeSet::from_iter([ValueType::String]),
            least_stretch_bytes: 1,
            ..InspectOptions::default()
        };
        let file = b"REDIS0010\xfe\x03\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0";
        let inspected = inspect(&file[..], &Position::default(), &options, &mut |_| Control::Continue);
        let Ok(Inspected::Complete(inspection)) = inspected else { panic!("no pause was requested") };
        let known = KnownInspection { looked_at_ms: 1000, inspection, boundaries: Vec::new() };
        let read: KnownInspection = serde_json::from_value(serde_json::to_value(&known).unwrap()).unwrap();
        assert_eq!(read.inspection.stretches, known.inspection.stretches);
        let [stretch] = &read.inspection.stretches[..] else { panic!("there is one") };
        assert_eq!((stretch.offset, stretch.bytes, stretch.database, stretch.keys), (11, 5, 3, 1));
        assert_eq!(stretch.types, options.copied);
    }
}
