"""Who may ask, how often and for how much: a file of tokens."""

import signal
import time
from pathlib import Path

from opaline_program import COSINES, GRADIENTS
from open_inference import raw_request
from raw_connection import exchange
from scale import patience
from server_under_test import ServerUnderTest, refusal, wait_until
from service_case import FOLDER, ServiceCase, main, query

TOKENS = """\
# who may ask
plain-1111111111111111
named-2222222222222222 name=ward-7

brief-3333333333333333 name=brief rate=1 burst=2
small-4444444444444444 name=small quota=3   # three digits a day
other-5555555555555555 quota=3 name=other
"""
EVERYONE = [line.split()[0] for line in TOKENS.splitlines() if line and line[0] != "#"]
PLAIN, NAMED, BRIEF, SMALL, OTHER = EVERYONE
MODEL = f"/v2/models/{GRADIENTS}"


def token_file(text: str, mode: int = 0o600, name: str = "tokens") -> Path:
    path = FOLDER / name
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Tokens(ServiceCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.options = ["--token-file", token_file(TOKENS)]
        super().setUpClass()

    def assert_told_to_wait(self, reply) -> int:
        self.assert_error(reply, 429)
        seconds = int(reply.fields["retry-after"])
        self.assertGreaterEqual(seconds, 1)
        return seconds

    def test_health_is_open(self):
        for path in ("/v2/health/live", "/v2/health/ready"):
            self.assertEqual(self.ask("GET", path).status, 200)

    def test_a_token_opens(self):
        self.assert_answers(self.infer(query(), extra=bearer(PLAIN)))
        self.assert_answers(self.infer(query(), extra=bearer(NAMED)))
        self.assertEqual(self.ask("GET", MODEL, fields=bearer(NAMED)).status, 200)
        self.assertEqual(self.ask("GET", f"{MODEL}/spec", fields=bearer(PLAIN)).status, 200)
        # The scheme's name in any case.
        self.assert_answers(self.infer(query(), extra={"Authorization": f"bearer {PLAIN}"}))

    def test_without_one(self):
        wrong = [
            {},
            bearer("x"),
            bearer(PLAIN[:-1]),
            bearer(PLAIN + "1"),
            bearer(""),
            bearer(PLAIN.upper()),
            {"Authorization": PLAIN},
            {"Authorization": f"Basic {PLAIN}"},
            {"Authorization": "Bearer"},
            bearer("name=ward-7"),
            bearer("#"),
            bearer(f"{PLAIN} {NAMED}"),
            bearer(f"{PLAIN},x"),
            {"X-Authorization": f"Bearer {PLAIN}"},
            bearer("x" * 5000),
        ]
        for fields in wrong:
            with self.subTest(fields=fields):
                reply = self.infer(query(), extra=fields)
                self.assert_error(reply, 401)
                self.assertTrue(reply.fields["www-authenticate"].startswith("Bearer"))

    def test_what_else_needs_one(self):
        for path in (MODEL, f"{MODEL}/spec", "/v2/models/none"):
            with self.subTest(path=path):
                self.assert_error(self.ask("GET", path), 401)

    def test_two_tokens_in_one_request(self):
        extra = "\r\n".join(f"Authorization: Bearer {token}" for token in ("x", PLAIN)).partition(": ")[2]
        raw = raw_request(GRADIENTS, query(), extra={"Authorization": extra})
        self.assert_error(exchange(self.server.address, raw), 400, 401)

    def test_refused_before_the_body_is_read(self):
        head = raw_request(GRADIENTS, query()).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        self.assert_error(exchange(self.server.address, head), 401)

    def test_rate(self):
        statuses, waits = [], []
        for _ in range(6):
            reply = self.infer(query(), extra=bearer(BRIEF))
            statuses.append(reply.status)
            if reply.status != 200:
                waits.append(self.assert_told_to_wait(reply))
        self.assertEqual(statuses[:2], [200, 200])  # the burst
        # How many more were let through depends on how long this took; a server that counts says no to some.
        if not waits:
            self.skipTest("too slow to be too fast")
        self.assert_answers(self.infer(query(), extra=bearer(PLAIN)))  # others are not held up
        time.sleep(waits[-1] + 0.1)
        self.assert_answers(self.infer(query(), extra=bearer(BRIEF)))

    def test_quota(self):
        self.assert_answers(self.infer(query(), extra=bearer(SMALL)))
        self.assert_told_to_wait(self.infer(query(GRADIENTS, 0, 3), extra=bearer(SMALL)))
        self.assert_answers(self.infer(query(GRADIENTS, 0, 2), extra=bearer(SMALL)), GRADIENTS, 0, 2)
        reply = self.infer(query(), extra=bearer(SMALL))
        self.assert_error(reply, 429)
        self.assertLessEqual(int(reply.fields["retry-after"]), 24 * 3600)

    def test_what_is_refused_costs_nothing(self):
        # A client whose model is no longer served will ask again.
        for _ in range(5):
            self.assert_error(self.infer(query(COSINES), extra=bearer(OTHER)), 409)
        self.assert_answers(self.infer(query(), extra=bearer(OTHER)))
        for _ in range(5):
            self.assert_error(self.infer(query()[:-1], extra=bearer(OTHER)), 400)
        self.assert_answers(self.infer(query(), extra=bearer(OTHER)))

    def test_log_names_who_and_never_the_token(self):
        self.assert_answers(self.infer(query(), extra=bearer(NAMED)))
        self.infer(query(), extra=bearer(NAMED + "x"))
        self.assertTrue(wait_until(lambda: "ward-7" in self.server.log(), patience(5)))
        for token in EVERYONE:
            self.assertNotIn(token, self.server.log())

    def test_metrics_never_have_the_token(self):
        reply = self.ask("GET", "/metrics", fields=bearer(PLAIN))
        for token in EVERYONE:
            self.assertNotIn(token.encode(), reply.body)


class Revoked(ServiceCase):
    def setUp(self) -> None:
        self.server = ServerUnderTest([GRADIENTS], "--token-file", token_file(TOKENS, name="revoked"))
        self.addCleanup(self.server.stop)

    @classmethod
    def setUpClass(cls) -> None:
        pass

    def test_while_the_body_is_on_its_way(self):
        for binary in (False, True):
            token_file(TOKENS, name="revoked")
            self.server.signal(signal.SIGHUP)
            self.assertTrue(wait_until(lambda: self.status_of(SMALL) == 200, patience(10)))
            with self.subTest(binary=binary):
                extra = {**bearer(SMALL), "Expect": "100-continue"}
                head, _, body = raw_request(GRADIENTS, query(), binary, extra).partition(b"\r\n\r\n")
                connection = self.connect().send(head + b"\r\n\r\n")
                self.assertEqual(connection.reply().status, 100)  # so the token was good
                connection.send(body[:100])
                token_file(TOKENS.replace(SMALL, "x" * 16), name="revoked")
                self.server.signal(signal.SIGHUP)
                self.assertTrue(wait_until(lambda: self.status_of(SMALL) == 401, patience(10)))
                reply = connection.send(body[100:]).reply()
                self.assert_error(reply, 401)
                self.assertTrue(reply.fields["www-authenticate"].startswith("Bearer"))
                self.assert_answers(self.infer(query(), extra=bearer(PLAIN)))

    def status_of(self, token: str) -> int:
        return self.ask("GET", MODEL, fields=bearer(token)).status


class Files(ServiceCase):
    """Token files that a server does not start with."""

    @classmethod
    def setUpClass(cls) -> None:
        pass

    def refused(self, path: Path) -> str:
        code, message = refusal("--listen", "127.0.0.1:0", "--token-file", path)
        self.assertEqual(code, 1, message)
        self.assertIn(path.name, message)
        self.assertNotIn("secret", message)
        return message

    def test_readable_by_others(self):
        for mode in (0o644, 0o640, 0o604, 0o620):
            with self.subTest(mode=oct(mode)):
                self.refused(token_file("secret-11111111111111\n", mode))

    def test_missing(self):
        self.refused(FOLDER / "no-tokens")

    def test_malformed(self):
        for text in (
            "secret-11111111111111 rate=x\n",
            "secret-11111111111111 rate=-1\n",
            "secret-11111111111111 unknown=1\n",
            "secret-11111111111111 quota=1.5\n",
            "secret-11111111111111 burst=0\n",
            "secret-11111111111111 stray\n",
            "secret-11111111111111\nsecret-11111111111111\n",
            "",
            "# nobody\n",
            "secret\xff\x01-1111111111111\n",
        ):
            with self.subTest(text=text):
                self.refused(token_file(text))

    def test_line_is_named(self):
        self.assertIn(
            "3", self.refused(token_file("# one\nsecret-11111111111111\nsecret-2222222222222 rate=x\n"))
        )

    def test_good_files(self):
        for text in (
            "secret-11111111111111",
            "\tsecret-11111111111111 \r\n",
            "\n\n# x\nsecret-11111111111111 rate=0.5\n",
        ):
            with self.subTest(text=text):
                ServerUnderTest([GRADIENTS], "--token-file", token_file(text)).stop()


if __name__ == "__main__":
    main()
