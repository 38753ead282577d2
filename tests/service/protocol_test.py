"""The Open Inference Protocol as its specification has it, asked for by Python's own HTTP client."""

import http.client
import json
import urllib.error
import urllib.request

from open_inference import HEADER_LENGTH, binary_request, infer_path, json_request, raw_request, tensor
from opaline_program import GRADIENTS, PIXELS, client_file, model_id, server_file
from raw_connection import RawConnection, Reply, exchange
from scale import patience
from server_under_test import ServerUnderTest, parse_metrics
from service_case import ServiceCase, main, query

VERSION = model_id(GRADIENTS)[:16]
MODEL = f"/v2/models/{GRADIENTS}"
JSON = {"Content-Type": "application/json"}


class Metadata(ServiceCase):
    models = [GRADIENTS, f"pixels={server_file(PIXELS)}"]

    def get(self, path: str, status: int = 200) -> dict:
        reply = self.ask("GET", path)
        self.assertEqual(reply.status, status, reply.body[:300])
        self.assertEqual(reply.fields["content-type"].split(";")[0], "application/json")
        return json.loads(reply.body)

    def test_server(self):
        about = self.get("/v2")
        self.assertEqual(about["name"], "opaline")
        self.assertRegex(about["version"], r"^\d+\.\d+")
        self.assertIn("binary_tensor_data", about["extensions"])

    def test_health(self):
        self.assertIs(self.get("/v2/health/live")["live"], True)
        self.assertIs(self.get("/v2/health/ready")["ready"], True)

    def test_model(self):
        for path in (MODEL, f"{MODEL}/versions/{VERSION}"):
            about = self.get(path)
            self.assertEqual(about["name"], GRADIENTS)
            self.assertEqual(about["versions"], [VERSION])
            self.assertTrue(about["platform"])
            for tensors, name in (("inputs", "query"), ("outputs", "reply")):
                (only,) = about[tensors]
                self.assertEqual((only["name"], only["datatype"], only["shape"]), (name, "BYTES", [1]))

    def test_model_under_a_name_of_its_own(self):
        self.assertEqual(self.get("/v2/models/pixels")["versions"], [model_id(PIXELS)[:16]])
        self.assert_error(self.ask("GET", f"/v2/models/{PIXELS}"), 404)

    def test_model_ready(self):
        for path in (f"{MODEL}/ready", f"{MODEL}/versions/{VERSION}/ready"):
            about = self.get(path)
            self.assertEqual((about["name"], about["ready"]), (GRADIENTS, True))

    def test_spec(self):
        for path in (f"{MODEL}/spec", f"{MODEL}/versions/{VERSION}/spec"):
            reply = self.ask("GET", path)
            self.assertEqual(reply.status, 200)
            self.assertEqual(reply.body, client_file(GRADIENTS).read_bytes())
            self.assertEqual(reply.fields["content-type"], "application/octet-stream")

    def test_unknown(self):
        other = model_id(PIXELS)[:16]
        for path in (
            "/",
            "/v1",
            "/v2/",
            "/v2/model",
            "/v2/health",
            "/v2/health/dead",
            "/v2/models",
            "/v2/models/",
            "/v2/models/none",
            "/v2/models/none/ready",
            "/v2/models/none/spec",
            f"{MODEL}/",
            f"{MODEL}/nothing",
            f"{MODEL}/versions",
            f"{MODEL}/versions/",
            f"{MODEL}/ready/",
            f"{MODEL}/versions/{other}",
            f"{MODEL}/versions/{other}/ready",
            f"{MODEL}/versions/1/spec",
            f"{MODEL}/versions/{VERSION}/nothing",
            "/metric",
            "/v2/models/" + "x" * 2000,
        ):
            with self.subTest(path=path):
                self.assert_error(self.ask("GET", path), 404)
        for path in (infer_path("none"), infer_path(GRADIENTS, other), infer_path("none", VERSION)):
            with self.subTest(path=path):
                fields, body = json_request(query())
                self.assert_error(self.ask("POST", path, body, fields), 404)

    def test_other_methods(self):
        wrong = [
            (method, path, "GET")
            for path in (
                "/v2",
                "/v2/health/live",
                "/v2/health/ready",
                MODEL,
                f"{MODEL}/ready",
                f"{MODEL}/spec",
                "/metrics",
            )
            for method in ("POST", "PUT", "DELETE", "PATCH")
        ]
        wrong += [(method, infer_path(GRADIENTS), "POST") for method in ("GET", "PUT", "DELETE", "PATCH")]
        for method, path, allowed in wrong:
            with self.subTest(method=method, path=path):
                body = None if method in ("GET", "DELETE") else b"{}"
                reply = self.ask(method, path, body, JSON if body else None)
                self.assert_error(reply, 405)
                self.assertIn(allowed, [one.strip() for one in reply.fields["allow"].split(",")])

    def test_head(self):
        for path in ("/v2", "/v2/health/live", "/v2/health/ready", MODEL, f"{MODEL}/ready", f"{MODEL}/spec"):
            with self.subTest(path=path):
                full, head = self.ask("GET", path), self.ask("HEAD", path)
                self.assertEqual(head.status, 200)
                self.assertEqual(head.body, b"")
                self.assertEqual(head.fields["content-length"], str(len(full.body)))
                self.assertEqual(head.fields["content-type"], full.fields["content-type"])
        self.assertEqual(self.ask("HEAD", "/v2/models/none").status, 404)
        self.assertEqual(self.ask("HEAD", infer_path(GRADIENTS)).status, 405)

    def test_metrics(self):
        before = self.server.metric("opaline_requests_total")
        self.assert_answers(self.infer(query()))
        reply = self.ask("GET", "/metrics")
        self.assertEqual(reply.status, 200)
        self.assertTrue(reply.fields["content-type"].startswith("text/plain"))
        self.assertTrue(parse_metrics(reply.body.decode()))
        self.assertGreater(self.server.metric("opaline_requests_total"), before)


