#!/bin/sh
# Builds the gateway into the folder FOLDER (build/grpc-gateway): build.sh [FOLDER]
# GOCODE is the folder of Debian's Go packages.
set -eu
cd "$(dirname "$0")/../../.."
folder=${1:-build/grpc-gateway}
mkdir -p "$folder/src"
folder=$(cd "$folder" && pwd)

.venv/bin/python -m tools.gateway_descriptors grpc-gateway \
  generated/zidimail/v1/descriptors.binpb "$folder/descriptors.binpb"
export GO111MODULE=off GOPATH="$folder:${GOCODE:-/usr/share/gocode}" PATH="$folder:$PATH"
go build -o "$folder/protoc-gen-grpc-gateway" github.com/grpc-ecosystem/grpc-gateway/protoc-gen-grpc-gateway

# The Go packages of Google's types, as the libraries of grpc-gateway v1 import them.
types=Mgoogle/protobuf/any.proto=github.com/golang/protobuf/ptypes/any
types=$types,Mgoogle/protobuf/descriptor.proto=github.com/golang/protobuf/protoc-gen-go/descriptor
types=$types,Mgoogle/protobuf/field_mask.proto=google.golang.org/genproto/protobuf/field_mask
types=$types,Mgoogle/protobuf/timestamp.proto=github.com/golang/protobuf/ptypes/timestamp
protoc --descriptor_set_in="$folder/descriptors.binpb" \
  --go_out="plugins=grpc,$types:$folder/src" \
  --grpc-gateway_out="allow_repeated_fields_in_body=true,$types:$folder/src" \
  $(cd protos && echo zidimail/v1/*.proto)
go build -o "$folder/gateway" docs/gateways/grpc-gateway/main.go
