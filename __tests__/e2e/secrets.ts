import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../../lab";

/** Every private key of the lab's WireGuard interfaces, from the hosts themselves. */
export async function privateKeysOf(lab: Lab): Promise<string[]> {
  const hosts = lab.hosts.filter((name) => !["internet", "operator"].includes(name));
  const dumps = await Promise.all(hosts.map((name) => lab.host(name).sh("wg show all private-key")));
  return dumps
    .flatMap(({ stdout }) => stdout.split("\n").flatMap((line) => line.split("\t")[1] ?? []))
    .filter((key) => key.length === 44);
}

/** Where a key was found; keys are not named. */
export function seenSecrets(
  keys: readonly string[],
  where: { readonly text: readonly string[]; readonly directories: readonly string[] },
): string[] {
  const holds = (text: string): boolean => keys.some((key) => text.includes(key));
  const files = where.directories.flatMap(filesBelow);
  return [
    ...where.text.flatMap((text, index) => (holds(text) ? [`text ${index}`] : [])),
    ...files.filter((file) => holds(readFileSync(file, "latin1"))),
  ];
}

function filesBelow(path: string): string[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Arguments and environments of all processes of the machine, seen again and again while `action` runs. */
export async function sampleProcesses<T>(action: () => Promise<T>): Promise<{ result: T; processes: string }> {
  const seen = new Set<string>();
  const timer = setInterval(() => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      for (const file of ["cmdline", "environ"]) {
        try {
          seen.add(readFileSync(`/proc/${pid}/${file}`, "latin1").replaceAll("\0", " "));
        } catch {
          // it has ended
        }
      }
    }
  }, 20);
  try {
    return { result: await action(), processes: [...seen].join("\n") };
  } finally {
    clearInterval(timer);
  }
}
