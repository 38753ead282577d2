"""A well-behaved client in a process of its own, so that what the tests do beside it costs it nothing.

Run as a program it reads a plan (JSON) from the file it is given, says `ready`, waits for a line on standard
input, then sends its requests one after the other on one connection until it has sent `count` of them or
standard input ends, and prints what came back.
"""

import json
import select
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from scale import patience


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least that share of all does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]


@dataclass(frozen=True)
class Outcome:
    """What a client saw, request by request. Status 0: no reply."""

    statuses: list[int]
    seconds: list[float]
    begin: float  # monotonic clock
    end: float
    replies: list[tuple[dict[str, str], bytes]]  # if it was asked to keep them

    @property
    def failed(self) -> list[int]:
        return [status for status in self.statuses if status != 200]

    def milliseconds(self, share: float) -> float:
        return 1000 * percentile(self.seconds, share)


class ClientProcess:
    """Sends `requests` (whole requests, as bytes) in turn, `count` in all or until `finish` ends it."""

    def __init__(
        self,
        address: tuple[str, int],
        requests: list[bytes],
        count: int | None = None,
        pause: float = 0,
        keep_replies: bool = False,
    ):
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        for number, request in enumerate(requests):
            (folder / f"request-{number}").write_bytes(request)
        plan = {
            "address": address,
            "requests": len(requests),
            "count": count,
            "pause": pause,
            "keep_replies": keep_replies,
            "folder": self._folder.name,
        }
        (folder / "plan").write_text(json.dumps(plan), encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(folder / "plan")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._process.stdout.readline()

    def go(self) -> "ClientProcess":
        self._process.stdin.write(b"go\n")
        self._process.stdin.flush()
        return self

    def _outcome(self, output: bytes) -> Outcome:
        result = json.loads(output)
        replies = []
        for number, fields in enumerate(result.pop("fields")):
            replies.append((fields, (Path(self._folder.name) / f"reply-{number}").read_bytes()))
        self._folder.cleanup()
        return Outcome(**result, replies=replies)

    def abandon(self) -> None:
        """Ends it at once, if it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def wait(self, seconds: float = 300) -> Outcome:
        """What came of its count of requests."""
        output = self._process.stdout.read() if self._end_within(patience(seconds)) else b""
        self._process.communicate()
        return self._outcome(output)

    def _end_within(self, seconds: float) -> bool:
        if select.select([self._process.stdout], [], [], seconds)[0]:
            return True
        self._process.kill()
        raise AssertionError(f"a client has not finished within {seconds:.0f} s")

    def finish(self) -> Outcome:
        """Lets it finish the request it is at."""
        output, _ = self._process.communicate(timeout=patience(60))
        return self._outcome(output)


class _Connection:
    """Keeps a connection while the server does."""

    def __init__(self, address: list):
        self._address = tuple(address)
        self._socket: socket.socket | None = None

    def _connect(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, 60)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def ask(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = self._connect()
        connection.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._some()
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(fields["content-length"]):
            body += self._some()
        if fields.get("connection", "").lower() == "close":
            self.drop()
        return int(first.split(" ")[1]), fields, body

    def _some(self) -> bytes:
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionError("closed")
        return data


def _told_to_stop() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _main(plan: dict) -> None:
    folder = Path(plan["folder"])
    requests = [(folder / f"request-{number}").read_bytes() for number in range(plan["requests"])]
    connection = _Connection(plan["address"])
    statuses, seconds, kept, bodies = [], [], [], []
    print("ready", flush=True)
    sys.stdin.buffer.raw.readline()
    begin = time.monotonic()
    while (len(statuses) < plan["count"]) if plan["count"] is not None else not _told_to_stop():
        request = requests[len(statuses) % len(requests)]
        start = time.monotonic()
        try:
            status, fields, body = connection.ask(request)
        except OSError:
            connection.drop()
            status, fields, body = 0, {}, b""
        seconds.append(time.monotonic() - start)
        statuses.append(status)
        if plan["keep_replies"]:
            kept.append(fields)
            bodies.append(body)
        if plan["pause"]:
            time.sleep(plan["pause"])
    end = time.monotonic()
    for number, body in enumerate(bodies):
        (folder / f"reply-{number}").write_bytes(body)
    json.dump(
        {"statuses": statuses, "seconds": seconds, "begin": begin, "end": end, "fields": kept}, sys.stdout
    )


if __name__ == "__main__":
    _main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
