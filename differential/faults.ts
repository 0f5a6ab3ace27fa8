import { writeFileSync } from "node:fs";
import type { SynthesizedStack } from "../lib/trace";
import { linesOf, required, type Built } from "./build";
import { keyPair } from "./keys";

/** One thing that is broken: in the files that the trace reads, and on the host. */
export type Fault = { readonly node: string } & (
  | { readonly kind: "down"; readonly iface: string }
  /** A line of etc/wgchain/KIND is gone. */
  | { readonly kind: "rules" | "routes" | "elements" | "addresses"; readonly line: string }
  | { readonly kind: "nft-rule"; readonly number: number; readonly line: string }
  | { readonly kind: "nft-table" }
  | { readonly kind: "allowed-ips"; readonly iface: string; readonly key: string; readonly to: string }
  | { readonly kind: "key"; readonly iface: string; readonly key: string }
  | { readonly kind: "mtu"; readonly iface: string; readonly bytes: number }
  | { readonly kind: "sysctl"; readonly name: string; readonly value: number }
);

export type Files = SynthesizedStack["files"];
/** What the trace is given. */
export interface Model {
  readonly files: Files;
  readonly down: readonly string[];
}

/** A fault in the making: what kind, and which of all that are possible then. */
export interface Pick {
  readonly kind: Fault["kind"];
  readonly node: number;
  readonly pick: number;
}
export const kinds: readonly Fault["kind"][] = [
  "down",
  "rules",
  "routes",
  "elements",
  "addresses",
  "nft-rule",
  "nft-table",
  "allowed-ips",
  "key",
  "mtu",
  "sysctl",
];

/** Undefined where nothing of this kind is left to break. */
export function faultOf(model: Model, { kind, node: index, pick }: Pick): Fault | undefined {
  const nodes = Object.keys(model.files).sort();
  const node = nodes[index % nodes.length] ?? "";
  const possible = possibleAt(model, node, kind);
  return possible[pick % Math.max(1, possible.length)];
}

function possibleAt(model: Model, node: string, kind: Fault["kind"]): Fault[] {
  const files = model.files[node] ?? {};
  const up = (iface: string): boolean => !model.down.includes(`${node}/${iface}`);
  const lines = (name: string): string[] => linesOf(files[`etc/wgchain/${name}`]);
  const interfaces = lines("interfaces").flatMap((line) => {
    const [iface = "", , mtu] = line.split(" ");
    return up(iface) ? [{ iface, mtu: Number(mtu) }] : [];
  });
  const peers = lines("peers").flatMap((line) => {
    const [iface = "", key = "", , allowed = ""] = line.split("\t");
    return up(iface) ? [{ iface, key, allowed }] : [];
  });
  switch (kind) {
    case "down":
      return interfaces.map(({ iface }) => ({ kind, node, iface }));
    case "rules":
    case "elements":
      return lines(kind).map((line) => ({ kind, node, line }));
    case "routes":
      return lines(kind)
        .filter((line) => up(/ dev (\S+) /.exec(line)?.[1] ?? ""))
        .map((line) => ({ kind, node, line }));
    // An interface without its last address would lose all its routes, too.
    case "addresses": {
      const of = (line: string): string => line.split(" ")[0] ?? "";
      return lines(kind)
        .filter((line) => up(of(line)) && lines(kind).filter((other) => of(other) === of(line)).length > 1)
        .map((line) => ({ kind, node, line }));
    }
    case "nft-rule":
      return nftRules(files).map(({ number, line }) => ({ kind, node, number, line }));
    case "nft-table":
      return files[nftFile] === "" ? [] : [{ kind, node }];
    case "allowed-ips":
      return peers.flatMap(({ iface, key, allowed }) => narrower(allowed).map((to) => ({ kind, node, iface, key, to })));
    case "key":
      return peers.map(({ iface, key }) => ({ kind, node, iface, key }));
    case "mtu":
      return interfaces.flatMap(({ iface, mtu }) => [mtu - 100, mtu - 33, 1500].map((bytes) => ({ kind, node, iface, bytes })));
    case "sysctl":
      return linesOf(files[sysctlFile]).flatMap((line) => {
        const [, name = "", was] = /^(\S+) = (\d)$/.exec(line) ?? [];
        if (name === "" || name.split(".")[3]?.length === 0 || !up(name.split(".")[3] ?? "")) return [];
        const values = name.endsWith("rp_filter") ? [1, 2] : [0];
        return values.filter((value) => String(value) !== was).map((value) => ({ kind, node, name, value }));
      });
  }
}

const nftFile = "etc/wgchain/nftables.nft";
const sysctlFile = "etc/sysctl.d/90-wgchain.conf";

/** Lines that are rules, with their number in the file. */
function nftRules(files: Readonly<Record<string, string>>): { number: number; line: string }[] {
  return (files[nftFile] ?? "").split("\n").flatMap((line, number) => {
    return / (drop|masquerade|snat to .*|meta mark set .*|ct mark set .*)$/.test(line) ? [{ number, line: line.trim() }] : [];
  });
}