class Infer(ServiceCase):
    models = [GRADIENTS, PIXELS]

    def test_every_form(self):
        for binary in (False, True):
            for wanted in (False, True):
                with self.subTest(binary=binary, wanted=wanted):
                    reply = self.infer_form(binary, wanted)
                    answer = self.assert_answers(reply)
                    self.assertEqual(answer.binary, wanted)
                    self.assertEqual(
                        reply.fields["content-type"],
                        "application/octet-stream" if wanted else "application/json",
                    )
                    self.assertEqual(answer.message["model_name"], GRADIENTS)
                    self.assertEqual(answer.message["model_version"], VERSION)
                    self.assertEqual(answer.model_id, model_id(GRADIENTS))
                    self.assertNotIn("id", answer.message)

    def infer_form(self, binary: bool, wanted: bool) -> Reply:
        fields, body = (binary_request if binary else json_request)(query(), binary_reply=wanted)
        return self.ask("POST", infer_path(GRADIENTS), body, fields)

    def test_binary_output_for_the_whole_request(self):
        body = {"inputs": [tensor(query())], "parameters": {"binary_data_output": True}}
        reply = self.ask("POST", infer_path(GRADIENTS), json.dumps(body).encode(), JSON)
        self.assertTrue(self.assert_answers(reply).binary)

    def test_other_models_and_many_digits(self):
        self.assert_answers(self.infer(query(PIXELS), PIXELS), PIXELS)
        self.assert_answers(self.infer(query(GRADIENTS, 3, 10), binary=True), GRADIENTS, 3, 10)

    def test_version(self):
        self.assert_answers(self.infer(query(), version=VERSION))

    def test_identifier_comes_back(self):
        for identifier in ("42", "", 'with "quotes" and \\', "ünïcode ☃ 😀", "x" * 200):
            with self.subTest(identifier=identifier):
                fields, body = json_request(query(), request_id=identifier)
                answer = self.assert_answers(self.ask("POST", infer_path(GRADIENTS), body, fields))
                self.assertEqual(answer.message["id"], identifier)

    def test_urllib(self):
        fields, body = json_request(query())
        request = urllib.request.Request(self.server.url + infer_path(GRADIENTS), body, fields)
        with urllib.request.urlopen(request, timeout=patience(60)) as reply:
            self.assertEqual(json.load(reply)["model_name"], GRADIENTS)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(
                urllib.request.Request(request.full_url, b"{}", fields), timeout=patience(60)
            )
        self.assertEqual(caught.exception.code, 400)
        self.assertIn("error", json.load(caught.exception))

    def test_what_else_a_client_may_say(self):
        unknown = {
            "inputs": [tensor(query(), parameters={"content_type": "base64"})],
            "parameters": {"priority": 3, "binary_data_output": False},
            "outputs": [],
        }
        for fields in (
            JSON,
            {"Content-Type": "application/json; charset=utf-8"},
            {"Content-Type": "APPLICATION/JSON"},
            {**JSON, "Accept": "*/*", "X-Request-Id": "1"},
        ):
            with self.subTest(fields=fields):
                reply = self.ask("POST", infer_path(GRADIENTS), json.dumps(unknown).encode(), fields)
                self.assert_answers(reply)

    def test_wrong_messages(self):
        good = tensor(query())
        wrong = {
            "not JSON": b"{",
            "empty": b"",
            "not an object": b"[]",
            "null": b"null",
            "not UTF-8": b'{"id":"\xff"}',
            "two JSON values": b"{}{}",
            "a byte order mark alone": b"\xef\xbb\xbf",
        }
        messages = {
            "no inputs": {},
            "empty inputs": {"inputs": []},
            "inputs of another type": {"inputs": {"query": good}},
            "two inputs": {"inputs": [good, good]},
            "input null": {"inputs": [None]},
            "another name": {"inputs": [tensor(query(), name="input")]},
            "another datatype": {"inputs": [tensor(query(), datatype="UINT8")]},
            "another shape": {"inputs": [tensor(query(), shape=[2])]},
            "more dimensions": {"inputs": [tensor(query(), shape=[1, 1])]},
            "shape of another type": {"inputs": [tensor(query(), shape=1)]},
            "no data": {"inputs": [{"name": "query", "datatype": "BYTES", "shape": [1]}]},
            "two elements": {"inputs": [tensor(query(), data=good["data"] * 2)]},
            "data of another type": {"inputs": [tensor(query(), data=[1])]},
            "nested data": {"inputs": [tensor(query(), data=[good["data"]])]},
            "not base64": {"inputs": [tensor(query(), data=["%%%%"])]},
            "half base64": {"inputs": [tensor(query(), data=[good["data"][0][:-1]])]},
            "another encoding": {"inputs": [tensor(query(), parameters={"content_type": "hex"})]},
            "binary without bytes": {
                "inputs": [
                    {
                        "name": "query",
                        "datatype": "BYTES",
                        "shape": [1],
                        "parameters": {"binary_data_size": 8},
                    }
                ]
            },
            "empty query": {"inputs": [tensor(b"")]},
            "identifier of another type": {"inputs": [good], "id": 7},
            "another output": {"inputs": [good], "outputs": [{"name": "answer"}]},
            "two outputs": {"inputs": [good], "outputs": [{"name": "reply"}, {"name": "reply"}]},
            "binary_data of another type": {
                "inputs": [good],
                "outputs": [{"name": "reply", "parameters": {"binary_data": "yes"}}],
            },
        }
        wrong.update({what: json.dumps(message).encode() for what, message in messages.items()})
        for what, body in wrong.items():
            with self.subTest(what):
                self.assert_error(self.ask("POST", infer_path(GRADIENTS), body, JSON), 400)

    def test_wrong_binary_messages(self):
        fields, body = binary_request(query())
        head = int(fields[HEADER_LENGTH])

        def lengths(value: str) -> tuple[dict, bytes]:
            return {**fields, HEADER_LENGTH: value}, body

        wrong = {
            "length beyond the body": lengths(str(len(body) + 1)),
            "negative length": lengths("-1"),
            "length not a number": lengths("x"),
            "length of many digits": lengths("9" * 40),
            "length a little short": lengths(str(head - 1)),
            "length a little long": lengths(str(head + 1)),
            "no length": lengths("0"),
            "hexadecimal length": lengths(hex(head)),
            "bytes missing": (fields, body[:-1]),
            "bytes too many": (fields, body + b"x"),
            "element too long": (fields, body[:head] + b"\xff\xff\xff\xff" + body[head + 4 :]),
            "element too short": (fields, body[:head] + b"\x01\x00\x00\x00" + body[head + 4 :]),
            "no element": (fields, body[:head]),
        }
        for what, (changed, data) in wrong.items():
            with self.subTest(what):
                self.assert_error(self.ask("POST", infer_path(GRADIENTS), data, changed), 400)

    def test_query_of_another_model(self):
        for model, other in ((GRADIENTS, PIXELS), (PIXELS, GRADIENTS)):
            with self.subTest(model=model):
                self.assert_error(self.infer(query(other), model), 409)

    def test_content_types(self):
        fields, body = json_request(query())
        for kind in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "application/jsonp",
            "application/xml",
            "json",
            "application/json/x",
            ", application/json",
        ):
            with self.subTest(kind=kind):
                self.assert_error(self.ask("POST", infer_path(GRADIENTS), body, {"Content-Type": kind}), 415)
        for encoding in ("gzip", "deflate", "br"):
            with self.subTest(encoding=encoding):
                self.assert_error(self.infer(query(), extra={"Content-Encoding": encoding}), 415)


