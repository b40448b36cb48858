"""The template under test: as deployed without parameters, and with every parameter filled in."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The local stack uses the same renderer.
sys.path.insert(0, str(ROOT / "local/template"))

from rendering import Template  # noqa: E402

TEXT = (ROOT / "template.yaml").read_text()
FOLDERS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/Cargo.toml"))
# A value for every parameter that may be empty.
FILLED = {
    "BackupBucketName": "drops",
    "BackupBuckets": "old-dumps,other.dumps",
    "TriggerBuckets": "old-dumps",
    "TriggerPrefix": "incoming/",
    "EngineVersion": "8.1",
    "ClusterMode": "enabled",
    "Shards": "3",
    "SubnetGroup": "private",
    "SecurityGroupIds": "sg-0123456789abcdef0,sg-0123456789abcdef1",
    "ParameterGroup": "mine",
    "Tags": "team=orders,cost center=4/2,empty=",
    "Verify": "true",
    "VerifySubnetIds": "subnet-0123456789abcdef0",
    "VerifySecurityGroupIds": "sg-0123456789abcdef0",
    "AllowedSecretArns": "arn:aws:secretsmanager:us-east-1:123456789012:secret:token-AbCdEf",
    "KmsKeyArns": "arn:aws:kms:us-east-1:123456789012:key/1,arn:aws:kms:us-east-1:123456789012:key/2",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
    "RolePath": "/seeding/",
    "AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms",
    "OutcomeTopicArn": "arn:aws:sns:us-east-1:123456789012:outcomes",
}
AS_DEPLOYED = Template(TEXT)
FULL = Template(TEXT, **FILLED)
FUNCTIONS = {one["Properties"]["CodeUri"].removeprefix("functions/"): (name, one["Properties"])
             for name, one in FULL.resources("AWS::Serverless::Function").items()}


def statements(template):
    """Yields (where, statement) for every statement of every role and managed policy."""
    for name, one in template.resources("AWS::IAM::Role").items():
        for policy in one["Properties"].get("Policies", []):
            yield from ((name, statement) for statement in template.render(policy)["PolicyDocument"]["Statement"])
    for one in template.resources("AWS::IAM::RolePolicy").values():
        properties = one["Properties"]
        document = template.render(properties["PolicyDocument"])
        yield from ((properties["RoleName"]["Ref"], statement) for statement in document["Statement"])
    for name, one in template.resources("AWS::IAM::ManagedPolicy").items():
        document = template.render(one["Properties"]["PolicyDocument"])
        yield from ((name, statement) for statement in document["Statement"])


def as_list(value):
    return value if isinstance(value, list) else [value]


def statements_of(folder, template):
    """Returns the statements of a function's own role and of the managed policies attached to it."""
    role = FUNCTIONS[folder][1]["Role"]["Fn::GetAtt"][0]
    attached = {one["Ref"] for one in template.body["Resources"][role]["Properties"]["ManagedPolicyArns"]}
    return [statement for where, statement in statements(template) if where == role or where in attached]


def camel(snake):
    head, *rest = snake.split("_")
    return head + "".join(part.title() for part in rest)
