//! How often a cluster is polled while it is created or deleted.

/// The interval between two polls grows to this share of the time passed, in percent.
const GROWTH_PERCENT: i64 = 5;
/// The longest interval between two polls, in seconds.
const MAX_POLL_SECONDS: u32 = 900;
/// The time for which a deletion is polled, in seconds: half an hour.
const DELETION_SECONDS: u64 = 30 * 60;
/// The time for which a cluster is polled that cannot be deleted because it is still being created, in seconds: three
/// days.
const CREATING_SECONDS: u64 = 3 * 24 * 60 * 60;
/// The minimum number of polls of a deletion.
const LEAST_DELETION_POLLS: u32 = 10;

/// Returns the seconds until the next poll of a cluster whose create was requested `age_ms` ago.
///
/// The interval grows with the age, so that the number of polls grows with its logarithm: an execution has at most
/// 25,000 events (Step Functions quotas), and each poll takes nine.
pub fn next_poll_seconds(poll_seconds: u32, age_ms: i64) -> u32 {
    let grown = age_ms.max(0) / 1000 * GROWTH_PERCENT / 100;
    poll_seconds.max(u32::try_from(grown).unwrap_or(u32::MAX).min(MAX_POLL_SECONDS))
}

/// Returns the seconds until the next poll of a deletion that was polled `polls` times; `None` if there is no further
/// poll. `creating`: the cluster cannot be deleted yet.
pub fn next_deletion_poll(poll_seconds: u32, polls: u32, creating: bool) -> Option<u32> {
    let interval = |polls: u32| {
        let grown = u64::from(polls) * u64::from(polls) / 20;
        u64::from(poll_seconds).max(grown.min(u64::from(MAX_POLL_SECONDS)))
    };
    let passed: u64 = (0..polls).map(interval).sum();
    let limit = if creating { CREATING_SECONDS } else { DELETION_SECONDS };
    (passed < limit || polls < LEAST_DELETION_POLLS)
        .then(|| u32::try_from(interval(polls)).unwrap_or(MAX_POLL_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::restore_time::MAX_DEADLINE_MINUTES;

    /// Events of a poll: Wait, Task and Choice, each entered and left, and the three of the task itself.
    const EVENTS_OF_A_POLL: u64 = 9;
    /// Step Functions quotas: "Maximum execution history size".
    const MAX_EVENTS: u64 = 25_000;
    /// For everything else, mostly chunks.
    const OTHER_EVENTS: u64 = 5_000;

    fn polls_until(poll_seconds: u32, seconds: u64) -> u64 {
        let (mut polls, mut passed) = (0, 0_u64);
        while passed < seconds {
            passed += u64::from(next_poll_seconds(poll_seconds, i64::try_from(passed * 1000).unwrap()));
            polls += 1;
        }
        polls
    }

    #[test]
    fn the_longest_seeding_stays_within_the_history_of_an_execution() {
        for poll_seconds in [1, 2, 5, 30, 300, 3600] {
            let creates = 6 * polls_until(poll_seconds, u64::from(MAX_DEADLINE_MINUTES) * 60);
            let deletions =
                (0..).take_while(|polls| next_deletion_poll(poll_seconds, *polls, false).is_some());
            let watched = (0..).take_while(|polls| next_deletion_poll(poll_seconds, *polls, true).is_some());
            let polls = creates + 6 * deletions.count() as u64 + watched.count() as u64;
            assert!(
                polls * EVENTS_OF_A_POLL + OTHER_EVENTS <= MAX_EVENTS,
                "{polls} polls at {poll_seconds} s"
            );
        }
    }

    #[test]
    fn a_poll_is_late_by_five_percent_at_most() {
        assert_eq!(next_poll_seconds(30, 0), 30);
        assert_eq!(next_poll_seconds(30, 10 * 60_000), 30);
        assert_eq!(next_poll_seconds(30, 100 * 60_000), 300);
        assert_eq!(next_poll_seconds(30, i64::MAX), MAX_POLL_SECONDS);
        assert_eq!(next_poll_seconds(3600, i64::MIN), 3600);
    }

    #[test]
    fn a_deletion_is_waited_for_half_an_hour_and_a_creation_for_three_days() {
        let waited = |poll_seconds, creating| {
            (0..)
                .map_while(|polls| next_deletion_poll(poll_seconds, polls, creating))
                .map(u64::from)
                .sum::<u64>()
        };
        for poll_seconds in [1, 30, 180] {
            assert!((DELETION_SECONDS..2 * DELETION_SECONDS).contains(&waited(poll_seconds, false)));
            assert!(waited(poll_seconds, true) >= CREATING_SECONDS);
        }
    }
}
