"""Runs every check that needs no running server, with advice for each failure."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tools.generate import DESCRIPTORS, GENERATED, RELEASED, REPOSITORY

PROGRAMS = Path(sys.executable).parent
IMAGE = str((GENERATED / DESCRIPTORS).relative_to(REPOSITORY))


@dataclass(frozen=True)
class Step:
    """One check: `command` begins with a program of the environment; `advice` is for when it fails."""

    name: str
    command: tuple[str, ...]
    advice: str


STEPS = (
    Step("code style", ("ruff", "check", "."), "Fix what is named above; `make format` fixes much of it."),
    Step("code form", ("ruff", "format", "--diff", "--quiet", "."), "Run `make format`."),
    Step("types", ("mypy",), "Fix the types named above; `# type: ignore[code]` is the last resort."),
    Step(
        "imports",
        ("lint-imports", "--no-logo"),
        "Move the code to the package it belongs to. The contracts: pyproject.toml, [tool.importlinter].",
    ),
    Step(
        "generated code",
        ("python", "-m", "tools.generate", "--check"),
        "Run `make generate` and commit generated/ together with protos/.",
    ),
    Step(
        "reference",
        ("python", "-m", "tools.reference", "--check"),
        "Run `make generate` and commit docs/reference.md together with protos/.",
    ),
    Step(
        "requirements",
        ("python", "-m", "tools.requirements", "--check"),
        "Run `make requirements` and commit requirements/ together with constraints.txt.",
    ),
    Step("proto form", ("buf", "format", "--diff", "--exit-code", "protos"), "Run `make format`."),
    # Buf reads descriptor images, because resolving its dependencies would need the network.
    Step(
        "proto style",
        ("buf", "lint", IMAGE),
        "Fix what is named above, then run `make generate`. The rules: buf.build/docs/lint/rules.",
    ),
    Step(
        "proto compatibility",
        ("buf", "breaking", IMAGE, "--against", str(RELEASED.relative_to(REPOSITORY))),
        "Others hold stubs of the released contract: add beside the old, and reserve what goes. "
        "Only if nobody uses it yet: `make release-protos`.",
    ),
    Step(
        "proto promises",
        ("python", "-m", "tools.contract_changes"),
        "No stub shows these changes, and clients of the released contract fail or lose by each. "
        "Only if nobody uses it yet: `make release-protos`.",
    ),
)


def passes(step: Step) -> bool:
    """Runs one step, and prints its output if it fails. Returns True if it passed."""
    program, *arguments = step.command
    begun = time.monotonic()
    done = subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    took = time.monotonic() - begun
    if done.returncode:
        print(done.stdout.rstrip())
    print(f"{'FAILED' if done.returncode else 'ok':<7}{step.name} ({took:.1f} s)", flush=True)
    if done.returncode:
        print(f"       {step.advice}\n", flush=True)
    return done.returncode == 0


def main() -> None:
    """Runs all steps, also after a failed one. The exit code is 1 if one failed."""
    failed = [step.name for step in STEPS if not passes(step)]
    if failed:
        sys.exit(f"make check: {', '.join(failed)} failed.")
    print("make check: all passed.")


if __name__ == "__main__":
    main()
