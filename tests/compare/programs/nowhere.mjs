// A name that nobody knows is an error of the request, not of the program.
// usage: nowhere.mjs URL

import { get } from "node:http";

get(process.argv[2], () => { console.log("request: answered"); process.exit(1); })
  .on("error", () => { console.log("request: failed"); });
