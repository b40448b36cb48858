"""Checks of what an update, a failed creation and a removal of the stack do to what runs and to what is kept."""

import logging
import re

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from subject import FILLED, FULL, FUNCTIONS, TEXT, Template

# Steps of which a running execution takes the newest code: settings that parameters give them are too long for the
# description that makes CloudFormation publish a version. A version would keep the old ones for ever. Neither can do
# harm: nothing exists before prepare-seeding has ended, and a failure of verify-cluster is a warning.
NEWEST = {"prepare-seeding", "verify-cluster"}
MAX_VERSION_DESCRIPTION = 256


def what_is_kept_goes_when_a_creation_fails():
    for kind in ("AWS::S3::Bucket", "AWS::S3::BucketPolicy"):
        for name, one in FULL.resources(kind).items():
            found = (one.get("DeletionPolicy"), one.get("UpdateReplacePolicy"))
            if found != ("RetainExceptOnCreate", "Retain"):
                yield f"{name} has the policies {found}: it must stay with the stack's removal and go with a failed creation"
    for name, one in FULL.body["Resources"].items():
        if one.get("DeletionPolicy") == "Retain":
            yield f"{name} stays after a failed creation: RetainExceptOnCreate"


def running_executions_keep_their_functions():
    """Reads what SAM makes of the template: the definition has to name versions, which an update leaves alone."""
    resources = translated()
    machine, = (one for one in resources.values() if one["Type"] == "AWS::StepFunctions::StateMachine")
    given = machine["Properties"]["DefinitionSubstitutions"]
    for folder, (name, _) in FUNCTIONS.items():
        if folder in ("start-seeding", "sweep"):
            continue
        arn = given[f"{name}Arn"]
        version = resources.get(arn.get("Ref"), {})
        if folder in NEWEST:
            if arn != {"Fn::GetAtt": [name, "Arn"]}:
                yield f"the state machine invokes {folder} as {arn}, expected the function's ARN"
        elif version.get("Type") != "AWS::Lambda::Version" or version["Properties"]["FunctionName"] != {"Ref": name}:
            yield f"the state machine invokes {folder} as {arn}, expected a version of it"
        elif (version.get("DeletionPolicy"), version.get("UpdateReplacePolicy")) != ("Retain", "Retain"):
            yield f"an update deletes the version of {folder} that a running execution invokes"


def translated(text=TEXT):
    """Returns the resources that SAM makes of the template, as if its code lay in a bucket."""
    logging.getLogger("samtranslator").setLevel(logging.CRITICAL)
    body = Template(text).body
    for one in body["Resources"].values():
        for key in {"CodeUri", "DefinitionUri"} & one.get("Properties", {}).keys():
            one["Properties"][key] = f"s3://bucket/{one['Properties'][key]}"
    return Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1")).translate(body, {})["Resources"]


def a_parameter_that_changes_a_function_changes_its_version():
    """SAM compares templates and not parameters. A changed description is what CloudFormation replaces a version for; a
    version without a change of the function is refused."""
    others = {parameter: Template(TEXT, **FILLED | {parameter: another(parameter, one)})
              for parameter, one in FULL.body["Parameters"].items()}
    for folder, (name, _) in FUNCTIONS.items():
        before = settings(FULL, name)
        if "AutoPublishAlias" not in FULL.body["Resources"][name]["Properties"]:
            continue
        if not before[1] or len(before[1]) > MAX_VERSION_DESCRIPTION:
            yield f"{name} has the VersionDescription {before[1]}, expected 1 to {MAX_VERSION_DESCRIPTION} characters"
        for parameter, other in others.items():
            after = settings(other, name)
            if (before[0] != after[0]) != (before[1] != after[1]):
                says = "another" if before[0] == after[0] else "no other"
                yield f"{parameter} changes {folder} and VersionDescription unlike: {says} version would be published"


def settings(template, name):
    """Returns a function's settings and the description of its version."""
    everything = template.body["Globals"]["Function"] | template.body["Resources"][name]["Properties"]
    description = everything.pop("VersionDescription", "")
    return template.render(everything), template.render(description)


def another(name, one):
    """Returns another value that the parameter takes."""
    now = FULL.parameters[name]
    if "AllowedValues" in one:
        return next(str(value) for value in one["AllowedValues"] if str(value) != now)
    if "MaxValue" in one:
        return str(one["MaxValue"] if now != str(one["MaxValue"]) else one["MinValue"])
    value = re.sub(r"[a-z0-9](?=[^a-z0-9]*$)", lambda found: "1" if found[0] != "1" else "2", now)
    return value if value != now and re.fullmatch(one["AllowedPattern"], value) else one["Default"]


CHECKS = [
    what_is_kept_goes_when_a_creation_fails,
    running_executions_keep_their_functions,
    a_parameter_that_changes_a_function_changes_its_version,
]
