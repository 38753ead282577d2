"""kill -9 in the middle of the work: clients finish by asking again."""

import json
import shutil
import subprocess
import threading
import time
import unittest

from balancer import Balancer
from long_job import images_for, long_query
from open_inference import infer_path, json_request
from opaline_program import DIGITS, GRADIENTS, PIXELS, PROGRAM, expected, integers
from raw_connection import RawConnection
from scale import patience, scaled
from server_under_test import ServerUnderTest
from service_case import FOLDER, alice, main, query


def has_classify() -> bool:
    said = subprocess.run([PROGRAM, "classify", "--help"], capture_output=True, check=False)
    return b"--server" in said.stdout


class Crash(unittest.TestCase):
    def setUp(self) -> None:
        self.deaths: list[int] = []  # numbers of requests that the server has died of
        self.die_at: set[int] = set()
        self.restart_after = 0.0
        self.balancer = Balancer(self.on_request)
        self.addCleanup(self.balancer.close)
        self.start()
        self.addCleanup(lambda: self.server.stop())
        self.restarting: list[threading.Thread] = []

    def start(self) -> None:
        self.server = ServerUnderTest([GRADIENTS, PIXELS])
        self.balancer.backend = self.server.address

    def on_request(self, number: int) -> None:
        """The server has the whole of a request: it dies at it, another takes its place a little later."""
        if number not in self.die_at:
            return
        time.sleep(0.002)
        self.balancer.backend = None
        self.server.kill()
        self.deaths.append(number)

        def again() -> None:
            time.sleep(self.restart_after)
            self.start()

        self.restarting.append(threading.Thread(target=again))
        self.restarting[-1].start()

    def finish_restarts(self) -> None:
        for thread in self.restarting:
            thread.join()

    def classify(self, model: str, end: int) -> list[list[int]]:
        outcome = subprocess.run(
            [
                PROGRAM,
                "classify",
                "--key",
                str(alice().key),
                "--server",
                self.balancer.url,
                "--model",
                model,
                "--images",
                str(DIGITS),
                "--range",
                f"0:{end}",
                "--json",
                "--scores",
                "--attempts",  # the waits between five may by chance be shorter than a restart
                "20",
            ],
            capture_output=True,
            timeout=patience(100),
            check=False,
        )
        self.finish_restarts()
        self.assertEqual(outcome.returncode, 0, outcome.stderr.decode())
        return integers(outcome.stdout.decode())

    @unittest.skipUnless(has_classify(), "the program has no command classify")
    def test_classify(self):
        for model, count in ((GRADIENTS, 20), (PIXELS, scaled(200, 20))):
            with self.subTest(model=model):
                self.assertEqual(self.classify(model, count), expected(model)[:count])

    @unittest.skipUnless(has_classify(), "the program has no command classify")
    def test_classify_through_a_crash(self):
        count = scaled(200, 20)
        self.die_at = {1}
        self.restart_after = 0.5
        self.assertEqual(self.classify(PIXELS, count), expected(PIXELS)[:count])
        self.assertEqual(self.deaths, [1])

    @unittest.skipUnless(has_classify(), "the program has no command classify")
    def test_classify_through_two_crashes(self):
        self.die_at = {1, 2}
        self.assertEqual(self.classify(GRADIENTS, 10), expected(GRADIENTS)[:10])
        self.assertEqual(self.deaths, [1, 2])

    @unittest.skipUnless(shutil.which("curl"), "no curl")
    def test_curl_through_a_crash(self):
        images = images_for(self.server, 1)
        fields, body = json_request(long_query(images))
        (FOLDER / "request.json").write_bytes(body)
        self.die_at = {1}
        said = subprocess.run(
            [
                "curl",
                "-sS",
                "--retry",
                "20",
                "--retry-all-errors",
                "--retry-delay",
                "1",
                "--fail",
                "--data-binary",
                f"@{FOLDER / 'request.json'}",
                "-H",
                f"Content-Type: {fields['Content-Type']}",
                "-H",
                "Expect:",
                self.balancer.url + infer_path(PIXELS),
            ],
            capture_output=True,
            timeout=patience(100),
            check=False,
        )
        self.finish_restarts()
        self.assertEqual(said.returncode, 0, said.stderr.decode())
        self.assertEqual(self.deaths, [1])
        (FOLDER / "r.b64").write_text(json.loads(said.stdout)["outputs"][0]["data"][0], encoding="ascii")
        reply = subprocess.run(
            ["base64", "-d", str(FOLDER / "r.b64")], capture_output=True, check=True
        ).stdout
        self.assertEqual(alice().decrypt(PIXELS, reply), expected(PIXELS)[:1] * images)

    def test_same_port_again(self):
        """A server that was killed leaves nothing behind that keeps its successor from its port."""
        address = "%s:%d" % self.server.address
        with RawConnection(self.server.address) as connection:
            connection.send(b"GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n").reply()
            self.server.kill()
            self.server = ServerUnderTest([GRADIENTS, PIXELS], listen=address)
        self.assertEqual("%s:%d" % self.server.address, address)
        query()


if __name__ == "__main__":
    main()
