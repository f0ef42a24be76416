"""A Glue database on the embedded AWS: described anew in place, and gone with its tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modules.glue_database import GlueDatabase, GlueDatabaseConfig

from .conftest import REGION, Deployment

pytestmark = pytest.mark.local


def test_a_database_is_described_anew_in_place_and_goes_with_its_tables(deployment: Deployment) -> None:
    config = GlueDatabaseConfig(
        name="acme_test_features",
        description="Offline stores",
        account_id=deployment.account_id,
        region=REGION,
    )
    glue = deployment.client("glue")
    deployment.plan(lambda stack: GlueDatabase(stack, "features", config))
    deployment.apply()
    assert not deployment.plan(lambda stack: GlueDatabase(stack, "features", config))
    glue.create_table(DatabaseName=config.name, TableInput={"Name": "customers"})

    other = replace(config, description="Offline stores of the feature groups")
    deployment.plan(lambda stack: GlueDatabase(stack, "features", other))
    assert deployment.actions() == {"aws_glue_catalog_database.features": ["update"]}
    deployment.apply()
    assert glue.get_database(Name=config.name)["Database"]["Description"] == other.description
    assert len(glue.get_tables(DatabaseName=config.name)["TableList"]) == 1
    assert not deployment.plan(lambda stack: GlueDatabase(stack, "features", other))

    deployment.destroy()
    assert glue.get_databases()["DatabaseList"] == []
