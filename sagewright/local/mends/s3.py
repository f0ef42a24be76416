"""S3: moto takes sub-resources that it does not know for the bucket itself, and misreads bucket policies."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.etree import ElementTree

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, s3_backends
from moto.s3.responses import S3Response

from sagewright.local.mends import bucket_policy
from sagewright.local.refusal import Refused
from sagewright.local.service_models import service_model
from sagewright.local.wire import Answer, Call, Environ, read_body

_READ_AND_WRITTEN = (
    *("accelerate", "acl", "cors", "encryption", "inventory", "lifecycle", "logging", "notification"),
    *("object-lock", "ownershipControls", "policy", "publicAccessBlock", "replication", "tagging"),
    *("versioning", "website"),
)
_SERVED: Mapping[str, Iterable[str]] = {
    "GET": (*_READ_AND_WRITTEN, "location", "policyStatus", "requestPayment", "uploads", "versions"),
    "PUT": _READ_AND_WRITTEN,
    "DELETE": (
        *(
            "cors",
            "encryption",
            "lifecycle",
            "ownershipControls",
            "policy",
            "publicAccessBlock",
            "replication",
        ),
        *("tagging", "website"),
    ),
    "POST": ("delete",),
}
"""Sub-resources of a bucket that moto knows, by method. For any other it lists or deletes the bucket."""


def apply() -> None:
    """Let moto's own look at bucket policies find what `check` has decided before."""
    FakeBucket.get_permission = _permission  # type: ignore[assignment,method-assign]
    S3Response.get_bucket_notification = _notification()  # type: ignore[method-assign]
    FakeBucket._log_permissions_enabled_policy = staticmethod(_may_receive_logs)  # type: ignore[method-assign]


def _notification() -> Any:
    """Let GetBucketNotificationConfiguration show that EventBridge is told, which moto keeps to itself."""
    get = S3Response.get_bucket_notification

    def get_bucket_notification(self: Any) -> Any:
        status, headers, body = get(self)
        configuration = self.backend.get_bucket_notification_configuration(self.bucket_name)
        if configuration is None or configuration.event_bridge is None:
            return status, headers, body
        root = ElementTree.fromstring(body)
        namespace = root.tag.partition("}")[0].lstrip("{")
        ElementTree.SubElement(root, f"{{{namespace}}}EventBridgeConfiguration")
        return status, headers, ElementTree.tostring(root, default_namespace=namespace)

    return get_bucket_notification


_decided: ContextVar[dict[str, list[bool]]] = ContextVar("decided")
"""ARN → whether its deletion is denied, for each time that DeleteObjects names it."""


def _permission(bucket: Any, action: str, resource: str) -> PermissionResult:
    denied = _decided.get({}).get(resource)
    return PermissionResult.DENIED if denied and denied.pop(0) else PermissionResult.NEUTRAL


