"""Wait states and the pauses between retries, divided by LOCAL_PAUSE_DIVISOR: tests of faults would mostly wait."""

import os
import time
from types import SimpleNamespace

DIVISOR = float(os.environ.get("LOCAL_PAUSE_DIVISOR", "1"))


def apply() -> None:
    if DIVISOR == 1:
        return
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

    def wait_interval(self, env, wait_seconds) -> None:
        end = time.monotonic() + wait_seconds / DIVISOR
        # The event also wakes for other reasons than the end of the execution.
        while env.is_running() and (left := end - time.monotonic()) > 0:
            env.program_state_event.wait(left)

    WaitFunction._wait_interval = wait_interval
    retrier_decl.time = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / DIVISOR))
