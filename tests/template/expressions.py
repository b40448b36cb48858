#!/usr/bin/env python3
"""Evaluates every expression of the state machine with the reference implementation of JSONata and with the local
interpreter's, on legal and on odd inputs: both have to agree, and a state that needs a value has to get one.

An expression that yields nothing, or fails, ends an execution on AWS with States.QueryEvaluationError, and no Catch of a
Choice or a Pass sees it.
"""

import json
import re
import subprocess
import sys

from subject import ROOT

sys.path.insert(0, str(ROOT / "local/step_functions"))

from repairs.expressions import bind, evaluate  # noqa: E402

ARN = "arn:aws:states:us-east-1:123456789012:execution:seed-cluster:orders-3f2a9c0d1b4e5f60"
FINDING = {"code": "big-key", "severity": "warn", "backup": "b/orders.rdb", "evidence": {"bytes": 7}, "remedy": 'say "no"\nor ü'}
FAILED = {"code": "restore-failed", "severity": "fail", "evidence": {}, "remedy": ""}
CHUNK = {"backup": 0, "start": 0, "end": 1024}
READ = {"backup": 0, "start": 0, "end": 1024, "complete": True, "partial": "executions/e/partials/000.json"}
PLAN = {"nodeType": "cache.r7g.large", "startOverNodeTypes": ["cache.r7g.xlarge", "cache.r7g.2xlarge"], "shards": [{"slots": "0-16383"}]}
ANNOUNCEMENT = {"announce": True, "detailType": "Seeding Failed", "detail": {"schema": 1}, "subject": "s", "message": "m"}
CLUSTER = {"id": "orders", "endpoint": "host", "port": 6379}
VERIFICATION = {"host": "host", "port": 6379}
PREPARATION = {"outcome": "prepared", "verdict": "ok", "findings": [], "chunks": [CHUNK], "clusterId": "orders", "pollSeconds": 30,
               "dryRun": False, "verify": True, "onRestoreFailed": "delete", "maxStartOvers": 1, "deadlineMinutes": 240, "workers": 40,
               "approval": False, "approvalHours": 24}
LONG = "x" * 30_000

