"""What is announced, counted and shown: the dashboard and the alarms have the metrics of the code, and samples its events."""

import json
import re

from subject import FULL, ROOT

CODE = {
    "outcome": ROOT / "crates/seeding/src/flow/outcome.rs",
    "metrics": ROOT / "functions/record-outcome/src/handler/metrics.rs",
}
# A dashboard is a grid of this many columns. Source: CloudWatch user guide, "Dashboard body structure".
COLUMNS = 24
STACK, REGION = "my-stack", "us-east-1"


def measured():
    """Returns the names of the metrics that the code writes."""
    endings = CODE["outcome"].read_text().split("fn metric(", 1)[1].split("\n    }\n", 1)[0]
    return set(re.findall(r'=> "(\w+)"', endings)) | set(re.findall(r'\("(\w+)", "\w+", json!', CODE["metrics"].read_text()))


def rendered():
    """Returns the dashboard as CloudWatch gets it."""
    text, values = FULL.body["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    values = values | {"AWS::StackName": STACK, "AWS::Region": REGION}
    return json.loads(re.sub(r"\$\{([\w:.]+)\}", lambda name: values.get(name[1], name[1]), text))


def shown(widget):
    """Yields (namespace, name, dimension, value) for each row of a metric widget, with `.` and `...` resolved."""
    above = []
    for row in widget["properties"]["metrics"]:
        words = [word for word in row if isinstance(word, str)]
        words = above if words == ["..."] else [above[at] if word == "." else word for at, word in enumerate(words)]
        above = words
        yield tuple(words)


def the_dashboard_is_drawn_and_begins_with_every_alarm():
    widgets = rendered()["widgets"]
    alarms = {f"{name}.Arn" for name in FULL.resources("AWS::CloudWatch::Alarm")}
    first = widgets[0]
    if first["type"] != "alarm" or first["y"] != 0 or set(first["properties"]["alarms"]) != alarms:
        yield f"the first row is {first}, expected the alarms {sorted(alarms)}"
    taken = {}
    for widget in widgets:
        title = widget["properties"]["title"]
        if widget["x"] + widget["width"] > COLUMNS:
            yield f"{title} ends beyond column {COLUMNS}"
        for cell in ((x, y) for x in range(widget["x"], widget["x"] + widget["width"])
                     for y in range(widget["y"], widget["y"] + widget["height"])):
            if taken.setdefault(cell, title) != title:
                yield f"{title} covers {taken[cell]}"
                break


def the_dashboard_and_the_alarms_have_the_metrics_of_the_code():
    names = measured()
    on_dashboard = {row for widget in rendered()["widgets"] if widget["type"] == "metric" for row in shown(widget)}
    for row in sorted(on_dashboard):
        if row[0] != "ElasticacheSeeder" or row[1] not in names or row[2:] != ("Stack", STACK):
            yield f"the dashboard shows {row}, which the code does not write"
    yield from (f"{name} is written, and not on the dashboard" for name in sorted(names - {row[1] for row in on_dashboard}))
    for name, alarm in FULL.resources("AWS::CloudWatch::Alarm").items():
        properties = alarm["Properties"]
        if properties.get("Namespace") == "ElasticacheSeeder" and properties["MetricName"] not in names:
            yield f"{name} watches {properties['MetricName']}, which the code does not write"


def every_event_has_a_sample():
    """The code is compared with the samples in record-outcome's tests."""
    kinds = set(re.findall(r'=> "(Seeding [\w ]+)"', CODE["outcome"].read_text())) | {"Seeding Started"}
    samples = {path.name: json.loads(path.read_text()) for path in (ROOT / "events").glob("seeding-*-event.json")}
    found = {sample["detail-type"] for sample in samples.values()}
    if found != kinds:
        yield f"events/ has samples of {sorted(found)}, expected {sorted(kinds)}"
    for name, sample in samples.items():
        if name != sample["detail-type"].lower().replace(" ", "-") + "-event.json":
            yield f"events/{name} has a {sample['detail-type']}"
        if sample["source"] != "elasticache-seeder":
            yield f"events/{name} comes from {sample['source']}"
    machine = json.loads((ROOT / "statemachine/seed-cluster.asl.json").read_text())
    started = machine["States"]["TellStarted"]["Arguments"]["Entries"][0]["Detail"]
    sample = samples.get("seeding-started-event.json", {}).get("detail", {})
    if set(started) != set(sample):
        yield f"events/seeding-started-event.json has {sorted(sample)}, expected {sorted(started)}"


CHECKS = [
    the_dashboard_is_drawn_and_begins_with_every_alarm,
    the_dashboard_and_the_alarms_have_the_metrics_of_the_code,
    every_event_has_a_sample,
]
