"""An execution that is stopped is ABORTED. In moto, it fails if that ends the evaluation of an expression."""


def apply() -> None:
    from moto.stepfunctions.parser.asl.eval.environment import Environment
    from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped

    original = Environment.set_error

    def set_error(self, error) -> None:
        if not isinstance(self._program_state, ProgramStopped):
            original(self, error)

    Environment.set_error = set_error
