"""`serve --require-key-proof`: keys of keygen are let in, keys without a proof are told how to get one."""

import json
import os

from opaline_program import GRADIENTS, KeyHolder, run
from service_case import FOLDER, ServiceCase, main, query


class RequiredProofs(ServiceCase):
    options = ["--require-key-proof"]

    def test_a_key_of_keygen_is_let_in(self):
        self.assert_answers(self.infer(query()))

    def test_a_key_without_a_proof_is_told_how_to_get_one(self):
        bob = KeyHolder(FOLDER, "bob")
        key = json.loads(bob.key.read_text())
        proof = key["pub"]["opaline"].pop("proof")
        bob.key.write_text(json.dumps(key))
        for _ in range(2):
            reply = self.infer(bob.encrypt(GRADIENTS, 0, 1))
            self.assert_error(reply, 400)
            self.assertIn("opaline key prove", json.loads(reply.body)["error"])
        run("key", "prove", FOLDER / "bob.key")
        self.assertEqual(json.loads(bob.key.read_text())["pub"]["opaline"]["proof"], proof)
        self.assertEqual(json.loads((FOLDER / "bob.pub").read_text())["opaline"]["proof"], proof)
        self.assertEqual(os.stat(bob.key).st_mode & 0o777, 0o600)
        self.assertEqual(self.infer(bob.encrypt(GRADIENTS, 0, 1)).status, 200)


class OptionalProofs(ServiceCase):
    def test_without_the_option_any_key_will_do(self):
        carol = KeyHolder(FOLDER, "carol")
        key = json.loads(carol.key.read_text())
        del key["pub"]["opaline"]["proof"]
        carol.key.write_text(json.dumps(key))
        self.assertEqual(self.infer(carol.encrypt(GRADIENTS, 0, 1)).status, 200)


if __name__ == "__main__":
    main()
