//! The reason why a cluster failed, as far as ElastiCache's events state it.

use serde::{Deserialize, Serialize};

/// The reason that the events give.
///
/// AWS does not document the texts of these events, so they are matched by phrase: phrases from AWS's documented
/// messages about backups in S3, from the engines' logs, and from S3 and KMS. Any other text is [`Self::Other`]: a
/// guessed hint would mislead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureReason {
    /// ElastiCache could not read the backup.
    Access,
    /// The data needs more memory than a node has.
    Memory,
    /// The engine does not load files of this RDB version.
    Version,
    /// Another reason, several reasons, or none.
    Other,
}

/// Phrases in lower case. None occurs in the events of a successful restore.
const PHRASES: [(FailureReason, &[&str]); 3] = [
    (
        FailureReason::Access,
        &[
            "could not read the backup",
            "accessdenied",
            "access denied",
            "nosuchkey",
            "nosuchbucket",
            "not been granted read",
            "does not have sufficient permissions",
            "unable to validate the authenticated user has access",
            "is not owned by the authenticated user",
            "the s3 bucket",
            "kms:decrypt",
            "kms.accessdenied",
            "kms.disabled",
            "kms.invalid",
            "kms.kmsinvalid",
            "kms.notfound",
            "not authorized to perform",
        ],
    ),
    (
        FailureReason::Memory,
        &[
            "does not fit into",
            "loading was stopped at used_memory",
            "insufficient memory",
            "not enough memory",
            "out of memory",
            "exceeds the memory",
            "exceeds maxmemory",
            "larger than maxmemory",
            "used memory > 'maxmemory'",
        ],
    ),
    (
        FailureReason::Version,
        &[
            "rdb format version",
            "unsupported rdb version",
            "incompatible version",
            "not compatible with engine version",
            "not compatible with the engine version",
        ],
    ),
];

impl FailureReason {
    /// Finds the reason that these events give; [`Self::Other`] if they contradict each other.
    pub fn of(events: &[String]) -> Self {
        let mut reasons =
            events.iter().map(|event| Self::of_one(event)).filter(|reason| *reason != Self::Other);
        let Some(first) = reasons.next() else { return Self::Other };
        if reasons.all(|reason| reason == first) { first } else { Self::Other }
    }

    fn of_one(event: &str) -> Self {
        let event = event.to_lowercase();
        let named = PHRASES.iter().filter(|(_, phrases)| phrases.iter().any(|phrase| event.contains(phrase)));
        match named.map(|(reason, _)| *reason).collect::<Vec<_>>().as_slice() {
            [one] => *one,
            _ => Self::Other,
        }
    }

    /// What to do about a restore that failed for this reason.
    pub const fn restore_hint(self) -> &'static str {
        match self {
            Self::Access => {
                "ElastiCache could not read the backup: check the bucket policy for a Deny, the policy of its KMS key, and \
                 whether the object still exists; if all of that is right, deploy the stack with GrantExpiry disabled"
            }
            Self::Memory => {
                "the data needs more memory than a node has: use a larger node type or more shards"
            }
            Self::Version => {
                "the engine does not load files of this RDB version: use a newer engine version, or create the backup with \
                 an older server"
            }
            Self::Other => "read the events, which are ElastiCache's own",
        }
    }

    /// What to do about a cluster that failed before its restore.
    pub const fn create_hint(self) -> &'static str {
        match self {
            Self::Other => {
                "read the events; common causes are subnets without free addresses and insufficient capacity"
            }
            reason => reason.restore_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(events: &[&str]) -> FailureReason {
        FailureReason::of(&events.iter().map(|event| (*event).to_owned()).collect::<Vec<_>>())
    }

    /// Events of the local ElastiCache; their texts come from real servers and from S3.
    #[test]
    fn the_reason_is_what_the_events_of_real_servers_say() {
        use FailureReason::*;
        for (event, reason) in [
            ("Restore failed: could not read the backup b/k.rdb: AccessDenied: Access Denied", Access),
            (
                "Restore failed: could not read the backup b/k.rdb: NoSuchKey: The specified key does not exist.",
                Access,
            ),
            (
                "Restore failed: shard 0001 (slots 0-16383) does not fit into cache.local.16mb: its data take 27000000 \
                 bytes (used_memory 28000000), maxmemory is 16777216",
                Memory,
            ),
            (
                "Restore failed: loading was stopped at used_memory 90000000: the most that could fit is 88080384",
                Memory,
            ),
            (
                "Restore failed: the server could not load the backup: Can't handle RDB format version 99",
                Version,
            ),
            (
                "Restore failed: the server could not load the backup: Short read or OOM loading DB. Unrecoverable \
                 error, aborting now. | Internal error in RDB reading offset 0, function at rdb.c:3190",
                Other,
            ),
            (
                "Restore failed: the server could not load the backup: Wrong signature trying to load DB from file",
                Other,
            ),
            ("Restore failed: the backup holds keys in databases [0, 1]: cluster mode has only 1", Other),
            ("valkey-server 8.1.1 stands in for valkey 8.2: there is no server of that version here", Other),
            ("Restored: the data take 1000 bytes, maxmemory of cache.local.16mb is 16777216", Other),
            ("Read the backup b/k.rdb: 4000 bytes", Other),
        ] {
            assert_eq!(of(&[event]), reason, "{event}");
        }
    }

    /// AWS documents these for exports to S3; the texts of imports are not documented.
    #[test]
    fn messages_that_aws_documents_are_understood() {
        for event in [
            "ElastiCache has not been granted READ permissions b on the S3 Bucket.",
            "The authenticated user does not have sufficient permissions to perform the desired activity.",
            "Elasticache was unable to validate the authenticated user has access on the S3 bucket.",
            "The S3 bucket b is not owned by the authenticated user.",
            "The S3 bucket b does not exist.",
            "The S3 bucket b is outside of the region.",
        ] {
            assert_eq!(of(&[event]), FailureReason::Access, "{event}");
        }
    }

    #[test]
    fn nothing_is_guessed_where_nothing_or_two_different_things_are_told() {
        let memory = "Restore failed: insufficient memory";
        let access = "Restore failed: Access Denied";
        assert_eq!(of(&[]), FailureReason::Other);
        assert_eq!(of(&["Creating 3 shards", memory, memory]), FailureReason::Memory);
        assert_eq!(of(&[memory, access]), FailureReason::Other);
        assert!(FailureReason::Other.restore_hint().contains("events"));
        assert!(!FailureReason::Access.restore_hint().contains("memory"));
    }
}
