"""Senders who do not keep to HTTP, or keep to it too slowly: each gets the status that says so."""

import time

from open_inference import infer_path, json_request, raw_request
from opaline_program import GRADIENTS
from raw_connection import RawConnection, exchange
from scale import patience
from server_under_test import parse_metrics, wait_until
from service_case import ServiceCase, main, query

GET = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"
POST = f"POST {infer_path(GRADIENTS)} HTTP/1.1\r\n".encode()
POST_HOST = POST + b"Host: x\r\nContent-Type: application/json\r\n"
LARGEST = 1_000_000


class HostileCase(ServiceCase):
    def connect_alone(self, receive_buffer: int | None = None) -> RawConnection:
        """An idle connection, when those of the tests before have left the server too."""
        connection = RawConnection(self.server.address, receive_buffer=receive_buffer)
        self.addCleanup(connection.close)

        def alone() -> bool:
            text = connection.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").reply().body.decode()
            return parse_metrics(text)["opaline_connections"] == 1

        self.assertTrue(wait_until(alone, patience(10)), "others do not leave")
        return connection

    def assert_refused(self, data: bytes, *statuses: int, closes: bool = True) -> str:
        """An error, after which the connection is of no more use."""
        with RawConnection(self.server.address, 10) as connection:
            try:
                connection.send(data)
            except ConnectionError:
                pass  # it need not read all of it
            reply = connection.reply()
            message = self.assert_error(reply, *statuses)
            if closes:
                self.assertTrue(reply.closes)
                self.assertTrue(connection.waits_for_end(patience(5)))
        return message

    def tearDown(self) -> None:
        self.assertEqual(exchange(self.server.address, GET).status, 200)
        super().tearDown()


class Slow(HostileCase):
    options = [
        "--header-timeout",
        str(patience(1)),
        "--body-timeout",
        str(patience(1)),
        "--min-rate",
        "1000000",
        "--idle-timeout",
        str(patience(2)),
        "--max-body",
        str(LARGEST),
    ]

    def trickle(self, head: bytes, rest: bytes) -> float:
        """Sends `rest` byte by byte until there is a reply, which must be 408; how long that took."""
        connection = self.connect()
        start = time.monotonic()
        connection.send(head)
        connection.socket.settimeout(0.1)
        for byte in rest:
            try:
                connection.send(bytes([byte]))
            except ConnectionError:
                pass  # closed: what it said before is there all the same
            try:
                reply = connection.reply()
                break
            except TimeoutError:
                continue
        else:
            self.fail("all of it was waited for")
        self.assert_error(reply, 408)
        self.assertTrue(reply.closes)
        connection.socket.settimeout(patience(5))
        return time.monotonic() - start

    def test_header(self):
        for head in (b"G", b"GET /v2 HTTP/1.1\r\n", POST_HOST):
            with self.subTest(head=head):
                took = self.trickle(head, b"X-Long: " + b"x" * 2000)
                self.assertLess(took, patience(5))
                self.assertGreater(took, patience(0.5))

    def test_header_that_stops(self):
        start = time.monotonic()
        self.assert_refused(b"GET /v2 HTTP/1.1\r\nHost", 408)
        self.assertLess(time.monotonic() - start, patience(5))

    def test_second_header(self):
        connection = self.connect().send(GET)
        self.assertEqual(connection.reply().status, 200)
        connection.send(b"GET /v2")
        self.assert_error(connection.reply(), 408)

    def test_body(self):
        for head in (
            POST_HOST + b"Content-Length: 100000\r\n\r\n",
            POST_HOST + b"Transfer-Encoding: chunked\r\n\r\n186a0\r\n",
        ):
            with self.subTest(head=head):
                self.assertLess(self.trickle(head, b"x" * 2000), patience(5))

    def test_body_that_stops(self):
        request = raw_request(GRADIENTS, query())
        for data in (
            request[:-1],
            request.partition(b"\r\n\r\n")[0] + b"\r\n\r\n",
            POST_HOST + b"Transfer-Encoding: chunked\r\n\r\n",
            POST_HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n",
        ):
            with self.subTest(data=data[-20:]):
                start = time.monotonic()
                self.assert_refused(data, 408)
                self.assertLess(time.monotonic() - start, patience(5))

    def test_fast_enough_is_served(self):
        # Slow in itself, but within what the time limits grant.
        request = raw_request(GRADIENTS, query())
        for _ in range(5):
            connection = self.connect()
            begin = time.monotonic()
            try:
                for start in range(0, len(request), 2000):
                    connection.send(request[start : start + 2000])
                    time.sleep(0.05)
            except ConnectionError:
                pass
            took = time.monotonic() - begin
            reply = connection.reply()
            if took < patience(0.9):
                break  # or it was this machine that was too slow
        self.assert_answers(reply)

    def test_silence(self):
        start = time.monotonic()
        silent, finished = self.connect(), self.connect().send(GET)
        self.assertEqual(finished.reply().status, 200)
        for connection in (silent, finished):
            self.assertTrue(connection.waits_for_end(patience(10)))
        self.assertGreater(time.monotonic() - start, patience(1))

    def test_replies_that_nobody_reads(self):
        connection = self.connect_alone(receive_buffer=2048)
        base = self.server.open_files  # with this connection
        before = self.server.resident_bytes
        connection.socket.settimeout(0.5)
        try:
            for _ in range(100_000):
                connection.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
        except OSError:
            pass  # its buffers and ours are full, or it has had enough
        self.assertTrue(wait_until(lambda: self.server.open_files < base, patience(15)), "it waits for ever")
        self.assertLess(self.server.resident_bytes - before, 64 << 20)


