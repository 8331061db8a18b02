// A mail by nodemailer, through Resend's transport; prints the answer: nodemailer.cjs EMAIL_AS_JSON
const nodemailer = require("nodemailer");
const { ResendTransport } = require("@documenso/nodemailer-resend");

const transport = nodemailer.createTransport(
  ResendTransport.makeTransport({ apiKey: process.env.RESEND_API_KEY }),
);
transport.sendMail(JSON.parse(process.argv[2])).then(
  (answer) => console.log(JSON.stringify(answer)),
  (error) => console.log(JSON.stringify({ error: error.message })),
);
