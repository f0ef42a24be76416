"""Glue database: the tables by which Athena reads data in S3."""

from __future__ import annotations

from constructs import Construct

from .._aws.glue_catalog_database import GlueCatalogDatabase
from .._core import Statement, matches, record, refuse
from .._core.checks import no_longer_than


@record
class GlueDatabaseConfig:
    """A database in the account's own catalog, which Athena calls `AwsDataCatalog`."""

    name: str
    """Lower-case letters, digits and underscores: what Athena takes without quotes."""
    account_id: str
    region: str
    partition: str = "aws"
    """`aws` or `aws-us-gov`."""
    description: str | None = None
    """What the tables hold, at most 2048 characters."""

    def __post_init__(self) -> None:
        refuse(
            matches("name", self.name, "[a-z_][a-z0-9_]*", "acme_dev_features"),
            no_longer_than("name", self.name, 255),
            no_longer_than("description", self.description, 2048),
        )


@record
class GlueDatabaseOutputs:
    """What others need of a database."""

    name: str
    arn: str


class GlueDatabase(Construct):
    """Whoever deletes the database deletes the definitions of its tables with it, and no data in S3."""

    def __init__(self, scope: Construct, id_: str, config: GlueDatabaseConfig) -> None:
        super().__init__(scope, id_)
        self._catalog = f"arn:{config.partition}:glue:{config.region}:{config.account_id}"
        self._name = config.name
        database = GlueCatalogDatabase(self, "this", name=config.name, description=config.description)
        self.outputs = GlueDatabaseOutputs(name=database.name, arn=database.arn)

    def read(self) -> Statement:
        """Return what looks at the database and all of its tables; their data is granted by the buckets.

        https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
        """
        return Statement(
            actions=(
                "glue:GetDatabase",
                "glue:GetPartition",
                "glue:GetPartitions",
                "glue:GetTable",
                "glue:GetTables",
            ),
            resources=(
                f"{self._catalog}:catalog",
                f"{self._catalog}:database/{self._name}",
                f"{self._catalog}:table/{self._name}/*",
            ),
        )
