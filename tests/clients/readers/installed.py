"""The readers that npm has."""

from pathlib import Path

from tests.clients.manifests import Manifests

SOURCES = Path(__file__).parent
INSTALLED = Manifests("readers", SOURCES)