function narrower(allowed: string): string[] {
  const list = allowed.split(",");
  if (list.length > 1) return [list.slice(1).join(","), list.slice(0, -1).join(",")];
  if (allowed === "0.0.0.0/0") return ["0.0.0.0/1", "128.0.0.0/1"];
  if (allowed.endsWith("/24")) return [allowed.replace(/\/24$/, "/28"), allowed.replace(/0\/24$/, "16/28")];
  return [];
}

/** The trace's side. */
export function edited(model: Model, fault: Fault): Model {
  const { node } = fault;
  const change = (path: string, edit: (text: string) => string): Model => {
    const files = model.files[node] ?? {};
    const before = files[path] ?? "";
    const after = edit(before);
    if (after === before)
      throw new Error(`${node}: ${JSON.stringify(fault)} changes nothing in ${path}: is the case older than the renderer?`);
    return { ...model, files: { ...model.files, [node]: { ...files, [path]: after } } };
  };
  const without = (path: string, line: string): Model =>
    change(path, (text) =>
      linesOf(text)
        .filter((one) => one !== line)
        .map((one) => `${one}\n`)
        .join(""),
    );
  const peer = (iface: string, key: string, field: number, value: string): Model =>
    change("etc/wgchain/peers", (text) =>
      linesOf(text)
        .map((line) => {
          const fields = line.split("\t");
          return fields[0] === iface && fields[1] === key ? fields.with(field, value).join("\t") : line;
        })
        .map((line) => `${line}\n`)
        .join(""),
    );
  switch (fault.kind) {
    case "down":
      return { ...model, down: [...model.down, `${node}/${fault.iface}`] };
    case "rules":
    case "routes":
    case "elements":
    case "addresses":
      return without(`etc/wgchain/${fault.kind}`, fault.line);
    case "nft-rule":
      return change(nftFile, (text) => {
        const lines = text.split("\n");
        return lines[fault.number]?.trim() === fault.line ? lines.toSpliced(fault.number, 1).join("\n") : text;
      });
    case "nft-table": {
      const gone = change(nftFile, () => "");
      return { ...gone, files: { ...gone.files, [node]: { ...gone.files[node], "etc/wgchain/elements": "" } } };
    }
    case "allowed-ips":
      return peer(fault.iface, fault.key, 3, fault.to);
    case "key":
      return peer(fault.iface, fault.key, 1, strangerKey);
    case "mtu":
      return change("etc/wgchain/interfaces", (text) =>
        text.replace(new RegExp(`^${fault.iface} mtu \\d+ `, "m"), `${fault.iface} mtu ${fault.bytes} `),
      );
    case "sysctl":
      return change(sysctlFile, (text) =>
        text.replace(new RegExp(`^${fault.name} = .*$`, "m"), `${fault.name} = ${fault.value}`),
      );
  }
}

const strangerKey = keyPair("a stranger").publicKey;

/** The host's side; `model` is as it was before. */
export async function breakHost(built: Built, model: Model, fault: Fault): Promise<void> {
  const host = required(built.nodes.get(fault.node), fault.node);
  switch (fault.kind) {
    case "down":
      await host.must(`ip link del ${fault.iface}`);
      return;
    case "rules":
    case "routes":
      await host.must(`ip -4 ${fault.kind === "rules" ? "rule" : "route"} del ${fault.line}`);
      return;
    case "addresses": {
      const [iface = "", address = ""] = fault.line.split(" ");
      await host.must(`ip addr del ${address} dev ${iface}`);
      return;
    }
    case "elements": {
      const [, set = "", key = ""] = /^(\S+) (\S+)/.exec(fault.line) ?? [];
      await host.must(`nft 'delete element ip wgchain ${set} { ${key} }'`);
      return;
    }
    case "nft-table":
      await host.must("nft delete table ip wgchain");
      return;
    case "nft-rule": {
      const files = edited(model, fault).files[fault.node] ?? {};
      const elements = linesOf(files["etc/wgchain/elements"]).map((line) => {
        const [set = "", ...element] = line.split(" ");
        return `add element ip wgchain ${set} { ${element.join(" ")} }`;
      });
      writeFileSync(host.path("/run/table.nft"), ["delete table ip wgchain", files[nftFile], ...elements, ""].join("\n"));
      await host.must("nft -f /run/table.nft");
      return;
    }
    case "allowed-ips":
      await host.must(`wg set ${fault.iface} peer ${fault.key} allowed-ips ${fault.to}`);
      return;
    case "key": {
      const line = linesOf(model.files[fault.node]?.["etc/wgchain/peers"]).find((one) =>
        one.startsWith(`${fault.iface}\t${fault.key}\t`),
      );
      const [, , endpoint = "", allowed = ""] = required(line, `peer ${fault.key}`).split("\t");
      const at = endpoint === "(none)" ? "" : `endpoint ${endpoint}`;
      await host.must(
        `wg set ${fault.iface} peer ${fault.key} remove peer ${strangerKey} ${at} allowed-ips '${allowed === "(none)" ? "" : allowed}'`,
      );
      return;
    }
    case "mtu":
      await host.must(`ip link set dev ${fault.iface} mtu ${fault.bytes}`);
      return;
    case "sysctl":
      await host.must(`sysctl -qw ${fault.name}=${fault.value}`);
      return;
  }
}

export const faultText = (fault: Fault): string => {
  const { kind, node, ...rest } = fault;
  return `${kind} at ${node}: ${Object.values(rest).join(" ")}`;
};
