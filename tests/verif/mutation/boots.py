# SPDX-License-Identifier: MIT
"""boots.py TREE ELF: T4 of one machine, by the verifier and the specification of TREE, with the
image and the initrd that are beside ELF. Prints the row as JSON."""
import importlib
import json
import sys
import tempfile
from pathlib import Path


def main() -> int:
    tree, elf = map(Path, sys.argv[1:3])
    sys.path.insert(0, str(tree))
    boot, plan, result, target = (importlib.import_module(f"verif.{name}")
                                  for name in ("boot", "plan", "result", "target"))
    kernel = target.load(elf)
    with tempfile.TemporaryDirectory(prefix="hv8-boots-") as out:
        jobs = plan.Plan(kernel, Path(out), ("T4",), boot.files(kernel, None),
                         boot.machines(False)[:1]).jobs((), (), True)
        print(json.dumps([result.to_json(row) for job in jobs for row in job.work()]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
