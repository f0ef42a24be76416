"""A relay between Terraform and the AWS provider, that shortens what the provider says of itself.

Each Terraform asks its provider for the schema of all 1,500 resource types and decodes it: nine tenths of the
CPU time of a small plan, on both sides. This asks once, and answers with the types that are in use. All other
calls are passed on unread.
https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE = "/tfplugin5.Provider/"
SCHEMA = f"{SERVICE}GetSchema"
AT_ONCE = 64
"""How many calls are passed on side by side; Terraform makes ten, unless it is told otherwise."""
ANY_SIZE = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
BY_TYPE = {"resource_schemas": 2, "data_source_schemas": 3, "ephemeral_resource_schemas": 8}
"""The maps in the answer, type → schema, and their numbers in the protocol."""


def _answer() -> Any:
    """Return the class of the answer: of its maps the keys are known; all else is kept as it comes.

    https://github.com/hashicorp/terraform/blob/v1.11.4/docs/plugin-protocol/tfplugin5.8.proto
    """
    kind = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="short.proto", package="short", syntax="proto3")
    entry = file.message_type.add(name="Entry")
    entry.field.add(name="key", number=1, type=kind.TYPE_STRING, label=kind.LABEL_OPTIONAL)
    entry.field.add(name="value", number=2, type=kind.TYPE_BYTES, label=kind.LABEL_OPTIONAL)
    answer = file.message_type.add(name="Answer")
    for name, number in BY_TYPE.items():
        answer.field.add(
            name=name,
            number=number,
            type=kind.TYPE_MESSAGE,
            label=kind.LABEL_REPEATED,
            type_name=".short.Entry",
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("short.Answer"))


ANSWER = _answer()


def shorten(answer: bytes, types: Collection[str]) -> bytes:
    """Return a provider's answer to GetSchema with the schemas of these types only."""
    message = ANSWER.FromString(answer)
    for name in BY_TYPE:
        entries = getattr(message, name)
        kept = [entry for entry in entries if entry.key in types]
        del entries[:]
        entries.extend(kept)
    short: bytes = message.SerializeToString()
    return short


def pass_on(
    ask: grpc.UnaryUnaryMultiCallable[bytes, bytes], request: bytes, context: grpc.ServicerContext
) -> bytes:
    """Return what the provider answers; give it up when nobody waits for it any more.

    After a second Ctrl-C a command would wait at its end for what its provider is at.
    """
    asked = ask.future(request)

    def give_up() -> None:
        asked.cancel()

    if not context.add_callback(give_up):  # nobody waits already
        give_up()
    try:
        return asked.result()
    except grpc.FutureCancelledError:
        return b""
    except grpc.RpcError:
        context.abort(asked.code(), asked.details() or "")
        raise


class Relay(grpc.GenericRpcHandler):
    """Stands before one provider, on a socket of its own beside the provider's.

    `provider` is the path of the provider's socket; `said` holds what was answered once for all, by method:
    relays of one program share it.
    """

    def __init__(self, provider: str, said: dict[str, bytes]) -> None:
        self.socket = f"{provider}-relay"
        self.types: Collection[str] | None = None
        """The types that whoever asks is told of; all, where it is `None`."""
        self._said = said
        self._provider = grpc.insecure_channel(f"unix:{provider}", options=ANY_SIZE)
        workers = ThreadPoolExecutor(AT_ONCE)
        self._server = grpc.server(workers, handlers=[self], options=ANY_SIZE)
        self._server.add_insecure_port(f"unix:{self.socket}")
        self._server.start()

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        """Return what answers a method; of the plugin's own streams, which Terraform can do without, none."""
        method = handler_call_details.method
        if not method.startswith(SERVICE):
            return None
        ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self._provider.unary_unary(method)

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            if method != SCHEMA:
                return pass_on(ask, request, context)
            schema = self._said[method] = self._said.get(method) or pass_on(ask, request, context)
            return schema if self.types is None else shorten(schema, self.types)

        return grpc.unary_unary_rpc_method_handler(answer)

    def close(self) -> None:
        """Stop listening and hang up."""
        self._server.stop(grace=None).wait()
        self._provider.close()
