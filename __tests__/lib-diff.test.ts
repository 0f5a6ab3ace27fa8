import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { App, TerraformStack } from "cdktf";
import { Host, SnatLabel, SourcePolicy, WgNode, WgTunnel } from "../constructs";
import { readSynthesized } from "../app/synthesized";
import {
  compareStacks,
  listFiles,
  renderJson,
  renderMarkdown,
  renderText,
  sideOf,
  type NetworkDiff,
  type Side,
} from "../lib/diff";
import { causes } from "../lib/diff/interrupts";
import { publicDirectory, removeTemporaryDirectories, temporaryDirectory } from "./support/directory";
import { keyPair } from "./support/keys";
import { reference, type Change, type Reference } from "./support/reference";

jest.setTimeout(60_000);
afterAll(removeTemporaryDirectories);

interface Options {
  readonly also?: (written: Reference) => void;
  readonly files?: Readonly<Record<string, string | undefined>>;
}

function side(change: Change = {}, { also, files = {} }: Options = {}): Side {
  const outdir = temporaryDirectory();
  const app = new App({ outdir, context: { "wgchain:directory": publicDirectory(files) } });
  const written = reference(new TerraformStack(app, "net"), change);
  also?.(written);
  app.synth();
  return sideOf(readSynthesized(outdir));
}

let base: Side;
beforeAll(() => {
  base = side();
});
const against = (head: Side): NetworkDiff => compareStacks(base, head);
const codes = ({ interrupts }: NetworkDiff): string[] =>
  interrupts.map(({ code, at, clients }) => `${code} ${at}: ${clients.map(({ address }) => address).join(" ")}`);
const text = (head: Side): string => renderText(against(head));
const toHkt: Change = { szGcp: { from: ["10.66.224.3/32"] }, szHkt: { from: ["10.66.225.2/32", "10.66.224.2/32"] } };
const publicKey = (name: string): string => `${keyPair(name).publicKey}\n`;