class HalfClosed(HostileCase):
    options = ["--header-timeout", "60", "--body-timeout", "60"]

    def ended(self, data: bytes):
        return exchange(self.server.address, data, 10, half_close=True)

    def test_after_a_whole_request(self):
        self.assertEqual(self.ended(GET).status, 200)
        self.assert_answers(self.ended(raw_request(GRADIENTS, query())))

    def test_before_and_within_a_request(self):
        request = raw_request(GRADIENTS, query())
        body = request.index(b"\r\n\r\n") + 4
        for cut in (0, 1, 10, body - 2, body, body + 1, body + 100, len(request) - 1):
            with self.subTest(cut=cut):
                start = time.monotonic()
                reply = self.ended(request[:cut])
                if reply is not None:
                    self.assert_error(reply, 400, 408)
                self.assertLess(time.monotonic() - start, patience(5))

    def test_gone_at_once(self):
        request = raw_request(GRADIENTS, query())
        for cut in (0, 1, 100, len(request) // 2, len(request)):
            for reset in (False, True):
                connection = RawConnection(self.server.address).send(request[:cut])
                (connection.reset if reset else connection.close)()


class Oversized(HostileCase):
    options = [
        "--max-body",
        str(LARGEST),
        "--max-bodies",
        str(7 * LARGEST // 2),
        "--body-timeout",
        "60",
        "--max-connections",
        "40",
    ]

    def test_length_announced(self):
        for length in (LARGEST + 1, 10**12, 2**63 - 1, 2**64 - 1):
            with self.subTest(length=length):
                self.assert_refused(POST_HOST + b"Content-Length: %d\r\n\r\n" % length, 413)
        for length in (2**64, 10**40):
            with self.subTest(length=length):
                self.assert_refused(POST_HOST + b"Content-Length: %d\r\n\r\n" % length, 400, 413)

    def test_chunks(self):
        head = POST_HOST + b"Transfer-Encoding: chunked\r\n\r\n"
        self.assert_refused(head + b"%x\r\n" % (LARGEST + 1), 413)
        self.assert_refused(head + b"ffffffffffffffff\r\n", 413, 400)
        self.assert_refused(head + b"186a0\r\n%b\r\n" % (b" " * 100_000) * 12, 413)
        self.assert_refused(head + b"1;%b\r\n" % (b"x" * 200_000), 400, 413, 431)

    def test_sender_who_does_not_stop_can_read_why(self):
        # A body that comes all the same: the refusal must not be lost to a reset.
        _, body = json_request(b"\0" * (4 * LARGEST))
        for _ in range(10):
            self.assertEqual(
                self.ask("POST", infer_path(GRADIENTS), body, {"Content-Type": "application/json"}).status,
                413,
            )

    def test_largest_body(self):
        body = b" " * (LARGEST - 2) + b"{}"
        self.assert_error(
            self.ask("POST", infer_path(GRADIENTS), body, {"Content-Type": "application/json"}), 400
        )

    def test_header(self):
        for what, data in {
            "a field": b"X: " + b"x" * 100_000 + b"\r\n",
            "many fields": b"X: x\r\n" * 20_000,
            "a name": b"x" * 100_000 + b": x\r\n",
        }.items():
            with self.subTest(what):
                self.assert_refused(b"GET /v2 HTTP/1.1\r\nHost: x\r\n" + data + b"\r\n", 431)
        self.assert_refused(b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, 431)
        self.assert_refused(b"x" * 100_000, 400, 431)

    def test_bodies_together(self):
        head = POST_HOST + b"Content-Length: %d\r\n\r\n" % LARGEST
        before = self.server.resident_bytes
        holding = [self.connect().send(head + b" " * (LARGEST - 1)) for _ in range(3)]
        self.assertTrue(wait_until(lambda: self.server.unread_bytes == 0, patience(10)), "it stopped reading")
        reply = exchange(self.server.address, head + b" " * (LARGEST - 1))
        self.assert_error(reply, 503)
        self.assertGreaterEqual(int(reply.fields["retry-after"]), 1)
        self.assertLess(self.server.resident_bytes - before, 32 << 20)
        for connection in holding:
            self.assert_error(connection.send(b" ").reply(), 400)
        self.assert_answers(self.infer(query()))

    def test_idle_connections_make_room(self):
        held = [self.connect_alone()]
        held += [self.connect() for _ in range(39)]
        self.assertEqual({connection.send(GET).reply().status for connection in held}, {200})
        self.assert_answers(self.infer(query()))
        # The one that has been idle longest: which that is depends on the server's threads.
        self.assertTrue(any(connection.waits_for_end(patience(0.2)) for connection in held))

    def test_busy_connections_do_not(self):
        held = [self.connect_alone()]
        held += [self.connect() for _ in range(39)]
        head = POST_HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        # A body is asked for once a connection is at work.
        self.assertEqual({connection.send(head).reply().status for connection in held}, {100})
        for _ in range(3):
            reply = exchange(self.server.address, GET)
            self.assert_error(reply, 503)
            self.assertGreaterEqual(int(reply.fields["retry-after"]), 1)
        for connection in held:
            self.assert_error(connection.send(b"{}").reply(), 400)
            connection.close()
        self.assertTrue(
            wait_until(lambda: exchange(self.server.address, GET).status == 200, patience(10)), "still full"
        )


class Malformed(HostileCase):
    def test_request_lines(self):
        for line in (
            b"GARBAGE",
            b"GET /v2",
            b"GET",
            b"GET /v2 HTTP/1.1 x",
            b"GET /v2 HTTX/1.1",
            b"GET /v2 HTTP/1",
            b"GET\t/v2\tHTTP/1.1",
            b" GET /v2 HTTP/1.1",
            b"GET /v2 http/1.1",
            b"G\0T /v2 HTTP/1.1",
            b"GET /v\0 HTTP/1.1",
            b"GET /v2 HTTP/\xff.1",
            b"{}",
            b"\xff\xfe\xfd",
        ):
            with self.subTest(line=line):
                self.assert_refused(line + b"\r\nHost: x\r\n\r\n", 400)
        for line in (b"GET /v2 HTTP/2.0", b"GET /v2 HTTP/9.9", b"GET /v2 HTTP/0.9", b"PRI * HTTP/2.0"):
            with self.subTest(line=line):
                self.assert_refused(line + b"\r\nHost: x\r\n\r\n", 400, 505)

    def test_unknown_methods(self):
        for method in (b"BREW", b"get", b"OPTIONS", b"TRACE", b"CONNECT", b"PROPFIND"):
            with self.subTest(method=method):
                reply = exchange(self.server.address, method + b" /v2 HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assert_error(reply, 400, 405, 501)

    def test_fields(self):
        for field in (
            b"no colon",
            b": no name",
            b"a b: x",
            b"X : x",
            b"X: a\0b",
            b"X: a\rb",
            b"\xff: x",
            b"X\0: x",
            b"(x): x",
        ):
            with self.subTest(field=field):
                self.assert_refused(b"GET /v2 HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n" % field, 400)

    def test_host(self):
        for what, hosts in {"none": b"", "two": b"Host: x\r\nHost: y\r\n"}.items():
            with self.subTest(what):
                self.assert_refused(b"GET /v2 HTTP/1.1\r\n" + hosts + b"\r\n", 400)

    def test_lengths_that_two_readers_could_take_differently(self):
        for fields in (
            b"Content-Length: x",
            b"Content-Length: -1",
            b"Content-Length: +2",
            b"Content-Length: 0x2",
            b"Content-Length: 2 2",
            b"Content-Length: 2\r\nContent-Length: 3",
            b"Content-Length: 2, 3",
            b"Content-Length:",
            b"Transfer-Encoding: chunked\r\nContent-Length: 2",
            b"Content-Length: 2\r\nTransfer-Encoding: chunked",
            b"Content-Length: 2\r\n Content-Length: 3",
        ):
            with self.subTest(fields=fields):
                self.assert_refused(POST_HOST + fields + b"\r\n\r\n{}", 400)
        for fields in (
            b"Transfer-Encoding: gzip",
            b"Transfer-Encoding: gzip, chunked",
            b"Transfer-Encoding: identity",
            b"Transfer-Encoding: chunked, gzip",
            b"Transfer-Encoding: xchunked",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        ):
            with self.subTest(fields=fields):
                self.assert_refused(POST_HOST + fields + b"\r\n\r\n0\r\n\r\n", 400, 411, 415, 501)

    def test_no_request_hides_in_another(self):
        hidden = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"
        connection = self.connect()
        connection.send(POST_HOST + b"Content-Length: %d\r\n\r\n" % len(hidden) + hidden)
        self.assert_error(connection.reply(), 400)  # it was a body, and no JSON
        connection.send(GET)
        self.assertEqual(connection.reply().body, b'{"live":true}')
        with RawConnection(self.server.address) as refused:
            refused.send(
                POST_HOST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden
            )
            self.assert_error(refused.reply(), 400)
            self.assertIsNone(refused.reply())

    def test_other_protocols(self):
        hello = bytes.fromhex("16030100c4010000c00303") + bytes(range(185))
        for data in (
            hello,
            b"\0" * 100,
            b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
            b"EHLO x\r\n\r\n",
            bytes(range(256)) * 8,
        ):
            with RawConnection(self.server.address) as connection:
                connection.send(data)
                connection.half_close()
                reply = connection.reply()
                if reply is not None:
                    self.assert_error(reply, 400, 408, 431)

    def test_paths(self):
        for target in (
            b"/v2/models/../health/live",
            b"/v2/../v2",
            b"/../../../../etc/passwd",
            b"//v2",
            b"/v2//health/live",
            b"/v2/./health/live",
            b"/v2%2fhealth/live",
            b"/v2/models/%2e%2e/health/live",
            b"/v2/models/%",
            b"/v2/models/%zz",
            b"/v2/models/%ff",
            b"/v2/models/..%2f..%2fetc%2fpasswd/spec",
            b"/v2/models/%00/spec",
            b"/v2/models/" + GRADIENTS.encode() + b"%00/spec",
            b"/v2/models/" + GRADIENTS.encode() + b";x/spec",
            b"/v2/models/" + GRADIENTS.encode() + b".server",
            b"/v2/models/" + GRADIENTS.encode() + b"/spec/../../../../etc/passwd",
            b"/v2/models/" + GRADIENTS.encode() + b"/versions/../spec",
            b"/v2/models/\xc3\xa9/spec",
            b"\\v2",
            b"v2",
            b"*",
            b"?",
            b"/V2",
            b"http://x/../etc/passwd",
            b"/v2/models//spec",
            b"/v2/models/" + GRADIENTS.upper().encode() + b"/spec",
        ):
            with self.subTest(target=target):
                self.assert_refused(
                    b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400, 404, closes=False
                )

    def test_what_was_sent_comes_back_only_as_text_in_json(self):
        target = b'/v2/models/%3Cscript%3E"\\%0d%0aX-Injected:%201'
        reply = exchange(self.server.address, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assert_error(reply, 400, 404)
        self.assertNotIn("x-injected", reply.fields)


class Crowd(HostileCase):
    """Five hundred who connect and say nothing."""

    options = ["--max-connections", "600", "--idle-timeout", str(patience(8))]  # time for all to connect

    def test_idle_connections(self):
        before = self.server.open_files
        idle = [self.connect() for _ in range(500)]
        for connection in idle[::2]:
            self.assertEqual(connection.send(GET).reply().status, 200)
        self.assert_answers(self.infer(query()))
        self.assertLess(self.server.resident_bytes, 400 << 20)
        for connection in idle:
            self.assertTrue(connection.waits_for_end(patience(30)))
            connection.close()
        self.assertTrue(wait_until(lambda: self.server.open_files <= before + 1, patience(5)))

    def test_connections_that_come_and_go(self):
        before = self.server.open_files
        for number in range(2000):
            connection = RawConnection(self.server.address)
            (connection.reset if number % 2 else connection.close)()
        self.assertTrue(wait_until(lambda: self.server.open_files <= before + 1, patience(10)))
        self.assertTrue(wait_until(lambda: self.server.threads < 100, patience(10)))


if __name__ == "__main__":
    main()
