"""Fails on an include that runs upward through the layers of lib/opaline, or out of lib.

Usage: layers_test.py LIB_FOLDER     checks the headers and sources below it
       layers_test.py --self-test    checks the checker on planted includes
"""

import re
import sys
import tempfile
from pathlib import Path

# What each layer may include besides itself.
ALLOWED = {
    "base": set(),
    "bigint": {"base"},
    "paillier": {"base", "bigint"},
    "packing": {"base", "bigint", "paillier"},
    "model": {"base", "bigint"},
    "inference": {"base", "bigint", "paillier", "packing", "model"},
    "service": {"base", "bigint", "paillier", "packing", "model", "inference"},
}
OUTSIDE = ("tools/", "tests/", "bench/", "support/", "catch2/", "benchmark/")
SUFFIXES = {".h", ".hpp", ".cpp", ".cc", ".proto"}

INCLUDE = re.compile(r'^\s*(?:#\s*include|import)\s*[<"]([^>"]+)[>"]')


def violations(lib):
    """One line for each include that is not allowed."""
    found = []
    for source in sorted(path for path in lib.rglob("*") if path.suffix in SUFFIXES):
        place = source.relative_to(lib).as_posix()
        parts = source.relative_to(lib).parts
        layer = parts[1] if len(parts) > 2 and parts[0] == "opaline" else None
        if layer not in ALLOWED:
            found.append(f"{place}: not in a layer that this test knows")
            continue
        for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            target = match.group(1)
            if target.startswith(OUTSIDE) or ".." in Path(target).parts:
                found.append(f"{place}:{number}: {layer} may not include {target}")
            elif target.startswith("opaline/"):
                other = target.split("/")[1]
                if other != layer and other not in ALLOWED[layer]:
                    found.append(f"{place}:{number}: {layer} may not include {target}")
    return found


def self_test():
    """What the checker says of a tree with one line planted in it."""
    cases = [  # file, line, refused
        ("opaline/base/a.h", '#include "opaline/bigint/b.h"', True),
        ("opaline/base/a.cpp", "#include <opaline/paillier/b.h>", True),
        ("opaline/bigint/kernels/a.cpp", '#  include "opaline/paillier/b.h"', True),
        ("opaline/paillier/a.h", '  #include "opaline/packing/b.h"', True),
        ("opaline/packing/a.h", '#include "opaline/model/b.h"', True),
        ("opaline/packing/a.h", '#include "opaline/inference/b.h"', True),
        ("opaline/model/a.h", '#include "opaline/paillier/b.h"', True),
        ("opaline/model/a.proto", 'import "opaline/inference/b.proto";', True),
        ("opaline/base/a.h", '#include "opaline/unheard_of/b.h"', True),
        ("opaline/unheard_of/a.h", "", True),
        ("opaline/stray.h", "", True),
        ("opaline/base/a.h", '#include "tools/commands/options.h"', True),
        ("opaline/inference/a.cpp", '#include "support/error_kind.h"', True),
        ("opaline/model/a.h", '#include "../paillier/keys.h"', True),
        ("opaline/base/a.h", '#include "opaline/base/b.h"', False),
        ("opaline/paillier/a.h", '#include "opaline/bigint/b.h"', False),
        ("opaline/inference/a.h", '#include "opaline/model/b.h"', False),
        ("opaline/model/a.cpp", '#include "compiled_model.pb.h"', False),
        ("opaline/base/a.h", "#include <vector>", False),
        ("opaline/base/a.h", '// #include "opaline/bigint/b.h"', False),
    ]
    wrong = []
    for place, line, refused in cases:
        with tempfile.TemporaryDirectory() as folder:
            planted = Path(folder) / place
            planted.parent.mkdir(parents=True)
            planted.write_text(f"#pragma once\n{line}\n", encoding="utf-8")
            if bool(violations(Path(folder))) != refused:
                wrong.append(f"{place} with '{line}' should {'' if refused else 'not '}be refused")
    return wrong


def main():
    if sys.argv[1:] == ["--self-test"]:
        found = self_test()
    elif len(sys.argv) == 2 and (Path(sys.argv[1]) / "opaline").is_dir():
        found = violations(Path(sys.argv[1]))
    else:
        sys.exit(__doc__)
    print("\n".join(found) or "all includes run downward")
    sys.exit(1 if found else 0)


main()