describe("who leaves where", () => {
  test("a client that moves is told with both exits, and alone is interrupted", () => {
    const head = side(toHkt);
    const diff = against(head);
    expect(diff.verdict).toBe("ways");
    expect(diff.moved).toEqual([
      {
        client: "client",
        address: "10.66.224.2",
        entry: "sz/wgs",
        before: { node: "gcp", address: "google_compute_address.gcp_address.address", deferred: true },
        after: { node: "hkt", address: "198.51.100.30", deferred: false },
      },
    ]);
    expect(codes(diff)).toEqual(["connections sz/wgs: 10.66.224.2"]);
    expect(renderText(diff)).toBe(`1 client leaves elsewhere

Leave elsewhere
  client (10.66.224.2): gcp google_compute_address.gcp_address.address becomes hkt 198.51.100.30

MTU
  MTU 1400 becomes 1440 for 1 client (client 10.66.224.2, client 10.66.225.2)

Interrupts
  sz/wgs, client (10.66.224.2): open connections are forgotten, and end where the world sees another address; new ones work at once; how long: nothing of a new connection is lost
  nobody else

Files
  sz
    etc/wgchain/elements +2 -2
    etc/wgchain/sources +1 -1
`);
  });

  test("an address that only Terraform knows, where somebody gives its state", () => {
    const value = (name: string) => (name === "google_compute_address.gcp_address.address" ? "203.0.113.10" : undefined);
    const shown = renderText(compareStacks(base, side(toHkt), value));
    expect(shown).toContain("client (10.66.224.2): gcp 203.0.113.10 becomes hkt 198.51.100.30\n");
    expect(compareStacks(base, base, value).verdict).toBe("nothing");
  });

  test("clients that come, go, and change their address", () => {
    const head = side({
      client: { addresses: ["10.66.224.2", "10.66.225.9"] },
      szHkt: { from: ["10.66.225.9/32"] },
    });
    const shown = text(head);
    expect(shown).toMatch(/^1 client has other addresses\n/);
    expect(shown).toContain("  new address of client (10.66.225.9): leaves at hkt 198.51.100.30\n");
    expect(shown).toContain("  gone address of client (10.66.225.2): left at hkt 198.51.100.30\n");
    const phone = side(
      { szGcp: { from: ["10.66.224.2/32", "10.66.224.3/32", "10.66.224.9/32"] } },
      {
        also: ({ wgs }) => void wgs.addClient("phone", { addresses: ["10.66.224.9"] }),
        files: { "keys/client.phone.pub": publicKey("client.phone") },
      },
    );
    expect(text(phone)).toMatch(
      /^1 client is new\n\nNew and gone clients\n {2}new phone \(10\.66\.224\.9\): leaves at gcp google/,
    );
    expect(codes(against(phone))).toEqual([]);
    expect(renderText(compareStacks(phone, base))).toMatch(/^1 client is gone\n(.*\n)*Interrupts\n {2}nobody\n\nFiles/);
  });

  test("a source that nobody selects any more leaves nowhere, and why", () => {
    const diff = against(side({ szGcp: { from: ["10.66.224.2/32"] } }));
    expect(diff.verdict).toBe("ways");
    expect(diff.nowhere.now).toMatchObject([{ client: "client2", address: "10.66.224.3", exit: { node: "gcp" } }]);
    expect(renderText(diff)).toMatch(/client2 \(10\.66\.224\.3\): gcp \S+ becomes nowhere \(unreachable at sz: .+\)\n/);
    expect(diff.moved).toEqual([]);
  });

  test("a new exit on a new host", () => {
    const diff = against(
      side(
        { szGcp: { from: ["10.66.224.2/32"] } },
        {
          also: ({ stack, sz, hk, wgp }) => {
            const tokyo = new WgNode(stack, "tokyo", { host: Host.ssh({ address: "198.51.100.40" }), exit: true });
            const network = { network: "10.66.8.0/24", serverAddress: "10.66.8.8", clientAddress: "10.66.8.250" };
            const wg8 = new WgTunnel(stack, "wg8", { server: tokyo, client: hk, ...network });
            const label = new SnatLabel(stack, "via-tokyo", { tunnel: wgp, address: "10.66.220.226" });
            new SourcePolicy(stack, "sz-tokyo", { on: sz, from: ["10.66.224.3/32"], via: wgp, snat: label });
            new SourcePolicy(stack, "hk-tokyo", { on: hk, from: [label], via: wg8 });
          },
          files: { "keys/tokyo.wg8.pub": publicKey("tokyo.wg8"), "keys/hk.wg8.pub": publicKey("hk.wg8") },
        },
      ),
    );
    expect(renderText(diff)).toMatch(/^1 client leaves elsewhere; new exit tokyo\n/);
    expect(renderText(diff)).toContain("  new tunnel hk/wg8 to tokyo/wg8 (10.66.8.0/24, public)\n");
    expect(renderText(diff)).toMatch(/ {2}tokyo\n {4}\d+ files for a new host, [\d,]+ lines\n/);
    expect(diff.tunnels.changed).toEqual([
      {
        name: "sz/wgp",
        changes: [
          {
            fact: "clientAddresses",
            before: ["10.66.220.224", "10.66.220.225"],
            after: ["10.66.220.224", "10.66.220.225", "10.66.220.226"],
          },
        ],
      },
    ]);
  });

  test("another way to the same exit", () => {
    const diff = against(side({ wg6: { serverAddress: "10.66.6.7" } }));
    expect(diff.verdict).toBe("ways");
    expect(renderText(diff)).toContain(
      "  2 clients (client 10.66.224.2, client2 10.66.224.3): 10.66.224.1 → 10.66.220.200 → 10.66.6.6 by sz/wgp, hk/wg6 becomes 10.66.224.1 → 10.66.220.200 → 10.66.6.7 by sz/wgp, hk/wg6\n",
    );
    // An address is added and removed on a live interface.
    expect(diff.interrupts).toEqual([]);
  });
});

