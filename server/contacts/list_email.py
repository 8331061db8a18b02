"""The email to one member of a list, from the template of the send (contract row Z-55)."""

from zidimail.v1 import email_service_pb2 as pb

from server.contacts.placeholders import filled
from server.contacts.rules import Name
from server.contacts.send_rules import Member

_LINK = "List-Unsubscribe"
_ONE_CLICK = "List-Unsubscribe-Post"


def email_to(template: pb.SendEmailRequest, member: Member, unsubscribe_url: str) -> pb.SendEmailRequest:
    """The email to a member, with the headers by which it unsubscribes (RFC 2369, RFC 8058)."""
    values = {
        "name": Name(member.first_name, member.last_name).whole,
        "first_name": member.first_name,
        "last_name": member.last_name,
        "email": member.email,
        "unsubscribe_url": unsubscribe_url,
    }
    email = pb.SendEmailRequest()
    email.CopyFrom(template)
    email.to.append(member.email)
    email.subject = filled(template.subject, values)
    if template.HasField("html"):
        email.html = filled(template.html, values, is_html=True)
    if template.HasField("text"):
        email.text = filled(template.text, values)
    for name, value in _added_headers(template, unsubscribe_url).items():
        email.headers[name] = value
    return email


def _added_headers(template: pb.SendEmailRequest, unsubscribe_url: str) -> dict[str, str]:
    """The headers that the caller did not give: none if it has its own way to unsubscribe."""
    own = {name.lower() for name in template.headers}
    if _LINK.lower() in own:
        return {}
    added = {_LINK: f"<{unsubscribe_url}>"}
    # RFC 8058 section 3.1: one click needs a link by https.
    if unsubscribe_url.startswith("https:") and _ONE_CLICK.lower() not in own:
        added[_ONE_CLICK] = "List-Unsubscribe=One-Click"
    return added
