"""Keys, numbers, queries and replies exchanged with Paillier in Python, both ways: with its formulas written
down here, or, with --python-paillier, by python-paillier itself (`pip install phe`)."""

import json
import math
import os
import secrets
import subprocess
import sys
import tempfile
import unittest
from base64 import urlsafe_b64decode, urlsafe_b64encode
from fractions import Fraction
from pathlib import Path

try:
    import phe
except ImportError:
    phe = None

PROGRAM = os.environ["OPALINE_PROGRAM"]
DEMO = Path(os.environ["OPALINE_DEMO_FOLDER"])
SPEC = DEMO / "digits-gradients.client"
MODEL = DEMO / "digits-gradients.server"
DIGITS = DEMO / "digits-images-idx3-ubyte.gz"
NEEDS_PHE = "--python-paillier" in sys.argv
SKIPPED = 77


def number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=="), "big")


def digits(value: int) -> str:
    return urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


class PlainPaillier:
    """As python-paillier 1.5 calculates (EncodedNumber, base 16), slowly and in the clear."""

    def __init__(self, jwk: dict):
        self.p, self.q = number(jwk["p"]), number(jwk["q"])
        self.n = number(jwk["pub"]["n"])
        assert self.p * self.q == self.n

    def encrypt(self, value: int | float) -> dict:
        e = 0
        if isinstance(value, float):
            e = math.floor((math.frexp(value)[1] - 53) / 4)
        m = round(Fraction(value) * Fraction(16) ** -e)
        noise = pow(secrets.randbelow(self.n - 1) + 1, self.n, self.n**2)
        return {"v": str((1 + m % self.n * self.n) * noise % self.n**2), "e": e}

    def decrypt(self, encrypted: dict) -> int | float:
        order = (self.p - 1) * (self.q - 1)
        u = pow(int(encrypted["v"]), order, self.n**2)
        m = (u - 1) // self.n * pow(order, -1, self.n) % self.n
        m = m - self.n if m > self.n // 2 else m
        assert abs(m) < self.n // 3
        e = encrypted["e"]
        return m * 16**e if e >= 0 else m / 16**-e


class PythonPaillier:
    """python-paillier itself, as its pheutil uses it."""

    def __init__(self, jwk: dict):
        self.pub = phe.PaillierPublicKey(phe.util.base64_to_int(jwk["pub"]["n"]))
        p, q = (phe.util.base64_to_int(jwk[name]) for name in "pq")
        self.secret = phe.PaillierPrivateKey(self.pub, p, q)

    def encrypt(self, value: int | float) -> dict:
        encrypted = self.pub.encrypt(value)
        return {"v": str(encrypted.ciphertext()), "e": encrypted.exponent}

    def decrypt(self, encrypted: dict) -> int | float:
        return self.secret.decrypt(phe.EncryptedNumber(self.pub, int(encrypted["v"]), encrypted["e"]))


OTHER = PythonPaillier if NEEDS_PHE else PlainPaillier


