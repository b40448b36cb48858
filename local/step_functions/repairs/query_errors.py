"""A JSONata expression that cannot be evaluated fails the state with States.QueryEvaluationError, which a Catch may
catch. moto ends the execution with States.Runtime, or takes the error for a value."""


def apply() -> None:
    from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata, StringVariableSample
    from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison import ConditionStringJSONata
    from moto.stepfunctions.parser.asl.jsonata.jsonata import JSONataException

    for expression_kind in (StringJSONata, StringVariableSample):
        _repair(expression_kind, JSONataException)

    def eval_condition(self, env) -> None:
        self.string_jsonata.eval(env=env)
        result = env.stack[-1]
        if not isinstance(result, bool):
            expression = self.string_jsonata.expression
            raise failure(env, f"The JSONata expression '{expression}' returned {result!r}, expected a boolean.")

    ConditionStringJSONata._eval_body = eval_condition


def _repair(expression_kind, raised) -> None:
    original = expression_kind._eval_body

    def eval_body(self, env) -> None:
        try:
            original(self, env)
        except raised as error:
            raise failure(env, f"The JSONata expression '{self.expression}' {error.details}") from error

    expression_kind._eval_body = eval_body


def failure(env, cause: str):
    """Returns the error of the state, after writing it to the history as moto does for its own errors."""
    from moto.stepfunctions.parser.api import EvaluationFailedEventDetails, HistoryEventType
    from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
    from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
    from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
    from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

    name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    told = EvaluationFailedEventDetails(cause=cause, error=name.error_name)
    details = EventDetails(evaluationFailedEventDetails=told)
    env.event_manager.add_event(
        context=env.event_history_context, event_type=HistoryEventType.EvaluationFailed, event_details=details
    )
    failed = FailureEvent(env=env, error_name=name, event_type=HistoryEventType.EvaluationFailed, event_details=details)
    return FailureEventException(failure_event=failed)
