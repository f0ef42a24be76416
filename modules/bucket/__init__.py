"""S3 bucket for one purpose: private, encrypted, versioned, reached by TLS only."""

from .bucket import AccessLogs, Bucket, BucketConfig, BucketOutputs, Data, Logging, Retention

__all__ = ["AccessLogs", "Bucket", "BucketConfig", "BucketOutputs", "Data", "Logging", "Retention"]
