"""`python -m tests.fuzz [TARGET …] --seconds N`: coverage-guided fuzzing with atheris; what it finds is kept.

A failing input is written to tests/fuzz/corpus/TARGET/ and replayed by the test suite from then on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import click

from tests.fuzz.targets import CORPUS, seeds, targets


def main() -> int:
    """Each target in a process of its own, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(targets())}; default: all")
    parser.add_argument("--seconds", type=int, default=30, help="for each target")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given, rest = parser.parse_known_args()
    if given.one:
        return _fuzz(given.one, rest)
    failed = []
    for name in given.targets or targets():
        click.echo(f"{name}: {given.seconds} s …")
        work = Path("/tmp") / f"tidegate-fuzz-{os.getpid()}-{name}"
        work.mkdir()
        for seed in seeds(name):
            (work / sha256(seed).hexdigest()[:16]).write_bytes(seed)
        crash = work / "crash"
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", "--one", name, f"-max_total_time={given.seconds}", "-timeout=20",
             "-rss_limit_mb=1024", "-max_len=16384", f"-exact_artifact_path={crash}", str(work)],
            check=False,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        if done.returncode:
            failed.append(name)
            click.echo("\n".join(done.stderr.splitlines()[-40:]))
            if crash.exists():
                kept = CORPUS / name / sha256(crash.read_bytes()).hexdigest()[:16]
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes(crash.read_bytes())
                click.echo(f"{name}: kept as {kept}")
    click.echo(f"failed: {', '.join(failed)}" if failed else "nothing found")
    return 1 if failed else 0


def _fuzz(name: str, arguments: list[str]) -> int:
    import atheris

    target = targets()[name]
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *arguments], target)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
