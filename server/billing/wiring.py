"""Builds the package."""

from zidimail.v1.billing_service_pb2 import DESCRIPTOR

from server.billing.certificates import Certificates
from server.billing.events import Events
from server.billing.paypal import PayPal
from server.billing.rereading import Rereading
from server.billing.rpc import Billing, BillingServicer
from server.billing.signature import Signatures
from server.billing.subscriptions import Subscriptions
from server.kernel import Kernel, Package
from server.net.trust import trusted_roots
from server.settings import Settings
from server.work.sweeper import Sweeper

_REREAD_PAUSE_S = 60.0


def build(kernel: Kernel) -> Package:
    """Subscribes organisations to plans and follows their subscriptions, if PayPal's settings are made."""
    settings, service = kernel.settings, DESCRIPTOR.services_by_name["BillingService"]
    if missing := missing_settings(settings):
        servicer = BillingServicer(kernel.database, kernel.clock, None, missing)
        return Package(servicers={service: servicer})
    paypal = PayPal(
        settings.paypal_url, settings.paypal_client_id, settings.paypal_client_secret, settings.app_url
    )
    subscriptions = Subscriptions(kernel.database, kernel.writer, kernel.clock, paypal, settings.default_plan)
    certificates = Certificates(
        paypal.certificates,
        kernel.clock,
        settings.paypal_url,
        settings.paypal_certificates_url,
        trusted_roots(),
    )
    signatures = Signatures(certificates, settings.paypal_webhook_id)
    events = Events(kernel.database, kernel.writer, kernel.clock, signatures, subscriptions)
    rereading = Rereading(kernel.writer, kernel.clock, subscriptions)
    servicer = BillingServicer(kernel.database, kernel.clock, Billing(subscriptions, events), ())
    return Package(
        servicers={service: servicer},
        serving=[
            paypal,
            Sweeper("billing.reread", rereading.step, pause_s=_REREAD_PAUSE_S),
            Sweeper("billing.sweep", events.sweep),
        ],
    )


def missing_settings(settings: Settings) -> list[str]:
    """The names of the settings for PayPal that are not made."""
    made = {
        "ZIDIMAIL_PAYPAL_CLIENT_ID": settings.paypal_client_id,
        "ZIDIMAIL_PAYPAL_CLIENT_SECRET": settings.paypal_client_secret,
        "ZIDIMAIL_PAYPAL_WEBHOOK_ID": settings.paypal_webhook_id,
    }
    return [name for name, value in made.items() if not value]
