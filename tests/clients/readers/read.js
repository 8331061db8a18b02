"use strict";
// Reads the messages of a folder with mailparser and postal-mime, and verifies their signatures with mailauth.
// Arguments: the folder; a JSON file with the TXT records by name. Prints one JSON object, by file name.
const { readFile, readdir } = require("node:fs/promises");
const { join } = require("node:path");
const { simpleParser } = require("mailparser");
const libmime = require("libmime");
const { dkimVerify } = require("mailauth/lib/dkim/verify");

const LISTS = /^(from|to|cc|reply-to|sender|errors-to|(disposition-notification|mail-followup|return-receipt)-to)$/;
const boxes = (list) => list.map(({ name, address }) => [name || "", address]);
const id = (text) => (text || "").replace(/^<|>$/g, "");

const shown = (mail, files) => ({
  subject: mail.subject,
  text: mail.text || "",
  html: mail.html || "",
  files: mail.attachments.map((file) => {
    const [type, content] = files(file);
    return [file.filename, type, id(file.contentId), content.toString("base64")];
  }),
});

async function mailparser(raw) {
  const options = { skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true, skipImageLinks: true };
  const mail = await simpleParser(raw, options);
  const found = { boxes: {}, fields: {} };
  for (const { key, line } of mail.headerLines) {
    // It reads the mailboxes of some fields, and leaves encoded words in those that it does not know.
    const { value } = mail.headers.get(key) || {};
    if (LISTS.test(key)) found.boxes[key] = value ? boxes(value) : null;
    else found.fields[key] = libmime.decodeWords(libmime.decodeHeader(line).value);
  }
  return { ...found, ...shown(mail, (file) => [file.contentType, file.content]) };
}

async function postalMime({ default: PostalMime, ...postal }, raw) {
  const mail = await PostalMime.parse(raw, { forceRfc822Attachments: true });
  const found = { boxes: {}, fields: {} };
  for (const { key, value } of mail.headers) {
    if (LISTS.test(key)) found.boxes[key] = boxes(postal.addressParser(value));
    else found.fields[key] = postal.decodeWords(value);
  }
  return { ...found, ...shown(mail, (file) => [file.mimeType, Buffer.from(file.content)]) };
}

async function mailauth(raw, records) {
  const resolver = async (name) => [[records[name]]];
  const { results } = await dkimVerify(raw, { resolver });
  return results.map((result) => result.status.result);
}

async function main() {
  const [folder, recordsFile] = process.argv.slice(2);
  const records = JSON.parse(await readFile(recordsFile));
  const postal = await import(require.resolve("postal-mime"));
  const found = {};
  for (const name of await readdir(folder)) {
    const raw = await readFile(join(folder, name));
    found[name] = {
      mailparser: await mailparser(raw),
      "postal-mime": await postalMime(postal, raw),
      mailauth: await mailauth(raw, records),
    };
  }
  process.stdout.write(JSON.stringify(found));
}

main();
