"""The dialect of `/api/v1/zsend` against a running server and edge."""
