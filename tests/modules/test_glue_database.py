"""Glue database: what it is, who may look at it, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modules.glue_database import GlueDatabase, GlueDatabaseConfig
from tests.conftest import Synth
from tests.inventory import Inventory

CONFIG = GlueDatabaseConfig(
    name="acme_dev_features",
    description="Offline stores of the feature groups",
    account_id="111122223333",
    region="eu-west-1",
)


def test_a_database_is_what_the_inventory_says(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/glue_database", synth(GlueDatabase, CONFIG))


def test_readers_look_at_the_database_and_its_tables_and_change_nothing(synth: Synth) -> None:
    made: list[GlueDatabase] = []
    synth(lambda stack: made.append(GlueDatabase(stack, "features", CONFIG)))
    read = made[0].read()
    assert all(action.startswith("glue:Get") for action in read.actions)
    assert read.resources == (
        "arn:aws:glue:eu-west-1:111122223333:catalog",
        "arn:aws:glue:eu-west-1:111122223333:database/acme_dev_features",
        "arn:aws:glue:eu-west-1:111122223333:table/acme_dev_features/*",
    )


def test_a_name_that_terraform_knows_later_passes(synth: Synth) -> None:
    token = "${aws_ssm_parameter.x.value}"
    database = synth(GlueDatabase, replace(CONFIG, name=token)).one("aws_glue_catalog_database")
    assert database["name"] == token


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "acme-dev"}, "name: supply a value such as acme_dev_features, got 'acme-dev'"),
        ({"name": "Features"}, "name: supply a value such as acme_dev_features, got 'Features'"),
        ({"name": "a" * 256}, "name: supply at most 255 characters, got 256"),
        ({"description": "d" * 2049}, "description: supply at most 2048 characters, got 2049"),
    ],
    ids=["hyphens", "upper case", "a name that is too long", "a description that is too long"],
)
def test_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)
