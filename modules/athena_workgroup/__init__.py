"""Athena workgroup: how queries run, what they may cost, and where their results go."""

from .athena_workgroup import AthenaWorkgroup, AthenaWorkgroupConfig, AthenaWorkgroupOutputs, Queries

__all__ = ["AthenaWorkgroup", "AthenaWorkgroupConfig", "AthenaWorkgroupOutputs", "Queries"]
