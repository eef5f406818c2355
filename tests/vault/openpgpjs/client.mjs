// A client's browser or mail program, as OpenPGP.js does it. One order as JSON on standard input, one answer on standard output.
import { createInterface } from "node:readline";
import * as openpgp from "openpgp";

const KINDS = {
  curve25519: { type: "curve25519", format: "object" }, // version 4 packets of RFC 9580's algorithms
  ecc: { type: "ecc", curve: "curve25519Legacy", format: "object" },
  rsa: { type: "rsa", rsaBits: 3072, format: "object" },
};

async function make({ kind, name }) {
  const { privateKey, publicKey } = await openpgp.generateKey({ ...KINDS[kind], userIDs: [{ name }] });
  return { secret: privateKey.armor(), certificate: publicKey.armor() };
}

async function seal({ data, to, by, compress, aead, armour }) {
  const message = await openpgp.encrypt({
    message: await openpgp.createMessage({ binary: Buffer.from(data, "base64"), filename: "Liste Müller.csv" }),
    encryptionKeys: await openpgp.readKey({ armoredKey: to }),
    signingKeys: by ? await openpgp.readPrivateKey({ armoredKey: by }) : undefined,
    format: armour ? "armored" : "binary",
    config: {
      preferredCompressionAlgorithm: openpgp.enums.compression[compress ?? "uncompressed"],
      aeadProtect: aead ?? false,
    },
  });
  return { message: Buffer.from(message).toString("base64") };
}

async function open({ message, secret, from }) {
  const { data, signatures } = await openpgp.decrypt({
    message: await openpgp.readMessage({ binaryMessage: Buffer.from(message, "base64") }),
    decryptionKeys: await openpgp.readPrivateKey({ armoredKey: secret }),
    verificationKeys: await openpgp.readKey({ armoredKey: from }),
    expectSigned: true,
    format: "binary",
  });
  await signatures[0].verified;
  return { data: Buffer.from(data).toString("base64") };
}

const does = { make, seal, open };
for await (const line of createInterface({ input: process.stdin })) {
  const { what, ...order } = JSON.parse(line);
  let answer;
  try {
    answer = await does[what](order);
  } catch (error) {
    answer = { refused: error.message };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
