// The loop ticks while a request is under way: after some ticks the proxy may answer.
// usage: http_get.mjs URL

import { get } from "node:http";

let ticks = 0;
const timer = setInterval(() => {
  ticks += 1;
  if (ticks === 20) {
    clearInterval(timer);
    console.log("!go");
  }
}, 5);

get(process.argv[2], (response) => {
  console.log("status:", response.statusCode);
  response.on("data", (data) => process.stdout.write(`body: ${data}`));
  response.on("end", () => process.exit(0));
}).on("error", (error) => { console.log("error:", error.code); process.exit(1); });
