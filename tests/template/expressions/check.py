#!/usr/bin/env python3
"""Evaluates every expression of the state machine on legal and odd inputs, by the reference implementation of JSONata and by
the one of local/step_functions. The results have to be the same, and what Step Functions needs in each place.

On AWS, an expression without a result fails its state with States.QueryEvaluationError, which nothing catches in a Choice,
a Pass or a Fail.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "local/step_functions"), str(ROOT / "tests/template")]

from moto.stepfunctions.parser.asl.component.intrinsic.jsonata import get_intrinsic_functions_declarations  # noqa: E402
from moto.stepfunctions.parser.asl.jsonata.jsonata import JSONataException  # noqa: E402

import answers  # noqa: E402
import inputs  # noqa: E402
from expected import EXPECTED  # noqa: E402
from repairs import expressions  # noqa: E402
from sites import names, sites  # noqa: E402
from variations import Free, Maybe, OneOf, OrEmpty, Words, alternatives, has, variations  # noqa: E402

MACHINE = json.loads((ROOT / "statemachine/seed-cluster.asl.json").read_text())
NODE_PACKAGES = ROOT / ".tools/node"
MILLIS = 1_795_512_700_000
# The most characters of a value in a message.
SHOWN = 800


class NoInput(Exception):
    """An expression names something that inputs.py lacks."""


def of(table, state, what, wrap=lambda sample: sample):
    if state not in table:
        raise NoInput(f"names {what}, and inputs.py has none of {state}")
    return [wrap(sample) for sample in alternatives(table[state])]


def samples(site):
    """Yields dictionaries of samples, one for each alternative of what the expression names."""
    found = {}
    for name in site.names():
        head, *rest = name[1:].split(".")
        if head != "states":
            if head not in inputs.VARIABLES:
                raise NoInput(f"names {name}, which is not in inputs.py")
            here = [way[head] for place, way in inputs.WAYS.items() if str(site).startswith(place) and head in way]
            found[head] = list(alternatives((here or [inputs.VARIABLES[head]])[0]))
        elif rest[:1] == ["input"]:
            found["states.input"] = of(inputs.STATE_INPUTS, site.state, "$states.input")
        elif rest[:1] == ["result"] and site.state in inputs.MAP_RESULTS:
            found["states.result"] = of(inputs.MAP_RESULTS, site.state, "$states.result")
        elif rest[:1] == ["result"]:
            found["states.result"] = of(inputs.RESULTS, site.state, "$states.result", lambda answer: {"Payload": answer, "StatusCode": 200})
        elif rest[:1] == ["errorOutput"] and "Catch" in site.path:
            found["states.errorOutput"] = [inputs.ERROR_OUTPUTS.get(site.state, inputs.ERROR_OUTPUT)]
        elif rest[:1] == ["context"]:
            context = inputs.CONTEXT | inputs.CONTEXTS.get(site.state, {})
            if len(rest) > 1 and rest[1] not in context:
                raise NoInput(f"names {name}, which the context of {site.state} in inputs.py lacks")
            found["states.context"] = [context]
        else:
            raise NoInput(f"names {name}, for which there is no input here")
    combined = [{}]
    for name, several in found.items():
        combined = [{**one, name: sample} for one in combined for sample in several]
    for name in site.names():
        path = name[1:].split(".")
        root = 2 if path[0] == "states" else 1
        # JSONata takes a misspelt member for one that is missing.
        if not any(has(one, path[root:]) for one in found[".".join(path[:root])]):
            raise NoInput(f"names {name}, which no input has")
    return combined


def bindings(site):
    """Yields the variables of every input of an expression."""
    named = {tuple(name[1:].split(".")) for name in site.names()}

    def used(path):
        whole = (*path[0].split("."), *path[1:])
        return any(whole[: len(one)] == one or one[: len(whole)] == whole for one in named)

    seen = set()
    for sample in samples(site):
        for value in variations(sample, used):
            text = json.dumps(value, sort_keys=True)
            if text not in seen:
                seen.add(text)
                states = {name.split(".")[1]: one for name, one in value.items() if name.startswith("states.")}
                plain = {name: one for name, one in value.items() if not name.startswith("states.")}
                yield {"states": states, **plain}


def texts_of(text):
    """Yields an expression as it may be deployed."""
    found = re.search(r"\$\{(\w+)\}", text)
    if not found:
        yield text
        return
    if found[1] not in inputs.SUBSTITUTIONS:
        raise NoInput(f"names {found[0]}, and SUBSTITUTIONS in inputs.py lacks it")
    for value in inputs.SUBSTITUTIONS[found[1]]:
        yield from texts_of(text.replace(found[0], value))


def by_reference(cases):
    script = Path(__file__).with_name("evaluate.mjs")
    run = subprocess.run(["node", script, NODE_PACKAGES], input=json.dumps(cases), capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"error: {script.name} failed: {run.stderr}\nhint: make setup-test")
    return json.loads(run.stdout)


def by_python(case, done={}):
    """Evaluates as moto does: with the variables that the expression names as assignments before it."""
    named = {name.split(".")[0] for name in names(case["expression"])}
    variables = {f"${name}": value for name, value in case["bindings"].items() if f"${name}" in named}
    functions = get_intrinsic_functions_declarations({"$parse"} if "$parse" in case["expression"] else set())
    whole = f"({functions}$millis:=function(){{{MILLIS}}};{expressions.bind(variables)}{case['expression']})"
    if whole not in done:
        try:
            done[whole] = {"value": expressions.evaluate(whole)}
        except JSONataException as error:
            done[whole] = {} if error.error == "UNDEFINED" else {"error": error.details}
    return done[whole]


def canonical(result):
    """Returns a result as JSON in which one value has one form. 80.0 is 80, and the order of members means nothing."""
    def plain(value):
        if isinstance(value, float) and value == int(value):
            return int(value)
        if isinstance(value, dict):
            return {name: plain(one) for name, one in value.items()}
        return [plain(one) for one in value] if isinstance(value, list) else value

    return "an error" if "error" in result else json.dumps(plain(result["value"]), sort_keys=True) if "value" in result else "nothing"


def same_text(site, *results):
    """Whether $string wrote the same JSON: jsonata-python escapes characters that need not be."""
    texts = [one.get("value") for one in results]
    return site.text.startswith("$string(") and None not in texts and json.loads(texts[0]) == json.loads(texts[1])


def alike(value, sample):
    """Whether a value has the types of a sample, and all members that are not optional."""
    match sample:
        case tuple():
            return any(alike(value, one) for one in sample)
        case OneOf() | Words():
            return any(alike(value, one) for one in sample.values)
        case Free():
            return isinstance(value, dict)
        case OrEmpty() | Maybe():
            return value == {} or alike(value, sample.value)
        case dict():
            return isinstance(value, dict) and all(
                alike(value[name], one) if name in value else isinstance(one, Maybe) for name, one in sample.items())
        case list():
            return isinstance(value, list) and all(alike(one, sample[0]) for one in value)
        case bool() | str() | None:
            return type(value) is type(sample)
        case _:
            return type(value) in (int, float)


def fault(site, case, expected):
    """Returns what is wrong with a result by the reference, if anything is."""
    found = by_python(case)
    if canonical(found) != canonical(expected) and not same_text(site, found, expected):
        return f"is {shown(expected)} by the reference, and {shown(found)} by jsonata-python"
    if "value" not in expected:
        return f"has no result: {expected.get('error', 'undefined')}"
    value = expected["value"]
    need = site.need()
    if need and not need[1](value):
        return f"is {shown(expected)}, expected {need[0]}"
    name = site.assigns()
    if name and not alike(value, inputs.VARIABLES[name]):
        return f"is {shown(expected)}, which is not like ${name} in inputs.py"
    return None


def shown(result):
    return shortened(result.get("error") or canonical(result))


def shortened(text):
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text):,} characters)"


def expected_results():
    """Yields the results that are not those that expected.py expects."""
    everything = {str(site): site.text for site in sites(MACHINE["States"])}
    known = [(name, given, value) for name, given, value in EXPECTED if name in everything]
    yield from (f"expected.py has {name}, which is not there" for name, *_ in EXPECTED if name not in everything)
    cases = [{"expression": everything[name], "bindings": given, "millis": MILLIS, "holds": [], "fails": []} for name, given, _ in known]
    for (name, given, value), found in zip(known, by_reference(cases), strict=True):
        if found != {"value": value}:
            yield f"{name} is {shown(found)}, expected {shown({'value': value})}\n         for {shortened(json.dumps(given))}"


def stale():
    """Yields what inputs.py has, and neither the state machine nor the code."""
    everything = list(sites(MACHINE["States"]))
    used = {name[1:].split(".")[0] for site in everything for name in site.names()}
    yield from (f"inputs.py: no expression names ${name}" for name in sorted(inputs.VARIABLES.keys() - used))
    states = {site.state for site in everything}
    for table in ("RESULTS", "MAP_RESULTS", "STATE_INPUTS", "ERROR_OUTPUTS", "CONTEXTS"):
        yield from (f"inputs.py: {table} has {name}, which has no expression" for name in sorted(getattr(inputs, table).keys() - states))
    yield from answers.differences()


def main():
    faults = [*stale(), *expected_results()]
    cases, expressions_seen = [], set()
    for site in sites(MACHINE["States"]):
        expressions_seen.add(str(site))
        if site.assigns() and site.assigns() not in inputs.VARIABLES:
            faults.append(f"{site} assigns ${site.assigns()}, which is not in inputs.py")
            continue
        try:
            for text in texts_of(site.text):
                guards = {"holds": site.holds, "fails": site.fails}
                cases += [(site, {"expression": text, "bindings": one, "millis": MILLIS, **guards}) for one in bindings(site)]
        except NoInput as error:
            faults.append(f"{site} {error}")
    results = by_reference([case for _, case in cases])
    reached, inputs_seen, wrong = set(), 0, {}
    for (site, case), expected in zip(cases, results, strict=True):
        if expected.get("unreached"):
            continue
        reached.add(str(site))
        inputs_seen += 1
        if (found := fault(site, case, expected)) is not None:
            wrong.setdefault(str(site), []).append(f"{found}\n         for {shortened(json.dumps(case['bindings'], ensure_ascii=False))}")
    faults += [f"{name} {several[0]}\n         and {len(several) - 1} more" for name, several in wrong.items()]
    faults += [f"{name} is reached with no input" for name in sorted(expressions_seen - reached)]
    result = f"FAIL {len(faults)} faults" if faults else "ok   the same by both"
    print(f"{result}: {len(expressions_seen):,} expressions, {inputs_seen:,} inputs")
    for one in faults:
        print(f"       {one}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
