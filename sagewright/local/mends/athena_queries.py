"""Athena: moto cannot delete a named query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.athena.models import athena_backends

from sagewright.local.mends.operation import Operation
from sagewright.local.refusal import Refused


def _delete(account_id: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
    queries, query_id = athena_backends[account_id][region].named_queries, request["NamedQueryId"]
    if query_id not in queries:
        raise Refused("InvalidRequestException", f"NamedQuery {query_id} was not found")
    del queries[query_id]
    return {}


OPERATIONS: Mapping[str, Operation] = {"DeleteNamedQuery": _delete}
