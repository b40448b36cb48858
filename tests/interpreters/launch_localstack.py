"""LocalStack's Step Functions, with the reference implementation of JSONata, and with the functions of the scenarios.

Runs in .tools/localstack, in a network namespace of its own: LocalStack listens on all addresses.

launch_localstack.py NODE-PACKAGES ENDPOINT DIVISOR    listens on GATEWAY_LISTEN until its parent process has died

ENDPOINT    answers the calls of Task states
DIVISOR     divides Wait states and the pauses between retries
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import boto3
from botocore.config import Config


class Reference:
    """A process that evaluates expressions, one a line. LocalStack's own evaluation would download a JVM's libraries."""

    def __init__(self, packages):
        script = Path(__file__).with_name("evaluate.mjs")
        self.process = subprocess.Popen(["node", script, packages], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lock = threading.Lock()

    def evaluate(self, expression):
        from localstack.services.stepfunctions.asl.jsonata.jsonata import JSONataException

        with self.lock:
            self.process.stdin.write(json.dumps(expression) + "\n")
            self.process.stdin.flush()
            result = json.loads(self.process.stdout.readline())
        if "error" in result:
            raise JSONataException("UNKNOWN", result["error"])
        return result.get("value")


def end_with_parent(parent):
    """Exits when the parent process has died: otherwise half a gigabyte would stay, in a network that no one sees."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def apply(packages, endpoint, divisor):
    # The clients first: other modules bind the function when they are imported.
    from localstack.services.stepfunctions.asl.utils import boto_client

    def boto_client_for(service, region, state_credentials):
        config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, region_name=region, endpoint_url=endpoint, config=config, **keys)

    boto_client.boto_client_for = boto_client_for

    from localstack.services.stepfunctions.asl.component.common.retry import retrier_decl
    from localstack.services.stepfunctions.asl.component.state.state_wait.wait_function.wait_function import WaitFunction
    from localstack.services.stepfunctions.asl.eval import states, variable_store
    from localstack.services.stepfunctions.asl.jsonata import jsonata
    from localstack.services.stepfunctions.asl.utils.encoding import to_json_str

    # It would write a text with quotes as one without.
    def bind(bindings):
        return "".join(f"{name}:={to_json_str(value, separators=(',', ':'))};" for name, value in bindings.items())

    jsonata._eval_jsonata = Reference(packages).evaluate
    for module in (jsonata, states, variable_store):
        module.encode_jsonata_variable_declarations = bind

    def wait(self, env, wait_seconds):
        end = time.monotonic() + wait_seconds / divisor
        while env.is_running() and (left := end - time.monotonic()) > 0:
            env.program_state_event.wait(left)

    WaitFunction._wait_interval = wait
    retrier_decl.time = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / divisor))


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
    apply(sys.argv[1], sys.argv[2], float(sys.argv[3]))
    from localstack.runtime.main import main

    main()
