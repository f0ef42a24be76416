"""Glue database: the tables by which Athena reads data in S3."""

from .glue_database import GlueDatabase, GlueDatabaseConfig, GlueDatabaseOutputs

__all__ = ["GlueDatabase", "GlueDatabaseConfig", "GlueDatabaseOutputs"]
