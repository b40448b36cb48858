#!/usr/bin/env python3
"""draw_machine.py [--check]: draws statemachine/seed-cluster.asl.json into docs/machine.svg.

States, functions and labels come from the machine: an edge is labelled with its rule's Comment, up to the first colon.
The layout is tuned by hand below. A state or an edge without a place is an error, and so is a place without a use.
With --check nothing is written: the exit code is 1 if the picture is not that of the machine.
"""

import json
import re
import sys
import textwrap
from collections import namedtuple
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MACHINE = ROOT / "statemachine/seed-cluster.asl.json"
PICTURE = ROOT / "docs/machine.svg"
COMMAND = "make machine"


def row(number):
    """Returns the middle of a row; a fraction is between two rows."""
    return round(54 + number * 62)


WIDTH, HEIGHT = 868, row(28.6)

# The middle of each column, and the width of its boxes.
COLUMNS = {"left": (98, 160), "main": (340, 192), "ends": (572, 180), "right": (712, 180)}
PLACES = {
    "Entry": ("main", 0),
    "Prepare": ("main", 1),
    "Prepared": ("main", 2),
    "TellStarted": ("left", 2),
    "InspectChunks": ("main", 3),
    "Inspected": ("main", 4),
    "WaitForLambda": ("left", 4),
    "Assess": ("main", 5),
    "Assessed": ("main", 6),
    "ConvertChunks": ("main", 7),
    "FinishConversion": ("main", 8),
    "WaitToConvert": ("left", 8),
    "Conversion": ("main", 9),
    "GrantAccess": ("main", 10),
    "WaitForGrant": ("main", 11),
    "CreateCluster": ("main", 12),
    "WaitForCluster": ("main", 13),
    "CheckCluster": ("main", 14),
    "ClusterState": ("main", 15),
    "RenewAccess": ("left", 14),
    "DeleteCluster": ("right", 15),
    "VerifyCluster": ("main", 16),
    "Deletion": ("right", 16),
    "WaitForDeletion": ("right", 17),
    "KeepAccess": ("right", 18),
    "RevokeAccess": ("main", 19),
    "WaitForRevoke": ("right", 19),
    "Outcome": ("main", 20),
    "NameFailure": ("left", 20),
    "ExplainFailure": ("left", 20.75),
    "RecordOutcome": ("main", 21.3),
    "Telling": ("main", 22.3),
    "TellOutcome": ("main", 23.3),
    "Topic": ("main", 24.3),
    "TellInWords": ("main", 25.3),
    "Ending": ("main", 26.3),
    "AwaitApproval": ("left", 25),
    "Approved": ("left", 23.6),
    "SeedingFailed": ("left", 27.5),
    "ClusterSeeded": ("main", 27.5),
    "DryRunComplete": ("right", 25.5),
    "BackupRejected": ("right", 26.3),
    "CleanedUp": ("right", 27.5),
}

# Tracks between the columns.
CAUGHT, LOOP, PHASE, BUS, BACK, AROUND, OUTER, TOLD = 4, 222, 447, 458, 594, 818, 834, 850

