"""Generates `generated/` from `protos/`: the stubs, and the descriptors with their comments.

`--check` writes nothing, and fails if the committed files differ from the generated ones.
`--release` makes the present contract the released one, with which `make check` compares later changes.
"""

import argparse
import filecmp
import shutil
import sys
import tempfile
from pathlib import Path

import grpc_tools
from google.rpc import status_pb2
from grpc_tools import protoc

REPOSITORY = Path(__file__).resolve().parent.parent
PROTOS = REPOSITORY / "protos"
GENERATED = REPOSITORY / "generated"
PACKAGE = Path("zidimail/v1")
DESCRIPTORS = PACKAGE / "descriptors.binpb"
RELEASED = PROTOS / "released.binpb"
INCLUDES = (PROTOS, Path(status_pb2.__file__).parents[2], Path(grpc_tools.__file__).parent / "_proto")
# The details of errors travel as `google.protobuf.Any`: every client needs their types, and no proto of ours
# imports them.
ERROR_DETAILS = "google/rpc/error_details.proto"

PURPOSE = '"""Stubs generated from protos/; never edited."""\n'


def run_compiler(*arguments: str) -> None:
    """Runs the compiler. Raises `SystemExit` when it refuses the protos; it has printed the reason."""
    if protoc.main(["protoc", *(f"--proto_path={include}" for include in INCLUDES), *arguments]) != 0:
        raise SystemExit("The protos do not compile; the lines above say where.")


def generate(into: Path) -> None:
    """Writes the package `zidimail` into the folder `into`. Raises `SystemExit`."""
    (into / PACKAGE).mkdir(parents=True)
    protos = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    run_compiler(f"--python_out={into}", f"--pyi_out={into}", f"--grpc_python_out={into}", *protos)
    descriptors = f"--descriptor_set_out={into / DESCRIPTORS}"
    run_compiler(descriptors, "--include_imports", "--include_source_info", *protos, ERROR_DETAILS)
    for package in (into / PACKAGE.parent, into / PACKAGE):
        (package / "__init__.py").write_text(PURPOSE)


def differences(ours: Path, theirs: Path) -> list[str]:
    """The files below `ours` and `theirs` that differ, except caches."""
    names = {
        path.relative_to(root)
        for root in (ours, theirs)
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    return sorted(
        str(name)
        for name in names
        if not (ours / name).is_file()
        or not (theirs / name).is_file()
        or not filecmp.cmp(ours / name, theirs / name, shallow=False)
    )


def replace(source: Path, target: Path) -> None:
    """Makes `target` equal to `source`, also when there is no `source`."""
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    else:
        target.unlink()


def main() -> None:
    """Generates, or compares, or releases."""
    parser = argparse.ArgumentParser(prog="python -m tools.generate", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="fail when generated/ is not up to date")
    choice.add_argument("--release", action="store_true", help="make this contract the released one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        stale = differences(fresh, GENERATED)
        if options.release:
            shutil.copyfile(fresh / DESCRIPTORS, RELEASED)
        elif options.check and stale:
            sys.exit("Not what the protos say: " + ", ".join(f"generated/{name}" for name in stale))
        elif not options.check:
            for name in stale:
                replace(fresh / name, GENERATED / name)


if __name__ == "__main__":
    main()
