"""A NUL in any text of any request is a violation or a wrong reference, and never an internal error."""

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from tests.contract.methods import METHODS
from tests.contract.rows import OPEN, ROWS
from tests.contract.world import Fields, World
from tests.harness.postgres import Postgres
from tests.harness.stack import Stack

NUL = "a\0b"


@pytest.fixture(scope="module")
def postgres_world(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, postgres_template: str
) -> Iterator[World]:
    """PostgreSQL is the engine that stores no NUL."""
    url = postgres.create_database(postgres_template)
    with Stack(tmp_path_factory.mktemp("nul"), database_url=url) as stack:
        world = World(stack)
        yield world
        world.close()
    postgres.drop_database(url)


def texts(message: Descriptor, depth: int = 0) -> Iterator[tuple[str, Fields]]:
    """The path of each text of a message, and fields with a NUL there."""
    for field in message.fields:
        inner = field.message_type
        many = field.is_repeated
        if inner is not None and inner.GetOptions().map_entry:
            for key, value in ((NUL, "v"), ("k", NUL)):
                yield f"{field.name}[{key == NUL}]", {field.name: {key: value}}
        elif inner is not None and inner.file.package == message.file.package and depth < 3:
            for path, fields in texts(inner, depth + 1):
                yield f"{field.name}.{path}", {field.name: [fields] if many else fields}
        elif field.type == FieldDescriptor.TYPE_STRING:
            yield field.name, {field.name: [NUL] if many else NUL}


def merged(fields: Fields, nul: Fields) -> Fields:
    """A good request with the NUL in place of its own value."""
    result = dict(fields)
    for name, value in nul.items():
        own = result.get(name)
        if isinstance(own, dict) and isinstance(value, dict):
            result[name] = merged(own, value)
        elif isinstance(own, list) and own and isinstance(own[0], dict):
            result[name] = [merged(own[0], value[0]), *own[1:]]
        else:
            result[name] = value
    return result


@pytest.mark.parametrize("name", METHODS)
def test_nul_in_a_text_is_no_internal_error(postgres_world: World, name: str) -> None:
    world, row, method = postgres_world, ROWS[name], METHODS[name]
    callers = {"K": "A, full key", "J": "A, session", "I": "internal", "O": "operator token", OPEN: "nobody"}
    credential = world.credentials[callers[row.kinds[:1]]]
    for path, nul in texts(method.descriptor.input_type):
        outcome = world.grpc(method, merged(row.fields(world), nul), credential)
        # The entries of a batch fail alone, and a mail host's words are cleaned: those calls are answered.
        assert outcome.code in ("OK", "INVALID_ARGUMENT", "NOT_FOUND"), (path, outcome)
        if "." not in path and "[" not in path and path != "diagnostic":
            if name == "EmailService.CheckEnvelope":
                # It says in its answer what is wrong with each address.
                assert path in str(outcome.body), (path, outcome)
                continue
            assert outcome.code == "INVALID_ARGUMENT", (path, outcome)
            assert path in str(outcome.body) or "NUL" in str(outcome.body), (path, outcome)
