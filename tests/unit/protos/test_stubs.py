"""Stubs have the same names by buf and by protoc, from nothing but the descriptors."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tests.unit.protos import recording_plugin
from tools.generate import DESCRIPTORS, GENERATED, REPOSITORY, differences

PROGRAMS = Path(sys.executable).parent
TEMPLATE = (REPOSITORY / "buf.gen.yaml").read_text()
MANAGED, _, PLUGINS = TEMPLATE.partition("\nplugins:\n")
LANGUAGES = re.findall(r"- protoc_builtin: (\w+)\n    out: (\S+)\n", PLUGINS)
IMAGE = FileDescriptorSet.FromString((GENERATED / DESCRIPTORS).read_bytes())
OURS = sorted(file.name for file in IMAGE.file if file.package == "zidimail.v1")


def run(folder: Path, program: str, *arguments: str) -> None:
    """Runs a program of the environment in a folder, with protoc on its PATH."""
    done = subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=folder,
        env=os.environ | {"PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def requested(folder: Path, managed: str) -> CodeGeneratorRequest:
    """The request that buf makes to a plugin, with these settings of managed mode."""
    request = folder / "request.binpb"
    plugin = json.dumps([sys.executable, recording_plugin.__file__, str(request)])
    template = f"{managed}\nplugins:\n  - local: {plugin}\n    out: .\n    strategy: all\n"
    (folder / "buf.gen.yaml").write_text(template)
    run(folder, "buf", "generate", "descriptors.binpb", "--path", "zidimail")
    return CodeGeneratorRequest.FromString(request.read_bytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the descriptors in it, and nothing else."""
    shutil.copyfile(GENERATED / DESCRIPTORS, tmp_path / "descriptors.binpb")
    return tmp_path


@pytest.fixture(scope="module")
def by_buf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stubs that buf makes by the template as it is."""
    folder = tmp_path_factory.mktemp("buf")
    shutil.copyfile(GENERATED / DESCRIPTORS, folder / "descriptors.binpb")
    (folder / "buf.gen.yaml").write_text(TEMPLATE)
    run(folder, "buf", "generate", "descriptors.binpb", "--path", "zidimail")
    return folder / "gen"


def test_buf_makes_the_stubs_that_protoc_makes(folder: Path, by_buf: Path) -> None:
    for language, out in LANGUAGES:
        (folder / out).mkdir(parents=True, exist_ok=True)
        run(folder, "protoc", "--descriptor_set_in=descriptors.binpb", f"--{language}_out={out}", *OURS)
    assert len(LANGUAGES) == PLUGINS.count("out:") > 0
    assert not differences(by_buf, folder / "gen")


@pytest.mark.parametrize(
    "stub",
    [
        "cpp/zidimail/v1/email_service.pb.h",
        "csharp/EmailService.cs",
        "java/com/zidimail/v1/SendEmailRequest.java",
        "objc/zidimail/v1/EmailService.pbobjc.h",
        "php/Zidimail/V1/SendEmailRequest.php",
        "php/Zidimail/V1/GPBMetadata/EmailService.php",
        "python/zidimail/v1/email_service_pb2.py",
        "python/zidimail/v1/email_service_pb2.pyi",
        "ruby/zidimail/v1/email_service_pb.rb",
    ],
)
def test_a_stub_is_where_its_language_expects_it(by_buf: Path, stub: str) -> None:
    assert (by_buf / stub).is_file()


def test_managed_mode_changes_no_option_of_any_file(folder: Path) -> None:
    request = requested(folder, MANAGED)
    assert sorted(request.file_to_generate) == OURS
    said = {file.name: file.options for file in IMAGE.file}
    assert {file.name: file.options for file in request.proto_file}.items() <= said.items()


def test_a_client_can_have_the_go_packages_in_a_module_of_its_own(folder: Path) -> None:
    """By the lines that the template holds as a comment."""
    managed = re.sub(r"^  #   ", "  ", MANAGED, flags=re.MULTILINE)
    packages = {file.name: file.options.go_package for file in requested(folder, managed).proto_file}
    said = {file.name: file.options.go_package for file in IMAGE.file}
    assert packages["zidimail/v1/email.proto"] == "example.com/shop/gen/zidimail/v1;zidimailv1"
    assert {name for name, package in packages.items() if package != said[name]} == set(OURS)
