"""Checks of stacks outside the commercial partition, and in partitions that are unknown here."""

import json
import re

from subject import FILLED, TEXT, Template

# Partition, a region of it, and its URL suffix. Source: botocore's partitions.json.
PARTITIONS = {
    "aws": ("us-east-1", "amazonaws.com"),
    "aws-cn": ("cn-north-1", "amazonaws.com.cn"),
    "aws-us-gov": ("us-gov-west-1", "amazonaws.com"),
    "aws-eusc": ("eusc-de-east-1", "amazonaws.eu"),
    "aws-iso": ("us-iso-east-1", "c2s.ic.gov"),
    "aws-iso-b": ("us-isob-east-1", "sc2s.sgov.gov"),
}


def in_partition(name, **parameters):
    region, suffix = PARTITIONS[name]
    return Template(TEXT, pseudo={"AWS::Partition": name, "AWS::Region": region, "AWS::URLSuffix": suffix}, **parameters)


def every_partition_can_deploy():
    for name in PARTITIONS:
        for parameters in ({}, FILLED):
            template = in_partition(name, **parameters)
            for part in ("Resources", "Outputs"):
                for resource, one in template.body[part].items():
                    try:
                        text = json.dumps(template.render(one))
                    except (KeyError, ValueError) as error:
                        yield f"{resource} cannot be rendered in {name}: {error!r}"
                        continue
                    # What FILLED gives is of `aws`.
                    foreign = set(re.findall(r"arn:aws:[a-z0-9]*:[^:\"]*:[^:\"]*:[^\"]*", text)) - {
                        arn for value in FILLED.values() for arn in value.split(",")}
                    if name != "aws" and foreign:
                        yield f"{resource} names {sorted(foreign)} in {name}"


def no_mapping_has_to_know_a_partition():
    if "Mappings" in Template(TEXT).body or "FindInMap" in re.sub(r"#.*", "", TEXT):
        yield "template.yaml has a mapping: a lookup of a partition that it lacks stops the deployment"


def the_own_bucket_takes_acls_where_only_they_are_documented():
    for name in PARTITIONS:
        template = in_partition(name)
        for bucket, one in template.resources("AWS::S3::Bucket").items():
            rules = template.render(one["Properties"]["OwnershipControls"])["Rules"]
            preferred = bucket == "DropBucket" and name != "aws"
            expected = "BucketOwnerPreferred" if preferred else "BucketOwnerEnforced"
            if [rule["ObjectOwnership"] for rule in rules] != [expected]:
                yield f"{bucket} has {rules} in {name}, expected {expected}"


def links_lead_to_the_console_of_the_partition():
    expected = {"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn",
                "aws-us-gov": "console.amazonaws-us-gov.com", "aws-iso": "console.c2s.ic.gov"}
    for name, domain in expected.items():
        template = in_partition(name)
        links = [template.render(one["Value"]) for output, one in template.body["Outputs"].items() if output.endswith("Console")]
        yield from (f"an output of {name} links to {link}, expected {domain}" for link in links
                    if not link.startswith(f"https://{domain}/"))


CHECKS = [
    every_partition_can_deploy,
    no_mapping_has_to_know_a_partition,
    the_own_bucket_takes_acls_where_only_they_are_documented,
    links_lead_to_the_console_of_the_partition,
]
