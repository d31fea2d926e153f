"""The long comparison of memory and disk: thousands of edits under every interpreter found."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from live.found_interpreters import Interpreter, found_interpreters
from truth.campaign import Campaign, Tally

THOROUGH = ("3.11.7", "3.13.18")
MOST_SHOWN = 40


def campaign(interpreter: Interpreter, edits: int, seed: int, folder: Path) -> Tally:
    """Edit a project with bytecode files, and one without, half of the edits each."""
    whole = Tally()
    for bytecode in (True, False):
        place = folder / f"{interpreter.version}-{'with' if bytecode else 'without'}"
        with Campaign(place, interpreter, bytecode=bytecode, libraries=True, seed=seed) as each:
            kind = "with" if bytecode else "without"
            untouched = each.untouched()
            print(
                f"{interpreter.version} {kind} bytecode: {len(each.loaded)} modules loaded,"
                f" {len(each.failed)} not; {len(untouched)} not fresh before any edit"
            )
            for one in untouched[:5]:
                print(f"  {one.name}: {one.verdict} {one.reason} {one.definitions[:2]}")
            each.run(edits // 2)
            whole.wrong += each.tally.wrong
            whole.seconds += each.tally.seconds
            for name, row in each.tally.rows.items():
                whole.rows[name].update(row)
            print(each.tally.table(f"{interpreter.version} {kind}"), flush=True)
            whole.wrong += []
    return whole


def main() -> int:
    """Run, print the tables, and say with the exit code whether anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interpreters", default="")
    parser.add_argument("--edits", type=int, default=3000)
    parser.add_argument("--fewer", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    wanted = [each for each in options.interpreters.split(",") if each]
    warnings.simplefilter("ignore")
    folder = options.folder or Path(tempfile.mkdtemp(prefix="instep-truth-"))
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    total = Tally()
    for interpreter in found_interpreters():
        if wanted and not {interpreter.version, interpreter.minor} & set(wanted):
            continue
        amount = options.edits if interpreter.version in THOROUGH else options.fewer
        tally = campaign(interpreter, amount, options.seed, folder)
        total.wrong += tally.wrong
        total.seconds += tally.seconds
        for name, row in tally.rows.items():
            total.rows[name].update(row)
    print(total.table("all interpreters"))
    for one in total.wrong[:MOST_SHOWN]:
        print(f"WRONG {one.kind}: {one.file}:{one.line}: {'; '.join(one.mistakes)} [{one.edited}]")
    return 1 if total.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
