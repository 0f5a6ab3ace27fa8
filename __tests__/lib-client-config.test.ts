import { clientConfig, type ClientConfigOptions } from "../lib/client-config/client-config";
import type { Inventory } from "../lib/inventory";
import { keyPair } from "./support/keys";

// What WireGuard's own apps take: com.wireguard.config of the Android app refuses a line that does not read so, and every attribute that it does not know.
const line = /^(\w+)\s*=\s*([^\s#][^#]*)$/;
const key = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw480]=$/;
const address = /^\d{1,3}(\.\d{1,3}){3}$/;
const network = /^(\d{1,3}(\.\d{1,3}){3}\/\d{1,2}|::\/0)$/;
const each = (one: RegExp) => (text: string) => text.split(/\s*,\s*/).every((part) => one.test(part));
const within = (least: number, most: number) => (text: string) =>
  /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most;
const known: Readonly<Record<string, Readonly<Record<string, (text: string) => boolean>>>> = {
  interface: { privatekey: each(key), address: each(network), dns: each(address), mtu: within(576, 65_535) },
  peer: {
    publickey: each(key),
    allowedips: each(network),
    endpoint: (text) => /^[\w.-]+:\d+$/.test(text),
    persistentkeepalive: within(0, 65_535),
  },
};

function refused(text: string): string | undefined {
  let section = "";
  const seen = new Set<string>();
  for (const raw of text.split("\n")) {
    const at = raw.replace(/#.*$/, "").trim();
    if (at === "") continue;
    const head = /^\[(\w+)\]$/.exec(at)?.[1]?.toLowerCase();
    if (head !== undefined) {
      section = head;
      continue;
    }
    const [, name = "", value = ""] = line.exec(at) ?? [];
    if (known[section]?.[name.toLowerCase()]?.(value) !== true) return raw;
    seen.add(`${section}.${name.toLowerCase()}`);
  }
  return ["interface.privatekey", "peer.publickey"].find((one) => !seen.has(one));
}

const server = { name: "wgs", publicKey: keyPair("wgs").publicKey, listenPort: 51820 };
const inventory = { nodes: [{ name: "sz", interfaces: [server] }] } as unknown as Inventory;
const phone = {
  name: "phone",
  node: "sz",
  interface: "wgs",
  publicKey: keyPair("phone").publicKey,
  mtuBytes: 1400,
  addresses: [
    { address: "10.77.0.9", promise: null },
    { address: "10.77.0.10", promise: null },
  ],
};
const own: ClientConfigOptions = { privateKey: keyPair("phone").privateKey, endpoint: "198.51.100.10" };

test.each<[string, ClientConfigOptions]>([
  ["full routes", own],
  ["split routes and resolvers", { ...own, routes: ["10.0.0.0/8"], dns: ["9.9.9.9", "149.112.112.112"] }],
  ["a name to call", { ...own, endpoint: "vpn.example.org:443" }],
])("WireGuard's apps take it: %s", (_name, options) => {
  expect(refused(clientConfig(inventory, phone, options))).toBeUndefined();
});

test("and would not take what they do not know, or what lacks its key", () => {
  const text = clientConfig(inventory, phone, own);
  expect(refused(text.replace("MTU = 1400", "MTU = 1400\nTable = off"))).toBe("Table = off");
  expect(refused(text.replace("MTU = 1400", "MTU = 1400\nPostUp = true"))).toBe("PostUp = true");
  expect(refused(clientConfig(inventory, phone, { endpoint: "198.51.100.10" }))).toBe("interface.privatekey");
});
