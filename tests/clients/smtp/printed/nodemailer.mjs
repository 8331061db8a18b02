import nodemailer from 'nodemailer'

const transporter = nodemailer.createTransport({
  host: 'smtp.zidimails.com',
  port: 2525,
  auth: {
    user: 'apikey',
    pass: 'zm_live_YOUR_API_KEY',
  },
})

await transporter.sendMail({
  from: 'you@yourdomain.com',
  to: 'recipient@example.com',
  subject: 'Hello from ZidiMail SMTP',
  html: '<p>Sent via SMTP relay.</p>',
})