describe("what changes for nobody's exit", () => {
  test("nothing at all", () => {
    expect(compareStacks(base, side())).toMatchObject({ verdict: "nothing", interrupts: [], files: [] });
    expect(text(side())).toBe("nothing changes\n");
  });

  test("an MTU, told once for all clients whose ways have it", () => {
    const diff = against(side({ wgp: { mtuBytes: 1320 } }));
    expect(diff.verdict).toBe("files");
    expect(renderText(diff)).toMatch(/^everybody leaves as before; \d+ files on 2 hosts change\n/);
    expect(renderText(diff)).toContain("tunnel sz/wgp: MTU 1440 becomes 1320\n");
    // Each client's own interface has the least of its addresses' ways.
    expect(renderText(diff)).toContain(
      "  MTU 1400 becomes 1320 for 2 clients (client 10.66.224.2, client2 10.66.224.3, client 10.66.225.2)\n",
    );
    expect(renderText(diff)).toMatch(/Interrupts\n {2}nobody\n/);
  });

  test("a label: the source's connections are forgotten, and its exit stays", () => {
    const diff = against(side({ viaHkt: { address: "10.66.220.230" } }));
    expect(renderText(diff)).toContain("on sz/wgp, client (10.66.225.2): 10.66.220.225 becomes 10.66.220.230\n");
    expect(codes(diff)).toEqual(["connections sz/wgs: 10.66.225.2"]);
    expect(diff.verdict).toBe("files");
  });

  test("what a host does by itself interrupts nobody, and is told as files", () => {
    const head = side({ sz: { repairEvery: "5min" } });
    expect(against(head)).toMatchObject({ verdict: "files", interrupts: [], moved: [] });
    expect(text(head)).toMatch(/Files\n {2}sz\n {4}etc\/systemd\/system\/wgchain-repair.service new \+\d+\n/);
  });

  test("the same host program on all hosts is told and listed once", () => {
    const program = "usr/local/lib/wgchain/wgchain-host";
    const files = Object.fromEntries(
      Object.entries(base.stack.files).map(([node, tree]) => [node, { ...tree, [program]: `${tree[program]}# more\n` }]),
    );
    const head = { ...base, stack: { ...base.stack, files } };
    expect(text(head)).toMatch(/Files\n {2}gcp, hk, hkt, sz\n {4}usr\/local\/lib\/wgchain\/wgchain-host \+1\n$/);
    const listings = listFiles(base.stack.files, files, against(head).files);
    expect(listings).toMatchObject([{ nodes: ["gcp", "hk", "hkt", "sz"], path: program }]);
    expect(listings[0]?.lines.at(-1)).toBe("+# more");
  });
});

