"""The documented snippet for smtplib, as it is printed."""

import smtplib
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

msg = MIMEMultipart("alternative")
msg["Subject"] = "Hello from ZidiMail SMTP"
msg["From"] = "you@yourdomain.com"
msg["To"] = "recipient@example.com"
msg.attach(MIMEText("<p>Sent via SMTP relay.</p>", "html"))

with smtplib.SMTP("smtp.zidimails.com", 2525) as s:
    s.login("apikey", "zm_live_YOUR_API_KEY")
    s.sendmail(msg["From"], [msg["To"]], msg.as_string())
