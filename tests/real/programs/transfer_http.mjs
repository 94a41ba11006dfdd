// Download and upload by node:http, both at once; print the digest of each.
// usage: transfer_http.mjs [lookup|resolve4] URL FILE
//
// With a word before them the name is looked up by that function of node:dns, and
// the connections are made to the address.

import { createHash } from "node:crypto";
import dns from "node:dns/promises";
import { readFileSync } from "node:fs";
import http from "node:http";

const [url, upload] = process.argv.slice(-2);
const how = process.argv.at(-3);
const { hostname, port } = new URL(url);

async function address() {
  if (how === "lookup") return (await dns.lookup(hostname)).address;
  if (how === "resolve4") return (await dns.resolve4(hostname))[0];
  return hostname;
}

function ask(host, method, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, path }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve(Buffer.concat(chunks)));
    });
    request.on("error", reject);
    request.end(body);
  });
}

const host = await address();
const [down, up] = await Promise.all([
  ask(host, "GET", "/bytes"),
  ask(host, "PUT", "/digest", readFileSync(upload)),
]);
console.log(createHash("sha256").update(down).digest("hex"));
console.log(up.toString());
