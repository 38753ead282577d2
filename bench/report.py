"""Turns the JSON of a benchmark run into the results section of bench/README.md and bench/results.svg.

Usage: report.py FOLDER_WITH_JSON BENCH_FOLDER      or      report.py --self-test
"""

import datetime
import html
import json
import math
import os
import re
import subprocess
import sys

BEGIN, END = "<!-- results -->", "<!-- /results -->"
BASELINES = {"answer": "alone", "answer_new": "alone", "classify": "naive"}  # every other operation is compared with its gmp row
PLAN = "plan"  # layouts whose prediction is compared with the measurement


def rows_of(runs):
    """Benchmarks as (operation, bits, variant, figures), in the order they ran, means left out."""
    rows = []
    for run in runs:
        parts = run["name"].removesuffix("/real_time").split("/")
        if run.get("run_type", "iteration") == "iteration" and len(parts) == 3 and "items_per_second" in run:
            rows.append((parts[0], int(parts[1]), parts[2], run))
    return rows


def with_ratios(rows):
    """Each row with how many times faster it is than its baseline; None without one."""
    rates = {(operation, bits, variant): run["items_per_second"] for operation, bits, variant, run in rows}
    result = []
    for operation, bits, variant, run in rows:
        baseline = rates.get((operation, bits, BASELINES.get(operation, "gmp")))
        result.append((operation, bits, variant, run, baseline and run["items_per_second"] / baseline))
    return result


def three_digits(x):
    return f"{x:.{max(0, 2 - math.floor(math.log10(abs(x))))}f}" if x else "0"


def seconds(x):
    for unit, scale in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if x >= scale:
            return f"{three_digits(x / scale)} {unit}"
    return f"{three_digits(x / 1e-9)} ns"


def kilobytes(x):
    return f"{three_digits(x / 1000)} kB"


def table(rows):
    lines = ["| benchmark | times faster | time each | a second |", "|---|---|---|---|"]
    for operation, bits, variant, run, ratio in rows:
        if operation == PLAN:
            continue
        rate = run["items_per_second"]
        lines.append(f"| `{operation}/{bits}/{variant}` | {three_digits(ratio) if ratio else '-'} | "
                     f"{seconds(1 / rate)} | {three_digits(rate)} |")
    trips = [row for row in rows if "bytes_up" in row[3] and row[0] != PLAN]
    if trips:
        lines += ["", "| whole round trip | images | up | down | encrypt | evaluate | decrypt |",
                  "|---|---|---|---|---|---|---|"]
        for operation, bits, variant, run, _ in trips:
            phases = " | ".join(seconds(run[phase + "_ms"] / 1000) for phase in ("encrypt", "evaluate", "decrypt"))
            lines.append(f"| `{operation}/{bits}/{variant}` | {run['images']:.0f} | {kilobytes(run['bytes_up'])} | "
                         f"{kilobytes(run['bytes_down'])} | {phases} |")
    plans = [row for row in rows if row[0] == PLAN]
    if plans:
        lines += ["", "| layout | images | predicted | measured | predicted / measured |", "|---|---|---|---|---|"]
        for operation, bits, variant, run, _ in plans:
            lines.append(f"| `{operation}/{bits}/{variant}` | {run['images']:.0f} | "
                         f"{seconds(run['predicted_ms'] / 1000)} | {seconds(run['measured_ms'] / 1000)} | "
                         f"{three_digits(run['predicted_to_measured'])} |")
    return "\n".join(lines)


def chart(rows):
    """Horizontal bars on a logarithmic scale."""
    bars = [(f"{operation}/{bits}/{variant}", ratio) for operation, bits, variant, _, ratio in rows
            if ratio and variant != BASELINES.get(operation, "gmp") and BASELINES.get(operation) != "alone"]
    left, width, step, top = 250, 520, 20, 50
    highest = max([10.0] + [ratio for _, ratio in bars])
    lowest = min([1.0] + [ratio for _, ratio in bars])
    low = math.floor(math.log10(lowest) + 0.1)  # a little below 1 needs no decade of its own
    high = math.ceil(math.log10(highest))

    def x(ratio):
        return left + width * (math.log10(ratio) - low) / (high - low)

    height = top + step * len(bars) + 40
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 70} {height}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{left + width + 70}" height="{height}" fill="#ffffff"/>',
           '<text x="12" y="24" font-size="15" fill="#1a1a1a">Times faster than the same work with GMP '
           '(logarithmic)</text>']
    for power in range(low, high + 1):
        for digit in (1, 2, 5):
            tick = digit * 10.0 ** power
            if power == high and digit > 1:
                continue
            out.append(f'<line x1="{x(tick):.1f}" y1="{top - 8}" x2="{x(tick):.1f}" y2="{height - 26}" '
                       'stroke="#d0d0d0"/>')
            if digit == 1:
                out.append(f'<text x="{x(tick):.1f}" y="{height - 10}" text-anchor="middle" fill="#444444">'
                           f'{tick:,.10g}</text>')
    for i, (name, ratio) in enumerate(bars):
        y = top + step * i
        start, end = sorted((x(1.0), x(ratio)))
        colour = "#2a6f97" if ratio >= 1 else "#b5651d"
        out.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end" fill="#1a1a1a">{html.escape(name)}</text>')
        out.append(f'<rect x="{start:.1f}" y="{y}" width="{max(end - start, 1):.1f}" height="{step - 6}" '
                   f'fill="{colour}"/>')
        out.append(f'<text x="{x(max(ratio, 1.0)) + 5:.1f}" y="{y + 12}" fill="#1a1a1a">{three_digits(ratio)}</text>')
    return "\n".join(out + ["</svg>", ""])