def _may_receive_logs(target_bucket: Any, target_prefix: str | None) -> bool:
    """Tell whether PutBucketLogging may name a bucket: its policy lets S3's log delivery write there.

    moto understands a policy only where action, principal and resource are each one text.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    arn = f"arn:{target_bucket.partition}:s3:::{target_bucket.name}/{target_prefix or ''}log"

    def listed(value: Any) -> list[str]:
        return [value] if isinstance(value, str) else list(value or ())

    statements = json.loads(target_bucket.policy.decode())["Statement"] if target_bucket.policy else []
    return any(
        statement["Effect"] == "Allow"
        and isinstance(statement.get("Principal"), dict)
        and "logging.s3.amazonaws.com" in listed(statement["Principal"].get("Service"))
        and any(action in ("s3:PutObject", "s3:*", "*") for action in listed(statement.get("Action")))
        and any(fnmatch.fnmatchcase(arn, pattern) for pattern in listed(statement.get("Resource")))
        for statement in statements
    )


def check(call: Call, environ: Environ, account_id: str, operation: str) -> Answer | None:
    """Refuse what moto would misread and what the bucket's policy denies; answer the little that it lacks.

    Raises `Refused` and `NotImplementedError`.
    """
    if call.service not in ("s3", "") or environ["PATH_INFO"].startswith("/v20180820/"):
        return None
    bucket_name, _, key = unquote(environ["PATH_INFO"]).lstrip("/").partition("/")
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    if bucket_name and not key:
        for name in _sub_resources() & set(query):
            if name not in _SERVED.get(environ["REQUEST_METHOD"], ()):
                raise NotImplementedError(f"{operation} ({environ['REQUEST_METHOD']} ?{name})")
    partition, owner = s3_backends.bucket_accounts.get(bucket_name, ("", ""))
    bucket: Any = s3_backends[owner][partition].buckets.get(bucket_name) if owner else None
    if bucket is None:
        return None
    if environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER", owner) != owner:
        raise Refused("AccessDenied", "Access Denied", "403 Forbidden")
    arn = f"arn:{bucket.partition}:s3:::{bucket_name}"
    if operation == "PutBucketPolicy":
        bucket_policy.check_document(read_body(environ), arn)
    _decided.set({})
    if bucket.policy and not (operation in _ALWAYS_ROOTS and call.account_id == owner):
        request = bucket_policy.Request(
            action=_action(operation, query),
            resource=f"{arn}/{key}" if key else arn,
            account_id=account_id,
            environ=environ,
            query=query,
            region=call.region,
        )
        if operation == "DeleteObjects":
            _decided.set(_denied_deletions(bucket.policy.decode(), request, bucket_name))
        else:
            bucket_policy.check(bucket.policy.decode(), request)
    if operation == "GetBucketRequestPayment":
        return _request_payment(bucket.payer)
    return None


def _action(operation: str, query: Mapping[str, Any]) -> str:
    """Return the action that allows an operation, which is another one for a version of an object."""
    name = _ACTIONS.get(operation, operation)
    of_version = "versionId" in query and re.match("(Get|Put|Delete)Object", name)
    return f"s3:{name.replace('Object', 'ObjectVersion', 1) if of_version else name}"


def _denied_deletions(policy: str, request: bucket_policy.Request, bucket_name: str) -> dict[str, list[bool]]:
    """Look at each object that DeleteObjects names; moto asks for them in the same order."""
    denied: dict[str, list[bool]] = {}
    for key, version in _objects(read_body(request.environ)):
        query = {"versionId": [version]} if version else {}
        one = replace(
            request,
            action=_action("DeleteObject", query),
            resource=f"{request.resource}/{key}",
            query=query,
        )
        denied.setdefault(f"arn:aws:s3:::{bucket_name}/{key}", []).append(bucket_policy.denies(policy, one))
    return denied


def _objects(body: bytes) -> Iterator[tuple[str, str]]:
    """Yield key and version of each object that DeleteObjects names; none if moto will refuse the request."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return
    for each in root.iterfind("{*}Object"):
        yield each.findtext("{*}Key") or "", each.findtext("{*}VersionId") or ""


def _request_payment(payer: str) -> Answer:
    document = f"<RequestPaymentConfiguration><Payer>{payer}</Payer></RequestPaymentConfiguration>"
    return Answer(status="200 OK", headers=[("Content-Type", "application/xml")], body=document.encode())


@cache
def _sub_resources() -> set[str]:
    """Return all sub-resources of buckets in the service model."""
    model = service_model("s3")
    found = (
        re.fullmatch(r"/\{Bucket\}\?([A-Za-z-]+)", model.operation_model(name).http["requestUri"])
        for name in model.operation_names
    )
    return {each[1] for each in found if each}


_ALWAYS_ROOTS = ("GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy")
"""What the root of the owning account may do though the policy denies it, lest it be locked out."""

_ACTIONS = {
    "CopyObject": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}
"""Operation → the action that allows it, where the names differ.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""
