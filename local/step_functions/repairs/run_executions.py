"""moto records executions and does not run them, unless it is told to."""


def apply() -> None:
    from moto.core.config import default_user_config

    default_user_config["stepfunctions"] = {"execute_state_machine": True}