# An edge leaves a side of a state, this far from its middle, follows the tracks alternately (x, y, x ... from a left or
# right side), and enters another state. A point is the start, the end or the middle of its label. An edge that joins
# another has no arrow.
Route = namedtuple("Route", "leave enter via label joins", defaults=((), None, False))
DOWN = Route(("bottom", 0), ("top", 0))
ROUTES = {
    ("Entry", "Prepare"): DOWN,
    ("Entry", "DeleteCluster"): Route(("right", 0), ("top", 0), label=(BUS, row(0) - 7, "start")),
    ("Prepare", "Prepared"): DOWN,
    ("Prepared", "TellStarted"): Route(("left", 0), ("right", 0)),
    ("TellStarted", "InspectChunks"): Route(("bottom", 0), ("left", -14)),
    ("Prepared", "RecordOutcome"): Route(("right", 0), ("right", 0), (TOLD,), (BUS, row(2) - 7, "start")),
    ("InspectChunks", "Inspected"): DOWN,
    ("Inspected", "WaitForLambda"): Route(("left", 0), ("right", 0), label=(LOOP + 3, row(4) + 16, "middle")),
    ("WaitForLambda", "InspectChunks"): Route(("top", 0), ("left", -8)),
    ("Inspected", "Assess"): DOWN,
    ("Assess", "Assessed"): DOWN,
    ("Assessed", "InspectChunks"): Route(("left", 0), ("left", 12), (LOOP,), (LOOP - 9, row(5.5) + 4, "end")),
    ("Assessed", "RecordOutcome"): Route(("right", 0), ("right", 0), (TOLD,), (BUS, row(6) - 52, "start"), True),
    ("Assessed", "ConvertChunks"): DOWN._replace(label=(COLUMNS["main"][0] + 9, row(6.5) + 1, "start")),
    ("Assessed", "GrantAccess"): Route(("left", 8), ("left", 0), (LOOP,), (LOOP - 9, row(9.5) + 4, "end")),
    ("ConvertChunks", "FinishConversion"): DOWN,
    ("FinishConversion", "Conversion"): DOWN,
    ("Conversion", "WaitToConvert"): Route(("left", 0), ("bottom", 0), label=(108, row(9) - 7, "start")),
    ("WaitToConvert", "ConvertChunks"): Route(("top", 0), ("left", 0)),
    ("Conversion", "ConvertChunks"): Route(("right", -8), ("right", 8), (PHASE,), (PHASE + 9, row(8) + 12, "start")),
    ("Conversion", "RecordOutcome"): Route(("right", 4), ("right", 0), (TOLD,), (BUS + 11, row(9) + 20, "start"), True),
    ("Ending", "AwaitApproval"): Route(("left", -8), ("right", 0), (LOOP - 14,), (LOOP - 20, row(25.8), "end")),
    ("AwaitApproval", "Approved"): Route(("top", 0), ("bottom", 0)),
    ("Approved", "ConvertChunks"): Route(("left", -4), ("left", 10), (9,), (20, row(23.6) - 22, "start")),
    ("Approved", "GrantAccess"): Route(("left", 4), ("left", 8), (14,)),
    ("Conversion", "GrantAccess"): DOWN,
    ("GrantAccess", "WaitForGrant"): DOWN,
    ("WaitForGrant", "CreateCluster"): DOWN,
    ("CreateCluster", "WaitForCluster"): DOWN,
    ("WaitForCluster", "CheckCluster"): DOWN,
    ("CheckCluster", "ClusterState"): DOWN,
    ("ClusterState", "WaitForCluster"): Route(("left", -6), ("left", 0), (LOOP,), (LOOP - 9, row(13.45), "end")),
    ("ClusterState", "VerifyCluster"): DOWN._replace(label=(COLUMNS["main"][0] + 9, row(15.5) + 1, "start")),
    ("ClusterState", "RevokeAccess"): Route(("left", 6), ("left", 0), (LOOP,), (LOOP - 9, row(16) - 4, "end")),
    ("ClusterState", "DeleteCluster"): Route(("right", 0), ("left", 0), label=(BUS + 11, row(15) - 37, "start")),
    ("ClusterState", "RenewAccess"): Route(("left", 0), ("bottom", 0), label=(108, row(15) - 7, "start")),
    ("RenewAccess", "WaitForCluster"): Route(("top", 0), ("left", 10)),
    ("VerifyCluster", "RevokeAccess"): DOWN,
    ("DeleteCluster", "Deletion"): DOWN,
    ("Deletion", "CreateCluster"): Route(("left", -7), ("right", 10), (BACK,), (BACK - 9, row(12) + 3, "end")),
    ("Deletion", "VerifyCluster"): Route(("left", 0), ("right", 0), label=(BACK - 9, row(16) - 7, "end")),
    ("Deletion", "RevokeAccess"): Route(("left", 7), ("right", -4), (BACK,), (BACK - 9, row(16) + 19, "end")),
    ("Deletion", "WaitForDeletion"): DOWN._replace(label=(COLUMNS["right"][0] + 9, row(16.5) + 5, "start")),
    ("Deletion", "KeepAccess"): Route(("left", 13), ("left", 0), (612,), (624, row(18) + 38, "start")),
    ("KeepAccess", "WaitForDeletion"): Route(("top", 0), ("bottom", 0)),
    ("WaitForDeletion", "DeleteCluster"): Route(("right", 0), ("right", 8), (AROUND,)),
    ("RevokeAccess", "Outcome"): DOWN,
    ("Outcome", "WaitForRevoke"): Route(("right", -8), ("bottom", 0), label=(COLUMNS["right"][0] - 9, row(19.55) + 3, "end")),
    ("WaitForRevoke", "RevokeAccess"): Route(("left", 10), ("right", 10)),
    ("Outcome", "RecordOutcome"): DOWN._replace(label=(COLUMNS["main"][0] + 9, row(20.5) - 4, "start")),
    ("Outcome", "NameFailure"): Route(("left", 0), ("right", 0), label=(LOOP - 7, row(20) - 7, "middle")),
    ("NameFailure", "ExplainFailure"): DOWN,
    ("ExplainFailure", "RecordOutcome"): Route(("bottom", 0), ("left", -8)),
    ("RecordOutcome", "Telling"): DOWN,
    ("Telling", "TellOutcome"): DOWN._replace(label=(COLUMNS["main"][0] + 9, row(22.8) + 1, "start")),
    ("Telling", "Ending"): Route(("right", 0), ("right", -8), (BUS,), (BUS + 9, row(22.3) + 4, "start")),
    ("TellOutcome", "Topic"): DOWN,
    ("Topic", "TellInWords"): DOWN._replace(label=(COLUMNS["main"][0] + 9, row(24.8) + 1, "start")),
    ("Topic", "Ending"): Route(("right", 0), ("right", -8), (BUS,), (BUS + 9, row(24.3) + 4, "start"), True),
    ("TellInWords", "Ending"): DOWN,
    ("Ending", "ClusterSeeded"): DOWN._replace(label=(COLUMNS["main"][0] + 9, row(26.95) + 1, "start")),
    ("Ending", "DryRunComplete"): Route(("right", -8), ("left", 0), (BACK,), (BACK - 9, row(25.5) + 4, "end")),
    ("Ending", "BackupRejected"): Route(("right", 0), ("left", 0), label=(BACK - 9, row(26.3) - 7, "end")),
    ("Ending", "CleanedUp"): Route(("right", 8), ("left", 0), (BACK,), (BACK - 9, row(27.5) + 4, "end")),
    ("Ending", "SeedingFailed"): Route(("left", 0), ("top", 0), label=(LOOP - 37, row(26.3) - 7, "middle")),
}
# The edges of errors after the last retry. One that a success takes too is drawn once.
CATCHES = {
    ("Prepare", "NameFailure"): Route(("left", 0), ("left", 0), (CAUGHT,)),
    ("InspectChunks", "NameFailure"): Route(("left", -8), ("left", 0), (CAUGHT,), joins=True),
    ("Assess", "NameFailure"): Route(("left", 0), ("left", 0), (CAUGHT,), joins=True),
    ("ConvertChunks", "DeleteCluster"): Route(("right", -8), ("left", 0), (BUS,)),
    ("FinishConversion", "DeleteCluster"): Route(("right", 0), ("left", 0), (BUS,), joins=True),
    ("GrantAccess", "DeleteCluster"): Route(("right", 0), ("left", 0), (BUS,), joins=True),
    ("CreateCluster", "DeleteCluster"): Route(("right", -8), ("left", 0), (BUS,), joins=True),
    ("AwaitApproval", "RecordOutcome"): Route(("right", -10), ("left", 0), (LOOP - 6,)),
    ("AwaitApproval", "NameFailure"): Route(("left", 0), ("left", 0), (CAUGHT,), joins=True),
    ("DeleteCluster", "NameFailure"): Route(("right", -8), ("top", 40), (OUTER, row(17.45))),
}
# The labels of Defaults, which have no Comment. Those that continue straight down need none.
OTHERWISE = {"Assessed": "loads as it is", "ClusterState": "not yet", "Deletion": "gone", "Outcome": "failed",
             "Telling": "announced before", "Topic": "no topic", "Ending": "failed"}
