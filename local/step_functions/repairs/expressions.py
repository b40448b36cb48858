"""JSONata: moto's evaluation fails on strings with quotes and lacks $uuid and $hash."""

import hashlib
import json
import uuid

import jsonata


def evaluate(expression: str):
    """Evaluates an expression that begins with the assignments of its variables, as moto writes it."""
    from moto.stepfunctions.parser.asl.jsonata.jsonata import JSONataException

    try:
        compiled = jsonata.Jsonata(expression)
        compiled.register_lambda("uuid", lambda: str(uuid.uuid4()))
        compiled.register_lambda("hash", lambda value, name: hash_of(value, name))
        result = compiled.evaluate(None)
        # Both null and a missing result are None here.
        if result is None and not jsonata.Jsonata(f"$exists({expression})").evaluate(None):
            raise Undefined("returned nothing (undefined).")
        return json.loads(json.dumps(result, default=refuse))
    except Undefined as error:
        raise JSONataException("UNDEFINED", str(error)) from error
    except Exception as error:
        raise JSONataException("UNKNOWN", f"failed: {error}") from error


class Undefined(Exception):
    """An expression has no result. Step Functions treats this as an error, wherever the expression occurs."""


def refuse(value) -> None:
    """Rejects a value that JSON cannot hold, such as a function, at any depth of a result."""
    raise TypeError(f"returned an unsupported result type: {type(value).__name__}")


def hash_of(value: str, name: str) -> str:
    """Returns the hexadecimal digest. `name` is one of Step Functions' names, such as SHA-256."""
    return hashlib.new(name.replace("-", "").lower(), value.encode()).hexdigest()


def bind(bindings: dict) -> str:
    """Returns variables as assignments before an expression. JSON is valid JSONata, including its quotes."""
    from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

    return "".join(f"{name}:={to_json_str(value, separators=(',', ':'))};" for name, value in bindings.items())


def apply() -> None:
    from moto.stepfunctions.parser.asl.component.intrinsic import jsonata as intrinsic
    from moto.stepfunctions.parser.asl.eval import states, variable_store
    from moto.stepfunctions.parser.asl.jsonata import jsonata as evaluator

    evaluator._eval_jsonata = evaluate
    for module in (evaluator, states, variable_store):
        module.encode_jsonata_variable_declarations = bind
    # moto would declare both as unsupported.
    for name in ("$uuid", "$hash"):
        intrinsic._DECLARATION_BY_VARIABLE_REFERENCE.pop(name, None)
