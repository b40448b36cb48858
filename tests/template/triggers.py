"""Checks of what starts a seeding, and what starts a clean-up."""

import json
import re

from subject import AS_DEPLOYED, FILLED, FULL, ROOT, TEXT, Template

# EventBridge quotas, "Event pattern size".
MAX_PATTERN_CHARACTERS = 2048


def matches(pattern, event):
    """Whether an event matches a pattern, limited to the operators in this template's patterns."""
    if isinstance(pattern, dict):
        return all(name in event and matches(one, event[name]) for name, one in pattern.items())
    for one in pattern:
        if not isinstance(one, dict):
            found = one == event
        elif "wildcard" in one:
            found = re.fullmatch(".*".join(map(re.escape, one["wildcard"].split("*"))), event)
        elif "suffix" in one:
            found = event.lower().endswith(one["suffix"]["equals-ignore-case"].lower())
        else:
            found = not event.startswith(one["anything-but"]["prefix"])
        if found:
            return True
    return False


def dropped_files_start_seedings_and_others_do_not():
    event = json.loads((ROOT / "events/eventbridge-object-created.json").read_text())
    event["detail"]["bucket"]["name"] = "drops"
    pattern = FULL.render(FULL.body["Resources"]["DropRule"]["Properties"]["EventPattern"])
    # start-seeding decides whether a backup is under the prefix.
    for key, expected in (("incoming/redis.rdb", True), ("incoming/a/DUMP.RDB", True), ("incoming/Dump.Rdb", True),
                          ("incoming/dump.rdb.GZ", True), ("incoming/dump.rdb.zst", True), ("incoming/dump.rdb.bak", True),
                          ("incoming/appendonly.aof", True), ("incoming/sets/all.seed.json", True),
                          ("sets/all.seed.json", False), ("incoming/seed.json", False), ("incoming/x.txt", False),
                          ("incoming/rdb", False)):
        event["detail"]["object"]["key"] = key
        if matches(pattern, event) != expected:
            yield f"DropRule {'does not match' if expected else 'matches'} {key} under the prefix incoming/"


def only_the_drop_bucket_and_named_buckets_start_seedings():
    """BackupBuckets are read from: a file in one of them starts nothing unless TriggerBuckets names it too."""
    event = json.loads((ROOT / "events/eventbridge-object-created.json").read_text())
    event["detail"]["object"]["key"] = "incoming/redis.rdb"
    reading = Template(TEXT, **FILLED | {"TriggerBuckets": ""})
    for template, names, starting in ((AS_DEPLOYED, ["dropbucket"], {"dropbucket"}), (reading, ["drops"], {"drops"}),
                                      (FULL, ["drops", "old-dumps"], {"drops", "old-dumps"})):
        pattern = template.render(template.body["Resources"]["DropRule"]["Properties"]["EventPattern"])
        if pattern["detail"]["bucket"]["name"] != names:
            yield f"DropRule listens to {pattern['detail']['bucket']['name']}, expected {names}"
        for bucket in ("dropbucket", "drops", "old-dumps", "other.dumps", "old", "dumps"):
            event["detail"]["bucket"]["name"] = bucket
            if matches(pattern, event) != (bucket in starting):
                yield f"DropRule {'matches' if bucket not in starting else 'does not match'} files in {bucket}"


def a_prefix_is_none_of_the_products_own():
    """Files under these start nothing: with such a prefix, nothing that is dropped would."""
    pattern = FULL.body["Parameters"]["TriggerPrefix"]["AllowedPattern"]
    for prefix, expected in (("", True), ("incoming/", True), ("executions", True), ("my/executions/", True),
                             ("executions/", False), ("executions/a/", False), ("inspections/", False), ("grants/", False)):
        if bool(re.fullmatch(pattern, prefix)) != expected:
            yield f"TriggerPrefix {'refuses' if expected else 'takes'} `{prefix}`"


def event_patterns_are_no_longer_than_eventbridge_takes():
    buckets = FULL.body["Parameters"]["TriggerBuckets"]["MaxLength"]
    prefix = int(re.search(r"\{0,(\d+)\}", FULL.body["Parameters"]["TriggerPrefix"]["AllowedPattern"])[1])
    # The more names, the longer the pattern, because each one adds two quotes: 50 are possible.
    names = ",".join(["b" * (buckets // 50 - 1)] * 50)
    longest = Template(TEXT, **FILLED | {"BackupBucketName": "x" * 63, "TriggerBuckets": names, "TriggerPrefix": "p" * prefix})
    rules = longest.resources("AWS::Events::Rule")
    patterns = {name: one for name, one in rules.items() if "EventPattern" in one["Properties"]}
    for name, rule in patterns.items():
        characters = len(json.dumps(longest.render(rule["Properties"]["EventPattern"]), separators=(",", ":")))
        if characters > MAX_PATTERN_CHARACTERS:
            yield f"{name} may have a pattern of {characters} characters, at most {MAX_PATTERN_CHARACTERS} are possible"


def executions_that_left_something_start_a_clean_up_and_clean_ups_do_not():
    given = None
    patterns = []
    for name in ("CleanUpRule", "RevokeFailedRule"):
        rule = FULL.body["Resources"][name]["Properties"]
        patterns.append(FULL.render(rule["EventPattern"]))
        given = rule["Targets"][0]["InputTransformer"]["InputTemplate"].replace("<execution>", "arn:e")
        if json.loads(given) != {"cleanUp": "arn:e"}:
            yield f"the clean-up's input of {name} is {given}, expected {{\"cleanUp\":ARN}}"
    left = '{"outcome":"seeded","findings":[{"code":"revoke-failed"}],"leftBehind":["grant"]}'
    for status, text, output, expected in (("FAILED", '{"backups":["a/b"]}', None, 1), ("ABORTED", '{"dropped":{}}', None, 1),
                                           ("TIMED_OUT", given, None, 0), ("SUCCEEDED", "{}", '{"leftBehind":[]}', 0),
                                           ("SUCCEEDED", "{}", left, 1), ("SUCCEEDED", given, left, 0)):
        detail = {"stateMachineArn": "seedclusterstatemachine", "status": status, "input": text}
        if output:
            detail["output"] = output
        event = {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}
        found = sum(matches(pattern, event) for pattern in patterns)
        if found != expected:
            yield f"{found} rules match {status} with the input {text} and the output {output}, expected {expected}"


CHECKS = [
    dropped_files_start_seedings_and_others_do_not,
    only_the_drop_bucket_and_named_buckets_start_seedings,
    a_prefix_is_none_of_the_products_own,
    event_patterns_are_no_longer_than_eventbridge_takes,
    executions_that_left_something_start_a_clean_up_and_clean_ups_do_not,
]
