"""A feature group on the embedded AWS: it grows by our command, and is never replaced for a feature.

On its way some answers get lost, of SageMaker and of moto's Glue: what was done is answered to the retry.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from cdktf import TerraformStack

from modules.feature_group import (
    Feature,
    FeatureGroup,
    FeatureGroupConfig,
    FeatureGroupDefinition,
    OfflineStore,
    OnlineStore,
    Provisioned,
    TtlDuration,
)
from modules.glue_database import GlueDatabase, GlueDatabaseConfig
from sagewright.features import add, pending
from sagewright.terraform import TerraformFailed

from .conftest import REGION, Build, Deployment

pytestmark = pytest.mark.local

GROUP = "aws_sagemaker_feature_group.customers_v1"
NAME = "acme-test-customers-v1"
FEATURES = {
    "customer_id": Feature(type="String"),
    "updated_at": Feature(type="Fractional"),
    "days_since_login": Feature(type="Integral"),
}
DEFINITION = FeatureGroupDefinition(
    features=FEATURES,
    record_identifier="customer_id",
    event_time="updated_at",
    online_store=OnlineStore(ttl_duration=TtlDuration(value=30, unit="Days")),
    offline_store=OfflineStore(table_format="Iceberg"),
    description="What we know of a customer",
)
SCORE = {"churn_score": Feature(type="Fractional")}
GROWN = replace(DEFINITION, features={**FEATURES, **SCORE})
RETYPED = replace(DEFINITION, features={**FEATURES, "days_since_login": Feature(type="Fractional")})
FEWER = replace(DEFINITION, features={key: FEATURES[key] for key in ("customer_id", "updated_at")})


@dataclass(frozen=True)
class Surroundings:
    """What stands in the account beforehand: role, key, bucket."""

    deployment: Deployment
    role_arn: str
    key_arn: str
    bucket: str

    def stack(self, *definitions: FeatureGroupDefinition) -> Build:
        """Return what builds the stack of a database and of a group's versions."""

        def build(stack: TerraformStack) -> None:
            account_id = self.deployment.account_id
            database = GlueDatabase(
                stack,
                "features",
                GlueDatabaseConfig(name="acme_test_features", account_id=account_id, region=REGION),
            )
            for version, definition in enumerate(definitions, start=1):
                FeatureGroup(
                    stack,
                    f"customers_v{version}",
                    FeatureGroupConfig(
                        name="acme-test-customers",
                        version=version,
                        definition=definition,
                        role_arn=self.role_arn,
                        kms_key_arn=self.key_arn,
                        offline_store_s3_uri=f"s3://{self.bucket}/features",
                        glue_database_name=database.outputs.name,
                        account_id=account_id,
                        region=REGION,
                    ),
                )

        return build

    def live(self, name: str = NAME) -> dict[str, Any]:
        """Return a group as AWS describes it."""
        described: dict[str, Any] = self.deployment.client("sagemaker").describe_feature_group(
            FeatureGroupName=name
        )
        return described

    def warnings(self) -> list[str]:
        """Return what the checks of the last plan say."""
        checks = self.deployment.terraform.show(self.deployment.path)["checks"]
        instances = [instance for check in checks for instance in check.get("instances", [])]
        return [problem["message"] for instance in instances for problem in instance.get("problems", [])]


@pytest.fixture
def around(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Surroundings:
    """An account with what a feature group needs; AWS_ENDPOINT_URL points at it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", deployment.variables["AWS_ENDPOINT_URL"])
    return Surroundings(
        deployment, deployment.role("features", "sagemaker"), deployment.key(), deployment.bucket("features")
    )


def test_a_group_grows_by_our_command_and_is_replaced_for_nothing_though_answers_get_lost(
    deployment: Deployment, around: Surroundings
) -> None:
    deployment.lose("CreateDatabase", "CreateFeatureGroup")
    deployment.plan(around.stack(DEFINITION))
    deployment.apply()
    before = around.live()
    assert not deployment.plan(around.stack(DEFINITION))
    assert around.warnings() == []

    for broken in (RETYPED, FEWER):
        with pytest.raises(TerraformFailed, match=r"supply days_since_login \(Integral\), as live, or a new"):
            deployment.plan(around.stack(broken))

    assert not deployment.plan(around.stack(GROWN))
    assert around.warnings() == [
        f"{NAME} lacks churn_score: run `sagewright features add` to add what is missing"
    ]
    session = boto3.session.Session(deployment.account_id, "embedded", region_name=REGION)
    synthesized = json.loads((deployment.terraform.folder / "cdk.tf.json").read_text(encoding="utf-8"))
    additions = pending("features", deployment.terraform.show(), synthesized, session)
    assert [str(addition) for addition in additions] == [f"features: {NAME}: churn_score (Fractional)"]
    add(additions, session)
    assert not deployment.plan(around.stack(GROWN))
    assert around.warnings() == []

    longer = OnlineStore(ttl_duration=TtlDuration(value=60, unit="Days"))
    provisioned = Provisioned(read_capacity_units=10, write_capacity_units=5)
    for changed in (
        replace(GROWN, online_store=longer, description="Customers"),
        replace(GROWN, online_store=longer, throughput=provisioned),
    ):
        deployment.plan(around.stack(changed, RETYPED))
        assert deployment.actions()[GROUP] == ["update"]
        deployment.apply()
    assert not deployment.plan(around.stack(changed, RETYPED))
    after = around.live()
    assert after["CreationTime"] == before["CreationTime"]
    assert after["OnlineStoreConfig"]["TtlDuration"] == {"Unit": "Days", "Value": 60}
    assert after["ThroughputConfig"]["ThroughputMode"] == "Provisioned"
    assert after["FeatureDefinitions"][-1] == {"FeatureName": "churn_score", "FeatureType": "Fractional"}
    assert around.live("acme-test-customers-v2")["FeatureGroupStatus"] == "Created"
    tables = deployment.client("glue").get_tables(DatabaseName="acme_test_features")["TableList"]
    columns = {column["Name"] for column in tables[0]["StorageDescriptor"]["Columns"]}
    assert [table["Name"] for table in tables] == ["acme_test_customers_v1", "acme_test_customers_v2"]
    assert {"days_since_login", "churn_score", "is_deleted"} <= columns

    deployment.lose("DeleteFeatureGroup", "DeleteDatabase")
    deployment.destroy()
    assert deployment.waiting_faults() == []
    assert deployment.client("sagemaker").list_feature_groups()["FeatureGroupSummaries"] == []
    assert deployment.client("glue").get_databases()["DatabaseList"] == []
