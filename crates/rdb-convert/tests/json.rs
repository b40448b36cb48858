//! What workers hand to each other is read from JSON as it was, and not if it is longer than it can be.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test that cannot go on should say where")]

#[path = "../../rdb-scan/tests/common/mod.rs"]
mod common;

use common::Rdb;
use rdb_convert::{ConvertError, Options, RangePlan, RecordRange, Survey, merge_plans, plan_range};
use rdb_scan::{Boundary, read_header};
use serde_json::{Value, json};

fn options() -> Options {
    Options::new("redis-6.2".parse().unwrap())
}

/// A file with something to refuse, and its two ranges.
fn planned() -> Vec<RangePlan> {
    let head = Rdb::with_header("REDIS0010").raw(&[245]).text(b"#!lua name=lib\n").database(0).filler();
    let cut = Boundary { offset: head.0.len() as u64, database: 0 };
    let file = head.key(0, &"long".repeat(100)).text(b"value").end();
    let ranges = RecordRange::between(&read_header(&file).unwrap(), &[cut]);
    let plan = |range: &RecordRange| {
        plan_range(&file[range.from.offset as usize..], range, &options(), &Survey::default()).unwrap()
    };
    ranges.iter().map(plan).collect()
}

#[test]
fn a_plan_is_read_as_it_was_written() {
    for plan in planned() {
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<RangePlan>(&text).unwrap(), plan, "{text}");
    }
    let plan = merge_plans(planned(), &options(), &Survey::default()).unwrap();
    assert_eq!(plan.report.refused[0].code, "functions");
    assert_eq!(plan.report.refused[0].remedy, "drop them by the policy functions");
}

#[test]
fn what_no_worker_writes_is_not_read() {
    let changed = |path: &str, value: Value| {
        let mut plan = serde_json::to_value(&planned()[0]).unwrap();
        *plan.pointer_mut(path).unwrap() = value;
        serde_json::from_value::<RangePlan>(plan)
    };
    assert!(changed("/report/lost", json!({"deduplication": {"number": 1, "keys": []}})).is_ok());
    assert!(changed("/report/lost", json!({"other": {"number": 1, "keys": []}})).is_err());
    assert!(changed("/report/refused/0/code", json!("other")).is_err());
    assert!(changed("/report/refused/0/count/keys", json!(vec![""; 101])).is_err());
    assert!(changed("/report/conflicts/keys", json!(["?"])).is_err());
    let many: Vec<_> = (0..=1 << 20).map(|offset| (offset, 1)).collect();
    assert!(changed("/facts/large", json!(many)).is_err());
    assert!(changed("/outputs/0/sizes", json!(many)).is_err());
}

#[test]
fn only_all_ranges_in_order_make_a_plan() {
    let merged = |plans: Vec<RangePlan>| merge_plans(plans, &options(), &Survey::default());
    let [first, last] = &planned()[..] else { panic!("two ranges") };
    for wrong in [vec![], vec![first.clone()], vec![last.clone()], vec![last.clone(), first.clone()]] {
        assert!(matches!(merged(wrong), Err(ConvertError::NotNeighbors { .. })));
    }
    assert!(merged(vec![first.clone(), first.clone(), last.clone()]).is_err());
    assert!(merged(vec![first.clone(), last.clone()]).is_ok());
}
