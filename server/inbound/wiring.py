"""Builds the package."""

from zidimail.v1.feedback_service_pb2 import DESCRIPTOR

from server.inbound.rpc import FeedbackServicer
from server.kernel import Kernel, Package


def build(kernel: Kernel) -> Package:
    """Records bounces and complaints that other parts of the platform receive."""
    servicer = FeedbackServicer(kernel.writer, kernel.clock, kernel.events_appended)
    return Package(servicers={DESCRIPTOR.services_by_name["FeedbackService"]: servicer})