# The values that a variable may have. The first is the usual one.
VARIABLES = {
    "execution": [ARN],
    "cleanUp": [False, True],
    "failure": [{"state": "Assess", "error": error, "cause": cause} for error, cause in [
        ("ServiceBusy", json.dumps({"errorType": "ServiceBusy", "errorMessage": "busy\nhint: wait \"a\" bit"})),
        ("", ""), ("States.Timeout", ""), ("Lambda.Unknown", "no JSON"), ("Lambda.TooManyRequestsException", "{\"Type\": \"User\"}"),
        ("Lambda.AccessDeniedException", "a\nhint: b\nhint: c"), ("Internal", "{" + LONG), ("Internal", "{not \"errorMessage\" JSON"),
        ("States.Runtime", LONG), ("TypeError", json.dumps({"errorMessage": ""})), ("A", json.dumps({"errorType": "x"})),
        ("ChangedDuringSeeding", json.dumps({"errorMessage": "ü \\ ' \u2028", "stackTrace": []})),
        ("KMSAccessDenied", json.dumps({"errorMessage": "{\"inner\": 1}"})), ("Sandbox.Timedout", "{}"),
    ]],
    "deletionFailure": [{"state": "DeleteCluster", "error": "LeftBehind", "cause": "c"}],
    "clusterId": ["orders", ""],
    "report": ["s3://b/report.json", ""],
    "startedAtMs": [1_790_000_000_000],
    "decidedAtMs": [0, 1_790_000_000_000],
    "createdAtMs": [0, 1_790_000_000_000],
    "deadlineMs": [14_400_000, 0],
    "renewAtMs": [1_790_000_000_000, 0],
    "findings": [[], [FINDING], [FINDING, FAILED], [FINDING] * 9],
    "preparation": [PREPARATION, {"outcome": "rejected", "findings": [FAILED]}],
    "chunks": [[CHUNK], [], [CHUNK] * 3],
    "inspected": [[], [READ], [READ] * 200],
    "verdict": ["ok", "reject", "warn"],
    "pollSeconds": [30, 1, 300],
    "waitSeconds": [30, 1],
    "dryRun": [False, True],
    "verify": [True, False],
    "approval": [False, True],
    "approved": [False, True],
    "approvalHours": [24, 1, 168],
    "onRestoreFailed": ["delete", "keep", "startOver"],
    "maxStartOvers": [1, 0, 3],
    "workers": [40, 1],
    "readingRound": [0, 1, 250],
    "conversionRound": [0, 1],
    "conversion": [[], [CHUNK], [CHUNK] * 3],
    "conversionPhase": ["plan", "", "write", "compare", "preview"],
    "plan": [PLAN, {}],
    "startOverNodeTypes": [PLAN["startOverNodeTypes"], [], ["cache.r7g.xlarge"]],
    "nodeType": ["cache.r7g.large", ""],
    "attempt": [0, 1, 2],
    "phase": ["creating", "available", "restore-failed", "create-failed", "deleting", "gone", "unknown"],
    "status": ["creating", "unknown (AccessDenied)"],
    "deadlinePassed": [False, True],
    "events": [[], ["one"], ["one", "two \"quoted\""]],
    "hint": ["look", ""],
    "cluster": [{}, CLUSTER],
    "verification": [{}, VERIFICATION],
    "memory": [{}, {"predictedBytes": 1, "measuredBytes": 2}],
    "deletion": ["deleting", "available", "kept", "unknown", "creating", "left-behind", "gone"],
    "deletionPolls": [0, 700],
    "deletionErrors": [0, 5, 6],
    "revokeErrors": [0, 1, 4],
    "leftBehind": [[], ["grant"], ["cluster orders", "grant"]],
    "outcome": ["", "seeded"],
    "restoreFailed": [False, True],
    "ending": ["seeded", "failed", "rejected", "dry-run", "cleaned-up", "awaiting-approval"],
    "announcement": [ANNOUNCEMENT, {"announce": False, "detailType": "", "detail": None, "subject": "", "message": ""}],
    "failureCode": ["service-busy"],
    "failureText": ["busy\nhint: wait", "", "no hint", "a\nhint: b\nhint: c", LONG],
}

