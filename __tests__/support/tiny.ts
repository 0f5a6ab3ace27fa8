import { trace, World, type Question, type SynthesizedStack, type Trace, type Wiring } from "../../lib/trace";

/** Two hosts, `a` and `b`, a tunnel `wg` from one to the other, and a client `c` of a's `cl`; all files written by hand. */
export type Tiny = Readonly<Record<"a" | "b", Readonly<Record<string, string>>>>;

type ChainText = readonly [name: string, hook: string, ...rules: string[]];

const chains = (...names: readonly ChainText[]): string =>
  names
    .map(
      ([name, hook, ...rules]) =>
        `chain ${name} {\n  type ${hook}; policy accept;\n${rules.map((one) => `  ${one}\n`).join("")}}\n`,
    )
    .join("");

export const table = (...names: readonly ChainText[]): string =>
  `table ip wgchain {\nset own {\n  type ifname\n}\nset marks {\n  type mark\n}\nset nets {\n  type ipv4_addr\n  flags interval\n}\nmap marked {\n  type ipv4_addr : mark\n}\nmap labels {\n  type ipv4_addr : ipv4_addr\n}\n${chains(...names)}}\n`;

const lines = (...text: readonly string[]): string => text.map((line) => `${line}\n`).join("");
const peer = (...fields: readonly string[]): string => fields.join("\t");

/** What is routed: all of the client's traffic by the tunnel, and all that b gets from it by b's uplink. */
export const tiny: Tiny = {
  a: {
    interfaces: lines("cl mtu 1440 port 1 key KCL", "wg mtu 1440 port 2 key KA"),
    addresses: lines("cl 10.2.0.1/24", "wg 10.1.0.2/32"),
    peers: lines(
      peer("cl", "KC", "(none)", "10.2.0.2/32,10.2.0.3/32", "off", "(none)", "c"),
      peer("wg", "KB", "198.51.100.2:3", "0.0.0.0/0", "25", "(none)", "b"),
    ),
    rules: lines("pref 100 to 10.2.0.0/24 lookup 7 protocol 119", "pref 200 iif cl lookup 8 protocol 119"),
    routes: lines(
      "10.2.0.0/24 dev cl table 7 protocol 119",
      "default dev wg table 8 protocol 119",
      "unreachable default table 8 metric 9 protocol 119",
    ),
    nft: table(["leave", "nat hook postrouting priority srcnat", 'oifname "wg" snat to ip saddr map @labels']),
    elements: lines("labels 10.2.0.2 : 10.1.0.2", "labels 10.2.0.3 : 10.1.0.2"),
    sysctl: lines(
      "net.ipv4.ip_forward = 1",
      "net.ipv4.conf.all.rp_filter = 0",
      "net.ipv4.conf.cl.rp_filter = 0",
      "net.ipv4.conf.wg.rp_filter = 0",
    ),
  },
  b: {
    interfaces: lines("wg mtu 1440 port 3 key KB"),
    addresses: lines("wg 10.1.0.1/24"),
    peers: lines(peer("wg", "KA", "(none)", "10.1.0.0/24", "off", "(none)", "a")),
    rules: "",
    routes: "",
    nft: table(["leave", "nat hook postrouting priority srcnat", 'oifname != "wg" oifname != "lo" masquerade']),
    elements: "",
    sysctl: lines("net.ipv4.ip_forward = 1", "net.ipv4.conf.all.rp_filter = 0", "net.ipv4.conf.wg.rp_filter = 0"),
  },
};

const node = (name: string, address: string, host: string): Wiring["nodes"][number] => ({
  name,
  address,
  uplinkMtuBytes: 1500,
  privateLink: { address: `172.16.0.${host}/30`, mtuBytes: 1600 },
  exit: name === "b",
  kind: "ssh",
});

const wiring: Wiring = {
  version: 1,
  nodes: [node("a", "198.51.100.1", "1"), node("b", "198.51.100.2", "2")],
  clients: [{ name: "c", node: "a", interface: "cl", publicKey: "KC", mtuBytes: 1440, addresses: ["10.2.0.2", "10.2.0.3"] }],
  declared: [],
};

type Changes = { readonly [K in keyof Tiny]?: Readonly<Record<string, (text: string) => string>> };

const paths: Readonly<Record<string, string>> = { nft: "etc/wgchain/nftables.nft", sysctl: "etc/sysctl.d/90-wgchain.conf" };

export function tinyStack(changes: Changes = {}, change: (of: Wiring) => Wiring = (of) => of): SynthesizedStack {
  const files = Object.entries(tiny).map(([name, texts]) => {
    const changed = changes[name as keyof Tiny] ?? {};
    const all = Object.entries(texts).map(([file, text]) => {
      const now = changed[file]?.(text) ?? text;
      if (changed[file] !== undefined && now === text) throw new Error(`nothing changed in ${file} of ${name}`);
      return [paths[file] ?? `etc/wgchain/${file}`, now] as const;
    });
    return [name, Object.fromEntries(all)] as const;
  });
  return { stack: "tiny", wiring: change(wiring), files: Object.fromEntries(files) };
}

/** What the client's packet does; with files changed so. */
export function tinyTrace(
  changes: Changes = {},
  question: Partial<Question> = {},
  change: (of: Wiring) => Wiring = (of) => of,
): Trace {
  const world = World.of(tinyStack(changes, change));
  return trace(world, { at: "c", source: "10.2.0.2", destination: "9.9.9.9", ...question });
}

/** In short: where it came through, and how it ended. */
export function way({ hops, verdict }: Pick<Trace, "hops" | "verdict">): string {
  const steps = hops.map(({ at, oif, source }) => `${at}${oif === undefined ? "" : `>${oif} ${source}`}`);
  return `${steps.join(", ")}: ${verdict.end} at ${verdict.at}`;
}

export const add =
  (line: string) =>
  (text: string): string =>
    `${text}${line}\n`;
export const put =
  (from: string | RegExp, to: string | ((whole: string) => string)) =>
  (text: string): string =>
    typeof to === "string" ? text.replace(from, to) : text.replace(from, to);
