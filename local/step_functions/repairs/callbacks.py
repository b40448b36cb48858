"""Tasks that wait for a token: moto drops the cause of a failure, and a stop does not end the wait.

LOCAL_PAUSE_DIVISOR divides the time of the wait, which is for people.
"""

import os


def apply() -> None:
    from moto.core.responses import EmptyResult
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
    from moto.stepfunctions.parser.asl.eval.environment import Environment
    from moto.stepfunctions.responses import StepFunctionResponse

    def send_task_failure(self):
        token, error, cause = (self._get_param(name) for name in ("taskToken", "error", "cause"))
        self.stepfunction_backend.send_task_failure(token, error=error, cause=cause)
        return EmptyResult()

    StepFunctionResponse.send_task_failure = send_task_failure

    set_stop = Environment.set_stop

    def stop(self, *args, **kwargs) -> None:
        set_stop(self, *args, **kwargs)
        for endpoint in list(self.callback_pool_manager._pool.values()):
            endpoint._notify_event.set()

    Environment.set_stop = stop

    service = state_task_service_callback.StateTaskServiceCallback
    wait = service._wait_for_task_token_timeout
    divisor = int(os.environ.get("LOCAL_PAUSE_DIVISOR") or 1)

    def wait_for_token(self, timeout_seconds, callback_endpoint):
        return wait(self, timeout_seconds / divisor, callback_endpoint)

    service._wait_for_task_token_timeout = wait_for_token
