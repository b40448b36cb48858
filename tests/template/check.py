#!/usr/bin/env python3
"""What linters do not check: whether the template agrees with the code, the state machine and the documents.

Prints one line per check. For a failed check, it says what is wrong and where, and the exit code is 1.
"""

import json
import os
import re
import sys

import accounts
import building
import limits
import outcomes
import partitions
import release
import triggers
import updates
from subject import AS_DEPLOYED, FILLED, FOLDERS, FULL, FUNCTIONS, ROOT, TEXT, as_list, camel, statements, statements_of

# The actions that calls in the code need, unless the action has the name of the call.
CALLS = {
    r"cluster::describe\(": ["elasticache:DescribeReplicationGroups", "elasticache:DescribeCacheClusters",
                             "elasticache:DescribeServerlessCaches"],
    r"cluster::delete\(": ["elasticache:DeleteReplicationGroup", "elasticache:DeleteCacheCluster",
                           "elasticache:DeleteServerlessCache"],
    r"cluster::view\(": ["elasticache:DescribeCacheClusters"],
    r"cluster::events\(": ["elasticache:DescribeEvents"],
    r"\b(look_at_)?auth_token\(&": ["secretsmanager:GetSecretValue"],
    r"\blook_at_bucket\(": ["s3:ListBucket"],
    r"\blook_at_policy\(": ["s3:GetBucketPolicy"],
    r"\blook_at_acl\(": ["s3:GetObjectAcl"],
    r"\blook_at_key\(&": ["kms:DescribeKey", "kms:GetKeyPolicy"],
    r"\b(look_at_object|read_prefix|read_settings)\(|Object(Reader::start|Source::new)\(|\breports(\(\))?\s*\.(read|read_up_to|seeding)\b": ["s3:GetObject"],
    r"\breports(\(\))?\s*\.(read|read_up_to)\b|\bexecution\.seeding\b": ["s3:ListBucket"],
    r"\breports(\(\))?\s*\.write\(": ["s3:PutObject"],
    r"\breports\s*\.delete\(": ["s3:DeleteObject"],
    r"\bacls_enabled\(": ["s3:GetBucketOwnershipControls"],
    r"\b(grant_by_policy|revoke_policy)\(": ["s3:GetBucketPolicy", "s3:PutBucketPolicy"],
    r"\brevoke_policy\(": ["s3:DeleteBucketPolicy"],
    r"\b(grant_by_acl|revoke_acl)\(": ["s3:GetObjectAcl", "s3:PutObjectAcl"],
    r"\bSweep::new\(": ["s3:ListBucket", "states:DescribeExecution", "states:StartExecution"],
    r"\bexecution_state\(": ["states:DescribeExecution"],
    r"\bbucket\s*\.(put|upload)\(": ["s3:PutObject"],
    r"\bbucket\s*\.get\(": ["s3:GetObject"],
    r"\bdelete_all\(": ["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:AbortMultipartUpload", "s3:DeleteObject"],
    # The lease that protects an edit.
    r"BucketAccess \{": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
}
SERVICES = {"lambda": "lambda", "elasticache": "elasticache", "step_functions": "states"}
# Additional actions that AWS requires for a call. Source: Service Authorization Reference, "dependent actions".
NETWORK = {"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
           "ec2:DescribeVpcs"}
