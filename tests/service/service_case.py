"""What the tests of the service stand on: one key a program, one server a class."""

import functools
import http.client
import json
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Mapping

from client_process import ClientProcess
from open_inference import Answer, binary_request, infer_path, json_request, read_answer
from opaline_program import GRADIENTS, KeyHolder, expected
from raw_connection import RawConnection, Reply
from scale import patience
from server_under_test import ServerUnderTest

_FOLDER = tempfile.TemporaryDirectory(prefix="opaline-service-")
FOLDER = Path(_FOLDER.name)

SKIPPED = 77  # what ctest takes for a test that could not run here


@functools.cache
def alice() -> KeyHolder:
    """The client of most tests."""
    return KeyHolder(FOLDER)


@functools.cache
def query(model: str = GRADIENTS, first: int = 0, end: int = 1) -> bytes:
    return alice().encrypt(model, first, end)


def main() -> None:
    """Runs the tests of the program that calls it."""
    try:
        unittest.main(verbosity=2)
    finally:
        sys.stdout.flush()
        _FOLDER.cleanup()


class ServiceCase(unittest.TestCase):
    """A server with `models` and `options` for all tests of a class, which must end well afterwards."""

    models: list[str] = [GRADIENTS]
    options: list = []
    server: ServerUnderTest

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = ServerUnderTest(cls.models, *cls.options)
        cls.addClassCleanup(cls.server.stop)

    def connect(self, timeout: float = 30) -> RawConnection:
        connection = RawConnection(self.server.address, timeout)
        self.addCleanup(connection.close)
        return connection

    def client(self, requests: list[bytes], **how: Any) -> ClientProcess:
        """A client in a process of its own, under way."""
        client = ClientProcess(self.server.address, requests, **how)
        self.addCleanup(client.abandon)
        return client.go()

    def ask(
        self, method: str, path: str, body: bytes | None = None, fields: Mapping[str, str] | None = None
    ) -> Reply:
        """One request by Python's own client on a connection of its own."""
        connection = http.client.HTTPConnection(*self.server.address, timeout=patience(60))
        try:
            connection.request(method, path, body, dict(fields or {}))
            reply = connection.getresponse()
            return Reply(
                reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
            )
        finally:
            connection.close()

    def infer(
        self,
        data: bytes,
        model: str = GRADIENTS,
        version: str | None = None,
        binary: bool = False,
        extra: Mapping[str, str] | None = None,
    ) -> Reply:
        fields, body = (binary_request if binary else json_request)(data)
        return self.ask("POST", infer_path(model, version), body, {**fields, **(extra or {})})

    def assert_error(self, reply: Reply | None, *statuses: int) -> str:
        """The protocol's form of an error; its message."""
        self.assertIsNotNone(reply, f"closed instead of {statuses}")
        self.assertIn(reply.status, statuses, reply.body[:300])
        self.assertEqual(reply.fields.get("content-type", "").split(";")[0], "application/json")
        message = json.loads(reply.body)
        self.assertEqual(list(message), ["error"])
        self.assertIsInstance(message["error"], str)
        self.assertTrue(message["error"])
        return message["error"]

    def assert_answers(self, reply: Reply, model: str = GRADIENTS, first: int = 0, end: int = 1) -> Answer:
        """A reply that decrypts to the exact integers."""
        self.assertEqual(reply.status, 200, reply.body[:300])
        answer = read_answer(reply.fields, reply.body)
        self.assertEqual(alice().decrypt(model, answer.reply), expected(model)[first:end])
        return answer
