"""The whole protocol by curl and the shell, as someone would type it."""

import json
import os
import shutil
import subprocess
import sys

from opaline_program import DIGITS, GRADIENTS, PROGRAM, client_file, expected, integers, model_id
from scale import patience
from service_case import FOLDER, SKIPPED, ServiceCase, alice, main

JSON = r"""
printf '{"inputs":[{"name":"query","datatype":"BYTES","shape":[1],"data":["%s"]}]}' "$(base64 -w0 q.query)" |
  curl -sS --fail-with-body -H 'Content-Type: application/json' --data-binary @- \
    "$URL/v2/models/$MODEL/infer" > reply.json
sed 's/.*"data": *\["\([^"]*\)"\].*/\1/' reply.json | base64 -d > r.reply
"""

BINARY = r"""
size=$(wc -c < q.query)
json='{"inputs":[{"name":"query","datatype":"BYTES","shape":[1],
    "parameters":{"binary_data_size":'$((size + 4))'}}],
  "outputs":[{"name":"reply","parameters":{"binary_data":true}}]}'
length=$(for shift in 0 8 16 24; do printf '\\%03o' $((size >> shift & 255)); done)
{ printf '%s' "$json"; printf "$length"; cat q.query; } |
  curl -sS --fail-with-body -H 'Content-Type: application/octet-stream' \
    -H "Inference-Header-Content-Length: ${#json}" --data-binary @- -D head.txt \
    "$URL/v2/models/$MODEL/infer" > reply.bin
json_bytes=$(tr -d '\r' < head.txt | sed -n 's/^inference-header-content-length: *//Ip')
tail -c +$((json_bytes + 4 + 1)) reply.bin > r.reply
"""


class Curl(ServiceCase):
    def shell(self, script: str, **environment: str) -> str:
        outcome = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=FOLDER,
            capture_output=True,
            timeout=patience(120),
            check=False,
            env={
                **os.environ,
                "OPALINE": PROGRAM,
                "URL": self.server.url,
                "MODEL": GRADIENTS,
                "DIGITS": str(DIGITS),
                "KEY": str(alice().key),
                **environment,
            },
        )
        self.assertEqual(outcome.returncode, 0, outcome.stdout.decode() + outcome.stderr.decode())
        return outcome.stdout.decode()

    def walk(self, ask: str) -> None:
        lines = self.shell(
            'curl -sS --fail -o model.client "$URL/v2/models/$MODEL/spec"\n'
            '"$OPALINE" encrypt --key "$KEY" --spec model.client --images "$DIGITS" --range 5:8 '
            "--output q.query\n"
            + ask
            + '"$OPALINE" decrypt --key "$KEY" --spec model.client --json --scores r.reply\n'
        )
        self.assertEqual(integers(lines), expected(GRADIENTS)[5:8])

    def test_json(self):
        self.walk(JSON)

    def test_binary(self):
        self.walk(BINARY)

    def test_spec_is_the_file(self):
        self.shell('curl -sS --fail -o got.client "$URL/v2/models/$MODEL/spec"')
        self.assertEqual((FOLDER / "got.client").read_bytes(), client_file(GRADIENTS).read_bytes())

    def test_looking_around(self):
        self.assertIs(json.loads(self.shell('curl -sS "$URL/v2/health/ready"'))["ready"], True)
        about = json.loads(self.shell('curl -sS "$URL/v2/models/$MODEL"'))
        self.assertEqual(about["versions"], [model_id(GRADIENTS)[:16]])
        self.assertIn("200", self.shell('curl -sS -I "$URL/v2"').splitlines()[0])
        self.assertIn("opaline_requests_total", self.shell('curl -sS "$URL/metrics"'))

    def test_what_curl_says_unless_told_otherwise(self):
        # A form's content type: refused, and told so.
        said = self.shell('curl -sS -w " %{http_code}" -d "{}" "$URL/v2/models/$MODEL/infer"')
        self.assertTrue(said.endswith(" 415"), said)
        self.assertIn("error", json.loads(said[:-4]))

    def test_large_body_waits_for_leave(self):
        # curl asks with Expect: 100-continue before it sends more than a megabyte.
        said = self.shell(
            'head -c 3000000 /dev/zero | curl -sS -w " %{http_code}" -H "Content-Type: application/json" '
            '--data-binary @- "$URL/v2/models/$MODEL/infer"'
        )
        self.assertTrue(said.endswith(" 400"), said)

    def test_chunked_upload(self):
        said = self.shell(
            'printf "{}" | curl -sS -w " %{http_code}" -H "Content-Type: application/json" '
            '-H "Transfer-Encoding: chunked" --data-binary @- "$URL/v2/models/$MODEL/infer"'
        )
        self.assertTrue(said.endswith(" 400"), said)


if __name__ == "__main__":
    if not shutil.which("curl"):
        sys.exit(SKIPPED)
    main()
