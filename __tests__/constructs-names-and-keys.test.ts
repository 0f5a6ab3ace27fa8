import { randomBytes } from "node:crypto";
import { Host, SnatLabel, SourcePolicy, WgNode, WgTunnel } from "../constructs";
import { parsePublicKey } from "../lib/key";
import { removeTemporaryDirectories } from "./support/directory";
import { keyPair, keyPairOf, type KeyPair } from "./support/keys";
import type { Reference } from "./support/reference";
import { problems, wholeError } from "./support/synth";

afterAll(removeTemporaryDirectories);

const ends = (name: string) => ({
  serverEnd: { publicKey: keyPair(`${name} server`).publicKey },
  clientEnd: { publicKey: keyPair(`${name} client`).publicKey },
});

/** A key pair whose private key is not by chance a public key's text, too (1 in 16 is). */
function tellablePair(): KeyPair {
  for (let tries = 0; tries < 100; tries++) {
    const pair = keyPairOf(randomBytes(32));
    try {
      parsePublicKey(pair.privateKey, "key");
    } catch {
      return pair;
    }
  }
  throw new Error("no private key of 100 is told from a public one");
}

describe("GIVEN the reference network, WHEN a name would not be safe, THEN synth refuses it", () => {
  test.each(["s z", "sz;reboot", "$(id)", "s'z", "-sz", "s/z", "s.z", "é", "a".repeat(64), "a".repeat(300), "sz\n"])(
    "node %j",
    (name) => {
      expect(
        problems(
          {},
          { also: ({ stack }) => void new WgNode(stack, "extra", { name, host: Host.ssh({ address: "198.51.100.40" }) }) },
        ),
      ).toBe(
        `net/extra: node name '${name}' may hold only letters, digits, dash and underscore, not start with a dash, and have 1 to 63 characters`,
      );
    },
  );
  test("node that starts with a digit", () => {
    expect(
      problems({}, { also: ({ stack }) => void new WgNode(stack, "7up", { host: Host.ssh({ address: "198.51.100.40" }) }) }),
    ).toMatchInlineSnapshot(`"net/7up: node name '7up' must start with a letter"`);
  });
  test("client", () => {
    expect(
      problems({}, { also: ({ wgs }) => void wgs.addClient("Ann`s", { addresses: ["10.66.224.9"], ...keyPair("ann") }) }),
    ).toMatchInlineSnapshot(
      `"net/sz/wgs/Ann\`s: client name 'Ann\`s' may hold only letters, digits, dash and underscore, not start with a dash, and have 1 to 63 characters"`,
    );
  });
  test("client of 300 bytes, for which no key file can be", () => {
    const also = ({ wgs }: Reference): void => void wgs.addClient("a".repeat(300), { addresses: ["10.66.224.9"] });
    expect(problems({}, { also }).replaceAll("a".repeat(300), "aaa...")).toMatchInlineSnapshot(`
     "net/sz/wgs/aaa...: client aaa... has no public key: wgchain/keys/client.aaa....pub is not there; put the output of the client's 'wg pubkey' there, or make a pair here with 'wgchain keys --clients'
     net/sz/wgs/aaa...: client name 'aaa...' may hold only letters, digits, dash and underscore, not start with a dash, and have 1 to 63 characters"
    `);
  });
  test("label, policy and tunnel", () => {
    expect(
      problems(
        {},
        {
          also: ({ stack, sz, hk, hkt, wgp, viaHkt }) => {
            new SnatLabel(stack, "a b", { tunnel: wgp, address: "10.66.220.226" });
            new SourcePolicy(stack, "c|d", { on: sz, from: ["10.66.226.1"], via: wgp, snat: viaHkt });
            new WgTunnel(stack, "e&f", {
              server: hkt,
              client: hk,
              network: "10.66.8.0/24",
              serverAddress: "10.66.8.1",
              ...ends("e"),
            });
          },
        },
      ),
    ).toMatchInlineSnapshot(`
     "net/e&f: tunnel name 'e&f' may hold only letters, digits, dash and underscore, not start with a dash, and have 1 to 63 characters
     net/e&f: interface name 'e&f' may hold only letters, digits, dash and underscore, not start with a dash, and have 1 to 63 characters
     net/a b: label name 'a b' may hold only letters, digits, dash and underscore, not start with a dash, and have 1 to 63 characters
     net/c|d: policy name 'c|d' may hold only letters, digits, dash and underscore, not start with a dash, and have 1 to 63 characters"
    `);
  });
  test("interface of 16 bytes", () => {
    expect(
      problems({ wg7: { ...ends("wg7"), clientEnd: { ...ends("wg7").clientEnd, interfaceName: "wireguard-to-hkt" } } }),
    ).toMatchInlineSnapshot(
      `"net/wg7: interface name 'wireguard-to-hkt' has 16 bytes, Linux takes 15; set a shorter interfaceName"`,
    );
  });
  test("interface that means something else in Linux", () => {
    expect(
      problems({ wg7: { ...ends("wg7"), clientEnd: { ...ends("wg7").clientEnd, interfaceName: "all" } } }),
    ).toMatchInlineSnapshot(`"net/wg7: interface name 'all' has a meaning of its own in Linux; take another"`);
  });
  test("ssh destination that is an option, user, port, jump host", () => {
    expect(
      problems({
        szHost: { destination: "-oProxyCommand=id" },
        hkHost: { user: "Root!", port: 0 },
        hktHost: { jump: "bastion,-J evil" },
      }),
    ).toMatchInlineSnapshot(`
     "net/sz: ssh destination '-oProxyCommand=id' may hold only letters, digits and . : @ _ -, and not start with a dash
     net/hk: user 'Root!' is not a Linux user name; write e.g. root, admin or wgchain
     net/hk: ssh port 0 is out of range; take a whole number from 1 to 65535
     net/hkt: jump host '-J evil' is not [USER@]HOST[:PORT]; write e.g. admin@bastion.example:2222, an IPv6 address in brackets ([2001:db8::1]:22), several joined by commas"
    `);
  });
  test("a jump host with an IPv6 address in brackets is taken, one without is not", () => {
    const jumpOf = (jump: string): string => {
      const said = problems({ hktHost: { jump }, hk: { mtuBytes: 1 } }).split("\n");
      return said.find((line) => line.startsWith("net/hkt:")) ?? "taken";
    };
    expect(jumpOf("[2001:db8::1]:22,admin@[2001:db8::2]")).toBe("taken");
    expect(jumpOf("2001:db8::1")).toContain("jump host '2001:db8::1' is not [USER@]HOST[:PORT]");
  });
});

