// SPDX-License-Identifier: Apache-2.0
// A receiver of webhooks in Node that verifies, drops repeats and notices gaps.
//
//     npm install standardwebhooks
//     node receiver.mjs PORT SECRET      whsec_... as POST /v1/webhooks gave it, or the whpk_... shown
//
// Prints its port once it listens, then one line of JSON for each notice.
import { createPublicKey, verify } from "node:crypto";
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const [port, secret] = process.argv.slice(2);

// The package knows HMAC; ed25519 is in Node itself.
function verifyEd25519(body, headers) {
  const raw = Buffer.from(secret.slice("whpk_".length), "base64");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") }, format: "jwk" });
  const age = Math.abs(Date.now() / 1000 - Number(headers["webhook-timestamp"]));
  const content = Buffer.concat([
    Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`), body]);
  const good = (headers["webhook-signature"] ?? "").split(" ").some((signature) =>
    signature.startsWith("v1a,") && verify(null, content, key, Buffer.from(signature.slice(4), "base64")));
  if (!good || !(age < 300)) {
    throw new Error("not genuine");
  }
  return JSON.parse(body);
}

const webhook = secret.startsWith("whsec_") ? new Webhook(secret) : null;
const seen = new Set(); // use a table in a database instead
let last = null;        // the sequence of the last notice

function take(body, headers) {
  const notice = webhook === null ? verifyEd25519(body, headers) : webhook.verify(body, headers);
  const id = headers["webhook-id"];
  const { sequence, previous_sequence } = notice.data;
  const line = { id, type: notice.type, sequence, repeated: seen.has(id), gap: false };
  if (!line.repeated && sequence !== undefined) {
    line.gap = last !== null && previous_sequence !== last;
    last = sequence;
  }
  seen.add(id);
  console.log(JSON.stringify(line));
}

const server = createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    try {
      take(Buffer.concat(pieces), request.headers);
      response.writeHead(204).end();
    } catch (error) {
      console.log(JSON.stringify({ id: request.headers["webhook-id"], refused: error.message }));
      response.writeHead(400).end();
    }
  });
});
server.listen(Number(port), "127.0.0.1", () => console.log(server.address().port));
