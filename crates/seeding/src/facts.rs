//! Facts about engines, node types, slots and locations, independent of any request.

pub(crate) mod engine;
pub(crate) mod identity;
pub(crate) mod loaders;
pub(crate) mod location;
pub(crate) mod memory;
pub(crate) mod node_types;
pub(crate) mod partition;
pub(crate) mod prices;
pub(crate) mod restore_time;
pub(crate) mod slots;

use serde_json::Value;

/// The JSON type of a value, for messages.
pub(crate) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
