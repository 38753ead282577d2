"""Key files from outside: OpenSSL's own command opens them, a terminal is asked for passphrases, and nobody
but the owner may use them."""

import hashlib
import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import termios
import time
import unittest
from base64 import b64decode, urlsafe_b64decode
from math import gcd
from pathlib import Path

PROGRAM = os.environ["OPALINE_PROGRAM"]
DEMO = Path(os.environ["OPALINE_DEMO_FOLDER"])
SPEC = DEMO / "digits-gradients.client"
DIGITS = DEMO / "digits-images-idx3-ubyte.gz"
PASSPHRASE = "six random words are good enough"


def run(*arguments: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )


def wait_for_silence(terminal: int, seconds: float = 10) -> None:
    """Until the echo is off, as nobody types before."""
    end = time.monotonic() + seconds
    while termios.tcgetattr(terminal)[3] & termios.ECHO and time.monotonic() < end:
        time.sleep(0.01)


def at_terminal(arguments: list[str | Path], answers: list[str], seconds: float = 300) -> tuple[int, str]:
    """Exit code and all that a terminal shows when somebody types these answers, one a question."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(PROGRAM, [PROGRAM, *map(str, arguments)])
    shown, end = b"", time.monotonic() + seconds
    asked = 0
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            new = os.read(terminal, 4096)
        except OSError:
            break
        if not new:
            break
        shown += new
        if answers and shown.count(b": ") > asked and shown.endswith(b": "):
            asked = shown.count(b": ")
            wait_for_silence(terminal)
            os.write(terminal, answers.pop(0).encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode(errors="replace")


class KeyFiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory(prefix="opaline-keys-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.word = cls.file("word", PASSPHRASE + "\n")
        cls.plain = Path(cls.folder.name) / "alice.key"
        assert run("keygen", "--bits", "1024", "--output", cls.plain.with_suffix("")).returncode == 0
        cls.locked = Path(cls.folder.name) / "locked.key"
        name = cls.locked.with_suffix("")
        made = run("keygen", "--bits", "1024", "--output", name, "--passphrase-file", cls.word)
        assert made.returncode == 0, made.stderr

    @classmethod
    def file(cls, name: str, text: str, mode: int = 0o600) -> Path:
        path = Path(cls.folder.name) / name
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def copy(self, of: Path, name: str) -> Path:
        return self.file(name, of.read_text())

    def assert_refused(self, outcome: subprocess.CompletedProcess, *words: str) -> None:
        self.assertEqual(outcome.returncode, 1, outcome.stderr)
        self.assertEqual(outcome.stdout, b"")
        message = outcome.stderr.decode()
        self.assertEqual(message.count("\n"), 1, message)
        for word in words:
            self.assertIn(word, message)
        self.assertNotIn(PASSPHRASE, message)

    def test_openssl_opens_what_keygen_encrypted(self):
        opened = subprocess.run(
            ["openssl", "cms", "-decrypt", "-inform", "PEM", "-in", self.locked]
            + ["-pwri_password", PASSPHRASE],
            capture_output=True,
            check=True,
        )
        key = json.loads(opened.stdout)
        n = int.from_bytes(urlsafe_b64decode(key["pub"]["n"] + "=="), "big")
        p, q = (int.from_bytes(urlsafe_b64decode(key[name] + "=="), "big") for name in "pq")
        self.assertEqual(n, p * q)
        self.assertEqual(key["pub"], json.loads(self.locked.with_suffix(".pub").read_text()))
        structure = subprocess.run(
            ["openssl", "asn1parse", "-in", self.locked], capture_output=True, check=True
        ).stdout.decode()
        for part in ("ct-authEnvelopedData", ":PBKDF2", ":155CC0", ":aes-256-gcm", ":id-alg-PWRI-KEK"):
            self.assertIn(part, structure)
        self.assertEqual(int("155CC0", 16), 1_400_000)

    def test_nothing_of_a_key_stands_in_its_encrypted_file(self):
        text = self.locked.read_text()
        self.assertTrue(text.startswith("-----BEGIN CMS-----\n"))
        inside = b64decode("".join(text.splitlines()[1:-1]))
        for word in (b'"DAJ"', b'"kty"', b'"key_ops"', b'"decrypt"'):
            self.assertNotIn(word, inside)
        self.assertEqual(self.locked.stat().st_mode & 0o777, 0o600)
        said = run("inspect", "--json", self.locked)
        self.assertEqual(json.loads(said.stdout)["encrypted"], True)
        self.assertNotIn("fingerprint", json.loads(said.stdout))

    def test_without_terminal_or_file_there_is_no_passphrase(self):
        self.assert_refused(run("key", "prove", self.locked), str(self.locked), "--passphrase-file")
        name = Path(self.folder.name) / "no"
        self.assert_refused(run("keygen", "--passphrase", "--output", name), "terminal")
        self.assertFalse(name.with_suffix(".key").exists())

    def test_a_wrong_passphrase_is_called_so(self):
        bad = self.file("bad", "six random words are good enoug\n")
        self.assert_refused(
            run("inspect", self.locked, "--passphrase-file", bad), str(self.locked), "wrong passphrase"
        )

    def test_files_of_passphrases_are_one_line_of_the_owner(self):
        for name, text, mode, words in (
            ("open", PASSPHRASE, 0o644, "chmod 600"),
            ("group", PASSPHRASE, 0o640, "chmod 600"),
            ("empty", "", 0o600, "one line"),
            ("blank", "\n", 0o600, "one line"),
            ("two", "one line\nanother\n", 0o600, "one line"),
            ("long", "x" * 1030, 0o600, "1024"),
        ):
            with self.subTest(name):
                path = self.file(name, text, mode)
                self.assert_refused(run("inspect", self.locked, "--passphrase-file", path), str(path), words)
        short = self.file("short", "1234567\n")
        copy = self.copy(self.plain, "short.key")
        before = copy.read_bytes()
        self.assert_refused(run("key", "passphrase", copy, "--new-passphrase-file", short), "8 to 1024")
        self.assertEqual(copy.read_bytes(), before)

    def test_a_passphrase_is_set_changed_and_removed(self):
        key = self.copy(self.plain, "changing.key")
        other = self.file("other", "another six words are as good\r\n")
        self.assertEqual(run("key", "passphrase", key, "--new-passphrase-file", self.word).returncode, 0)
        self.assertTrue(key.read_text().startswith("-----BEGIN CMS-----\n"))
        old_and_new = ["--passphrase-file", self.word, "--new-passphrase-file", other]
        changed = run("key", "passphrase", key, *old_and_new)
        self.assertEqual(changed.returncode, 0, changed.stderr)
        self.assert_refused(run("inspect", key, "--passphrase-file", self.word), "wrong passphrase")
        removed = run("key", "passphrase", key, "--passphrase-file", other, "--remove")
        self.assertEqual(removed.returncode, 0, removed.stderr)
        self.assertEqual(key.read_text(), self.plain.read_text())
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)

    def test_a_terminal_is_asked_and_shows_nothing(self):
        key = self.copy(self.plain, "typed.key")
        code, shown = at_terminal(["key", "passphrase", key], [PASSPHRASE, PASSPHRASE])
        self.assertEqual(code, 0, shown)
        self.assertNotIn(PASSPHRASE, shown)
        self.assertTrue(key.read_text().startswith("-----BEGIN CMS-----\n"))
        code, shown = at_terminal(["key", "passphrase", "--remove", key], [PASSPHRASE])
        self.assertEqual(code, 0, shown)
        self.assertIn(f"Passphrase of {key}", shown)
        self.assertNotIn(PASSPHRASE, shown)
        self.assertEqual(key.read_text(), self.plain.read_text())
        code, shown = at_terminal(["key", "passphrase", key], [PASSPHRASE, PASSPHRASE[:-1]])
        self.assertEqual(code, 1, shown)
        self.assertEqual(key.read_text(), self.plain.read_text())

    def test_every_command_opens_encrypted_keys(self):
        query, reply = (Path(self.folder.name) / name for name in ("q.query", "r.reply"))
        opened = ["--key", self.locked, "--spec", SPEC, "--passphrase-file", self.word]
        for command in (
            ["encrypt", *opened, "--images", DIGITS, "--range", "0:1", "--output", query],
            ["evaluate", "--model", SPEC.with_suffix(".server"), "--output", reply, query],
            ["decrypt", *opened, reply],
        ):
            outcome = run(*command)
            self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assert_refused(run("decrypt", *opened[:4], reply), "--passphrase-file")
        remote = ["--server", "http://127.0.0.1:1", "--model", "m", "--images", DIGITS, "--attempts", "1"]
        self.assert_refused(run("classify", "--key", self.locked, *remote), "--passphrase-file")
        self.assert_refused(
            run("classify", "--key", self.locked, "--passphrase-file", self.word, *remote), "127.0.0.1"
        )

    def test_a_key_that_is_imported_keeps_its_passphrase(self):
        locked = self.copy(self.plain, "theirs.key")
        self.assertEqual(run("key", "passphrase", locked, "--new-passphrase-file", self.word).returncode, 0)
        base = Path(self.folder.name) / "imported"
        imported = run("import", locked, "--output", base, "--passphrase-file", self.word)
        self.assertEqual(imported.returncode, 0, imported.stderr)
        key = base.with_suffix(".key")
        self.assertTrue(key.read_text().startswith("-----BEGIN CMS-----\n"))
        removed = run("key", "passphrase", key, "--passphrase-file", self.word, "--remove")
        self.assertEqual(removed.returncode, 0, removed.stderr)
        self.assertEqual(key.read_text(), self.plain.read_text())

    def test_a_key_that_others_may_use_is_refused(self):
        key = self.copy(self.plain, "shared.key")
        for mode in (0o640, 0o604, 0o620, 0o644, 0o666, 0o601):
            key.chmod(mode)
            with self.subTest(oct(mode)):
                images = ["--images", DIGITS]
                for command in (
                    ["inspect", key],
                    ["key", "prove", key],
                    ["key", "passphrase", "--remove", key],
                    ["encrypt", "--key", key, "--spec", SPEC, *images, "--output", key.with_suffix(".q")],
                    ["decrypt", "--key", key, "--spec", SPEC, "no.reply"],
                    ["classify", "--key", key, "--server", "http://127.0.0.1:1", "--model", "m", *images],
                ):
                    self.assert_refused(run(*command), f"chmod 600 {key}", "--allow-insecure-key-file")
                tolerated = run("inspect", "--json", "--allow-insecure-key-file", key)
                self.assertEqual(json.loads(tolerated.stdout)["readable_by_owner_only"], False)

    def test_the_proof_of_a_key_by_an_independent_verifier(self):
        for path in (self.plain.with_suffix(".pub"), self.locked.with_suffix(".pub")):
            key = json.loads(path.read_text())
            raw = urlsafe_b64decode(key["n"] + "==")
            n = int.from_bytes(raw, "big")
            roots = urlsafe_b64decode(key["opaline"]["proof"] + "==")
            self.assertEqual(len(roots), 8 * len(raw))
            for i in range(8):
                y = int.from_bytes(roots[i * len(raw) :][: len(raw)], "big")
                x = challenge(raw, i)
                self.assertTrue(0 < y < n)
                self.assertEqual(gcd(x, n), 1)
                self.assertEqual(pow(y, n, n), x)


def challenge(n: bytes, index: int) -> int:
    """As lib/opaline/paillier/key_proof.h has it."""

    def number(value: int) -> bytes:
        return value.to_bytes(4, "big")

    modulus, attempt = int.from_bytes(n, "big"), 0
    while True:
        blocks = b"".join(
            hashlib.sha256(
                b"opaline: gcd(n, phi(n)) = 1, version 1"
                + number(len(n)) + n + number(index) + number(attempt) + number(block)
            ).digest()
            for block in range(-(-len(n) // 32))
        )
        x = int.from_bytes(blocks[: len(n)], "big") >> (8 * len(n) - modulus.bit_length())
        if x < modulus:
            return x
        attempt += 1


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
