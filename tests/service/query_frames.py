"""Queries and replies taken apart and sealed again by one who knows the format: digests find no malice.

A query is frames in a row: "OPAL", kind, version (u32), length (u64), payload, SHA-256. The first, QHDR, has
the key, the model and the layout; a QCHK with ciphertexts follows for every chunk, and its digest begins with
the header frame's. Replies are made likewise.
"""

import hashlib
import os
from dataclasses import dataclass, replace

_BEFORE_PAYLOAD = 4 + 4 + 4 + 8
_DIGEST = 32


def _varint(value: int) -> bytes:
    result = bytearray()
    while value > 127:
        result.append(value & 127 | 128)
        value >>= 7
    result.append(value)
    return bytes(result)


def _fields(payload: bytes) -> list[tuple[int, int | bytes]]:
    """The fields of a protobuf message that has only numbers and bytes."""

    def number() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = payload[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    place, found = 0, []
    while place < len(payload):
        tag = number()
        value: int | bytes = number()
        if tag & 7 == 2:
            value, place = payload[place : place + value], place + value
        found.append((tag >> 3, value))
    return found


def _message(fields: dict[int, int | bytes]) -> bytes:
    """A protobuf message of those fields that are not 0 or empty, as proto3 writes it."""
    result = b""
    for number, value in sorted(fields.items()):
        if isinstance(value, bytes) and value:
            result += _varint(number << 3 | 2) + _varint(len(value)) + value
        elif not isinstance(value, bytes) and value:
            result += _varint(number << 3) + _varint(value)
    return result


def _frame(head: bytes, payload: bytes, context: bytes) -> bytes:
    body = head + len(payload).to_bytes(8, "little") + payload
    return body + hashlib.sha256(context + body).digest()


@dataclass(frozen=True)
class Query:
    """A query's parts. `heads` are the first twelve bytes of its two kinds of frames."""

    heads: tuple[bytes, bytes]
    header: dict[int, int | bytes]  # 1: n, 2: model id, 3: layout, 4: images, 5: nonce
    chunks: list[bytes]  # ciphertexts, each of `width` bytes

    @property
    def n(self) -> int:
        return int.from_bytes(self.header[1], "big")

    @property
    def width(self) -> int:
        return (2 * self.n.bit_length() + 7) // 8

    def with_header(self, field: int, value: int | bytes) -> "Query":
        return replace(self, header={**self.header, field: value})

    def with_ciphertext(self, place: int, value: int) -> "Query":
        """Another number in place of a ciphertext of the first chunk."""
        start = place * self.width
        changed = bytearray(self.chunks[0])
        changed[start : start + self.width] = value.to_bytes(self.width, "big")
        return replace(self, chunks=[bytes(changed), *self.chunks[1:]])

    def repeated(self, count: int) -> "Query":
        """The same chunks `count` times: a long piece of work that was quick to encrypt."""
        return replace(self.with_header(4, self.header[4] * count), chunks=self.chunks * count)

    def single_images(self) -> list["Query"]:
        """A query of its own for each chunk, where each chunk is one image."""
        if len(self.chunks) != self.header[4]:
            raise ValueError("several images share a chunk")
        return [
            replace(self, chunks=[chunk]).with_header(4, 1).with_header(5, os.urandom(8))
            for chunk in self.chunks
        ]

    def seal(self) -> bytes:
        first = _frame(self.heads[0], _message(self.header), b"")
        context = hashlib.sha256(first).digest()
        return first + b"".join(
            _frame(self.heads[1], _message({1: index, 2: chunk}), context)
            for index, chunk in enumerate(self.chunks)
        )


def join_replies(replies: list[bytes]) -> bytes:
    """One reply of many under the same key and in the same layout, which is sooner decrypted."""
    parts = [take_apart(reply) for reply in replies]
    images = sum(one.header[4] for one in parts)
    chunks = [chunk for one in parts for chunk in one.chunks]
    return replace(parts[0], chunks=chunks).with_header(4, images).seal()


def take_apart(query: bytes) -> Query:
    frames = []
    place = 0
    while place < len(query):
        length = int.from_bytes(query[place + 12 : place + _BEFORE_PAYLOAD], "little")
        payload = place + _BEFORE_PAYLOAD
        frames.append((query[place : place + 12], dict(_fields(query[payload : payload + length]))))
        place = payload + length + _DIGEST
    parts = Query((frames[0][0], frames[1][0]), frames[0][1], [chunk[2] for _, chunk in frames[1:]])
    if parts.seal() != query:
        raise ValueError("the format of queries is not the one that these tests know")
    return parts