DELETED = {"phase": "deleting", "clusterId": "orders", "waitSeconds": 5, "verify": False}
CHECKED = {"phase": "creating", "status": "creating", "deadlinePassed": False, "events": [], "hint": "", "findings": [], "waitSeconds": 5}
# The answers that a step may give. A state that is not here has none.
RESULTS = {
    "Prepare": [PREPARATION, {"outcome": "rejected", "findings": [FAILED]}, {**PREPARATION, "findings": [FINDING, FINDING]}],
    "InspectChunk": [READ],
    "ConvertChunk": [READ],
    "Assess": [{"verdict": "ok", "findings": [], "report": "s3://b/r", "plan": PLAN}, {"chunks": [CHUNK]}, {"chunks": [CHUNK] * 2},
               {"verdict": "reject", "findings": [FAILED], "report": "s3://b/r"},
               {"verdict": "warn", "findings": [FINDING] * 2, "report": "r", "plan": {**PLAN, "startOverNodeTypes": []},
                "conversion": [CHUNK], "phase": "compare"}],
    "FinishConversion": [{}, {"conversion": [CHUNK], "phase": "write", "round": 1},
                         {"verdict": "reject", "findings": [FAILED], "report": "r"},
                         {"verdict": "ok", "findings": [], "report": "r", "plan": PLAN, "conversion": [CHUNK] * 2, "phase": "write"}],
    "GrantAccess": [{"grants": [], "findings": [], "renewAtMs": 1}, {"grants": [], "findings": [FINDING], "renewAtMs": 1}],
    "RenewAccess": [{"grants": [], "findings": [], "renewAtMs": 1}],
    "KeepAccess": [{"grants": [], "findings": [], "renewAtMs": 1}],
    "CreateCluster": [{"clusterId": "orders", "createdAtMs": 1}],
    "CheckCluster": [CHECKED, {**CHECKED, "phase": "available", "cluster": CLUSTER, "verification": VERIFICATION, "events": ["one"],
                               "findings": [FINDING]}],
    "VerifyCluster": [{"keys": 1, "expectedKeys": 1, "memory": {}, "findings": []},
                      {"keys": 1, "expectedKeys": 2, "memory": {"predictedBytes": 1, "measuredBytes": 2}, "findings": [FINDING]}],
    "DeleteCluster": [DELETED, {**DELETED, "phase": "available", "cluster": CLUSTER, "verification": VERIFICATION},
                      {**DELETED, "phase": "gone", "clusterId": ""}],
    "RecordOutcome": VARIABLES["announcement"],
}
UNREAD = {"unread": CHUNK}
# Those of maps, which are lists of their items' outputs.
MAPS = {"InspectChunks": [[], [READ], [UNREAD], [READ, UNREAD, UNREAD], [READ] * 3], "ConvertChunks": [[], [READ]]}
INPUTS = {
    "Entry": [{"backups": ["b/k"]}, {"cleanUp": ARN}, {}, [], "text", None, {"cleanUp": 7}],
    "Prepare": [{"backups": ["b/k"]}, {}, [], "text", None],
    "InspectChunk": [{"execution": ARN, "chunk": CHUNK}],
    "ConvertChunk": [{"execution": ARN, "chunk": CHUNK}],
}
ERRORS = [{"Error": error} | cause for error in ["ServiceBusy", "States.Timeout"]
          for cause in ({"Cause": "it \"failed\"\nhint: ü"}, {}, {"Cause": ""}, {"Cause": "{" + LONG})]
CONTEXT = {"Execution": {"Id": ARN, "Name": ARN.rsplit(":", 1)[1], "StartTime": "2026-11-28T05:52:03.123Z"},
           "State": {"EnteredTime": "2026-11-28T05:53:03Z"}, "Task": {"Token": "AAAA+/="}, "Map": {"Item": {"Value": CHUNK, "Index": 0}}}

# What a field has to be; everything else may be any value.
TYPES = {
    "Condition": lambda value: isinstance(value, bool),
    "Seconds": lambda value: isinstance(value, (int, float)) and 0 <= value <= 99_999_999,
    "TimeoutSeconds": lambda value: isinstance(value, (int, float)) and 0 < value <= 99_999_999,
    "MaxConcurrency": lambda value: isinstance(value, int) and value >= 0,
    "Items": lambda value: isinstance(value, list),
    "Error": lambda value: isinstance(value, str),
    "Cause": lambda value: isinstance(value, str),
}
# Variables that other states expect to be lists, however many items there are.
LISTS = {"findings", "chunks", "inspected", "conversion", "startOverNodeTypes", "events", "leftBehind"}
# The value of an expression that is not evaluated.
NOT_CHOSEN = "'(not chosen)'"
NAMES = re.compile(r"\$([a-z][A-Za-z]*)\b(?!\()")
LOCALS = re.compile(r"\$([a-z][A-Za-z]*)\s*:=")


