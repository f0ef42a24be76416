"""Where features are: the feature groups, the bucket and database of their history, and its queries."""

from __future__ import annotations

from constructs import Construct

from modules.athena_workgroup import AthenaWorkgroup, AthenaWorkgroupConfig
from modules.feature_group import FeatureGroup, FeatureGroupConfig, write_offline_stores
from modules.glue_database import GlueDatabase, GlueDatabaseConfig
from modules.role import Role, RoleConfig, Services

from .base import EnvironmentStack
from .environment import Environment
from .foundation import Foundation

OFFLINE_STORE = "features"
"""Prefix of the offline stores' objects."""
RESULTS = "athena/"
"""Prefix of the objects that queries leave."""


class Features(EnvironmentStack):
    """One bucket holds all offline stores: the history outlives a group, its versions lie side by side."""

    def __init__(self, scope: Construct, name: str, environment: Environment, foundation: Foundation) -> None:
        super().__init__(scope, "features", name, environment)
        self.add_dependency(foundation)
        bucket = foundation.features
        if bucket is None:
            return
        database_name = f"{self.prefix}features".replace("-", "_")
        database = GlueDatabase(
            self,
            "features_database",
            GlueDatabaseConfig(
                name=database_name, description="Offline stores of the feature groups", **self.location
            ),
        )
        self.workgroup = AthenaWorkgroup(
            self,
            "features_workgroup",
            AthenaWorkgroupConfig(
                name=f"{self.prefix}features",
                description="Queries on the offline stores of the feature groups",
                output_s3_uri=f"s3://{bucket.config.name}/{RESULTS}",
                kms_key_arn=foundation.data_key.outputs.arn,
                queries=environment.feature_queries,
                force_destroy=not environment.protected,
                **self.location,
            ),
        )
        s3_uri = f"s3://{bucket.config.name}/{OFFLINE_STORE}"
        role = Role(
            self,
            "feature_groups_role",
            RoleConfig(
                name=f"{self.prefix}feature-groups",
                description="Writes the offline stores of the feature groups",
                trust=Services(names=("sagemaker.amazonaws.com",)),
                permissions_boundary_arn=foundation.boundary.outputs.arn,
                account_id=environment.account_id,
                partition=environment.partition,
                statements=write_offline_stores(
                    s3_uri=s3_uri,
                    kms_key_arn=foundation.data_key.outputs.arn,
                    glue_database_name=database_name,
                    **self.location,
                ),
            ),
        )
        for key, versions in environment.feature_groups.items():
            for version, definition in versions.items():
                group = FeatureGroup(
                    self,
                    f"{key}_{version}",
                    FeatureGroupConfig(
                        name=f"{self.prefix}{key}",
                        version=int(version.removeprefix("v")),
                        definition=definition,
                        role_arn=role.outputs.arn,
                        kms_key_arn=foundation.data_key.outputs.arn,
                        offline_store_s3_uri=s3_uri if definition.offline_store else None,
                        glue_database_name=database.outputs.name if definition.offline_store else None,
                        **self.location,
                    ),
                )
                place = f"{key}/{version}"
                self.publish("feature_groups/{key}", group.outputs.name, "Feature group", key=place)
        self.publish("features/database", database.outputs.name, "Glue database of the offline stores")
        self.publish(
            "features/workgroup", self.workgroup.outputs.name, "Athena workgroup for offline queries"
        )
