"""deploy.py PORT ELASTICACHE BINARIES BACKUP: deploys template.yaml on ministack, drops a backup, and deletes the stack.

The stack is made as CloudFormation makes it, from the parameters' defaults and again with all of them set. What
ministack cannot make is listed below, exactly: an entry that it can make by now is a failure too.
"""

import io
import json
import re
import sys
import time
import zipfile
from pathlib import Path

import boto3

ROOT = Path(__file__).resolve().parent.parent.parent
# Not made: an unknown type, and alarms on an expression of several metrics.
NOT_MADE = ["ConversionErrorsAlarm", "DeadLettersAlarm", "DescribeExecutionsPolicy", "FunctionErrorsAlarm", "ListExecutionsPolicy"]
# What stays when a stack is deleted: people's backups, the reports about them, and what was converted.
STAYS = ["ConversionBucket", "DropBucket", "ReportsBucket"]
# All parameters but those that would change what is tested.
SET = {
    "BackupBuckets": "more-backups", "TriggerBuckets": "more-backups", "TriggerPrefix": "in/", "DropRetentionDays": "7",
    "Engine": "valkey", "EngineVersion": "8.0", "NodeType": "cache.local.64mb", "ReplicasPerShard": "0",
    "Tags": "team=data,cost-center=42", "OnRestoreFailed": "keep", "PollSeconds": "1", "DeadlineMinutes": "60",
    "GrantExpiry": "disabled", "HideKeys": "true", "MaxNodes": "10", "MaxSeedingsAtOnce": "0",
    "VerifySubnetIds": "subnet-0123456789abcdef0", "VerifySecurityGroupIds": "sg-0123456789abcdef0",
    "KmsKeyArns": "arn:aws:kms:us-east-1:000000000000:key/1", "RolePath": "/seeding/", "Architecture": "x86_64",
    "AllowedSecretArns": "arn:aws:secretsmanager:us-east-1:000000000000:secret:auth-1",
    "InspectMemoryMb": "1024", "LogRetentionDays": "7", "AlarmTopicArn": "arn:aws:sns:us-east-1:000000000000:alarms",
    "OutcomeTopicArn": "arn:aws:sns:us-east-1:000000000000:outcomes",
    "TransitEncryption": "false",
}
# At the defaults, clusters need a local node type, and no TLS.
DEFAULTS = {"NodeType": "cache.local.64mb", "TransitEncryption": "false", "PollSeconds": "1", "ReplicasPerShard": "0",
            "MultiAz": "false"}
PATIENCE_SECONDS = 60
# CloudFormation: 128 characters.
LONGEST_NAME = "S" * 128
# Of each of two stacks, all at once.
SEEDINGS = 3


def main(port, elasticache, binaries, backup):
    url = f"http://127.0.0.1:{port}"
    client = lambda name: boto3.client(name, endpoint_url=url, region_name="us-east-1", aws_access_key_id="test",
                                       aws_secret_access_key="test")
    site = Site(client("s3"), client("cloudformation"), client("stepfunctions"), url, elasticache, binaries)
    site.package()
    for name, parameters in (("defaults", DEFAULTS), ("all-set", SET)):
        say(f"{name}: creating the stack")
        outputs = site.create(name, parameters)
        say(f"{name}: dropping a backup")
        prefix = parameters.get("TriggerPrefix", "")
        drop, machine = outputs["DropBucketName"], outputs["StateMachineArn"]
        site.s3.upload_file(backup, drop, f"{prefix}orders/redis.rdb")
        seeded = site.ended(machine, "dropped")
        expect(f"{name}: the seeding", seeded["status"], "SUCCEEDED", seeded)
        say(f"{name}: dropping a file that is no backup: the rule starts the clean-up")
        site.s3.put_object(Bucket=drop, Key=f"{prefix}bad/redis.rdb", Body=b"REDIS0011 and nothing else")
        failed = site.ended(machine, "bad/redis.rdb")
        expect(f"{name}: the rejection", failed["status"], "FAILED", failed)
        expect(f"{name}: its error", failed.get("error"), "BackupRejected", failed)
        cleaned = site.ended(machine, "cleanUp")
        expect(f"{name}: the clean-up", cleaned["status"], "SUCCEEDED", cleaned)
        say(f"{name}: deleting the stack")
        site.delete(name, [drop, outputs["ReportsBucketName"]])
    say("two stacks, one with the longest name, seed from one bucket at once")
    two_stacks(site, backup)
    say("deployed, seeded, cleaned up and deleted, with the defaults, with every parameter set, and as two")


