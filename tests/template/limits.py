"""Checks of names and sizes at the limits of AWS, with the longest names and values that the template allows."""

import json
import re

from subject import FILLED, FULL, TEXT, Template, as_list

# CloudFormation: "Stack name: 128 characters".
STACK = "S" * 128
# The property that names a resource, and the most characters it may have. Sources: the resources' pages in the
# CloudFormation template reference. None: a name of it is not confined to the stack's region and account.
PHYSICAL = {
    "AWS::CloudWatch::Alarm": ("AlarmName", 255),
    "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
    "AWS::Events::Rule": ("Name", 64),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", None),
    "AWS::IAM::Role": ("RoleName", None),
    # Its name has to differ only from the role's other policies.
    "AWS::IAM::RolePolicy": (None, 0),
    "AWS::Lambda::Permission": (None, 0),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::S3::Bucket": ("BucketName", None),
    "AWS::S3::BucketPolicy": (None, 0),
    "AWS::SQS::Queue": ("QueueName", 80),
    "AWS::SQS::QueuePolicy": (None, 0),
    "AWS::Serverless::Function": ("FunctionName", 64),
    "AWS::Serverless::StateMachine": ("Name", 80),
}
DESCRIPTIONS = {"AWS::Serverless::Function": 256, "AWS::Events::Rule": 512, "AWS::IAM::ManagedPolicy": 1000,
                "AWS::CloudWatch::Alarm": 1024}
# Lambda quotas, "Environment variables"; IAM quotas, characters without whitespace.
MAX_ENVIRONMENT_BYTES = 4096
MAX_MANAGED_POLICY = 6144
MAX_ROLE_POLICIES = 10240
MAX_MANAGED_POLICIES_OF_A_ROLE = 10


