"""What the expressions of the state machine are given: each variable, input, result and error as it may be.

The check compares the members of a function's answer with the code, so a new member has to be added here.
"""

import json

from variations import Free, Maybe, OneOf, OrEmpty, UpTo, Words

NAME = "orders-3f2a9c0d1b4e5f60"
ARN = f"arn:aws:states:us-east-1:123456789012:execution:seed-cluster:{NAME}"
REPORT = f"s3://elasticache-seeder-reports/executions/{NAME}/report.json"
HINT = "the cluster orders is restore-failed\nhint: choose a larger node type"
# Lambda's cause of a function error is JSON, and Step Functions cuts what is longer than 32,768 characters.
LAMBDA_CAUSE = json.dumps({"errorType": "AccessDenied", "errorMessage": f'may not read "backups"\n{HINT}'})
CAUSES = (
    LAMBDA_CAUSE,
    LAMBDA_CAUSE[:-20],
    LAMBDA_CAUSE[:-20] + "\\",
    '{"errorMessage": "read", "errorType": "Unhandled", "trace": []}',
    json.dumps({"errorMessage": "it said {\"errorMessage\": \"no\"} \\ / é \u2028 🙂"}, ensure_ascii=False),
    json.dumps({"errorMessage": "escaped: é \u2028 🙂 \t \b \f \r"}),
    '{"errorMessage": null}',
    '{"errorMessage": {"a": 1}}',
    '{"errorType": "Sandbox.Timedout"}',
    "{}",
    "{",
    "{ is no JSON",
    "[1]",
    "null",
    "Task timed out after 120.00 seconds",
    HINT,
    "\nhint: ",
    json.dumps({"errorMessage": "long \"words\"\n" * 16_000}),
    "long " * 40_000,
)
ERRORS = (
    "RestoreFailed",
    "",
    "AccessDenied",
    "Lambda.TooManyRequestsException",
    "Lambda.AccessDeniedException",
    "Lambda.Unknown",
    "States.Timeout",
    "States.QueryEvaluationError",
    "Runtime.ExitError",
)
FINDING = {
    "code": "converted",
    "severity": OneOf("note"),
    "backup": Maybe("backups/orders.rdb"),
    "shard": Maybe(1),
    "evidence": Free({"from": "REDIS0012", "removes": ["rdb-newer-than-engine"], "bytes": 1}),
    "remedy": "no action needed: nothing is lost",
}
CLUSTER = {
    "kind": "replicationGroup",
    "id": "orders",
    "arn": "arn:aws:elasticache:us-east-1:123456789012:replicationgroup:orders",
    "endpoint": "master.orders.abc123.use1.cache.amazonaws.com",
    "port": 6379,
    "nodeType": "cache.r7g.large",
    "shards": 1,
}
PRICE = {"currency": "USD", "perMonth": 876.0, "perNodeHour": 0.2, "asOf": "2026-11-01"}
PLAN = {
    "nodeType": "cache.r7g.large",
    "shards": [{"slots": "0-16383", "keys": 12_000, "usedMemoryBytes": 9_437_184, "usableBytes": 10_527_885_772}],
    "reserve": {"emptyServerBytes": 1, "replicationBacklogBytes": 1_048_576, "clientBytes": 0},
    "nextSmaller": Maybe({"nodeType": "cache.r7g.small", "shards": Maybe(1), "reason": "too small"}),
    "startOverNodeTypes": ["cache.r7g.xlarge", "cache.r7g.2xlarge"],
    "price": Maybe(PRICE),
    "alternatives": Maybe([{"nodeType": "cache.m7g.xlarge", "shards": 1, "price": PRICE}]),
}
VERIFICATION = {
    "host": "master.orders.abc123.use1.cache.amazonaws.com",
    "port": 6379,
    "tls": True,
    "clusterMode": False,
    "authTokenSecretArn": Maybe("arn:aws:secretsmanager:us-east-1:123456789012:secret:orders-AbCdEf"),
    "counts": OneOf({"keys": 1, "expires": 0, "alreadyExpired": 0, "dataBytes": 92_000_000}, None),
}
MEMORY = {"predictedBytes": 9_201_344_512, "measuredBytes": 9_188_302_848}
RESUME = "executions/orders/positions/000-0000000001048576.json"
CHUNK = {"backup": 0, "start": 0, "end": 1_048_576, "resume": Maybe(RESUME)}
INSPECTED = {"backup": 0, "start": 0, "end": 1_048_576, "complete": True, "partial": "executions/orders/partials/000.json"}
CONVERSION_CHUNK = {"backup": 0, "range": 0}
PHASES = OneOf("plan", "compare", "preview", "write")
DECIDED = {"verdict": OneOf("ok", "warn", "reject"), "findings": [FINDING], "plan": Maybe(PLAN), "report": REPORT}
REJECTED = {"outcome": OneOf("rejected"), "findings": [FINDING]}
PREPARED = {
    "outcome": OneOf("prepared"),
    "verdict": OneOf("ok", "warn"),
    "findings": [FINDING],
    "chunks": [CHUNK],
    "clusterId": "orders",
    "pollSeconds": OneOf(30, 1, 3600),
    "dryRun": False,
    "verify": True,
    "onRestoreFailed": OneOf("startOver", "delete", "keep"),
    "maxStartOvers": OneOf(1, 0, 5),
    "deadlineMinutes": OneOf(240, 1, 1380),
    "workers": OneOf(40, 1),
    "approval": False,
    "approvalHours": OneOf(24, 1, 168),
}
ANNOUNCEMENT = {
    "announce": True,
    "detailType": "Seeding Succeeded",
    "detail": {"schema": 1, "execution": NAME, "outcome": "seeded", "cluster": OneOf(CLUSTER, None), "findings": [FINDING]},
    "subject": "Seeding succeeded: orders",
    "message": "The cluster orders is available.",
}
NOTHING = {"announce": OneOf(False), "detailType": OneOf(""), "detail": OneOf(None), "subject": OneOf(""), "message": OneOf("")}
FAILURE = {"state": "CheckCluster", "error": Words(*ERRORS), "cause": Words(*CAUSES)}

