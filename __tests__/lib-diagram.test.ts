import { join } from "node:path";
import { readFileSync, writeFileSync } from "node:fs";
import { App, TerraformStack } from "cdktf";
import { readSynthesized } from "../app/synthesized";
import { renderMermaid, renderSvg } from "../lib/diagram";
import { traceNetwork, type TracedNetwork, type TracedTunnel, type TracedWay } from "../lib/trace";
import { publicDirectory, removeTemporaryDirectories, temporaryDirectory } from "./support/directory";
import { runMain } from "./support/main-app";
import { reference, type Change } from "./support/reference";

jest.setTimeout(60_000);
afterAll(removeTemporaryDirectories);

function traced(change: Change = {}): TracedNetwork {
  const outdir = temporaryDirectory();
  const app = new App({ outdir, context: { "wgchain:directory": publicDirectory() } });
  reference(new TerraformStack(app, "net"), change);
  app.synth();
  return traceNetwork(readSynthesized(outdir));
}

let network: TracedNetwork;
beforeAll(() => {
  network = traced();
});
const withWays = (change: (way: TracedWay, index: number) => Partial<TracedWay>): TracedNetwork => ({
  ...network,
  ways: network.ways.map((way, index) => ({ ...way, ...change(way, index) })),
});
const decoded = (text: string): string => text.replace(/#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));
/** Mermaid's lines with that in them, as they read. */
const linesWith = (text: string, ...words: readonly string[]): string[] =>
  text.split("\n").filter((line) => words.every((word) => decoded(line).includes(word)));
const words = (svg: string): string[] =>
  [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text = ""]) =>
    text.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code))),
  );

