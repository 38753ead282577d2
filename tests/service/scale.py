"""How much to ask of the build under test: sanitizers make it some ten times slower.

OPALINE_TEST_SCALE divides what tests do and multiplies how long they wait; OPALINE_TEST_SANITIZED is set
where times and memory say nothing about the program itself.
"""

import os

SCALE = float(os.environ.get("OPALINE_TEST_SCALE", "1"))
SANITIZED = os.environ.get("OPALINE_TEST_SANITIZED", "0") == "1"


def scaled(count: int, least: int = 1) -> int:
    """So many of something, fewer on a slow build."""
    return max(least, int(count / SCALE))


def patience(seconds: float) -> float:
    """So long for something that ought to be over sooner, longer on a slow build."""
    return seconds * max(1.0, SCALE / 3)
