"""TLS as clients nobody here wrote speak it, and plain HTTP only where it was asked for."""

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import sys
import urllib.request

from open_inference import infer_path, json_request, read_answer
from opaline_program import GRADIENTS, expected, server_file
from raw_connection import RawConnection
from scale import patience
from server_under_test import ServerUnderTest, refusal
from service_case import FOLDER, SKIPPED, ServiceCase, alice, main, query

CERTIFICATE = FOLDER / "server.crt"
KEY = FOLDER / "server.key"


def make_certificate(certificate, key) -> None:
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout",
            str(key),
            "-out",
            str(certificate),
        ],
        check=True,
        capture_output=True,
    )


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


class Tls(ServiceCase):
    options = ["--tls-certificate", CERTIFICATE, "--tls-key", KEY, "--header-timeout", str(patience(4))]

    @classmethod
    def setUpClass(cls) -> None:
        make_certificate(CERTIFICATE, KEY)
        super().setUpClass()

    def over_tls(self, context: ssl.SSLContext) -> http.client.HTTPSConnection:
        connection = http.client.HTTPSConnection(*self.server.address, timeout=patience(30), context=context)
        self.addCleanup(connection.close)
        return connection

    def live(self, context: ssl.SSLContext | None = None) -> str:
        """Whether a new client is served; the TLS version that it got."""
        connection = self.over_tls(context or trusting())
        connection.request("GET", "/v2/health/live")
        self.assertEqual(connection.getresponse().read(), b'{"live":true}')
        return connection.sock.version()

    def test_announced(self):
        self.assertTrue(self.server.url.startswith("https://"))

    def test_infer(self):
        fields, body = json_request(query())
        connection = self.over_tls(trusting())
        for _ in range(3):
            connection.request("POST", infer_path(GRADIENTS), body, fields)
            reply = connection.getresponse()
            answer = read_answer(dict(reply.getheaders()), reply.read())
            self.assertEqual(alice().decrypt(GRADIENTS, answer.reply), expected(GRADIENTS)[:1])

    def test_urllib(self):
        with urllib.request.urlopen(
            self.server.url + "/v2", timeout=patience(30), context=trusting()
        ) as reply:
            self.assertEqual(json.load(reply)["name"], "opaline")

    def test_versions(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = trusting()
            context.minimum_version = context.maximum_version = version
            self.assertEqual(self.live(context), version.name.replace("_", "."))

    def test_old_versions_are_refused(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with self.subTest(version=version.name):
                said = subprocess.run(
                    [
                        "openssl",
                        "s_client",
                        "-connect",
                        "%s:%d" % self.server.address,
                        "-cipher",
                        "ALL:@SECLEVEL=0",
                        "-tls1" if version is ssl.TLSVersion.TLSv1 else "-tls1_1",
                    ],
                    input=b"",
                    capture_output=True,
                    timeout=patience(30),
                    check=False,
                )
                self.assertNotEqual(said.returncode, 0)
                # The server's own word, so that it is not this side that would not speak it.
                self.assertIn(b"alert protocol version", said.stdout + said.stderr)
        self.live()

    def test_a_client_that_does_not_trust_it_does_no_harm(self):
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.live(ssl.create_default_context())
        self.live()

    def test_plain_http(self):
        for data in (
            b"GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01\xff\xff" + b"x" * 1000,
            b"\0" * 3000,
            b"\r\n",
        ):
            with RawConnection(self.server.address) as connection:
                connection.send(data)
                self.assertTrue(connection.waits_for_end(patience(20)))
        self.live()

    def test_a_handshake_that_never_comes(self):
        with RawConnection(self.server.address) as silent, RawConnection(self.server.address) as begun:
            begun.send(b"\x16\x03\x01")
            self.live()
            self.assertTrue(begun.waits_for_end(patience(20)))
            self.assertTrue(silent.waits_for_end(patience(20)))
        self.live()

    def test_closed_in_mid_request(self):
        for reset in (False, True):
            raw = socket.create_connection(self.server.address, timeout=patience(10))
            connection = trusting().wrap_socket(raw, server_hostname="127.0.0.1")
            connection.sendall(b"POST " + infer_path(GRADIENTS).encode() + b" HTTP/1.1\r\nContent-Le")
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
        self.live()


class Start(ServiceCase):
    """What a server refuses to start with."""

    @classmethod
    def setUpClass(cls) -> None:
        make_certificate(CERTIFICATE, KEY)

    def test_plain_http_beyond_this_machine(self):
        for address in ("0.0.0.0:0", "[::]:0"):
            with self.subTest(address=address):
                code, message = refusal("--listen", address)
                self.assertEqual(code, 2, message)
                self.assertIn("--allow-plain-http", message)
                self.assertIn("--tls-certificate", message)

    def test_plain_http_beyond_this_machine_on_request(self):
        server = ServerUnderTest([GRADIENTS], "--allow-plain-http", listen="0.0.0.0:0")
        self.addCleanup(server.stop)
        self.assertEqual(server.metric("opaline_cancelled_total"), 0)

    def test_tls_beyond_this_machine(self):
        ServerUnderTest(
            [GRADIENTS], "--tls-certificate", CERTIFICATE, "--tls-key", KEY, listen="0.0.0.0:0"
        ).stop()

    def test_half_of_tls(self):
        for half in (("--tls-certificate", CERTIFICATE), ("--tls-key", KEY)):
            code, message = refusal("--listen", "127.0.0.1:0", *half)
            self.assertEqual(code, 2, message)

    def test_damaged_and_foreign_files(self):
        other = FOLDER / "other.crt", FOLDER / "other.key"
        make_certificate(*other)
        damaged = FOLDER / "damaged.crt"
        damaged.write_bytes(CERTIFICATE.read_bytes()[:200])
        for certificate, key, named in (
            (CERTIFICATE, other[1], "other.key"),
            (damaged, KEY, "damaged.crt"),
            (FOLDER / "none.crt", KEY, "none.crt"),
            (CERTIFICATE, CERTIFICATE, "server.crt"),
        ):
            with self.subTest(certificate=certificate.name, key=key.name):
                code, message = refusal(
                    "--listen", "127.0.0.1:0", "--tls-certificate", certificate, "--tls-key", key
                )
                self.assertEqual(code, 1, message)
                self.assertIn(named, message)

    def test_other_arguments(self):
        for arguments in (
            ("--listen", "127.0.0.1"),
            ("--listen", "127.0.0.1:70000"),
            ("--listen", "nowhere:x"),
            ("--listen", "127.0.0.1:0", "--workers", "-1"),
            ("--listen", "127.0.0.1:0", "--model", f"a/b={server_file(GRADIENTS)}"),
            ("--listen", "127.0.0.1:0", "--model", str(server_file(GRADIENTS))),
        ):
            with self.subTest(arguments=arguments):
                code, message = refusal(*arguments)
                self.assertEqual(code, 2, message)
                self.assertEqual(len(message.strip().splitlines()), 1, message)

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            code, message = refusal("--listen", address)
        self.assertEqual(code, 1, message)
        self.assertIn(address, message)


if __name__ == "__main__":
    if not shutil.which("openssl"):
        sys.exit(SKIPPED)
    main()
