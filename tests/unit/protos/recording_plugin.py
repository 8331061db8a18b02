"""A plugin of protoc that makes no stub: it writes the request that it gets to the file of its argument."""

import sys
from pathlib import Path

from google.protobuf.compiler.plugin_pb2 import CodeGeneratorResponse

if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(sys.stdin.buffer.read())
    answer = CodeGeneratorResponse(supported_features=CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL)
    sys.stdout.buffer.write(answer.SerializeToString())
