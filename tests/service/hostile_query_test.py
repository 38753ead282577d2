"""Bodies and queries that are damaged, forged or foreign: refused with the status that says why."""

import base64
import json
import random
import threading
import time

from open_inference import binary_request, infer_path, json_request, raw_request, tensor
from opaline_program import GRADIENTS, PIXELS, KeyHolder, model_id, run, client_file, DIGITS
from query_frames import Query, take_apart
from raw_connection import RawConnection, Reply, exchange
from scale import patience, scaled
from service_case import FOLDER, ServiceCase, alice, main, query

RANDOM = random.Random(20)  # the same every time


def secret_primes() -> tuple[int, int]:
    """The factors of the client's own key."""

    def number(text: str) -> int:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")

    key = json.loads(alice().key.read_text(encoding="utf-8"))
    return number(key["p"]), number(key["q"])


class QueryCase(ServiceCase):
    def setUp(self) -> None:
        self.connection = RawConnection(self.server.address, 60)
        self.addCleanup(lambda: self.connection.close())
        self.query = take_apart(query())

    def send(self, data: bytes, extra: dict[str, str] | None = None, model: str = GRADIENTS) -> Reply:
        """A query's reply, on the same connection as long as the server keeps it."""
        reply = self.connection.send(raw_request(model, data, extra=extra)).reply()
        self.assertIsNotNone(reply, "closed instead of an answer")
        if reply.closes:
            self.connection.close()
            self.connection = RawConnection(self.server.address, 60)
        return reply

    def send_parts(self, parts: Query) -> Reply:
        return self.send(parts.seal())

    def tearDown(self) -> None:
        self.assert_answers(self.send(query()))


