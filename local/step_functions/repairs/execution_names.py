"""An execution that is started without a name gets a UUID. moto names all of them None."""

import uuid


def apply() -> None:
    from moto.stepfunctions.parser.models import StepFunctionsParserBackend as Backend

    original = Backend.start_execution

    def start_execution(self, arn, name=None, *args, **kwargs):
        return original(self, arn, name or str(uuid.uuid4()), *args, **kwargs)

    Backend.start_execution = start_execution