describe("who is interrupted", () => {
  const all = "10.66.224.2 10.66.224.3 10.66.225.2";
  const rotated = (owner: string): Options => ({ files: { [`keys/${owner}.pub`]: publicKey(`${owner} anew`) } });

  test.each<[string, Change, Options, string[]]>([
    ["a tunnel's key, at either end", {}, rotated("sz.wgp"), [`tunnel-key sz/wgp: ${all}`]],
    ["only those who cross the tunnel", {}, rotated("hkt.wg7"), ["tunnel-key hk/wg7: 10.66.225.2"]],
    ["the key that clients hold", {}, rotated("sz.wgs"), [`clients-key sz/wgs: ${all}`]],
    ["a client's own key", {}, rotated("client.client2"), ["client-key sz/wgs: 10.66.224.3"]],
    ["a tunnel's port", { wg7: { serverEnd: { listenPort: 40_007 } } }, {}, ["tunnel-port hk/wg7: 10.66.225.2"]],
    ["its client end's port", { wg7: { clientEnd: { listenPort: 40_007 } } }, {}, ["tunnel-replies hk/wg7: 10.66.225.2"]],
    ["the port of clients", { wgs: { listenPort: 51_821 } }, {}, [`clients-port sz/wgs: ${all}`]],
    ["the address that clients dial", { szHost: { address: "198.51.100.11" } }, {}, [`clients-address sz/wgs: ${all}`]],
    ["the address that a tunnel dials", { hktHost: { address: "198.51.100.31" } }, {}, ["tunnel-endpoint hk/wg7: 10.66.225.2"]],
    ["a tunnel that goes another way", { wgp: { over: "public" } }, {}, [`tunnel-endpoint sz/wgp: ${all}`]],
    [
      "a tunnel's network",
      { wg7: { network: "10.66.17.0/24", serverAddress: "10.66.17.7", clientAddress: "10.66.17.250" } },
      {},
      ["connections sz/wgs: 10.66.225.2", "tunnel-network hk/wg7: 10.66.225.2"],
    ],
    [
      "a pre-shared key that comes",
      { wg7: { presharedKey: true } },
      { files: { "keys/hkt.wg7.psk.sha256": "ab".repeat(32) } },
      ["tunnel-psk hk/wg7: 10.66.225.2"],
    ],
  ])("%s", (_, change, options, expected) => {
    expect(codes(against(side(change, options)))).toEqual(expected);
  });

  test("clients inside of a prefix whose line changes", () => {
    const prefix: Change = { szHkt: { from: ["10.66.225.0/24"] } };
    const diff = compareStacks(side(prefix), side({ ...prefix, viaHkt: { address: "10.66.220.230" } }));
    expect(codes(diff)).toEqual(["connections sz/wgs: 10.66.225.0/24 10.66.225.2"]);
    expect(renderText(diff)).toContain("sz/wgs, 1 client and 1 source (10.66.225.0/24, client 10.66.225.2): open connections");
  });

  test("an exit whose address is another is another exit for those who leave there", () => {
    const diff = against(side({ hktHost: { address: "198.51.100.31" } }));
    expect(renderText(diff)).toContain("client (10.66.225.2): hkt 198.51.100.30 becomes hkt 198.51.100.31\n");
    expect(renderText(diff)).toContain("  host hkt: address 198.51.100.30 becomes 198.51.100.31\n");
  });

  test("who has left the tunnel when its key is switched loses nothing by it", () => {
    expect(codes(against(side(toHkt, rotated("gcp.wg6"))))).toEqual([
      "connections sz/wgs: 10.66.224.2",
      "tunnel-key hk/wg6: 10.66.224.3",
    ]);
  });

  describe("an interface of another name", () => {
    const tunnel = (interfaceName: string, listenPort: number): Change => ({ wg7: { clientEnd: { interfaceName, listenPort } } });
    const named = (name: string): Options => ({ files: { [`keys/hk.${name}.pub`]: publicKey("hk.wg7") } });
    test("at the same port: the old one is taken down first", () => {
      const before = side(tunnel("wg7", 40_007));
      const diff = compareStacks(before, side(tunnel("wg70", 40_007), named("wg70")));
      expect(codes(diff)).toEqual(["interface-replaced hk/wg7: 10.66.225.2"]);
      expect(diff.tunnels).toMatchObject({ added: [{ name: "hk/wg70" }], gone: [{ name: "hk/wg7" }], changed: [] });
    });
    test("at another port: both are there until the commit", () => {
      const before = side(tunnel("wg7", 40_007));
      expect(codes(compareStacks(before, side(tunnel("wg70", 40_008), named("wg70"))))).toEqual([]);
    });
  });

  test("what each cause stands on is where it says", () => {
    for (const { source } of causes) {
      for (const place of source.split("; ")) {
        const [, file = "", words = ""] = /^(\S+): (.+)$/.exec(place) ?? [];
        const path = join(__dirname, "..", file);
        expect([place, existsSync(path) && readFileSync(path, "utf8").includes(words)]).toEqual([place, true]);
      }
    }
  });
});

