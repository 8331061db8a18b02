"""A package of the contract as files, of which every language makes stubs."""

from __future__ import annotations

from importlib.resources import files
from io import BytesIO
from zipfile import ZipFile, ZipInfo

from google.protobuf.descriptor_pb2 import FileDescriptorSet

# Every compiler brings these itself, and one that is given them again may find two versions.
_OF_THE_COMPILER = "google/protobuf/"


def descriptors_of(package: str) -> bytes:
    """A serialized FileDescriptorSet: the package, all that it imports, and the types of its error details,
    with comments. `make generate` writes it beside the stubs."""
    return files(package).joinpath("descriptors.binpb").read_bytes()


def archive_of(package: str) -> bytes:
    """A zip of the `.proto` files behind `descriptors_of`, without those that are part of every compiler.

    It has the same bytes on every machine: nothing is compressed, since compressors differ.
    """
    image = FileDescriptorSet.FromString(descriptors_of(package))
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        for name in sorted(file.name for file in image.file):
            if not name.startswith(_OF_THE_COMPILER):
                # Without a date of its own an entry is of 1980, where zip begins to count.
                entry = ZipInfo(name)
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, _source(name))
    return content.getvalue()


def _source(name: str) -> bytes:
    """The text of `zidimail/v1/email.proto`, or of a file of googleapis-common-protos."""
    folder, _, file = name.rpartition("/")
    if folder.startswith("google/"):
        return files(folder.replace("/", ".")).joinpath(file).read_bytes()
    return files("protos").joinpath(name).read_bytes()
