//! Conversions in ranges, as workers on many machines do them: everything passes through JSON.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses its own part")]

use rdb_convert::{
    Comparison, Finished, Options, Plan, RangePlan, RecordRange, Report, Survey, head_bytes, merge_plans,
    plan_range, write_range,
};
use rdb_scan::{
    Boundary, Magic, Stretch, read_header,
    walk::{FieldNames, Step, Walk},
};
use serde::{Serialize, de::DeserializeOwned};

/// Every record of a file.
pub fn boundaries(file: &[u8]) -> Vec<Boundary> {
    let mut walk = Walk::new(file).unwrap();
    let mut boundaries = Vec::new();
    loop {
        match walk.step().unwrap() {
            Step::End => return boundaries,
            Step::Record => {
                let head = walk.head();
                boundaries.push(Boundary { offset: head.offset, database: head.database });
            }
            _ => {}
        }
    }
}

fn through_json<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_slice(&serde_json::to_vec(value).unwrap()).unwrap()
}

/// Converts a file that is cut at these boundaries.
pub fn convert(file: &[u8], cuts: &[Boundary], options: &Options) -> (Report, Vec<Vec<u8>>) {
    convert_ranges(file, &RecordRange::between(&read_header(file).unwrap(), cuts), options)
}

/// As [`convert`], but copies stretches from the source, without reading them.
pub fn convert_around(
    file: &[u8],
    cuts: &[Boundary],
    stretches: &[Stretch],
    options: &Options,
) -> (Report, Vec<Vec<u8>>) {
    convert_ranges(file, &RecordRange::around(&read_header(file).unwrap(), cuts, stretches, options), options)
}

fn convert_ranges(file: &[u8], ranges: &[RecordRange], options: &Options) -> (Report, Vec<Vec<u8>>) {
    let head = FieldNames::of_head(file, u64::MAX).unwrap();
    let given = |range: RecordRange| range.with_templates(&head).unwrap();
    let ranges: Vec<RecordRange> = ranges.iter().map(|range| given(through_json(range))).collect();
    let of = |range: &RecordRange| {
        let end = range.end.map_or(file.len(), |end| end as usize);
        &file[range.from.offset as usize..end]
    };
    let mut comparison = Comparison::new(options);
    while comparison.needs_reading() {
        let worker: Comparison = through_json(&comparison);
        // In any order.
        for range in ranges.iter().rev() {
            comparison.add(through_json(&worker.read(of(range), range, options).unwrap()));
        }
        comparison.step(options).unwrap();
    }
    let mut survey = Survey { magic: Magic::Redis, repeated: comparison.into_repeated() };
    let plan = loop {
        let plans = ranges.iter().map(|range| {
            let read = || plan_range(of(range), range, options, &through_json(&survey)).unwrap();
            let plan = if range.stretch().is_some() {
                let plan = RangePlan::of_stretch(range, options).unwrap();
                assert_eq!(plan, read(), "a stretch is planned as if it were read");
                plan
            } else {
                read()
            };
            through_json(&plan)
        });
        let plan: Plan = merge_plans(plans, options, &survey).unwrap();
        if plan.magic == survey.magic {
            break plan;
        }
        survey.magic = plan.magic;
    };
    let files = usize::from(options.split);
    let mut outputs = vec![head_bytes(&plan).to_vec(); files];
    let mut finished = Finished::new(&plan);
    for index in 0..plan.range_count() {
        let mut task = through_json(&plan.task(index).unwrap());
        task.range = given(task.range);
        for (output, task) in outputs.iter().zip(&task.outputs) {
            assert_eq!(output.len() as u64, task.offset);
        }
        let written = match task.copied() {
            Some((before, report)) => {
                outputs[0].extend([&before[..], of(&task.range)].concat());
                report
            }
            None => write_range(of(&task.range), &task, options, plan.survey(), outputs.iter_mut().collect())
                .unwrap(),
        };
        finished.add(through_json(&written)).unwrap();
    }
    for (output, tail) in outputs.iter_mut().zip(finished.tail_bytes().unwrap()) {
        output.extend(tail);
    }
    (plan.report.clone(), outputs)
}
