"""Session tokens that the server must refuse."""

import jwt

from server.accounts.session_tokens import SessionTokens
from server.ids import new_id
from tests.harness.clock import ManualClock
from tests.harness.stack import Stack


def resigned(token: str) -> str:
    """The same session, signed with another secret."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims, "a secret that is not the server's own, and long enough", algorithm="HS256")


def expired(stack: Stack) -> str:
    """A session of A's that the server itself signed, long ago."""
    secret = (stack.data_dir / "secret").read_text()
    tokens = SessionTokens(secret, ManualClock(0))
    return tokens.issue(stack.owner.org_id, stack.owner.user_id, new_id())


def unsigned(token: str) -> str:
    """The same session with `alg: none`."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims, "", algorithm="none")
