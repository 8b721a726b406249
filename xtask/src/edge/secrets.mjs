// Prints fresh secrets as JSON: VAPID pair (RFC 8292), site keys, the edge's own secret.
const { subtle } = globalThis.crypto;
const random = (octets) =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(octets))).toString("base64url");

const pair = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
const point = Buffer.from(await subtle.exportKey("raw", pair.publicKey)).toString("base64url");
const { d: scalar } = await subtle.exportKey("jwk", pair.privateKey);

// Easily typed: no 0/o, 1/l.
const letters = "abcdefghjkmnpqrstuvwxyz23456789";
const password = Array.from(crypto.getRandomValues(new Uint8Array(10)), (octet) => letters[octet % letters.length]);

console.log(
  JSON.stringify({
    site: {
      api_keys: [random(32)],
      signing_keys: [{ kid: random(6), secret: random(32) }],
      vapid: { public_key: point, private_key: scalar },
    },
    edge_secret: random(32),
    operator_key: random(32),
    password: password.join(""),
  }),
);
