"""A notification by apprise's plug-in for Resend; run by its own interpreter: `apprise_notify.py URL FILE`.

The plug-in's address is fixed: it is set on the class, and nothing else.
"""

import os
import sys

import apprise
from apprise.plugins.resend import NotifyResend

NotifyResend.notify_url = f"{os.environ['RESEND_BASE_URL']}/emails"
notifier = apprise.Apprise()
notifier.add(sys.argv[1])
taken = notifier.notify(title="Größe", body="<b>The disk is full.</b>", attach=sys.argv[2])
sys.exit(0 if taken else 1)
