"""One rule computes the options of every file: stubs land in the same place in every language."""

from pathlib import PurePosixPath

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from tests.unit.protos.contract import FILES, ROOT


def options_of(package: str, name: str) -> dict[str, str | bool]:
    """The options of the file `name` of a package `<product>.<version>`.

    The prefix for Objective-C is the product's initial, filled up with X: Apple keeps two letters for itself.
    """
    parts = package.split(".")
    words = [part.capitalize() for part in parts]
    file = "".join(word.capitalize() for word in PurePosixPath(name).stem.split("_"))
    return {
        "csharp_namespace": ".".join(words),
        "go_package": f"github.com/{parts[0]}/{parts[0]}/gen/{'/'.join(parts)};{''.join(parts)}",
        "java_multiple_files": True,
        "java_outer_classname": f"{file}Proto",
        "java_package": f"com.{package}",
        "objc_class_prefix": words[0][0].ljust(3, "X"),
        "php_metadata_namespace": "\\".join([*words, "GPBMetadata"]),
        "php_namespace": "\\".join(words),
        "ruby_package": "::".join(words),
        "swift_prefix": words[0],
    }


def literal(value: str | bool) -> str:
    """A value as a proto file writes it."""
    return '"{}"'.format(value.replace("\\", "\\\\")) if isinstance(value, str) else str(value).lower()


def wrong_options(file: FileDescriptorProto) -> list[str]:
    """A sentence for each option that the file lacks or has otherwise, and for each that the rule lacks."""
    rule = options_of(file.package, file.name)
    given = {field.name: value for field, value in file.options.ListFields()}
    missing = [
        f"{file.name}: write `option {option} = {literal(value)};`"
        for option, value in rule.items()
        if given.get(option) != value
    ]
    return missing + [
        f"{file.name}: remove the option {option}, or add it to the rule" for option in given.keys() - rule
    ]


def test_the_descriptors_hold_every_file() -> None:
    protos = ROOT / "protos"
    assert FILES.keys() == {str(path.relative_to(protos)) for path in protos.rglob("*.proto")}


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_the_options_of_the_rule(name: str) -> None:
    assert not wrong_options(FILES[name])


@pytest.mark.parametrize("option", options_of("zidimail.v1", "zidimail/v1/email_service.proto"))
def test_a_missing_option_is_named_with_the_line_to_write(option: str) -> None:
    file = FileDescriptorProto()
    file.CopyFrom(FILES["zidimail/v1/email_service.proto"])
    file.options.ClearField(option)  # type: ignore[arg-type]
    (line,) = wrong_options(file)
    assert line.startswith(f"zidimail/v1/email_service.proto: write `option {option} = ")


def test_the_lines_to_write_are_those_of_the_proto_file() -> None:
    file = FileDescriptorProto(name="zidimail/v1/email_service.proto", package="zidimail.v1")
    source = (ROOT / "protos" / file.name).read_text().splitlines()
    assert {line.split("`")[1] for line in wrong_options(file)} <= set(source)


def test_an_option_that_the_rule_does_not_know_is_refused() -> None:
    file = FileDescriptorProto()
    file.CopyFrom(FILES["zidimail/v1/email.proto"])
    file.options.php_class_prefix = "Zidi"
    assert wrong_options(file) == [
        "zidimail/v1/email.proto: remove the option php_class_prefix, or add it to the rule"
    ]
