"""What a plan loses: stateful resources that it ends, why, and what that means in SageMaker and around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.plan.model import Change
from sagewright.gate.catalog import Rule
from sagewright.review.differences import plain
from sagewright.review.model import Loss, Words
from sagewright.review.subject import Subject
from sagewright.review.traffic import only
from sagewright.review.words import Teller

STATEFUL = "SW_STATEFUL_DELETE"
"""The rule of the catalogue that lists what holds data, each type with what is lost."""
REASONS = {
    "delete_because_count_index": "its `count` does not reach its index any more",
    "delete_because_each_key": "its key is not in its `for_each` any more",
    "delete_because_no_module": "the module that it is in is not configured any more",
    "delete_because_no_move_target": "it was moved to an address that is not configured",
    "delete_because_no_resource_config": "it is not configured any more",
    "delete_because_wrong_repetition": "it is configured with `count` or `for_each` now, or no longer is",
    "replace_because_tainted": "its last creation failed, or somebody marked it as tainted",
    "replace_by_request": "somebody asked for it on the command line",
    "replace_by_triggers": "something in its `replace_triggered_by` changes",
}
"""Terraform's own reasons: https://developer.hashicorp.com/terraform/internals/json-format#plan-representation"""
NAMES = ("name", "bucket", "domain_name", "user_profile_name", "space_name", "feature_group_name", "id")
"""Arguments by which people know a stateful resource; the first that is there."""


def why(change: Change, teller: Teller) -> Words:
    """Return why an object ends: the arguments that force it, else Terraform's reason, if it has one."""
    if change.deposed:
        return f"the object {teller.quoted(change.deposed)} was left over when it was replaced"
    if change.replace_paths:
        return f"{teller.listed(forcing(change))} cannot be changed in place"
    if change.action_reason:
        return REASONS.get(change.action_reason) or teller.quoted(change.action_reason)
    return ""


def forcing(change: Change) -> tuple[str, ...]:
    """Return the arguments that force a replacement, once each, whichever element of a list they are in."""
    return tuple(dict.fromkeys(map(plain, change.replace_paths)))


def loss(subject: Subject, change: Change, rule: Rule, denied: bool, teller: Teller) -> Loss:
    """Return what is lost with a stateful resource; `rule` is `STATEFUL`."""
    name = next((subject.before[one] for one in NAMES if subject.before.get(one)), "")
    return Loss(
        environment=subject.environment,
        stack=subject.stack,
        address=teller.text(subject.address),
        type=subject.type,
        name=teller.value(name),
        place=subject.place,
        action=subject.action,
        why=why(change, teller),
        forced_by=tuple(map(teller.text, forcing(change))),
        means=meaning(subject, rule, teller),
        denied=denied,
    )


def meaning(subject: Subject, rule: Rule, teller: Teller) -> Words:
    """Return what is lost: by the resource's own settings where they decide, else as the rule says."""
    if subject.action == "forget":
        return "it stays in AWS, costs what it cost, and Terraform will not find it again"
    known = MEANINGS.get(subject.type)
    return known(subject.before, teller) if known else rule.reason(subject.type) or rule.title


def domain(before: Mapping[str, Any], teller: Teller) -> Words:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RetentionPolicy.html"""
    kept = only(before.get("retention_policy")).get("home_efs_file_system", "Retain") == "Retain"
    system = teller.quoted(before.get("home_efs_file_system_id") or "its file system")
    if kept:
        return (
            f"the home folders of all its users are orphaned: {system} is kept, costs on, and no new domain "
            "takes it over; its profiles, spaces and apps go with it"
        )
    return (
        f"the home folders of all its users are deleted with {system}, as are its profiles, spaces and apps"
    )


def feature_group(before: Mapping[str, Any], teller: Teller) -> Words:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteFeatureGroup.html"""
    online = only(before.get("online_store_config")).get("enable_online_store") is True
    offline = only(before.get("offline_store_config"))
    said = ["the records of its online store are deleted at once"] if online else []
    if offline:
        uri = only(offline.get("s3_storage_config")).get("s3_uri")
        said.append(f"its offline store in {teller.quoted(uri)} stays, and nothing writes to it any more")
    return "; ".join(said) or "its definition is deleted"


def model_package_group(before: Mapping[str, Any], teller: Teller) -> Words:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteModelPackageGroup.html"""
    return (
        "model versions and their approvals cannot be made again; while it holds any, SageMaker refuses to "
        "delete it, and the apply fails half-way"
    )


def user_profile(before: Mapping[str, Any], teller: Teller) -> Words:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteUserProfile.html"""
    return "the user loses the home folder, private spaces and apps; a new profile of that name starts empty"


def key(before: Mapping[str, Any], teller: Teller) -> Words:
    """https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html"""
    days = before.get("deletion_window_in_days")
    when = f"after {teller.quoted(days)} days, " if days else ""
    return f"{when}whatever it encrypted can never be read again"


def bucket(before: Mapping[str, Any], teller: Teller) -> Words:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html"""
    if before.get("force_destroy") is True:
        return "all objects and versions are deleted with it, and its name is free for anyone"
    return "S3 refuses while there is an object in it; then its name is free for anyone"


def repository(before: Mapping[str, Any], teller: Teller) -> Words:
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-delete.html"""
    if before.get("force_delete") is True:
        return "all images are deleted with it, those that endpoints start from too"
    return "ECR refuses while there is an image in it; endpoints that start from one could not start again"


MEANINGS = {
    "aws_ecr_repository": repository,
    "aws_kms_key": key,
    "aws_s3_bucket": bucket,
    "aws_sagemaker_domain": domain,
    "aws_sagemaker_feature_group": feature_group,
    "aws_sagemaker_model_package_group": model_package_group,
    "aws_sagemaker_user_profile": user_profile,
}
