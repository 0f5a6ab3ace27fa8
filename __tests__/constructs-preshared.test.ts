import { createHash } from "node:crypto";
import { Directory } from "../constructs/directory";
import { inventoryOf } from "../constructs/inventory";
import { compile } from "../lib/compile";
import { removeTemporaryDirectories } from "./support/directory";
import { intentOf } from "./support/random-network";
import { problems, synthesize, wholeError } from "./support/synth";

afterAll(removeTemporaryDirectories);

const key = createHash("sha256").update("psk of wg6").digest("base64");
const digest = createHash("sha256").update(key).digest("hex");
/** A tunnel's digest stands under its server end. */
const file = "keys/gcp.wg6.psk.sha256";
const wg6 = { presharedKey: true };

describe("GIVEN a tunnel with a pre-shared key", () => {
  const peersOf = (files: Readonly<Record<string, string>>, node: string): string[] =>
    (files[`${node}/etc/wgchain/peers`] ?? "").split("\n").flatMap((line) => {
      const [name, , , , , psk, peer] = line.split("\t");
      return name === "" ? [] : [`${name} ${psk} ${peer}`];
    });

  test("THEN its digest stands at both ends' peers, and at no other's", () => {
    const { files } = synthesize({ wg6 }, { files: { [file]: `${digest}\n` } });
    expect(peersOf(files, "gcp")).toEqual([`wg6 ${digest} hk`]);
    expect(peersOf(files, "hk")).toEqual([`wg6 ${digest} gcp`, "wg7 (none) hkt", "wgp (none) sz"]);
  });
  test("WHEN an interface has another name, THEN the digest's file has the server end's", () => {
    const change = { wg6: { ...wg6, serverEnd: { interfaceName: "in" }, clientEnd: { interfaceName: "out" } } };
    expect(problems(change, { files: { "keys/gcp.in.pub": undefined } })).toContain(
      "net/wg6: the tunnel has no pre-shared key: its digest wgchain/keys/gcp.in.psk.sha256 is not there;",
    );
  });
  test("WHEN the digest is missing, THEN synth says where it was looked for and how to make it", () => {
    expect(problems({ wg6 })).toBe(
      "net/wg6: the tunnel has no pre-shared key: its digest wgchain/keys/gcp.wg6.psk.sha256 is not there; run 'wgchain keys' to make both",
    );
  });
  test.each([
    ["upper case", digest.toUpperCase(), "64 characters"],
    ["two newlines", `${digest}\n\n`, "65 characters"],
    ["sha256sum's own line", `${digest}  -\n`, "67 characters"],
    ["nothing", "", "0 characters"],
    ["the key itself", `${key}\n`, "a key itself"],
  ])("WHEN its file holds %s, THEN synth says what belongs there and shows nothing of it", (_what, text, got) => {
    const files = { [file]: text };
    expect(problems({ wg6 }, { files })).toBe(
      `net/wg6: digest of the pre-shared key (wgchain/keys/gcp.wg6.psk.sha256) must be 64 hex digits (lower case) and a newline; ${got} stood there (not shown, in case it is secret); delete the file and run 'wgchain keys'`,
    );
    expect(wholeError({ wg6 }, { files })).not.toContain(key);
  });
});

test("GIVEN a tunnel without one, THEN a digest that lies there is not read", () => {
  const { files } = synthesize({}, { files: { [file]: "rubbish" } });
  expect(files["gcp/etc/wgchain/peers"]).toMatch(/\t\(none\)\thk\n$/);
});

test.each([
  ["made", digest, []],
  ["not made yet", undefined, ["missing-preshared-key"]],
])("the inventory says at both ends whose key it is: %s", (_what, text, codes) => {
  const shape = { nodes: 3, exits: [{ through: [1, 2], clients: 1, own: 0 }], clientAddresses: true, prefix: false };
  const plain = intentOf(shape);
  const preshared = { source: "psk", ...(text === undefined ? {} : { text }) };
  const intent = { ...plain, tunnels: plain.tunnels.map((one) => (one.name === "t12" ? { ...one, preshared } : one)) };
  const compiled = compile(intent);
  const rest = { stack: "net", directory: new Directory("wgchain"), leaving: [], ownAllocations: {} };
  const inventory = inventoryOf({ ...rest, intent, compiled, problems: compiled.problems });
  const ends = inventory.nodes.flatMap((node) => node.interfaces.map((one) => [node.name, one.name, one.preshared] as const));
  const expected = { node: "n2", interface: "t12", digest: text ?? null };
  expect(ends).toEqual([
    ["n0", "clients", undefined],
    ["n0", "t01", undefined],
    ["n1", "t01", undefined],
    ["n1", "t12", expected],
    ["n2", "t12", expected],
  ]);
  expect(inventory.problems.map(({ code }) => code)).toEqual(codes);
});
