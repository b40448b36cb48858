//! Findings about files that hold keys in the same slots.

use std::collections::BTreeMap;

use rdb_scan::Inspection;

use crate::finding::{Code, Finding};

/// The most pairs that are reported; if many files are copies of one another, a few show it.
const SHOWN_PAIRS: usize = 10;

/// Reports each pair of files with keys in the same slots, largest overlap first. Shards of one cluster share no slot:
/// such files are of a master and its replica, of two clusters, or of one shard at two times, and one file's keys would
/// be mixed with the other's.
pub(super) fn shared_slots_findings(inspected: &[(String, &Inspection)]) -> Vec<Finding> {
    let mut pairs: Vec<_> = shared_slots(inspected).into_iter().collect();
    pairs.sort_by_key(|(files, slots)| (std::cmp::Reverse(*slots), *files));
    let count = pairs.len();
    let finding = |((one, other), slots): ((usize, usize), u64)| {
        let (one, other) = (&inspected.get(one)?.0, &inspected.get(other)?.0);
        let remedy = format!(
            "seed {one} and {other} as two clusters, or leave one of them out: backups of the shards of one cluster share no slot"
        );
        let finding = Finding::new(Code::SharedSlots, remedy).about(one).with("other", other.clone());
        let finding = finding.with("sharedSlots", slots);
        Some(if count > SHOWN_PAIRS { finding.with("pairs", count) } else { finding })
    };
    pairs.into_iter().take(SHOWN_PAIRS).filter_map(finding).collect()
}

/// Counts the slots that each pair of files shares, by index; pairs that share none are left out.
fn shared_slots(inspected: &[(String, &Inspection)]) -> BTreeMap<(usize, usize), u64> {
    let mut files_by_slot = BTreeMap::<u16, Vec<usize>>::new();
    for (place, (_, inspection)) in inspected.iter().enumerate() {
        for (slot, _) in inspection.slots.iter() {
            files_by_slot.entry(slot).or_default().push(place);
        }
    }
    let mut shared = BTreeMap::new();
    for files in files_by_slot.values() {
        for (at, one) in files.iter().enumerate() {
            for other in files.iter().skip(at + 1) {
                *shared.entry((*one, *other)).or_insert(0) += 1;
            }
        }
    }
    shared
}

#[cfg(test)]
mod tests {
    use rdb_scan::{Control, InspectOptions, Inspected, Position, inspect};

    use super::*;

    /// A file of small strings with these keys.
    fn file(keys: &[String]) -> Inspection {
        let mut bytes = b"REDIS0010".to_vec();
        for key in keys {
            let length = u8::try_from(key.len()).unwrap();
            bytes.extend([&[0, length][..], key.as_bytes(), &[1, b'v']].concat());
        }
        bytes.extend([0xff; 1]);
        bytes.extend([0; 8]);
        let options = InspectOptions::default();
        match inspect(&bytes[..], &Position::default(), &options, &mut |_| Control::Continue) {
            Ok(Inspected::Complete(inspection)) => inspection,
            other => panic!("{other:?}"),
        }
    }

    fn findings(files: &[Inspection]) -> Vec<Finding> {
        let names: Vec<_> = (0..files.len()).map(|number| format!("{number}.rdb")).collect();
        shared_slots_findings(&names.into_iter().zip(files).collect::<Vec<_>>())
    }

    fn keys(numbers: std::ops::Range<u32>) -> Vec<String> {
        numbers.map(|number| format!("key:{number}")).collect()
    }

    #[test]
    fn files_with_keys_in_the_same_slots_are_named_with_their_number() {
        // 20 keys of one file are in the other, in 20 different slots.
        let found = findings(&[file(&keys(0..60)), file(&keys(40..80))]);
        let [finding] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((finding.code, finding.backup.as_deref()), (Code::SharedSlots, Some("0.rdb")));
        assert_eq!(
            (&finding.evidence["other"], &finding.evidence["sharedSlots"]),
            (&"1.rdb".into(), &20.into())
        );
        assert!(finding.code.can_be_allowed());
    }

    #[test]
    fn one_file_and_files_of_other_slots_share_nothing() {
        assert_eq!(findings(&[file(&keys(0..60))]), []);
        assert_eq!(findings(&[file(&["{a}1".into()]), file(&["{b}1".into()]), file(&[])]), []);
    }

    #[test]
    fn many_copies_are_told_within_bounds_the_closest_first() {
        let mut files = vec![file(&keys(0..1)); 9];
        files.push(file(&keys(0..2)));
        files.push(file(&keys(0..2)));
        let found = findings(&files);
        assert_eq!(found.len(), SHOWN_PAIRS);
        assert_eq!(
            (found[0].evidence["sharedSlots"].as_u64(), &found[0].evidence["pairs"]),
            (Some(2), &55.into())
        );
        assert_eq!(
            (found[0].backup.as_deref(), &found[0].evidence["other"]),
            (Some("9.rdb"), &"10.rdb".into())
        );
    }
}