describe("the reference network", () => {
  test("as Mermaid", () => {
    expect(renderMermaid(network)).toMatchInlineSnapshot(`
     "%%{init: {"flowchart": {"wrappingWidth": 400}}}%%
     flowchart LR
       accTitle: Who leaves where in net
       host_sz["<b>sz</b><br>198.51.100.10<br>entry<br>private 172.16.0.1/30<br>wgs 10.66.224.1/19<br>MTU 1440, port 51820"]
       host_hk["<b>hk</b><br>198.51.100.20<br>relay<br>private 172.16.0.2/30"]
       host_gcp["<b>gcp</b><br>address known after apply<br>exit, Google VM"]
       host_hkt["<b>hkt</b><br>198.51.100.30<br>exit"]
       clients_1("<b>2 clients: client, client2</b><br>10.66.224.2, 10.66.224.3<br>packets up to 1400 bytes")
       exit_gcp_google_5f_compute_5f_address_2e_gcp_5f_address_2e_address(["<b>Internet</b><br>sees gcp#39;s address<br>(known after apply)"])
       clients_2("<b>client</b><br>10.66.225.2<br>packets up to 1400 bytes")
       exit_hkt_198_2e_51_2e_100_2e_30(["<b>Internet</b><br>sees 198.51.100.30"])
       host_sz -->|"wgp 10.66.220.0/24<br>MTU 1440, private line<br>to 10.66.220.200<br>way 1: 10.66.220.224"| host_hk
       host_sz -->|"wgp<br>way 2: 10.66.220.225"| host_hk
       host_hk -->|"wg6 10.66.6.0/24<br>MTU 1400<br>to 10.66.6.6<br>way 1: 10.66.6.250"| host_gcp
       host_hk -->|"wg7 10.66.7.0/24<br>MTU 1440<br>to 10.66.7.7<br>way 2: 10.66.7.250"| host_hkt
       clients_1 -->|"way 1"| host_sz
       host_gcp -->|"way 1"| exit_gcp_google_5f_compute_5f_address_2e_gcp_5f_address_2e_address
       clients_2 -->|"way 2"| host_sz
       host_hkt -->|"way 2"| exit_hkt_198_2e_51_2e_100_2e_30
       linkStyle 0,2,4,5 stroke:#0072B2,stroke-width:2px
       linkStyle 1,3,6,7 stroke:#D55E00,stroke-width:2px
     "
    `);
  });

  test("what stands in the SVG: boxes, tunnels, the badges of ways, and a line of the legend each", () => {
    expect(words(renderSvg(network)).join("\n")).toMatchInlineSnapshot(`
     "sz
     198.51.100.10
     entry
     private 172.16.0.1/30
     wgs 10.66.224.1/19
     MTU 1440, port 51820
     hk
     198.51.100.20
     relay
     private 172.16.0.2/30
     gcp
     address known after apply
     exit, Google VM
     hkt
     198.51.100.30
     exit
     2 clients: client, client2
     10.66.224.2, 10.66.224.3
     packets up to 1400 bytes
     Internet
     sees gcp's address
     (known after apply)
     client
     10.66.225.2
     packets up to 1400 bytes
     Internet
     sees 198.51.100.30
     wgp 10.66.220.0/24
     MTU 1440, private line
     10.66.220.224
     10.66.220.225
     to 10.66.220.200
     1
     2
     wg6 10.66.6.0/24
     MTU 1400
     10.66.6.250
     to 10.66.6.6
     1
     wg7 10.66.7.0/24
     MTU 1440
     10.66.7.250
     to 10.66.7.7
     2
     1
     1
     2
     2
     1
     from sz/wgs by wgp, wg6, leaves at gcp: 2 addresses
     2
     from sz/wgs by wgp, wg7, leaves at hkt as 198.51.100.30: 1 address"
    `);
  });

  test("docs/images/reference.svg is what `wgchain diagram --format svg` prints for main.ts; UPDATE_DOCS=1 writes it", async () => {
    const { outdir, status, output } = await runMain({});
    if (status !== 0) throw new Error(output);
    const svg = renderSvg(traceNetwork(readSynthesized(outdir)));
    const file = join(__dirname, "..", "docs", "images", "reference.svg");
    if (process.env["UPDATE_DOCS"] === "1") writeFileSync(file, svg);
    expect(readFileSync(file, "utf8")).toBe(svg);
  });

  test("a way that ends on its way is drawn to where it ends, with the reason", () => {
    const head = withWays((way, index) =>
      index === 0
        ? { exit: null, tunnels: way.tunnels.slice(0, 1), labels: way.labels.slice(0, 1), why: "dropped at hk: no" }
        : {},
    );
    const mermaid = renderMermaid(head);
    expect(linesWith(mermaid, "leaves nowhere")).toEqual(['  nowhere_hk_1{{"<b>leaves nowhere</b><br>dropped at hk: no"}}']);
    expect(mermaid).toContain('  host_hk -->|"way 1"| nowhere_hk_1\n');
    expect(mermaid).toContain("way 1: 10.66.220.224");
    expect(mermaid).not.toContain("way 1: 10.66.6.250");
    expect(words(renderSvg(head))).toEqual(expect.arrayContaining(["leaves nowhere", "dropped at hk: no"]));
  });

  test("a tunnel that no way takes is drawn, without a colour", () => {
    const idle = { ...network, ways: network.ways.filter(({ exit }) => exit?.node === "gcp") };
    const [line = ""] = linesWith(renderMermaid(idle), "no way takes it");
    expect(line).toMatch(/^ {2}host_hk -\.-\|"wg7 .*"\| host_hkt$/);
    expect(renderSvg(idle)).toMatch(/<path class="idle same" data-tunnel="hk\/wg7" d=/);
  });

  test("packets that cross a tunnel from its server end have their arrow so", () => {
    const turned = (tunnel: TracedTunnel): TracedTunnel => ({ ...tunnel, client: tunnel.server, server: tunnel.client });
    const head = { ...network, tunnels: network.tunnels.map((tunnel) => (tunnel.id === "sz/wgp" ? turned(tunnel) : tunnel)) };
    expect(linesWith(renderMermaid(head), "way 1: 10.66.220.224")[0]).toMatch(/^ {2}host_sz -->.* host_hk$/);
    const numbers = (svg: string, pattern: RegExp): number[] => (pattern.exec(svg) ?? []).slice(1).map(Number);
    for (const svg of [renderSvg(network), renderSvg(head)]) {
      const [tip] = numbers(svg, /data-way="1" data-tunnel="sz\/wgp"[^>]*\/><path fill="#\w+" d="M([\d.]+)/);
      const [left = 0, width = 0] = numbers(
        svg,
        /<rect class="box host same" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"[^>]*\/><text[^>]*>hk</,
      );
      expect([left, left + width]).toContain(tip);
    }
  });
});

describe("with a base", () => {
  const toHkt: Change = { szGcp: { from: ["10.66.224.3/32"] }, szHkt: { from: ["10.66.225.2/32", "10.66.224.2/32"] } };

  test("nothing is marked where nothing is otherwise", () => {
    const { hosts, tunnels, ways } = network;
    const same = { version: 1, stack: network.stack, hosts, tunnels, ways } as const;
    const mermaid = renderMermaid(same, structuredClone(network));
    expect(linesWith(mermaid, "legend")).toHaveLength(1);
    expect(mermaid.replace(/.*legend.*\n/, "")).toBe(renderMermaid(network));
  });

  test("who moves is thick on the new way and dashed on the old one, and nobody else is", () => {
    const mermaid = renderMermaid(traced(toHkt), network);
    expect(linesWith(mermaid, "==>")).toMatchInlineSnapshot(`
     [
       "  host_sz ==>|"wgp<br>way 1, changed: 10.66.220.225"| host_hk",
       "  host_hk ==>|"wg7<br>way 1, changed: 10.66.7.250"| host_hkt",
       "  host_hkt ==>|"way 1, changed"| exit_hkt_198_2e_51_2e_100_2e_30",
       "  clients_2 ==>|"way 1, changed"| host_sz",
     ]
    `);
    expect(linesWith(mermaid, "-.->")).toMatchInlineSnapshot(`
     [
       "  host_sz -.->|"wgp<br>way 2, gone: 10.66.220.224"| host_hk",
       "  host_hk -.->|"wg6<br>way 2, gone: 10.66.6.250"| host_gcp",
       "  host_gcp -.->|"way 2, gone"| exit_gcp_google_5f_compute_5f_address_2e_gcp_5f_address_2e_address",
       "  clients_4 -.->|"way 2, gone"| host_sz",
     ]
    `);
    expect(linesWith(mermaid, "formerly way").map(decoded)).toEqual([
      '  clients_2("<b>client</b><br>10.66.224.2<br>packets up to 1440 bytes<br>changed: formerly way 2")',
    ]);
    const svg = renderSvg(traced(toHkt), network);
    const paths = (state: string): (string | undefined)[] =>
      [...svg.matchAll(new RegExp(`class="way ${state}" data-way="(\\d+)"(?: data-tunnel="([^"]+)")? stroke`, "g"))].map(
        ([, way, tunnel]) => `${way} ${tunnel ?? "-"}`,
      );
    expect([paths("changed"), paths("gone"), paths("new")]).toEqual([
      ["1 sz/wgp", "1 hk/wg7", "1 -", "1 -"],
      ["2 sz/wgp", "2 hk/wg6", "2 -", "2 -"],
      [],
    ]);
  });

  test("clients that come and go, and what of a way is otherwise though it is the same", () => {
    const head = withWays((way, index) =>
      index === 2 ? { client: "client3" } : index === 0 ? { mtuBytes: 1300 } : { hops: [...way.hops, "10.9.9.9"] },
    );
    const mermaid = renderMermaid(head, network);
    expect(linesWith(mermaid, "clients_", "<br>").map(decoded)).toMatchInlineSnapshot(`
     [
       "  clients_1("<b>client</b><br>10.66.224.2<br>packets up to 1300 bytes<br>other MTU")",
       "  clients_2("<b>client3</b><br>10.66.224.3<br>packets up to 1400 bytes<br>new")",
       "  clients_3("<b>client2</b><br>10.66.224.3<br>packets up to 1400 bytes<br>gone")",
       "  clients_4("<b>client</b><br>10.66.225.2<br>packets up to 1400 bytes<br>changed: other hops")",
     ]
    `);
  });

  test("hosts and tunnels that are new, gone or otherwise say so, and what they were", () => {
    const { hosts, tunnels } = network;
    const head: TracedNetwork = {
      ...network,
      hosts: hosts.map((host) => (host.name === "hk" ? { ...host, address: "198.51.100.21" } : host)),
      tunnels: tunnels.map((tunnel) => (tunnel.id === "hk/wg6" ? { ...tunnel, mtuBytes: 1380 } : tunnel)),
    };
    const without: TracedNetwork = {
      ...network,
      hosts: hosts.filter(({ name }) => name !== "hkt"),
      tunnels: tunnels.filter(({ id }) => id !== "hk/wg7"),
      ways: network.ways.filter(({ exit }) => exit?.node !== "hkt"),
    };
    expect(renderMermaid(head, network)).toContain(
      "198.51.100.21<br>relay<br>private 172.16.0.2/30<br>changed<br>was 198.51.100.20",
    );
    expect(renderMermaid(head, network)).toContain("MTU 1380<br>to 10.66.6.6<br>changed<br>was MTU 1400<br>way 1");
    const gone = renderMermaid(without, network);
    expect(linesWith(gone, "class ", " gone")).toEqual(["  class host_hkt,clients_2,exit_hkt_198_2e_51_2e_100_2e_30 gone"]);
    expect(linesWith(gone, "wg7", "gone", "way 2, gone: 10.66.7.250")).toHaveLength(1);
    expect(linesWith(renderMermaid(network, without), "<b>hkt</b>", "<br>new")).toHaveLength(1);
  });

  test("a tunnel that leads elsewhere is two: one that is gone, one that is new", () => {
    const head: TracedNetwork = {
      ...network,
      tunnels: network.tunnels.map((tunnel) =>
        tunnel.id === "hk/wg6" ? { ...tunnel, server: { ...tunnel.server, node: "hkt" } } : tunnel,
      ),
    };
    const lines = linesWith(renderMermaid(head, network), "wg6");
    expect(lines.map((line) => line.replace(/\|.*\|/, decoded(/(?:gone|new)/.exec(line)?.[0] ?? "")))).toEqual([
      "  host_hk -->new host_hkt",
      "  host_hk -.-gone host_gcp",
    ]);
  });
});

describe("names from outside", () => {
  const hostile = [
    `"]; click a "javascript:1"`,
    "<script>alert(1)</script>",
    "&amp; #quot; #35;",
    "1. list",
    "_x_ **b** `c` ~~s~~",
    "|pipe| %% {{b}} $$x$$",
    "fa:fa-car\n  click a",
    "a]]>b",
    "end",
    "\u202eabc\u0000\ud800\u001b[31m",
  ];
  const named = (name: string): TracedNetwork => ({
    ...network,
    stack: name,
    hosts: network.hosts.map((host) => ({ ...host, ...(host.name === "hk" ? { address: name } : {}) })),
    tunnels: network.tunnels.map((tunnel) => ({ ...tunnel, network: name, client: { ...tunnel.client, interface: name } })),
    ways: network.ways.map((way) => ({
      ...way,
      client: name,
      labels: way.labels.map(() => name),
      ...(way.exit === null ? {} : { exit: { ...way.exit, address: name } }),
    })),
  });

  test.each(hostile)("%j stays in its label", (name) => {
    const shape = (text: string): string =>
      text.replace(/"[^"]*"/g, '""').replace(/^ {2}(accTitle|exit_).*$|(?<=\S )exit_\S+/gm, "");
    const mermaid = renderMermaid(named(name));
    expect(shape(mermaid)).toBe(shape(renderMermaid(named("plain"))));
    for (const [, label = ""] of mermaid.matchAll(/"([^"]*)"/g)) {
      expect(label.replace(/<\/?b>|<br>|#\d+;|flowchart/g, "")).toMatch(/^[\p{L}\p{N} .,:/(){}-]*$/u);
    }
    const svg = renderSvg(named(name));
    const tags = (text: string): string[] => [...text.matchAll(/<\/?(\w+)/g)].map(([, tag = ""]) => tag);
    expect(tags(svg)).toEqual(tags(renderSvg(named("plain"))));
    expect(svg.replace(/<\/?\w[^<>]*>|&#\d+;/g, "")).not.toMatch(/[<>&]/);
    expect(svg).not.toMatch(/[^\P{C}\n]/u);
    // What can be shown is shown as it is.
    if (!/[\n\u202e]/.test(name)) expect(words(svg)).toContain(name);
  });

  test("Mermaid finds neither an icon nor a formula in one", () => {
    expect(linesWith(renderMermaid(named("fa:fa-car $$x$$")), "<b>")[4]).toContain(
      "fa:#8204;fa-car #36;#8204;#36;#8204;x#36;#8204;#36;#8204;",
    );
  });

  test("a long one is cut", () => {
    expect(Math.max(...words(renderSvg(named("x".repeat(500)))).map(({ length }) => length))).toBeLessThan(130);
  });

  test("two that differ in one sign are two boxes", () => {
    const names = ["a-b", "a_b", "a.b", "a2db", "a_2d_b"];
    const hosts = network.hosts.slice(0, 1).flatMap((host) => names.map((name) => ({ ...host, name })));
    const ids = [...renderMermaid({ ...network, hosts, tunnels: [], ways: [] }).matchAll(/^ {2}(host_\w+)\[/gm)].map(
      ([, id]) => id,
    );
    expect(new Set(ids).size).toBe(names.length);
  });
});
