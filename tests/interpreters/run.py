#!/usr/bin/env python3
"""Runs the state machine in each scenario on two interpreters, the local one and LocalStack's with the reference implementation
of JSONata, and compares the states that are entered, the calls that are made, and how the executions end.

Runs in a network namespace of its own: scripts/interpreters.sh.
"""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from replay import Replay
from scenarios import ACCOUNT, SCENARIOS

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "target/interpreters"
DIVISOR = "1000"
UP_SECONDS = 120
END_SECONDS = 120
# The most characters of a value in a message.
SHOWN = 400


@dataclass
class Run:
    """What an execution did."""

    states: list
    status: str
    output: object
    error: str | None
    cause: object
    calls: list


def definition():
    text = (ROOT / "statemachine/seed-cluster.asl.json").read_text()
    text = re.sub(r"\$\{(\w+)FunctionArn\}", rf"arn:aws:lambda:us-east-1:{ACCOUNT}:function:\1", text)
    return text.replace("${Partition}", "aws").replace("${OutcomeTopicArn}", f"arn:aws:sns:us-east-1:{ACCOUNT}:outcomes")


def local(url):
    port = 4600
    environment = {f"LOCAL_ENDPOINT_{name}": url for name in ("LAMBDA", "EVENTS", "SNS")} | {"LOCAL_PAUSE_DIVISOR": DIVISOR}
    command = [sys.executable, ROOT / "local/step_functions/serve.py", "--port", str(port)]
    return port, start("local", command, environment)


def localstack(url):
    port = 4601
    folder = LOGS / "localstack"
    folder.mkdir(exist_ok=True)
    environment = {"GATEWAY_LISTEN": f"127.0.0.1:{port}", "SERVICES": "stepfunctions", "EAGER_SERVICE_LOADING": "0",
                   "DISABLE_EVENTS": "1", "SKIP_SSL_CERT_DOWNLOAD": "1", "DNS_ADDRESS": "0", "FILESYSTEM_ROOT": str(folder)}
    command = [ROOT / ".tools/localstack/bin/python", ROOT / "tests/interpreters/launch_localstack.py", ROOT / ".tools/node", url, DIVISOR]
    return port, start("localstack", command, environment)


def start(name, command, environment):
    with (LOGS / f"{name}.log").open("w") as log:
        return subprocess.Popen(command, env=os.environ | environment, stdout=log, stderr=log, cwd=LOGS)


def client(port):
    # LocalStack takes the account from the access key.
    config = Config(retries={"total_max_attempts": 1}, read_timeout=30)
    keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "test"}
    return boto3.client("stepfunctions", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{port}", config=config, **keys)


def create(name, process, sfn):
    """Creates the state machine as soon as the interpreter answers."""
    end = time.monotonic() + UP_SECONDS
    while True:
        try:
            role = f"arn:aws:iam::{ACCOUNT}:role/seed-cluster"
            return sfn.create_state_machine(name="seed-cluster", definition=definition(), roleArn=role)["stateMachineArn"]
        except (BotoCoreError, ClientError) as error:
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"error: {name} does not answer: {error}\nhint: read {LOGS / name}.log")
            time.sleep(0.2)


def run_all(name, interpreter, replay):
    replay.begin()
    port, process = interpreter(replay.url)
    try:
        sfn = client(port)
        machine = create(name, process, sfn)
        return {one.name: run(name, sfn, machine, one, replay) for one in SCENARIOS}
    finally:
        process.terminate()
        process.wait()


def run(name, sfn, machine, scenario, replay):
    arn = sfn.start_execution(stateMachineArn=machine, name=execution_name(scenario), input=json.dumps(scenario.input()))["executionArn"]
    end = time.monotonic() + END_SECONDS
    while (found := sfn.describe_execution(executionArn=arn))["status"] == "RUNNING":
        if time.monotonic() > end:
            sys.exit(f"error: {scenario.name} still runs on {name} after {END_SECONDS} s\nhint: read {LOGS / name}.log")
        if scenario.person and (token := replay.tokens.pop(scenario.execution(), None)):
            scenario.person.answer(sfn, token)
        time.sleep(0.05)
    calls = replay.calls.get(scenario.execution(), [])
    return Run(entered(sfn, arn), found["status"], read(found.get("output")), found.get("error"), read(found.get("cause")), calls)


def execution_name(scenario):
    """Returns the name of the execution: a clean-up is not the execution that it is for."""
    return f"clean-up-{scenario.execution()}" if scenario.cleans_up else scenario.execution()


def entered(sfn, arn):
    events, more = [], {}
    while True:
        page = sfn.get_execution_history(executionArn=arn, **more)
        events += page["events"]
        if not page.get("nextToken"):
            return [one["stateEnteredEventDetails"]["name"] for one in events if "stateEnteredEventDetails" in one]
        more = {"nextToken": page["nextToken"]}


def read(text):
    """Returns a text as the JSON that it is, or as it is."""
    try:
        return json.loads(text) if text else text
    except ValueError:
        return text


def differences(scenario, one, other):
    """Yields what two runs do not have in common, or what the scenario does not have of itself."""
    for part in Run.__dataclass_fields__:
        left, right = getattr(one, part), getattr(other, part)
        if left != right:
            yield f"{part}: {first_difference(left, right)}"
    expected = (scenario.status, scenario.error, scenario.times)
    found = (one.status, one.error, one.states.count(scenario.through))
    if found != expected:
        yield f"it is {found} through {scenario.through}, expected {expected}"


def first_difference(left, right):
    if isinstance(left, list) and isinstance(right, list):
        at = next((at for at, pair in enumerate(zip(left, right)) if pair[0] != pair[1]), min(len(left), len(right)))
        left, right = left[at : at + 1], right[at : at + 1]
        return f"number {at + 1} is {str(left)[:SHOWN]} here, and {str(right)[:SHOWN]} on LocalStack"
    return f"{repr(left)[:SHOWN]} here, and {repr(right)[:SHOWN]} on LocalStack"


def main():
    LOGS.mkdir(parents=True, exist_ok=True)
    replay = Replay()
    here, there = run_all("local", local, replay), run_all("localstack", localstack, replay)
    failed = 0
    print(f"{'scenario':18} {'states':>6} {'calls':>6}  {'end':10}")
    for one in SCENARIOS:
        found = list(differences(one, here[one.name], there[one.name]))
        failed += bool(found)
        run = here[one.name]
        print(f"{one.name:18} {len(run.states):6} {len(run.calls):6}  {run.status:10} {'DIFFERENT' if found else 'same'}")
        for difference in found:
            print(f"    {difference}")
    print(f"interpreters: {len(SCENARIOS) - failed} of {len(SCENARIOS)} scenarios are the same on both")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
