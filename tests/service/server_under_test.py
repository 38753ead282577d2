"""`opaline serve` as a program of its own: started, looked at from outside, stopped."""

import json
import os
import re
import select
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Callable

from opaline_program import GRADIENTS, PROGRAM, server_file
from scale import patience

_READY = re.compile(r"^listening on (https?)://(.+):(\d+)$")
_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{[^}]*\})?) (\S+)$")


def wait_until(what: Callable[[], bool], seconds: float) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def parse_metrics(text: str) -> dict[str, float]:
    """Samples of the Prometheus text format, by name with labels; ValueError for a line that is none."""
    samples = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = _SAMPLE.match(line)
        if not match:
            raise ValueError(f"not a sample: {line}")
        samples[match.group(1)] = float(match.group(2))
    return samples


def refusal(*options: str | Path) -> tuple[int, str]:
    """Exit code and message of a server that must not start with these options."""
    arguments = [PROGRAM, "serve", "--model", str(server_file(GRADIENTS)), *map(str, options)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        if process.stdout.readline():
            process.kill()
            raise AssertionError("it starts")
        try:
            message = process.communicate(timeout=patience(30))[1].decode()
        finally:
            process.kill()
    return process.returncode, message


class ServerUnderTest:
    """A server on a port of its own. `models` are names of shipped models or NAME=FILE."""

    def __init__(self, models: list[str], *options: str | Path, listen: str = "127.0.0.1:0"):
        arguments = [PROGRAM, "serve", "--listen", listen]
        for model in models:
            arguments += ["--model", model if "=" in model else str(server_file(model))]
        arguments += map(str, options)
        self._log = os.memfd_create("log")  # read by place while the server writes
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=self._log)
        line = self._first_line(patience(30))
        match = _READY.match(line)
        if not match:
            self.kill()
            raise RuntimeError(f"serve did not start: {line!r}; {self.log()}")
        self.url = line.removeprefix("listening on ")
        self.address = ("127.0.0.1" if match.group(2) == "0.0.0.0" else match.group(2), int(match.group(3)))

    def _first_line(self, seconds: float) -> str:
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        return self.process.stdout.readline().decode().rstrip("\n") if ready else ""

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self._reap(patience(30))

    def _reap(self, seconds: float) -> int:
        code = self.process.wait(seconds)
        if not self.process.stdout.closed:
            self.process.stdout.close()
        return code

    def wait(self, seconds: float) -> int:
        """The exit code of a server that was told to stop, minus the signal if one ended it."""
        return self._reap(patience(seconds))

    def stop(self) -> None:
        """Ends the server as an operator does and insists that it ends well: sanitizers speak up here."""
        if self.alive:
            self.signal(signal.SIGTERM)
        try:
            code = self.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"SIGTERM did not end the server: {self.log()}") from None
        if code != 0:
            raise AssertionError(f"the server ended with {code}: {self.log()[-4000:]}")
        for line in self.log().splitlines():
            try:
                json.loads(line)
            except ValueError:
                raise AssertionError(f"a line of the log is not JSON: {line}") from None

    def log(self) -> str:
        return os.pread(self._log, os.fstat(self._log).st_size, 0).decode(errors="replace")

    def _status(self, name: str) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE).group(1))

    @property
    def resident_bytes(self) -> int:
        return self._status("VmRSS") * 1024

    @property
    def cpu_seconds(self) -> float:
        """What it has computed, on all threads, for itself and in the kernel."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    @property
    def threads(self) -> int:
        return self._status("Threads")

    @property
    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def unread_bytes(self) -> int:
        """What is on its way to the server or back, or was not taken from a socket yet."""
        count = 0
        port = f":{self.address[1]:04X}"
        for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
            _, here, there, _, queues, *_ = line.split()
            if here.endswith(port) or there.endswith(port):
                count += sum(int(queue, 16) for queue in queues.split(":"))
        return count

    def metrics(self) -> dict[str, float]:
        with urllib.request.urlopen(self.url + "/metrics", timeout=patience(30)) as reply:
            return parse_metrics(reply.read().decode())

    def metric(self, name: str) -> float:
        """A metric summed over its labels; 0 if there is none of the name."""
        return sum(value for sample, value in self.metrics().items() if sample.split("{")[0] == name)
