"use strict";
// Loads parts in parallel, sends one up, writes what arrived into the page,
// and opens the gate that keeps the page from being complete until then.

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 0xff] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

async function part(number) {
  const answer = await fetch(`/part/${number}`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return [bytes, `down ${number} ${bytes.length} ${crc32(bytes)}`];
}

async function main() {
  const parts = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(part));
  const lines = parts.map(([, line]) => line);
  const whole = await new Blob(parts.map(([bytes]) => bytes)).arrayBuffer();
  const up = await fetch("/sum", { method: "POST", body: whole });
  lines.push(`up ${await up.text()}`);
  lines.push(`style ${getComputedStyle(document.querySelector("h1")).color}`);
  document.querySelector("#sums").textContent = lines.join("\n");
  document.title = "loaded";
}

main().finally(() => fetch("/open"));
