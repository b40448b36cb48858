//! The databases of a conversion in JSON: `"keep"`, `"merge"`, or such as
//! `{"1": "drop", "2": 3, "4": {"to": 0, "prefix": "db4:"}}`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{Databases, Destination};

/// At most this many databases are named.
const MOST_NAMED: usize = 1 << 16;

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected \"keep\", \"merge\" or an object such as {\"1\": \"drop\", \"2\": 3}"
)]
enum Wanted {
    Word(Word),
    // The keys of a JSON object are texts.
    Named(BTreeMap<String, Place>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Keep,
    Merge,
}

#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected \"drop\", the number of a database, or an object such as {\"to\": 0, \"prefix\": \"db4:\"}"
)]
enum Place {
    Drop(Dropped),
    Number(u32),
    #[serde(rename_all = "camelCase")]
    Prefixed(Prefixed),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Dropped {
    Drop,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Prefixed {
    to: u32,
    #[serde(default)]
    prefix: String,
}

impl From<Place> for Destination {
    fn from(place: Place) -> Self {
        match place {
            Place::Drop(Dropped::Drop) => Self::Drop,
            Place::Number(number) => Self::To { database: number.into(), prefix: Vec::new() },
            Place::Prefixed(Prefixed { to, prefix }) => {
                Self::To { database: to.into(), prefix: prefix.into_bytes() }
            }
        }
    }
}

impl<'de> Deserialize<'de> for Databases {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Wanted::deserialize(deserializer)? {
            Wanted::Word(Word::Keep) => Ok(Self::default()),
            Wanted::Word(Word::Merge) => Ok(Self::merged()),
            Wanted::Named(named) if named.len() > MOST_NAMED => Err(D::Error::custom(format!(
                "{} databases are named, at most {MOST_NAMED} can be",
                named.len()
            ))),
            Wanted::Named(named) => {
                let place = |(from, place): (String, Place)| {
                    let number = from
                        .parse::<u32>()
                        .map_err(|_| D::Error::custom(format!("`{from}` is no number of a database")))?;
                    Ok((u64::from(number), place.into()))
                };
                Ok(Self::named(named.into_iter().map(place).collect::<Result<_, _>>()?))
            }
        }
    }
}

impl Serialize for Databases {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_keep() {
            return Word::Keep.serialize(serializer);
        }
        if self.merge {
            return Word::Merge.serialize(serializer);
        }
        let place = |destination: &Destination| match destination {
            Destination::Drop => Place::Drop(Dropped::Drop),
            Destination::To { database, prefix } => Place::Prefixed(Prefixed {
                to: u32::try_from(*database).unwrap_or(u32::MAX),
                prefix: String::from_utf8_lossy(prefix).into_owned(),
            }),
        };
        serializer.collect_map(self.named.iter().map(|(from, destination)| (from, place(destination))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_where_databases_go() {
        let read = |text: &str| serde_json::from_str::<Databases>(text);
        let text = r#"{"1": "drop", "2": 3, "4": {"to": 0, "prefix": "db4:"}}"#;
        let databases = read(text).unwrap();
        assert_eq!(databases, Databases::parse("1=drop,2=3,4=0:db4:").unwrap());
        for databases in [databases, Databases::default(), Databases::merged()] {
            assert_eq!(read(&serde_json::to_string(&databases).unwrap()).unwrap(), databases);
        }
        assert!(read(r#"{"x": 1}"#).unwrap_err().to_string().starts_with("`x` is no number"));
        for bad in [r#""all""#, "1", r#"{"1": -1}"#, r#"{"1": "2"}"#, r#"{"1": {"to": 0, "x": 1}}"#] {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.starts_with("expected \"keep\""), "{bad}: {error}");
        }
    }
}