class Damaged(QueryCase):
    # Short, since a flipped bit can make a request wait for more than there is.
    options = [
        "--header-timeout",
        str(patience(1)),
        "--body-timeout",
        str(patience(1)),
        "--min-rate",
        "1000000",
    ]

    def test_prefixes(self):
        whole = query()
        lengths = set(range(scaled(400, 30))) | {len(whole) - 1 - i for i in range(scaled(60, 5))}
        lengths |= set(RANDOM.sample(range(len(whole)), scaled(300, 30)))
        for length in sorted(lengths):
            with self.subTest(length=length):
                self.assert_error(self.send(whole[:length]), 400)

    def test_more_than_a_query(self):
        for tail in (b"x", b"OPAL", query(), query()[-100:]):
            with self.subTest(tail=tail[:4]):
                self.assert_error(self.send(query() + tail), 400)

    def test_flipped_bits(self):
        whole = query()
        first = scaled(100, 10)  # the header's every bit
        bits = list(range(8 * first)) + RANDOM.sample(range(8 * first, 8 * len(whole)), scaled(500, 50))
        for bit in bits:
            with self.subTest(bit=bit):
                changed = bytearray(whole)
                changed[bit // 8] ^= 1 << bit % 8
                # 413: the length of a frame, which is believed before its digest can be looked at.
                self.assert_error(self.send(bytes(changed)), 400, 413)

    def test_flipped_bits_of_a_body(self):
        for make in (json_request, binary_request):
            fields, body = make(query())
            for bit in RANDOM.sample(range(8 * min(len(body), 400)), scaled(300, 30)):
                with self.subTest(make=make.__name__, bit=bit):
                    changed = bytearray(body)
                    changed[bit // 8] ^= 1 << bit % 8
                    reply = self.ask("POST", infer_path(GRADIENTS), bytes(changed), fields)
                    if reply.status != 200:  # one of another name for what nobody looks at
                        self.assert_error(reply, 400, 413)

    def test_flipped_bits_of_a_header(self):
        request = raw_request(GRADIENTS, query())
        end = request.index(b"\r\n\r\n") + 4
        for bit in RANDOM.sample(range(8 * end), scaled(150, 20)):
            with self.subTest(bit=bit):
                changed = bytearray(request)
                changed[bit // 8] ^= 1 << bit % 8
                reply = exchange(self.server.address, bytes(changed), 10)
                if reply is not None and reply.status != 200:
                    self.assert_error(reply, 400, 404, 405, 408, 411, 413, 415, 417, 501, 505)

    def test_prefixes_of_a_request(self):
        request = raw_request(GRADIENTS, query(), binary=False)
        for length in sorted(RANDOM.sample(range(len(request)), scaled(200, 20))):
            with self.subTest(length=length):
                reply = exchange(self.server.address, request[:length], 10, half_close=True)
                if reply is not None:
                    self.assert_error(reply, 400, 408)


class Forged(QueryCase):
    """The digests are right: someone who knows the format made them."""

    def test_sealed_again(self):
        self.assert_answers(self.send_parts(self.query.with_header(5, b"12345678")))

    def test_ciphertexts_that_are_no_units(self):
        n, (p, q) = self.query.n, secret_primes()
        self.assertEqual(p * q, n)
        wrong = {
            "0": 0,
            "n": n,
            "2n": 2 * n,
            "n² - n": n * n - n,
            "p": p,
            "q": q,
            "p²": p * p,
            "q²": q * q,
            "a multiple of p": p * RANDOM.randrange(n),
            "a multiple of q": q * RANDOM.randrange(n),
            "n²": n * n,
            "n² + 1": n * n + 1,
            "all bits": (1 << 8 * self.query.width) - 1,
        }
        last = len(self.query.chunks[0]) // self.query.width - 1
        for what, value in wrong.items():
            for place in (0, last):
                with self.subTest(what, place=place):
                    self.assert_error(self.send_parts(self.query.with_ciphertext(place, value)), 400)

    def test_units_are_answered_whatever_they_are(self):
        n = self.query.n
        for what, value in {"1": 1, "-1": n * n - 1, "2": 2, "1 + n": 1 + n}.items():
            with self.subTest(what):
                self.assertEqual(self.send_parts(self.query.with_ciphertext(0, value)).status, 200)

    def test_keys(self):
        n = self.query.n
        wrong = {
            "no key": 0,
            "1": 1,
            "small": 35,
            "512 bits": n >> 1536 | 1,
            "2047 bits": n >> 1 | 1,
            "even": n - 1,
            "a multiple of 3": n - n % 3 if (n - n % 3) % 2 else n - n % 3 - 3,
            "a square": (1 << 1024 | 0x105) ** 2,
        }
        for what, value in wrong.items():
            with self.subTest(what):
                data = value.to_bytes((value.bit_length() + 7) // 8, "big")
                self.assert_error(self.send_parts(self.query.with_header(1, data)), 400)
        with self.subTest("leading zero"):
            self.assert_error(self.send_parts(self.query.with_header(1, b"\0" + self.query.header[1])), 400)
        for bits in (8192, 65536):
            with self.subTest(bits=bits):
                data = RANDOM.randbytes(bits // 8 - 1) + b"\1"
                self.assert_error(self.send_parts(self.query.with_header(1, b"\xc0" + data[1:])), 400, 413)

    def test_header(self):
        wrong = {
            "no images": (4, 0),
            "many images": (4, (1 << 20) + 1),
            "images without end": (4, (1 << 64) - 1),
            "one more image than there is": (4, 2),
            "short nonce": (5, b"1234567"),
            "long nonce": (5, b"123456789"),
            "no layout": (3, b""),
            "layout of nothing": (3, bytes.fromhex("0800100018002000")),
            "layout that is no message": (3, b"\xff" * 10),
            "an id too short": (2, self.query.header[2][:31]),
            "layout of huge numbers": (
                3,
                bytes.fromhex(
                    "08ffffffffffffffff7f10ffffffffffffffff7f"
                    "18ffffffffffffffff7f20ffffffffffffffff7f28ffffffff0f"
                ),
            ),
        }
        for what, (field, value) in wrong.items():
            with self.subTest(what):
                self.assert_error(self.send_parts(self.query.with_header(field, value)), 400, 413)

    def test_another_model(self):
        for identifier in (bytes(32), bytes.fromhex(model_id(PIXELS))):
            self.assert_error(self.send_parts(self.query.with_header(2, identifier)), 409)

    def test_chunks(self):
        chunk, width = self.query.chunks[0], self.query.width
        for what, chunks in {
            "none": [],
            "two": [chunk, chunk],
            "empty": [b""],
            "a byte less": [chunk[:-1]],
            "a byte more": [chunk + b"\0"],
            "a ciphertext less": [chunk[:-width]],
            "a ciphertext more": [chunk + chunk[:width]],
        }.items():
            with self.subTest(what):
                reply = self.send_parts(Query(self.query.heads, self.query.header, chunks))
                self.assert_error(reply, *((400, 413) if "more" in what else (400,)))

    def test_frames_that_lie_about_their_length(self):
        whole = query()
        for length in (0, 1, len(whole), 1 << 31, 1 << 40, (1 << 63) - 1, (1 << 64) - 1):
            for start in (0, whole.index(b"OPALQCHK")):
                with self.subTest(length=length, start=start):
                    changed = whole[: start + 12] + length.to_bytes(8, "little") + whole[start + 20 :]
                    self.assert_error(self.send(changed), 400, 413)

    def test_other_files(self):
        for what, data in {
            "a spec": client_file(GRADIENTS).read_bytes(),
            "a reply": self.reply(),
            "a key": alice().key.read_bytes(),
            "digits": DIGITS.read_bytes(),
        }.items():
            with self.subTest(what):
                self.assert_error(self.send(data), 400)

    def reply(self) -> bytes:
        return self.assert_answers(self.send(query())).reply


class Messages(QueryCase):
    def infer_json(self, body: bytes) -> Reply:
        return self.ask("POST", infer_path(GRADIENTS), body, {"Content-Type": "application/json"})

    def test_deep_json(self):
        for depth in (17, 100, 10_000, 1_000_000):
            for open_, close in ((b"[", b"]"), (b'{"a":', b"}")):
                for ends in (b"", b"1" + close * depth):
                    with self.subTest(depth=depth, open=open_, whole=bool(ends)):
                        self.assert_error(self.infer_json(open_ * depth + ends), 400, 413)

    def test_deep_json_within_a_good_message(self):
        for depth, status in ((5, 200), (1000, 400)):
            with self.subTest(depth=depth):
                good = json.dumps({"inputs": [tensor(query())]})
                deep = "[" * depth + "]" * depth
                reply = self.infer_json((good[:-1] + ',"parameters":{"x":' + deep + "}}").encode())
                if status == 200:
                    self.assert_answers(reply)
                else:
                    self.assert_error(reply, 400, 413)

    def test_odd_json(self):
        good = json.dumps({"inputs": [tensor(query())]}).encode()
        for what, body in {
            "numbers without end": b'{"id":1' + b"0" * 100_000 + b"}",
            "a huge exponent": b'{"x":1e999999999}',
            "not a number": b'{"inputs":NaN}',
            "a comment": b"/* */" + good,
            "a trailing comma": b"[1,]",
            "half a surrogate": b'{"id":"\\ud800"}',
            "control characters": b'{"id":"\n"}',
            "many members": b"{" + b",".join(b'"%d":0' % i for i in range(50_000)) + b"}",
            "many empty lists": b"[" + b"[]," * 100_000 + b"[]]",
            "a long name": b'{"' + b"x" * 1_000_000 + b'":0}',
        }.items():
            with self.subTest(what):
                self.assert_error(self.infer_json(body), 400, 413)

    def test_large_json(self):
        # Members are the worst: a parser that compares each with all before it is busy for hours.
        size = scaled(16 << 20, 1 << 20)
        members = b",".join(b'"%d":0' % i for i in range(size // 11))
        for what, body in {
            "members": b"{" + members + b"}",
            "members of a good message": json.dumps({"inputs": [tensor(query())]}).encode()[:-1]
            + b',"parameters":{'
            + members
            + b"}}",
            "empty lists": b"[" + b"[]," * (size // 3) + b"[]]",
            "empty texts": b"[" + b'"",' * (size // 3) + b'""]',
            "white space": b"\n" * size + b"!",
        }.items():
            with self.subTest(what):
                replies = []
                asking = threading.Thread(
                    target=lambda body=body, replies=replies: replies.append(self.infer_json(body)), daemon=True
                )
                began = time.monotonic()
                asking.start()
                self.assertEqual(self.ask("GET", "/v2/health/live").status, 200)
                asking.join(patience(20))
                self.assertTrue(replies, "no answer in time")
                self.assert_error(replies[0], 400)
                self.assertLess(time.monotonic() - began, patience(20))

    def test_long_lists(self):
        for what, message in {
            "inputs": {"inputs": [tensor(b"")] * 10_000},
            "data": {"inputs": [tensor(query(), data=[""] * 100_000)]},
            "shape": {"inputs": [tensor(query(), shape=[1] * 100_000)]},
            "outputs": {"inputs": [tensor(query())], "outputs": [{"name": "reply"}] * 10_000},
        }.items():
            with self.subTest(what):
                self.assert_error(self.infer_json(json.dumps(message).encode()), 400)


class Limits(QueryCase):
    options = ["--max-ciphertexts", "40", "--max-key-bits", "2048", "--max-json-depth", "4"]
    # Of those, a query of one digit takes fewer; its JSON is not deeper than that: {[{[…]}]}.

    def test_ciphertexts(self):
        width = self.query.width
        one = len(self.query.chunks[0]) // width
        fits = self.query.repeated(40 // one)
        self.assertEqual(self.send_parts(fits).status, 200)
        self.assert_error(self.send_parts(self.query.repeated(40 // one + 1)), 413)
        # Told by the header alone.
        self.assert_error(self.send_parts(self.query.with_header(4, 1000)), 413)

    def test_key_bits(self):
        holder = KeyHolder.__new__(KeyHolder)
        holder.folder, holder.key = FOLDER, FOLDER / "large.key"
        run("keygen", "--bits", "3072", "--output", FOLDER / "large")
        self.assert_error(self.send(holder.encrypt(GRADIENTS, 0, 1)), 400, 413)

    def test_json_depth(self):
        body = json.dumps({"inputs": [tensor(query())], "parameters": {"a": {"b": {"c": 1}}}}).encode()
        reply = self.ask("POST", infer_path(GRADIENTS), body, {"Content-Type": "application/json"})
        self.assert_answers(reply)
        body = body.replace(b'{"c": 1}', b'{"c": {"d": 1}}')
        reply = self.ask("POST", infer_path(GRADIENTS), body, {"Content-Type": "application/json"})
        self.assert_error(reply, 400, 413)


if __name__ == "__main__":
    main()
