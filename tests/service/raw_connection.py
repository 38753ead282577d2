"""A connection on which a test says every byte itself."""

import socket
import struct
import time
from dataclasses import dataclass

from scale import patience


@dataclass(frozen=True)
class Reply:
    status: int
    fields: dict[str, str]  # names in lower case
    body: bytes

    @property
    def closes(self) -> bool:
        return self.fields.get("connection", "").lower() == "close"


class RawConnection:
    """Closed by the end of a `with`, or by hand."""

    def __init__(self, address: tuple[str, int], timeout: float = 30, receive_buffer: int | None = None):
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(patience(timeout))
        self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = bytearray()

    def __enter__(self) -> "RawConnection":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def send(self, data: bytes) -> "RawConnection":
        self.socket.sendall(data)
        return self

    def half_close(self) -> None:
        """Says that nothing more will be sent, and goes on reading."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Closes with a reset instead of an end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _more(self) -> bool:
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionError:  # closed with bytes of ours unread
            data = b""
        self._read += data
        return bool(data)

    def reply(self, head_only: bool = False) -> Reply | None:
        """The next reply, 100 Continue included; None if the other side closed instead of beginning one."""
        while b"\r\n\r\n" not in self._read:
            if not self._more():
                if self._read:
                    raise ConnectionError(f"closed within a reply's header: {bytes(self._read)!r}")
                return None
        head, _, rest = bytes(self._read).partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        protocol, status = first.split(" ")[:2]
        if protocol != "HTTP/1.1" and protocol != "HTTP/1.0":
            raise ConnectionError(f"not a reply: {first}")
        fields = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }
        length = 0 if head_only or status == "100" else int(fields["content-length"])
        self._read = bytearray(rest)
        while len(self._read) < length:
            if not self._more():
                raise ConnectionError("closed within a reply's body")
        body = bytes(self._read[:length])
        del self._read[:length]
        return Reply(int(status), fields, body)

    def waits_for_end(self, seconds: float) -> bool:
        """Whether the other side closes within so many seconds; what it says before that is dropped."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                if not self._more():
                    return True
            except TimeoutError:
                break
            self._read.clear()
        return False


def exchange(
    address: tuple[str, int], data: bytes, timeout: float = 30, half_close: bool = False
) -> Reply | None:
    """The reply to what is sent on a connection of its own."""
    with RawConnection(address, timeout) as connection:
        try:
            connection.send(data)
        except ConnectionError:
            pass  # refused early: the reply is there all the same
        if half_close:
            connection.half_close()
        while (reply := connection.reply()) is not None and reply.status == 100:
            pass  # an interim reply may come before any other
        return reply
