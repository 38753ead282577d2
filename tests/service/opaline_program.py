"""The opaline command as a client uses it: keys, queries, replies; and the exact answers in the clear."""

import functools
import json
import os
import subprocess
import tempfile
from pathlib import Path

from scale import patience

PROGRAM = os.environ["OPALINE_PROGRAM"]
DEMO = Path(os.environ["OPALINE_DEMO_FOLDER"])
DIGITS = DEMO / "digits-images-idx3-ubyte.gz"
SAMPLES = 200  # digits in that file

PIXELS = "digits"
GRADIENTS = "digits-gradients"  # small queries
COSINES = "digits-gradients-cosine"


def run(*arguments: str | Path) -> str:
    """What a command prints; an error with what it said unless it ends with 0."""
    outcome = subprocess.run(
        [PROGRAM, *map(str, arguments)], capture_output=True, timeout=patience(120), check=False
    )
    if outcome.returncode != 0:
        raise RuntimeError(f"opaline {arguments[0]}: exit {outcome.returncode}: {outcome.stderr.decode()}")
    return outcome.stdout.decode()


def server_file(model: str) -> Path:
    return DEMO / f"{model}.server"


def client_file(model: str) -> Path:
    return DEMO / f"{model}.client"


@functools.cache
def model_id(model: str) -> str:
    return json.loads(run("inspect", "--json", client_file(model)))["model_id"]


def integers(lines: str) -> list[list[int]]:
    """The exact answers in what decrypt, predict or classify print with --json --scores."""
    return [json.loads(line)["integers"] for line in lines.splitlines()]


@functools.cache
def expected(model: str) -> list[list[int]]:
    """The exact answers for every sample digit, in the clear."""
    return integers(run("predict", "--model", server_file(model), "--images", DIGITS, "--json", "--scores"))


class KeyHolder:
    """One client with a 2048-bit key of its own."""

    def __init__(self, folder: Path, name: str = "alice"):
        self.folder = folder
        self.key = folder / f"{name}.key"
        run("keygen", "--bits", "2048", "--output", folder / name)

    def encrypt(self, model: str, first: int, end: int, layout: str = "latency") -> bytes:
        """One query of the sample digits first … end - 1."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            query = Path(folder) / "q.query"
            run(
                "encrypt",
                "--key",
                self.key,
                "--spec",
                client_file(model),
                "--images",
                DIGITS,
                "--range",
                f"{first}:{end}",
                "--layout",
                layout,
                "--output",
                query,
            )
            return query.read_bytes()

    def decrypt(self, model: str, reply: bytes) -> list[list[int]]:
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            file = Path(folder) / "r.reply"
            file.write_bytes(reply)
            return integers(
                run(
                    "decrypt",
                    "--key",
                    self.key,
                    "--spec",
                    client_file(model),
                    "--json",
                    "--scores",
                    "--threads",
                    "1",
                    file,
                )
            )
