/**
 * A resolver for each address given, over UDP and TCP: it answers every question of an IPv4 address (A) with its own, so that who asks sees who answered, and others
 * with nothing. A client's own resolver, or one on the lab's internet host.
 */
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

const port = 53;
const headerBytes = 12;

/** The question back as it came, and the answer; undefined for what is no query of one question. */
function answerTo(query: Buffer, address: string): Buffer | undefined {
  if (query.length < headerBytes || query.readUInt16BE(4) !== 1) return undefined;
  let end = headerBytes;
  while (end < query.length && query[end] !== 0) end += (query[end] ?? 0) + 1;
  end += 5;
  if (end > query.length) return undefined;
  const isA = query.readUInt16BE(end - 4) === 1;
  const header = Buffer.from(query.subarray(0, headerBytes));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(isA ? 1 : 0, 6);
  header.fill(0, 8);
  // The name by a pointer to the question's, type A, class IN, one second to live, four bytes.
  const record = Buffer.from([0xc0, headerBytes, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split(".").map(Number)]);
  return Buffer.concat([header, query.subarray(headerBytes, end), ...(isA ? [record] : [])]);
}

for (const address of process.argv.slice(2)) {
  const udp = createSocket("udp4", (query, sender) => {
    const answer = answerTo(query, address);
    if (answer !== undefined) udp.send(answer, sender.port, sender.address);
  });
  udp.bind(port, address);
  createServer((socket) => {
    let got = Buffer.alloc(0);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      got = Buffer.concat([got, chunk]);
      while (got.length >= 2 && got.length >= 2 + got.readUInt16BE(0)) {
        const query = got.subarray(2, 2 + got.readUInt16BE(0));
        got = got.subarray(2 + query.length);
        const answer = answerTo(query, address);
        if (answer === undefined) continue;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length);
        socket.write(Buffer.concat([length, answer]));
      }
    });
  }).listen(port, address);
}
