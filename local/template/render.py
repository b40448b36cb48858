"""Prints what the template would make, as JSON, for a stack on this machine.

render.py TEMPLATE    standard input: {"parameters": {NAME: value}, "references": {RESOURCE: what a Ref gives}}

rules      {NAME: properties} of the EventBridge rules
roles      {CALLER: [policy document, …]}: of the functions by their folders, of the state machine (seed-cluster) and of
           the rule that starts clean-ups (clean-up)
roleArns   {CALLER: the ARN of its role}
functions  {FOLDER: {timeoutSeconds, memoryMb, environment}}
buckets    {BUCKET: {versioning, ownership, lifecycle, policy, eventBridge}}
iamRoles   {RESOURCE: {arn, inline: {NAME: policy document}, attached: [ARN of a managed policy]}}
managedPolicies  {RESOURCE: {arn, document}}
alarms     {RESOURCE: description}
"""

import json
import sys
from pathlib import Path

from rendering import PSEUDO, Template

REGION, ACCOUNT = PSEUDO["AWS::Region"], PSEUDO["AWS::AccountId"]


def main():
    given = json.load(sys.stdin)
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    template = Template(text, given["references"], **given["parameters"])
    template.attributes = attributes(template)
    stack = {
        "rules": {name: template.render(one["Properties"]) for name, one in template.resources("AWS::Events::Rule").items()},
        "roles": roles(template),
        "roleArns": {caller: template.render(role) for caller, role in role_of_callers(template).items()},
        "functions": {folder(one): function(template, one) for one in functions(template).values()},
        "buckets": buckets(template),
        "iamRoles": {name: iam_role(template, name, one) for name, one in template.resources("AWS::IAM::Role").items()},
        "managedPolicies": {name: managed_policy(template, name) for name in template.resources("AWS::IAM::ManagedPolicy")},
        "alarms": {name: template.render(one["Properties"]["AlarmDescription"]) for name, one in template.resources("AWS::CloudWatch::Alarm").items()},
    }
    json.dump(stack, sys.stdout)


def attributes(template):
    """The ARNs of what lies on this machine, and names that look like ARNs for the rest."""
    found = {}
    for name, one in functions(template).items():
        found[f"{name}.Arn"] = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{folder(one)}"
    for name in template.resources("AWS::IAM::Role"):
        found[f"{name}.Arn"] = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    for name in template.resources("AWS::Serverless::StateMachine"):
        found[f"{name}.Name"] = template.references.get(name, name).rsplit(":", 1)[-1]
    for name in template.resources("AWS::S3::Bucket"):
        found[f"{name}.Arn"] = f"arn:aws:s3:::{template.references.get(name, name.lower())}"
    for name in template.resources("AWS::SQS::Queue"):
        found[f"{name}.Arn"] = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    for name in template.resources("AWS::Logs::LogGroup"):
        found[f"{name}.Arn"] = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
    return found


def functions(template):
    return template.resources("AWS::Serverless::Function")


def folder(function):
    return function["Properties"]["CodeUri"].removeprefix("functions/")


def function(template, one):
    properties = template.render(one["Properties"])
    variables = template.body["Globals"]["Function"].get("Environment", {}).get("Variables", {})
    variables = variables | properties.get("Environment", {}).get("Variables", {})
    return {
        "timeoutSeconds": int(properties["Timeout"]),
        "memoryMb": int(properties["MemorySize"]),
        "environment": {name: str(value) for name, value in variables.items()},
    }


def roles(template):
    documents = {name: documents_of(template, name, one) for name, one in template.resources("AWS::IAM::Role").items()}
    return {caller: documents[role["Fn::GetAtt"][0]] for caller, role in role_of_callers(template).items()}


def role_of_callers(template):
    """The role of each function, of the state machine and of the rule, as the template refers to it."""
    callers = {folder(one): one["Properties"]["Role"] for one in functions(template).values()}
    for one in template.resources("AWS::Serverless::StateMachine").values():
        callers["seed-cluster"] = one["Properties"]["Role"]
    callers["clean-up"] = {"Fn::GetAtt": ["CleanUpRole", "Arn"]}
    return callers


def documents_of(template, name, role):
    """The policies of a role, its own and those that it shares with others."""
    shared = [managed_policy(template, one)["document"] for one in attached(template, role)]
    return list(inline(template, name, role).values()) + shared


def inline(template, name, role):
    """A role's own policies by their names."""
    own = [template.render(policy) for policy in present(template, role["Properties"].get("Policies", []))]
    own += [template.render(one["Properties"]) for one in beside(template, name)]
    return {policy["PolicyName"]: policy["PolicyDocument"] for policy in own}


def attached(template, role):
    """The managed policies of the template that a role shares with others."""
    managed = template.resources("AWS::IAM::ManagedPolicy")
    return [arn["Ref"] for arn in role["Properties"].get("ManagedPolicyArns", []) if arn.get("Ref") in managed]


def managed_policy(template, name):
    properties = template.resources("AWS::IAM::ManagedPolicy")[name]["Properties"]
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{name}"
    return {"arn": arn, "document": template.render(properties["PolicyDocument"])}


def iam_role(template, name, role):
    arns = [managed_policy(template, one)["arn"] for one in attached(template, role)]
    return {"arn": template.attributes[f"{name}.Arn"], "inline": inline(template, name, role), "attached": arns}


def beside(template, role):
    """The policies that name their role, and not the other way round."""
    policies = template.resources("AWS::IAM::RolePolicy").values()
    return [one for one in policies if one["Properties"]["RoleName"] == {"Ref": role}]


def present(template, policies):
    """Without those that a condition leaves out."""
    for policy in policies:
        if "Fn::If" in policy:
            condition, then, otherwise = policy["Fn::If"]
            policy = then if template.holds(condition) else otherwise
        if policy != {"Ref": "AWS::NoValue"}:
            yield policy


def buckets(template):
    policies = {}
    for one in template.resources("AWS::S3::BucketPolicy").values():
        if "Condition" not in one or template.holds(one["Condition"]):
            properties = template.render(one["Properties"])
            policies[properties["Bucket"]] = properties["PolicyDocument"]
    made = {}
    for name, one in template.resources("AWS::S3::Bucket").items():
        if "Condition" in one and not template.holds(one["Condition"]):
            continue
        properties = template.render(one["Properties"])
        bucket = template.references.get(name, name.lower())
        rules = properties.get("OwnershipControls", {}).get("Rules", [{}])
        made[bucket] = {
            "versioning": properties.get("VersioningConfiguration", {}).get("Status"),
            "ownership": rules[0].get("ObjectOwnership"),
            "lifecycle": properties.get("LifecycleConfiguration"),
            "eventBridge": properties.get("NotificationConfiguration", {}).get("EventBridgeConfiguration") is not None,
            "policy": policies.get(bucket),
        }
    return made


if __name__ == "__main__":
    main()
