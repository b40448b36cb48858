//! Parameters of the Query API: a form with paths as names, such as
//! `NodeGroupConfiguration.NodeGroupConfiguration.1.Slots`.

use std::{borrow::Cow, collections::BTreeMap, str::FromStr};

use percent_encoding::percent_decode_str;

use crate::error::ApiError;

/// Limit for the parameters of a request, far above the largest one: 500 node groups with six Availability Zones each.
const MAX_PARAMETERS: usize = 20_000;

/// A value, its named parts, or both.
#[derive(Debug, Default)]
pub(crate) struct Params {
    value: Option<String>,
    parts: BTreeMap<String, Params>,
}

impl Params {
    pub(crate) fn parse(form: &str) -> Result<Self, ApiError> {
        let mut root = Self::default();
        for (number, pair) in form.split('&').filter(|pair| !pair.is_empty()).enumerate() {
            if number == MAX_PARAMETERS {
                return Err(ApiError::value(format_args!("more than {MAX_PARAMETERS} parameters")));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            // No parameter of the API has more than eight levels.
            let part = name
                .splitn(8, '.')
                .fold(&mut root, |part, step| part.parts.entry(step.to_owned()).or_default());
            part.value = Some(value);
        }
        Ok(root)
    }

    /// The named parts below a name.
    pub(crate) fn part(&self, name: &str) -> Option<&Self> {
        self.parts.get(name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.parts.get(name)?.value.as_deref()
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.text(name).filter(|text| !text.is_empty()).ok_or_else(|| {
            ApiError::value(format_args!("The parameter {name} must be provided and must not be blank."))
        })
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(ApiError::value(format_args!("{name} must be true or false, not {other}"))),
        }
    }

    pub(crate) fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let parse = |text: &str| {
            text.parse().map_err(|_| ApiError::value(format_args!("{name}: invalid number {text}")))
        };
        self.text(name).map(parse).transpose()
    }

    /// Items of a list, under any item name: SDKs send `SnapshotArns.SnapshotArn.1`, `.member.1` or `.1`.
    pub(crate) fn list(&self, name: &str) -> Vec<&Self> {
        let Some(list) = self.parts.get(name) else { return Vec::new() };
        let numbered = |part: &'_ Self| part.parts.keys().any(|key| key.parse::<u32>().is_ok());
        let list = if numbered(list) {
            list
        } else {
            list.parts.values().find(|part| numbered(part)).unwrap_or(list)
        };
        let mut items: Vec<(u32, &Self)> =
            list.parts.iter().filter_map(|(key, item)| Some((key.parse().ok()?, item))).collect();
        items.sort_by_key(|(number, _)| *number);
        items.into_iter().map(|(_, item)| item).collect()
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.list(name).into_iter().filter_map(|item| item.value.clone()).collect()
    }

    /// The tags of a create request.
    pub(crate) fn tags(&self) -> BTreeMap<String, String> {
        let tag = |tag: &Self| {
            Some((tag.text("Key")?.to_owned(), tag.text("Value").unwrap_or_default().to_owned()))
        };
        self.list("Tags").into_iter().filter_map(tag).collect()
    }
}

fn decode(text: &str) -> Result<String, ApiError> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| ApiError::new("MalformedQueryString", "the form is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_whatever_their_items_are_called_and_in_order() {
        let form = "A.SnapshotArn.2=b&A.SnapshotArn.1=a&A.SnapshotArn.10=c%2Cd+e&B.member.1=x&C.1=y&D.Tag.1.Key=k&E=";
        let params = Params::parse(form).unwrap();
        assert_eq!(params.texts("A"), ["a", "b", "c,d e"]);
        assert_eq!(params.texts("B"), ["x"]);
        assert_eq!(params.texts("C"), ["y"]);
        assert_eq!(params.list("D")[0].text("Key"), Some("k"));
        assert!(params.texts("E").is_empty());
    }
}