# One sample, or a tuple of them.
VARIABLES = {
    "announcement": (ANNOUNCEMENT, NOTHING),
    "approval": False,
    "approvalHours": PREPARED["approvalHours"],
    "approved": False,
    "attempt": UpTo(5),
    "chunks": [CHUNK],
    "cleanUp": False,
    "cluster": OrEmpty(CLUSTER),
    "clusterId": "orders",
    "conversion": [CONVERSION_CHUNK],
    "conversionPhase": PHASES,
    "conversionRound": UpTo(20),
    "createdAtMs": 1_795_512_600_000,
    "deadlineMs": 14_400_000,
    "deadlinePassed": False,
    "decidedAtMs": 1_795_512_500_000,
    "deletion": OneOf("deleting", "creating", "gone", "available", "kept", "in-doubt", "left-behind", "unknown"),
    "deletionErrors": UpTo(6),
    "deletionFailure": FAILURE,
    "deletionPolls": UpTo(240),
    "dryRun": False,
    "ending": OneOf("seeded", "dry-run", "rejected", "failed", "cleaned-up", "awaiting-approval"),
    "events": ["orders: Restore failed for orders-001 (\"bad\\record\")"],
    "execution": ARN,
    "failure": FAILURE,
    "failureCode": "restore-failed",
    "failureText": Words(HINT, "no hint", "\nhint: ", "\nhint: one\nhint: two", "long " * 40_000),
    "findings": [FINDING],
    "hint": "choose a larger node type",
    "inspected": [INSPECTED],
    "leftBehind": ["cluster orders"],
    "maxStartOvers": PREPARED["maxStartOvers"],
    "memory": OrEmpty(MEMORY),
    "nodeType": "cache.r7g.large",
    "onRestoreFailed": PREPARED["onRestoreFailed"],
    "outcome": OneOf("failed", "seeded"),
    "phase": OneOf("creating", "available", "restore-failed", "create-failed", "deleting", "gone", "unknown"),
    "plan": OrEmpty(PLAN),
    "pollSeconds": PREPARED["pollSeconds"],
    "preparation": (PREPARED, REJECTED),
    "readingRound": UpTo(250),
    "renewAtMs": 1_795_512_600_000,
    "report": REPORT,
    "restoreFailed": False,
    "revokeErrors": OneOf(0, 1, 3, 4),
    "startOverNodeTypes": PLAN["startOverNodeTypes"],
    "startedAtMs": 1_795_512_400_000,
    "status": "creating",
    "verdict": OneOf("ok", "warn", "reject"),
    "verification": OrEmpty(VERIFICATION),
    "verify": True,
    "waitSeconds": OneOf(30, 0, 3600),
    "workers": PREPARED["workers"],
}

# What the variables are where a Choice comes to late, so that it does.
WAYS = {
    "Assessed.Choices.4": {"chunks": ([],)},
    "Assessed.Choices.5": {"chunks": ([],)},
    "Deletion.Choices.6": {
        "deletion": OneOf("gone"),
        "restoreFailed": OneOf(True, False),
        "attempt": OneOf(0, 1, 4),
        "maxStartOvers": OneOf(5, 1, 0),
    },
}

