"""Generated requests, valid and invalid, against the OpenAPI description of `/v1`."""