# States with the last sentence of their Comment beside them.
NOTED = ("Prepare", "ConvertChunks")
NOTE, NOTE_CHARACTERS = 476, 32

HEIGHTS = {"Task": 46, "Map": 46, "Choice": 36, "Wait": 34, "Pass": 32, "Succeed": 36, "Fail": 36}
NOTCH = 16
# The shifts of a Map's stacked boxes.
STACK = (0, 3, 6)
CORNER = 8
LINE = 15
# The legend: kind, text and width.
LEGEND = [("Task", "Function or service", 165), ("Map", "Map", 76), ("Choice", "Choice", 92), ("Wait", "Wait", 78), ("Pass", "Pass", 0)]

# The fill and border of each kind, in the colors of GitHub's own pages.
LIGHT = {
    "Task": ("#ddf4ff", "#54aeff"),
    "Map": ("#fbefff", "#c297ff"),
    "Choice": ("#fff8c5", "#d4a72c"),
    "Wait": ("#f6f8fa", "#afb8c1"),
    "Pass": ("#f6f8fa", "#afb8c1"),
    "Succeed": ("#dafbe1", "#4ac26b"),
    "Fail": ("#ffebe9", "#ff8182"),
    "text": "#1f2328",
    "muted": "#59636e",
    "main": "#424a53",
    "edge": "#818b98",
    "caught": "#afb8c1",
}
DARK = {
    "Task": ("#10233f", "#316dca"),
    "Map": ("#271c40", "#8256d0"),
    "Choice": ("#2e2510", "#966600"),
    "Wait": ("#1c2128", "#545d68"),
    "Pass": ("#1c2128", "#545d68"),
    "Succeed": ("#12291b", "#2b8a3e"),
    "Fail": ("#351a1d", "#c93c37"),
    "text": "#e6edf3",
    "muted": "#9198a1",
    "main": "#b1bac4",
    "edge": "#7d8590",
    "caught": "#5a626c",
}
STYLE = """
text { font: 12px -apple-system, BlinkMacSystemFont, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; }
.name { font-size: 14px; font-weight: 600; text-anchor: middle; }
.function { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; text-anchor: middle; }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.note { font-style: italic; }
path { fill: none; stroke-width: 1.5; }
.main { stroke-width: 2; }
.caught { stroke-dasharray: 4 4; }
.sign { stroke-linecap: round; stroke-linejoin: round; }
"""