def command_output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def machine():
    """Processor, cores, compiler, GMP."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    compiler = command_output("g++", "-dumpfullversion")
    gmp = command_output("pkg-config", "--modversion", "gmp")
    return (f"{model.group(1) if model else 'unknown processor'}, {os.cpu_count()} cores; "
            f"GCC {compiler or 'unknown'}, GMP {gmp or 'unknown'}")


def section(rows, where, date):
    return (f"{BEGIN}\nOne run of `bash bench/report.sh` on {where}; {date}. Times faster: than the `gmp` row of the "
            "same run, `classify` than `naive`, `answer` than `alone`.\n\n![ratios as bars](results.svg)\n\n" + table(rows) + f"\n{END}")


def replaced(readme, text):
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise SystemExit(f"report.py: the page has no single pair of {BEGIN} and {END}")
    before, rest = readme.split(BEGIN)
    return before + text + rest.split(END)[1]


def write(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


def main(source, bench):
    runs = []
    for layer in ("bigint", "paillier", "inference"):
        path = os.path.join(source, layer + ".json")
        if os.path.exists(path) and os.path.getsize(path) > 0:
            with open(path, encoding="utf-8") as file:
                runs += json.load(file)["benchmarks"]
    rows = with_ratios(rows_of(runs))
    if not rows:
        raise SystemExit("report.py: no benchmark ran; look at --filter")
    readme = os.path.join(bench, "README.md")
    with open(readme, encoding="utf-8") as file:
        page = replaced(file.read(), section(rows, machine(), datetime.date.today().isoformat()))
    write(os.path.join(bench, "results.svg"), chart(rows))
    write(readme, page)


def self_test():
    runs = [{"name": "mul/2048/fast", "items_per_second": 2e6}, {"name": "mul/2048/gmp", "items_per_second": 2e5},
            {"name": "mul/2048/fast_mean", "run_type": "aggregate", "items_per_second": 1.0},
            {"name": "add/1024/alone", "items_per_second": 5.0},
            {"name": "classify/2048/plain/real_time", "items_per_second": 20.0, "images": 1.0, "bytes_up": 4e5,
             "bytes_down": 5e3, "encrypt_ms": 20.0, "evaluate_ms": 10.0, "decrypt_ms": 3.0},
            {"name": "classify/2048/naive/real_time", "items_per_second": 0.25},
            {"name": "answer/2048/alone/real_time", "items_per_second": 200.0},
            {"name": "answer/2048/together/real_time", "items_per_second": 300.0},
            {"name": "plan/2048/t14_o2/real_time", "items_per_second": 50.0, "images": 1.0, "bytes_up": 4e5,
             "predicted_ms": 10.0, "measured_ms": 12.5, "predicted_to_measured": 0.8}]
    rows = with_ratios(rows_of(runs))
    assert [row[:3] for row in rows] == [("mul", 2048, "fast"), ("mul", 2048, "gmp"), ("add", 1024, "alone"),
                                         ("classify", 2048, "plain"), ("classify", 2048, "naive"),
                                         ("answer", 2048, "alone"), ("answer", 2048, "together"),
                                         ("plan", 2048, "t14_o2")]
    assert [row[4] for row in rows] == [10.0, 1.0, None, 80.0, 1.0, 1.0, 1.5, None]
    text = table(rows)
    assert "| `mul/2048/fast` | 10.0 | 500 ns | 2000000 |" in text
    assert "| `add/1024/alone` | - | 200 ms | 5.00 |" in text
    assert "| `classify/2048/plain` | 1 | 400 kB | 5.00 kB | 20.0 ms | 10.0 ms | 3.00 ms |" in text
    assert "| `plan/2048/t14_o2` | 1 | 10.0 ms | 12.5 ms | 0.800 |" in text and text.count("plan/2048") == 1
    picture = chart(rows)
    assert picture.count("<rect") == 3 and "classify/2048/plain" in picture and "add/1024" not in picture
    assert "answer" not in picture  # not compared with GMP
    assert replaced(f"a {BEGIN} old {END} b", "new") == "a new b"
    try:
        replaced("no marks", "new")
        raise AssertionError("a page without marks was taken")
    except SystemExit:
        pass
    assert BEGIN in section(rows, "a machine", "a day") and section(rows, "m", "d").endswith(END)


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    elif len(sys.argv) == 3:
        main(sys.argv[1], sys.argv[2])
    else:
        raise SystemExit(__doc__)