class Http(ServiceCase):
    def test_one_connection_for_many_requests(self):
        connection = http.client.HTTPConnection(*self.server.address, timeout=patience(60))
        self.addCleanup(connection.close)
        connection.connect()
        port = connection.sock.getsockname()
        fields, body = json_request(query())
        for _ in range(10):
            connection.request("GET", "/v2/health/live")
            self.assertEqual(connection.getresponse().read(), b'{"live":true}')
            connection.request("POST", infer_path(GRADIENTS), body, fields)
            reply = connection.getresponse()
            reply.read()
            self.assertEqual(reply.status, 200)
            # Errors of a request that was read whole do not cost the connection.
            connection.request("POST", infer_path(GRADIENTS), b"{}", fields)
            reply = connection.getresponse()
            reply.read()
            self.assertEqual(reply.status, 400)
            connection.request("GET", "/v2/models/none")
            reply = connection.getresponse()
            reply.read()
            self.assertEqual(reply.status, 404)
            self.assertEqual(connection.sock.getsockname(), port)

    def test_requests_sent_ahead_are_answered_in_order(self):
        asked = [
            b"GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n",
            raw_request(GRADIENTS, query()),
            b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n",
            raw_request(GRADIENTS, query(), binary=False),
            b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /v2/health/ready HTTP/1.1\r\nHost: x\r\n\r\n",
        ]
        connection = self.connect().send(b"".join(asked))
        replies = [connection.reply() for _ in asked]
        self.assertEqual([reply.status for reply in replies], [200, 200, 200, 200, 404, 200])
        self.assertIn(b"extensions", replies[0].body)
        self.assert_answers(replies[1])
        self.assertIn(b"live", replies[2].body)
        self.assert_answers(replies[3])
        self.assertIn(b"ready", replies[5].body)

    def chunked(self, parts: list[bytes], extra: str = "") -> bytes:
        fields, _ = json_request(query())
        head = f"POST {infer_path(GRADIENTS)} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + extra + "\r\n"
        return head.encode() + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)

    def test_chunked_bodies(self):
        _, body = json_request(query())
        cut = [body[i : i + 1000] for i in range(0, len(body), 1000)]
        for what, data in {
            "one chunk": self.chunked([body]) + b"0\r\n\r\n",
            "many chunks": self.chunked(cut) + b"0\r\n\r\n",
            "chunks of one byte": self.chunked([body[:1], body[1:2], body[2:]]) + b"0\r\n\r\n",
            "a trailer": self.chunked(cut) + b"0\r\nX-Trailer: 1\r\n\r\n",
            "an extension": self.chunked(cut).replace(b"3e8\r\n", b"3e8;a=b\r\n") + b"0\r\n\r\n",
        }.items():
            with self.subTest(what):
                connection = self.connect().send(data + b"GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assert_answers(connection.reply())
                self.assertEqual(connection.reply().status, 200)  # what follows is read where the body ended

    def test_wrong_chunks(self):
        for what, tail in {
            "not a length": b"xyz\r\n",
            "no end of a chunk": b"2\r\nabcd\r\n",
            "a length of many digits": b"f" * 40 + b"\r\n",
            "a negative length": b"-1\r\n",
        }.items():
            with self.subTest(what):
                reply = exchange(self.server.address, self.chunked([b"{"]) + tail)
                self.assert_error(reply, 400, 413)
                self.assertTrue(reply.closes)

    def test_continue(self):
        request = raw_request(GRADIENTS, query(), extra={"Expect": "100-continue"})
        head, _, body = request.partition(b"\r\n\r\n")
        connection = self.connect().send(head + b"\r\n\r\n")
        self.assertEqual(connection.reply().status, 100)
        self.assert_answers(connection.send(body).reply())

    def test_no_continue_for_what_is_refused(self):
        head = (
            raw_request(GRADIENTS, query(), extra={"Expect": "100-continue"}).partition(b"\r\n\r\n")[0]
            + b"\r\n\r\n"
        )
        for status, changed in {
            413: head.replace(b"Content-Length: ", b"Content-Length: 99999999"),
            415: head.replace(b"octet-stream", b"zip"),
            404: head.replace(GRADIENTS.encode(), b"none"),
        }.items():
            with self.subTest(status=status):
                self.assert_error(self.connect().send(changed).reply(), status)

    def test_no_length(self):
        head = f"POST {infer_path(GRADIENTS)} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\r\n"
        self.assert_error(exchange(self.server.address, head.encode()), 411)

    def test_close_when_asked(self):
        for extra, version in ((b"Connection: close\r\n", b"1.1"), (b"", b"1.0")):
            with self.subTest(version=version):
                connection = self.connect()
                connection.send(b"GET /v2 HTTP/%b\r\nHost: x\r\n%b\r\n" % (version, extra))
                self.assertEqual(connection.reply().status, 200)
                self.assertTrue(connection.waits_for_end(patience(5)))

    def test_targets_in_other_forms(self):
        authority = "%s:%d" % self.server.address
        for target in (f"http://{authority}/v2", "/v2?verbose=1", "/v2?"):
            with self.subTest(target=target):
                reply = exchange(
                    self.server.address, f"GET {target} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode()
                )
                self.assertEqual(reply.status, 200)

    def test_requests_of_a_connection_are_counted(self):
        server = ServerUnderTest([GRADIENTS], "--max-requests-per-connection", "3")
        self.addCleanup(server.stop)
        with RawConnection(server.address) as connection:
            for closes in (False, False, True):
                self.assertEqual(
                    connection.send(b"GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n").reply().closes, closes
                )
            self.assertTrue(connection.waits_for_end(patience(5)))


if __name__ == "__main__":
    main()
