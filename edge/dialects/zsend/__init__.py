"""The dialect of `/api/v1/zsend`, as Zeabur Email documents it: tables over the methods of the contract."""