def one_after_another(unit, parameter, most=10_000):
    """Returns as many copies of a unit, with commas between them, as the parameter allows."""
    number = min(most, (FULL.body["Parameters"][parameter]["MaxLength"] + 1) // (len(unit) + 1))
    return ",".join([unit] * number)


def longest_values():
    """The longest value of each parameter that a user writes freely, or those that become longest in the template."""
    longest = lambda name: FULL.body["Parameters"][name]["MaxLength"]
    account = "ap-southeast-1:123456789012"
    return {
        "BackupBucketName": ["b" * 63],
        "BackupBuckets": [one_after_another("b" * 63, "BackupBuckets", 50), one_after_another("b" * 17, "BackupBuckets", 50)],
        "TriggerBuckets": [one_after_another("b" * 63, "TriggerBuckets", 50), one_after_another("b" * 17, "TriggerBuckets", 50)],
        "TriggerPrefix": ["p" * 200],
        "NodeType": ["cache." + "x" * (longest("NodeType") - 6)],
        "SubnetGroup": ["s" * 255],
        "ParameterGroup": ["p" * 255],
        "SecurityGroupIds": [one_after_another("sg-0123456789abcdef0", "SecurityGroupIds")],
        "Tags": [one_after_another("k" * 40 + "=" + "v" * 40, "Tags"), one_after_another("k=v", "Tags", 49)],
        "VerifySubnetIds": [one_after_another("subnet-0123456789abcdef0", "VerifySubnetIds")],
        "VerifySecurityGroupIds": [one_after_another("sg-0123456789abcdef0", "VerifySecurityGroupIds")],
        "AllowedSecretArns": [one_after_another(f"arn:aws-us-gov:secretsmanager:{account}:secret:token-AbCdEf", "AllowedSecretArns")],
        "KmsKeyArns": [one_after_another(f"arn:aws-us-gov:kms:{account}:key/mrk-0123456789abcdef0123456789abcdef", "KmsKeyArns")],
        "RolePath": ["/" + "p" * (longest("RolePath") - 2) + "/"],
        "PermissionsBoundaryArn": [f"arn:aws-us-gov:iam::123456789012:policy/{'p' * 128}"],
    }


def with_longest_names(**parameters):
    """The template with all other parameters filled in, and with physical names that are as long as AWS makes them."""
    template = Template(TEXT, pseudo={"AWS::Partition": "aws-us-gov", "AWS::Region": "ap-southeast-1", "AWS::StackName": STACK},
                        **FILLED | parameters)
    here = "ap-southeast-1:123456789012"
    arns = {"AWS::IAM::Role": f"arn:aws-us-gov:iam::123456789012:role{template.parameters['RolePath']}{'r' * 64}",
            "AWS::Serverless::Function": f"arn:aws-us-gov:lambda:{here}:function:{'f' * 64}",
            "AWS::Logs::LogGroup": f"arn:aws-us-gov:logs:{here}:log-group:{'g' * 170}:*",
            "AWS::SQS::Queue": f"arn:aws-us-gov:sqs:{here}:{'q' * 80}", "AWS::S3::Bucket": f"arn:aws-us-gov:s3:::{'b' * 63}"}
    for name, one in template.body["Resources"].items():
        if one["Type"] in arns:
            template.attributes |= {f"{name}.Arn": arns[one["Type"]]}
        if one["Type"] == "AWS::S3::Bucket":
            template.references |= {name: "b" * 63}
        if one["Type"] == "AWS::Serverless::StateMachine":
            template.references |= {name: f"arn:aws-us-gov:states:{here}:stateMachine:{'m' * 80}"}
    return template


def no_name_is_taken_from_another_stack():
    """Two stacks in an account, in one region or in two, have no name in common; the longest name of a stack fits."""
    template = with_longest_names()
    seen = {}
    for name, one in template.body["Resources"].items():
        if one["Type"] not in PHYSICAL:
            yield f"{name} is a {one['Type']}, of which limits.py does not know the name: add it"
            continue
        key, most = PHYSICAL[one["Type"]]
        if key not in one.get("Properties", {}):
            continue
        if most is None:
            yield f"{name} has a {key}, which is unique beyond a region: leave it to CloudFormation"
            continue
        given = template.render(one["Properties"][key])
        if STACK not in given:
            yield f"{name} is named {given} in every stack: put ${{AWS::StackName}} in"
        if len(given) > most:
            yield f"{name} may have a name of {len(given)} characters, at most {most} are possible"
        if seen.setdefault((one["Type"], given), name) != name:
            yield f"{name} has the name of {seen[one['Type'], given]}"


def no_export_is_named():
    """Exports are unique in a region."""
    yield from (f"the output {name} is exported" for name, one in FULL.body["Outputs"].items() if "Export" in one)


def descriptions_fit():
    template = with_longest_names()
    for kind, most in DESCRIPTIONS.items():
        for name, one in template.resources(kind).items():
            properties = template.render(one["Properties"])
            text = properties.get("Description", properties.get("AlarmDescription", ""))
            if len(text) > most:
                yield f"{name}'s description has {len(text)} characters, at most {most} are possible"


def every_longest_value_is_one_that_its_parameter_takes():
    values = longest_values()
    for name, ones in values.items():
        parameter = FULL.body["Parameters"][name]
        for value in ones:
            if not re.fullmatch(parameter["AllowedPattern"], value) or len(value) > parameter.get("MaxLength", 10_000):
                yield f"{name}: the value of {len(value)} characters in limits.py is refused"
    for name, one in FULL.body["Parameters"].items():
        bounded = {"AllowedValues", "MaxValue"} & one.keys() or name in values or name in ("AlarmTopicArn", "OutcomeTopicArn")
        if not bounded and not re.fullmatch(r"\^[^*+]*\$", one["AllowedPattern"]):
            yield f"{name} may have any length: give it a MaxLength and a longest value in limits.py"


def the_longest_values_fit_into_functions_and_policies():
    """One parameter at its longest, with every other one filled in."""
    for parameter, values in longest_values().items():
        for value in values:
            template = with_longest_names(**{parameter: value})
            yield from (f"{parameter} of {len(value)} characters: {fault}" for fault in sizes(template))


def sizes(template):
    for name, one in template.resources("AWS::Serverless::Function").items():
        variables = template.render(one["Properties"].get("Environment", {"Variables": {}}))["Variables"]
        size = sum(len(key) + len(str(value)) for key, value in variables.items())
        if size > MAX_ENVIRONMENT_BYTES:
            yield f"{name} has an environment of {size} bytes, at most {MAX_ENVIRONMENT_BYTES} are possible"
    for name, one in template.resources("AWS::IAM::ManagedPolicy").items():
        size = characters(template.render(one["Properties"]["PolicyDocument"]))
        if size > MAX_MANAGED_POLICY:
            yield f"{name} has {size} characters, at most {MAX_MANAGED_POLICY} are possible"
    for name, one in template.resources("AWS::IAM::Role").items():
        properties = template.render(one["Properties"])
        size = sum(characters(policy["PolicyDocument"]) for policy in properties.get("Policies", []))
        if size > MAX_ROLE_POLICIES:
            yield f"{name}'s own policies have {size} characters, at most {MAX_ROLE_POLICIES} are possible"
        if len(as_list(properties.get("ManagedPolicyArns", []))) > MAX_MANAGED_POLICIES_OF_A_ROLE:
            yield f"{name} has more than {MAX_MANAGED_POLICIES_OF_A_ROLE} managed policies"


def characters(document):
    return len(re.sub(r"\s", "", json.dumps(document)))


CHECKS = [
    no_name_is_taken_from_another_stack,
    no_export_is_named,
    descriptions_fit,
    every_longest_value_is_one_that_its_parameter_takes,
    the_longest_values_fit_into_functions_and_policies,
]
