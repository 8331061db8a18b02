"use strict";
// Reads the messages of a folder with mailparser and postal-mime, and verifies their signatures with mailauth.
// Arguments: the folder; a JSON file with the TXT records by name. Prints one JSON object, by file name.
const { readFile, readdir } = require("node:fs/promises");
const { join } = require("node:path");
const { simpleParser } = require("mailparser");
const { dkimVerify } = require("mailauth/lib/dkim/verify");

const boxes = (list) => list.map(({ name, address }) => [name || "", address]);

async function mailparser(raw) {
  const mail = await simpleParser(raw, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true });
  return {
    from: boxes(mail.from.value),
    to: boxes(mail.to.value),
    replyTo: mail.replyTo ? boxes(mail.replyTo.value) : [],
    subject: mail.subject,
    text: mail.text || "",
    html: mail.html || "",
    files: mail.attachments.map((file) => [file.filename, file.content.toString("base64")]),
  };
}

async function postalMime(PostalMime, raw) {
  const mail = await PostalMime.parse(raw, { forceRfc822Attachments: true });
  return {
    from: boxes([mail.from]),
    to: boxes(mail.to),
    replyTo: mail.replyTo ? boxes(mail.replyTo) : [],
    subject: mail.subject,
    text: mail.text || "",
    html: mail.html || "",
    files: mail.attachments.map((file) => [file.filename, Buffer.from(file.content).toString("base64")]),
  };
}

async function mailauth(raw, records) {
  const resolver = async (name) => [[records[name]]];
  const { results } = await dkimVerify(raw, { resolver });
  return results.map((result) => result.status.result);
}

async function main() {
  const [folder, recordsFile] = process.argv.slice(2);
  const records = JSON.parse(await readFile(recordsFile));
  const { default: PostalMime } = await import(require.resolve("postal-mime"));
  const found = {};
  for (const name of await readdir(folder)) {
    const raw = await readFile(join(folder, name));
    found[name] = {
      mailparser: await mailparser(raw),
      "postal-mime": await postalMime(PostalMime, raw),
      mailauth: await mailauth(raw, records),
    };
  }
  process.stdout.write(JSON.stringify(found));
}

main();
