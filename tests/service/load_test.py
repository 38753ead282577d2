"""Eight clients with keys of their own, fifty digits each, one a request: every integer is right.

Prints what it took. Arguments, all optional: model, layout, and whether queries go in base64 (`json`) or as
they are (`binary`).
"""

import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

from client_process import ClientProcess, Outcome, percentile
from open_inference import raw_request, read_answer
from opaline_program import PIXELS, SAMPLES, KeyHolder, expected
from query_frames import join_replies, take_apart
from scale import scaled
from server_under_test import ServerUnderTest
from service_case import FOLDER, main

CLIENTS = 8
DIGITS_A_CLIENT = scaled(50, 3)


class Load(unittest.TestCase):
    model, layout, binary = PIXELS, "latency", True

    def setUp(self) -> None:
        self.server = ServerUnderTest([self.model])
        self.addCleanup(self.server.stop)
        with ThreadPoolExecutor(2) as pool:
            self.holders = list(
                pool.map(lambda number: KeyHolder(FOLDER, f"client-{number}"), range(CLIENTS))
            )
            self.queries = list(pool.map(self.single_queries, range(CLIENTS)))

    @staticmethod
    def digits(number: int) -> list[int]:
        """Which of the samples a client asks about."""
        return [(number * DIGITS_A_CLIENT + i) % SAMPLES for i in range(DIGITS_A_CLIENT)]

    def single_queries(self, number: int) -> list[bytes]:
        """One query for each digit. They are encrypted together and taken apart, which is sooner done."""
        first = self.digits(number)[0]
        many = self.holders[number].encrypt(self.model, first, first + DIGITS_A_CLIENT, self.layout)
        return [single.seal() for single in take_apart(many).single_images()]

    def measure(self) -> list[Outcome]:
        clients = [
            ClientProcess(
                self.server.address,
                [raw_request(self.model, query, self.binary) for query in queries],
                count=len(queries),
                keep_replies=True,
            )
            for queries in self.queries
        ]
        for client in clients:
            client.go()
        return [client.wait() for client in clients]

    def report(self, outcomes: list[Outcome], what: str) -> None:
        seconds = [one for outcome in outcomes for one in outcome.seconds]
        wall = max(outcome.end for outcome in outcomes) - min(outcome.begin for outcome in outcomes)
        half, most = (1000 * percentile(seconds, share) for share in (0.5, 0.99))
        print(
            f"{what}: {self.model} {self.layout} {'binary' if self.binary else 'json'}: "
            f"{CLIENTS} clients x {DIGITS_A_CLIENT} digits: {len(seconds) / wall:.1f} requests/s, "
            f"p50 {half:.1f} ms, p99 {most:.1f} ms, {self.server.resident_bytes >> 20} MiB",
            flush=True,
        )

    def test_every_integer_is_right(self):
        print(flush=True)
        for what in ("first", "again"):  # again: every key is known to the server
            outcomes = self.measure()
            self.report(outcomes, what)
            for outcome in outcomes:
                self.assertEqual(outcome.failed, [])
        for number, (holder, outcome) in enumerate(zip(self.holders, outcomes)):
            replies = [read_answer(*reply).reply for reply in outcome.replies]
            answers = holder.decrypt(self.model, join_replies(replies))
            for digit, answer in zip(self.digits(number), answers, strict=True):
                self.assertEqual(answer, expected(self.model)[digit], f"client {number}, digit {digit}")


if __name__ == "__main__":
    names = ["model", "layout", "binary"]
    for name, value in zip(names, sys.argv[1:]):
        setattr(Load, name, value == "binary" if name == "binary" else value)
    del sys.argv[1:]
    main()
