"""The events of PayPal about a subscription, in the form of its sandbox, and their signatures."""

import base64
import json
import uuid
import zlib
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from tests.harness.paypal_certificates import Signer

WEBHOOK_ID = "4JH86294D6297924G"
SUBSCRIPTION_EVENTS = {
    "CREATED": "Subscription created",
    "ACTIVATED": "Subscription activated",
    "UPDATED": "Subscription updated",
    "RE-ACTIVATED": "Subscription reactivated",
    "SUSPENDED": "Subscription suspended",
    "CANCELLED": "Subscription cancelled",
    "EXPIRED": "Subscription expired",
    "PAYMENT.FAILED": "Payment failed on subscription",
}


def event(kind: str, subscription: Mapping[str, Any], time: str) -> bytes:
    """An event `BILLING.SUBSCRIPTION.<kind>` with the subscription as it was then, or `PAYMENT.SALE.<kind>`.

    `kind` of the second begins with `SALE.`.
    """
    id = f"WH-{uuid.uuid4().hex[:17].upper()}-{uuid.uuid4().hex[:17].upper()}"
    is_sale = kind.startswith("SALE.")
    body = {
        "id": id,
        "event_version": "1.0",
        "create_time": time,
        "resource_type": "sale" if is_sale else "subscription",
        "resource_version": "2.0",
        "event_type": f"PAYMENT.{kind}" if is_sale else f"BILLING.SUBSCRIPTION.{kind}",
        "summary": "Payment completed" if is_sale else SUBSCRIPTION_EVENTS[kind],
        "resource": _sale(subscription, time) if is_sale else dict(subscription),
        "links": [
            {
                "href": f"https://api.sandbox.paypal.com/v1/notifications/webhooks-events/{id}",
                "rel": "self",
                "method": "GET",
            },
            {
                "href": f"https://api.sandbox.paypal.com/v1/notifications/webhooks-events/{id}/resend",
                "rel": "resend",
                "method": "POST",
            },
        ],
    }
    return json.dumps(body).encode()


def signed(
    body: bytes,
    cert_url: str,
    signer: Signer,
    *,
    webhook_id: str = WEBHOOK_ID,
    time: str = "2026-11-27T10:00:00Z",
) -> dict[str, str]:
    """The headers with which PayPal sends an event."""
    transmission_id = str(uuid.uuid4())
    text = f"{transmission_id}|{time}|{webhook_id}|{zlib.crc32(body)}"
    signature = signer.key.sign(text.encode(), PKCS1v15(), SHA256())
    return {
        "PAYPAL-TRANSMISSION-ID": transmission_id,
        "PAYPAL-TRANSMISSION-TIME": time,
        "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature).decode(),
        "PAYPAL-CERT-URL": cert_url,
        "PAYPAL-AUTH-ALGO": "SHA256withRSA",
    }


def _sale(subscription: Mapping[str, Any], time: str) -> dict[str, Any]:
    return {
        "id": uuid.uuid4().hex[:17].upper(),
        "state": "completed",
        "amount": {"total": "20.00", "currency": "USD", "details": {"subtotal": "20.00"}},
        "payment_mode": "INSTANT_TRANSFER",
        "protection_eligibility": "ELIGIBLE",
        "protection_eligibility_type": "ITEM_NOT_RECEIVED_ELIGIBLE,UNAUTHORIZED_PAYMENT_ELIGIBLE",
        "transaction_fee": {"currency": "USD", "value": "0.88"},
        "billing_agreement_id": subscription["id"],
        "custom": subscription.get("custom_id", ""),
        "create_time": time,
        "update_time": time,
        "links": [],
    }