class Unplaced(Exception):
    """The machine and the tables of this file do not match."""


def colors(theme):
    kinds = {kind: pair for kind, pair in theme.items() if isinstance(pair, tuple)}
    # A sign follows the shape that it belongs to.
    rules = [f".{kind} {{ fill: {fill}; stroke: {border}; }} .{kind} + .sign {{ stroke: {border}; }}"
             for kind, (fill, border) in kinds.items()]
    rules += [f"path.{edge} {{ stroke: {theme[edge]}; }} .head-{edge} {{ fill: {theme[edge]}; }}"
              for edge in ("main", "edge", "caught")]
    rules += [f"text {{ fill: {theme['muted']}; }} .name {{ fill: {theme['text']}; }} circle {{ fill: {theme['main']}; }}"]
    return "\n".join(rules)


def kebab(name):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def function_of(state):
    """Returns the function that a Task calls; for a Map, that of its first state."""
    if state["Type"] == "Map":
        inner = state["ItemProcessor"]["States"][state["ItemProcessor"]["StartAt"]]
        return f"{function_of(inner)} × n"
    if state["Type"] != "Task":
        return None
    service = state["Resource"].split(":::")[1]
    if not service.startswith("lambda:"):
        return service
    return kebab(re.fullmatch(r"\$\{(\w+)FunctionArn\}", state["Arguments"]["FunctionName"])[1])


def word(rule):
    """Returns the label of a rule: its Comment up to the first colon, in lower case."""
    head = rule.get("Comment", "").split(":")[0].rstrip(".")
    return head[:1].lower() + head[1:]


def edges_of(name, state):
    """Returns the edges out of a state with their labels, and the targets of its errors."""
    edges = {}
    for rule in state.get("Choices", []):
        if not word(rule):
            raise Unplaced(f"a rule of {name} that leads to {rule['Next']} has no Comment to label it with")
        edges.setdefault(rule["Next"], []).append(word(rule))
    if "Next" in state:
        edges[state["Next"]] = []
    if "Default" in state:
        edges.setdefault(state["Default"], []).extend([OTHERWISE[name]] if name in OTHERWISE else [])
    caught = [catch["Next"] for catch in state.get("Catch", []) if catch["Next"] not in edges]
    return edges, caught


def compare(what, table, needed):
    wrong = [f"{what} has nothing for {one}" for one in needed if one not in table]
    wrong += [f"{what} has {one}, which the machine does not have" for one in table if one not in needed]
    if wrong:
        raise Unplaced("\n".join(wrong))


