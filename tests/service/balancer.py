"""Stands between clients and a server that may be killed: a relay that passes connections on, byte by byte.

Clients keep one address while servers come and go behind it, and the test learns when a whole request has
gone through, which is when the server is at it.
"""

import re
import socket
import threading
from typing import Callable

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Balancer:
    """`on_request` is called with a running number as soon as all of a POST has gone to the server."""

    def __init__(self, on_request: Callable[[int], None]):
        self.backend: tuple[str, int] | None = None  # none: connections are closed at once
        self._on_request = on_request
        self._requests = 0
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self.backend or ("127.0.0.1", 1))
        except OSError:
            client.close()
            return
        threading.Thread(target=self._pass_on, args=(server, client), daemon=True).start()
        self._pass_on(client, server, self._watch())

    @staticmethod
    def _pass_on(
        source: socket.socket, target: socket.socket, seen: Callable[[bytes], None] = lambda _: None
    ) -> None:
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
                seen(data)
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _watch(self) -> Callable[[bytes], None]:
        """Follows the requests of one connection."""
        waiting = bytearray()
        left = 0

        def seen(data: bytes) -> None:
            nonlocal left
            waiting.extend(data)
            while waiting:
                if left == 0:
                    end = waiting.find(b"\r\n\r\n")
                    if end < 0:
                        return
                    length = _LENGTH.search(waiting, 0, end)
                    left = int(length.group(1)) if length else 0
                    del waiting[: end + 4]
                    if left == 0:
                        continue
                taken = min(left, len(waiting))
                left -= taken
                del waiting[:taken]
                if left == 0:
                    with self._lock:
                        self._requests += 1
                        number = self._requests
                    self._on_request(number)

        return seen
