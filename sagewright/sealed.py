"""Files that only an environment's own key opens: what CI keeps between the jobs that plan and apply.

The content is encrypted with AES-256-GCM by a data key of its own, and that key by a key of KMS. The
encryption context, here environment and commit, stands in the file in clear, in CloudTrail too, and whoever
changes it cannot open the file: https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import TypeAdapter, ValidationError

from sagewright.errors import SagewrightError, Usage

KIND = "sagewright-reviewed-plans"
"""First word of every file of this kind."""
FORMAT = "1"
NONCE_BYTES = 12
"""https://csrc.nist.gov/pubs/sp/800/38/d/final, section 8.2"""
SAVE = "save the plans again: sagewright plan --save FILE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What stands before the encrypted content, in clear and protected from change."""

    context: dict[str, str]
    """Encryption context of the data key."""
    data_key: str
    """The data key, encrypted by KMS, in Base64."""
    nonce: str
    """Of AES-GCM, in Base64."""
    size: int
    """Length of the encrypted content in bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    """A file that was read, and is still closed."""

    path: Path
    head: Head
    clear: bytes
    """All that stands before the encrypted content."""
    content: bytes

    def open(self, kms: Any, key: str) -> bytes:
        """Return the content; `kms` is a client of the account whose key, by id, ARN or alias, closed it.

        Raises `Usage` where it is another key's, or was changed.
        """
        try:
            data_key = kms.decrypt(
                KeyId=key,
                CiphertextBlob=base64.b64decode(self.head.data_key),
                EncryptionContext=self.head.context,
            )["Plaintext"]
        except (BotoCoreError, ClientError) as error:
            raise refused(error, f"{self.path}: supply plans that were saved under {key}") from None
        try:
            return AESGCM(data_key).decrypt(base64.b64decode(self.head.nonce), self.content, self.clear)
        except InvalidTag:
            raise Usage(f"{self.path}: supply the file as it was saved, got one that was changed") from None


def seal(content: bytes, context: Mapping[str, str], kms: Any, key: str) -> bytes:
    """Return a file's bytes; `kms` is a client of the account that has the key.

    Raises `Usage` where the account has no such key, or the credentials may not use it.
    """
    try:
        made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=dict(context))
    except (BotoCoreError, ClientError) as error:
        raise refused(error, f"supply credentials that may encrypt under {key}") from None
    nonce = os.urandom(NONCE_BYTES)
    head = Head(
        context=dict(context),
        data_key=base64.b64encode(made["CiphertextBlob"]).decode(),
        nonce=base64.b64encode(nonce).decode(),
        size=len(content) + 16,
    )
    clear = f"{KIND} {FORMAT}\n".encode() + TypeAdapter(Head).dump_json(head) + b"\n"
    return clear + AESGCM(made["Plaintext"]).encrypt(nonce, content, clear)


def read(path: Path) -> Sealed:
    """Read a file as far as it is in clear; raises `Usage` where it is another, or not whole."""
    try:
        whole = path.read_bytes()
    except OSError as error:
        raise Usage(f"{path}: supply a file that can be read, got {error.strerror}") from None
    title, _, rest = whole.partition(b"\n")
    kind, _, format_ = title[:100].decode(errors="replace").partition(" ")
    if kind != KIND:
        raise Usage(f"{path}: supply what `sagewright plan --save` wrote, got another file")
    if format_ != FORMAT:
        raise Usage(f"{path}: supply a file of format {FORMAT}, got {format_ or 'none'}; {SAVE}")
    line, _, content = rest.partition(b"\n")
    try:
        head = TypeAdapter(Head).validate_json(line)
    except ValidationError:
        raise Usage(
            f"{path}: supply the whole file, got {len(whole)} bytes without its second line"
        ) from None
    if len(content) != head.size:
        raise Usage(f"{path}: supply the whole file, got {len(content)} of {head.size} encrypted bytes")
    return Sealed(path=path, head=head, clear=whole[: len(whole) - len(content)], content=content)


def refused(error: BotoCoreError | ClientError, wanted: str) -> SagewrightError:
    """Return what KMS says as one error."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    reasons = {
        "NotFoundException": "no such key; run `sagewright bootstrap`",
        "AccessDeniedException": "credentials that may not use it, or another key's",
        "IncorrectKeyException": "another key's",
        "InvalidCiphertextException": "another key's, or a file that was changed",
    }
    if code in reasons:
        return Usage(f"{wanted}, got {reasons[code]}")
    return SagewrightError(f"KMS failed: {error}")