def outline(kind, x, y, width, height):
    """Draws the shape of a kind of state, around its middle."""
    left, top, right, bottom = x - width // 2, y - height // 2, x + width // 2, y + height // 2
    if kind == "Choice":
        notch = NOTCH * height // HEIGHTS[kind]
        points = [(left, y), (left + notch, top), (right - notch, top), (right, y), (right - notch, bottom),
                  (left + notch, bottom)]
        return f'<polygon class="{kind}" points="{" ".join(f"{x},{y}" for x, y in points)}"/>'
    radius = {"Pass": 2, "Task": height // 7, "Map": height // 7}.get(kind, height // 2)
    return f'<rect class="{kind}" x="{left}" y="{top}" width="{width}" height="{height}" rx="{radius}"/>'


class Box:
    """The place of a state."""

    def __init__(self, name, state):
        column, number = PLACES[name]
        self.name, self.state, self.kind = name, state, state["Type"]
        self.x, self.width = COLUMNS[column]
        self.width -= 2 * NOTCH if self.kind == "Choice" else 0
        self.y, self.height = row(number), HEIGHTS[self.kind]

    def port(self, side, offset):
        """Returns a point on a side, this far right of or below its middle."""
        if side in ("top", "bottom"):
            above = STACK[-1] if self.kind == "Map" else 0
            return self.x + offset, self.y + (self.height // 2 if side == "bottom" else -self.height // 2 - above)
        inset = abs(offset) * NOTCH * 2 / self.height if self.kind == "Choice" else 0
        half = self.width / 2 - inset
        return self.x + (half if side == "right" else -half), self.y + offset

    def outline(self):
        # From back to front.
        shifts = reversed(STACK) if self.kind == "Map" else (0,)
        return "".join(outline(self.kind, self.x, self.y - shift, self.width - 2 * shift, self.height) for shift in shifts)

    def sign(self):
        """Draws a clock, a tick or a cross left of the name."""
        x, y = self.x - self.width // 2 + 19, self.y
        sign = {"Wait": f"M{x - 6} {y}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0M{x} {y - 3}v3l2 2",
                "Succeed": f"M{x - 5} {y}l4 4l7 -8", "Fail": f"M{x - 4} {y - 4}l8 8m0 -8l-8 8"}.get(self.kind)
        return f'<path class="sign" d="{sign}"/>' if sign else ""

    def draw(self):
        function = function_of(self.state)
        shift = 9 if self.sign() else 0
        lines = [f'<text class="name" x="{self.x + shift}" y="{self.y - (3 if function else -5)}">{self.name}</text>']
        if function:
            lines.append(f'<text class="function" x="{self.x}" y="{self.y + 14}">{function}</text>')
        comment = escape(self.state["Comment"], quote=False)
        if self.name in NOTED:
            for at, one in enumerate(textwrap.wrap(comment.split(". ")[-1], NOTE_CHARACTERS)):
                lines.append(f'<text class="note" x="{NOTE}" y="{self.y - 3 + at * LINE}">{one}</text>')
        return f"<g><title>{comment}</title>{self.outline()}{self.sign()}{''.join(lines)}</g>"


def number(value):
    return f"{value:.1f}".removesuffix(".0")


def points_of(route, start, end):
    """Returns the corners of an edge, from port to port."""
    points, across = [start], route.leave[0] in ("left", "right")
    for track in route.via:
        x, y = points[-1]
        points.append((track, y) if across else (x, track))
        across = not across
    x, y = points[-1]
    points += [(end[0], y) if across else (x, end[1]), end]
    return [point for at, point in enumerate(points) if at == 0 or point != points[at - 1]]


def path_of(points):
    """Connects points by straight lines with rounded corners."""
    parts = [f"M{number(points[0][0])} {number(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:]):
        reach = [min(CORNER, abs(one[0] - corner[0]) + abs(one[1] - corner[1])) for one in (before, after)]
        near, far = ([corner[axis] + (one[axis] > corner[axis]) * by - (one[axis] < corner[axis]) * by for axis in (0, 1)]
                     for one, by in zip((before, after), reach))
        parts.append(f"L{number(near[0])} {number(near[1])}Q{number(corner[0])} {number(corner[1])} "
                     f"{number(far[0])} {number(far[1])}")
    parts.append(f"L{number(points[-1][0])} {number(points[-1][1])}")
    return "".join(parts)


def draw_edge(boxes, source, target, route, kind, words=()):
    points = points_of(route, boxes[source].port(*route.leave), boxes[target].port(*route.enter))
    if route.joins:
        # It ends after the corner at which it meets the line that it joins.
        (x, y), sign = points[1], 1 if points[2][1] > points[1][1] else -1
        points = points[:2] + [(x, y + sign * CORNER)]
    head = "" if route.joins else f' marker-end="url(#{kind})"'
    yield f'<path class="{kind}" d="{path_of(points)}"{head}/>'
    if words and not route.label:
        raise Unplaced(f"ROUTES has no place for the words from {source} to {target}")
    if words:
        x, y, anchor = route.label
        for at, one in enumerate(words):
            yield f'<text class="{anchor}" x="{x}" y="{y + at * LINE}">{escape(one, quote=False)}</text>'


def legend():
    """Draws the legend, in one line."""
    x, y = 18, HEIGHT - 20
    for kind, text, width in LEGEND:
        yield outline(kind, x + 11, y, 22, 12)
        yield f'<text x="{x + 29}" y="{y + 4}">{text}</text>'
        x += width
    x = WIDTH - 266
    yield f'<path class="caught" d="M{x} {y}h34" marker-end="url(#caught)"/>'
    yield f'<text x="{x + 42}" y="{y + 4}">an error that retries did not cure</text>'


def draw(machine):
    states = machine["States"]
    compare("PLACES", PLACES, states)
    compare("HEIGHTS", HEIGHTS, HEIGHTS.keys() | {state["Type"] for state in states.values()})
    edges = {name: edges_of(name, state) for name, state in states.items()}
    compare("ROUTES", ROUTES, [(name, to) for name, (ways, _) in edges.items() for to in ways])
    compare("CATCHES", CATCHES, [(name, to) for name, (_, caught) in edges.items() for to in caught])
    compare("OTHERWISE", OTHERWISE, [name for name in OTHERWISE if states.get(name, {}).get("Default")])
    boxes = {name: Box(name, state) for name, state in states.items()}
    first = boxes[machine["StartAt"]]

    parts = []
    for (source, target), route in CATCHES.items():
        parts += draw_edge(boxes, source, target, route, "caught")
    for (source, target), route in ROUTES.items():
        straight = PLACES[source][0] == PLACES[target][0] == "main" and route.leave[0] == "bottom"
        parts += draw_edge(boxes, source, target, route, "main" if straight else "edge", edges[source][0][target])
    top = first.y - 38
    parts.append(f'<path class="main" d="M{first.x} {top}V{first.y - first.height // 2}" marker-end="url(#main)"/>')
    parts.append(f'<circle cx="{first.x}" cy="{top}" r="5"/>')
    parts += [boxes[name].draw() for name in PLACES]
    parts += legend()
    heads = "".join(f'<marker id="{kind}" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" '
                    f'markerUnits="userSpaceOnUse" orient="auto"><path class="head-{kind}" d="M0 0.5L8 4L0 7.5z"/></marker>'
                    for kind in ("main", "edge", "caught"))
    body = "\n".join(parts)
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title desc">
<!-- Drawn by scripts/draw_machine.py from statemachine/seed-cluster.asl.json: {COMMAND} -->
<title id="title">The state machine seed-cluster</title>
<desc id="desc">{escape(machine["Comment"], quote=False)}</desc>
<style>{STYLE}{colors(LIGHT)}
@media (prefers-color-scheme: dark) {{
{colors(DARK)}
}}
</style>
<defs>{heads}</defs>
{body}
</svg>
"""


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        picture = draw(json.loads(MACHINE.read_text(encoding="utf-8")))
    except Unplaced as error:
        print(f"error: {error}\nhint: give it a place in scripts/draw_machine.py, then run {COMMAND}", file=sys.stderr)
        return 1
    if not sys.argv[1:]:
        PICTURE.write_text(picture, encoding="utf-8")
    elif not PICTURE.is_file() or PICTURE.read_text(encoding="utf-8") != picture:
        print("error: docs/machine.svg is not the picture of statemachine/seed-cluster.asl.json\n"
              f"hint: run {COMMAND}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