def expressions(value, path=()):
    """Yields (path, expression) for every expression below a state."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from expressions(inner, (*path, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from expressions(inner, (*path, str(at)))
    elif isinstance(value, str) and value.startswith("{%"):
        yield path, value.removeprefix("{%").removesuffix("%}").strip()


def where_evaluated(state, path, expression):
    """Returns the expression with the conditions under which a Choice evaluates it."""
    conditions = [choice["Condition"].strip("{%} ") for choice in state.get("Choices", [])]
    if "Choices" in path and path[-1] != "Condition":
        at = int(path[path.index("Choices") + 1])
        return f"({conditions[at]}) ? ({expression}) : {NOT_CHOSEN}"
    if conditions and path[1] == "Assign":
        return f"({') or ('.join(conditions)}) ? {NOT_CHOSEN} : ({expression})"
    return expression


def inputs(path, expression):
    """Yields the variables of each case: the usual values, and each other value of each name in turn."""
    state = path[path.index("States") + 1] if "States" in path else path[0]
    choices = {}
    for name in set(NAMES.findall(expression)) - set(LOCALS.findall(expression)):
        if name != "states":
            if name not in VARIABLES:
                raise KeyError(f"there is no value for ${name}")
            choices[name] = VARIABLES[name]
    for member, table in (("states.input", INPUTS), ("states.result", RESULTS), ("states.errorOutput", None)):
        if f"${member}" in expression:
            if table is None:
                values = ERRORS
            elif member == "states.result" and state in MAPS:
                values = MAPS[state]
            elif state not in table:
                raise KeyError(f"there is no {member}")
            else:
                values = table[state] if table is INPUTS else [{"Payload": answer} for answer in table[state]]
            choices[member] = values
    usual = {name: values[0] for name, values in choices.items()}
    yield variables(usual)
    for name, values in choices.items():
        for value in values[1:]:
            yield variables(usual | {name: value})


def variables(chosen):
    states = {"context": CONTEXT} | {name.removeprefix("states."): value for name, value in chosen.items() if "." in name}
    return {name: value for name, value in chosen.items() if "." not in name} | {"states": states}


def by_reference(cases):
    command = ["node", str(ROOT / "tests/template/reference.mjs"), str(ROOT / ".tools/node")]
    run = subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"the reference failed: {run.stderr}")
    return json.loads(run.stdout)


def by_local(expression, variables):
    """Evaluates as the local interpreter does, with its definition of $parse."""
    declared = bind({f"${name}": value for name, value in variables.items()})
    if "$parse(" in expression:
        declared += "$parse:=function($v){$eval($v)};"
    try:
        return {"value": evaluate(f"({declared}{expression})")}
    except Exception as error:  # The interpreter's own, and whatever the library throws.
        return {"error": str(error)}


def main():
    machine = json.loads((ROOT / "statemachine/seed-cluster.asl.json").read_text().replace("${OutcomeTopicArn}", "arn:topic"))
    places, cases, faults = [], [], []
    found = list(expressions(machine["States"]))
    for path, expression in found:
        expression = where_evaluated(machine["States"][path[0]], path, expression)
        try:
            for values in inputs(path, expression):
                places.append(path)
                cases.append((expression, values))
        except KeyError as error:
            faults.append(f"{'/'.join(path)}: {error.args[0]}; add it to tests/template/expressions.py")
    for path, (expression, values), reference in zip(places, cases, by_reference(cases)):
        where = f"{'/'.join(path)}: {expression}\n         with {json.dumps(values)[:400]}"
        if "value" not in reference:
            faults.append(f"{where}\n         gives {reference}")
            continue
        value = reference["value"]
        is_right = TYPES.get(path[-1], lambda _: True)
        if not is_right(value):
            faults.append(f"{where}\n         gives {value!r} for {path[-1]}")
        if path[-2:-1] == ("Assign",) and path[-1] in LISTS and not isinstance(value, list) and repr(value) != NOT_CHOSEN:
            faults.append(f"{where}\n         gives {value!r}, expected a list")
        local = by_local(expression, values)
        if path[-1] == "Cause":
            # JSON as text, in which the local interpreter escapes more.
            local, reference = ({"value": json.loads(one["value"])} for one in (local, reference))
        if "$millis()" not in expression and local != reference:
            faults.append(f"{where}\n         gives {reference}, and on the local interpreter {local}")
    for fault in faults:
        print(f"FAIL {fault}")
    if faults:
        return 1
    print(f"ok   {len(found)} expressions with {len(cases)} inputs have the values of the reference implementation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
