"""A piece of work that keeps the server busy for a while, on whatever machine and build it runs."""

import functools
import time

from open_inference import raw_request
from opaline_program import PIXELS
from query_frames import take_apart
from raw_connection import exchange
from service_case import query


@functools.cache
def long_query(images: int) -> bytes:
    """One digit many times over."""
    return take_apart(query(PIXELS)).repeated(images).seal()


def images_for(address: tuple[str, int], seconds: float) -> int:
    """So many digits take the server about so long."""
    few = 20
    exchange(address, raw_request(PIXELS, query(PIXELS)))  # what it remembers of a key and a model
    start = time.monotonic()
    reply = exchange(address, raw_request(PIXELS, long_query(few)), timeout=120)
    if reply is None or reply.status != 200:
        raise AssertionError(f"the server does not answer: {reply}")
    most = 1500  # within the largest body
    return max(few, min(most, int(few * seconds / (time.monotonic() - start))))
