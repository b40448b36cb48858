"""moto sends the calls of Task states to its own port and ignores AWS_ENDPOINT_URL_*."""

import os

import boto3
from botocore.config import Config

# Longer than any function may take, so that a call always ends with the state's own timeout.
READ_TIMEOUT_SECONDS = 1000


def apply() -> None:
    from moto.stepfunctions.parser.asl.utils import boto_client

    original = boto_client.boto_client_for

    def boto_client_for(region, service, state_credentials=None):
        endpoint = os.environ.get(f"LOCAL_ENDPOINT_{service.upper()}")
        if not endpoint:
            return original(region, service, state_credentials)
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            # The caller by which the gateway finds the role of the state machine.
            aws_access_key_id="seed-cluster",
            aws_secret_access_key="local",
            config=Config(
                # Inputs are passed on as they are, and only the state machine retries.
                parameter_validation=False,
                retries={"total_max_attempts": 1},
                read_timeout=READ_TIMEOUT_SECONDS,
                max_pool_connections=100,
                s3={"addressing_style": "path"},
            ),
        )

    boto_client.boto_client_for = boto_client_for
