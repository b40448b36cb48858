"""The answers of the functions in inputs.py, compared with their types in the code."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/template"))

import inputs  # noqa: E402
from subject import camel  # noqa: E402
from variations import Maybe, alternatives, base  # noqa: E402

FLOW = ROOT / "crates/seeding/src/flow"
CODE = "\n".join((FLOW / file).read_text() for file in ("steps.rs", "outcome.rs"))
FIELD = re.compile(r"((?:^ +#\[.*\]\n)*)^ +(?:pub )?(\w+): (.*),$", re.M)
VARIANT = re.compile(r"^    (\w+)(?: \{\}| \{\n(.*?)^    \}|\((\w+)\)),$", re.M | re.S)


def body(kind, name):
    found = re.search(rf"^pub {kind} {name} \{{\n(.*?)^\}}", CODE, re.M | re.S)
    return found and found[1]


def members(text):
    """Returns the members of a struct's or a variant's fields as written in JSON, and those that may be missing."""
    found = {}
    for attributes, name, kind in FIELD.findall(text):
        if "serde(flatten)" in attributes:
            inner = members(body("struct", re.search(r"(\w+)>*$", kind)[1]))
            found |= {one: missing or kind.startswith("Option<") for one, missing in inner.items()}
        else:
            found[camel(name)] = "skip_serializing_if" in attributes
    return found


def of_code(name):
    """Returns the members of each outcome that a type has; a struct has none."""
    if text := body("struct", name):
        return {None: members(text)}
    outcomes = {}
    for variant, fields, inner in VARIANT.findall(body("enum", name)):
        own = members(body("struct", inner) if inner else fields)
        outcomes[variant[0].lower() + variant[1:]] = {"outcome": False, **own}
    return outcomes


def of_inputs(samples):
    """Returns the same of the samples of a state."""
    outcomes = {}
    for one in alternatives(samples):
        outcomes.setdefault(base(one.get("outcome")), []).append(one)
    return {
        outcome: {name: any(isinstance(one.get(name, Maybe(None)), Maybe) for one in several) for one in several for name in one}
        for outcome, several in outcomes.items()
    }


def differences():
    """Yields what the inputs and the code do not have in common."""
    for state, kind in inputs.ANSWERS.items():
        code, samples = of_code(kind), of_inputs(inputs.RESULTS[state])
        for outcome in sorted(code.keys() | samples.keys(), key=str):
            if (expected := code.get(outcome)) != (found := samples.get(outcome)):
                where = f"{kind} of {state}" + (f", outcome {outcome}" if outcome else "")
                yield f"{where}: {found} in inputs.py, {expected} in the code (a member: whether it may be missing)"
