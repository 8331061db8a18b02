"""The files and the routes of the contract, from its descriptors."""

from pathlib import Path

import zidimail.v1
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from edge.transcoding.routes import routes_of, services_of

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = "zidimail.v1"

# By file and by position in it, as a gateway registers them.
SERVICES: list[ServiceDescriptor] = sorted(
    services_of(zidimail.v1), key=lambda service: (service.file.name, service.index)
)
METHODS = [method for service in SERVICES for method in service.methods]
ROUTES = routes_of(SERVICES)

_IMAGE = FileDescriptorSet.FromString((ROOT / "generated/zidimail/v1/descriptors.binpb").read_bytes())
FILES: dict[str, FileDescriptorProto] = {file.name: file for file in _IMAGE.file if file.package == PACKAGE}
"""By name, such as `zidimail/v1/email.proto`."""
