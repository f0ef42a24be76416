"""What a stage serves is a snapshot: a hash of all that is in it tells when another one is needed.

https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from cdktf import DefaultTokenResolver, StringConcat, TerraformResource, Tokenization

UNSERVED = frozenset({"//", "depends_on", "description", "lifecycle", "tags"})
"""Settings that are none of what is served."""


def digest(resources: Iterable[TerraformResource]) -> str:
    """Return a hash of all settings; a value that Terraform alone knows counts by its address."""
    settings = {address: value for resource in resources for address, value in _settings(resource)}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _settings(resource: TerraformResource) -> Iterator[tuple[str, dict[str, Any]]]:
    resolver = DefaultTokenResolver(StringConcat())
    synthesized = Tokenization.resolve(
        resource.to_terraform(), preparing=False, resolver=resolver, scope=resource
    )
    for type_, named in synthesized["resource"].items():
        for name, settings in named.items():
            yield f"{type_}.{name}", {key: settings[key] for key in settings if key not in UNSERVED}
