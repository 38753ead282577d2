"""Bodies of the Open Inference Protocol, made and read without a line of Opaline's own code."""

import base64
import json
from dataclasses import dataclass
from typing import Any, Mapping

HEADER_LENGTH = "Inference-Header-Content-Length"


def infer_path(model: str, version: str | None = None) -> str:
    return f"/v2/models/{model}" + (f"/versions/{version}" if version else "") + "/infer"


def tensor(query: bytes, **changes: Any) -> dict:
    made = {"name": "query", "datatype": "BYTES", "shape": [1], "data": [base64.b64encode(query).decode()]}
    return {**made, **changes}


def _message(inputs: list, binary_reply: bool, request_id: str | None) -> dict:
    message: dict = {"inputs": inputs}
    if request_id is not None:
        message["id"] = request_id
    if binary_reply:
        message["outputs"] = [{"name": "reply", "parameters": {"binary_data": True}}]
    return message


def json_request(query: bytes, binary_reply: bool = False, request_id: str | None = None):
    """Fields and body with the query in base64."""
    message = _message([tensor(query)], binary_reply, request_id)
    return {"Content-Type": "application/json"}, json.dumps(message).encode()


def binary_request(query: bytes, binary_reply: bool = True, request_id: str | None = None):
    """Fields and body with the query behind the JSON."""
    tensor_bytes = len(query).to_bytes(4, "little") + query
    described = {
        "name": "query",
        "datatype": "BYTES",
        "shape": [1],
        "parameters": {"binary_data_size": len(tensor_bytes)},
    }
    head = json.dumps(_message([described], binary_reply, request_id)).encode()
    fields = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(head))}
    return fields, head + tensor_bytes


def raw_request(
    model: str, query: bytes, binary: bool = True, extra: Mapping[str, str] | None = None
) -> bytes:
    """A whole infer request as it goes over the wire."""
    fields, body = (binary_request if binary else json_request)(query)
    fields = {"Host": "localhost", **fields, "Content-Length": str(len(body)), **(extra or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {infer_path(model)} HTTP/1.1\r\n{head}\r\n".encode() + body


@dataclass(frozen=True)
class Answer:
    message: dict  # the JSON
    reply: bytes
    binary: bool

    @property
    def model_id(self) -> str:
        return self.message["parameters"]["model_id"]


def read_answer(fields: Mapping[str, str], body: bytes) -> Answer:
    """The reply in a body; ValueError if it is not of the form that the protocol asks for."""
    length = next((value for name, value in fields.items() if name.lower() == HEADER_LENGTH.lower()), None)
    head, behind = (body, b"") if length is None else (body[: int(length)], body[int(length) :])
    message = json.loads(head)
    (output,) = message["outputs"]
    if (output["name"], output["datatype"], output["shape"]) != ("reply", "BYTES", [1]):
        raise ValueError(f"not a tensor `reply`: {output}")
    if length is None:
        (text,) = output["data"]
        return Answer(message, base64.b64decode(text, validate=True), False)
    if output["parameters"]["binary_data_size"] != len(behind) or "data" in output:
        raise ValueError("binary_data_size is not what is behind the JSON")
    if int.from_bytes(behind[:4], "little") != len(behind) - 4:
        raise ValueError("the element's length is not what follows it")
    return Answer(message, behind[4:], True)