describe("with a tunnel down", () => {
  test("a way that no longer ends nowhere is told", () => {
    const ways = base.network.ways.map((way) =>
      way.address === "10.66.224.2"
        ? { ...way, down: way.down.map((one) => (one.tunnel === "hk/wg6" ? { ...one, exit: "hkt" } : one)) }
        : way,
    );
    const diff = against({ ...base, network: { ...base.network, ways } });
    expect(diff.verdict).toBe("ways");
    expect(renderText(diff)).toBe(
      "1 client leaves elsewhere when a tunnel is down\n\nWith a tunnel down\n  with hk/wg6 down, client (10.66.224.2): nowhere becomes hkt\n\nInterrupts\n  nobody\n",
    );
  });
});

describe("how it is shown", () => {
  test("Markdown: the verdict, a table, and the files folded", () => {
    const head = side(toHkt);
    const diff = against(head);
    const shown = renderMarkdown(diff, listFiles(base.stack.files, head.stack.files, diff.files));
    expect(shown).toContain(`### 1 client leaves elsewhere

| Who | Left at | Leaves at |
|---|---|---|
| \`client\` (\`10.66.224.2\`) | \`gcp\` \`google_compute_address.gcp_address.address\` | \`hkt\` \`198.51.100.30\` |

#### MTU

- MTU 1400 becomes 1440 for 1 client (\`client\` \`10.66.224.2\`, \`client\` \`10.66.225.2\`)

#### Interrupts
`);
    expect(shown).toContain(`<details><summary><code>sz</code>: <code>etc/wgchain/sources</code></summary>

\`\`\`diff
@@ `);
    expect(shown).toContain("\n-wgs 10.66.224.2 gcp 10.66.220.224\n+wgs 10.66.224.2 hkt 10.66.220.225\n");
  });

  test("names from outside neither ping, nor link, nor break out, nor steer a terminal", () => {
    const hostile = "x`|@all <b>\u001b[2J\u202e[a](http://b)";
    const ways = base.network.ways.map((way) =>
      way.address === "10.66.224.2"
        ? { ...way, client: hostile, exit: { node: "@org/team", address: "```", deferred: false } }
        : way,
    );
    const old = base.network.ways.map((way) => (way.address === "10.66.224.2" ? { ...way, client: hostile } : way));
    const before = { ...base, network: { ...base.network, ways: old } };
    const head = { ...base, network: { ...base.network, ways } };
    const diff = compareStacks(before, head);
    expect(diff.moved).toHaveLength(1);
    const row = renderMarkdown(diff)
      .split("\n")
      .find((line) => line.startsWith("| `"));
    expect(row).toBe(
      "| `` x`\\|@all <b>?[2J?[a](http://b) `` (`10.66.224.2`) | `gcp` `google_compute_address.gcp_address.address` | `@org/team` ```` ``` ```` |",
    );
    expect(renderText(diff)).toContain("x`|@all <b>?[2J?[a](http://b) (10.66.224.2): gcp");
    const listing = [{ nodes: ["@n"], path: "a</summary>@b", lines: ["+```", "+````", "+\u001b[31m"] }];
    const withFile = { ...diff, files: [{ node: "n", path: "p", change: "changed" as const, added: 1, removed: 0 }] };
    expect(renderMarkdown(withFile, listing)).toContain(
      "<details><summary><code>&#64;n</code>: <code>a&lt;/summary&gt;&#64;b</code></summary>\n\n`````diff\n+```\n+````\n+?[31m\n`````\n\n</details>",
    );
  });

  test("JSON: all keys, always", () => {
    const keys =
      "version stack verdict moved clients nowhere exits hosts interfaces tunnels mtu hops failover instead labels keys interrupts files";
    for (const head of [base, side(toHkt)]) {
      const diff = JSON.parse(renderJson(against(head))) as object;
      expect(Object.keys(diff)).toEqual(keys.split(" "));
      expect(diff).toMatchObject({ version: 1, stack: { before: "net", after: "net" } });
    }
  });
});
