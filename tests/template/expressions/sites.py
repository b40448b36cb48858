"""The expressions of a state machine: where they are, what they name, and what Step Functions needs of their results."""

import re
from dataclasses import dataclass, field

from moto.stepfunctions.parser.asl.jsonata.jsonata import extract_jsonata_variable_references

# The functions that the state machine may use: JSONata's and Step Functions' own.
FUNCTIONS = set("contains count exists keys lowercase millis min not parse power replace split string substring match toMillis type".split())
SECONDS = ("an integer from 0 to 99,999,999", lambda value: type(value) in (int, float) and value == int(value) and 0 <= value < 10**8)
NEEDS = {
    "Condition": ("a boolean", lambda value: type(value) is bool),
    "Seconds": SECONDS,
    "TimeoutSeconds": ("an integer from 1 to 99,999,999", lambda value: SECONDS[1](value) and value > 0),
    "MaxConcurrency": SECONDS,
    "Items": ("an array", lambda value: type(value) is list),
    "Error": ("a string", lambda value: type(value) is str),
    "Cause": ("a string", lambda value: type(value) is str),
}


@dataclass
class Site:
    """An expression, and the conditions of its Choice that hold or do not when it is evaluated."""

    state: str
    path: tuple
    text: str
    holds: list = field(default_factory=list)
    fails: list = field(default_factory=list)

    def __str__(self):
        return ".".join((self.state, *map(str, self.path)))

    def names(self):
        """Returns the paths of variables, such as `$states.input.chunk`, of the expression and the conditions."""
        return {name for text in (self.text, *self.holds, *self.fails) for name in names(text)}

    def need(self):
        """Returns what the field needs, in words and as a test; None if any value will do."""
        if len(self.path) == 1 or self.path[-1] == "Condition":
            if self.path[-1] in NEEDS:
                return NEEDS[self.path[-1]]
        if self.text.startswith("["):
            return NEEDS["Items"]
        return None

    def assigns(self):
        """Returns the variable that gets the result as it is."""
        return self.path[-1] if self.path[-2:-1] == ("Assign",) else None


def names(text):
    own = set(re.findall(r"(\$\w+)\s*:=", text))
    called = set(re.findall(r"\$(\w+)\(", text))
    found = extract_jsonata_variable_references(text)
    return {name for name in found if name.split(".")[0] not in own and name[1:] not in called & FUNCTIONS}


def expression(text):
    found = re.fullmatch(r"\{%(.*)%\}", text, re.S) if isinstance(text, str) else None
    return found[1].strip() if found else None


def sites(states):
    """Yields every site of these states and of those inside their Maps."""
    for name, state in states.items():
        conditions = [expression(rule["Condition"]) for rule in state.get("Choices", [])]
        for path, text in texts(state, ()):
            if path[0] == "Choices" and path[2] != "Condition":
                yield Site(name, path, text, [conditions[path[1]]], conditions[: path[1]])
            elif path[0] == "Choices":
                yield Site(name, path, text, [], conditions[: path[1]])
            else:
                yield Site(name, path, text, [], conditions)
        yield from sites(state.get("ItemProcessor", {}).get("States", {}))


def texts(value, path):
    if expression(value):
        yield path, expression(value)
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in members:
        if name not in ("ItemProcessor", "Comment"):
            yield from texts(one, (*path, name))
