"""gRPC without the product: who calls, how faults travel, how calls are logged and measured."""
