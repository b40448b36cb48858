"""Checks of what accounts demand of a stack: of its roles, its trust and what it keeps."""

import re

from subject import AS_DEPLOYED, FILLED, FULL, FUNCTIONS, TEXT, Template, as_list, statements


def every_role_has_the_boundary_and_the_path():
    for kind, expected in (("AWS::IAM::Role", ("PermissionsBoundary", "Path")), ("AWS::IAM::ManagedPolicy", ("Path",))):
        for name, one in FULL.resources(kind).items():
            given = {key: FULL.render(one["Properties"]).get(key) for key in expected}
            wanted = {"PermissionsBoundary": FILLED["PermissionsBoundaryArn"], "Path": FILLED["RolePath"]}
            yield from (f"{name} has the {key} {given[key]}, expected {wanted[key]}" for key in expected
                        if given[key] != wanted[key])
            plain = AS_DEPLOYED.render(one["Properties"])
            if plain.get("Path") != "/" or "PermissionsBoundary" in plain:
                yield f"{name} has a boundary, or another path than /, though none is given"


def no_role_is_made_by_sam():
    """SAM's own roles would have neither the boundary nor the path."""
    for name, one in {**FULL.resources("AWS::Serverless::Function"), **FULL.resources("AWS::Serverless::StateMachine")}.items():
        if "Role" not in one["Properties"]:
            yield f"{name} has no Role: SAM would make one"


def trust_does_not_depend_on_a_key_that_may_not_be_sent():
    """AWS documents aws:SourceAccount for some services only: the clean-up must start without it too."""
    for name, one in FULL.resources("AWS::IAM::Role").items():
        for statement in one["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            yield from (f"{name}'s trust needs {key} by {operator}: add IfExists"
                        for operator, keys in statement.get("Condition", {}).items() for key in keys
                        if key.startswith("aws:Source") and not operator.endswith("IfExists"))


def dropped_files_expire_only_if_asked():
    own = {"BackupBucketName": ""}
    for days, expected in (("0", None), ("14", 14)):
        template = Template(TEXT, **FILLED | own | {"DropRetentionDays": days})
        rules = template.render(template.body["Resources"]["DropBucket"]["Properties"]["LifecycleConfiguration"])["Rules"]
        found = [int(rule["ExpirationInDays"]) for rule in rules if "ExpirationInDays" in rule]
        if found != ([expected] if expected else []):
            yield f"DropRetentionDays={days} expires dropped files after {found} days"


def what_joins_partial_results_has_a_whole_processor():
    """assess-backup reads up to 200 of them in one go. Lambda gives one vCPU at 1769 MB."""
    memory = FUNCTIONS["assess-backup"][1]["MemorySize"]
    if memory < 1769:
        yield f"assess-backup has {memory} MB, expected 2048"


def keys_are_used_through_a_service_of_any_suffix():
    """Outside `aws` it is not documented whether ViaService ends in the partition's suffix or in amazonaws.com."""
    template = Template(TEXT, pseudo={"AWS::Partition": "aws-cn", "AWS::Region": "cn-north-1",
                                    "AWS::URLSuffix": "amazonaws.com.cn"}, **FILLED)
    found = 0
    for where, statement in statements(template):
        via = as_list(statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService", []))
        found += bool(via)
        services = {re.sub(r"\.cn-north-1\..*", "", one) for one in via}
        expected = {f"{one}.cn-north-1.{suffix}" for one in services for suffix in ("amazonaws.com", "amazonaws.com.cn")}
        if set(via) != expected:
            yield f"{where} uses keys through {via}, expected {sorted(expected)}"
    for where, statement in statements(FULL):
        via = as_list(statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService", []))
        if len(via) != len(set(via)):
            yield f"{where} names {via} twice"
    if found < 4:
        yield f"{found} statements have kms:ViaService, expected 4 at least: adapt this check"


CHECKS = [
    every_role_has_the_boundary_and_the_path,
    no_role_is_made_by_sam,
    trust_does_not_depend_on_a_key_that_may_not_be_sent,
    dropped_files_expire_only_if_asked,
    what_joins_partial_results_has_a_whole_processor,
    keys_are_used_through_a_service_of_any_suffix,
]
