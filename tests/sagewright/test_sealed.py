"""Sealed files: opened by their own key and context, and by nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest
from botocore.exceptions import EndpointConnectionError

from sagewright import sealed
from sagewright.errors import SagewrightError, Usage

CONTEXT = {"environment": "small", "commit": "c0ffee"}


@pytest.fixture(scope="module")
def kms() -> Iterator[Any]:
    """A KMS with two keys, `alias/ours` and `alias/theirs`."""
    with moto.mock_aws():
        client = boto3.client("kms", region_name="eu-west-1")
        for alias in ("alias/ours", "alias/theirs"):
            key = client.create_key()["KeyMetadata"]["KeyId"]
            client.create_alias(AliasName=alias, TargetKeyId=key)
        yield client


@pytest.fixture
def path(kms: Any, tmp_path: Path) -> Path:
    """A file that holds `content`."""
    path = tmp_path / "plans"
    path.write_bytes(sealed.seal(b"content", CONTEXT, kms, "alias/ours"))
    return path


def test_what_is_sealed_is_opened_by_the_same_key(kms: Any, path: Path) -> None:
    file = sealed.read(path)
    assert file.head.context == CONTEXT
    assert b"content" not in path.read_bytes()
    assert file.open(kms, "alias/ours") == b"content"


def test_the_same_content_never_looks_the_same(kms: Any) -> None:
    one, other = (sealed.seal(b"content", CONTEXT, kms, "alias/ours") for _ in range(2))
    assert one.splitlines()[2:] != other.splitlines()[2:]


def test_another_key_is_refused(kms: Any, path: Path) -> None:
    with pytest.raises(Usage, match="supply plans that were saved under alias/theirs, got"):
        sealed.read(path).open(kms, "alias/theirs")


def test_a_key_that_is_not_there_is_refused_before_anything_is_written(kms: Any) -> None:
    with pytest.raises(Usage, match="encrypt under alias/none, got no such key; run `sagewright bootstrap`"):
        sealed.seal(b"content", CONTEXT, kms, "alias/none")


def edited(path: Path, **changes: Any) -> None:
    title, head, content = path.read_bytes().split(b"\n", 2)
    path.write_bytes(b"\n".join([title, json.dumps({**json.loads(head), **changes}).encode(), content]))


def test_another_context_than_it_was_sealed_with_opens_nothing(kms: Any, path: Path) -> None:
    edited(path, context={**CONTEXT, "commit": "decaf"})
    with pytest.raises(Usage, match="got another key's, or a file that was changed"):
        sealed.read(path).open(kms, "alias/ours")


def test_a_head_that_was_changed_in_any_way_opens_nothing(kms: Any, path: Path) -> None:
    edited(path, context=dict(reversed(CONTEXT.items())))
    with pytest.raises(Usage, match="supply the file as it was saved, got one that was changed"):
        sealed.read(path).open(kms, "alias/ours")


def test_content_that_was_changed_is_refused(kms: Any, path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(Usage, match="supply the file as it was saved, got one that was changed"):
        sealed.read(path).open(kms, "alias/ours")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda whole: whole[:-5], "supply the whole file, got 18 of 23 encrypted bytes"),
        (lambda whole: whole[:60], "supply the whole file, got 60 bytes without its second line"),
        (
            lambda whole: whole.replace(b" 1\n", b" 2\n", 1),
            "supply a file of format 1, got 2; save the plans",
        ),
        (lambda whole: b"PK\x03\x04" + whole, "supply what `sagewright plan --save` wrote, got another file"),
        (lambda _: b"", "supply what `sagewright plan --save` wrote, got another file"),
    ],
)
def test_what_is_not_whole_or_another_file_is_refused(path: Path, make: Any, problem: str) -> None:
    path.write_bytes(make(path.read_bytes()))
    with pytest.raises(Usage, match=f"plans: {problem}"):
        sealed.read(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="supply a file that can be read, got No such file or directory"):
        sealed.read(tmp_path / "none")


def test_what_kms_says_otherwise_is_a_failure(path: Path) -> None:
    class Broken:
        def decrypt(self, **_: Any) -> None:
            raise EndpointConnectionError(endpoint_url="there")

    with pytest.raises(SagewrightError, match="KMS failed: Could not connect to the endpoint URL"):
        sealed.read(path).open(Broken(), "alias/ours")
