//! Times to live.

use serde::{Deserialize, Serialize};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// The upper bounds of all classes but the last, from now on.
const ENDS_MS: [u64; 7] = [0, MINUTE_MS, HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 365 * DAY_MS];

/// Keys with an expiry, by the time left to them at [`crate::InspectOptions::now_ms`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimesToLive {
    /// Already expired.
    pub expired: u64,
    /// Up to a minute.
    pub minute: u64,
    /// Up to an hour.
    pub hour: u64,
    /// Up to a day.
    pub day: u64,
    /// Up to seven days.
    pub week: u64,
    /// Up to 30 days.
    pub month: u64,
    /// Up to 365 days.
    pub year: u64,
    /// Longer.
    pub longer: u64,
}

impl TimesToLive {
    /// From the counts of each [`class`].
    pub(crate) fn from_classes(classes: [u64; 8]) -> Self {
        let [expired, minute, hour, day, week, month, year, longer] = classes;
        Self { expired, minute, hour, day, week, month, year, longer }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.expired += other.expired;
        self.minute += other.minute;
        self.hour += other.hour;
        self.day += other.day;
        self.week += other.week;
        self.month += other.month;
        self.year += other.year;
        self.longer += other.longer;
    }
}

/// Keys by the time since they were last used when the file was written. Only servers that evict by it store it (with a
/// `maxmemory-policy` of `allkeys-lru` or `volatile-lru`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdleTimes {
    /// Up to a minute.
    pub minute: u64,
    /// Up to an hour.
    pub hour: u64,
    /// Up to a day.
    pub day: u64,
    /// Up to seven days.
    pub week: u64,
    /// Up to 30 days.
    pub month: u64,
    /// Up to 365 days.
    pub year: u64,
    /// Longer.
    pub longer: u64,
}

impl IdleTimes {
    /// From the counts of each [`idle_class`].
    pub(crate) fn from_classes(classes: [u64; 7]) -> Self {
        let [minute, hour, day, week, month, year, longer] = classes;
        Self { minute, hour, day, week, month, year, longer }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.minute += other.minute;
        self.hour += other.hour;
        self.day += other.day;
        self.week += other.week;
        self.month += other.month;
        self.year += other.year;
        self.longer += other.longer;
    }

    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The class of a key by the time since it was last used, from 0 to 6.
pub(crate) fn idle_class(seconds: u64) -> usize {
    let ms = seconds.saturating_mul(1000);
    ENDS_MS.iter().skip(1).filter(|end_ms| ms > **end_ms).count()
}

/// The class of a key by its expiry, from 0 for expired to 7.
#[inline]
pub(crate) fn class(expires_at_ms: i64, now_ms: u64) -> usize {
    let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
    let left_ms = expires_at_ms.saturating_sub(now_ms);
    // Without branches: times are random, so branches would be mispredicted.
    ENDS_MS.iter().map(|end_ms| usize::from(left_ms > end_ms.cast_signed())).sum()
}
