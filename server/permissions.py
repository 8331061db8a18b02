"""The permissions of API keys (contract row F-7) and the roles of users (C-77), by name."""

from typing import Literal

PermissionName = Literal["full", "send_only", "read_only"]
RoleName = Literal["read_only", "member", "admin", "owner"]