describe("GIVEN the reference network, WHEN a name is used twice, THEN synth names both", () => {
  test("node", () => {
    expect(
      problems(
        {},
        { also: ({ stack }) => void new WgNode(stack, "extra", { name: "hkt", host: Host.ssh({ address: "198.51.100.40" }) }) },
      ),
    ).toMatchInlineSnapshot(`"net/extra: node name 'hkt' is used by 'net/hkt' and 'net/extra'; set another name on one"`);
  });
  test("interface", () => {
    expect(
      problems({ wg7: { ...ends("wg7"), clientEnd: { ...ends("wg7").clientEnd, interfaceName: "wg6" } } }),
    ).toMatchInlineSnapshot(
      `"net/wg7: interface 'wg6' of 'hk' is used by 'net/wg6' and 'net/wg7'; set another interfaceName on one"`,
    );
  });
  test("port", () => {
    expect(
      problems({ wg6: { clientEnd: { listenPort: 51_900 } }, wg7: { clientEnd: { listenPort: 51_900 } } }),
    ).toMatchInlineSnapshot(
      `"net/wg7: listenPort 51900 of 'hk' is used by 'net/wg6' and 'net/wg7'; set another listenPort on one"`,
    );
  });
  test("client of two interfaces", () => {
    expect(
      problems(
        {},
        {
          files: { "keys/hk.wgc.pub": keyPair("hk.wgc").publicKey },
          also: ({ hk }) =>
            void hk
              .serveClients("wgc", { address: "10.66.9.1/24" })
              .addClient("client2", { addresses: ["10.66.9.2"], ...keyPair("other") }),
        },
      ),
    ).toMatchInlineSnapshot(
      `"net/hk/wgc/client2: client name 'client2' is used by 'net/sz/wgs/client2' and 'net/hk/wgc/client2'; set another name on one"`,
    );
  });
  test("public key", () => {
    expect(problems({}, { files: { "keys/client.client2.pub": keyPair("client.client").publicKey } })).toBe(
      `net/sz/wgs/client2: public key ${keyPair("client.client").publicKey} (client client2) is used by 'net/sz/wgs/client' and 'net/sz/wgs/client2'; set another key on one`,
    );
  });
});

