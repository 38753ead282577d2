"""An orderly end, and clients that go away before they are answered."""

import signal
import socket
import threading
import time

from long_job import ONE_THREAD, images_for, long_query
from open_inference import raw_request, read_answer
from opaline_program import GRADIENTS, PIXELS, expected
from raw_connection import RawConnection, Reply, exchange
from scale import patience
from server_under_test import ServerUnderTest, wait_until
from service_case import ServiceCase, alice, main, query


class DrainCase(ServiceCase):
    @classmethod
    def setUpClass(cls) -> None:
        query(PIXELS)

    def serve(self, *options: str) -> ServerUnderTest:
        self.server = ServerUnderTest([GRADIENTS, PIXELS], *ONE_THREAD, *options)
        self.addCleanup(self.server.stop)
        return self.server

    def at_work(self) -> tuple[int, int]:
        """How many queries are being evaluated, and how many wait."""
        metrics = self.server.metrics()
        return int(metrics["opaline_workers_busy"]), int(metrics["opaline_queue_depth"])

    def begin(self, images: int, behind: int = 0) -> RawConnection:
        """A job, begun: the only worker is at it, or it waits behind so many that were begun before."""
        before = (min(behind, 1), max(behind - 1, 0))
        self.assertTrue(wait_until(lambda: self.at_work() == before, patience(10)), self.at_work())
        connection = self.connect(300)
        connection.send(raw_request(PIXELS, long_query(images)))
        self.assertTrue(wait_until(lambda: self.at_work() == (1, behind), patience(30)), self.at_work())
        return connection


class Drain(DrainCase):
    def refused(self) -> bool:
        """Whether a new client is turned away: no connection, an end without a reply, or 503."""
        try:
            reply = exchange(self.server.address, b"GET /v2/health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
        except OSError:
            return True
        if reply is None:
            return True
        if reply.status == 503:
            self.assertEqual(reply.fields["content-type"].split(";")[0], "application/json")
        return reply.status == 503

    def test_work_in_progress_is_finished(self):
        self.serve("--drain-timeout", str(patience(60)))
        images = images_for(self.server, 4)
        idle = self.connect()
        self.assertEqual(idle.send(b"GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n").reply().status, 200)
        working = self.begin(images)
        self.server.signal(signal.SIGTERM)
        self.assertTrue(wait_until(self.refused, patience(5)))
        reply = working.reply()
        self.assertEqual(reply.status, 200)
        answer = read_answer(reply.fields, reply.body)
        self.assertEqual(alice().decrypt(PIXELS, answer.reply), expected(PIXELS)[:1] * images)
        self.assertTrue(working.waits_for_end(patience(10)))
        self.assertTrue(idle.waits_for_end(patience(10)))
        self.assertEqual(self.server.wait(10), 0)

    def test_nothing_to_finish(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                self.serve()
                with socket.create_connection(self.server.address):
                    self.server.signal(number)
                    start = time.monotonic()
                    self.assertEqual(self.server.wait(10), 0)
                    self.assertLess(time.monotonic() - start, patience(5))

    def test_drain_is_bounded(self):
        self.serve("--drain-timeout", "1")
        working = self.begin(images_for(self.server, patience(15)))
        self.server.signal(signal.SIGTERM)
        start = time.monotonic()
        self.server.wait(60)
        self.assertLess(time.monotonic() - start, patience(8))
        reply = working.reply()
        if reply is not None:
            self.assert_error(reply, 503)

    def test_slow_client_does_not_hold_it_up(self):
        self.serve("--drain-timeout", "1")
        self.connect().send(raw_request(GRADIENTS, query())[:-100])
        self.server.signal(signal.SIGTERM)
        self.server.wait(10)


class GoingAway(DrainCase):
    def gone(self, connection: RawConnection, reset: bool) -> None:
        before = self.server.metric("opaline_cancelled_total")
        if reset:
            connection.reset()
        else:
            connection.close()
        self.assertTrue(
            wait_until(lambda: self.server.metric("opaline_cancelled_total") > before, patience(5)),
            "the work goes on for nobody",
        )

    def test_work_for_nobody_is_given_up(self):
        self.serve("--workers", "1")
        images = images_for(self.server, patience(12))
        for reset in (False, True):
            with self.subTest(reset=reset):
                evaluated = self.server.metric("opaline_inputs_total")
                self.gone(self.begin(images), reset)
                start = time.monotonic()
                reply = self.infer(query())
                self.assertLess(time.monotonic() - start, patience(5))
                self.assert_answers(reply)
                self.assertEqual(self.server.metric("opaline_inputs_total"), evaluated + 1)

    def test_who_only_closes_a_half_is_answered(self):
        self.serve("--workers", "1")
        images = images_for(self.server, patience(1))
        request = raw_request(PIXELS, long_query(images))
        reply = exchange(self.server.address, request, timeout=120, half_close=True)
        answer = read_answer(reply.fields, reply.body)
        self.assertEqual(alice().decrypt(PIXELS, answer.reply), expected(PIXELS)[:1] * images)
        self.assertEqual(self.server.metric("opaline_cancelled_total"), 0)

    def test_work_that_waits_is_given_up(self):
        self.serve("--workers", "1", "--queue", "3")
        first = self.begin(images_for(self.server, patience(8)))
        waiting = [self.begin(20, behind) for behind in (1, 2, 3)]
        self.assert_error(self.infer(query()), 503)
        before = self.server.metric("opaline_cancelled_total")
        for connection in waiting:
            connection.close()
        self.assertTrue(
            wait_until(lambda: self.server.metric("opaline_cancelled_total") == before + 3, patience(5))
        )
        self.assert_answers(self.infer(query()))  # their places are free
        self.assertEqual(first.reply().status, 200)

    def test_health_while_every_worker_works(self):
        self.serve("--workers", "1", "--queue", "1")
        working = [self.begin(images_for(self.server, patience(8))), self.begin(20, 1)]
        for path in ("/v2/health/live", "/v2/health/ready", "/v2", "/metrics"):
            start = time.monotonic()
            self.assertEqual(self.ask("GET", path).status, 200)
            self.assertLess(time.monotonic() - start, patience(4), path)
        self.assertEqual(self.at_work(), (1, 1))  # still: nothing waited for the worker
        reply = self.infer(query())
        self.assert_error(reply, 503)
        self.assertGreaterEqual(int(reply.fields["retry-after"]), 1)
        for connection in working:
            self.assertEqual(connection.reply().status, 200)
        self.assert_answers(self.infer(query()))

    def test_many_at_once(self):
        # Everyone gets an answer or is told to come back; nobody is left hanging.
        self.serve("--workers", "1", "--queue", "4")
        request = raw_request(PIXELS, long_query(20))
        replies: list[Reply | None] = []

        def ask() -> None:
            replies.append(exchange(self.server.address, request, timeout=120))

        threads = [threading.Thread(target=ask) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(replies), 16)
        self.assertIn(200, [reply.status for reply in replies if reply])
        for reply in replies:
            if reply is None or reply.status != 200:
                self.assert_error(reply, 503)
                self.assertIn("retry-after", reply.fields)


if __name__ == "__main__":
    main()
