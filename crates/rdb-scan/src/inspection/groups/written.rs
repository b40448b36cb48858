//! The JSON form of groups: a list.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Form, GroupOf, Sums};

#[derive(Serialize, Deserialize)]
pub(super) struct WrittenGroup {
    #[serde(rename = "d")]
    database: u64,
    #[serde(rename = "t")]
    kind: String,
    #[serde(rename = "c")]
    encoding: String,
    #[serde(rename = "s", with = "crate::bytes::encoded::bytes")]
    start: Vec<u8>,
    #[serde(rename = "k")]
    keys: u64,
    #[serde(rename = "e")]
    expires: u64,
    #[serde(rename = "w")]
    weights: Vec<u64>,
    /// In hexadecimal digits.
    #[serde(rename = "v")]
    variance: String,
}

pub(super) fn serialize<S: Serializer>(
    groups: &BTreeMap<GroupOf, Sums>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(groups.iter().map(|(of, sums)| WrittenGroup {
        database: of.database,
        kind: of.form.names().0.to_owned(),
        encoding: of.form.names().1.to_owned(),
        start: of.start.clone(),
        keys: sums.keys,
        expires: sums.expires,
        weights: sums.weights.clone(),
        variance: format!("{:x}", sums.variance),
    }))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<GroupOf, Sums>, D::Error> {
    let written = Vec::<WrittenGroup>::deserialize(deserializer)?;
    let read = |group: WrittenGroup| {
        let form = Form::of(&group.kind, &group.encoding)
            .ok_or_else(|| D::Error::custom(format!("no {} is stored as {}", group.kind, group.encoding)))?;
        let of = GroupOf::new(Some(group.database), form, &group.start);
        let variance = u128::from_str_radix(&group.variance, 16).map_err(D::Error::custom)?;
        let WrittenGroup { keys, expires, weights, .. } = group;
        Ok((of, Sums { keys, expires, weights, variance }))
    };
    written.into_iter().map(read).collect()
}