test("GIVEN ports by hand WHEN they are none THEN synth says the range", () => {
  expect(problems({ wgs: { listenPort: 0 }, wg6: { serverEnd: { listenPort: 65_536 } } })).toMatchInlineSnapshot(`
   "net/sz/wgs: listenPort 0 is out of range; take a whole number from 1 to 65535
   net/wg6: listenPort 65536 is out of range; take a whole number from 1 to 65535"
  `);
});

describe("GIVEN a public key that is missing or wrong, THEN synth says where it was looked for", () => {
  test("missing", () => {
    const files = { "keys/hk.wgp.pub": undefined, "keys/client.client2.pub": undefined };
    expect(problems({}, { files })).toMatchInlineSnapshot(`
     "net/wgp: interface wgp of hk has no public key: wgchain/keys/hk.wgp.pub is not there; run 'wgchain keys' to make it
     net/sz/wgs/client2: client client2 has no public key: wgchain/keys/client.client2.pub is not there; put the output of the client's 'wg pubkey' there, or make a pair here with 'wgchain keys --clients'"
    `);
  });
  test.each([
    ["empty", ""],
    ["too short", "abc="],
    ["of 33 bytes", Buffer.alloc(33, 1).toString("base64")],
    ["not base64", `${"*".repeat(43)}=`],
    ["in hex", "ab".repeat(32)],
  ])("%s", (_how, text) => {
    expect(problems({}, { files: { "keys/hk.wgp.pub": text } })).toBe(
      "net/wgp: public key of interface wgp of hk (wgchain/keys/hk.wgp.pub) is not a WireGuard public key (44 characters of base64 ending in '='); what was given is not shown, in case it is secret",
    );
  });
  test("all zeros", () => {
    expect(problems({}, { files: { "keys/hk.wgp.pub": Buffer.alloc(32).toString("base64") } })).toMatchInlineSnapshot(
      `"net/wgp: public key of interface wgp of hk (wgchain/keys/hk.wgp.pub) is all zeros, which WireGuard takes for 'no key'"`,
    );
  });
});

describe("GIVEN a private key where a public one belongs, THEN synth refuses it and shows its value nowhere", () => {
  const { privateKey } = tellablePair();
  const said =
    "is a private key where a public one belongs (not shown); give the output of 'wg pubkey', and make a new pair if this text was ever committed";

  test("in a file", () => {
    const files = { "keys/hk.wgp.pub": `${privateKey}\n` };
    expect(problems({}, { files })).toBe(`net/wgp: public key of interface wgp of hk (wgchain/keys/hk.wgp.pub) ${said}`);
    expect(wholeError({}, { files })).not.toContain(privateKey);
  });
  test("in main.ts", () => {
    const change = { client2: { publicKey: privateKey } };
    expect(problems(change)).toBe(`net/sz/wgs/client2: public key of client client2 (publicKey) ${said}`);
    expect(wholeError(change)).not.toContain(privateKey);
  });
  test("with other mistakes beside it, and with a letter too many", () => {
    const change = {
      client2: { publicKey: `${privateKey}x` },
      wg7: { serverEnd: { publicKey: privateKey }, network: "10.66.7.1/24" },
    };
    expect(problems(change).split("\n")).toHaveLength(3);
    expect(wholeError(change)).not.toContain(privateKey.slice(0, 12));
  });
});
