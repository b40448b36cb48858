"""JSONata: moto evaluates it in a way that breaks on texts with quotes and lacks $uuid and $hash."""

import hashlib
import json
import uuid

import jsonata


def evaluate(expression: str):
    """Evaluates an expression whose variables are bound in its own text, as moto writes it."""
    from moto.stepfunctions.parser.asl.jsonata.jsonata import JSONataException

    try:
        compiled = jsonata.Jsonata(expression)
        compiled.register_lambda("uuid", lambda: str(uuid.uuid4()))
        compiled.register_lambda("hash", lambda value, name: hash_of(value, name))
        result = compiled.evaluate(None)
        # Null and nothing are both None here.
        if result is None and not jsonata.Jsonata(f"$exists({expression})").evaluate(None):
            raise Undefined("returned nothing (undefined).")
        return json.loads(json.dumps(result, default=refuse))
    except Undefined as error:
        raise JSONataException("UNDEFINED", str(error)) from error
    except Exception as error:
        raise JSONataException("UNKNOWN", f"failed: {error}") from error


class Undefined(Exception):
    """An expression has no result: Step Functions takes that for an error, wherever the expression stands."""


def refuse(value) -> None:
    """What JSON cannot hold, a function say, is no result, at whatever depth."""
    raise TypeError(f"returned an unsupported result type: {type(value).__name__}")


def hash_of(value: str, name: str) -> str:
    """The hexadecimal digest; names are those of Step Functions, such as SHA-256."""
    return hashlib.new(name.replace("-", "").lower(), value.encode()).hexdigest()


def bind(bindings: dict) -> str:
    """Variables as assignments in front of an expression. JSON is JSONata, quotes included."""
    from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

    return "".join(f"{name}:={to_json_str(value, separators=(',', ':'))};" for name, value in bindings.items())


def apply() -> None:
    from moto.stepfunctions.parser.asl.component.intrinsic import jsonata as intrinsic
    from moto.stepfunctions.parser.asl.eval import states, variable_store
    from moto.stepfunctions.parser.asl.jsonata import jsonata as evaluator

    evaluator._eval_jsonata = evaluate
    for module in (evaluator, states, variable_store):
        module.encode_jsonata_variable_declarations = bind
    # moto would declare these two as unsupported.
    for name in ("$uuid", "$hash"):
        intrinsic._DECLARATION_BY_VARIABLE_REFERENCE.pop(name, None)
