import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { callersAddress, table } from "../../lab";
import { ownLab } from "./instance";

const lab = ownLab("names");

afterAll(() => lab.down({ force: true }), 60_000);

test("exits and clients by name keep their promises, also where the relay is an exit itself", async () => {
  await lab.up({ app: join(__dirname, "exit-network") });
  const rows = await lab.probe();
  process.stdout.write(`${table(rows)}\n`);
  expect(rows.flatMap((row) => row.problems)).toEqual([]);
  const address = (client: string): string => rows.find((row) => row.client === client)?.address ?? "";
  expect(await callersAddress(lab.host("phone"), address("phone"))).toBe("198.51.100.20");
  expect(await callersAddress(lab.host("laptop"), address("laptop"))).toBe("198.51.100.40");
  expect(await callersAddress(lab.host("tv"), address("tv"))).toBe("198.51.100.40");
}, 180_000);

test("a tunnel's pre-shared key is the same at both ends, and is in no file that is readable, nor in what Terraform said", async () => {
  const secret = async (host: string): Promise<string[]> =>
    (await lab.host(host).sh("wg show all preshared-keys | awk '$3 != \"(none)\" { print $3 }'")).stdout
      .trim()
      .split("\n")
      .sort();
  const [sz, hk, tokyo] = await Promise.all(["sz", "hk", "tokyo"].map(secret));
  expect(sz).toHaveLength(1);
  expect(tokyo).toHaveLength(1);
  expect(hk).toEqual([...(sz ?? []), ...(tokyo ?? [])].sort());
  for (const key of hk ?? []) {
    expect(
      (await lab.host("operator").sh(`grep -rFl -- '${key}' '${lab.paths.root}/out' '${lab.paths.logs}' || true`)).stdout,
    ).toBe("");
    expect((await lab.host("hk").sh(`find /etc -perm /077 -type f -exec grep -Fl -- '${key}' {} + || true`)).stdout).toBe("");
  }
}, 60_000);

test("keys of a tunnel are rotated in one deploy, under traffic", async () => {
  const [tunnel] = (await lab.host("tokyo").sh("wg show interfaces")).stdout.trim().split(/\s+/);
  const next = await lab
    .host("tokyo")
    .sh(`umask 077; wg genkey >/etc/wgchain/keys/${tunnel}.key.next; wg pubkey </etc/wgchain/keys/${tunnel}.key.next`);
  writeFileSync(join(lab.paths.directory, "keys", `tokyo.${tunnel}.pub`), next.stdout);
  const pings = lab.host("laptop").sh("ping -i 0.01 -c 1200 -W 1 192.0.2.1 | tail -n 3", { check: false });
  await lab.up({ app: join(__dirname, "exit-network") });
  const summary = (await pings).stdout;
  const lost =
    Number(/(\d+) packets transmitted, (\d+) received/.exec(summary)?.[1]) - Number(/(\d+) received/.exec(summary)?.[1]);
  process.stdout.write(`rotating tokyo's key under 100 packets/s: ${lost} lost\n`);
  expect((await lab.host("tokyo").sh(`wg show ${tunnel} public-key`)).stdout).toBe(next.stdout);
  // WireGuard has no overlap of keys: what is on its way while both ends switch is lost.
  expect(lost).toBeLessThan(30);
  expect((await lab.probe()).flatMap((row) => row.problems)).toEqual([]);
}, 180_000);
