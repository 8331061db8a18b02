"""The peer of B1 and B3: a Starlette app that parses the same JSON and does nothing with it."""

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ANSWER = orjson.dumps({"id": "0" * 24})


async def accept(request: Request) -> Response:
    """Reads the body, parses it, answers as a send is answered."""
    orjson.loads(await request.body())
    return Response(ANSWER, media_type="application/json")


app = Starlette(routes=[Route("/v1/emails", accept, methods=["POST"])])
