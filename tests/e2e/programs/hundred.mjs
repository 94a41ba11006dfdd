// Many non-blocking connects from one thread, with a timer beside them: see hundred.py.
// usage: hundred.mjs NAME PORT COUNT

import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import { createInterface } from "node:readline";

const [name, port, count] = process.argv.slice(2);
const { address } = await lookup(name);
let finished = 0;

function talk() {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port: Number(port) });
    socket.on("error", reject);
    socket.on("connect", () => socket.write("hello\n"));
    socket.on("data", () => { finished += 1; socket.destroy(); resolve(); });
  });
}

const lines = createInterface({ input: process.stdin });
console.log("resolved", process.ppid);
await new Promise((resolve) => lines.once("line", resolve));
lines.close();
const talks = Array.from({ length: Number(count) }, talk);
for (let ticks = 0; ticks < 50; ticks += 1) {
  await new Promise((resolve) => setTimeout(resolve, 10));
}
console.log("ticked", finished);
talks.push(talk());
await Promise.all(talks);
console.log("connected", finished);
