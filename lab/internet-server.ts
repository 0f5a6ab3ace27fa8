/**
 * Runs in the internet host and in machines of a scenario, for each address given. Over HTTP: / answers with the caller's address as plain text, /bytes/N with N bytes, POST with the number of
 * bytes it got. UDP port 7 echoes.
 */
import { createSocket } from "node:dgram";
import { createServer, type ServerResponse } from "node:http";

const block = Buffer.alloc(64 * 1024);

function sendBytes(response: ServerResponse, count: number): void {
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": count });
  let left = count;
  const more = (): void => {
    while (left > 0) {
      const size = Math.min(left, block.length);
      left -= size;
      if (!response.write(block.subarray(0, size)) && left > 0) {
        response.once("drain", more);
        return;
      }
    }
    response.end();
  };
  more();
}

const server = createServer((request, response) => {
  const match = /^\/bytes\/(\d+)$/.exec(request.url ?? "");
  if (match) return sendBytes(response, Number(match[1]));
  let count = 0;
  request.on("data", (chunk: Buffer) => (count += chunk.length));
  request.on("end", () => {
    const own = `${request.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "?"}\n`;
    response.writeHead(200, { "content-type": "text/plain" }).end(request.method === "GET" ? own : `${count}\n`);
  });
});
server.listen(80, "0.0.0.0");

for (const address of process.argv.slice(2)) {
  // A socket an address: what it sends comes from there.
  const echo = createSocket("udp4", (message, sender) => echo.send(message, sender.port, sender.address));
  echo.bind(7, address);
}
