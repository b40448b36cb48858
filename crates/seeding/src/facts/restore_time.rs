//! How long a restore takes.

/// The largest deadline in minutes: 23 hours.
pub(crate) const MAX_DEADLINE_MINUTES: u32 = 1_380;
/// The slowest restore that users have reported: 3.5 GB of backup in ten minutes. A restore that takes twice as long is
/// still waited for.
const RESTORE_MINUTES_PER_GB: u64 = 6;
/// Time for the nodes themselves, whatever the size.
const NODE_MINUTES: u64 = 30;

/// The minutes within which the restore of backups of this size is expected to end, at most
/// [`MAX_DEADLINE_MINUTES`].
pub(crate) fn expected_minutes(bytes: u64) -> u32 {
    let minutes = NODE_MINUTES + bytes.div_ceil(1_000_000_000) * RESTORE_MINUTES_PER_GB;
    u32::try_from(minutes).unwrap_or(u32::MAX).min(MAX_DEADLINE_MINUTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_grows_with_the_backups() {
        assert_eq!(expected_minutes(0), 30);
        assert!(expected_minutes(30_000_000_000) <= 240);
        assert!(expected_minutes(100_000_000_000) > 240);
        assert_eq!(expected_minutes(u64::MAX), MAX_DEADLINE_MINUTES);
    }
}
