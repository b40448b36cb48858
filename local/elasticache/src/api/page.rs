//! Pagination of a response.

use crate::{api::query::Params, error::ApiError, state::State};

/// One page of a response.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// Start of the next page; `None` on the last one.
    pub(super) marker: Option<usize>,
}

/// Returns the page that `Marker` and `MaxRecords` request.
///
/// Pages may be smaller than requested: the service decides, and only the marker tells whether there is more.
pub(super) fn page<T>(
    state: &State,
    params: &Params,
    items: impl IntoIterator<Item = T>,
) -> Result<Page<T>, ApiError> {
    let most: usize = params.number("MaxRecords")?.unwrap_or(100);
    if !(20..=100).contains(&most) {
        return Err(ApiError::value(format_args!("Invalid MaxRecords {most}: it must be 20 to 100")));
    }
    let most = state.config.switches.page_records.map_or(most, |records| most.min(records.max(1)));
    let start: usize = params.number("Marker")?.unwrap_or(0);
    let mut rest = items.into_iter().skip(start);
    let items: Vec<T> = rest.by_ref().take(most).collect();
    let marker = rest.next().map(|_| start + most);
    Ok(Page { items, marker })
}
