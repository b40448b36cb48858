//! The result as JSON, described in docs/CHECK.md.

use rdb_scan::Inspection;
use serde_json::{Map, Value, json};

use super::{Checked, shared_slots, target::Fit};

/// One object, on one line.
pub(super) fn render(all: &[Checked], together: &Fit) -> String {
    let value = match all {
        [one] => with(file(one), together),
        all => json!({
            "schema": rdb_scan::REPORT_SCHEMA,
            "files": all.iter().map(file).collect::<Vec<_>>(),
            "total": with(total(all), together),
        }),
    };
    format!("{value}\n")
}

/// The same with what it means for a cluster.
fn with(mut value: Value, Fit { footprints, judgement }: &Fit) -> Value {
    let Value::Object(fields) = &mut value else { return value };
    if !footprints.is_empty() {
        fields.insert("footprints".to_owned(), json!(footprints));
    }
    if let Some((judgement, _)) = judgement {
        fields.insert("verdict".to_owned(), json!(judgement.verdict));
        fields.insert("plan".to_owned(), json!(judgement.plan));
        fields.insert("findings".to_owned(), json!(judgement.findings));
    }
    value
}

fn file(checked: &Checked) -> Value {
    let mut fields = match &checked.inspection {
        Ok(inspection) => match serde_json::to_value(inspection.report()) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        },
        Err(error) => Map::from_iter([("error".to_owned(), format!("{error:#}").into())]),
    };
    let seconds = checked.took.as_secs_f64();
    fields.insert("schema".to_owned(), rdb_scan::REPORT_SCHEMA.into());
    fields.insert("file".to_owned(), checked.name.clone().into());
    if let Some(compression) = checked.compression {
        fields.insert("compression".to_owned(), compression.name().into());
    }
    fields.insert("timing".to_owned(), json!({"seconds": seconds}));
    Value::Object(fields)
}

fn total(all: &[Checked]) -> Value {
    let read: Vec<_> = all.iter().filter_map(|checked| checked.inspection.as_ref().ok()).collect();
    let sum = |number: fn(&Inspection) -> u64| read.iter().map(|inspection| number(inspection)).sum::<u64>();
    json!({
        "files": all.len(),
        "unreadable": all.len() - read.len(),
        "sound": read.iter().filter(|inspection| inspection.is_sound()).count(),
        "bytes": sum(|inspection| inspection.rdb.as_ref().map_or(0, |rdb| rdb.bytes)),
        "keys": sum(|inspection| inspection.keys),
        "expires": sum(|inspection| inspection.expires),
        "alreadyExpired": sum(|inspection| inspection.already_expired),
        "sharedSlots": shared_slots(all),
    })
}
