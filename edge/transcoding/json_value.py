"""JSON whose form is known only once it was bound or rendered."""

from typing import Any, TypeAlias

# Any, because callers may send every form of JSON: the compiled binders check each value that they take, and
# the shapes before them change what they recognise and pass on what they do not.
Json: TypeAlias = Any
