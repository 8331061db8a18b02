"""Debian's Go sources as a module proxy, for machines that reach no other."""

import json
import shutil
import zipfile
from pathlib import Path

PACKAGES = (
    "golang-github-golang-protobuf-1-5-dev",
    "golang-golang-x-net-dev",
    "golang-golang-x-sys-dev",
    "golang-golang-x-text-dev",
    "golang-google-genproto-dev",
    "golang-google-grpc-dev",
    "golang-google-protobuf-dev",
)
SOURCES = Path("/usr/share/gocode/src")
MODULES = (
    "github.com/golang/protobuf",
    "golang.org/x/net",
    "golang.org/x/sys",
    "golang.org/x/text",
    "google.golang.org/genproto",
    "google.golang.org/grpc",
    "google.golang.org/protobuf",
)
# Debian has one version of each. Their go.mod files name others, and so are left out.
VERSION = "v1.0.0"
GO_VERSION = "1.19"
SUFFIXES = (".go", ".s")


def proxy(folder: Path) -> dict[str, str]:
    """Writes the modules into `folder`, laid out as the GOPROXY protocol wants it, in place of older ones.

    Returns the environment by which `go` takes modules from there and nowhere else.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for name in MODULES:
        _publish(name, folder / "proxy" / name / "@v")
    return {
        "GO111MODULE": "on",
        # Go indexes modules by version, as these never change; those of Debian may.
        "GODEBUG": "goindex=0",
        "GOFLAGS": "-modcacherw",
        "GOMODCACHE": str(folder / "cache"),
        "GOPROXY": (folder / "proxy").as_uri(),
        "GOSUMDB": "off",
    }


def _publish(name: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    manifest = f"module {name}\n\ngo {GO_VERSION}\n"
    (folder / "list").write_text(f"{VERSION}\n")
    (folder / f"{VERSION}.info").write_text(json.dumps({"Version": VERSION}))
    (folder / f"{VERSION}.mod").write_text(manifest)
    with zipfile.ZipFile(folder / f"{VERSION}.zip", "w") as archive:
        archive.writestr(f"{name}@{VERSION}/go.mod", manifest)
        for path in sorted((SOURCES / name).rglob("*")):
            if path.suffix in SUFFIXES and not path.name.endswith("_test.go"):
                archive.write(path, f"{name}@{VERSION}/{path.relative_to(SOURCES / name)}")
