"""A client of a tool server of the Model Context Protocol: a line of JSON a message, over pipes."""

import itertools
import json
import subprocess
from typing import IO, Any

PROTOCOL_VERSION = "2025-06-18"


class Mcp:
    """A session with a server that runs already. Assertions fail on answers that are no results."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin
        assert process.stdout
        self._input: IO[str] = process.stdin
        self._output: IO[str] = process.stdout
        self._ids = itertools.count(1)
        self._request(
            "initialize",
            protocolVersion=PROTOCOL_VERSION,
            capabilities={},
            clientInfo={"name": "test", "version": "1"},
        )
        self._send({"method": "notifications/initialized"})

    def tools(self) -> dict[str, Any]:
        """The schemas of the tools' arguments, by name."""
        return {tool["name"]: tool["inputSchema"] for tool in self._request("tools/list")["tools"]}

    def call(self, tool: str, **arguments: Any) -> str:
        """Calls a tool; returns its texts."""
        result = self._request("tools/call", name=tool, arguments=arguments)
        text = "\n".join(part["text"] for part in result["content"])
        assert not result.get("isError"), text
        return text

    def _request(self, method: str, **parameters: Any) -> Any:
        id = next(self._ids)
        self._send({"id": id, "method": method, "params": parameters})
        for line in self._output:
            answer = json.loads(line)
            if answer.get("id") == id:
                assert "result" in answer, answer
                return answer["result"]
        raise AssertionError(f"the server ended at {method}")

    def _send(self, message: dict[str, Any]) -> None:
        self._input.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self._input.flush()
