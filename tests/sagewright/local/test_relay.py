"""The relay before the AWS provider: the schema is shortened, all else passes as it is."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import grpc
import pytest

from sagewright.local.relay import ANSWER, SERVICE, Relay, pass_on, shorten

MAPS = ("resource_schemas", "data_source_schemas", "ephemeral_resource_schemas")
DIAGNOSTIC = b"\x22\x02\x08\x01"
"""Field 4 of the answer, which the relay does not know: a diagnostic of severity ERROR."""


def schema(*types: str) -> bytes:
    """An answer with a schema of each type in each map, and with something else."""
    answer = ANSWER()
    for name in MAPS:
        for type_ in types:
            getattr(answer, name).add(key=type_, value=type_.encode())
    encoded: bytes = answer.SerializeToString()
    return encoded + DIAGNOSTIC


class Provider(grpc.GenericRpcHandler):
    """Says what it was asked, and in which order; knows three types; refuses one method."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.busy = threading.Event()
        self.given_up = threading.Event()

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        method = handler_call_details.method
        self.asked.append(method)

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            if method.endswith("/ApplyResourceChange"):
                context.add_callback(self.given_up.set)
                self.busy.set()
                assert self.given_up.wait(60)
            if method.endswith("/StopProvider"):
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "no more")
            return (
                schema("aws_one", "aws_two", "aws_three") if method.endswith("/GetSchema") else request[::-1]
            )

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def relay(provider: Provider) -> Iterator[Relay]:
    with tempfile.TemporaryDirectory() as folder:
        server = grpc.server(ThreadPoolExecutor(4), handlers=[provider])
        server.add_insecure_port(f"unix:{folder}/provider")
        server.start()
        made = Relay(f"{folder}/provider", {})
        yield made
        made.close()
        server.stop(grace=None).wait()


def call(relay: Relay, method: str, request: bytes = b"") -> bytes:
    with grpc.insecure_channel(f"unix:{relay.socket}") as channel:
        ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        return ask(request)


def test_of_the_schema_the_types_in_use_are_left_and_what_is_no_map() -> None:
    assert shorten(schema("aws_one", "aws_two"), {"aws_two", "aws_four"}) == schema("aws_two")


def test_whoever_asks_is_told_of_his_types_and_the_provider_asked_once(
    relay: Relay, provider: Provider
) -> None:
    for types in ({"aws_one"}, {"aws_two", "aws_three"}):
        relay.types = types
        assert call(relay, f"{SERVICE}GetSchema") == schema(
            *(t for t in ("aws_two", "aws_three", "aws_one") if t in types)
        )
    relay.types = None
    assert call(relay, f"{SERVICE}GetSchema") == schema("aws_one", "aws_two", "aws_three")
    assert provider.asked == [f"{SERVICE}GetSchema"]


def test_relays_of_one_program_ask_it_once(provider: Provider) -> None:
    said: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        server = grpc.server(ThreadPoolExecutor(4), handlers=[provider])
        for name in ("one", "two"):
            server.add_insecure_port(f"unix:{folder}/{name}")
        server.start()
        for name in ("one", "two"):
            relay = Relay(f"{folder}/{name}", said)
            assert call(relay, f"{SERVICE}GetSchema") == schema("aws_one", "aws_two", "aws_three")
            relay.close()
        server.stop(grace=None).wait()
    assert provider.asked == [f"{SERVICE}GetSchema"]


def test_other_calls_pass_as_they_are(relay: Relay, provider: Provider) -> None:
    assert call(relay, f"{SERVICE}PlanResourceChange", b"one") == b"eno"
    assert call(relay, f"{SERVICE}PlanResourceChange", b"two") == b"owt"
    assert provider.asked == [f"{SERVICE}PlanResourceChange"] * 2


def test_what_the_provider_refuses_is_refused_in_its_words(relay: Relay) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        call(relay, f"{SERVICE}StopProvider")
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refused.value.details() == "no more"


def test_what_nobody_waits_for_any_more_is_given_up(relay: Relay, provider: Provider) -> None:
    """As after a second Ctrl-C: the command must not wait at its end for what the provider is at."""
    with grpc.insecure_channel(f"unix:{relay.socket}") as channel:
        ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"{SERVICE}ApplyResourceChange")
        asked = ask.future(b"")
        assert provider.busy.wait(60)
        asked.cancel()
    assert provider.given_up.wait(60)


def test_what_nobody_waits_for_already_is_given_up(relay: Relay, provider: Provider) -> None:
    class Over:
        """What a call has that ended before the provider was asked."""

        def add_callback(self, callback: Callable[[], None]) -> bool:
            return provider.busy.wait(60) and False

    with grpc.insecure_channel(f"unix:{relay.socket}") as channel:
        ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"{SERVICE}ApplyResourceChange")
        assert pass_on(ask, b"", cast(grpc.ServicerContext, Over())) == b""
        assert provider.given_up.wait(60)


def test_a_provider_that_has_ended_is_no_answer(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        relay = Relay(f"{folder}/nobody", {})
        with pytest.raises(grpc.RpcError) as refused:
            call(relay, f"{SERVICE}PlanResourceChange")
        relay.close()
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("method", ["/plugin.GRPCBroker/StartStream", "/plugin.GRPCStdio/StreamStdio"])
def test_the_plugins_own_streams_are_not_there(method: str, relay: Relay) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        call(relay, method)
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
