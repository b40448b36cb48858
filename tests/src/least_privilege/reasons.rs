//! What AWS needs, and the local stack does not show.

use super::permission::Permission;

/// Which permissions a reason is about.
struct Reason {
    /// The callers; all if it is empty.
    callers: &'static [&'static str],
    /// The statement; any if it is empty.
    sid: &'static str,
    /// The beginning of the action.
    action: &'static str,
    why: &'static str,
}

/// The function is in a VPC.
const IN_VPC: &str = "Lambda puts the function into the VPC with it. Source: Lambda developer guide, \"Giving Lambda \
                      functions access to resources in an Amazon VPC\", required IAM permissions";

/// Without it, S3 answers for a missing object as for a forbidden one.
const FOR_MISSING: &str = "With it, S3 distinguishes a missing object from a forbidden one. No run here misses one; shown \
                           with inspect-chunk";

const REASONS: [Reason; 24] = [
    Reason {
        callers: &["seed-cluster"],
        sid: "",
        action: "logs:",
        why: "Step Functions delivers the execution log with it. Source: Step Functions developer guide, \"Logging to \
              CloudWatch Logs\", IAM policies",
    },
    Reason {
        callers: &[],
        sid: "",
        action: "logs:",
        why: "Lambda writes the function's log with it. Source: Lambda developer guide, \"Defining Lambda function \
              permissions with an execution role\"",
    },
    Reason {
        callers: &[],
        sid: "",
        action: "xray:",
        why: "Lambda and Step Functions write traces with it. Source: AWSXRayDaemonWriteAccess; Step Functions \
              developer guide, \"X-Ray and Step Functions\"",
    },
    Reason {
        callers: &["start-seeding"],
        sid: "",
        action: "sqs:SendMessage",
        why: "Lambda stores events that failed three times with it. Source: Lambda developer guide, \"Retaining \
              records of asynchronous invocations\"",
    },
    Reason {
        callers: &["sweep"],
        sid: "",
        action: "sqs:SendMessage",
        why: "Lambda stores sweeps that failed three times with it. Source: Lambda developer guide, \"Retaining records \
              of asynchronous invocations\"",
    },
    Reason {
        callers: &["sweep"],
        sid: "",
        action: "",
        why: "the sweep asks for executions and starts clean-ups an hour after an end, for which no run here waits. \
              Shown by the tests of functions/sweep",
    },
    Reason {
        callers: &["create-cluster"],
        sid: "",
        action: "iam:CreateServiceLinkedRole",
        why: "ElastiCache makes its role at the first cluster of an account. Source: ElastiCache user guide, \"Using \
              service-linked roles\"",
    },
    Reason { callers: &["verify-cluster"], sid: "GetIntoTheVpc", action: "ec2:", why: IN_VPC },
    Reason {
        callers: &[],
        sid: "DecryptBackups",
        action: "kms:Decrypt",
        why: "S3 decrypts objects in the reader's name: keys encrypt nothing here. Source: S3 user guide, \"Using \
              server-side encryption with AWS KMS keys\", required permissions",
    },
    Reason {
        callers: &[],
        sid: "DecryptAuthToken",
        action: "kms:Decrypt",
        why: "Secrets Manager decrypts the secret in the reader's name. Source: Secrets Manager user guide, \"Secret \
              encryption and decryption\"",
    },
    Reason {
        callers: &["create-cluster"],
        sid: "UseKeyForCluster",
        action: "kms:",
        why: "ElastiCache uses the key of the cluster in the creator's name. Source: ElastiCache user guide, \"At-rest \
              encryption\", conditions; KMS developer guide, \"kms:ViaService\"",
    },
    Reason {
        callers: &["convert-chunk", "finish-conversion"],
        sid: "",
        action: "kms:",
        why: "S3 encrypts and decrypts pieces in the name of the function: keys encrypt nothing here. Source: S3 user \
              guide, \"Using server-side encryption with AWS KMS keys\", required permissions",
    },
    Reason { callers: &["convert-chunk"], sid: "LookAtBuckets", action: "s3:ListBucket", why: FOR_MISSING },
    Reason {
        callers: &["convert-chunk"],
        sid: "FindConverted",
        action: "s3:List",
        why: "a worker that ends after its execution finds what it wrote with it. No run here ends that late",
    },
    Reason {
        callers: &["convert-chunk"],
        sid: "DeleteConverted",
        action: "s3:",
        why: "a worker that ends after its execution deletes what it wrote with it. No run here ends that late",
    },
    Reason {
        callers: &["finish-conversion", "revoke-access"],
        sid: "DeleteConverted",
        action: "s3:AbortMultipartUpload",
        why: "an upload of a function that was killed is aborted with it. Shown by make faults, scenario converted",
    },
    Reason { callers: &["finish-conversion"], sid: "", action: "s3:ListBucket", why: FOR_MISSING },
    Reason {
        callers: &["finish-conversion"],
        sid: "ReadBackups",
        action: "s3:GetObject",
        why: "S3 copies stretches of a backup with it, for which the backups here are too small. Shown by the test \
              convert",
    },
    Reason { callers: &["record-outcome"], sid: "", action: "s3:ListBucket", why: FOR_MISSING },
    Reason {
        callers: &["record-outcome"],
        sid: "",
        action: "s3:",
        why: "a seeding ends alike whether its outcome is recorded or not. Shown by the test `told`",
    },
    Reason {
        callers: &["ask-approval"],
        sid: "",
        action: "s3:PutObject",
        why: "no run here waits for a person. Shown by the test approval",
    },
    Reason {
        callers: &["seed-cluster"],
        sid: "",
        action: "events:PutEvents",
        why: "outcomes are events. The local event bus asks for no permission. Source: Step Functions developer guide, \
              \"Add EventBridge events with Step Functions\"",
    },
    Reason {
        callers: &["seed-cluster"],
        sid: "",
        action: "sns:Publish",
        why: "outcomes are messages to a topic. The local topic asks for no permission. Source: Step Functions \
              developer guide, \"Publish messages to an Amazon SNS topic with Step Functions\"",
    },
    Reason {
        callers: &["grant-access"],
        sid: "",
        action: "s3:GetBucketOwnershipControls",
        why: "chooses between policy and ACL outside of the partition aws. Source: S3 user guide, \"Controlling \
              ownership of objects\"",
    },
];

/// Why a role has a permission that the local stack does not need.
pub fn reason(permission: &Permission) -> Option<&'static str> {
    let about = |reason: &&Reason| {
        (reason.callers.is_empty() || reason.callers.contains(&permission.caller.as_str()))
            && (reason.sid.is_empty() || reason.sid == permission.sid)
            && permission.action.starts_with(reason.action)
    };
    REASONS.iter().find(about).map(|reason| reason.why)
}
