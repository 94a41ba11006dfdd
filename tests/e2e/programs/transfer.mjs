// Download and upload by fetch; print the digest of each.
// usage: transfer.mjs URL FILE

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const [url, upload] = process.argv.slice(2);
const down = await (await fetch(`${url}/bytes`)).arrayBuffer();
console.log(createHash("sha256").update(Buffer.from(down)).digest("hex"));
const up = await fetch(`${url}/digest`, { method: "PUT", body: readFileSync(upload) });
console.log(await up.text());
