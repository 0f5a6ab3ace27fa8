import type { RenderedHost } from "../../lib/render/host";

/** One change of one file of one host, as a defect of the renderer would make it. */
export interface Edit {
  readonly node: string;
  readonly file: string;
  readonly change: (text: string) => string;
}

/** Short names of what a host gets. */
const fileOf = (name: string): string => {
  if (name === "sysctl") return "etc/sysctl.d/90-wgchain.conf";
  if (name.endsWith(".conf")) return `etc/wireguard/${name}`;
  return `etc/wgchain/${name === "nft" ? "nftables.nft" : name}`;
};

const edited = (node: string, name: string, change: (text: string) => string): Edit => ({ node, file: fileOf(name), change });

/** "sz rules": without the lines that match. */
export function without(where: string, line: RegExp): Edit {
  const [node = "", file = ""] = where.split(" ");
  return edited(node, file, (text) =>
    text
      .split("\n")
      .filter((one) => !line.test(one))
      .join("\n"),
  );
}

/** Everywhere in the file. */
export function instead(where: string, from: string | RegExp, to: string): Edit {
  const [node = "", file = ""] = where.split(" ");
  return edited(node, file, (text) => text.replaceAll(typeof from === "string" ? from : new RegExp(from, "gm"), to));
}

export function added(where: string, line: (text: string) => string): Edit {
  const [node = "", file = ""] = where.split(" ");
  return edited(node, file, (text) => `${text}${line(text)}\n`);
}

export function withoutChain(node: string, name: string): Edit {
  return edited(node, "nft", (text) => text.replace(new RegExp(`  chain ${name} \\{\n[^}]*\\}\n`), ""));
}

/** One value where two lines had different ones: what follows the first match of each pattern changes places. */
export function swapped(where: string, one: RegExp, other: RegExp): Edit {
  const [node = "", file = ""] = where.split(" ");
  return edited(node, file, (text) => {
    const [a, b] = [one, other].map((pattern) => pattern.exec(text)?.[1]);
    if (a === undefined || b === undefined) return text;
    return text.replace(one, (whole) => whole.replace(a, b)).replace(other, (whole) => whole.replace(b, a));
  });
}

/** Throws where there is nothing to break. */
export function broken(host: RenderedHost, edits: readonly Edit[]): RenderedHost {
  const files: Record<string, string> = { ...host.files };
  for (const { node, file, change } of edits) {
    if (node !== host.node) continue;
    const before = files[file];
    if (before === undefined) throw new Error(`${node} has no file ${file} to break`);
    files[file] = change(before);
    if (files[file] === before) throw new Error(`nothing to break in ${file} of ${node}`);
  }
  return { ...host, files };
}

/** Name, what is broken, and what one line of synth must say; "…" stands for anything. */
export type Variant = readonly [name: string, says: string, ...edits: readonly Edit[]];

export const mtu = (where: string, from: number, to: number): Edit[] => {
  const [node = "", name = ""] = where.split("/");
  return [
    instead(`${node} interfaces`, `${name} mtu ${from}`, `${name} mtu ${to}`),
    instead(`${node} ${name}.conf`, `MTU = ${from}`, `MTU = ${to}`),
  ];
};
export const peer = (where: string, from: string, to: string): Edit[] => {
  const [node = "", name = ""] = where.split("/");
  return [instead(`${node} peers`, from, to), instead(`${node} ${name}.conf`, from, to)];
};
/** A field of one line, for another line to take. */
export const field = (text: string, pattern_: RegExp): string => pattern_.exec(text)?.[1] ?? "";
