"""Scenarios: what each function answers, call by call. The last answer is given again."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "template/expressions"))

# Answers there have the shape of the code's.
import inputs  # noqa: E402
from variations import base  # noqa: E402

ACCOUNT = "123456789012"
EXECUTIONS = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:seed-cluster"
# Long after any run of this.
NOT_SOON_MS = 4_000_000_000_000


@dataclass
class Failure:
    """A function's own error."""

    name: str
    message: str


@dataclass
class Refusal:
    """An error of Lambda itself."""

    status: int
    code: str


class Approves:
    """A person who approves when asked."""

    def answer(self, sfn, token):
        sfn.send_task_success(taskToken=token, output="{}")


@dataclass
class Rejects:
    """A person who rejects when asked."""

    reason: str

    def answer(self, sfn, token):
        sfn.send_task_failure(taskToken=token, error="Approval.Rejected", cause=self.reason)


@dataclass
class Scenario:
    """An execution, and how it has to end."""

    name: str
    status: str
    # A state that it enters, and how often.
    through: str
    times: int
    error: str | None = None
    answers: dict = field(default_factory=dict)
    cleans_up: bool = False
    person: Approves | Rejects | None = None

    def execution(self):
        return self.name.replace(" ", "-")

    def input(self):
        return {"cleanUp": f"{EXECUTIONS}:{self.execution()}"} if self.cleans_up else {"backups": ["backups/orders.rdb"]}


def answer(sample, **changes):
    return base(sample) | changes


PREPARED = answer(inputs.PREPARED, chunks=[{"backup": 0, "start": 0, "end": 512}, {"backup": 0, "start": 512, "end": 1024}],
                  workers=1, onRestoreFailed="delete", pollSeconds=30)
ASKING = PREPARED | {"approval": True}
ASSESSED = answer(inputs.RESULTS["Assess"][0], conversion=[], verdict="warn")
CREATING = answer(inputs.RESULTS["CheckCluster"], findings=[], phase="creating")
for absent in ("cluster", "verification"):
    del CREATING[absent]
AVAILABLE = answer(inputs.RESULTS["CheckCluster"], phase="available", status="available", findings=[])
RESTORE_FAILED = CREATING | {"phase": "restore-failed", "status": "create-failed", "hint": 'a larger "node" type'}
DELETING = answer(inputs.RESULTS["DeleteCluster"], phase="deleting")
for absent in ("cluster", "verification"):
    del DELETING[absent]
UNFINISHED = {"outcome": "unfinished", "conversion": [{"backup": 0, "range": 0}, {"backup": 0, "range": 1}], "round": 0}
DECIDED = {name: ASSESSED[name] for name in ("verdict", "findings", "plan", "report")}
USUAL = {
    "PrepareSeeding": [PREPARED],
    "InspectChunk": [answer(inputs.INSPECTED)],
    "AssessBackup": [ASSESSED],
    "GrantAccess": [answer(inputs.RESULTS["GrantAccess"], findings=[], renewAtMs=NOT_SOON_MS)],
    "CreateCluster": [answer(inputs.RESULTS["CreateCluster"])],
    "CheckCluster": [CREATING, AVAILABLE],
    "VerifyCluster": [answer(inputs.RESULTS["VerifyCluster"])],
    "DeleteCluster": [DELETING, DELETING | {"phase": "gone"}],
    "RevokeAccess": [{"revoked": ["backups"]}],
    "RecordOutcome": [answer(inputs.ANNOUNCEMENT)],
    "AskApproval": [{}],
}
SCENARIOS = [
    Scenario("seeded", "SUCCEEDED", "VerifyCluster", 1,
             answers={"PrepareSeeding": [Refusal(429, "TooManyRequestsException"), Failure("ServiceBusy", "busy"), PREPARED]}),
    Scenario("rejected", "FAILED", "BackupRejected", 1, "BackupRejected",
             {"AssessBackup": [ASSESSED | {"verdict": "reject"}]}),
    Scenario("dry run", "SUCCEEDED", "DryRunComplete", 1, answers={"PrepareSeeding": [PREPARED | {"dryRun": True}]}),
    Scenario("restore failed", "FAILED", "DeleteCluster", 2, "SeedingFailed", {"CheckCluster": [CREATING, RESTORE_FAILED]}),
    Scenario("start over", "SUCCEEDED", "CreateCluster", 2,
             answers={"PrepareSeeding": [PREPARED | {"onRestoreFailed": "startOver"}], "CheckCluster": [RESTORE_FAILED, AVAILABLE]}),
    Scenario("in doubt", "FAILED", "DeleteCluster", 1, "SeedingFailed",
             {"CreateCluster": [Failure("IdTaken", "the cluster orders exists")], "DeleteCluster": [DELETING | {"phase": "in-doubt"}]}),
    Scenario("deadline passed", "FAILED", "CheckCluster", 3, "SeedingFailed",
             {"CheckCluster": [CREATING, CREATING, CREATING | {"deadlinePassed": True}]}),
    Scenario("converted", "SUCCEEDED", "FinishConversion", 4, answers={
        "AssessBackup": [ASSESSED | {"conversion": UNFINISHED["conversion"], "phase": "compare"}],
        "ConvertChunk": [{"bytes": 512}],
        "FinishConversion": [UNFINISHED | {"phase": "plan"}, UNFINISHED | {"phase": "write"} | DECIDED,
                             UNFINISHED | {"phase": "write", "round": 1}, {"outcome": "converted"}]}),
    Scenario("conversion refused", "FAILED", "FinishConversion", 2, "BackupRejected", {
        "AssessBackup": [ASSESSED | {"conversion": UNFINISHED["conversion"], "phase": "plan"}],
        "ConvertChunk": [{"bytes": 512}],
        "FinishConversion": [UNFINISHED | {"phase": "preview"}, {"outcome": "rejected"} | DECIDED | {"verdict": "reject"}]}),
    Scenario("approved", "SUCCEEDED", "GrantAccess", 1, answers={"PrepareSeeding": [ASKING]}, person=Approves()),
    Scenario("approval refused", "FAILED", "AwaitApproval", 1, "BackupRejected", {"PrepareSeeding": [ASKING]},
             person=Rejects('not the "orders"\nof today')),
    Scenario("clean-up", "SUCCEEDED", "CleanedUp", 1, cleans_up=True),
    Scenario("retries run out", "FAILED", "GrantAccess", 1, "SeedingFailed",
             {"GrantAccess": [Failure("ServiceBusy", 'S3 said "SlowDown"\nhint: try again later')]}),
    Scenario("not stored", "SUCCEEDED", "TellInWords", 1, answers={"RecordOutcome": [Failure("AccessDenied", "may not write")]}),
]
