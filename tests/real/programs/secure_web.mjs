// A web server with TLS, as http/1.1 and as h2: GET /bytes and /version, PUT or POST /digest.
// usage: secure_web.mjs HOST PORT PEM PAYLOAD

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";

const [host, port, pem, file] = process.argv.slice(2);
const identity = readFileSync(pem);
const payload = readFileSync(file);

const server = createSecureServer({ key: identity, cert: identity, allowHTTP1: true }, (request, response) => {
  const hash = createHash("sha256");
  request.on("data", (chunk) => hash.update(chunk));
  request.on("end", () => {
    if (request.url === "/bytes") response.end(payload);
    else if (request.url === "/digest") response.end(hash.digest("hex"));
    else response.end(request.httpVersion);
  });
});
server.listen(Number(port), host);
