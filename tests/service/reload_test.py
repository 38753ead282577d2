"""Models exchanged while clients ask: by a signal, by the file alone, and by a file that is no good."""

import os
import shutil
import signal
import time
from pathlib import Path

from long_job import ONE_THREAD
from open_inference import infer_path, json_request, raw_request, read_answer
from opaline_program import COSINES, GRADIENTS, expected, model_id, server_file
from query_frames import take_apart
from raw_connection import Reply
from scale import patience, scaled
from server_under_test import ServerUnderTest, wait_until
from service_case import FOLDER, ServiceCase, alice, main, query

NAME = "digits"
FILE = FOLDER / "served.server"


def put(content: Path | bytes) -> None:
    """Exchanges the served file at once, as one ought to."""
    fresh = FILE.with_suffix(".fresh")
    if isinstance(content, bytes):
        fresh.write_bytes(content)
    else:
        shutil.copyfile(content, fresh)
    os.replace(fresh, FILE)


class ReloadCase(ServiceCase):
    interval = "3600"
    options: list = []

    @classmethod
    def setUpClass(cls) -> None:
        cls.queries = {model: query(model) for model in (GRADIENTS, COSINES)}

    def setUp(self) -> None:
        put(server_file(GRADIENTS))
        self.server = ServerUnderTest([f"{NAME}={FILE}"], "--watch-interval", self.interval, *self.options)
        self.addCleanup(self.server.stop)

    def served(self) -> str:
        """The id of the model that a new client would be told of."""
        version = self.ask("GET", f"/v2/models/{NAME}").body
        return next(model for model in (GRADIENTS, COSINES) if model_id(model)[:16].encode() in version)

    def notify(self) -> None:
        """Tells the server that the file is another one."""

    def exchange(self, model: str) -> None:
        put(server_file(model))
        self.notify()
        self.assertTrue(wait_until(lambda: self.served() == model, patience(20)), self.server.log())