def two_stacks(site, backup):
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "Own", "Effect": "Deny", "Principal": "*",
                         "Action": "s3:DeleteBucket", "Resource": "arn:aws:s3:::shared"}]}, indent=2)
    site.s3.create_bucket(Bucket="shared")
    site.s3.put_bucket_policy(Bucket="shared", Policy=policy)
    site.s3.upload_file(backup, "shared", "orders/redis.rdb")
    names = ["one", LONGEST_NAME]
    stacks = {name: site.create(name, DEFAULTS | {"BackupBuckets": "shared"}) for name in names}
    started = []
    for number in range(SEEDINGS):
        for name, outputs in stacks.items():
            request = {"backups": ["shared/orders/redis.rdb"], "cluster": {"id": f"{name[:8].lower()}-{number}"}}
            start = site.step_functions.start_execution(stateMachineArn=outputs["StateMachineArn"], input=json.dumps(request))
            started.append((outputs["StateMachineArn"], request["cluster"]["id"], start["executionArn"]))
    for machine, cluster, execution in started:
        ended = site.ended(machine, f'"{cluster}"')
        expect(f"the seeding of {cluster}", (ended["executionArn"], ended["status"]), (execution, "SUCCEEDED"), ended)
    left = site.s3.get_bucket_policy(Bucket="shared")["Policy"]
    expect("the policy of the bucket", left, policy)
    for name, outputs in stacks.items():
        site.delete(name, [outputs["DropBucketName"], outputs["ReportsBucketName"]])


class Site:
    def __init__(self, s3, cloudformation, step_functions, url, elasticache, binaries):
        self.s3, self.cloudformation, self.step_functions = s3, cloudformation, step_functions
        self.url, self.elasticache, self.binaries = url, elasticache, binaries
        self.template = None

    def package(self):
        """Uploads the functions and the definition, as `sam package` does. A function is a script that runs the binary
        of this build; ElastiCache is the local one."""
        self.s3.create_bucket(Bucket="artifacts")
        self.s3.create_bucket(Bucket="more-backups")
        text = (ROOT / "template.yaml").read_text()
        for folder in set(re.findall(r"CodeUri: functions/([\w-]+)", text)):
            script = (f"#!/bin/sh\nexport AWS_ENDPOINT_URL={self.url} AWS_ENDPOINT_URL_ELASTICACHE={self.elasticache}\n"
                      f"exec {self.binaries}/{folder}\n")
            self.put(f"{folder}.zip", zipped("bootstrap", script))
            text = text.replace(f"CodeUri: functions/{folder}\n", f"CodeUri: {{Bucket: artifacts, Key: {folder}.zip}}\n")
        path = "statemachine/seed-cluster.asl.json"
        self.put("machine.json", (ROOT / path).read_bytes())
        text = text.replace(f"DefinitionUri: {path}", "DefinitionUri: {Bucket: artifacts, Key: machine.json}")
        not_made = [name for name, block in resources(text)
                    if "Type: AWS::IAM::RolePolicy" in block
                    or "Type: AWS::CloudWatch::Alarm" in block and re.search(r"^      Metrics:", block, re.M)]
        expect("what ministack cannot make", sorted(not_made), NOT_MADE)
        for name, block in resources(text):
            if name in not_made:
                text = text.replace(block, "")
        self.put("template.yaml", text.encode())

    def put(self, key, body):
        self.s3.put_object(Bucket="artifacts", Key=key, Body=body)

    def create(self, name, parameters):
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        self.cloudformation.create_stack(StackName=name, TemplateURL=f"{self.url}/artifacts/template.yaml", Parameters=given,
                                         Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
        stack = until(lambda: self.settled(name), f"the stack {name} is made")
        expect(f"the status of {name}", stack["StackStatus"], "CREATE_COMPLETE", stack.get("StackStatusReason"))
        return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}

    def settled(self, name):
        stack, = self.cloudformation.describe_stacks(StackName=name)["Stacks"]
        return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

    def ended(self, machine, text):
        """The one execution with this text in its input, once it has ended."""
        def look():
            for one in self.step_functions.list_executions(stateMachineArn=machine)["executions"]:
                execution = self.step_functions.describe_execution(executionArn=one["executionArn"])
                if text in execution["input"] and execution["status"] != "RUNNING":
                    return execution
            return None
        return until(look, f"an execution about {text} ends")

    def delete(self, name, buckets):
        stays = [one["LogicalResourceId"] for one in self.resources_of(name) if one["ResourceType"] == "AWS::S3::Bucket"]
        expect("the buckets of the stack", sorted(stays), STAYS)
        self.cloudformation.delete_stack(StackName=name)
        until(lambda: self.is_gone(name), f"the stack {name} is deleted")
        there = {one["Name"] for one in self.s3.list_buckets()["Buckets"]}
        expect("the buckets that stay", sorted(set(buckets) & there), sorted(buckets))

    def resources_of(self, name):
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        return [one for page in pages for one in page["StackResourceSummaries"]]

    def is_gone(self, name):
        try:
            stacks = self.cloudformation.describe_stacks(StackName=name)["Stacks"]
        except self.cloudformation.exceptions.ClientError:
            return True
        return all(stack["StackStatus"] == "DELETE_COMPLETE" for stack in stacks)


def resources(text):
    """Yields the resources of a template: name, text."""
    body = text[text.index("\nResources:\n"):text.index("\nOutputs:\n")]
    for found in re.finditer(r"^  (\w+):\n(?:    .*\n|\n|  #.*\n)*", body, re.M):
        yield found[1], found[0]


def zipped(name, text):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, text)
    return body.getvalue()


def until(look, what):
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE_SECONDS:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    sys.exit(f"error: {what}: not within {PATIENCE_SECONDS} s")


def expect(what, found, expected, more=None):
    if found != expected:
        sys.exit(f"error: {what}: expected {expected}, found {found}\n{json.dumps(more, indent=2, default=str) if more else ''}")


def say(text):
    print(text, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