# The answers of the functions.
RESULTS = {
    "Prepare": (PREPARED, REJECTED),
    "InspectChunk": INSPECTED,
    "Assess": (
        DECIDED | {"outcome": "assessed", "conversion": [CONVERSION_CHUNK], "phase": PHASES},
        {"outcome": "incomplete", "chunks": [CHUNK]},
    ),
    "FinishConversion": (
        {"outcome": "unfinished", "phase": PHASES, "conversion": [CONVERSION_CHUNK], "round": UpTo(20)},
        DECIDED | {"outcome": "unfinished", "phase": PHASES, "conversion": [CONVERSION_CHUNK], "round": UpTo(20)},
        DECIDED | {"outcome": "rejected"},
        DECIDED | {"outcome": "planned"},
        {"outcome": "planned"},
        {"outcome": "converted"},
    ),
    "GrantAccess": {"grants": [{"bucket": "backups", "way": "policy", "keys": []}], "findings": [FINDING],
                    "renewAtMs": 1_795_512_600_000},
    "CreateCluster": {"clusterId": "orders", "createdAtMs": 1_795_512_600_000, "status": "creating"},
    "CheckCluster": {
        "phase": OneOf("creating", "available", "restore-failed", "create-failed", "deleting", "gone"),
        "status": "creating",
        "deadlinePassed": False,
        "waitSeconds": OneOf(30, 0, 3600),
        "events": ["orders: Restore failed for orders-001 (\"bad\\record\")"],
        "hint": "",
        "cluster": Maybe(CLUSTER),
        "verification": Maybe(VERIFICATION),
        "findings": [FINDING],
    },
    "VerifyCluster": {"keys": 1_000_000, "expectedKeys": 1_000_000, "memory": OrEmpty(MEMORY), "findings": [FINDING]},
    "DeleteCluster": {
        "phase": OneOf("deleting", "creating", "gone", "available", "kept", "in-doubt", "left-behind"),
        "clusterId": "orders",
        "cluster": Maybe(CLUSTER),
        "waitSeconds": OneOf(30, 0, 3600),
        "verify": True,
        "verification": Maybe(VERIFICATION),
    },
    "RecordOutcome": (ANNOUNCEMENT, NOTHING),
}
RESULTS["RenewAccess"] = RESULTS["KeepAccess"] = RESULTS["GrantAccess"]
# The outputs of the branches of a Map.
MAP_RESULTS = {
    "InspectChunks": ([INSPECTED], [INSPECTED, {"unread": CHUNK}], [{"unread": CHUNK}]),
}

REQUEST = {"backups": ["my-bucket/my-folder/redis.rdb"], "cluster": Maybe({"id": "orders"})}
ANYTHING = ({}, [], [1], 0, 10**15, "", "text", True, None, {"cleanUp": 5}, {"cleanUp": None}, {"cleanUp": [ARN]})
STATE_INPUTS = {
    "Entry": (REQUEST, {"cleanUp": ARN}, *(OneOf(one) for one in ANYTHING)),
    "Prepare": (REQUEST, {"dropped": {"bucket": "my-bucket", "key": "redis dump.rdb"}}, *(OneOf(one) for one in ANYTHING)),
    "InspectChunk": {"execution": ARN, "chunk": CHUNK},
    "ConvertChunk": {"execution": ARN, "phase": PHASES, "chunk": CONVERSION_CHUNK},
}

ERROR_OUTPUT = {"Error": Words(*ERRORS), "Cause": Maybe(Words(*CAUSES))}
# Whoever answers for a task names the error, or does not: it is optional in SendTaskFailure.
ERROR_OUTPUTS = {"AwaitApproval": {"Error": Maybe(Words("Approval.Rejected", *ERRORS)), "Cause": Maybe(Words("too small", *CAUSES))}}

CONTEXT = {
    "Execution": {"Id": ARN, "Name": NAME, "StartTime": OneOf("2026-11-24T09:30:00.123Z", "2026-11-24T09:30:00Z")},
    "State": {"Name": "Any", "EnteredTime": OneOf("2026-11-24T09:31:00.123Z", "2026-11-24T09:31:00Z"), "RetryCount": 0},
    "StateMachine": {"Id": "arn:aws:states:us-east-1:123456789012:stateMachine:seed-cluster", "Name": "seed-cluster"},
}
# What the context has in some states only.
CONTEXTS = {
    "InspectChunks": {"Map": {"Item": {"Index": 0, "Value": CHUNK}}},
    "ConvertChunks": {"Map": {"Item": {"Index": 0, "Value": CONVERSION_CHUNK}}},
    "AwaitApproval": {"Task": {"Token": "AQCEAAAAKgAAAAMAAAAA"}},
}
SUBSTITUTIONS = {"OutcomeTopicArn": ("", "arn:aws:sns:us-east-1:123456789012:outcomes")}

# The types of the functions' answers, in crates/seeding/src/flow.
ANSWERS = {
    "Prepare": "PrepareOutput",
    "Assess": "AssessOutput",
    "FinishConversion": "FinishOutput",
    "InspectChunk": "InspectedChunk",
    "GrantAccess": "GrantOutput",
    "CreateCluster": "CreateOutput",
    "CheckCluster": "CheckOutput",
    "VerifyCluster": "VerifyOutput",
    "DeleteCluster": "DeleteOutput",
    "RecordOutcome": "Announcement",
}