ENDPOINT = {"ec2:CreateTags", "ec2:CreateVpcEndpoint", "ec2:DeleteVpcEndpoints", "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets", "ec2:DescribeTags", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs"}
DEPENDENT = {
    "elasticache:CreateReplicationGroup": NETWORK | {"elasticache:AddTagsToResource", "s3:GetObject"},
    "elasticache:DeleteReplicationGroup": NETWORK,
    "elasticache:CreateCacheCluster": NETWORK | {"elasticache:AddTagsToResource", "s3:GetObject"},
    "elasticache:DeleteCacheCluster": NETWORK,
    "elasticache:CreateServerlessCache": ENDPOINT | {"elasticache:AddTagsToResource", "s3:GetObject"},
    "elasticache:DeleteServerlessCache": {"ec2:DescribeTags"},
}
# Services of actions that no call in the code shows: traces, logs, keys, the VPC, the first cluster of an account, the
# destination of failures.
BEYOND_CALLS = re.compile(r"(xray|logs|kms|ec2|iam|sqs):")


def fields(file, struct):
    """Returns the fields of a struct of `seeding` as written in JSON, and those that are optional."""
    source = (ROOT / "crates/seeding/src" / file).read_text()
    found = re.search(rf"^pub struct {struct} \{{\n(.*?)^\}}", source, re.M | re.S)
    if not found:
        return {}
    return {camel(name): kind.startswith("Option<") for name, kind in re.findall(r"^    pub (\w+): (.*),$", found[1], re.M)}


def source_of(folder):
    """Returns the code of a function without its tests: `tests.rs` and the files in `tests/`."""
    root = ROOT / "functions" / folder / "src"
    files = (path for path in sorted(root.rglob("*.rs")) if "tests" not in path.relative_to(root).with_suffix("").parts)
    return "\n".join(path.read_text() for path in files)


def the_state_machine_gets_every_name_that_it_uses():
    machine, = FULL.resources("AWS::Serverless::StateMachine").values()
    path = ROOT / machine["Properties"]["DefinitionUri"]
    if not path.is_file():
        yield f"DefinitionUri {path.relative_to(ROOT)} does not exist"
        return
    used = set(re.findall(r"\$\{(\w+)\}", path.read_text()))
    given = machine["Properties"]["DefinitionSubstitutions"]
    yield from (f"{path.name} uses ${{{name}}}: add it to DefinitionSubstitutions" for name in used - given.keys())
    yield from (f"DefinitionSubstitutions has {name}, which {path.name} does not use" for name in given.keys() - used)
    arns = {name: target_of(value) for name, value in given.items() if name.endswith("FunctionArn")}
    yield from (f"{name} is the ARN of {to}" for name, to in arns.items() if name != f"{to}Arn")
    role = machine["Properties"]["Role"]["Fn::GetAtt"][0]
    may = {to for where, one in statements(FULL) if where == role and one["Action"] == "lambda:InvokeFunction"
           for to in as_list(one["Resource"])}
    # A permission on a function does not hold for its versions.
    calls = {f"{to.lower()}.{part}" for to in arns.values() for part in ("Arn", "arn:*")}
    yield from (f"{role} may invoke {to}, which the state machine does not call" for to in may - calls)
    yield from (f"{role} may not invoke {to}, which the state machine calls" for to in calls - may)


def target_of(arn):
    """Returns the function that `!GetAtt FUNCTION.Arn` or `!Ref FUNCTION.Version` names."""
    return arn["Fn::GetAtt"][0] if "Fn::GetAtt" in arn else arn["Ref"].removesuffix(".Version")


def every_function_has_a_resource_and_every_resource_a_function():
    yield from (f"functions/{folder} has no AWS::Serverless::Function" for folder in set(FOLDERS) - FUNCTIONS.keys())
    yield from (f"CodeUri functions/{folder} is no crate" for folder in FUNCTIONS.keys() - set(FOLDERS))


def every_function_has_its_own_role_log_group_and_binary():
    for part in ("Role", "LoggingConfig"):
        names = [json.dumps(properties[part]) for _, properties in FUNCTIONS.values()]
        yield from (f"{name} serves several functions" for name in set(names) if names.count(name) > 1)
    for folder, (name, properties) in FUNCTIONS.items():
        binary = FULL.body["Resources"][name]["Metadata"]["BuildProperties"]["Binary"]
        if binary != folder:
            yield f"{name} is built from the binary {binary}, expected {folder}"
        yield from (f"{name} has no {part} of its own" for part in ("MemorySize", "Timeout") if part not in properties)


def every_wildcard_resource_says_why():
    lines = TEXT.splitlines()
    for number, line in enumerate(lines):
        if re.search(r"Resource: ['\"]?\*|^\s*- ['\"]\*['\"]$", line) and not lines[number - 1].lstrip().startswith("#"):
            yield f"template.yaml:{number + 1} has `{line.strip()}` without a comment before it that says why"


def no_allowed_action_has_a_wildcard():
    for where, statement in statements(FULL):
        bad = [action for action in as_list(statement["Action"]) if "*" in action]
        yield from (f"{where} allows {action}: name the actions" for action in bad if statement["Effect"] == "Allow")


def every_call_is_allowed_and_nothing_else():
    for folder in sorted(FUNCTIONS):
        code = source_of(folder)
        needed = {action for call, actions in CALLS.items() if re.search(call, code) for action in actions}
        for client, service in SERVICES.items():
            for call in re.findall(rf"\b{client}\s*\.(\w+)\(\)", code):
                needed.add(f"{service}:{''.join(part.title() for part in call.split('_'))}")
        needed |= {action for call in needed for action in DEPENDENT.get(call, ())}
        allowed = {action for one in statements_of(folder, FULL) for action in as_list(one["Action"])}
        extra = {action for action in allowed - needed if not BEYOND_CALLS.match(action)}
        yield from (f"{folder} calls {action}, which its role does not allow" for action in sorted(needed - allowed))
        yield from (f"{folder}'s role allows {action}, which it does not call" for action in sorted(extra))


def prepare_looks_at_the_named_keys_and_secrets_only():
    keys, secrets = FILLED["KmsKeyArns"].split(","), FILLED["AllowedSecretArns"].split(",")
    for one in statements_of("prepare-seeding", FULL):
        for action in as_list(one["Action"]):
            expected = {"kms": keys, "secretsmanager": secrets}.get(action.split(":")[0])
            if expected and as_list(one["Resource"]) != expected:
                yield f"prepare-seeding may {action} on {one['Resource']}, expected {expected}"
    for one in statements_of("prepare-seeding", AS_DEPLOYED):
        found = [action for action in as_list(one["Action"]) if re.match("(kms|secretsmanager):", action)]
        yield from (f"prepare-seeding may {action} though no key or secret is named" for action in found)


def lists_of_buckets_become_their_arns():
    own = "dropbucket"
    for template, names in ((AS_DEPLOYED, [own]), (FULL, ["drops", "old-dumps", "other.dumps"])):
        expected = {"ReadBackups": [f"arn:*:s3:::{name}/*" for name in names],
                    "LookAtBuckets": [f"arn:*:s3:::{name}" for name in names],
                    "EditBucketPolicies": [f"arn:*:s3:::{name}" for name in names],
                    "EditObjectAcls": [f"arn:*:s3:::{name}/*" for name in names],
                    "LookAtBucketPolicies": [f"arn:*:s3:::{name}" for name in names],
                    "LookAtObjectAcls": [f"arn:*:s3:::{name}/*" for name in names],
                    "LookAtOwnership": [f"arn:*:s3:::{name}" for name in names],
                    "DeleteBucketPolicies": [f"arn:*:s3:::{name}" for name in names]}
        seen = {one.get("Sid"): one["Resource"] for _, one in statements(template)}
        for sid, resources in expected.items():
            if seen.get(sid) != resources:
                yield f"statement {sid} is for {seen.get(sid)}, expected {resources}"
        given = template.render(FUNCTIONS["prepare-seeding"][1]["Environment"])["Variables"]["BACKUP_BUCKETS"]
        if given != ",".join(names):
            yield f"BACKUP_BUCKETS is {given}, expected {','.join(names)}"


def unknown_fields(request):
    top, cluster = fields("request.rs", "Request"), fields("request.rs", "ClusterRequest")
    yield from (name for name in request if name not in top)
    yield from (f"cluster.{name}" for name in request.get("cluster", {}) if name not in cluster)
    convert = fields("request.rs", "ConvertRequest")
    yield from (f"convert.{name}" for name in request.get("convert", {}) if name not in convert)


def the_defaults_are_a_request():
    if len(fields("request.rs", "Request")) < 5 or len(fields("request.rs", "ClusterRequest")) < 5:
        yield "the fields of Request were not found in crates/seeding/src/request.rs: adapt fields() in this file"
    for what, template in (("defaults", AS_DEPLOYED), ("every parameter filled in", FULL)):
        text = template.render(FUNCTIONS["prepare-seeding"][1]["Environment"])["Variables"]["SEEDING_DEFAULTS"]
        try:
            request = json.loads(text)
        except ValueError as error:
            yield f"SEEDING_DEFAULTS with {what} is not JSON: {error}: {text}"
            continue
        yield from (f"SEEDING_DEFAULTS has {name}, which no request has" for name in unknown_fields(request))
        if "backups" in request:
            yield "SEEDING_DEFAULTS names backups"
        tags = {"team": "orders", "cost center": "4/2", "empty": ""} if template is FULL else None
        if request["cluster"]["tags"] != tags:
            yield f"SEEDING_DEFAULTS with {what} has the tags {request['cluster']['tags']}, expected {tags}"
        empty = [name for name, value in request["cluster"].items() if value in ("", [], "null")]
        yield from (f"SEEDING_DEFAULTS with {what}: cluster.{name} is empty, expected null" for name in empty)


def every_function_is_told_what_it_asks_for():
    for folder, (name, properties) in FUNCTIONS.items():
        code = source_of(folder)
        asked = set(re.findall(r"\b(?:required|optional|list|number|limit)(?:::<\w+>)?\(\"([A-Z_]+)\"\)", code))
        told = set(properties.get("Environment", {}).get("Variables", {}))
        yield from (f"{name} is not given {variable}, which its code reads" for variable in sorted(asked - told))
        yield from (f"{name} is given {variable}, which its code does not read" for variable in sorted(told - asked))


def buckets_are_private_and_over_tls():
    policies = {one["Properties"]["Bucket"]["Ref"]: one for one in FULL.resources("AWS::S3::BucketPolicy").values()}
    for name, one in FULL.resources("AWS::S3::Bucket").items():
        if not all(one["Properties"]["PublicAccessBlockConfiguration"].values()):
            yield f"{name} does not block all public access"
        first = policies[name]["Properties"]["PolicyDocument"]["Statement"][0] if name in policies else {}
        if first.get("Effect") != "Deny" or first["Condition"] != {"Bool": {"aws:SecureTransport": "false"}}:
            yield f"{name} can be reached without TLS"


def every_alarm_has_a_section_in_the_runbook():
    headings = re.findall(r"^#+ (.*)$", (ROOT / "docs/OPERATING.md").read_text(), re.M)
    for name, one in FULL.resources("AWS::CloudWatch::Alarm").items():
        section = re.search(r'Runbook: docs/OPERATING.md, section "(.*)"', one["Properties"]["AlarmDescription"])
        if not section or section[1] not in headings:
            yield f"{name} names no section of docs/OPERATING.md: {section[1] if section else 'none'}"


def every_parameter_is_grouped_explained_and_used():
    groups = FULL.body["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    for name, one in FULL.body["Parameters"].items():
        if grouped.count(name) != 1:
            yield f"{name} is in {grouped.count(name)} parameter groups, expected 1"
        if not one.get("Description"):
            yield f"{name} has no description"
        if "AllowedPattern" in one and "ConstraintDescription" not in one:
            yield f"{name} has a pattern and no ConstraintDescription"
        refused = [value for value in (AS_DEPLOYED.parameters[name], FULL.parameters[name])
                   if not re.fullmatch(one.get("AllowedPattern", ".*"), value)]
        yield from (f"{name}: its pattern refuses `{value}`" for value in refused)
    yield from (f"{name} is grouped but no parameter" for name in grouped if name not in FULL.body["Parameters"])


def every_default_is_the_same_everywhere():
    """options.rs has the numbers, and the template repeats them."""
    source = (ROOT / "crates/seeding/src/request/options.rs").read_text()
    bounds = {name: (int(default), int(low), int(high)) for name, default, low, high in
              re.findall(r'bounded\("(\w+)", request\.\w+, (\d+), (\d+), (\d+)\)', source)}
    if len(bounds) < 4:
        yield "the bounds of options.rs were not found: adapt this check"
    for name, (default, low, high) in bounds.items():
        parameter = FULL.body["Parameters"].get(name[0].upper() + name[1:])
        # An empty default leaves the number to the code.
        if parameter and parameter["Default"] != "":
            found = tuple(int(parameter[key]) for key in ("Default", "MinValue", "MaxValue"))
            if found != (default, low, high):
                yield f"template.yaml has {found} for {name}, options.rs {(default, low, high)}"


def the_table_of_parameters_is_what_the_template_says():
    """UPDATE_DOCS=1 writes it into the page (`make docs`)."""
    begin, end = "<!-- begin parameters: written by `make docs` -->\n\n", "\n<!-- end parameters -->"
    path = ROOT / "docs/DEPLOY.md"
    page = path.read_text()
    if begin not in page or end not in page:
        yield f"docs/DEPLOY.md has no lines {begin.strip()} and {end.strip()}"
        return
    before, after = page.split(begin)[0], page.split(end)[1]
    expected = before + begin + table_of_parameters() + end + after
    if os.environ.get("UPDATE_DOCS"):
        path.write_text(expected)
    elif page != expected:
        yield "docs/DEPLOY.md has another table of parameters than template.yaml: make docs"


def table_of_parameters():
    parameters = FULL.body["Parameters"]
    rows = ["| parameter | values | default | meaning |", "|---|---|---|---|"]
    for group in FULL.body["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]:
        for name in group["Parameters"]:
            one = parameters[name]
            values = ", ".join(f"`{value}`" for value in one.get("AllowedValues", []))
            if "MinValue" in one:
                values = f"{one['MinValue']}-{one['MaxValue']}"
            default = f"`{one['Default']}`" if one["Default"] != "" else "empty"
            rows.append(f"| `{name}` | {values} | {default} | {with_code(one['Description'])} |".replace("|  |", "| |"))
    return "\n".join(rows) + "\n"


def with_code(description):
    """The console shows a description as it is; a page shows names and values in it as code."""
    parameters = "|".join(name for name in FULL.body["Parameters"] if len(re.findall("[A-Z]", name)) > 1)
    words = rf"\b(?:{parameters}|multiAz|cache\.[a-z0-9.]+|null)\b|(?<!\S)(?:[a-z]+/|\.rdb\b|[a-z]+=[a-z]+(?:,[a-z]+=[a-z]+)*)|\b(?:auto|disabled)(?=:)"
    return re.sub(words, lambda found: f"`{found[0]}`", description)


def sweep_input():
    return FULL.body["Resources"]["SweepRule"]["Properties"]["Targets"][0]["Input"]


def sample_events_have_the_shape_of_the_code():
    inputs = {"prepare-seeding": "PrepareInput", "inspect-chunk": "InspectInput", "assess-backup": "AssessInput",
              "convert-chunk": "ConvertInput", "finish-conversion": "FinishInput",
              "create-cluster": "CreateInput", "check-cluster": "CheckInput", "delete-cluster": "DeleteInput",
              "verify-cluster": "VerifyInput", "record-outcome": "RecordInput",
              "ask-approval": "AskInput"}
    samples = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "events").glob("*.json"))}
    for folder in FOLDERS:
        if folder == "start-seeding":
            continue
        if folder not in samples:
            yield f"events/{folder}.json is missing"
            continue
        # The only one that is called by a schedule, and for no execution.
        if folder == "sweep":
            if samples[folder] != json.loads(sweep_input()):
                yield f"events/sweep.json is {samples[folder]}, expected {sweep_input()}, which SweepRule gives"
            continue
        expected = {"execution": False} | fields("flow/steps.rs", inputs.get(folder, "NoInput"))
        if not expected or set(samples[folder]) != set(expected):
            yield f"events/{folder}.json has {sorted(samples[folder])}, expected {sorted(expected)}"
    for name in ("s3-notification", "eventbridge-object-created", "s3-test-event", "clean-up"):
        if name not in samples:
            yield f"events/{name}.json is missing"
    requests = {name: one for name, one in samples.items() if name.startswith("request-")}
    for name, request in requests.items():
        yield from (f"events/{name}.json has {field}, which no request has" for field in unknown_fields(request))
    full = requests.get("request-full", {})
    missing = [name for name in fields("request.rs", "Request") if name not in full]
    missing += [f"cluster.{name}" for name in fields("request.rs", "ClusterRequest") if name not in full.get("cluster", {})]
    missing += [f"convert.{name}" for name in fields("request.rs", "ConvertRequest") if name not in full.get("convert", {})]
    yield from (f"events/request-full.json lacks {name}" for name in missing)


