//! Events: `DescribeEvents`.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::page::page;
use crate::{
    api::{query::Params, xml::Xml},
    error::ApiError,
    state::State,
};

/// Longest duration of `DescribeEvents` in minutes: 14 days.
const MAX_MINUTES: i64 = 20_160;

pub(super) fn describe(state: &Arc<State>, params: &Params) -> Result<Xml, ApiError> {
    let (source, kind) = (params.text("SourceIdentifier"), params.text("SourceType"));
    if source.is_some() && kind.is_none() {
        return Err(ApiError::combination("SourceIdentifier needs SourceType"));
    }
    let time = |name: &str| -> Result<Option<Timestamp>, ApiError> {
        let parse = |text: &str| {
            text.parse().map_err(|_| ApiError::value(format_args!("{name}: invalid time {text}")))
        };
        params.text(name).map(parse).transpose()
    };
    let minutes: i64 = params.number("Duration")?.unwrap_or(60);
    if !(1..=MAX_MINUTES).contains(&minutes) {
        return Err(ApiError::value(format_args!(
            "Duration must be 1 to {MAX_MINUTES} minutes, not {minutes}"
        )));
    }
    let end = time("EndTime")?.unwrap_or_else(Timestamp::now);
    let start = match time("StartTime")? {
        Some(start) => start,
        None => end.checked_sub(SignedDuration::from_mins(minutes)).map_err(ApiError::value)?,
    };
    let mut events = state.events.between(start, end);
    events.retain(|event| {
        kind.is_none_or(|kind| kind == event.source_type)
            && source.is_none_or(|source| source == event.source)
    });
    let page = page(state, params, events)?;
    let mut xml = Xml::default();
    xml.optional("Marker", page.marker);
    xml.list("Events", "Event", page.items, |xml, event| {
        xml.text("SourceIdentifier", event.source)
            .text("SourceType", event.source_type)
            .text("Message", event.message)
            .text("Date", event.at);
    });
    Ok(xml)
}
