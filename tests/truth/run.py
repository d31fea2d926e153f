"""The long comparison of memory and disk: thousands of edits, and races, under every interpreter.

Prints tables, and every verdict that is not so; ends with 1 if there is one.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from live.found_interpreters import Interpreter, found_interpreters
from live.targets import TargetFactory
from truth.campaign import Campaign, Tally
from truth.project import standard_library
from truth.races import copies, edit, has_monitoring, race

THOROUGH = ("3.11.7", "3.13.18")
RACED = ("3.11.7", "3.13.18", "3.14.10")
MOST_SHOWN = 40


def say(text: str) -> None:
    """Write a line now: what runs for minutes is watched."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def campaign(interpreter: Interpreter, edits: int, seed: int, folder: Path) -> Tally:
    """Edit a project with bytecode files, and one without, half of the edits each."""
    whole = Tally()
    for bytecode in (True, False):
        kind = f"{interpreter.version} {'with' if bytecode else 'without'} bytecode"
        place = folder / kind.replace(" ", "-")
        with Campaign(place, interpreter, bytecode=bytecode, libraries=True, seed=seed) as each:
            untouched = each.untouched()
            say(
                f"{kind}: {len(each.loaded)} modules loaded, {len(each.failed)} not;"
                f" {len(untouched)} not fresh before any edit"
            )
            for one in untouched:
                say(f"WRONG untouched {one.name}: {one.verdict} {one.reason} {one.definitions[:3]}")
            whole.untouched += len(untouched)
            each.run(edits // 2)
            say(each.tally.table(kind))
            whole.add(each.tally)
    return whole


def races(interpreter: Interpreter, verdicts: int, folder: Path) -> int:
    """Race the reader, with and without monitoring going on and off; the number of mistakes."""
    wrong = 0
    for toggled in (False, True):
        if toggled and not has_monitoring(interpreter):
            continue
        title = f"{interpreter.version} churning{' and monitored' if toggled else ''}"
        place = folder / title.replace(" ", "-")
        place.mkdir(parents=True)
        factory = TargetFactory(place, interpreter)
        try:
            files = copies(standard_library(interpreter), place / "files")
            options = ["--toggle"] if toggled else []
            churning = factory("churning.py", *options, *map(str, files))
            edit(files)
            result = race(churning.pid, verdicts)
        finally:
            factory.close()
        say(result.line(title))
        for each in result.wrong[:MOST_SHOWN]:
            say(f"WRONG {each}")
        wrong += len(result.wrong)
    return wrong


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interpreters", default="", help="as in 3.11,3.14.10")
    parser.add_argument("--edits", type=int, default=3000, help=f"under {', '.join(THOROUGH)}")
    parser.add_argument("--fewer", type=int, default=500, help="under any other")
    parser.add_argument("--verdicts", type=int, default=100_000, help="of each race")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep what was judged wrong here")
    return parser.parse_args()


def main() -> int:
    """Run all of it."""
    options = arguments()
    wanted = {each for each in options.interpreters.split(",") if each}
    warnings.simplefilter("ignore")
    folder = options.folder or Path(tempfile.mkdtemp(prefix="instep-truth-"))
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    total = Tally()
    raced_wrong = 0
    for interpreter in found_interpreters():
        if wanted and not {interpreter.version, interpreter.minor} & wanted:
            continue
        amount = options.edits if interpreter.version in THOROUGH else options.fewer
        if amount:
            total.add(campaign(interpreter, amount, options.seed, folder))
        if interpreter.version in RACED and options.verdicts:
            raced_wrong += races(interpreter, options.verdicts, folder)
    say(total.table("all interpreters"))
    for one in total.wrong[:MOST_SHOWN]:
        say(f"WRONG {one.kind}: {one.file}:{one.line}: {'; '.join(one.mistakes)} [{one.edited}]")
    return 1 if total.wrong or total.untouched or raced_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