class BySignal(ReloadCase):
    def notify(self) -> None:
        self.server.signal(signal.SIGHUP)

    def test_new_model_answers(self):
        self.assert_answers(self.infer(self.queries[GRADIENTS], NAME))
        self.exchange(COSINES)
        answer = self.assert_answers(self.infer(self.queries[COSINES], NAME), COSINES)
        self.assertEqual(answer.model_id, model_id(COSINES))
        self.assert_error(self.infer(self.queries[GRADIENTS], NAME), 409)
        self.assert_error(self.ask("GET", f"/v2/models/{NAME}/versions/{model_id(GRADIENTS)[:16]}"), 404)
        self.assertEqual(
            self.ask("GET", f"/v2/models/{NAME}/spec").body,
            server_file(COSINES).with_suffix(".client").read_bytes(),
        )

    def test_under_load(self):
        # One client asks the old model, one the new. At any time one of them is answered, and told by whom;
        # the other is told that its model is not the one.
        asking = {
            model: self.client(
                [raw_request(NAME, self.queries[model], binary) for binary in (False, True)],
                keep_replies=True,
            )
            for model in (GRADIENTS, COSINES)
        }
        for number in range(scaled(20, 4)):
            self.wait_for_answers(3)
            self.exchange((COSINES, GRADIENTS)[number % 2])
        self.wait_for_answers(3)
        for model, client in asking.items():
            outcome = client.finish()
            self.assertEqual(set(outcome.statuses), {200, 409}, model)
            decrypted = set()
            for status, (fields, body) in zip(outcome.statuses, outcome.replies):
                if status == 409:
                    self.assert_error(Reply(status, fields, body), 409)
                    continue
                answer = read_answer(fields, body)
                self.assertEqual(answer.model_id, model_id(model))
                self.assertEqual(answer.message["model_version"], model_id(model)[:16])
                decrypted.add(answer.reply)
            for reply in list(decrypted)[:5]:
                self.assertEqual(alice().decrypt(model, reply), expected(model)[:1])

    def wait_for_answers(self, count: int) -> None:
        """However slow the machine is, so many more."""
        before = self.server.metric("opaline_inputs_total")
        self.assertTrue(
            wait_until(lambda: self.server.metric("opaline_inputs_total") >= before + count, patience(30))
        )

    def test_same_model_again_under_load(self):
        clients = [
            self.client([raw_request(NAME, self.queries[GRADIENTS], binary)]) for binary in (False, True)
        ]
        for _ in range(scaled(20, 4)):
            self.wait_for_answers(2)
            put(server_file(GRADIENTS))
            self.notify()
        for outcome in [client.finish() for client in clients]:
            self.assertEqual(outcome.failed, [])
            self.assertGreater(len(outcome.statuses), 1)

    def test_bad_files(self):
        good = server_file(GRADIENTS).read_bytes()
        client = self.client([raw_request(NAME, self.queries[GRADIENTS])])
        altered = bytearray(server_file(COSINES).read_bytes())
        altered[len(altered) // 2] ^= 1
        for what, content in {
            "empty": b"",
            "half": good[: len(good) // 2],
            "altered": bytes(altered),
            "a spec": server_file(COSINES).with_suffix(".client"),
            "text": b"no model\n",
        }.items():
            with self.subTest(what):
                before = len(self.server.log())
                put(content)
                self.notify()
                self.assertTrue(
                    wait_until(lambda: FILE.name in self.server.log()[before:], patience(10)),
                    f"nothing said about the file: {self.server.log()[before:]}",
                )
                self.assertEqual(self.served(), GRADIENTS)
        FILE.unlink()
        self.notify()
        time.sleep(patience(0.3))
        self.assertEqual(self.served(), GRADIENTS)
        self.assertEqual(self.ask("GET", f"/v2/models/{NAME}/ready").status, 200)
        self.assertEqual(client.finish().failed, [])
        self.exchange(COSINES)  # and a good one is still taken

    def test_many_signals(self):
        for _ in range(200):
            self.server.signal(signal.SIGHUP)
        fields, body = json_request(self.queries[GRADIENTS])
        self.assert_answers(self.ask("POST", infer_path(NAME), body, fields))
        self.exchange(COSINES)


class InProgress(ReloadCase):
    options = ONE_THREAD
    notify = BySignal.notify

    def begun(self) -> bool:
        """Whether the query has been taken on, and with it the model."""
        metrics = ("opaline_workers_busy", "opaline_inputs_total")
        return any(self.server.metric(name) > 0 for name in metrics)

    def test_answers_in_progress_are_finished_by_the_model_they_began_with(self):
        count = scaled(600, 50)
        long = take_apart(self.queries[GRADIENTS]).repeated(count).seal()
        working = self.client([raw_request(NAME, long)], count=1, keep_replies=True)
        self.assertTrue(wait_until(self.begun, patience(20)))
        self.exchange(COSINES)
        outcome = working.wait()
        self.assertEqual(outcome.statuses, [200])
        answer = read_answer(*outcome.replies[0])
        self.assertEqual(answer.model_id, model_id(GRADIENTS))
        self.assertEqual(alice().decrypt(GRADIENTS, answer.reply), expected(GRADIENTS)[:1] * count)


class ByFile(ReloadCase):
    interval = "0.2"

    def test_new_model_answers(self):
        self.exchange(COSINES)
        self.assert_answers(self.infer(self.queries[COSINES], NAME), COSINES)
        put(b"no model")
        time.sleep(patience(0.6))
        self.assert_answers(self.infer(self.queries[COSINES], NAME), COSINES)
        self.exchange(GRADIENTS)

    def test_written_in_place_and_slowly(self):
        # Not how one ought to: half a file must not displace a good one, and the whole is taken in the end.
        client = self.client([raw_request(NAME, self.queries[GRADIENTS])], keep_replies=True)
        content = server_file(COSINES).read_bytes()
        with open(FILE, "wb", buffering=0) as file:
            for start in range(0, len(content), len(content) // 4):
                file.write(content[start : start + len(content) // 4])
                time.sleep(patience(0.3))
        self.assertTrue(wait_until(lambda: self.served() == COSINES, patience(20)), self.server.log())
        self.assertLessEqual(set(client.finish().statuses), {200, 409})


if __name__ == "__main__":
    main()
