// The kinds of calls that Zeabur Email documents for JavaScript: a file, a send that is repeated, a batch.
//
// node zsend.mjs BASE_URL API_KEY FROM FILE
// Prints one JSON object: {file, retried, refused, batch, job}.
import fs from "node:fs";

const [base, key, from, path] = process.argv.slice(2);
const headers = { "Content-Type": "application/json", Authorization: `Bearer ${key}` };

async function sendFile() {
  const base64Content = fs.readFileSync(path).toString("base64");
  const response = await fetch(`${base}/emails`, {
    method: "POST",
    headers,
    body: JSON.stringify({
      from,
      to: ["recipient@example.com"],
      subject: "Attachment Test",
      html: "<p>Please see the attachment</p>",
      attachments: [{ filename: "document.pdf", content: base64Content, content_type: "application/pdf" }],
    }),
  });
  return await response.json();
}

let tries = 0;

async function sendEmailWithRetry(emailData, maxRetries = 3) {
  for (let i = 0; i < maxRetries; i++) {
    try {
      tries++;
      const response = await fetch(`${base}/emails`, { method: "POST", headers, body: JSON.stringify(emailData) });
      if (response.ok) {
        return await response.json();
      }
      // As it is printed: the error is caught below, and the send repeated at once.
      if (response.status === 400 || response.status === 403) {
        throw new Error(await response.text());
      }
      if (i < maxRetries - 1) {
        await new Promise((resolve) => setTimeout(resolve, Math.pow(2, i) * 1000));
      }
    } catch (error) {
      if (i === maxRetries - 1) throw error;
    }
  }
}

async function sendBatch(users) {
  const response = await fetch(`${base}/emails/batch`, {
    method: "POST",
    headers,
    body: JSON.stringify({
      emails: users.map((user) => ({
        from,
        to: [user.email],
        subject: `Hello, ${user.name}`,
        html: "<p>Personalized content</p>",
      })),
    }),
  });
  return await response.json();
}

const email = { from, to: ["recipient@example.com"], subject: "Retry", html: "<h1>Hi</h1>" };
const file = await sendFile();
const retried = await sendEmailWithRetry(email);
tries = 0;
const refused = await sendEmailWithRetry({ ...email, subject: "x".repeat(1200) }).then(
  () => null,
  (error) => JSON.parse(error.message),
);
const batch = await sendBatch([
  { email: "ada@example.org", name: "Ada" },
  { email: "bob@example.org", name: "Bob" },
]);
const job = await (await fetch(`${base}/emails/batch/${batch.job_id}`, { headers })).json();
console.log(JSON.stringify({ file, retried, refused: { ...refused, tries }, batch, job }));
