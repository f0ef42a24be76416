"""Synthesize a stack of so many endpoints, each with two variants that scale: `endpoints.py NUMBER`."""

from __future__ import annotations

import sys

from cdktf import App
from constructs import Construct

from modules._aws.provider import AwsProvider
from modules.endpoint import DataCapture, Endpoint, EndpointConfig, RealTime, Scaling, Variant
from stacks.base import AddressedStack

SCALING = Scaling(min_capacity=2, max_capacity=8, invocations_per_instance_per_minute=600)


class Endpoints(AddressedStack):
    """Nothing but a provider and endpoints."""

    def __init__(self, scope: Construct, id_: str, number: int) -> None:
        super().__init__(scope, id_)
        AwsProvider(self, "aws", region="eu-west-1")
        for index in range(number):
            name = f"model-{index}"
            config = EndpointConfig(
                name=f"acme-bench-{name}",
                model_names={"old": f"{name}-old", "new": f"{name}-new"},
                kms_key_arn="arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                inference=RealTime(
                    variants={
                        "champion": Variant(model="old", scaling=SCALING, weight=90),
                        "challenger": Variant(model="new", scaling=SCALING, weight=10),
                    },
                    data_capture=DataCapture(),
                ),
                data_capture_s3_uri=f"s3://acme-bench-capture/{name}",
            )
            Endpoint(self, name, config)


if __name__ == "__main__":
    app = App()
    Endpoints(app, "endpoints", int(sys.argv[1]))
    app.synth()
