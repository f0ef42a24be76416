"""OIDC provider: what it is made of, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from modules.oidc_provider import OidcProvider, OidcProviderConfig
from tests.conftest import Synth
from tests.inventory import Inventory

URL = "https://token.actions.githubusercontent.com"


def test_it_believes_tokens_that_are_made_for_aws(synth: Synth) -> None:
    provider = synth(OidcProvider, OidcProviderConfig(url=URL)).one("aws_iam_openid_connect_provider")
    assert provider == {"url": URL, "client_id_list": ["sts.amazonaws.com"]}


def test_a_path_may_follow_the_host(synth: Synth) -> None:
    config = OidcProviderConfig(url="https://github.example.com/_services/token", audiences=("acme",))
    provider = synth(OidcProvider, config).one("aws_iam_openid_connect_provider")
    assert provider["client_id_list"] == ["acme"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        *(
            ({"url": url}, f"url: supply a value such as https://gitlab.com, got {url!r}")
            for url in ("http://gitlab.com", "gitlab.com", "https://gitlab.com/", "https://git lab.com")
        ),
        ({"audiences": ()}, "audiences: supply at least one, got none"),
        ({"audiences": ("a", "a")}, "audiences: supply each once, got 'a' twice"),
    ],
)
def test_what_iam_refuses_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        OidcProviderConfig(**{"url": URL, **changes})
    assert str(refused.value) == problem


def test_inventory(synth: Synth, inventory: Inventory) -> None:
    inventory("modules/oidc_provider", synth(OidcProvider, OidcProviderConfig(url=URL)))
