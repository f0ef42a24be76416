"""S3 bucket for one purpose: private, encrypted, versioned, reached by TLS only."""

from .bucket import NAME, AccessLogs, Bucket, BucketConfig, BucketOutputs, Data, Logging, Retention, States

__all__ = [
    "NAME",
    "AccessLogs",
    "Bucket",
    "BucketConfig",
    "BucketOutputs",
    "Data",
    "Logging",
    "Retention",
    "States",
]
