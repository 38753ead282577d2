"""A piece of work that keeps the server busy for a while, on whatever machine and build it runs."""

import functools

from open_inference import raw_request
from opaline_program import PIXELS
from query_frames import take_apart
from raw_connection import exchange
from server_under_test import ServerUnderTest
from service_case import query

# For servers whose work has to last: on one thread, so many seconds of computing take as long at least, however
# many cores there are and whoever else uses them.
ONE_THREAD = ["--threads", "1"]

_LARGEST = 45 << 20  # within the largest body, in base64 too


@functools.cache
def long_query(images: int) -> bytes:
    """One digit many times over."""
    return take_apart(query(PIXELS)).repeated(images).seal()


def images_for(server: ServerUnderTest, seconds: float) -> int:
    """So many digits take the server about so long to compute, all threads together."""
    few = 20
    exchange(server.address, raw_request(PIXELS, query(PIXELS)))  # what it remembers of a key and a model
    before = server.cpu_seconds
    reply = exchange(server.address, raw_request(PIXELS, long_query(few)), timeout=120)
    if reply is None or reply.status != 200:
        raise AssertionError(f"the server does not answer: {reply}")
    each = max(server.cpu_seconds - before, 0.01) / few
    return max(few, min(_LARGEST // len(query(PIXELS)), int(seconds / each)))
