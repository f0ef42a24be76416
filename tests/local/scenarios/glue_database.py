"""A Glue database: described anew in place, and gone with its tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from modules.glue_database import GlueDatabase, GlueDatabaseConfig

from ..conftest import REGION, Account
from ..matrix import Gone, Stage, Step


def steps(account: Account) -> Iterator[Step]:
    glue = account.client("glue")
    config = GlueDatabaseConfig(
        name="acme_test_features",
        description="Offline stores",
        account_id=account.account_id,
        region=REGION,
    )
    yield Stage(lambda stack: GlueDatabase(stack, "features", config))
    glue.create_table(DatabaseName=config.name, TableInput={"Name": "customers"})

    other = replace(config, description="Offline stores of the feature groups")
    yield Stage(
        lambda stack: GlueDatabase(stack, "features", other),
        {"aws_glue_catalog_database.features": ["update"]},
    )
    assert glue.get_database(Name=config.name)["Database"]["Description"] == other.description
    assert len(glue.get_tables(DatabaseName=config.name)["TableList"]) == 1

    yield Gone()
    assert glue.get_databases()["DatabaseList"] == []
