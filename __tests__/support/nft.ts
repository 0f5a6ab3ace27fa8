import { spawnSync } from "node:child_process";

/** As the host loads it: the file, then the elements; whatever stood there before goes in the same transaction. */
export function nftScript(files: Readonly<Record<string, string>>): string {
  const elements = (files["etc/wgchain/elements"] ?? "").split("\n").filter(Boolean);
  return [
    "table ip wgchain",
    "delete table ip wgchain",
    files["etc/wgchain/nftables.nft"] ?? "",
    ...elements.map((line) => line.replace(/^(\S+) (.*)$/, "add element ip wgchain $1 { $2 }")),
    "",
  ].join("\n");
}

/** Runs a script of bash in a network namespace of its own; throws with all that it said when it fails. */
export function inNamespace(script: string, environment: Readonly<Record<string, string>> = {}): string {
  const ran = spawnSync("unshare", ["-n", "bash", "-euc", script], {
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  if (ran.status !== 0) throw new Error(`status ${String(ran.status)}\n${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}

/** Elements and rules of a listing by nft, in the forms of our own files. */
export function listed(text: string): { readonly elements: readonly string[]; readonly rules: readonly string[] } {
  const elements = [...text.matchAll(/^\t(?:set|map) (\S+) \{\n([^}]*?)elements = \{([^}]*)\}/gm)].flatMap(
    ([, name = "", , inside = ""]) => inside.split(",").map((one) => `${name} ${one.trim().replace(/0x0+/, "0x")}`),
  );
  const rules = [...text.matchAll(/^\t\t((?:iifname|oifname|ip|ct|meta|tcp) .*)$/gm)].map(([, rule = ""]) => rule);
  return { elements: elements.sort(), rules };
}
