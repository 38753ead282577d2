"""Taking the model by asking (tools/examples/extract_model): what a quota stops, and what it does not."""

import os
import re
import subprocess
from pathlib import Path

from opaline_program import GRADIENTS, PIXELS, server_file
from scale import patience
from service_case import FOLDER, ServiceCase, main

PROGRAM = os.environ["OPALINE_EXTRACT_MODEL"]
INPUTS = 128  # of the model of gradients
QUOTA = 100
TOKENS = f"few-1111111111111111 quota={QUOTA}\nmany-2222222222222222\n"


def extract(*options: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, "--bits", "2048", *map(str, options)],
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=False,
    )


def inputs_asked(outcome: subprocess.CompletedProcess[str]) -> int:
    return int(re.search(r": (\d+) inputs? in ", outcome.stdout).group(1))


class Extraction(ServiceCase):
    @classmethod
    def setUpClass(cls) -> None:
        tokens = FOLDER / "tokens"
        tokens.write_text(TOKENS, encoding="utf-8")
        tokens.chmod(0o600)
        cls.options = ["--token-file", tokens]
        super().setUpClass()

    def remote(self, name: str, *options: str | Path) -> subprocess.CompletedProcess[str]:
        token = FOLDER / name
        token.write_text(next(line.split()[0] for line in TOKENS.splitlines() if line.startswith(name)))
        token.chmod(0o600)
        return extract(
            "--server", self.server.url, "--model", GRADIENTS, "--token-file", token, "--attempts", "1", *options
        )

    def assert_stolen(self, outcome: subprocess.CompletedProcess[str], file: Path, model: str) -> None:
        self.assertEqual(outcome.returncode, 0, outcome.stderr)
        self.assertEqual(file.read_bytes(), server_file(model).read_bytes())

    def test_the_demo_model_in_one_process(self):
        for method in ("rules", "large"):
            file = FOLDER / f"stolen-{method}.server"
            outcome = extract("--method", method, "--output", file)
            self.assert_stolen(outcome, file, PIXELS)
            self.assertIn("7840 weights and 10 biases: all equal to the server file's", outcome.stdout)

    def test_by_the_rules_from_a_server_without_a_quota(self):
        file = FOLDER / "stolen.server"
        outcome = self.remote("many", "--method", "rules", "--output", file)
        self.assert_stolen(outcome, file, GRADIENTS)
        self.assertEqual(inputs_asked(outcome), INPUTS + 1)

    def test_a_quota_stops_who_keeps_to_the_rules_and_nobody_else(self):
        outcome = self.remote("few", "--method", "rules")
        self.assertEqual(outcome.returncode, 1)
        self.assertIn("429", outcome.stderr)
        file = FOLDER / "stolen-within-quota.server"
        outcome = self.remote("few", "--method", "large", "--output", file)
        self.assert_stolen(outcome, file, GRADIENTS)
        self.assertEqual(inputs_asked(outcome), 1)

    def test_usage(self):
        self.assertIn("--server", extract("--help").stdout)
        self.assertEqual(extract("--method", "force").returncode, 2)
        missing = extract("--model", FOLDER / "missing.server")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("missing.server", missing.stderr)


if __name__ == "__main__":
    main()