class Exchange(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory(prefix="opaline-python-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.run_ok("keygen", "--bits", "1024", "--output", cls.folder / "alice")
        cls.run_ok("export", cls.folder / "alice.key", "--output", cls.folder / "alice.json")
        cls.jwk = json.loads((cls.folder / "alice.json").read_text())
        cls.other = OTHER(cls.jwk)
        cls.key, cls.pub = cls.folder / "alice.key", cls.folder / "alice.pub"

    @staticmethod
    def run_any(*arguments: str | Path) -> subprocess.CompletedProcess:
        return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, timeout=300, check=False)

    @classmethod
    def run_ok(cls, *arguments: str | Path) -> str:
        outcome = cls.run_any(*arguments)
        if outcome.returncode != 0:
            raise AssertionError(outcome.stderr.decode())
        return outcome.stdout.decode()

    def write(self, name: str, numbers: list[dict]) -> Path:
        path = self.folder / name
        path.write_text("".join(json.dumps(one) + "\n" for one in numbers))
        return path

    def integers(self, *arguments: str | Path) -> list[list[int]]:
        lines = self.run_ok(*arguments, "--json", "--scores").splitlines()
        return [json.loads(line)["integers"] for line in lines]

    def test_exported_keys_have_the_members_of_pheutil_only(self):
        self.assertEqual(set(self.jwk), {"kty", "key_ops", "p", "q", "pub", "kid"})
        self.assertEqual(set(self.jwk["pub"]), {"kty", "alg", "key_ops", "n", "kid"})
        self.assertEqual((self.folder / "alice.json").stat().st_mode & 0o777, 0o600)
        self.run_ok("export", self.pub, "--output", self.folder / "pub.json")
        self.assertEqual(json.loads((self.folder / "pub.json").read_text()), self.jwk["pub"])

    def test_keys_are_imported(self):
        if NEEDS_PHE:
            pub, secret = phe.generate_paillier_keypair(n_length=1024)
            p, q, n = secret.p, secret.q, pub.n
        else:
            p, q, n = self.other.p, self.other.q, self.other.n
        jwk_public = {"kty": "DAJ", "alg": "PAI-GN1", "key_ops": ["encrypt"], "n": digits(n), "kid": "x"}
        jwk = {"kty": "DAJ", "key_ops": ["decrypt"], "p": digits(p), "q": digits(q), "pub": jwk_public}
        path = self.folder / "pheutil.json"
        path.write_text(json.dumps(jwk))
        path.chmod(0o644)
        refused = self.run_any("import", path, "--output", self.folder / "bob")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"chmod 600", refused.stderr)
        path.chmod(0o600)
        self.run_ok("import", path, "--output", self.folder / "bob")
        bob = json.loads((self.folder / "bob.key").read_text())
        self.assertEqual((number(bob["p"]), number(bob["q"])), (p, q))
        self.assertIn("proof", bob["pub"]["opaline"])
        self.assertEqual(json.loads((self.folder / "bob.pub").read_text()), bob["pub"])
        self.assertEqual((self.folder / "bob.key").stat().st_mode & 0o777, 0o600)
        again = self.run_any("import", path, "--output", self.folder / "bob")
        self.assertEqual(again.returncode, 1)
        self.assertIn(b"--force", again.stderr)
        public = self.folder / "public.json"
        public.write_text(json.dumps(jwk_public))
        self.run_ok("import", public, "--output", self.folder / "carol")
        self.assertEqual(number(json.loads((self.folder / "carol.pub").read_text())["n"]), n)
        self.assertFalse((self.folder / "carol.key").exists())

    def test_numbers_go_both_ways(self):
        values = [0, 1, -1, 123456789012345678901234567890, 0.1, -2.5, 3.0, 1e-20, -1e20, math.pi]
        texts = [repr(value) for value in values]
        path = self.folder / "ours.json"
        for key in (self.key, self.pub):
            self.run_ok("number", "encrypt", "--key", key, "--output", path, "--", *texts)
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            self.assertEqual([self.other.decrypt(line) for line in lines], values)
        theirs = self.write("theirs.json", [self.other.encrypt(value) for value in values])
        read = self.run_ok("number", "decrypt", "--key", self.key, theirs).splitlines()
        self.assertEqual([float(text) for text in read], [float(value) for value in values])
        self.assertEqual(int(read[3]), values[3])

    def test_a_client_in_python_asks_and_reads(self):
        expected = self.integers("predict", "--model", MODEL, "--images", DIGITS, "--range", "0:1")
        query, reply = self.folder / "plain.query", self.folder / "plain.reply"
        self.run_ok(
            "encrypt", "--key", self.pub, "--spec", SPEC, "--images", DIGITS, "--range", "0:1",
            "--layout", "plain", "--output", query,
        )
        exported = self.folder / "inputs.json"
        self.run_ok("export", query, "--spec", SPEC, "--output", exported)
        inputs = [self.other.decrypt(json.loads(line)) for line in exported.read_text().splitlines()]
        # The same inputs, encrypted by Python.
        encrypted = [self.other.encrypt(value) for value in inputs]
        numbers = self.write("numbers.json", encrypted)
        for key in (self.pub, self.key):
            ours = self.folder / "from-python.query"
            self.run_ok("import", numbers, "--key", key, "--spec", SPEC, "--output", ours)
            self.run_ok("evaluate", "--model", MODEL, "--output", reply, ours)
            answers = self.folder / "answers.json"
            self.run_ok("export", reply, "--key", self.pub, "--spec", SPEC, "--output", answers)
            read = [self.other.decrypt(json.loads(line)) for line in answers.read_text().splitlines()]
            self.assertEqual(read, [value for image in expected for value in image])
            self.assertEqual(self.integers("decrypt", "--key", self.key, "--spec", SPEC, reply), expected)
        # Floats that are whole: only with the secret key.
        floats = self.write("floats.json", [self.other.encrypt(float(value)) for value in inputs])
        refused = self.run_any("import", floats, "--key", self.pub, "--spec", SPEC, "--output", ours)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"number 0 has a fraction", refused.stderr)
        self.run_ok("import", floats, "--key", self.key, "--spec", SPEC, "--output", ours)
        self.run_ok("evaluate", "--model", MODEL, "--output", reply, ours)
        self.assertEqual(self.integers("decrypt", "--key", self.key, "--spec", SPEC, reply), expected)
        # What cannot be an input is found before it is sent.
        for wrong, why in ((0.5, b"no whole number"), (-1, b"outside the model's range"), (10**6, b"outside")):
            changed = self.write("wrong.json", [encrypted[0], self.other.encrypt(wrong), *encrypted[2:]])
            refused = self.run_any("import", changed, "--key", self.key, "--spec", SPEC, "--output", ours)
            self.assertEqual(refused.returncode, 1)
            self.assertIn(b"number 1, counted from 0, is " + why, refused.stderr)
            self.assertNotIn(repr(wrong).encode(), refused.stderr.replace(str(changed).encode(), b""))


if __name__ == "__main__":
    if NEEDS_PHE and phe is None:
        sys.exit(SKIPPED)
    unittest.main(verbosity=2, argv=[word for word in sys.argv if word != "--python-paillier"])
