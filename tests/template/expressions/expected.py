"""What results are, where a wrong one would be a value too: (expression, variables, result).

A member that JSONata does not find is left out of a list or an object, and a list of one may become that one.
"""

import json

from inputs import CAUSES, CHUNK, FINDING, HINT, INSPECTED, LAMBDA_CAUSE, REPORT
from variations import base

FOUND = base(FINDING)
READ, UNREAD = base(INSPECTED), base(CHUNK)
MIXED = {"inspected": [READ], "states": {"result": [READ | {"backup": 1}, {"unread": UNREAD}]}}
# A round that decides nothing.
UNDECIDED = {"states": {"result": {"Payload": {"outcome": "planned"}}}}
SILENT = {"errorOutput": {"Error": "ServiceBusy"}}
TOLD = {"errorOutput": {"Error": "ServiceBusy", "Cause": "S3 said \"SlowDown\""}}


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def warning(code, message, remedy):
    return {"code": code, "severity": "warn", "evidence": {"error": "ServiceBusy", "message": message}, "remedy": remedy}


def failure(message, remedy):
    evidence = {"state": "CheckCluster", "error": "RestoreFailed", "message": message}
    return {"code": "restore-failed", "severity": "fail", "evidence": evidence, "remedy": remedy}


def refusal(reason):
    remedy = "the reason is that of the person who rejected it"
    return {"code": "not-approved", "severity": "fail", "evidence": {"reason": reason}, "remedy": remedy}


def ending(findings, events=(), left=()):
    return {"verdict": "reject", "findings": findings, "report": REPORT, "events": [*events], "leftBehind": [*left]}


COUNT = "count the keys yourself: DBSIZE on every primary"
REMOVE = "remove the statement or grant of this execution from the bucket: its Sid begins with ElasticacheSeeder"
FAILED = {"failure": {"state": "CheckCluster", "error": "RestoreFailed"}, "failureCode": "restore-failed"}
TOO_LONG = {"code": "inspection-too-long", "severity": "fail", "evidence": {"rounds": 250, "rangesLeft": 1},
            "remedy": "give inspect-chunk more memory (InspectMemoryMb), which brings more CPU and network"}
EXPECTED = [
    ("InspectChunks.Assign.inspected", MIXED, [READ, READ | {"backup": 1}]),
    ("InspectChunks.Assign.chunks", MIXED, [UNREAD]),
    ("Assess.Assign.findings", {"findings": [FOUND], **UNDECIDED}, [FOUND]),
    ("Assessed.Choices.1.Assign.findings", {"findings": [FOUND], "readingRound": 250, "chunks": [UNREAD]}, [TOO_LONG, FOUND]),
    ("FinishConversion.Assign.findings", {"findings": [FOUND], **UNDECIDED}, [FOUND]),
    ("FinishConversion.Assign.startOverNodeTypes", {"startOverNodeTypes": ["cache.r7g.large"], **UNDECIDED}, ["cache.r7g.large"]),
    ("Conversion.Choices.1.Condition", {"dryRun": True, "conversion": []}, True),
    ("Conversion.Choices.1.Condition", {"dryRun": True, "conversion": [{"backup": 0, "range": 0}]}, False),
    ("Conversion.Choices.2.Condition", {"approval": True, "approved": False, "conversionPhase": "write"}, True),
    ("Conversion.Choices.2.Condition", {"approval": True, "approved": True, "conversionPhase": "write"}, False),
    ("GrantAccess.Assign.findings", {"findings": [FOUND], "states": {"result": {"Payload": {"findings": [FOUND]}}}}, [FOUND] * 2),
    ("CheckCluster.Assign.findings", {"findings": [FOUND], "states": {"result": {"Payload": {"findings": [FOUND]}}}}, [FOUND] * 2),
    ("VerifyCluster.Assign.findings", {"findings": [FOUND], "states": {"result": {"Payload": {"findings": [FOUND]}}}}, [FOUND] * 2),
    ("VerifyCluster.Catch.0.Assign.findings", {"findings": [FOUND], "states": TOLD},
     [FOUND, warning("verify-failed", "S3 said \"SlowDown\"", COUNT)]),
    ("VerifyCluster.Catch.0.Assign.findings", {"findings": [], "states": SILENT}, [warning("verify-failed", "", COUNT)]),
    ("RevokeAccess.Catch.0.Assign.findings", {"findings": [FOUND], "revokeErrors": 3, "states": TOLD},
     [FOUND, warning("revoke-failed", "S3 said \"SlowDown\"", REMOVE)]),
    ("RevokeAccess.Catch.0.Assign.findings", {"findings": [], "revokeErrors": 3, "states": SILENT},
     [warning("revoke-failed", "", REMOVE)]),
    ("RevokeAccess.Catch.0.Assign.failure", {"failure": {"error": ""}, "revokeErrors": 3, "states": SILENT},
     {"state": "RevokeAccess", "error": "ServiceBusy", "cause": ""}),
    ("RecordOutcome.Arguments.Payload.findings", {"findings": [FOUND]}, [FOUND]),
    ("RecordOutcome.Catch.0.Assign.announcement.announce", {"cleanUp": False, "ending": "dry-run"}, True),
    ("RecordOutcome.Catch.0.Assign.announcement.announce", {"cleanUp": True, "ending": "seeded"}, False),
    ("RecordOutcome.Catch.0.Assign.announcement.detail.findings", {"findings": [FOUND]},
     [{"code": FOUND["code"], "severity": FOUND["severity"], "evidence": {}, "remedy": FOUND["remedy"]}]),
    ("AwaitApproval.Catch.0.Assign.findings", {"findings": [FOUND] * 5, "states": {"errorOutput": {"Cause": "too \"small\""}}},
     [refusal("too \"small\""), *[FOUND] * 4]),
    ("AwaitApproval.Catch.0.Assign.findings", {"findings": [], "states": {"errorOutput": {}}}, [refusal("")]),
    ("AwaitApproval.Catch.2.Assign.failure", {"states": {"errorOutput": {}}},
     {"state": "AwaitApproval", "error": "States.TaskFailed", "cause": ""}),
    ("BackupRejected.Cause", {"verdict": "reject", "findings": [FOUND], "report": REPORT}, compact(ending([FOUND]))),
    ("BackupRejected.Cause", {"verdict": "reject", "findings": [FOUND] * 6, "report": REPORT}, compact(ending([FOUND] * 5))),
    ("SeedingFailed.Cause", {"verdict": "reject", "findings": [FOUND], "report": REPORT, "events": ["one"], "leftBehind": ["grant"]},
     compact(ending([FOUND], ["one"], ["grant"]))),
    ("NameFailure.Assign.failureText", {"failure": {"cause": LAMBDA_CAUSE}}, json.loads(LAMBDA_CAUSE)["errorMessage"]),
    ("NameFailure.Assign.failureText", {"failure": {"cause": LAMBDA_CAUSE[:-20]}}, LAMBDA_CAUSE[:-20]),
    ("NameFailure.Assign.failureText", {"failure": {"cause": CAUSES[4]}}, json.loads(CAUSES[4])["errorMessage"]),
    ("NameFailure.Assign.failureText", {"failure": {"cause": HINT}}, HINT),
    ("ExplainFailure.Assign.findings", {**FAILED, "failureText": HINT, "findings": [FOUND] * 5},
     [failure("the cluster orders is restore-failed", "choose a larger node type"), *[FOUND] * 4]),
    ("ExplainFailure.Assign.findings", {**FAILED, "failureText": "", "findings": []},
     [failure("", "see the execution history at the state CheckCluster")]),
]