def every_function_has_the_version_of_the_workspace():
    """`seeder doctor` compares it with its own."""
    expected = re.search(r'^\[workspace\.package\]\nversion = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    found = FULL.body["Globals"]["Function"]["Environment"]["Variables"]["SEEDER_VERSION"]
    if found != expected:
        yield f"SEEDER_VERSION is {found}, and the workspace is {expected}"


CHECKS = [
    the_state_machine_gets_every_name_that_it_uses,
    every_function_has_a_resource_and_every_resource_a_function,
    every_function_has_its_own_role_log_group_and_binary,
    every_wildcard_resource_says_why,
    no_allowed_action_has_a_wildcard,
    every_call_is_allowed_and_nothing_else,
    prepare_looks_at_the_named_keys_and_secrets_only,
    lists_of_buckets_become_their_arns,
    the_defaults_are_a_request,
    every_function_is_told_what_it_asks_for,
    buckets_are_private_and_over_tls,
    every_alarm_has_a_section_in_the_runbook,
    every_parameter_is_grouped_explained_and_used,
    every_default_is_the_same_everywhere,
    the_table_of_parameters_is_what_the_template_says,
    sample_events_have_the_shape_of_the_code,
    every_function_has_the_version_of_the_workspace,
    *accounts.CHECKS,
    *building.CHECKS,
    *limits.CHECKS,
    *outcomes.CHECKS,
    *partitions.CHECKS,
    *release.CHECKS,
    *triggers.CHECKS,
    *updates.CHECKS,
]


def main():
    failed = 0
    for check in CHECKS:
        faults = list(check())
        print(f"{'FAIL' if faults else 'ok  '} {check.__name__.replace('_', ' ')}")
        for fault in faults:
            print(f"       {fault}")
        failed += bool(faults)
    print(f"template: {len(CHECKS) - failed} of {len(CHECKS)} checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
